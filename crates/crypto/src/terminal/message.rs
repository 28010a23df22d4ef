//! Sealing a message between a terminal and the bank, and comparing its tag before opening it.

use alloc::vec::Vec;
use core::fmt;

use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, AesGcm};
use sm4::Sm4;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::suite::TerminalSuite;
use crate::CheckValue;
use crate::key::check_value;

type Sm4Gcm = AesGcm<Sm4, U12>;

/// Which way a message goes; it is authenticated, so that none can be sent back to where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Direction {
    /// From the terminal to the bank.
    ToBank = 0,
    /// From the bank to the terminal.
    ToTerminal = 1,
}

/// Why a message was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The tag is not that of this key, header, nonce and text. Nothing was decrypted.
    #[error("the tag does not agree with the message; nothing was decrypted")]
    WrongCode,
    /// The nonce or the text has a length that the suite does not know.
    #[error("this is not a sealed message: its nonce or its text has the wrong length")]
    Malformed,
    /// The suite is not compiled in.
    #[error(
        "this build does not speak the terminal's suite; register it for another, or build with `legacy`"
    )]
    SuiteNotBuilt,
}

/// The key of one terminal's messages in one suite.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MessageKey {
    #[zeroize(skip)]
    suite: TerminalSuite,
    message: [u8; 16],
    /// Only the legacy suites have a MAC key of its own.
    mac: [u8; 16],
}

impl fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageKey").field("suite", &self.suite).field("keys", &"[redacted]").finish()
    }
}

pub(super) const ASSOCIATED_LENGTH: usize = 25;

fn associated(direction: Direction, header: &[u8; 20]) -> [u8; ASSOCIATED_LENGTH] {
    let mut data = [0; ASSOCIATED_LENGTH];
    data[..4].copy_from_slice(b"CFT1");
    data[4] = direction as u8;
    data[5..].copy_from_slice(header);
    data
}

impl MessageKey {
    pub(super) const fn new(suite: TerminalSuite, message: [u8; 16], mac: [u8; 16]) -> Self {
        Self { suite, message, mac }
    }

    /// What it is used with.
    pub const fn suite(&self) -> TerminalSuite {
        self.suite
    }

    /// The check value of the message key.
    pub fn check_value(&self) -> CheckValue {
        check_value(&self.message)
    }

    /// Encrypts `text` in place and appends its tag.
    ///
    /// `nonce` is random and of [`TerminalSuite::nonce_length`]; header and direction are authenticated with it.
    pub fn seal(
        &self,
        direction: Direction,
        header: &[u8; 20],
        nonce: &[u8],
        text: &mut Vec<u8>,
    ) -> Result<(), MessageError> {
        let associated = associated(direction, header);
        match self.suite {
            TerminalSuite::Aes128Gcm => seal_gcm::<Aes128Gcm>(&self.message, &associated, nonce, text),
            TerminalSuite::Sm4Gcm => seal_gcm::<Sm4Gcm>(&self.message, &associated, nonce, text),
            TerminalSuite::Des | TerminalSuite::TripleDes => self.seal_legacy(&associated, nonce, text),
        }
    }

    /// Compares the tag at the end of `text`, and only then decrypts `text` in place and takes the tag off. On an
    /// error `text` is as it was.
    pub fn open(
        &self,
        direction: Direction,
        header: &[u8; 20],
        nonce: &[u8],
        text: &mut Vec<u8>,
    ) -> Result<(), MessageError> {
        let associated = associated(direction, header);
        match self.suite {
            TerminalSuite::Aes128Gcm => open_gcm::<Aes128Gcm>(&self.message, &associated, nonce, text),
            TerminalSuite::Sm4Gcm => open_gcm::<Sm4Gcm>(&self.message, &associated, nonce, text),
            TerminalSuite::Des | TerminalSuite::TripleDes => self.open_legacy(&associated, nonce, text),
        }
    }

    #[cfg(feature = "legacy")]
    fn seal_legacy(&self, associated: &[u8], nonce: &[u8], text: &mut Vec<u8>) -> Result<(), MessageError> {
        super::legacy::seal(self.suite, &self.message, &self.mac, associated, nonce, text)
    }

    #[cfg(feature = "legacy")]
    fn open_legacy(&self, associated: &[u8], nonce: &[u8], text: &mut Vec<u8>) -> Result<(), MessageError> {
        super::legacy::open(self.suite, &self.message, &self.mac, associated, nonce, text)
    }

