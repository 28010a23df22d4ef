//! What the holder sees: one light, and on some cards a small display.

use crate::{Outcome, Transaction};

/// The card's LED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    /// Nothing to do.
    Off,
    /// Talking to the network.
    Working,
    /// Lit: a payment waits for a press.
    Prompt,
    /// Settled.
    Green,
    /// Not settled: unknown, or nothing waits.
    Amber,
    /// Voided, or the card cannot work.
    Red,
}

/// What was last made known to the holder, for some seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The platform's receipt.
    Receipt(Outcome),
    /// No receipt came: a press asks again.
    Unknown,
    /// The platform has no order for this card.
    NothingWaits,
    /// No answer came to a hello.
    NoAnswer,
    /// The platform sent the card back to S1 too often.
    SentBack,
}

/// What a card with a display shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen<'a> {
    /// Nothing.
    Blank,
    /// Talking to the network.
    Working,
    /// A payment to agree to.
    Prompt {
        /// What for.
        transaction: &'a Transaction,
        /// Whole seconds until it lapses.
        seconds_left: u32,
        /// Presses counted so far.
        presses: u8,
    },
    /// How the last thing ended.
    Notice(Shown),
}
