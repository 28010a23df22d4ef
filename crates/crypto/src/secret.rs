//! A secret in a database: sealed under a key that does nothing else, for one row.
//!
//! For: what must be had again in clear and stands where others may read it: authenticators' secrets, webhooks' secrets.
//! Refuses: opening in another row than the one it was sealed for, or what was changed; forms that it does not know.
//!
//! ```text
//! version 1 (1), key name 1+n, check value of the key 3, nonce 16, text n, tag 16
//! ```
//!
//! AES-256-EAX. All before the text, and the row, are under the tag.

use alloc::vec::Vec;
use core::fmt;

use aes::Aes256;
use cmac::Cmac;
use eax::Eax;
use eax::aead::{AeadInOut, KeyInit};
use zeroize::Zeroizing;

use crate::{CheckValue, KeyName, KeyStoreError};

secret!(
    /// Seals secrets for rows of a database and does nothing else (AES-256).
    DatabaseKey,
    32
);

kept_by_a_key_store!(DatabaseKey);

const NONCE: usize = 16;
const TAG: usize = 16;

/// Which key a secret is sealed under: its name in the key store, and what says that it is the same key there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretKeyId {
    /// The name.
    pub name: KeyName,
    /// The check value: two machines may have made two keys of one name.
    pub check_value: CheckValue,
}

impl fmt::Display for SecretKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.check_value)
    }
}

/// The row that a secret belongs to. In another it does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretPlace<'a> {
    /// The table and column.
    pub table: &'a str,
    /// Whose row: a name or an id that never becomes another's.
    pub owner: &'a [u8],
    /// Which of the owner's.
    pub number: u32,
}

/// A sealed secret: bytes that may stand anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    bytes: Vec<u8>,
    key: SecretKeyId,
}

/// Bytes are no sealed secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretFormError {
    /// The version byte is another.
    #[error("the secret is sealed in a form that this version does not know; use the version that sealed it")]
    UnknownVersion,
    /// Too short, too long, or a key's name that is none.
    #[error("the bytes are no sealed secret")]
    Malformed,
}

impl SealedSecret {
    /// The first byte.
    pub const VERSION: u8 = 1;
    /// The longest secret, in bytes.
    pub const TEXT_MAX: usize = 64;

    /// Reads what [`SealedSecret::as_bytes`] gave.
    pub fn parse(bytes: &[u8]) -> Result<Self, SecretFormError> {
        let (&version, rest) = bytes.split_first().ok_or(SecretFormError::Malformed)?;
        if version != Self::VERSION {
            return Err(SecretFormError::UnknownVersion);
        }
        let malformed = || SecretFormError::Malformed;
        let (&length, rest) = rest.split_first().ok_or_else(malformed)?;
        let (name, rest) = rest.split_at_checked(length.into()).ok_or_else(malformed)?;
        let name = core::str::from_utf8(name).ok().and_then(KeyName::new).ok_or_else(malformed)?;
        let (check_value, rest) = rest.split_first_chunk().ok_or_else(malformed)?;
        if !(NONCE + TAG..=NONCE + Self::TEXT_MAX + TAG).contains(&rest.len()) {
            return Err(SecretFormError::Malformed);
        }
        let key = SecretKeyId { name, check_value: CheckValue(*check_value) };
        Ok(Self { bytes: bytes.into(), key })
    }

    /// The bytes, for the database.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Under which key.
    pub const fn key(&self) -> SecretKeyId {
        self.key
    }

    /// Bytes before the nonce.
    fn heading(key: SecretKeyId) -> usize {
        2 + key.name.as_str().len() + key.check_value.0.len()
    }
}

/// What is under the tag beside the text: the beginning of the sealed secret, with its nonce, and the row.
fn associated(before: &[u8], place: &SecretPlace<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in [before, place.table.as_bytes(), place.owner] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes.extend_from_slice(&place.number.to_be_bytes());
    bytes
}

