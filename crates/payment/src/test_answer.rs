//! What a software card of the test mode does with a question, and which it does by the order's amount.
//!
//! For: merchants' own tests, which must end the same way each time. Refuses: anything about money; an answer goes to the
//! platform as a real card's frames, and the rules of orders decide.

use model::Amount;

/// What a software card does when an order waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestAnswer {
    /// It is pressed as often as the order's page says.
    Agree,
    /// The key is held to refuse.
    Refuse,
    /// The key is held for "not me": the card is frozen.
    NotMe,
    /// It is pressed another number of times than the page says.
    WrongPresses,
    /// The order is over the card's own limit.
    OverLimit,
    /// The light comes on and nobody presses.
    Unanswered,
    /// The card is not heard.
    Silent,
    /// It is pressed in time, and the answer arrives when the order's time is over.
    Late,
    /// It is pressed, and the answer arrives twice.
    Repeat,
    /// The platform cannot carry the order out.
    Fail,
}

impl TestAnswer {
    /// Every answer.
    pub const ALL: [Self; 10] = [
        Self::Agree,
        Self::Refuse,
        Self::NotMe,
        Self::WrongPresses,
        Self::OverLimit,
        Self::Unanswered,
        Self::Silent,
        Self::Late,
        Self::Repeat,
        Self::Fail,
    ];

    /// The word for JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::Refuse => "refuse",
            Self::NotMe => "not_me",
            Self::WrongPresses => "wrong_presses",
            Self::OverLimit => "over_limit",
            Self::Unanswered => "unanswered",
            Self::Silent => "silent",
            Self::Late => "late",
            Self::Repeat => "repeat",
            Self::Fail => "fail",
        }
    }

    /// The answer of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.name() == name)
    }

    /// What a card does by itself with an order of this amount: the last two digits of the minor units say it.
    pub const fn by_amount(amount: Amount) -> Self {
        match amount.minor() % 100 {
            1 => Self::Refuse,
            3 => Self::Silent,
            4 => Self::NotMe,
            5 => Self::Late,
            6 => Self::Repeat,
            7 => Self::Fail,
            8 => Self::OverLimit,
            9 => Self::Unanswered,
            _ => Self::Agree,
        }
    }

    /// Whether an order of this amount is refused before any card is asked: its holder does not have it.
    pub const fn lacks_funds(amount: Amount) -> bool {
        amount.minor() % 100 == 2
    }
}

/// What a software card does when nothing more was said of its next questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TestHabit {
    /// As the amount says: [`TestAnswer::by_amount`].
    #[default]
    ByAmount,
    /// Nothing, until it is pressed.
    Wait,
    /// This, always.
    Always(TestAnswer),
}

impl TestHabit {
    /// The word for JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ByAmount => "by_amount",
            Self::Wait => "wait",
            Self::Always(answer) => answer.name(),
        }
    }

    /// The habit of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "by_amount" => Some(Self::ByAmount),
            "wait" => Some(Self::Wait),
            name => TestAnswer::from_name(name).map(Self::Always),
        }
    }

    /// What it does with an order of this amount, if anything.
    pub const fn answer(self, amount: Amount) -> Option<TestAnswer> {
        match self {
            Self::ByAmount => Some(TestAnswer::by_amount(amount)),
            Self::Wait => None,
            Self::Always(answer) => Some(answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Currency;

    fn amount(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    #[test]
    fn the_last_two_digits_of_an_amount_say_how_it_ends() {
        let table = [
            (1, "refuse"),
            (3, "silent"),
            (4, "not_me"),
            (5, "late"),
            (6, "repeat"),
            (7, "fail"),
            (8, "over_limit"),
            (9, "unanswered"),
        ];
        for hundreds in [0, 2_000, 4_294_967_200] {
            for last in (0..100).filter(|last| hundreds + last > 0 && hundreds + last <= i64::from(u32::MAX))
            {
                let expected = table.iter().find(|(of, _)| *of == last).map_or("agree", |(_, name)| name);
                assert_eq!(TestAnswer::by_amount(amount(hundreds + last)).name(), expected);
                assert_eq!(TestAnswer::lacks_funds(amount(hundreds + last)), last == 2);
            }
        }
    }

    #[test]
    fn every_word_is_its_own_and_reads_back() {
        for answer in TestAnswer::ALL {
            assert_eq!(TestAnswer::from_name(answer.name()), Some(answer));
            assert_eq!(TestHabit::from_name(answer.name()), Some(TestHabit::Always(answer)));
        }
        for habit in [TestHabit::ByAmount, TestHabit::Wait] {
            assert_eq!(TestHabit::from_name(habit.name()), Some(habit));
            assert_eq!(TestAnswer::from_name(habit.name()), None);
        }
        assert_eq!(TestHabit::from_name("Agree"), None);
    }
}
