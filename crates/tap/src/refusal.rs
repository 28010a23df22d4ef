//! The refusals in clear: one table of codes and HTTP statuses (section 4 of `docs/protocol/tap.md`).

use core::fmt;

macro_rules! refusals {
    ($($variant:ident $code:literal $status:literal $why:literal;)*) => {
        /// Why a request got no message for an answer. A terminal never takes it for an outcome.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum RefusalCode { $(#[doc = $why] $variant,)* }

        impl RefusalCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code of the answer's `code`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// What it means, and what to do.
            pub const fn why(self) -> &'static str {
                match self { $(Self::$variant => $why,)* }
            }
        }
    };
}

refusals! {
    MalformedEnvelope "malformed_envelope" 400 "This is no envelope: too short, or of another version.";
    TooLarge "too_large" 413 "The envelope is over 32 KiB.";
    UnknownTerminal "unknown_terminal" 403 "There is no such terminal, or it was not activated.";
    TerminalRevoked "terminal_revoked" 403 "The terminal was reported lost.";
    UnknownKey "unknown_key" 403 "The terminal has no such key: ask for a working key.";
    KeyExpired "key_expired" 403 "The key's time is over: renew it and send again.";
    SuiteRefused "suite_refused" 403 "The suite is not this terminal's, or is switched off.";
    WrongCode "wrong_code" 403 "The tag does not agree: nothing was decrypted.";
    Replayed "replayed" 409 "This sequence was seen, or is too far below.";
    OutOfOrder "out_of_order" 409 "A higher sequence was seen before this one.";
    MalformedMessage "malformed_message" 422 "What was opened is no message.";
    Overloaded "overloaded" 503 "Too much to do: try again with a new sequence.";
    Unavailable "unavailable" 503 "The bank cannot work now: try again with a new sequence.";
}

impl RefusalCode {
    /// The refusal of a code; `None` for one that this build does not know.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|refusal| refusal.code() == code)
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
