//! What identifies a card, its key and its holder.

use core::fmt;
use core::str::FromStr;

/// The number printed on a card: 12 to 19 digits without a leading zero.
///
/// `Debug` and `Display` show the first six and last four digits only; the whole number is had by
/// [`CardNumber::digits`], so that a log cannot hold it by accident.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CardNumber(u64);

/// Why a text or number is not a card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a card number has 12 to 19 digits and no leading zero")]
pub struct CardNumberError;

impl CardNumber {
    /// A card number from its value; 12 to 19 digits.
    pub const fn new(number: u64) -> Result<Self, CardNumberError> {
        if number < 100_000_000_000 || number > 9_999_999_999_999_999_999 {
            return Err(CardNumberError);
        }
        Ok(Self(number))
    }

    /// The whole number. Never for a log.
    pub const fn digits(self) -> u64 {
        self.0
    }
}

impl FromStr for CardNumber {
    type Err = CardNumberError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.bytes().all(|b| b.is_ascii_digit()) || text.starts_with('0') {
            return Err(CardNumberError);
        }
        Self::new(text.parse().map_err(|_| CardNumberError)?)
    }
}

impl fmt::Display for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.ilog10() + 1;
        let first_six = self.0 / 10_u64.pow(digits - 6);
        write!(f, "{first_six}••••{:04}", self.0 % 10_000)
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A card's id, unique within its issuer; 4 bytes on the air. Written as 8 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CardId(pub u32);

/// Why a text is not a card id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a card id is `card_` and 8 hexadecimal digits")]
pub struct CardIdError;

impl FromStr for CardId {
    type Err = CardIdError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("card_").unwrap_or(text);
        if digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(CardIdError);
        }
        u32::from_str_radix(digits, 16).map(Self).map_err(|_| CardIdError)
    }
}

impl fmt::Display for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "card_{:08x}", self.0)
    }
}

impl fmt::Debug for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Counts a card's re-injections, 1 to 15. A version is never used again for another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyVersion(u8);

/// Why a number is not a key version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key version is 1 to 15")]
pub struct KeyVersionError;

impl KeyVersion {
    /// The version of a first injection.
    pub const FIRST: Self = Self(1);

    /// The version 1 to 15.
    pub const fn new(version: u8) -> Result<Self, KeyVersionError> {
        if version == 0 || version > 15 {
            return Err(KeyVersionError);
        }
        Ok(Self(version))
    }

    /// 1 to 15.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The version of the next injection; an error when fifteen are used up and the card must be replaced.
    pub const fn next(self) -> Result<Self, KeyVersionError> {
        Self::new(self.0 + 1)
    }
}

/// The number of the card's certificate; 8 bytes on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CertificateNumber(pub u64);

/// Names a holder without saying who that is; 8 bytes on the air. Written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HolderReference(pub u64);

impl FromStr for HolderReference {
    type Err = HolderReferenceError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("hld_").unwrap_or(text);
        if digits.len() != 16 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(HolderReferenceError);
        }
        u64::from_str_radix(digits, 16).map(Self).map_err(|_| HolderReferenceError)
    }
}

/// Why a text is not a holder reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a holder reference is `hld_` and 16 hexadecimal digits")]
pub struct HolderReferenceError;

impl fmt::Display for HolderReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hld_{:016x}", self.0)
    }
}

impl fmt::Debug for HolderReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a payment happens, as four bytes of a transaction frame say it; the platform keeps the name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlaceId(pub u32);

/// 卡片信息: the 32 bytes that a card and the platform must both hold for a hello to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardInformation {
    /// The card's number.
    pub number: CardNumber,
    /// The card's id.
    pub card_id: CardId,
    /// The holder it was personalised for.
    pub holder: HolderReference,
    /// The certificate's number.
    pub certificate: CertificateNumber,
    /// When the card was made, in seconds since the air epoch.
    pub created: u32,
}

impl CardInformation {
    /// Length on the air: number 8, id 4, holder 8, certificate 8, creation time 4.
    pub const LENGTH: usize = 32;

    /// The 32 bytes, big-endian.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.number.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.card_id.0.to_be_bytes());
        bytes[12..20].copy_from_slice(&self.holder.0.to_be_bytes());
        bytes[20..28].copy_from_slice(&self.certificate.0.to_be_bytes());
        bytes[28..].copy_from_slice(&self.created.to_be_bytes());
        bytes
    }

    /// Reads the 32 bytes; only the card number can be out of its range.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Result<Self, CardNumberError> {
        Ok(Self {
            number: CardNumber::new(be_u64(&bytes[..8]))?,
            card_id: CardId(be_u32(&bytes[8..12])),
            holder: HolderReference(be_u64(&bytes[12..20])),
            certificate: CertificateNumber(be_u64(&bytes[20..28])),
            created: be_u32(&bytes[28..]),
        })
    }
}

fn be_u64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}

fn be_u32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::{format, string::ToString};

    #[test]
    fn a_card_number_never_shows_its_middle() {
        let number: CardNumber = "6212345678901232".parse().unwrap();
        assert_eq!(number.to_string(), "621234••••1232");
        assert_eq!(format!("{number:?}"), "621234••••1232");
    }

    #[test]
    fn texts_that_are_no_card_number_are_refused() {
        for text in
            ["", "0212345678901232", "62123", "6212 3456 7890 1232", "62123456789012321234", "+621234567890"]
        {
            assert_eq!(text.parse::<CardNumber>(), Err(CardNumberError), "{text:?}");
        }
    }

    #[test]
    fn card_information_reads_back() {
        let info = CardInformation {
            number: CardNumber::new(6_212_345_678_901_232).unwrap(),
            card_id: CardId(0x00c0_ffee),
            holder: HolderReference(0x1122_3344_5566_7788),
            certificate: CertificateNumber(0xa1a2_a3a4_a5a6_a7a8),
            created: 212_205_568,
        };
        assert_eq!(CardInformation::from_bytes(&info.to_bytes()), Ok(info));
    }
}
