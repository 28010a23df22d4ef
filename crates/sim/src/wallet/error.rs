//! What can go wrong around a wallet card, one variant a rule. Nothing here holds a key or a whole number.

use std::io;
use std::path::PathBuf;

use tap::apdu::StatusWord;
use tap::reader::ReaderError;

/// Why a wallet card's file was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum WalletFileError {
    /// No such file.
    #[error("there is no wallet card at {path}")]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// There is one already; a card's counters must not be set back.
    #[error("there is a wallet card at {path} already: remove it or choose another name")]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// Somebody else than the owner has access to it.
    #[error("the wallet card {path} has mode {mode:o}; others than its owner have access: chmod 600")]
    Exposed {
        /// Where.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A newer program wrote it.
    #[error("the wallet card {path} has format {format}, which is newer than this program: use that one")]
    Newer {
        /// Where.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// The file does not say what a wallet card says, or not any more.
    #[error("the wallet card {path} is damaged: {what}; make a new card")]
    Damaged {
        /// Where.
        path: PathBuf,
        /// What is wrong; never a value out of the file.
        what: String,
    },
    /// Another process runs this card.
    #[error("the wallet card {path} is in use already")]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {what} the wallet card {path}: {source}")]
    System {
        /// Which step.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// Why a wallet card did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    /// Its tear came: it is out of the field.
    #[error("the card was torn out of the field")]
    Torn,
    /// Its file could not be written: the card is what the file holds.
    #[error("the card's memory cannot be written: see the log for its file")]
    MemoryFailed,
    /// The system gave no random bytes.
    #[error("the card has no random numbers")]
    NoRandomness,
}

/// Why nothing was bought.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuyError {
    /// The reader or the card's being in its field.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The card refused a command.
    #[error("the card answered {status} to {command}: {}", .status.meaning())]
    Refused {
        /// Which command.
        command: &'static str,
        /// What it said.
        status: StatusWord,
    },
    /// An answer has not the bytes that it must have.
    #[error("the card's answer to {0} cannot be read")]
    Malformed(&'static str),
    /// The card's MAC2 is wrong: it is not this issuer's card.
    #[error("the card's code is wrong: it is not a card of this issuer")]
    WrongCode,
}
