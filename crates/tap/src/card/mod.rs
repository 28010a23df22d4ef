//! The wallet card's end: an electronic purse of JR/T 0025 as one machine without reader and memory.
//!
//! For: [`WalletCard`], which answers the commands of a load, a purchase and their proof as a card does, so
//! that terminals, drivers and banks can be tried against it, tearing included.
//! Refuses: the field and the medium. A shell hands it commands and makes [`WalletImage::memory`] durable;
//! it is no card for anybody's money, because its keys stand in the image.
//!
//! **The shell's contract.** Call [`WalletCard::process`]; where [`CardStep::changed`] is set, make
//! [`WalletCard::image`] durable as a whole, and only then let the answer leave. At every loss of the field
//! call [`WalletCard::reset`]. A command changes the durable state at one place and at once, or not at all.
//!
//! What this card does where the standard leaves it to the card:
//! - [`WRONG_LOAD_CODES_MAX`] wrong MAC2 in a row lock the load (`9303`) until APPLICATION UNBLOCK;
//! - [`WRONG_MAINTENANCE_CODES_MAX`] wrong codes of maintenance in a row lock the application for good;
//! - INITIALIZE FOR LOAD does not look at the balance's limit, because it must prove the counter of a card
//!   that is full as well; CREDIT FOR LOAD refuses what is too much (`6985`);
//! - a Le that is neither right nor `00` nor absent is answered `6Cxx`, before anything is done.
//!
//! Next: `wallet.rs` for the machine, `purse.rs` for the money.

mod command;
mod files;
mod image;
mod purse;
mod refusal;
mod security;
mod wallet;

pub use crate::pack::ProofNumber;
pub use image::{
    Blocking, CardProfile, KeySet, LOG_RECORDS, Proof, PurseType, StoredPin, WalletImage, WalletKeys,
    WalletMemory,
};
pub use wallet::{CardStep, WalletCard};

/// A card of ISO 14443 behind a PC/SC reader: T=1, selection by full name, short file identifiers.
pub const ATR: [u8; 10] = [0x3b, 0x85, 0x80, 0x01, 0x80, 0x73, 0x84, 0x01, 0x00, 0x72];
/// The name of the payment environment that every card of this family has.
pub const PAYMENT_ENVIRONMENT: &[u8] = b"1PAY.SYS.DDF01";
/// How many wrong MAC2 in a row lock the load.
pub const WRONG_LOAD_CODES_MAX: u8 = 3;
/// How many wrong codes of secure messaging in a row lock the application.
pub const WRONG_MAINTENANCE_CODES_MAX: u8 = 3;
/// How many wrong PINs in a row block the PIN.
pub const WRONG_PINS_MAX: u8 = 3;
/// How many wrong external authentications in a row block their key.
pub const WRONG_AUTHENTICATIONS_MAX: u8 = 3;
