//! Terminals and the security server, over real TLS sockets: enrolment, keys, SMS codes, and the doors themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod activation;
mod asking;
mod codes;
mod desk;
mod device;
mod doors;
mod gateway;
mod keys;
mod texts;
#[path = "../town/mod.rs"]
mod town;
