//! Rows of the test mode.

use model::{CardId, UnixMillis};
use payment::{MerchantId, OrderId, TestAnswer, TestHabit};

/// The clock of a test mode. A database that has one holds test data, and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestClock {
    /// How far it is ahead of the machine's, in milliseconds.
    pub ahead: i64,
    /// When the database began, by the machine's clock.
    pub begun_at: UnixMillis,
}

/// What a software card is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestTask {
    /// Which order.
    pub order: OrderId,
    /// What it does with it.
    pub answer: TestAnswer,
    /// Whether that is done: what is not is done again after a stop.
    pub done: bool,
}

/// A software card of the test mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTestCard {
    /// The card. It is a card like others, bound to a holder of its own.
    pub card: CardId,
    /// Whose.
    pub merchant: MerchantId,
    /// What its merchant calls it.
    pub name: String,
    /// What it does with its next questions, the first first.
    pub answers: Vec<TestAnswer>,
    /// What it does after those.
    pub habit: TestHabit,
    /// Whether its holder is given what an order needs.
    pub funded: bool,
    /// The card's durable memory: `air::card::Flash`.
    pub memory: Vec<u8>,
    /// What it is about.
    pub task: Option<TestTask>,
    /// When it was made.
    pub created_at: UnixMillis,
}
