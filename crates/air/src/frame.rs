//! The outer form of a frame (section 4 of `docs/protocol/air.md`): what can be read without a key.

use crypto::{Suite, VerificationCode};
use model::{CardInformation, ChannelId, KeyVersion, TimeFactor};

use crate::FrameError;
use crate::text::{PromptText, ResultText, StatusText, Transaction};

/// The seven kinds of frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Card to platform: here I am (S2).
    Hello = 1,
    /// Platform to card: agree to this? (S4).
    Transaction = 2,
    /// Card to platform: what the holder pressed (S6).
    Result = 3,
    /// Platform to card: how it ended (S7).
    Receipt = 4,
    /// Platform to card: start again at S1. No key is behind it.
    Retry = 5,
    /// Platform to card: what time it is.
    Clock = 6,
    /// Card to platform: battery, flags, firmware.
    Status = 7,
}

impl Kind {
    const fn from_number(number: u8) -> Result<Self, FrameError> {
        Ok(match number {
            1 => Self::Hello,
            2 => Self::Transaction,
            3 => Self::Result,
            4 => Self::Receipt,
            5 => Self::Retry,
            6 => Self::Clock,
            7 => Self::Status,
            other => return Err(FrameError::UnknownKind(other)),
        })
    }

    /// The word for pages and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Transaction => "transaction",
            Self::Result => "result",
            Self::Receipt => "receipt",
            Self::Retry => "retry",
            Self::Clock => "clock",
            Self::Status => "status",
        }
    }

    /// The lengths that the encrypted text of this kind can have, and whether X and Z mean anything.
    const fn form(self, x: bool) -> Form {
        let (text_min, text_max, x_allowed, z_allowed) = match self {
            Self::Hello if x => (CardInformation::LENGTH, CardInformation::LENGTH, true, true),
            Self::Hello => (0, 0, true, true),
            Self::Transaction if x => (
                Transaction::FIXED_LENGTH + 1,
                Transaction::FIXED_LENGTH + PromptText::LENGTH_MAX,
                true,
                false,
            ),
            Self::Transaction => (Transaction::FIXED_LENGTH, Transaction::FIXED_LENGTH, true, false),
            Self::Result => (ResultText::LENGTH, ResultText::LENGTH, false, false),
            Self::Receipt => (1, 1, false, false),
            Self::Clock | Self::Retry => (0, 0, false, false),
            Self::Status => (StatusText::LENGTH, StatusText::LENGTH, false, false),
        };
        Form { text_min, text_max, x_allowed, z_allowed }
    }
}

struct Form {
    text_min: usize,
    text_max: usize,
    x_allowed: bool,
    z_allowed: bool,
}

/// A time factor as a frame carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// The low 16 bits; the receiver completes them.
    Narrow(u16),
    /// All 32 bits (W).
    Wide(TimeFactor),
}

impl Factor {
    /// The whole factor, a narrow one completed to the value nearest `reference`.
    pub fn complete(self, reference: TimeFactor) -> Option<TimeFactor> {
        match self {
            Self::Narrow(low) => TimeFactor::nearest(low, reference),
            Self::Wide(factor) => Some(factor),
        }
    }
}

/// The bytes of one frame, held in place: the longest is [`frame_longest`].
pub type FrameBytes = heapless::Vec<u8, FRAME_CAPACITY>;

const FRAME_CAPACITY: usize = 64;
const CODE: usize = VerificationCode::LENGTH;
const VERSION: u8 = 1;

const C: u8 = 0b1000;
const W: u8 = 0b0100;
const X: u8 = 0b0010;
const Z: u8 = 0b0001;

/// The longest frame there is: a full hello with channel id and wide time factor, 55 bytes.
pub const fn frame_longest() -> usize {
    2 + ChannelId::LENGTH + 4 + CardInformation::LENGTH + CODE
}

