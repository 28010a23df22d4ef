//! The card's end: main controller, key, clock and durable memory, as one machine.
//!
//! For: S1, S2, S5, S6 and what the card does when frames are lost, repeated or wrong.
//! Refuses: the key itself (a [`SecureElement`] holds it), the radio, flash and light (actions and getters).
//!
//! **The drain contract.** Call one of `handle_*`; then call [`Card::poll_action`] until `None`, doing each
//! action in order. [`Action::Store`] must be durable before the next action is done: a mark is stored
//! before the frame that moves it is sent. Then sleep until [`Card::poll_timeout`], a key's edge or a frame.

mod clock;
mod controller;
mod display;
mod flash;
mod ignored;
mod key;
mod limits;

pub use controller::Card;
pub use display::{Light, Screen, Shown};
pub use flash::{Flash, FlashError, Latched};
pub use ignored::Ignored;
pub use key::{Edge, GUARD_MILLIS, HOLD_NOT_ME_MILLIS, HOLD_REFUSE_MILLIS, PRESS_GAP_MILLIS};
pub use limits::Limits;

use core::ops::Add;

use crypto::FrameCipher;
use model::CardInformation;

use crate::{FrameBytes, Link};

/// Milliseconds since the card was switched on. It never goes back; it knows no date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uptime(pub u64);

impl Uptime {
    /// Milliseconds from `earlier` to this moment; 0 when it lies after.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for Uptime {
    type Output = Self;
    fn add(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Holds the card's key and works frames with it. The key cannot be had from it.
pub trait SecureElement: FrameCipher {
    /// What enters each process key besides kind and factor.
    fn link(&self) -> Link;
    /// The 32 bytes that were written when the card was made.
    fn information(&self) -> CardInformation;
}

/// What the shell must do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make this durable before anything else.
    Store(Flash),
    /// Send this frame.
    Transmit(FrameBytes),
}
