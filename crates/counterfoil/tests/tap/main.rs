//! The tap rail as its people have it: the built program as bank and as terminal, over real HTTPS, with wallet cards
//! in software and an SMS gateway that records; and what each is told when something is not as it should be.
//!
//! A terminal whose clock is far off is told `clock_wrong`: that needs a bank with another time, which the program
//! cannot be given. `terminal/keys.rs` and `terminal/enrolling.rs` in the terminal's own tests hold it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

#[path = "../program/mod.rs"]
mod program;

mod counter;
mod enrolment;
mod help;
mod line;
mod packs;
mod start;
mod story;
mod terminals;
