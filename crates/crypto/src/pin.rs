//! A PIN: hidden between terminal and key store (ISO 9564-1 format 4), kept as a reference that proves it.
//!
//! For: making and opening PIN blocks, and the CMAC by which a bank knows a PIN without holding it.
//! Refuses: other formats, PINs that are not 4 to 12 digits, saying which part of a block was wrong.

use core::fmt;
use core::str::FromStr;

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};
use model::Asn;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::CheckValue;
use crate::key::check_value;

/// What a holder types: 4 to 12 decimal digits. Zeroised when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pin {
    /// The digits, 0 to 9 each; zeros behind the last.
    digits: [u8; Self::LENGTH_MAX],
    length: u8,
}

/// Why there is no PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// What was typed is no PIN.
    #[error("a PIN has 4 to 12 decimal digits; type it again")]
    NotAPin,
    /// The block was made under another key, for another card, or is none; it is not told which.
    #[error("the PIN block does not open for this card; ask for the PIN again")]
    WrongBlock,
}

impl Pin {
    /// The fewest digits.
    pub const LENGTH_MIN: usize = 4;
    /// The most digits.
    pub const LENGTH_MAX: usize = 12;

    fn digits(&self) -> &[u8] {
        self.digits.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl FromStr for Pin {
    type Err = PinError;
    fn from_str(text: &str) -> Result<Self, PinError> {
        let text = text.as_bytes();
        if !(Self::LENGTH_MIN..=Self::LENGTH_MAX).contains(&text.len())
            || !text.iter().all(u8::is_ascii_digit)
        {
            return Err(PinError::NotAPin);
        }
        let mut pin = Self { digits: [0; Self::LENGTH_MAX], length: text.len() as u8 };
        pin.digits.iter_mut().zip(text).for_each(|(digit, byte)| *digit = byte - b'0');
        Ok(pin)
    }
}

impl PartialEq for Pin {
    fn eq(&self, other: &Self) -> bool {
        (self.digits.ct_eq(&other.digits) & self.length.ct_eq(&other.length)).into()
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin([redacted])")
    }
}

/// An enciphered PIN block, ISO 9564-1 format 4. Nobody needs to see one, so it does not print itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PinBlock(pub [u8; 16]);

impl fmt::Debug for PinBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinBlock([redacted])")
    }
}

/// What a bank keeps of a bank card's PIN. Who has the verification key too can try all PINs against it, hence it
/// does not print itself.
#[derive(Clone, Copy)]
pub struct PinReference(pub [u8; 16]);

impl PartialEq for PinReference {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for PinReference {}

impl fmt::Debug for PinReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinReference([redacted])")
    }
}

secret!(
    /// The working key of a terminal's PIN blocks (AES-128).
    PinKey,
    16
);
secret!(
    /// Makes references of PINs and does nothing else (AES-128).
    PinVerificationKey,
    16
);

kept_by_a_key_store!(PinVerificationKey);

/// Puts decimal digits into the halves of a field, from half `start` on.
fn put_digits(field: &mut [u8; 16], start: usize, digits: impl IntoIterator<Item = u8>) {
    for (index, digit) in (start..2 * field.len()).zip(digits) {
        let shift = if index % 2 == 0 { 4 } else { 0 };
        field[index / 2] = field[index / 2] & !(0x0f << shift) | (digit & 0x0f) << shift;
    }
}

/// The account number field: how many digits more than 12, the digits, zeros. At most 19 digits.
fn account_field(digits: impl ExactSizeIterator<Item = u8>) -> [u8; 16] {
    let mut field = [0; 16];
    let length = digits.len();
    let more = u8::try_from(length.saturating_sub(12)).unwrap_or_default();
    put_digits(&mut field, 0, [more]);
    // Fewer than 12 digits have zeros before them.
    put_digits(&mut field, 1 + 12_usize.saturating_sub(length), digits);
    field
}

/// The field of a wallet card: the rightmost 16 digits of its serial number.
fn card_field(asn: Asn) -> [u8; 16] {
    let factor = asn.factor();
    let digits: [u8; 16] = core::array::from_fn(|i| factor[i / 2] >> (if i % 2 == 0 { 4 } else { 0 }) & 0x0f);
    account_field(digits.into_iter())
}

fn add(block: &mut [u8; 16], field: &[u8; 16]) {
    block.iter_mut().zip(field).for_each(|(byte, more)| *byte ^= more);
}

impl PinKey {
    /// The PIN block of a PIN that is good for one wallet card. `random` is never the same twice.
    pub fn format4(&self, pin: &Pin, asn: Asn, random: [u8; 8]) -> PinBlock {
        self.seal(pin, &card_field(asn), random)
    }

