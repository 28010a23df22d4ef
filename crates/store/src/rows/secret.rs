//! What is stored of secrets, as values.
//!
//! For: carrying them. Refuses: opening them (`server::secrets`, with a key store).
//! Next: [`mod@crate::secret`] for what is done with them.

use core::fmt;

use crypto::{SealedSecret, SecretKeyId};
use model::UnixMillis;
use zeroize::Zeroizing;

/// A secret as it stands in a row.
#[derive(Clone)]
pub enum KeptSecret {
    /// In clear, by an earlier version.
    Clear(Zeroizing<Vec<u8>>),
    /// Sealed for its row.
    Sealed(SealedSecret),
    /// Sealed in a form that this version does not read, or changed past the program: the name of the key that stands beside
    /// it, and the bytes. It is kept as it is; other rows have nothing to do with it.
    Unread {
        /// The key's name.
        by: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

impl KeptSecret {
    /// What stands in a row.
    pub(crate) fn read(bytes: Vec<u8>, by: Option<String>) -> Self {
        let Some(by) = by else { return Self::Clear(Zeroizing::new(bytes)) };
        match SealedSecret::parse(&bytes) {
            Ok(sealed) if sealed.key().name.as_str() == by => Self::Sealed(sealed),
            Ok(_) | Err(_) => Self::Unread { by, bytes },
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Clear(bytes) => bytes,
            Self::Sealed(sealed) => sealed.as_bytes(),
            Self::Unread { bytes, .. } => bytes,
        }
    }

    /// The name of the key; nothing where it is in clear.
    pub(crate) fn sealed_by(&self) -> Option<String> {
        match self {
            Self::Clear(_) => None,
            Self::Sealed(sealed) => Some(sealed.key().name.to_string()),
            Self::Unread { by, .. } => Some(by.clone()),
        }
    }
}

/// Every byte is looked at.
impl PartialEq for KeptSecret {
    fn eq(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.bytes(), other.bytes());
        let differ = mine.iter().zip(theirs).fold(0, |differ, (a, b)| differ | (a ^ b));
        differ == 0 && mine.len() == theirs.len() && self.sealed_by() == other.sealed_by()
    }
}

impl Eq for KeptSecret {}

impl From<SealedSecret> for KeptSecret {
    fn from(sealed: SealedSecret) -> Self {
        Self::Sealed(sealed)
    }
}

impl fmt::Debug for KeptSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear(_) => f.write_str("Clear([redacted])"),
            Self::Sealed(sealed) => write!(f, "Sealed({})", sealed.key()),
            Self::Unread { by, .. } => write!(f, "Unread({by})"),
        }
    }
}

/// The record of a key that secrets are sealed under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecretKey {
    /// From 1; new secrets are sealed under the highest.
    pub number: u32,
    /// Its name in the key store, and its check value.
    pub id: SecretKeyId,
    /// The node whose key store has it; empty where it has no name.
    pub node: String,
    /// Since when.
    pub at: UnixMillis,
}

/// The mark that the disk may still hold secrets in clear, of rows that are sealed or gone.
///
/// Each that is set is another one. Whoever has had the database written anew takes away the one that was there before: what was
/// sealed meanwhile, by another node, has a mark of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residue(String);

impl Residue {
    /// One that never was before.
    pub fn new(random: u128) -> Self {
        Self(format!("secrets {random:032x}"))
    }

    /// One that stands in the database; a migration set one of no number.
    pub(crate) const fn read(what: String) -> Self {
        Self(what)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::{DatabaseKey, KeyName, SecretPlace};

    #[test]
    fn what_stands_in_a_row_is_read_as_what_it_is_and_kept_as_it_was() {
        let name = KeyName::new("secrets-1").unwrap();
        let place = SecretPlace { table: "t", owner: b"o", number: 1 };
        let sealed = DatabaseKey::from_bytes([1; 32]).seal(name, &place, [2; 16], &[3; 20]).unwrap();
        let bytes = sealed.as_bytes().to_vec();
        let cases = [
            (bytes.clone(), None, "Clear([redacted])"),
            (bytes.clone(), Some("secrets-1"), "Sealed(secrets-1 (A71731))"),
            (bytes, Some("secrets-2"), "Unread(secrets-2)"),
            (vec![9; 80], Some("secrets-1"), "Unread(secrets-1)"),
        ];
        for (bytes, by, said) in cases {
            let kept = KeptSecret::read(bytes.clone(), by.map(str::to_owned));
            assert_eq!((kept.bytes(), kept.sealed_by().as_deref()), (bytes.as_slice(), by));
            let said = said.split(" (").next().unwrap();
            assert!(format!("{kept:?}").starts_with(said), "{kept:?}");
        }
    }
}
