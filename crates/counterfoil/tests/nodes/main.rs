//! Nodes as processes that serve together on one PostgreSQL server: any node serves any card, one does what is done by itself,
//! and one that is stopped, killed or frozen costs nobody anything that was acknowledged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Tests.

mod api_keys;
mod balancer;
mod crossing;
mod entering;
mod freezing;
#[path = "../program/mod.rs"]
mod program;
mod region;
mod restarting;
mod testing;