    #[cfg(not(feature = "legacy"))]
    fn seal_legacy(&self, _: &[u8], _: &[u8], _: &mut Vec<u8>) -> Result<(), MessageError> {
        Err(MessageError::SuiteNotBuilt)
    }

    #[cfg(not(feature = "legacy"))]
    fn open_legacy(&self, _: &[u8], _: &[u8], _: &mut Vec<u8>) -> Result<(), MessageError> {
        Err(MessageError::SuiteNotBuilt)
    }
}

const TAG_LENGTH: usize = TerminalSuite::Aes128Gcm.tag_length();

/// GCM over a block cipher with keys, nonces and tags of AES-128-GCM: AES-128, or SM4 as RFC 8998 has it.
fn seal_gcm<A>(
    key: &[u8; 16],
    associated: &[u8],
    nonce: &[u8],
    text: &mut Vec<u8>,
) -> Result<(), MessageError>
where
    A: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit<KeySize = U16>,
{
    let nonce = <&[u8; 12]>::try_from(nonce).map_err(|_| MessageError::Malformed)?;
    make_room(text, TAG_LENGTH);
    let tag = A::new(key.into())
        .encrypt_inout_detached(nonce.into(), associated, text.as_mut_slice().into())
        .map_err(|_| MessageError::Malformed)?;
    text.extend_from_slice(&tag);
    Ok(())
}

fn open_gcm<A>(
    key: &[u8; 16],
    associated: &[u8],
    nonce: &[u8],
    text: &mut Vec<u8>,
) -> Result<(), MessageError>
where
    A: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit<KeySize = U16>,
{
    let nonce = <&[u8; 12]>::try_from(nonce).map_err(|_| MessageError::Malformed)?;
    let (sealed, tag) = text.split_last_chunk_mut::<TAG_LENGTH>().ok_or(MessageError::Malformed)?;
    let length = sealed.len();
    A::new(key.into())
        .decrypt_inout_detached(nonce.into(), associated, sealed.into(), (&*tag).into())
        .map_err(|_| MessageError::WrongCode)?;
    text.truncate(length);
    Ok(())
}

