//! Why the card did not do a command, one variant a rule, and the status word that says so.

use crate::apdu::StatusWord;

/// Why a command was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The application that was selected is blocked; it is selected nevertheless, to be unblocked.
    SelectedBlocked,
    /// A wrong PIN or authentication; so many tries are left.
    Wrong { left: u8 },
    /// Lc, Le or the command's own length.
    WrongLength,
    /// PIN or external authentication is missing.
    SecurityStatus,
    /// No tries are left.
    TriesUsedUp,
    /// No challenge, or one of another length.
    NoChallenge,
    /// Not now: no INITIALIZE before, not activated, no application selected.
    NotInThisState,
    /// The code of secure messaging is missing.
    CodeMissing,
    /// The code of secure messaging is wrong.
    CodeWrong,
    /// The application is blocked.
    ApplicationBlocked,
    /// No such file or application.
    FileNotFound,
    /// No such record.
    RecordNotFound,
    /// P1 or P2.
    WrongParameters,
    /// No such key.
    KeyNotFound,
    /// The offset lies outside the file.
    WrongOffset,
    /// Le is not how much there is.
    RightLength(u8),
    /// No such instruction.
    UnknownInstruction,
    /// No such class.
    UnknownClass,
    /// The purse's MAC1 or MAC2 is wrong.
    WrongPurseCode,
    /// Locked: the application for good, or the load until it is unblocked.
    Locked,
    /// Less on the purse than is asked for.
    InsufficientFunds,
    /// A transaction counter is at its end.
    CounterEnd,
    /// No key of this index.
    UnknownKeyIndex,
    /// The proof asked for is not there.
    NoProof,
}

impl Refusal {
    pub(super) const fn status(self) -> StatusWord {
        StatusWord(match self {
            Self::SelectedBlocked => 0x6283,
            Self::Wrong { left } => 0x63c0 | (left & 0x0f) as u16,
            Self::WrongLength => 0x6700,
            Self::SecurityStatus => 0x6982,
            Self::TriesUsedUp => 0x6983,
            Self::NoChallenge => 0x6984,
            Self::NotInThisState => 0x6985,
            Self::CodeMissing => 0x6987,
            Self::CodeWrong => 0x6988,
            Self::ApplicationBlocked => 0x6a81,
            Self::FileNotFound => 0x6a82,
            Self::RecordNotFound => 0x6a83,
            Self::WrongParameters => 0x6a86,
            Self::KeyNotFound => 0x6a88,
            Self::WrongOffset => 0x6b00,
            Self::RightLength(length) => 0x6c00 | length as u16,
            Self::UnknownInstruction => 0x6d00,
            Self::UnknownClass => 0x6e00,
            Self::WrongPurseCode => 0x9302,
            Self::Locked => 0x9303,
            Self::InsufficientFunds => 0x9401,
            Self::CounterEnd => 0x9402,
            Self::UnknownKeyIndex => 0x9403,
            Self::NoProof => 0x9406,
        })
    }
}