impl DatabaseKey {
    /// The key's check value: that of AES-256.
    pub fn check_value(&self) -> CheckValue {
        use cmac::Mac as _;
        let mac = Cmac::<Aes256>::new(&self.0.into()).chain_update([0; 16]).finalize();
        let [a, b, c, ..]: [u8; 16] = mac.into_bytes().into();
        CheckValue([a, b, c])
    }

    /// Seals a secret of up to [`SealedSecret::TEXT_MAX`] bytes for a row; `name` is the key's own. The nonce is random bytes.
    ///
    /// # Errors
    /// [`SecretFormError::Malformed`] where the secret is longer.
    pub fn seal(
        &self,
        name: KeyName,
        place: &SecretPlace<'_>,
        nonce: [u8; NONCE],
        text: &[u8],
    ) -> Result<SealedSecret, SecretFormError> {
        if text.len() > SealedSecret::TEXT_MAX {
            return Err(SecretFormError::Malformed);
        }
        let key = SecretKeyId { name, check_value: self.check_value() };
        // All of it, so that no part of the text is left behind where the buffer was before it grew.
        let mut bytes = Vec::with_capacity(SealedSecret::heading(key) + NONCE + text.len() + TAG);
        bytes.push(SealedSecret::VERSION);
        bytes.push(name.as_str().len() as u8);
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(&key.check_value.0);
        bytes.extend_from_slice(&nonce);
        let aad = associated(&bytes, place);
        let begin = bytes.len();
        bytes.extend_from_slice(text);
        let (_, within) = bytes.split_at_mut(begin);
        let tag = Eax::<Aes256>::new(&self.0.into())
            .encrypt_inout_detached(&nonce.into(), &aad, within.into())
            .map_err(|_| SecretFormError::Malformed)?;
        bytes.extend_from_slice(&tag);
        Ok(SealedSecret { bytes, key })
    }

    /// Opens a secret that was sealed for this row.
    ///
    /// # Errors
    /// [`KeyStoreError::NoSuchKey`] where it is sealed under another key; [`KeyStoreError::WrongCode`] where it was sealed for
    /// another row, or was changed.
    pub fn open(
        &self,
        place: &SecretPlace<'_>,
        sealed: &SealedSecret,
    ) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        if sealed.key.check_value != self.check_value() {
            return Err(KeyStoreError::NoSuchKey);
        }
        let wrong = || KeyStoreError::WrongCode;
        let (before, rest) =
            sealed.bytes.split_at_checked(SealedSecret::heading(sealed.key) + NONCE).ok_or_else(wrong)?;
        let nonce: [u8; NONCE] = *before.last_chunk().ok_or_else(wrong)?;
        let (text, tag) = rest.split_last_chunk::<TAG>().ok_or_else(wrong)?;
        let mut text = Zeroizing::new(Vec::from(text));
        Eax::<Aes256>::new(&self.0.into())
            .decrypt_inout_detached(
                &nonce.into(),
                &associated(before, place),
                text.as_mut_slice().into(),
                &(*tag).into(),
            )
            .map_err(|_| KeyStoreError::WrongCode)?;
        Ok(text)
    }
}

/// What is done with the keys that seal secrets of a database.
pub trait SecretKeys: Send + Sync {
    /// The active key of this use that was made last, where there is one.
    fn newest_secret_key(&self) -> Option<SecretKeyId>;

    /// Whether a key is here and may seal.
    ///
    /// # Errors
    /// [`KeyStoreError::NoSuchKey`] also where there is another key of the name; [`KeyStoreError::NotActive`].
    fn may_seal(&self, key: &SecretKeyId) -> Result<(), KeyStoreError>;

    /// Seals a secret for a row; the nonce is random bytes.
    fn seal_secret(
        &self,
        key: &SecretKeyId,
        place: &SecretPlace<'_>,
        nonce: [u8; 16],
        text: &[u8],
    ) -> Result<SealedSecret, KeyStoreError>;

    /// Opens a secret that was sealed for this row. [`KeyStoreError::WrongCode`] where it is another's, or was changed.
    fn open_secret(
        &self,
        place: &SecretPlace<'_>,
        sealed: &SealedSecret,
    ) -> Result<Zeroizing<Vec<u8>>, KeyStoreError>;
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::{format, vec};

