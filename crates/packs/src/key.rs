//! Who may sign packs: a signing key, and the public key by which terminals know it (Ed25519, RFC 8032).

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _};
use zeroize::Zeroizing;

use crate::error::KeyFileError;

/// Signs packs. Whoever holds it can make every terminal that trusts it read cards in another way.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of 32 random bytes; the caller zeroises its own copy.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// What terminals are told to trust.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Writes the key in hexadecimal digits, for its owner only. A file that is there is never overwritten.
    pub fn save(&self, path: &Path) -> Result<(), KeyFileError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: path.into() },
            _ => KeyFileError::System { path: path.into(), source },
        };
        let seed = Zeroizing::new(self.0.to_bytes());
        let mut text = Zeroizing::new(hex::encode(seed.as_slice()));
        text.push('\n');
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(path).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// Reads a file that only its owner may read.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let failed = |source| KeyFileError::System { path: path.into(), source };
        let file = File::open(path).map_err(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
            if mode & 0o077 != 0 {
                return Err(KeyFileError::Exposed { path: path.into(), mode });
            }
        }
        // Longer than any key: a reallocation would leave a copy behind.
        let mut text = Zeroizing::new(Vec::with_capacity(256));
        file.take(128).read_to_end(&mut text).map_err(failed)?;
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim_ascii(), seed.as_mut_slice())
            .map_err(|_| KeyFileError::NotAKey { path: path.into() })?;
        Ok(Self::from_seed(&seed))
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Signature {
        self.0.sign(bytes)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, [redacted])", self.verifying_key())
    }
}

/// Checks packs. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

/// Bytes or a text are no verifying key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pack signer's key has 64 hexadecimal digits and is a point of Ed25519; copy it anew")]
pub struct VerifyingKeyError;

impl VerifyingKey {
    /// The key of these bytes. Weak ones, under which anybody can sign, are refused.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, VerifyingKeyError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| VerifyingKeyError)?;
        if key.is_weak() { Err(VerifyingKeyError) } else { Ok(Self(key)) }
    }

    /// The 32 bytes.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Strict: a signature has one spelling.
    pub(crate) fn verify(&self, bytes: &[u8], signature: &Signature) -> bool {
        self.0.verify_strict(bytes, signature).is_ok()
    }
}

impl FromStr for VerifyingKey {
    type Err = VerifyingKeyError;
    fn from_str(text: &str) -> Result<Self, VerifyingKeyError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| VerifyingKeyError)?;
        Self::from_bytes(&bytes)
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.to_bytes()))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}
