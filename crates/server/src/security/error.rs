//! Why a terminal is not enrolled, and why a gateway cannot be used.

use crypto::KeyStoreError;
use model::TerminalId;
use store::StoreError;

use crate::tls::TlsError;

/// Why a terminal was not registered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// The name cannot be shown.
    #[error("a terminal's name has 1 to 64 characters, none of them a control character")]
    Name,
    /// The suite is not in this program.
    #[error("the suite {0} is for interoperation only, and not in this program: build it with `legacy`")]
    SuiteNotBuilt(&'static str),
    /// Every version of its master key was given away.
    #[error("the terminal {0} was registered 255 times: register it under another number")]
    VersionsUsedUp(TerminalId),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a terminal was not revoked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    /// No such terminal.
    #[error("there is no terminal {0}")]
    NoSuchTerminal(TerminalId),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident $status:literal $code:literal $text:literal;)*) => {
        /// Why `POST /activate` did not give a terminal its key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum ActivationRefused { $($(#[$doc])* #[error($text)] $variant,)* }

        impl ActivationRefused {
            /// Every refusal.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What machines read.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

refusals! {
    /// A field of the request is not what it should be. Counts as no try.
    InvalidRequest 422 "invalid_request" "a terminal is 12 hexadecimal digits, software at most 64 printable characters";
    /// The code has not the shape of a code. Counts as no try.
    InvalidCode 422 "invalid_code" "a code is 26 letters a to z and digits 2 to 7; spaces and dashes do not count";
    /// No such terminal.
    UnknownTerminal 403 "unknown_terminal" "no terminal of this number is registered; ask the operator";
    /// It was reported lost.
    TerminalRevoked 403 "terminal_revoked" "this terminal was reported lost; ask the operator for a new code";
    /// Another code.
    WrongCode 403 "wrong_code" "the code is wrong; after three wrong codes ask the operator for a new one";
    /// Too many wrong codes.
    CodeBlocked 403 "code_blocked" "too many wrong codes came; ask the operator for a new one";
    /// Its time is over.
    CodeExpired 403 "code_expired" "the code's time is over; ask the operator for a new one";
    /// It did what it was for.
    CodeUsed 403 "code_used" "the code was used; if it was not by you, report the terminal lost";
    /// Too much to do.
    Overloaded 503 "overloaded" "too much to do; try again with the same code";
    /// Store or key store away.
    Unavailable 503 "unavailable" "nothing can be kept now; try again with the same code";
}

impl From<StoreError> for ActivationRefused {
    /// What the store says stays in the log.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::QueueFull { .. } => Self::Overloaded,
            other => {
                tracing::error!(error = %other, "the store failed an activation");
                Self::Unavailable
            }
        }
    }
}

impl From<KeyStoreError> for ActivationRefused {
    fn from(error: KeyStoreError) -> Self {
        tracing::error!(%error, "the key store failed an activation");
        Self::Unavailable
    }
}

/// Why an SMS gateway cannot be used as it is configured. No value of a header is ever in the text.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The address cannot be asked.
    #[error("the gateway's url must be http:// or https:// with a host, and no user name: {0}")]
    Url(String),
    /// A header's name is none.
    #[error("{0:?} is no name of an HTTP header")]
    HeaderName(String),
    /// A header's value cannot be sent.
    #[error("the value of the header {0:?} has characters that cannot be sent")]
    HeaderValue(String),
    /// A placeholder is missing.
    #[error("the template must have {0} where it belongs, inside of a JSON string")]
    Placeholder(&'static str),
    /// The template makes no JSON.
    #[error("the template is no JSON once it is filled: {0}. Placeholders stand between quotes")]
    Template(serde_json::Error),
    /// The authorities of an https gateway.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_code_of_its_own() {
        for (index, refused) in ActivationRefused::ALL.iter().enumerate() {
            assert!(ActivationRefused::ALL[..index].iter().all(|other| other.code() != refused.code()));
            assert!((400..600).contains(&refused.status()), "{}", refused.code());
        }
    }
}
