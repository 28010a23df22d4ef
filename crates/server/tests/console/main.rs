//! The operators' console of the tap rail over real sockets: loads and their settlement, terminals, wallets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod adjusting;
mod door;
mod fleet;
mod house;
mod loads;
mod reversing;
mod sealing;
mod settling;
mod terminals;
#[path = "../town/mod.rs"]
mod town;
mod walking;
mod wallets;
