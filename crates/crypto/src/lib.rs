//! Suites, process keys, verification codes, and the contract of a key store.
//!
//! For: the only place where a key meets a cipher. [`CardKey`] derives a [`ProcessKey`] for one frame; that
//! seals the frame or compares its code and then opens it. [`KeyStore`] and [`FrameCipher`] are what
//! everybody else is given: operations, never keys.
//! Refuses: keeping keys (see `keystore`), knowing frames (see `air`), randomness and time (arguments).
//! Next: `air` for what is sealed; `keystore` for where card keys come from.
#![no_std]

mod cipher;
mod code;
mod key;
mod key_store;
mod suite;
mod wrap;

pub use cipher::{FrameCipher, FrameParameters, OpenError};
pub use code::VerificationCode;
pub use key::{CardKey, CheckValue, Derivation, IssuerMasterKey, ProcessKey, TransportKey};
pub use key_store::{
    BoundKey, CardKeyReference, KeyName, KeyOrigin, KeyStore, KeyStoreError, OpenJob, SealJob,
};
pub use suite::{Suite, UnsupportedSuite};
pub use wrap::{WrapError, WrappedCardKey};
