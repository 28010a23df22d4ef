//! A channel's timeline: frames from the card and to it, and what each led to.

use crate::card::{Direction, FrameKind};
use crate::language::Language;

use super::Outcome;
use super::fleet::DownlinkState;

/// Digits of a frame that are shown before a reader asks for all of them.
const SHOWN_DIGITS: usize = 28;

/// Why a card whose code was right was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardRefusal {
    /// It claims another number, id, certificate or time of making than the issuer knows.
    InformationDiffers,
    /// It claims another holder.
    HolderDiffers,
    /// Nobody is bound to it.
    NotBound,
    /// It is not handed over.
    NotActive,
    /// It is frozen.
    Frozen,
    /// It is reported lost.
    Lost,
    /// It is past its validity.
    Expired,
    /// It is closed.
    Closed,
}

/// What a frame led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameOutcome {
    /// The card was asked to pay.
    Asked,
    /// The card was told the time.
    Clock,
    /// No order waits for it.
    NothingWaits,
    /// Its status was kept.
    StatusKept,
    /// It was known already, and answered as before.
    Repeated,
    /// An order stands so since.
    Order(Outcome),
    /// Its code was wrong.
    WrongCode,
    /// Its result fits no question that is open.
    WrongResult,
    /// It answers what was answered otherwise.
    SecondResult,
    /// Its code was right, its time factor old.
    OldTimeFactor,
    /// It came too late to say how the card is now.
    StatusOld,
    /// Its clock is too far ahead.
    TooFarAhead,
    /// It was asked too often.
    PromptLimit,
    /// Its text cannot be read.
    Malformed,
    /// The card may not pay.
    Refused(CardRefusal),
    /// The key store did not answer.
    KeyUnavailable,
    /// The store could not keep it.
    NotKept,
    /// Another version of the program noted something that this one does not know.
    Unknown,
    /// It went to the card in answer to the frame before.
    Answered,
    /// It was sent to the card by itself, and stands so.
    Pushed(DownlinkState),
}

impl FrameOutcome {
    /// In a few words.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().timeline;
        match self {
            Self::Asked => w.asked,
            Self::Clock => w.clock,
            Self::NothingWaits => w.nothing_waits,
            Self::StatusKept => w.status_kept,
            Self::Repeated => w.repeated,
            Self::Order(outcome) => outcome.title(language),
            Self::WrongCode => w.wrong_code,
            Self::WrongResult => w.wrong_result,
            Self::SecondResult => w.second_result,
            Self::OldTimeFactor => w.old_time_factor,
            Self::StatusOld => w.status_old,
            Self::TooFarAhead => w.too_far_ahead,
            Self::PromptLimit => w.prompt_limit,
            Self::Malformed => w.malformed,
            Self::Refused(refusal) => match refusal {
                CardRefusal::InformationDiffers => w.information_differs,
                CardRefusal::HolderDiffers => w.holder_differs,
                CardRefusal::NotBound => w.not_bound,
                CardRefusal::NotActive => w.not_active,
                CardRefusal::Frozen => w.frozen,
                CardRefusal::Lost => w.lost,
                CardRefusal::Expired => w.expired,
                CardRefusal::Closed => w.closed,
            },
            Self::KeyUnavailable => w.key_unavailable,
            Self::NotKept => w.not_kept,
            Self::Unknown => w.unknown,
            Self::Answered => w.answered,
            Self::Pushed(state) => state.title(language),
        }
    }

    /// More of it: why a push failed.
    pub fn reason(self, language: Language) -> Option<&'static str> {
        match self {
            Self::Pushed(state) => state.reason(language),
            _ => None,
        }
    }
}

/// A line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameRow {
    /// When, as text.
    pub time: String,
    /// Which way.
    pub direction: Direction,
    /// What kind.
    pub kind: FrameKind,
    /// How many bytes.
    pub length: usize,
    /// The bytes in hexadecimal, without spaces.
    pub hex: String,
    /// By which bearer.
    pub bearer: String,
    /// What it led to.
    pub outcome: FrameOutcome,
    /// Its signal, as text.
    pub signal: Option<String>,
}

impl FrameRow {
    /// The beginning of a long frame's digits; `None` where all of them are short enough.
    pub(super) fn beginning(&self) -> Option<&str> {
        (self.hex.len() > SHOWN_DIGITS).then(|| self.hex.get(..SHOWN_DIGITS)).flatten()
    }
}
