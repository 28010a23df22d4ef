//! What can go wrong at a terminal, one variant a rule. Nothing here holds a key, a code or a PIN; what a server
//! said is shortened and stripped before it stands in an error.

use std::io;
use std::path::PathBuf;

use crypto::WrapError;
use packs::{FolderError, VerifyingKeyError};
use sealed::{Damage, HeaderError, OpenError, OutOfMemory};
use tap::{Outcome, RefusalCode};

/// Why a terminal's folder is not opened or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// No terminal was enrolled there.
    #[error("there is no terminal in {path}: enrol one")]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// A terminal was enrolled there before.
    #[error("there is a terminal in {path} already: take another folder, or take the old one away")]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// Another process has it: two would use the same sequence numbers.
    #[error("the terminal in {path} is running already")]
    Running {
        /// The folder.
        path: PathBuf,
    },
    /// Somebody else than the owner has access to it.
    #[error("{path} has mode {mode:o}; others than its owner have access: chmod 600")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another kind of file.
    #[error("{path} is no terminal's file")]
    NotATerminal {
        /// The file.
        path: PathBuf,
    },
    /// A later program wrote it.
    #[error("{path} has format {found}, this program knows 1: update the program")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u16,
    },
    /// It was changed or cut.
    #[error("{path} is damaged ({damage}): have the terminal registered anew, and enrol it in a new folder")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How.
        damage: Damage,
    },
    /// Another passphrase seals it.
    #[error("this is not the passphrase of {path}")]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase cannot be worked on.
    #[error("there is not enough memory to work on the passphrase (64 MiB)")]
    OutOfMemory,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// The program ends.
    #[error("the program stops")]
    Stopped,
    /// More than a terminal's file holds.
    #[error("the authority's certificates are too long for a terminal's file: give the one that signs only")]
    TooLarge,
    /// The folder of driver packs.
    #[error(transparent)]
    Packs(#[from] FolderError),
    /// The bank named a pack signer that is no key.
    #[error("the bank named a pack signer that is no key: {0}")]
    Signer(#[from] VerifyingKeyError),
    /// The authority's certificates or the addresses cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The system refused.
    #[error("cannot {what} {path}: {source}")]
    System {
        /// Which step.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl StateError {
    /// Why the first bytes of this file are no header of a terminal's.
    pub(crate) fn header(refused: HeaderError, path: PathBuf) -> Self {
        match refused {
            HeaderError::OtherKind => Self::NotATerminal { path },
            HeaderError::Newer(found) => Self::Newer { path, found },
            HeaderError::Damaged(damage) => Self::Damaged { path, damage },
        }
    }

    /// Why there are no keys for this file.
    pub(crate) fn opening(refused: OpenError, path: PathBuf) -> Self {
        match refused {
            OpenError::WrongPassphrase => Self::WrongPassphrase { path },
            OpenError::OutOfMemory(OutOfMemory) => Self::OutOfMemory,
        }
    }
}

/// Why nobody can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The text has no certificate.
    #[error("the authority's file has no certificate (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// The text is damaged, or a certificate in it cannot be used.
    #[error("the authority's certificate cannot be used: {0}")]
    Certificate(String),
    /// TLS itself.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// What does not fit in a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// It is for other names.
    #[error("it is for another name: is the server's address right?")]
    OtherName,
    /// Nobody trusted signed it.
    #[error("it is signed by nobody whom this terminal trusts: was it enrolled with the bank's authority?")]
    UnknownAuthority,
    /// Its time is over, or this terminal's clock is ahead.
    #[error("its time is over; or is this terminal's clock wrong?")]
    Expired,
    /// Its time has not come, or this terminal's clock is behind.
    #[error("its time has not come yet; or is this terminal's clock wrong?")]
    NotYetValid,
    /// It was taken back.
    #[error("it was revoked")]
    Revoked,
    /// Anything else.
    #[error("it cannot be used")]
    Unusable,
}

/// A refusal in clear. It is told to people and acted on where sending again helps; it never says what became of
/// money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The stable word.
    pub code: String,
    /// The words for people; may be empty.
    pub detail: String,
}

impl Refusal {
    /// The code, where it is one of an envelope's.
    pub fn known(&self) -> Option<RefusalCode> {
        RefusalCode::from_code(&self.code)
    }
}

/// Why a server gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// No connection came about: nothing was sent.
    #[error("the server {host} cannot be reached: check the network and the address")]
    Away {
        /// Host and port.
        host: String,
    },
    /// The request may have arrived; the connection broke before an answer was there.
    #[error("the connection to {host} broke before it answered")]
    Broken {
        /// Host and port.
        host: String,
    },
    /// The request may have arrived; no whole answer came in time.
    #[error("the server {host} did not answer in time")]
    TimedOut {
        /// Host and port.
        host: String,
    },
    /// It is not the server that it should be: nothing was sent.
    #[error("the certificate of {host} does not fit: {fault}")]
    Certificate {
        /// Host and port.
        host: String,
        /// What does not fit.
        fault: CertificateFault,
    },
    /// There is no common TLS: nothing was sent.
    #[error("there is no TLS 1.3 with {host}: {reason}")]
    Tls {
        /// Host and port.
        host: String,
        /// What TLS says.
        reason: String,
    },
    /// It said no.
    #[error("the server refused with {}, code {:?}: {:?}", .0.status, .0.code, .0.detail)]
    Refused(Refusal),
    /// Its answer is none of the protocol's.
    #[error("the server's answer makes no sense: {0}")]
    Malformed(&'static str),
}

