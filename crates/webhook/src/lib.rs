//! Outgoing webhooks by Standard Webhooks 1.0, as values and pure functions.
//!
//! For: what is sent to a merchant's server ([`Body`]), how it is signed ([`Headers`]) and verified ([`verify`]), when it
//! is sent again ([`schedule`]), what becomes of it ([`DeliveryState`]) and of the endpoint ([`EndpointState`]), and
//! where it may go ([`EndpointUrl`], [`PublicAddress`]).
//! Refuses: sockets, names' resolution, storage, clocks and random sources (arguments), and what an order is.
//! Next: [`delivery`] for the one table of a delivery's life, [`signature`] for what stands in the headers.
#![no_std]

extern crate alloc;

pub mod address;
pub mod delivery;
pub mod endpoint;
pub mod id;
pub mod kind;
pub mod location;
pub mod message;
mod moment;
pub mod schedule;
pub mod secret;
pub mod signature;

pub use address::{AddressRefused, PublicAddress};
pub use delivery::{
    Attempt, CancelReason, DeliveryEvent, DeliveryState, End, Excerpt, GiveUp, NoAnswer, ResendRefused,
    RetryAfter, Status,
};
pub use endpoint::{DisabledBy, EndpointEvent, EndpointState};
pub use id::{DeliveryId, EndpointId, IdError};
pub use kind::{EventKind, KindError, Wanted};
pub use location::{EndpointUrl, Mode, UrlError};
pub use message::{Body, Data, MessageError, MessageId, MessageIdError};
pub use secret::{Secret, SecretError, SecretList};
pub use signature::{Headers, Received, Signature, VerifyError, verify};
