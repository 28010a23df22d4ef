//! The production bank, whole, against the production terminal and the software wallet card: stories of
//! `docs/protocol/tap.md`, and the torture that tries to make the bank's money and the card's differ.
//!
//! The bank is `server::bank::Bank` over a store on disk and a sealed key store; driver and application are those
//! of `tap`; the card is `sim::wallet`. Only the clock, the dice and the line between terminal and bank are the
//! test's. Begin with [`flow`]; [`counter`] is the stage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod counter;
mod elsewhere;
mod flow;
mod hand;
mod refusal;
mod scene;
mod till;
mod torture;
mod vault;