    /// The PIN of a block, where it was made under this key for this wallet card.
    pub fn open(&self, block: &PinBlock, asn: Asn) -> Result<Pin, PinError> {
        self.unseal(block, &card_field(asn))
    }

    fn seal(&self, pin: &Pin, account: &[u8; 16], random: [u8; 8]) -> PinBlock {
        // Control 4, length, digits, `A` to the half, then the random half.
        let mut block = Zeroizing::new([0xaa; 16]);
        block[0] = 0x40 | pin.length;
        put_digits(&mut block, 2, pin.digits().iter().copied());
        block[8..].copy_from_slice(&random);
        let cipher = Aes128::new(&self.0.into());
        cipher.encrypt_block((&mut *block).into());
        add(&mut block, account);
        cipher.encrypt_block((&mut *block).into());
        PinBlock(*block)
    }

    fn unseal(&self, block: &PinBlock, account: &[u8; 16]) -> Result<Pin, PinError> {
        let mut block = Zeroizing::new(block.0);
        let cipher = Aes128::new(&self.0.into());
        cipher.decrypt_block((&mut *block).into());
        add(&mut block, account);
        cipher.decrypt_block((&mut *block).into());
        let (control, length) = (block[0] >> 4, block[0] & 0x0f);
        let mut wrong = control != 4 || !(4..=12).contains(&length);
        let mut pin = Pin { digits: [0; Pin::LENGTH_MAX], length };
        for index in 0..14_u8 {
            let place = usize::from(index);
            let half = block[1 + place / 2] >> (if index % 2 == 0 { 4 } else { 0 }) & 0x0f;
            // All are looked at, whatever the first was.
            if index < length {
                wrong |= half > 9;
                if let Some(digit) = pin.digits.get_mut(place) {
                    *digit = half;
                }
            } else {
                wrong |= half != 0x0a;
            }
        }
        if wrong { Err(PinError::WrongBlock) } else { Ok(pin) }
    }
}

impl PinVerificationKey {
    /// The reference of a PIN of an account: AES-CMAC over `"CFPV" account 00 PIN`, both in ASCII digits.
    pub fn reference(&self, account: &str, pin: &Pin) -> PinReference {
        let mut mac = Cmac::<Aes128>::new(&self.0.into());
        mac.update(b"CFPV");
        mac.update(account.as_bytes());
        mac.update(&[0]);
        let mut ascii = Zeroizing::new(pin.digits);
        ascii.iter_mut().for_each(|digit| *digit += b'0');
        mac.update(ascii.get(..usize::from(pin.length)).unwrap_or_default());
        PinReference(mac.finalize().into_bytes().into())
    }

