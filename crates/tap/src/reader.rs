//! A reader with a card in its field, as drivers and terminals see one.
//!
//! For: [`Reader`], which every reader implements: PC/SC, a phone's NFC service, a software field.
//! Refuses: knowing what the bytes mean. It is blocking: a shell runs it on a thread of its own.

use alloc::string::String;
use alloc::vec::Vec;

/// Why bytes did not go to a card and back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// No card came into the field.
    #[error("there is no card in the field: hold one to the reader")]
    NoCard,
    /// The card left the field. It may or may not have done the last command.
    #[error("the card left the field: hold it to the reader again")]
    CardGone,
    /// The reader itself cannot be reached any more.
    #[error("the reader is gone: connect it and begin again")]
    ReaderGone,
    /// Neither answer nor error came in time.
    #[error("the reader did not answer in time: take the card away and hold it again")]
    TimedOut,
    /// The reader said something else.
    #[error("the reader failed: {0}")]
    Failed(String),
}

/// A reader. At most one card is connected at a time.
pub trait Reader {
    /// Waits for a card, as long as this reader waits, and switches it on: nothing that an earlier
    /// connection began is left in it.
    fn connect(&mut self) -> Result<(), ReaderError>;

    /// Sends a command and returns the card's answer with its status word. After an error other than
    /// [`ReaderError::NoCard`] nobody knows whether the card did the command.
    fn transmit(&mut self, apdu: &[u8]) -> Result<Vec<u8>, ReaderError>;

    /// Lets go of the card; it may stay in the field. Without a connection it does nothing.
    fn disconnect(&mut self);
}
