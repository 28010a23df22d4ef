//! The platform's page of an order: what is asked, how to agree, and how far it has come.

use askama::Template;

use crate::href::Href;
use crate::language::Language;
use crate::money::Money;
use crate::page::Page;

/// What became of an order so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderState {
    /// Nothing reached the card yet.
    AwaitingCard,
    /// It was sent to the card: on its way, or lit there.
    OnCard,
    /// The card agreed and the money moved.
    Paid,
    /// It will not be paid, for this reason.
    Declined(Reason),
    /// Nobody answered in time.
    Expired,
    /// Withdrawn before the card answered.
    Canceled,
    /// The platform could not carry it out.
    Failed,
}

impl OrderState {
    /// Nothing about it can change any more.
    pub fn is_final(&self) -> bool {
        !matches!(self, OrderState::AwaitingCard | OrderState::OnCard)
    }

    /// The class that colours it.
    pub fn class(&self) -> &'static str {
        match self {
            OrderState::AwaitingCard => "is-awaiting",
            OrderState::OnCard => "is-on-card",
            OrderState::Paid => "is-paid",
            OrderState::Declined(_) => "is-declined",
            OrderState::Expired => "is-expired",
            OrderState::Canceled => "is-canceled",
            OrderState::Failed => "is-failed-order",
        }
    }

    /// Its name in the reader's language.
    pub fn title(&self, language: Language) -> &'static str {
        let w = &language.words().order;
        match self {
            OrderState::AwaitingCard => w.awaiting_title,
            OrderState::OnCard => w.on_card_title,
            OrderState::Paid => w.paid_title,
            OrderState::Declined(_) => w.declined_title,
            OrderState::Expired => w.expired_title,
            OrderState::Canceled => w.canceled_title,
            OrderState::Failed => w.failed_title,
        }
    }

    /// A sentence about it: for a declined order its reason, otherwise what it means.
    pub fn sentence(&self, language: Language) -> &str {
        let w = &language.words().order;
        match self {
            OrderState::AwaitingCard => w.awaiting_text,
            OrderState::OnCard => w.on_card_text,
            OrderState::Paid => w.paid_text,
            OrderState::Declined(reason) => reason.sentence(language),
            OrderState::Expired => w.expired_text,
            OrderState::Canceled => w.canceled_text,
            OrderState::Failed => w.failed_text,
        }
    }

    /// Its name for operators, who are not the ones to press.
    pub fn brief(&self, language: Language) -> &'static str {
        let w = &language.words().console;
        match self {
            OrderState::AwaitingCard => w.outcome_waiting,
            OrderState::OnCard => w.outcome_on_card,
            OrderState::Paid => w.outcome_paid,
            OrderState::Declined(_) => w.outcome_declined,
            OrderState::Expired => w.outcome_expired,
            OrderState::Canceled => w.outcome_canceled,
            OrderState::Failed => w.outcome_failed,
        }
    }

    /// The reason for operators; nothing unless declined.
    pub fn brief_reason(&self, language: Language) -> &str {
        match self {
            OrderState::Declined(reason) => reason.brief(language),
            _ => "",
        }
    }
}

/// Why an order was declined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The holder held the key to refuse.
    Refused,
    /// The holder said "not me": the card is frozen.
    NotMe,
    /// Above the limit that the card keeps itself.
    OverCardLimit,
    /// The light was on and nobody pressed.
    NotAnswered,
    /// The card was busy with another order.
    CardBusy,
    /// The answer came after the order's time.
    TooLate,
    /// The number of presses was not the one on the page.
    WrongPresses,
    /// Not enough money available.
    Funds,
    /// The platform's own rules said no.
    Risk,
    /// The card is frozen.
    Frozen,
    /// The card is not active, or not known.
    CardUnusable,
    /// Anything else, already in the reader's language.
    Other(String),
}

impl Reason {
    /// A sentence for the person who is paying.
    pub fn sentence(&self, language: Language) -> &str {
        let w = &language.words().order;
        match self {
            Reason::Refused => w.reason_refused,
            Reason::NotMe => w.reason_not_me,
            Reason::OverCardLimit => w.reason_over_card_limit,
            Reason::NotAnswered => w.reason_not_answered,
            Reason::CardBusy => w.reason_card_busy,
            Reason::TooLate => w.reason_too_late,
            Reason::WrongPresses => w.reason_wrong_presses,
            Reason::Funds => w.reason_funds,
            Reason::Risk => w.reason_risk,
            Reason::Frozen => w.reason_frozen,
            Reason::CardUnusable => w.reason_card_unusable,
            Reason::Other(text) => text,
        }
    }

    /// The same for operators, in a few words.
    pub fn brief(&self, language: Language) -> &str {
        let w = &language.words().console;
        match self {
            Reason::Refused => w.brief_refused,
            Reason::NotMe => w.brief_not_me,
            Reason::OverCardLimit => w.brief_over_card_limit,
            Reason::NotAnswered => w.brief_not_answered,
            Reason::CardBusy => w.brief_card_busy,
            Reason::TooLate => w.brief_too_late,
            Reason::WrongPresses => w.brief_wrong_presses,
            Reason::Funds => w.brief_funds,
            Reason::Risk => w.brief_risk,
            Reason::Frozen => w.brief_frozen,
            Reason::CardUnusable => w.brief_card_unusable,
            Reason::Other(text) => text,
        }
    }
}

