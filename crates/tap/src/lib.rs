//! Wallet card, terminal and bank: the messages between them, and every end of a tap as a machine.
//!
//! For: every byte of section 2 and 4 of `docs/protocol/tap.md`, and every rule of it that concerns one card, one
//! terminal and one bank: [`Message`] and [`Envelope`] for what is said, [`driver`] and [`application`] for the
//! terminal, [`card`] for a wallet card that answers as a real one does.
//! Refuses: sockets, clocks, random sources, readers and storage; time, keys and bytes are arguments. What a load
//! is and when money moves belongs to `payment` and to the bank's server.
//! Next: [`Message::parse`] for the bytes, [`application::Application`] for the loop, [`Outcome`] for how it ends.
#![no_std]

extern crate alloc;

pub mod apdu;
pub mod application;
mod body;
pub mod card;
mod commands;
pub mod driver;
pub mod envelope;
mod error;
mod field;
pub mod message;
pub mod outcome;
pub mod pack;
mod purse;
pub mod reader;
mod refusal;
mod sequence;
pub mod tag;
mod tlv;

pub use apdu::{CardAnswer, StatusWord};
pub use application::Application;
pub use driver::{CardNeed, Driver, DriverEnd, Need, Opening, Report};
pub use envelope::{Envelope, EnvelopeError, Header};
pub use message::{
    Authorize, Authorized, Body, CardPin, CardPinError, CardReading, Command, CommandList, End,
    InitializeAnswer, Letter, ListEnding, LogRecord, LogRecordError, Message, MessageError, Open, Output,
    Outputs, PublicData, Reference, SmsAnswer, SmsCode, SmsCodeError, Transaction, letter_of,
};
pub use outcome::{Money, Outcome};
pub use pack::{DriverPack, Names, ProofNumber};
pub use reader::{Reader, ReaderError};
pub use refusal::RefusalCode;
pub use sequence::{SequenceError, SequenceMark};
pub use tag::Tag;
