//! A terminal's keys and messages: sections 4 and 5 of `docs/protocol/tap.md`.
//!
//! For: deriving all of a terminal's keys from a root, wrapping them on their way to it, sealing and opening what
//! it and the bank say to each other.
//! Refuses: knowing what a message says (see `tap`), choosing nonces and sequences, DES unless built with `legacy`.
//! Next: `derivation` for the one function all keys come from, `message` for the envelope's ciphers.

mod activation;
mod derivation;
#[cfg(feature = "legacy")]
mod legacy;
mod master;
mod message;
mod root;
mod suite;
mod working;

pub use activation::{ActivationCodeError, ActivationSecret, WrappedTerminalMaster};
pub use master::TerminalMasterKey;
pub use message::{Direction, MessageError, MessageKey};
pub use root::TerminalRootKey;
pub use suite::TerminalSuite;
pub use working::{WorkingKeys, WrappedWorkingKeys, WrappingKey};