/// Why the bank did not answer under a key.
#[derive(Debug, thiserror::Error)]
pub enum BankError {
    /// The server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The answer does not open: it is not from the bank, or was changed.
    #[error("the bank's answer does not open under this terminal's key")]
    Forged,
    /// Working keys that do not unwrap, or are others than announced.
    #[error("the working keys that came are not for this terminal: have it registered anew")]
    WrongKeys,
    /// The suite is not in this program.
    #[error("this program does not speak the terminal's suite: register the terminal for another")]
    SuiteNotBuilt,
    /// The message is longer than any.
    #[error("the message is longer than an envelope holds")]
    TooLong,
    /// The next sequence number cannot be kept.
    #[error(transparent)]
    State(#[from] StateError),
}

impl BankError {
    /// The refusal code of an envelope, where the bank gave one.
    pub(crate) fn refusal(&self) -> Option<RefusalCode> {
        match self {
            Self::Server(ServerError::Refused(refusal)) => refusal.known(),
            Self::Server(_)
            | Self::Forged
            | Self::WrongKeys
            | Self::SuiteNotBuilt
            | Self::TooLong
            | Self::State(_) => None,
        }
    }

    /// Nothing usable came back, so the message may have had its effect.
    pub(crate) fn is_silence(&self) -> bool {
        match self {
            Self::Server(
                ServerError::Away { .. }
                | ServerError::Broken { .. }
                | ServerError::TimedOut { .. }
                | ServerError::Certificate { .. }
                | ServerError::Tls { .. }
                | ServerError::Malformed(_),
            )
            | Self::Forged => true,
            Self::Server(ServerError::Refused(_))
            | Self::WrongKeys
            | Self::SuiteNotBuilt
            | Self::TooLong
            | Self::State(_) => false,
        }
    }

    /// What the holder is told where nothing is paid yet. Whether it is, the driver knows.
    pub(crate) fn outcome(&self) -> Outcome {
        use RefusalCode as R;
        if self.is_silence() {
            return Outcome::ServerAway;
        }
        match self.refusal() {
            Some(
                R::UnknownTerminal
                | R::TerminalRevoked
                | R::UnknownKey
                | R::KeyExpired
                | R::SuiteRefused
                | R::WrongCode
                | R::Replayed
                | R::OutOfOrder,
            ) => Outcome::TerminalRefused,
            Some(R::Overloaded | R::Unavailable) => Outcome::Unavailable,
            Some(R::MalformedEnvelope | R::TooLarge | R::MalformedMessage) => Outcome::Malformed,
            None => match self {
                Self::WrongKeys | Self::SuiteNotBuilt => Outcome::TerminalRefused,
                Self::TooLong => Outcome::Malformed,
                Self::Server(_) | Self::Forged | Self::State(_) => Outcome::Unavailable,
            },
        }
    }
}

/// Why a terminal was not enrolled. Nothing is left behind; the same code can be tried again for ten minutes after
/// the bank took it, in case its answer was lost.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The folder.
    #[error(transparent)]
    State(#[from] StateError),
    /// The bank.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// What came does not open under the code, or is another key than announced.
    #[error("the key that came does not open under this code: have the operator read a new one ({0})")]
    Unwrap(#[from] WrapError),
    /// The key is another than announced.
    #[error("the key that came is another than the bank announced: have the operator read a new code")]
    CheckValue,
    /// The suite is not in this program.
    #[error("this program does not speak {0}: have the terminal registered for another suite")]
    SuiteNotBuilt(&'static str),
}

/// Why no SMS code is on its way.
#[derive(Debug, thiserror::Error)]
pub enum SmsError {
    /// The bank gave a reason for the holder.
    #[error("the bank sends no code: {}", .0.name())]
    Refused(Outcome),
    /// The bank did not answer.
    #[error(transparent)]
    Bank(#[from] BankError),
}

impl SmsError {
    /// What the holder is told.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Refused(outcome) => *outcome,
            Self::Bank(error) => error.outcome(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crypto::TerminalSuite;
    use tap::outcome::Money;

    use super::*;

    #[test]
    fn no_refusal_in_clear_says_that_money_moved() {
        for code in RefusalCode::ALL {
            let refusal = Refusal { status: code.status(), code: code.code().into(), detail: String::new() };
            let error = BankError::Server(ServerError::Refused(refusal));
            assert_eq!(error.outcome().money(), Money::Nothing, "{code:?}");
            assert!(!error.is_silence());
        }
        let refusal = Refusal { status: 418, code: "loaded".into(), detail: String::new() };
        assert_eq!(BankError::Server(ServerError::Refused(refusal)).outcome(), Outcome::Unavailable);
    }

    #[test]
    fn a_suite_that_is_not_built_is_refused_by_its_name() {
        let refused = EnrolError::SuiteNotBuilt(TerminalSuite::Des.name()).to_string();
        assert!(refused.contains("DES-CBC") && refused.contains("another suite"), "{refused}");
    }
}