/// A frame read from bytes: every field has its form, nothing is verified yet.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Its kind.
    pub kind: Kind,
    /// Its suite.
    pub suite: Suite,
    /// The version of the card's key.
    pub key_version: KeyVersion,
    /// The channel, when the frame carries it (C).
    pub channel: Option<ChannelId>,
    /// X: full hello, or transaction with a text.
    pub x: bool,
    /// Z: the card's clock is not set.
    pub z: bool,
    /// The time factor as carried.
    pub factor: Factor,
    /// The first two bytes, which are authenticated as they are.
    pub(crate) head: [u8; 2],
    /// The encrypted text.
    pub(crate) text: &'a [u8],
    /// The verification code.
    pub(crate) code: VerificationCode,
    /// The frame as it came.
    pub bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads any frame but a retry, which has no key and is read by [`crate::card::Card::handle_frame`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let (&first, rest) = bytes.split_first().ok_or(FrameError::TooShort)?;
        let (kind, suite) = parse_first(first)?;
        let (&second, mut rest) = rest.split_first().ok_or(FrameError::TooShort)?;
        if kind == Kind::Retry {
            return Err(FrameError::WrongDirection);
        }
        let key_version = KeyVersion::new(second >> 4).map_err(|_| FrameError::KeyVersionZero)?;
        let (x, z) = (second & X != 0, second & Z != 0);
        let form = kind.form(x);
        if (x && !form.x_allowed) || (z && !form.z_allowed) {
            return Err(FrameError::ReservedFlag);
        }
        let wide = second & W != 0;
        if z && !wide {
            return Err(FrameError::UnsetClockNeedsWideFactor);
        }
        let channel = if second & C != 0 {
            let (channel, after) =
                rest.split_first_chunk::<{ ChannelId::LENGTH }>().ok_or(FrameError::TooShort)?;
            rest = after;
            Some(ChannelId::from_bytes(*channel).map_err(|_| FrameError::MalformedChannel)?)
        } else {
            None
        };
        let factor = if wide {
            let (factor, after) = rest.split_first_chunk::<4>().ok_or(FrameError::TooShort)?;
            rest = after;
            let seconds = u32::from_be_bytes(*factor);
            Factor::Wide(TimeFactor::new(seconds).ok_or(FrameError::ZeroTimeFactor)?)
        } else {
            let (factor, after) = rest.split_first_chunk::<2>().ok_or(FrameError::TooShort)?;
            rest = after;
            Factor::Narrow(u16::from_be_bytes(*factor))
        };
        let (text, code) = rest.split_last_chunk::<CODE>().ok_or(FrameError::TooShort)?;
        if text.len() < form.text_min {
            return Err(FrameError::TooShort);
        }
        if text.len() > form.text_max {
            return Err(FrameError::TooLong);
        }
        Ok(Self {
            kind,
            suite,
            key_version,
            channel,
            x,
            z,
            factor,
            head: [first, second],
            text,
            code: VerificationCode::from_bytes(*code),
            bytes,
        })
    }
}

fn parse_first(first: u8) -> Result<(Kind, Suite), FrameError> {
    let version = first >> 6;
    if version != VERSION {
        return Err(FrameError::UnknownVersion(version));
    }
    let kind = Kind::from_number(first >> 3 & 0b111)?;
    let suite = Suite::from_number(first & 0b111).map_err(|e| FrameError::UnsupportedSuite(e.0))?;
    Ok((kind, suite))
}

/// The fields that a sender chooses; the rest follows from the link.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) channel_on_air: bool,
    pub(crate) wide: bool,
    pub(crate) x: bool,
    pub(crate) z: bool,
}

impl Head {
    pub(crate) fn bytes(self, suite: Suite, key_version: KeyVersion) -> [u8; 2] {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        [
            VERSION << 6 | (self.kind as u8) << 3 | suite.number(),
            key_version.get() << 4
                | flag(self.channel_on_air, C)
                | flag(self.wide, W)
                | flag(self.x, X)
                | flag(self.z, Z),
        ]
    }
}

/// The only reason a retry gives: a wrong code and an unknown channel look the same from outside.
pub const RETRY_REASON_START_AGAIN: u8 = 1;

/// The two bytes of a retry: kind 5 and a reason. No key is behind it.
pub fn retry_frame(suite: Suite) -> [u8; 2] {
    [VERSION << 6 | (Kind::Retry as u8) << 3 | suite.number(), RETRY_REASON_START_AGAIN]
}

/// Reads a retry: its reason, or `None` where the bytes are another frame.
pub(crate) fn retry_reason(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [first, reason] if matches!(parse_first(*first), Ok((Kind::Retry, _))) => Some(*reason),
        _ => None,
    }
}
