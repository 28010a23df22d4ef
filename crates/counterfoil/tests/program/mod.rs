//! The built program, run as its users run it: as processes, over their sockets and files.
#![allow(dead_code)] // Each test binary uses its own part.

pub(crate) mod bank;
pub(crate) mod buyer;
pub(crate) mod demo;
pub(crate) mod gateway;
pub(crate) mod merchant;
pub(crate) mod platform;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod secrets;
pub(crate) mod terminal;
pub(crate) mod waverer;
