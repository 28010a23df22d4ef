//! What stands inside a frame once its code agreed, and the contexts that are authenticated unsent.

use core::fmt;

use model::{Amount, CardNumber, Currency, Decision, HolderReference, PlaceId, TimeFactor};

use crate::TextError;

/// The battery byte of a full battery; half a percent a step.
pub const BATTERY_FULL: u8 = 200;

/// The most presses that a result can say.
pub const PRESSES_MAX: u8 = 15;

/// How long a card may show a transaction: 10 to 2,550 s in steps of ten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime(u8);

impl Lifetime {
    /// A lifetime of at least this many seconds, rounded up to tens and held within 10 to 2,550.
    pub const fn at_least_seconds(seconds: u32) -> Self {
        let tens = seconds.div_ceil(10);
        Self(if tens == 0 {
            1
        } else if tens > 255 {
            255
        } else {
            tens as u8
        })
    }

    /// Seconds, a multiple of ten.
    pub const fn seconds(self) -> u32 {
        self.0 as u32 * 10
    }
}

/// A text for the card's display: 1 to 20 bytes of UTF-8 without control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct PromptText(heapless::String<{ Self::LENGTH_MAX }>);

impl PromptText {
    /// The longest text, in bytes.
    pub const LENGTH_MAX: usize = 20;

    /// Checks a text.
    pub fn new(text: &str) -> Result<Self, TextError> {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(TextError::DisplayText);
        }
        heapless::String::try_from(text).map(Self).map_err(|_| TextError::DisplayText)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PromptText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// 交易信息: what the holder is asked to agree to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// How much.
    pub amount: Amount,
    /// Where.
    pub place: PlaceId,
    /// For how long the card may show it.
    pub lifetime: Lifetime,
    /// What a display shows besides.
    pub text: Option<PromptText>,
}

/// A transaction's bytes.
pub(crate) type TransactionBytes = heapless::Vec<u8, { Transaction::FIXED_LENGTH + PromptText::LENGTH_MAX }>;

impl Transaction {
    /// Amount 4, currency 2, place 4, lifetime 1.
    pub(crate) const FIXED_LENGTH: usize = 11;

    /// The bytes: 11, and those of the text.
    pub fn to_bytes(&self) -> heapless::Vec<u8, 31> {
        let mut bytes = TransactionBytes::new();
        // 11 + 20 bytes always fit the 31.
        let _ = bytes.extend_from_slice(&self.amount.minor().to_be_bytes());
        let _ = bytes.extend_from_slice(&self.amount.currency().number().to_be_bytes());
        let _ = bytes.extend_from_slice(&self.place.0.to_be_bytes());
        let _ = bytes.push(self.lifetime.0);
        if let Some(text) = &self.text {
            let _ = bytes.extend_from_slice(text.as_str().as_bytes());
        }
        bytes
    }

    /// Reads the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TextError> {
        let (fixed, text) =
            bytes.split_first_chunk::<{ Self::FIXED_LENGTH }>().ok_or(TextError::WrongLength)?;
        let [a0, a1, a2, a3, c0, c1, p0, p1, p2, p3, lifetime] = *fixed;
        let currency =
            Currency::from_number(u16::from_be_bytes([c0, c1])).map_err(|_| TextError::UnknownCurrency)?;
        let minor = u32::from_be_bytes([a0, a1, a2, a3]);
        if lifetime == 0 {
            return Err(TextError::ZeroLifetime);
        }
        let text = match text {
            [] => None,
            bytes => Some(PromptText::new(core::str::from_utf8(bytes).map_err(|_| TextError::DisplayText)?)?),
        };
        Ok(Self {
            amount: Amount::new(minor.into(), currency).map_err(|_| TextError::ZeroAmount)?,
            place: PlaceId(u32::from_be_bytes([p0, p1, p2, p3])),
            lifetime: Lifetime(lifetime),
            text,
        })
    }
}

/// What a transaction answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answering {
    /// The hello of this time factor.
    Hello(TimeFactor),
    /// No hello: it is pushed.
    Nothing,
}

impl Answering {
    fn seconds(self) -> u32 {
        match self {
            Self::Hello(factor) => factor.seconds(),
            Self::Nothing => 0,
        }
    }
}

/// What a transaction's code covers besides its text: 20 bytes that both ends know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionContext {
    /// The hello it answers.
    pub answering: Answering,
    /// The card that it was made for.
    pub number: CardNumber,
    /// The holder that it was made for.
    pub holder: HolderReference,
}

impl TransactionContext {
    /// Time factor of the hello 4 (0 when pushed), card number 8, holder 8.
    pub const LENGTH: usize = 20;

    /// The bytes.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..4].copy_from_slice(&self.answering.seconds().to_be_bytes());
        bytes[4..12].copy_from_slice(&self.number.digits().to_be_bytes());
        bytes[12..].copy_from_slice(&self.holder.0.to_be_bytes());
        bytes
    }
}

/// A result's text: decision and battery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultText {
    /// What was decided.
    pub decision: Decision,
    /// Battery, 0 to 200 in half percents.
    pub battery: u8,
}

impl ResultText {
    /// Decision and presses 1, battery 1.
    pub const LENGTH: usize = 2;

    /// The bytes.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let first = match self.decision {
            Decision::Agreed { presses } => 1 << 4 | presses & 0x0f,
            Decision::Refused => 2 << 4,
            Decision::NotMe => 3 << 4,
            Decision::OverLimit => 4 << 4,
            Decision::NotAnswered => 5 << 4,
            Decision::Busy => 6 << 4,
        };
        [first, self.battery]
    }

    /// Reads the bytes. Only an agreement has presses, and it has at least one.
    pub fn from_bytes([first, battery]: [u8; Self::LENGTH]) -> Result<Self, TextError> {
        let decision = match (first >> 4, first & 0x0f) {
            (1, presses) if presses > 0 => Decision::Agreed { presses },
            (2, 0) => Decision::Refused,
            (3, 0) => Decision::NotMe,
            (4, 0) => Decision::OverLimit,
            (5, 0) => Decision::NotAnswered,
            (6, 0) => Decision::Busy,
            _ => return Err(TextError::UnknownDecision),
        };
        Ok(Self { decision, battery })
    }
}

/// What a status frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusText {
    /// Battery, 0 to 200 in half percents.
    pub battery: u8,
    /// Reserved; zero.
    pub flags: u8,
    /// Firmware version, high byte major.
    pub firmware: u16,
}

impl StatusText {
    /// Battery 1, flags 1, firmware version 2.
    pub const LENGTH: usize = 4;

    /// The bytes.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let [major, minor] = self.firmware.to_be_bytes();
        [self.battery, self.flags, major, minor]
    }

    /// Reads the bytes.
    pub fn from_bytes([battery, flags, major, minor]: [u8; Self::LENGTH]) -> Self {
        Self { battery, flags, firmware: u16::from_be_bytes([major, minor]) }
    }
}
