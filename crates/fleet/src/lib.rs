//! 物联网设备管理平台: the rules of the fleet, as pure functions of values.
//!
//! For: what becomes of a downlink ([`DownlinkState::apply`]), when a card can be reached ([`Listening`]), whether a
//! channel is present ([`Presence`]), and when somebody must be told ([`AlertRules`]).
//! Refuses: frames (see `air`), carrying bytes (see `server::bearer`), storage (see `store`), clocks and random sources
//! (arguments), and whether money moves (see `payment`).
//! Next: [`downlink`] for the one table of a downlink's life, `server::fleet` for who calls it when.
#![no_std]

pub mod alert;
pub mod downlink;
pub mod presence;
pub mod reach;

pub use alert::{AlertKind, AlertRules, BatteryVerdict};
pub use downlink::{
    CancelRefused, DownlinkEvent, DownlinkId, DownlinkIdError, DownlinkState, FailReason, Priority,
};
pub use presence::{Presence, Reception};
pub use reach::{Listening, ListeningError};
