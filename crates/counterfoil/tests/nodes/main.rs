//! Nodes as processes that serve together on one PostgreSQL server: any node serves any card, one does what is done by itself,
//! and one that is stopped, killed or frozen costs nobody anything that was acknowledged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Tests.

mod api_keys;
mod balancer;
#[path = "../../../server/tests/bearers/broker.rs"]
mod broker;
mod clocks;
mod crossing;
mod entering;
mod freezing;
mod front;
mod loads;
mod lorawan;
#[path = "../program/mod.rs"]
mod program;
mod region;
mod restarting;
mod shop;
mod signals;
mod testing;
mod webhooks;

use std::time::{Duration, Instant};

/// Waits until it is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + program::process::PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
