//! The production platform, whole, against the production card: one story a rule of `docs/protocol/air.md`.
//!
//! The platform is `server::App` over a store on disk and a sealed key store; the fleet takes its frames; the
//! cards are those of `air`, in lossy worlds of their own. Only the clock, the dice and the radio are the
//! test's. Begin with [`payment`]; [`town`] is the stage, [`books`] what is looked up afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod audit;
mod books;
mod clock;
mod decision;
mod elsewhere;
mod hand;
mod hello;
mod keys;
mod payment;
mod push;
mod restart;
mod result;
mod retry;
mod status;
mod storm;
mod town;
mod waiting;