    /// The key's check value.
    pub fn check_value(&self) -> CheckValue {
        check_value(&self.0)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn pin(text: &str) -> Pin {
        text.parse().unwrap()
    }

    fn account(digits: &str) -> [u8; 16] {
        account_field(digits.bytes().map(|byte| byte - b'0'))
    }

    const KEY: &str = "af8cb133a78f8dc2d1359f18527593fb";
    const CARD: &str = "00004111111111111111";

    #[test]
    fn a_block_is_that_of_published_examples() {
        for [key, digits, random, block] in [
            // The worked examples of the supplement to ASC X9.24-3-2017.
            [KEY, "4111111111111111", "2f69adde2e9e7ace", "a912150391ab65a67e52883d81ce2d15"],
            [
                "d30bdc73ec9714b000bec66bdb7b6d09",
                "4111111111111111",
                "2f69adde2e9e7ace",
                "52a00503bd34ba1383f6a7ee9fe2547f",
            ],
            // An example that several libraries test against, with an account number of 19 digits.
            [
                "00112233445566778899aabbccddeeff",
                "1234567890123456789",
                "ffffffffffffffff",
                "28b41fddd29b743e93124bd8e32d921e",
            ],
        ] {
            let key = PinKey(bytes(key));
            let sealed = key.seal(&pin("1234"), &account(digits), bytes(random));
            assert_eq!(hex::encode(sealed.0), block);
            assert!(key.unseal(&sealed, &account(digits)) == Ok(pin("1234")));
        }
    }

    #[test]
    fn a_wallet_card_gives_the_rightmost_sixteen_digits_of_its_number() {
        let key = PinKey(bytes(KEY));
        let block = key.format4(&pin("1234"), CARD.parse().unwrap(), bytes("2f69adde2e9e7ace"));
        assert_eq!(hex::encode(block.0), "a912150391ab65a67e52883d81ce2d15");
    }

    #[test]
    fn an_account_field_has_its_length_its_digits_and_zeros() {
        for (digits, field) in [
            ("4111111111111111", "44111111111111111000000000000000"),
            ("1234567890123456789", "71234567890123456789000000000000"),
            ("123456789012", "01234567890120000000000000000000"),
            ("12345678", "00000123456780000000000000000000"),
        ] {
            assert_eq!(hex::encode(account(digits)), field);
        }
    }

    #[test]
    fn every_pin_comes_back_from_its_block_for_its_card_only() {
        let (key, card) = (PinKey([3; 16]), CARD.parse().unwrap());
        let other = "00004111111111111112".parse().unwrap();
        for typed in ["0000", "1234", "99999", "123456", "000000000000", "987654321098"] {
            let block = key.format4(&pin(typed), card, [9; 8]);
            assert!(key.open(&block, card) == Ok(pin(typed)), "{typed}");
            assert!(key.open(&block, other) == Err(PinError::WrongBlock), "{typed}");
            assert!(PinKey([4; 16]).open(&block, card) == Err(PinError::WrongBlock), "{typed}");
            assert_ne!(block, key.format4(&pin(typed), card, [8; 8]));
        }
    }

    #[test]
    fn a_changed_block_never_opens_as_another_pin() {
        // 2^64 to 1 for each: the digits, their number and the fill would have to come out right by chance.
        let (key, card) = (PinKey([3; 16]), CARD.parse().unwrap());
        let block = key.format4(&pin("1234"), card, [9; 8]);
        for bit in 0..128 {
            let mut changed = block;
            changed.0[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open(&changed, card) == Err(PinError::WrongBlock), "bit {bit}");
        }
    }

    #[test]
    fn a_field_that_no_pin_makes_is_refused() {
        let (key, card) = (PinKey([3; 16]), card_field(CARD.parse().unwrap()));
        let sealed = |field: &str| {
            let mut block: [u8; 16] = bytes(field);
            let cipher = Aes128::new(&key.0.into());
            cipher.encrypt_block((&mut block).into());
            add(&mut block, &card);
            cipher.encrypt_block((&mut block).into());
            key.unseal(&PinBlock(block), &card)
        };
        assert!(sealed("441234aaaaaaaaaa0000000000000000") == Ok(pin("1234")));
        for wrong in [
            "341234aaaaaaaaaa0000000000000000", // another format
            "43123aaaaaaaaaaa0000000000000000", // three digits
            "4d1234567890123a0000000000000000", // thirteen digits
            "4f123456789012aa0000000000000000",
            "4412a4aaaaaaaaaa0000000000000000", // no digit
            "44123faaaaaaaaaa0000000000000000",
            "441234aaaaaaaaab0000000000000000", // another fill
            "4412340aaaaaaaaa0000000000000000",
            "451234aaaaaaaaaa0000000000000000", // another length
        ] {
            assert!(sealed(wrong) == Err(PinError::WrongBlock), "{wrong}");
        }
    }

    #[test]
    fn a_pin_is_four_to_twelve_digits() {
        for wrong in ["", "123", "1234567890123", "12a4", "12 34", "-123", "１２３４"] {
            assert!(wrong.parse::<Pin>() == Err(PinError::NotAPin), "{wrong}");
        }
        assert!(pin("1234") != pin("12340"));
        assert!(pin("1234") != pin("1235"));
    }

    #[test]
    fn a_reference_is_that_of_another_library_and_of_one_account_and_pin() {
        let key = PinVerificationKey(core::array::from_fn(|i| i as u8));
        let reference = key.reference("6222020200112233445", &pin("123456"));
        // Python's `cryptography`: CMAC.
        assert_eq!(hex::encode(reference.0), "f80f2a1a0c0145b3def0338d887e7c82");
        assert!(reference != key.reference("6222020200112233446", &pin("123456")));
        assert!(reference != key.reference("6222020200112233445", &pin("123457")));
        // The zero between them: digits do not move from one to the other.
        assert!(key.reference("12345", &pin("6789")) != key.reference("1234", &pin("56789")));
    }

    #[test]
    fn nothing_of_a_pin_prints_itself() {
        let (key, card) = (PinKey([3; 16]), CARD.parse().unwrap());
        let block = key.format4(&pin("1234"), card, [9; 8]);
        let verification = PinVerificationKey([1; 16]);
        let reference = verification.reference("6222", &pin("1234"));
        assert_eq!(
            format!("{:?} {key:?} {block:?} {verification:?} {reference:?}", pin("1234")),
            "Pin([redacted]) PinKey([redacted]) PinBlock([redacted]) PinVerificationKey([redacted]) \
             PinReference([redacted])"
        );
    }
}
