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
        match self {
            Self::SelectedBlocked => StatusWord::SELECTED_BLOCKED,
            Self::Wrong { left } => StatusWord(0x63c0 | (left & 0x0f) as u16),
            Self::WrongLength => StatusWord::WRONG_LENGTH,
            Self::SecurityStatus => StatusWord::SECURITY_STATUS,
            Self::TriesUsedUp => StatusWord::BLOCKED,
            Self::NoChallenge => StatusWord::DATA_INVALID,
            Self::NotInThisState => StatusWord::NOT_NOW,
            Self::CodeMissing => StatusWord::CODE_MISSING,
            Self::CodeWrong => StatusWord::CODE_WRONG,
            Self::ApplicationBlocked => StatusWord::NOT_SUPPORTED,
            Self::FileNotFound => StatusWord::NO_SUCH_FILE,
            Self::RecordNotFound => StatusWord::NO_SUCH_RECORD,
            Self::WrongParameters => StatusWord::WRONG_PARAMETERS,
            Self::KeyNotFound => StatusWord::NO_SUCH_KEY,
            Self::WrongOffset => StatusWord::WRONG_OFFSET,
            Self::RightLength(length) => StatusWord(0x6c00 | length as u16),
            Self::UnknownInstruction => StatusWord::UNKNOWN_INSTRUCTION,
            Self::UnknownClass => StatusWord::UNKNOWN_CLASS,
            Self::WrongPurseCode => StatusWord::MAC_INVALID,
            Self::Locked => StatusWord::LOCKED,
            Self::InsufficientFunds => StatusWord::INSUFFICIENT_FUNDS,
            Self::CounterEnd => StatusWord::COUNTER_END,
            Self::UnknownKeyIndex => StatusWord::NO_SUCH_KEY_INDEX,
            Self::NoProof => StatusWord::PROOF_NOT_AVAILABLE,
        }
    }
}
