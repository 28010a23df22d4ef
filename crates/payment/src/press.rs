//! The press count: a number on the order's page that the holder presses and the platform compares.
//!
//! It binds the press to the page that the holder looks at, at no byte on the air, and defeats an order that
//! somebody else had waiting.

use model::Amount;

/// How many presses an order wants, 2 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PressCount(u8);

impl PressCount {
    /// The numbers there are: at most four counted orders of one card can wait.
    pub const ALL: [Self; 4] = [Self(2), Self(3), Self(4), Self(5)];

    /// The count 2 to 5.
    pub fn new(count: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.0 == count)
    }

    /// 2 to 5.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Draws a number that no other waiting order of the card has; `None` when all four are taken.
    pub fn draw(random: u32, taken: &[Self]) -> Option<Self> {
        let free = || Self::ALL.into_iter().filter(|count| !taken.contains(count));
        let choices = u32::try_from(free().count()).unwrap_or(0);
        let index = random.checked_rem(choices)?;
        free().nth(usize::try_from(index).unwrap_or(0))
    }
}

/// When an order is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PressRule {
    /// On a card without a display, amounts above this many minor units are counted.
    pub uncounted_minor_max: u32,
}

impl PressRule {
    /// Whether an order wants a count: on a card without display above a small amount, and always when
    /// orders of two merchants wait.
    pub fn wants_count(&self, amount: Amount, has_display: bool, another_merchant_waits: bool) -> bool {
        another_merchant_waits || (!has_display && amount.minor() > self.uncounted_minor_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Currency;

    #[test]
    fn waiting_orders_have_different_numbers_and_there_are_four() {
        let mut taken = [PressCount(2); 4];
        for waiting in 0..4 {
            let drawn = PressCount::draw(0xdead_beef, &taken[..waiting]).unwrap();
            assert!(!taken[..waiting].contains(&drawn));
            taken[waiting] = drawn;
        }
        assert_eq!(PressCount::draw(7, &taken), None);
    }

    #[test]
    fn every_number_can_be_drawn() {
        for count in PressCount::ALL {
            assert!((0..4).any(|random| PressCount::draw(random, &[]) == Some(count)));
        }
    }

    #[test]
    fn the_count_is_for_blind_cards_above_a_small_amount_and_for_two_merchants() {
        let rule = PressRule { uncounted_minor_max: 1000 };
        let yuan = |minor| Amount::new(minor, Currency::CNY).unwrap();
        for (amount, display, two, wants) in [
            (yuan(1000), false, false, false),
            (yuan(1001), false, false, true),
            (yuan(1001), true, false, false),
            (yuan(1), true, true, true),
        ] {
            assert_eq!(rule.wants_count(amount, display, two), wants);
        }
    }
}
