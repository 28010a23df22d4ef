//! The protocol between a connected payment card and the platform: frames, and both ends as machines.
//!
//! For: every byte that crosses the radio, and every rule of `docs/protocol/air.md` that concerns one card
//! and one platform. [`card`] is the card's main controller; [`platform`] is the other end as typed steps:
//! parse, verify, admit, seal.
//! Refuses: sockets, clocks, random sources, storage, and money. Time and keys are arguments. What an
//! order is, who may settle it and what is kept durably belongs to `payment`, `store` and `server::app`.
//! Next: [`Frame`] for the bytes, [`card::Card`] for the drain contract, [`platform::Uplink`] for S3.
#![no_std]

pub mod card;
mod error;
mod frame;
mod link;
pub mod platform;
mod seal;
mod text;

pub use error::{FrameError, TextError};
pub use frame::{Factor, Frame, FrameBytes, Kind, RETRY_REASON_START_AGAIN, frame_longest, retry_frame};
pub use link::Link;
pub use text::{
    Answering, BATTERY_FULL, Lifetime, PRESSES_MAX, PromptText, ResultText, StatusText, Transaction,
    TransactionContext,
};

pub use crypto::{FrameCipher, OpenError};
pub use model::{Decision, Outcome};