/// The steps of a payment, S1 to S7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepName {
    /// The card derives its first process key.
    S1,
    /// The card sends its hello.
    S2,
    /// The platform checks the card.
    S3,
    /// The platform sends the transaction.
    S4,
    /// The card checks the transaction.
    S5,
    /// The holder answers.
    S6,
    /// The platform settles or voids.
    S7,
}

impl StepName {
    /// All of them, in order.
    pub const ALL: [StepName; 7] =
        [StepName::S1, StepName::S2, StepName::S3, StepName::S4, StepName::S5, StepName::S6, StepName::S7];

    /// `S1` to `S7`.
    pub fn code(self) -> &'static str {
        match self {
            StepName::S1 => "S1",
            StepName::S2 => "S2",
            StepName::S3 => "S3",
            StepName::S4 => "S4",
            StepName::S5 => "S5",
            StepName::S6 => "S6",
            StepName::S7 => "S7",
        }
    }

    /// What happens in it, for people.
    pub fn sentence(self, language: Language) -> &'static str {
        let w = &language.words().order;
        match self {
            StepName::S1 => w.step_1,
            StepName::S2 => w.step_2,
            StepName::S3 => w.step_3,
            StepName::S4 => w.step_4,
            StepName::S5 => w.step_5,
            StepName::S6 => w.step_6,
            StepName::S7 => w.step_7,
        }
    }
}

/// How far one step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    Waiting,
    /// Going on now.
    Active,
    /// Done.
    Done,
    /// Failed; the payment ended here.
    Failed,
}

impl StepState {
    /// The class that draws it.
    pub fn class(self) -> &'static str {
        match self {
            StepState::Waiting => "is-waiting",
            StepState::Active => "is-active",
            StepState::Done => "is-done",
            StepState::Failed => "is-failed",
        }
    }

    /// Its name, for whoever does not see the drawing.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().order;
        match self {
            StepState::Waiting => w.step_waiting,
            StepState::Active => w.step_active,
            StepState::Done => w.step_done,
            StepState::Failed => w.step_failed,
        }
    }
}

/// One step on the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// How far.
    pub state: StepState,
    /// A line for engineers: `hello, 12 bytes, time factor 217362688`.
    pub detail: Option<String>,
    /// When it happened, as text.
    pub at: Option<String>,
}

impl Step {
    /// A step without detail or time.
    pub fn new(name: StepName, state: StepState) -> Step {
        Step { name, state, detail: None, at: None }
    }
}

/// Everything an order's page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// What the addresses of its page begin with: nothing, or a slash and a word.
    pub base: &'static str,
    /// No money moves: it is of the test mode, and the page says so.
    pub test: bool,
    /// The order's id; it enters addresses, so it holds letters, digits, `-` and `_` only.
    pub id: String,
    /// Who asks.
    pub merchant: String,
    /// How much.
    pub amount: Money,
    /// Where, as the card would show it; may be empty.
    pub place: String,
    /// What for, as the card would show it; may be empty.
    pub text: String,
    /// The card that is asked.
    pub masked_card: String,
    /// How far it has come.
    pub state: OrderState,
    /// How many presses agree; nothing means one, uncounted.
    pub presses: Option<u8>,
    /// When the order was opened, epoch milliseconds.
    pub opened_at_ms: u64,
    /// When it ends, epoch milliseconds.
    pub expires_at_ms: u64,
    /// The server's clock as this is rendered, epoch milliseconds: the reader's clock may be wrong.
    pub now_ms: u64,
    /// S1 to S7.
    pub steps: Vec<Step>,
    /// Whether the reader may still withdraw it: `POST /pay/{id}/cancel`.
    pub can_cancel: bool,
    /// The shop's page to go back to.
    pub back: Option<Href>,
}

impl OrderView {
    /// How many presses agree, counted or not.
    fn press_total(&self) -> u8 {
        self.presses.unwrap_or(1)
    }

    fn seconds_total(&self) -> u64 {
        self.expires_at_ms.saturating_sub(self.opened_at_ms).div_ceil(1000).max(1)
    }

    fn seconds_left(&self) -> u64 {
        self.expires_at_ms.saturating_sub(self.now_ms).div_ceil(1000)
    }

    fn time_left(&self) -> String {
        minutes_and_seconds(self.seconds_left())
    }
}

/// `1:27`. `countdown.js` writes the same form.
pub(crate) fn minutes_and_seconds(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// The whole page, `GET /pay/{id}`. It listens to `/pay/{id}/live` for events named `order`.
#[derive(Debug, Clone, Template)]
#[template(path = "order/page.html")]
pub struct OrderPage {
    /// Language and place.
    pub page: Page,
    /// The order.
    pub order: OrderView,
}

/// What an `order` event carries: the changing part of the page, and a line for screen readers.
#[derive(Debug, Clone, Template)]
#[template(path = "order/fragment.html")]
pub struct OrderFragment {
    /// Language and place.
    pub page: Page,
    /// The order.
    pub order: OrderView,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_reads_like_a_clock() {
        assert_eq!(minutes_and_seconds(0), "0:00");
        assert_eq!(minutes_and_seconds(87), "1:27");
        assert_eq!(minutes_and_seconds(600), "10:00");
    }
}