/// Room for so many bytes more. A buffer that grew by itself would leave what it held behind where it was.
pub(super) fn make_room(text: &mut Vec<u8>, more: usize) {
    if text.capacity() - text.len() < more {
        let mut larger = Vec::with_capacity(text.len() + more);
        larger.extend_from_slice(text);
        core::mem::replace(text, larger).zeroize();
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::{format, vec};

    const HEADER: [u8; 20] = [7; 20];

    fn key(suite: TerminalSuite) -> MessageKey {
        MessageKey::new(suite, [1; 16], [2; 16])
    }

    fn built() -> impl Iterator<Item = TerminalSuite> {
        TerminalSuite::ALL.into_iter().filter(|suite| suite.is_built())
    }

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    type Gcm = fn(&[u8; 16], &[u8], &[u8], &mut Vec<u8>) -> Result<(), MessageError>;

    fn published(seal: Gcm, open: Gcm, [key, nonce, associated, text, sealed]: [&str; 5]) {
        let (key, nonce): ([u8; 16], [u8; 12]) = (bytes(key), bytes(nonce));
        let associated = hex::decode(associated).unwrap();
        let mut message = hex::decode(text).unwrap();
        seal(&key, &associated, &nonce, &mut message).unwrap();
        assert_eq!(hex::encode(&message), sealed);
        open(&key, &associated, &nonce, &mut message).unwrap();
        assert_eq!(hex::encode(&message), text);
    }

    #[test]
    fn aes_gcm_is_that_of_nist() {
        // Test case 4 of the mode's submission to NIST.
        published(
            seal_gcm::<Aes128Gcm>,
            open_gcm::<Aes128Gcm>,
            [
                "feffe9928665731c6d6a8f9467308308",
                "cafebabefacedbaddecaf888",
                "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525\
                 b16aedf5aa0de657ba637b39",
                "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05\
                 1ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
            ],
        );
    }

    #[test]
    fn sm4_gcm_is_that_of_rfc_8998() {
        // Appendix A.1.
        published(
            seal_gcm::<Sm4Gcm>,
            open_gcm::<Sm4Gcm>,
            [
                "0123456789abcdeffedcba9876543210",
                "00001234567800000000abcd",
                "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffff\
                 eeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
                "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15\
                 a56834cbcf98c397b4024a2691233b8d83de3541e4c2b58177e065a9bf7b62ec",
            ],
        );
    }

    #[test]
    fn a_message_is_that_of_another_library() {
        // Python's `cryptography`: working message key 7 of terminal 000001000050 under the root 00 01 … 0f.
        let message = bytes("20e3f16a0e25bce77687fb53492b93f5");
        let header = bytes("0101000001000050000000070000000000000009");
        let nonce: [u8; 12] = core::array::from_fn(|i| i as u8);
        let mut text = b"I01000202 hello".to_vec();
        MessageKey::new(TerminalSuite::Aes128Gcm, message, [0; 16])
            .seal(Direction::ToBank, &header, &nonce, &mut text)
            .unwrap();
        assert_eq!(hex::encode(text), "3f5135d4261d07adc05fdebc330aa217ea82cc59da45a2e20b538f51b86004");
    }

    #[test]
    fn what_was_sealed_opens_and_nothing_else_does() {
        for suite in built() {
            let (key, nonce) = (key(suite), vec![3; suite.nonce_length()]);
            let mut text = b"two hundred yuan".to_vec();
            key.seal(Direction::ToBank, &HEADER, &nonce, &mut text).unwrap();
            let sealed = text.clone();
            let refused = |key: &MessageKey, direction, header: &[u8; 20], nonce: &[u8], text: &[u8]| {
                let mut opened = text.to_vec();
                assert_eq!(
                    key.open(direction, header, nonce, &mut opened),
                    Err(MessageError::WrongCode),
                    "{suite}"
                );
                assert_eq!(opened, text, "{suite}: a refused message stays as it was");
            };
            for bit in 0..8 * sealed.len() {
                let mut changed = sealed.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                refused(&key, Direction::ToBank, &HEADER, &nonce, &changed);
            }
            refused(&key, Direction::ToTerminal, &HEADER, &nonce, &sealed);
            for index in 0..20 {
                let mut header = HEADER;
                header[index] ^= 1;
                refused(&key, Direction::ToBank, &header, &nonce, &sealed);
            }
            for index in 0..nonce.len() {
                let mut nonce = nonce.clone();
                nonce[index] ^= 0x80;
                refused(&key, Direction::ToBank, &HEADER, &nonce, &sealed);
            }
            let other = MessageKey::new(suite, [4; 16], [5; 16]);
            refused(&other, Direction::ToBank, &HEADER, &nonce, &sealed);
            key.open(Direction::ToBank, &HEADER, &nonce, &mut text).unwrap();
            assert_eq!(text, b"two hundred yuan", "{suite}");
        }
    }

    #[test]
    fn what_has_the_wrong_length_is_no_message() {
        for suite in built() {
            let (key, nonce) = (key(suite), vec![3; suite.nonce_length()]);
            for length in 0..suite.tag_length() {
                let opened = key.open(Direction::ToBank, &HEADER, &nonce, &mut vec![0; length]);
                assert_eq!(opened, Err(MessageError::Malformed), "{suite}, {length} bytes");
            }
            for length in [0, suite.nonce_length() - 1, suite.nonce_length() + 1, 16] {
                let nonce = vec![3; length];
                let sealed = key.seal(Direction::ToBank, &HEADER, &nonce, &mut vec![1]);
                assert_eq!(sealed, Err(MessageError::Malformed), "{suite}, nonce of {length}");
                let opened = key.open(Direction::ToBank, &HEADER, &nonce, &mut vec![0; 64]);
                assert_eq!(opened, Err(MessageError::Malformed), "{suite}, nonce of {length}");
            }
        }
    }

    #[test]
    fn a_text_that_has_no_room_for_its_tag_is_not_left_behind() {
        let mut text = Vec::with_capacity(4);
        text.extend_from_slice(b"text");
        make_room(&mut text, 16);
        assert_eq!(text, b"text");
        assert!(text.capacity() >= 20);
    }

    #[cfg(not(feature = "legacy"))]
    #[test]
    fn a_suite_that_is_not_built_says_so() {
        for suite in [TerminalSuite::Des, TerminalSuite::TripleDes] {
            let refused = Err(MessageError::SuiteNotBuilt);
            assert_eq!(key(suite).seal(Direction::ToBank, &HEADER, &[0; 8], &mut vec![]), refused);
            assert_eq!(key(suite).open(Direction::ToBank, &HEADER, &[0; 8], &mut vec![0; 64]), refused);
        }
    }

    #[test]
    fn a_message_key_does_not_print_itself() {
        let printed = format!("{:?}", key(TerminalSuite::Sm4Gcm));
        assert_eq!(printed, "MessageKey { suite: Sm4Gcm, keys: \"[redacted]\" }");
    }
}
