//! The card's controller against a platform made by hand: one story a rule of sections 4 and 5 of
//! `docs/protocol/air.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod desk;
mod flash;
mod freshness;
mod greeting;
mod key;
mod lossy;
#[path = "../maker/mod.rs"]
mod maker;
mod reporting;
mod retry;
mod transaction;
