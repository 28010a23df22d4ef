//! Devices and their keys, made known to a ChirpStack through its gRPC interface.
//!
//! For: telling the network server of a card's radio before its first join: [`Provisioner::provision`]. What is known there already
//! stays, with the key that is said here, so that the same list can be told twice.
//! Refuses: card keys. The keys here are the radio's (LoRaWAN's `AppKey`), which only the network needs; no key of a payment is ever told to
//! anybody.
//! Next: `counterfoil fleet provision`, which reads a file.
//!
//! The crate is empty without its feature `chirpstack-api`: the interface is made from its protocol files, and that needs `protoc`.

mod key;

#[cfg(feature = "chirpstack-api")]
mod client;
#[cfg(feature = "chirpstack-api")]
mod error;

pub use key::{AppKey, AppKeyError};

#[cfg(feature = "chirpstack-api")]
pub use client::{Destination, NewDevice, Provisioned, Provisioner, Token};
#[cfg(feature = "chirpstack-api")]
pub use error::ProvisionError;
