//! A signing secret of an endpoint, and the few of them that are good while one replaces another.
//!
//! For: reading and showing `whsec_…` (Standard Webhooks 1.0, "Signature scheme"), and rotation without a gap.
//! Refuses: making random bytes (an argument), asymmetric keys (`whsk_`), more than four secrets at once.
//! Next: `signature` signs with them.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use base64ct::{Base64, Encoding as _};
use model::UnixMillis;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The key of HMAC-SHA256, 24 to 64 bytes. Zeroised when dropped; compared in constant time; prints `[redacted]`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret {
    /// Zeros behind the last byte: as HMAC pads its key to a block (RFC 2104, section 2).
    block: [u8; Self::LENGTH_MAX],
    length: u8,
}

/// Why there is no secret, or no list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It does not begin with `whsec_`.
    #[error("a webhook secret begins with `whsec_`; copy all of it")]
    Prefix,
    /// What follows is not base64 (RFC 4648, section 4, with padding).
    #[error("what follows `whsec_` is not base64; copy all of it")]
    NotBase64,
    /// It is not 24 to 64 bytes.
    #[error("a webhook secret has 24 to 64 bytes")]
    Length,
    /// The list holds it already.
    #[error("this secret is in use already; make a new one")]
    InUse,
    /// Four are good already.
    #[error("four secrets are good already; wait until the earliest has ended, or end it")]
    TooMany,
}

impl SecretError {
    /// For machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Prefix => "secret_prefix",
            Self::NotBase64 => "secret_not_base64",
            Self::Length => "secret_length",
            Self::InUse => "secret_in_use",
            Self::TooMany => "too_many_secrets",
        }
    }
}

impl Secret {
    /// The fewest bytes (192 bits).
    pub const LENGTH_MIN: usize = 24;
    /// The most bytes (512 bits).
    pub const LENGTH_MAX: usize = 64;
    /// What stands before the base64.
    pub const PREFIX: &'static str = "whsec_";

    /// From random bytes, 24 to 64; or from what a key store kept.
    ///
    /// # Errors
    /// [`SecretError::Length`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SecretError> {
        if bytes.len() < Self::LENGTH_MIN {
            return Err(SecretError::Length);
        }
        let mut secret = Self { block: [0; Self::LENGTH_MAX], length: 0 };
        secret.block.get_mut(..bytes.len()).ok_or(SecretError::Length)?.copy_from_slice(bytes);
        secret.length = u8::try_from(bytes.len()).map_err(|_| SecretError::Length)?;
        Ok(secret)
    }

    /// `whsec_` and base64, for the one time that the merchant is shown it.
    pub fn reveal(&self) -> Zeroizing<String> {
        // Room for all of it: a text that grew would leave a copy behind. 64 bytes are 88 letters.
        let mut room = Zeroizing::new([0_u8; 88]);
        let mut text = Zeroizing::new(String::with_capacity(Self::PREFIX.len() + room.len()));
        text.push_str(Self::PREFIX);
        // 88 letters hold every length that a secret can have.
        text.push_str(Base64::encode(self.expose_to_key_store(), room.as_mut_slice()).unwrap_or_default());
        text
    }

    /// The bytes, for whoever seals them. Nobody else needs them.
    pub fn expose_to_key_store(&self) -> &[u8] {
        self.block.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The key as one block of SHA-256.
    pub(crate) const fn block(&self) -> &[u8; Self::LENGTH_MAX] {
        &self.block
    }
}

impl FromStr for Secret {
    type Err = SecretError;
    fn from_str(text: &str) -> Result<Self, SecretError> {
        let letters = text.strip_prefix(Self::PREFIX).ok_or(SecretError::Prefix)?;
        let mut room = Zeroizing::new([0_u8; Self::LENGTH_MAX + 2]);
        if letters.len() > 88 {
            return Err(SecretError::Length);
        }
        let bytes = Base64::decode(letters, room.as_mut_slice()).map_err(|_| SecretError::NotBase64)?;
        Self::from_bytes(bytes)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        (self.block.ct_eq(&other.block) & self.length.ct_eq(&other.length)).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// An endpoint's secrets: the current one, and earlier ones that are good until a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretList {
    current: Secret,
    /// The latest first.
    earlier: Vec<(Secret, UnixMillis)>,
}

impl SecretList {
    /// The most secrets at once, with the current one.
    pub const LENGTH_MAX: usize = 4;

    /// With one secret.
    pub const fn new(current: Secret) -> Self {
        Self { current, earlier: Vec::new() }
    }

    /// From what was stored: the current one, and the earlier ones, the latest first, each with the moment it ends.
    ///
    /// # Errors
    /// [`SecretError::TooMany`], [`SecretError::InUse`].
    pub fn from_stored(current: Secret, earlier: Vec<(Secret, UnixMillis)>) -> Result<Self, SecretError> {
        if earlier.len() >= Self::LENGTH_MAX {
            return Err(SecretError::TooMany);
        }
        let mut seen = alloc::vec![&current];
        for (secret, _) in &earlier {
            if seen.contains(&secret) {
                return Err(SecretError::InUse);
            }
            seen.push(secret);
        }
        Ok(Self { current, earlier })
    }

    /// Makes `next` the current one; the current one stays good before `until`. Those that have ended are left out.
    ///
    /// # Errors
    /// [`SecretError::TooMany`] where more than four would be good now; [`SecretError::InUse`].
    pub fn rotate(&self, next: Secret, now: UnixMillis, until: UnixMillis) -> Result<Self, SecretError> {
        let earlier = core::iter::once((self.current.clone(), until)).chain(self.earlier.iter().cloned());
        if self.valid_at(now).any(|secret| *secret == next) {
            return Err(SecretError::InUse);
        }
        Self::from_stored(next, earlier.filter(|(_, until)| *until > now).collect())
    }

    /// Ends every earlier one at once: one of them became known.
    #[must_use]
    pub fn without_earlier(&self) -> Self {
        Self::new(self.current.clone())
    }

    /// The current one.
    pub const fn current(&self) -> &Secret {
        &self.current
    }

    /// The earlier ones, the latest first, each with the moment it ends.
    pub fn earlier(&self) -> &[(Secret, UnixMillis)] {
        &self.earlier
    }

    /// Those that are good at a moment, the current one first. A secret is good before the moment it ends, not at it.
    pub fn valid_at(&self, now: UnixMillis) -> impl Iterator<Item = &Secret> {
        let earlier = self.earlier.iter().filter(move |(_, until)| *until > now).map(|(secret, _)| secret);
        core::iter::once(&self.current).chain(earlier)
    }
}
