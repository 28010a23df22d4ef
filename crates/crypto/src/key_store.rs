//! The contract of a key store: operations, never keys. Whoever calls cannot get a key out.
//!
//! The names follow AWS Payment Cryptography where it has them. A back end (sealed file, HSM) implements
//! the trait; the platform is given a `dyn KeyStore` and a caller never changes with the back end.

use core::fmt;

use model::{CardId, KeyVersion};

use crate::{CheckValue, FrameParameters, OpenError, SecretKeys, Suite, VerificationCode, WrappedCardKey};

/// The name of a key in a store: at most 32 bytes of lower-case letters, digits and `-`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName {
    bytes: [u8; Self::LENGTH_MAX],
    length: u8,
}

impl KeyName {
    /// The longest name, in bytes.
    pub const LENGTH_MAX: usize = 32;

    /// A name from a text; `None` where it is empty, too long or has another character.
    pub fn new(name: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > Self::LENGTH_MAX || !name.bytes().all(allowed) {
            return None;
        }
        let mut bytes = [0; Self::LENGTH_MAX];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Some(Self { bytes, length: name.len() as u8 })
    }

    /// The name as a text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a card's key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyOrigin {
    /// Derived from this issuer master key by card id, key version and suite: nothing is stored per card.
    Derived(KeyName),
    /// Brought in wrapped, and kept in the store.
    Imported,
}

/// Names one card's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CardKeyReference {
    /// Whose key.
    pub card_id: CardId,
    /// Which injection.
    pub version: KeyVersion,
    /// What it is used with.
    pub suite: Suite,
    /// Where it comes from.
    pub origin: KeyOrigin,
}

/// Why a key store did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyStoreError {
    /// A code does not agree: of a frame or message, and then nothing was decrypted; of a card's request or
    /// receipt; or a PIN is wrong.
    #[error("the verification code is wrong")]
    WrongCode,
    /// No key of this name or card.
    #[error("there is no such key in the key store")]
    NoSuchKey,
    /// The key is suspended, retired or destroyed.
    #[error("the key is not active")]
    NotActive,
    /// A key of this name or card and version is there already; versions are never used twice.
    #[error("a key of this name and version exists already")]
    Exists,
    /// A wrapped key did not open under the transport key.
    #[error("the wrapped key does not open under the transport key")]
    WrappedKeyRefused,
    /// A check value did not agree with the key.
    #[error("the check value does not agree with the key")]
    WrongCheckValue,
    /// The key has another use.
    #[error("the key has another use")]
    WrongUse,
    /// The back end was built without a terminal's suite.
    #[error(
        "this build does not speak the terminal's suite; register it for another, or build with `legacy`"
    )]
    SuiteNotBuilt,
    /// The back end failed (file, HSM session); the operation may be tried again.
    #[error("the key store is not available")]
    Unavailable,
}

impl From<KeyStoreError> for OpenError {
    fn from(error: KeyStoreError) -> Self {
        match error {
            KeyStoreError::WrongCode => Self::WrongCode,
            KeyStoreError::NoSuchKey
            | KeyStoreError::NotActive
            | KeyStoreError::Exists
            | KeyStoreError::WrappedKeyRefused
            | KeyStoreError::WrongCheckValue
            | KeyStoreError::WrongUse
            | KeyStoreError::SuiteNotBuilt
            | KeyStoreError::Unavailable => Self::KeyUnavailable,
        }
    }
}

/// One frame to seal in a batch.
pub struct SealJob<'a> {
    /// With whose key.
    pub key: CardKeyReference,
    /// What the key and code depend on.
    pub frame: FrameParameters<'a>,
    /// Encrypted in place.
    pub text: &'a mut [u8],
    /// What became of it.
    pub code: Result<VerificationCode, KeyStoreError>,
}

/// One frame to open in a batch.
pub struct OpenJob<'a> {
    /// With whose key.
    pub key: CardKeyReference,
    /// What the key and code depend on.
    pub frame: FrameParameters<'a>,
    /// Decrypted in place once the code agreed.
    pub text: &'a mut [u8],
    /// The code that came with the frame.
    pub code: VerificationCode,
    /// What became of it.
    pub outcome: Result<(), KeyStoreError>,
}

/// Operations on keys that stay where they are.
///
/// Hot operations take `&self` and must not block on anything slower than the device that holds the key.
pub trait KeyStore: SecretKeys + Send + Sync {
    /// Derives the process key, encrypts `text` in place, returns the code, forgets the process key.
    fn seal_frame(
        &self,
        key: &CardKeyReference,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
    ) -> Result<VerificationCode, KeyStoreError>;

    /// Derives the process key, compares the code, and only then decrypts `text` in place.
    fn open_frame(
        &self,
        key: &CardKeyReference,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
        code: &VerificationCode,
    ) -> Result<(), KeyStoreError>;

    /// Seals many; a back end with a round trip does it in one.
    fn seal_frames(&self, jobs: &mut [SealJob<'_>]) {
        for job in jobs {
            job.code = self.seal_frame(&job.key, &job.frame, job.text);
        }
    }

    /// Opens many; a back end with a round trip does it in one.
    fn open_frames(&self, jobs: &mut [OpenJob<'_>]) {
        for job in jobs {
            job.outcome = self.open_frame(&job.key, &job.frame, job.text, &job.code);
        }
    }

    /// S0: makes the card's key usable here and returns it wrapped for the secure element, with its check
    /// value: injection into card and platform in one act. A derived key needs no storage.
    fn inject_card_key(
        &self,
        key: &CardKeyReference,
        transport: KeyName,
    ) -> Result<(WrappedCardKey, CheckValue), KeyStoreError>;

    /// Brings in a card key that another issuer made, wrapped under a transport key, with the check value
    /// that came beside it.
    fn import_card_key(
        &self,
        key: &CardKeyReference,
        wrapped: &WrappedCardKey,
        transport: KeyName,
        check: CheckValue,
    ) -> Result<(), KeyStoreError>;

    /// The check value of a card's key.
    fn card_key_check_value(&self, key: &CardKeyReference) -> Result<CheckValue, KeyStoreError>;

    /// Ends the use of a card's key for ever: an imported one is erased, a derived version barred.
    fn destroy_card_key(&self, key: &CardKeyReference) -> Result<(), KeyStoreError>;
}

/// A key store bound to one card: what the platform's end of `air` works with.
#[derive(Clone, Copy)]
pub struct BoundKey<'k> {
    store: &'k dyn KeyStore,
    key: CardKeyReference,
}

impl<'k> BoundKey<'k> {
    /// Binds a store to a card's key.
    pub fn new(store: &'k dyn KeyStore, key: CardKeyReference) -> Self {
        Self { store, key }
    }
}

impl crate::FrameCipher for BoundKey<'_> {
    fn seal(&self, frame: &FrameParameters<'_>, text: &mut [u8]) -> Result<VerificationCode, OpenError> {
        Ok(self.store.seal_frame(&self.key, frame, text)?)
    }

    fn open(
        &self,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
        code: &VerificationCode,
    ) -> Result<(), OpenError> {
        Ok(self.store.open_frame(&self.key, frame, text, code)?)
    }
}
