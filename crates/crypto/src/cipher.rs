//! Sealing a frame, and comparing its code before opening it.

use aes::Aes128;
use ccm::Ccm;
use ccm::consts::{U8, U13};
use eax::Eax;
use eax::aead::{AeadInOut, KeyInit};
use sm4::Sm4;
use zeroize::Zeroize;

use crate::key::Derivation;
use crate::{ProcessKey, Suite, VerificationCode};

/// All that one frame's key and code depend on, besides the card's key and the text itself.
#[derive(Clone, Copy, Debug)]
pub struct FrameParameters<'a> {
    /// What enters the process key.
    pub derivation: Derivation,
    /// What is authenticated and not sent, or sent in clear.
    pub associated_data: &'a [u8],
}

/// Why a frame was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The code is not that of this key, frame and context. Nothing was decrypted.
    #[error("the verification code is wrong")]
    WrongCode,
    /// Whoever holds the key did not answer; the frame may be right.
    #[error("the key is not available")]
    KeyUnavailable,
}

/// Something that holds one card's key and works frames with it: a secure element, or a key store bound
/// to a card. It derives the process key, uses it for this frame alone and zeroises it.
pub trait FrameCipher {
    /// Encrypts `text` in place and returns its code.
    fn seal(&self, frame: &FrameParameters<'_>, text: &mut [u8]) -> Result<VerificationCode, OpenError>;

    /// Compares the code, then decrypts `text` in place. On an error `text` holds no plaintext.
    fn open(
        &self,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
        code: &VerificationCode,
    ) -> Result<(), OpenError>;
}

type Eax8<C> = Eax<C, U8>;
type AesCcm8 = Ccm<Aes128, U8, U13>;

fn nonce<const N: usize>(derivation: &Derivation) -> [u8; N] {
    let mut nonce = [0; N];
    nonce[0] = derivation.kind;
    nonce[1..5].copy_from_slice(&derivation.factor.seconds().to_be_bytes());
    nonce
}

impl ProcessKey {
    /// Encrypts `text` in place and returns its code.
    pub fn seal(&self, frame: &FrameParameters<'_>, text: &mut [u8]) -> Result<VerificationCode, OpenError> {
        let (aad, d) = (frame.associated_data, &frame.derivation);
        let tag = match d.suite {
            Suite::Aes128Eax => Eax8::<Aes128>::new(&self.0.into()).encrypt_inout_detached(
                &nonce::<16>(d).into(),
                aad,
                text.into(),
            ),
            Suite::Sm4Eax => Eax8::<Sm4>::new(&self.0.into()).encrypt_inout_detached(
                &nonce::<16>(d).into(),
                aad,
                text.into(),
            ),
            Suite::Aes128Ccm => {
                AesCcm8::new(&self.0.into()).encrypt_inout_detached(&nonce::<13>(d).into(), aad, text.into())
            }
        };
        // The only error is a text beyond 2^16 bytes, which no frame is; it is still no panic.
        tag.map(|tag| VerificationCode::from_bytes(tag.into())).map_err(|_| OpenError::WrongCode)
    }

    /// Compares the code, then decrypts `text` in place. On an error `text` is zeroised.
    pub fn open(
        &self,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
        code: &VerificationCode,
    ) -> Result<(), OpenError> {
        let (aad, d) = (frame.associated_data, &frame.derivation);
        let tag = code.to_bytes().into();
        let opened = match d.suite {
            Suite::Aes128Eax => Eax8::<Aes128>::new(&self.0.into()).decrypt_inout_detached(
                &nonce::<16>(d).into(),
                aad,
                (&mut *text).into(),
                &tag,
            ),
            Suite::Sm4Eax => Eax8::<Sm4>::new(&self.0.into()).decrypt_inout_detached(
                &nonce::<16>(d).into(),
                aad,
                (&mut *text).into(),
                &tag,
            ),
            Suite::Aes128Ccm => AesCcm8::new(&self.0.into()).decrypt_inout_detached(
                &nonce::<13>(d).into(),
                aad,
                (&mut *text).into(),
                &tag,
            ),
        };
        // CCM decrypts before it compares; whatever it left must not be seen.
        opened.map_err(|_| {
            text.zeroize();
            OpenError::WrongCode
        })
    }
}

impl FrameCipher for crate::CardKey {
    fn seal(&self, frame: &FrameParameters<'_>, text: &mut [u8]) -> Result<VerificationCode, OpenError> {
        self.process_key(&frame.derivation).seal(frame, text)
    }

    fn open(
        &self,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
        code: &VerificationCode,
    ) -> Result<(), OpenError> {
        self.process_key(&frame.derivation).open(frame, text, code)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::CardKey;
    use model::{CardId, ChannelId, ChannelKind, KeyVersion, TimeFactor};

    fn frame(suite: Suite) -> FrameParameters<'static> {
        FrameParameters {
            derivation: Derivation {
                kind: 1,
                suite,
                channel: ChannelId::new(ChannelKind::DevEui, [1; 8]).unwrap(),
                card_id: CardId(7),
                key_version: KeyVersion::FIRST,
                factor: TimeFactor::new(9).unwrap(),
            },
            associated_data: b"context",
        }
    }

    #[test]
    fn a_wrong_code_opens_nothing_and_leaves_no_plaintext() {
        for suite in [Suite::Aes128Eax, Suite::Sm4Eax, Suite::Aes128Ccm] {
            let key = CardKey::from_bytes([3; 16]);
            let mut text = *b"twenty yuan";
            let code = key.seal(&frame(suite), &mut text).unwrap();
            let sealed = text;
            for bit in 0..64 {
                let mut wrong = code.to_bytes();
                wrong[bit / 8] ^= 1 << (bit % 8);
                let mut text = sealed;
                let opened = key.open(&frame(suite), &mut text, &VerificationCode::from_bytes(wrong));
                assert_eq!(opened, Err(OpenError::WrongCode));
                assert_ne!(&text, b"twenty yuan");
            }
            key.open(&frame(suite), &mut text, &code).unwrap();
            assert_eq!(&text, b"twenty yuan");
        }
    }

    #[test]
    fn whatever_enters_key_or_context_changes_the_code() {
        let key = CardKey::from_bytes([3; 16]);
        let base = frame(Suite::Aes128Eax);
        let code = key.seal(&base, &mut []).unwrap();
        let d = base.derivation;
        let others = [
            Derivation { kind: 2, ..d },
            Derivation { suite: Suite::Sm4Eax, ..d },
            Derivation { channel: ChannelId::new(ChannelKind::Eui64, [1; 8]).unwrap(), ..d },
            Derivation { card_id: CardId(8), ..d },
            Derivation { key_version: KeyVersion::new(2).unwrap(), ..d },
            Derivation { factor: TimeFactor::new(10).unwrap(), ..d },
        ];
        for derivation in others {
            let other = FrameParameters { derivation, ..base };
            assert!(key.seal(&other, &mut []).unwrap() != code, "{derivation:?}");
        }
        let other = FrameParameters { associated_data: b"Context", ..base };
        assert!(key.seal(&other, &mut []).unwrap() != code);
    }
}
