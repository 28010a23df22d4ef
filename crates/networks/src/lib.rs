//! What other people's networks say and want to hear: LoRaWAN network servers and operators' platforms.
//!
//! For: reading what they send and writing what they take, as values: [`chirpstack`] over MQTT; [`ctwing`], [`onenet`],
//! [`oceanconnect`] and [`sigfox`] over HTTP; and what LoRaWAN carries at which data rate ([`lorawan`]).
//! Refuses: sockets, clocks, retries (see `server::bearer`), and reading our own frames (see `air`).
//! Next: the module of a network says what it sends, what it wants back, and what it vouches for; [`push`] what the platforms over HTTP
//! have in common.

pub mod chirpstack;
pub mod ctwing;
pub mod lorawan;
pub mod oceanconnect;
pub mod onenet;
pub mod push;
pub mod sigfox;
