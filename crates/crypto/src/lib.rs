//! Suites, keys, codes, and the contracts of a key store.
//!
//! For: the only place where a key meets a cipher. On the air, [`CardKey`] derives a [`ProcessKey`] for one
//! frame; that seals the frame or compares its code and then opens it. At the tap, [`PurseKey`] makes and
//! proves what a wallet card and its bank tell each other, [`MessageKey`] seals what a terminal and the bank do,
//! [`PinKey`] hides a PIN. In a database, [`DatabaseKey`] seals a secret for its row. [`KeyStore`], [`FrameCipher`] and [`BankKeys`] are what everybody else is given:
//! operations, never keys.
//! Refuses: keeping keys (see `keystore`), knowing frames and messages (see `air`, `tap`), randomness and time
//! (arguments); DES for anything but purses, unless built with `legacy`.
//! Next: `air` and `tap` for what is sealed; `keystore` for where keys come from.
#![no_std]

extern crate alloc;

#[macro_use]
mod key;

mod bank_keys;
mod cipher;
mod code;
mod key_store;
mod pboc;
mod pin;
mod secret;
mod suite;
mod terminal;
mod wrap;

pub use bank_keys::{BankKeys, PinKeys, PurseKeys, TerminalKeyReference, TerminalKeys};
pub use cipher::{FrameCipher, FrameParameters, OpenError};
pub use code::VerificationCode;
pub use key::{CardKey, CheckValue, Derivation, IssuerMasterKey, ProcessKey, TransportKey};
pub use key_store::{
    BoundKey, CardKeyReference, KeyName, KeyOrigin, KeyStore, KeyStoreError, OpenJob, SealJob,
};
pub use pboc::{
    LoadOrder, LoadReceipt, LoadRequest, PurchaseReceipt, PurchaseRequest, PurseCode, PurseKey, PurseKind,
    PurseMasterKey, PurseSession, WrappedPurseKey,
};
pub use pin::{Pin, PinBlock, PinError, PinKey, PinReference, PinVerificationKey};
pub use secret::{DatabaseKey, SealedSecret, SecretFormError, SecretKeyId, SecretKeys, SecretPlace};
pub use suite::{Suite, UnsupportedSuite};
pub use terminal::{
    ActivationCodeError, ActivationSecret, Direction, MessageError, MessageKey, TerminalMasterKey,
    TerminalRootKey, TerminalSuite, WorkingKeys, WrappedTerminalMaster, WrappedWorkingKeys, WrappingKey,
};
pub use wrap::{WrapError, WrappedCardKey};
