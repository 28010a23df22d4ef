//! The driver against a card by script: each transaction, each named refusal, and a card or bank that is gone at
//! every moment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod bank;
mod desk;
mod refusals;
mod torn;
mod transactions;
