//! What can go wrong on the card's side, one variant a rule. Nothing here holds a key or a whole card number.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crypto::CheckValue;
use model::Outcome;

/// Why a secure element did not take a key (S0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InjectError {
    /// The wrapped key does not open.
    #[error("the wrapped key does not open under this transport key")]
    WrongTransportKey,
    /// The key opened and is not the one that was announced.
    #[error("the key's check value is {found}, announced was {expected}")]
    WrongCheckValue {
        /// What came beside the wrapped key.
        expected: CheckValue,
        /// That of the key.
        found: CheckValue,
    },
    /// Link and card information name different cards.
    #[error("the link and the card information have different card ids")]
    CardIdsDiffer,
}

/// Why a card's image was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// No such file.
    #[error("there is no card image at {path}")]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// Somebody else than the owner has access to it.
    #[error("the card image {path} has mode {mode:o}; others than its owner have access: chmod 600")]
    Exposed {
        /// Where.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not say what a card image says.
    #[error("the card image {path} is malformed: {what}")]
    Malformed {
        /// Where.
        path: PathBuf,
        /// What is wrong; never a value out of the file.
        what: String,
    },
    /// The system refused.
    #[error("cannot {what} the card image {path}: {source}")]
    System {
        /// Which step.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// Why a card's memory was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum FlashFileError {
    /// No such file: a card that lost its marks must not go on with its key.
    #[error("the card's memory {path} is missing: re-inject the card under a new key version")]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// Neither bank can be read.
    #[error("the card's memory {path} is damaged: re-inject the card under a new key version")]
    Damaged {
        /// Where.
        path: PathBuf,
    },
    /// It belongs to another card, or to a later key version of this one.
    #[error("the memory {path} belongs to another card or to a later key version")]
    OtherCard {
        /// Where.
        path: PathBuf,
    },
    /// Another process runs this card.
    #[error("the card whose memory is {path} is running already")]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {what} the card's memory {path}: {source}")]
    System {
        /// Which step.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// Why a card did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its radio has no socket.
    #[error("cannot bind {address}: {source}")]
    Bind {
        /// The address wanted.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a running card does nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// It was switched off.
    #[error("the card is switched off")]
    SwitchedOff,
    /// Its memory could not be written: whatever depended on that was not sent.
    #[error("the card's memory cannot be written")]
    FlashFailed,
}

/// The card is off: a key, a wish or a wait came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CardStopped(pub Halt);

/// Why a card of the crowd did not pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayError {
    /// No card has this index.
    #[error("the crowd has no card {0}")]
    NoSuchCard(usize),
    /// This card is paying already.
    #[error("the card is in the middle of a payment")]
    Busy,
    /// The platform has no order for this card.
    #[error("no order waits for the card")]
    NothingWaits,
    /// The platform answered with an error.
    #[error("the platform answered {0}")]
    Refused(coap::Code),
    /// The platform did not answer.
    #[error("no answer: {0}")]
    NoAnswer(coap::Failure),
    /// The frame could not be sent.
    #[error("not sent: {0}")]
    NotSent(coap::SendError),
    /// The platform sent the card back to S1 too often.
    #[error("the platform does not know the card or its key")]
    SentBack,
    /// An answer came that the card does not believe.
    #[error("the card ignored the answer: {0}")]
    Ignored(air::card::Ignored),
    /// The exchange went another way than hello, transaction, result, receipt.
    #[error("the exchange took an unexpected turn")]
    Unexpected,
    /// A receipt came, and nothing was settled.
    #[error("not settled: {0:?}")]
    Voided(Outcome),
    /// The crowd is gone.
    #[error("the crowd has been dropped")]
    Gone,
}
