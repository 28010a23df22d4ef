//! The nouns that every part of Counterfoil shares: amounts, times and identifiers.
//!
//! For: giving one type and one spelling to each value that crosses a boundary (radio, database, JSON,
//! page), checked once where it enters.
//! Refuses: behaviour. No clock, no randomness, no I/O; nothing here knows what an order is.
//! Next: `crypto` derives keys from these, `air` puts them in frames, `payment` moves amounts.
#![no_std]

mod amount;
mod authorization;
mod card;
mod channel;
mod purse;
mod time;

pub use amount::{Amount, AmountError, Currency};
pub use authorization::{Decision, Outcome};
pub use card::{
    CardId, CardIdError, CardInformation, CardNumber, CardNumberError, CertificateNumber, HolderReference,
    HolderReferenceError, KeyVersion, KeyVersionError, PlaceId,
};
pub use channel::{ChannelError, ChannelId, ChannelKind};
pub use purse::{
    Asn, AsnError, Fen, IndustryCode, IndustryCodeError, OnlineCounter, PurseTime, TerminalId,
    TerminalIdError,
};
pub use time::{AIR_EPOCH_UNIX_SECONDS, TimeFactor, UnixMillis};