    const PLACE: SecretPlace<'static> =
        SecretPlace { table: "webhook_secret.secret", owner: &[7; 16], number: 2 };

    fn name() -> KeyName {
        KeyName::new("secrets-1").unwrap()
    }

    fn sealed(text: &[u8]) -> SealedSecret {
        DatabaseKey::from_bytes([5; 32]).seal(name(), &PLACE, [9; 16], text).unwrap()
    }

    #[test]
    fn a_secret_opens_in_its_row_under_its_key() {
        let key = DatabaseKey::from_bytes([5; 32]);
        for text in [&[][..], &[1; 20], &[2; 64]] {
            let read = SealedSecret::parse(sealed(text).as_bytes()).unwrap();
            assert_eq!(read, sealed(text));
            assert_eq!(read.key(), SecretKeyId { name: name(), check_value: key.check_value() });
            assert_eq!(key.open(&PLACE, &read).unwrap().as_slice(), text);
        }
        assert_eq!(key.seal(name(), &PLACE, [9; 16], &[0; 65]), Err(SecretFormError::Malformed));
    }

    #[test]
    fn in_another_row_and_under_another_key_it_does_not() {
        let (key, secret) = (DatabaseKey::from_bytes([5; 32]), sealed(&[1; 20]));
        let elsewhere = [
            SecretPlace { table: "console_operator.totp_secret", ..PLACE },
            SecretPlace { owner: &[8; 16], ..PLACE },
            SecretPlace { owner: &[7; 15], ..PLACE },
            SecretPlace { number: 1, ..PLACE },
            // Where a table ends and an owner begins is under the tag as well.
            SecretPlace {
                table: "webhook_secret.secre",
                owner: b"t\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07",
                ..PLACE
            },
        ];
        for place in elsewhere {
            assert_eq!(key.open(&place, &secret).err(), Some(KeyStoreError::WrongCode), "{place:?}");
        }
        let other = DatabaseKey::from_bytes([6; 32]);
        assert_eq!(other.open(&PLACE, &secret).err(), Some(KeyStoreError::NoSuchKey));
    }

    #[test]
    fn a_changed_byte_is_no_secret_or_does_not_open() {
        let (key, secret) = (DatabaseKey::from_bytes([5; 32]), sealed(&[1; 20]));
        for place in 0..secret.as_bytes().len() {
            let mut bytes = secret.as_bytes().to_vec();
            bytes[place] ^= 1;
            if let Ok(changed) = SealedSecret::parse(&bytes) {
                assert!(key.open(&PLACE, &changed).is_err(), "byte {place}");
            }
        }
    }

    #[test]
    fn other_bytes_are_refused_by_their_form() {
        let bytes = sealed(&[1; 64]).as_bytes().to_vec();
        assert_eq!(SealedSecret::parse(&[]), Err(SecretFormError::Malformed));
        assert_eq!(SealedSecret::parse(&[2, 0]), Err(SecretFormError::UnknownVersion));
        for length in 1..bytes.len() - 64 {
            assert_eq!(SealedSecret::parse(&bytes[..length]), Err(SecretFormError::Malformed), "{length}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(SealedSecret::parse(&longer), Err(SecretFormError::Malformed));
        let mut shouted = bytes;
        shouted[2] = b'S';
        assert_eq!(SealedSecret::parse(&shouted), Err(SecretFormError::Malformed));
    }

    #[test]
    fn a_sealed_secret_says_nothing_of_its_text() {
        let text = vec![0x5a; 32];
        let secret = sealed(&text);
        assert!(!secret.as_bytes().windows(4).any(|window| window == &text[..4]));
        assert_eq!(format!("{}", secret.key()), format!("secrets-1 ({})", secret.key().check_value));
        assert_eq!(format!("{:?}", DatabaseKey::from_bytes([5; 32])), "DatabaseKey([redacted])");
    }
}
