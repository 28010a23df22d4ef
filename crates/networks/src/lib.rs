//! What other people's networks say and want to hear: LoRaWAN network servers and operators' platforms.
//!
//! For: reading what they send and writing what they take, as values: [`chirpstack`];
//! and what LoRaWAN carries at which data rate ([`lorawan`]).
//! Refuses: sockets, clocks, retries (see `server::bearer`), and reading our own frames (see `air`).
//! Next: the module of a network says what it sends, what it wants back, and what it vouches for.

pub mod chirpstack;
pub mod lorawan;
