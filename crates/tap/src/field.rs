//! Values of fields that are more than bytes: references, and the secrets that a holder types.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A name that the bank gives: of an authorization, or of a transaction. It is worth nothing at another terminal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference(pub [u8; 16]);

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the holder copied from an SMS: six decimal digits. Zeroised when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SmsCode([u8; Self::LENGTH]);

/// What was typed is no SMS code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an SMS code has six decimal digits; type it again")]
pub struct SmsCodeError;

impl SmsCode {
    /// Digits of a code.
    pub const LENGTH: usize = 6;

    /// The code of these ASCII digits.
    pub fn new(digits: [u8; Self::LENGTH]) -> Result<Self, SmsCodeError> {
        let code = Self(digits);
        if code.0.iter().all(u8::is_ascii_digit) { Ok(code) } else { Err(SmsCodeError) }
    }

    /// The digits in ASCII.
    pub const fn digits(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl FromStr for SmsCode {
    type Err = SmsCodeError;
    fn from_str(text: &str) -> Result<Self, SmsCodeError> {
        text.as_bytes().try_into().map_err(|_| SmsCodeError).and_then(Self::new)
    }
}

impl PartialEq for SmsCode {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SmsCode {}

impl fmt::Debug for SmsCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmsCode([redacted])")
    }
}

/// An SMS code and which one it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsAnswer {
    /// What the security server called it when it sent it.
    pub reference: [u8; 16],
    /// What the holder typed.
    pub code: SmsCode,
}

/// The card's own PIN, BCD padded with `F`, as VERIFY sends it. It never leaves the driver. Zeroised when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct CardPin(Vec<u8>);

/// What was typed is no PIN of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a card's PIN has 4 to 12 decimal digits; type it again")]
pub struct CardPinError;

impl CardPin {
    /// The shortest, in bytes.
    pub const LENGTH_MIN: usize = 2;
    /// The longest, in bytes.
    pub const LENGTH_MAX: usize = 6;

    /// The PIN in these bytes: digits, then nothing but `F`. A card may want more padding than there are digits.
    pub fn new(bytes: &[u8]) -> Result<Self, CardPinError> {
        let (mut digits, mut ended, mut right) = (0, false, true);
        for half in bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]) {
            match half {
                0..=9 if !ended => digits += 1,
                0x0f => ended = true,
                _ => right = false,
            }
        }
        if right && digits > 0 && (Self::LENGTH_MIN..=Self::LENGTH_MAX).contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(CardPinError)
        }
    }

    /// What VERIFY sends.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a holder types: 4 to 12 digits, padded to whole bytes.
impl FromStr for CardPin {
    type Err = CardPinError;
    fn from_str(text: &str) -> Result<Self, CardPinError> {
        let digits = text.as_bytes();
        if !(2 * Self::LENGTH_MIN..=2 * Self::LENGTH_MAX).contains(&digits.len())
            || !digits.iter().all(u8::is_ascii_digit)
        {
            return Err(CardPinError);
        }
        let mut pin = Self(Vec::with_capacity(Self::LENGTH_MAX));
        pin.0.extend(digits.chunks(2).map(|pair| match pair {
            [high, low, ..] => (high - b'0') << 4 | (low - b'0'),
            [last] => (last - b'0') << 4 | 0x0f,
            [] => 0xff,
        }));
        Ok(pin)
    }
}

impl PartialEq for CardPin {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for CardPin {}

impl fmt::Debug for CardPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardPin([redacted])")
    }
}
