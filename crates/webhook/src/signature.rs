//! What proves to a merchant's server that a message is ours: three headers (Standard Webhooks 1.0, "Signature scheme",
//! "Webhook headers").
//!
//! For: signing an attempt with every secret that is good at its moment, and verifying as a receiver does.
//! Refuses: asymmetric signatures (`v1a`): other versions in the header are passed over.
//! Next: `secret` for the keys, `message` for the body.

use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;
use core::str::FromStr;

use base64ct::{Base64, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::UnixMillis;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::message::MessageId;
use crate::secret::{Secret, SecretList};

/// HMAC-SHA256 over `id.timestamp.body`, 32 bytes. Compared in constant time. Written `v1,` and base64.
#[derive(Clone, Copy)]
pub struct Signature([u8; Self::LENGTH]);

/// Why a message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The id is empty, over 256 bytes, holds a full stop, or is not visible ASCII.
    #[error("`webhook-id` is not an id: 1 to 256 visible ASCII letters without a full stop")]
    Id,
    /// The timestamp is not a number of seconds.
    #[error("`webhook-timestamp` is not a number of seconds since 1970")]
    Timestamp,
    /// Older than five minutes.
    #[error("`webhook-timestamp` is more than 5 minutes ago: refuse it, and set this machine's clock")]
    TooOld,
    /// More than five minutes ahead.
    #[error("`webhook-timestamp` is more than 5 minutes ahead: refuse it, and set this machine's clock")]
    TooNew,
    /// The header names no signature of version 1, or one that is no base64 of 32 bytes.
    #[error("`webhook-signature` holds no signature `v1,` with base64 of 32 bytes")]
    NoSignature,
    /// More than 16 signatures.
    #[error("`webhook-signature` holds more than 16 signatures")]
    TooManySignatures,
    /// None of the signatures is by a secret of ours.
    #[error("no signature agrees: compare the secret, and sign the body's bytes as they came")]
    WrongSignature,
}

impl VerifyError {
    /// For machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Id => "webhook_id",
            Self::Timestamp => "webhook_timestamp",
            Self::TooOld => "webhook_too_old",
            Self::TooNew => "webhook_too_new",
            Self::NoSignature => "webhook_no_signature",
            Self::TooManySignatures => "webhook_too_many_signatures",
            Self::WrongSignature => "webhook_wrong_signature",
        }
    }
}

impl Signature {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// Signs. `timestamp` is in seconds since 1970; `id` must hold no full stop, or two messages could be one text.
    pub fn of(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> Self {
        let mut mac = Hmac::<Sha256>::new(secret.block().into());
        mac.update(id.as_bytes());
        mac.update(format!(".{timestamp}.").as_bytes());
        mac.update(body);
        Self(mac.finalize().into_bytes().into())
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1,{}", Base64::encode_string(&self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[signature]")
    }
}

impl FromStr for Signature {
    type Err = VerifyError;
    fn from_str(text: &str) -> Result<Self, VerifyError> {
        let letters = text.strip_prefix("v1,").ok_or(VerifyError::NoSignature)?;
        let mut room = [0_u8; Self::LENGTH + 1];
        if letters.len() != 44 {
            return Err(VerifyError::NoSignature);
        }
        let bytes = Base64::decode(letters, &mut room).map_err(|_| VerifyError::NoSignature)?;
        bytes.try_into().map(Self).map_err(|_| VerifyError::NoSignature)
    }
}

impl ConstantTimeEq for Signature {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for Signature {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Signature {}

/// The three headers of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    id: String,
    timestamp: String,
    signature: String,
}

impl Headers {
    /// The same for every attempt of a message; what a receiver knows a repetition by.
    pub const ID: &'static str = "webhook-id";
    /// When this attempt was made, in seconds since 1970.
    pub const TIMESTAMP: &'static str = "webhook-timestamp";
    /// One signature for each secret that is good, with a space between.
    pub const SIGNATURE: &'static str = "webhook-signature";

    /// Signs one attempt, made at `now`, with every secret that is good then. `body` is exactly what is sent.
    pub fn sign(secrets: &SecretList, id: MessageId, now: UnixMillis, body: &[u8]) -> Self {
        let (id, timestamp) = (id.to_string(), now.0.div_euclid(1000));
        let mut signature = String::new();
        for secret in secrets.valid_at(now) {
            if !signature.is_empty() {
                signature.push(' ');
            }
            signature.push_str(&Signature::of(secret, &id, timestamp, body).to_string());
        }
        Self { id, timestamp: timestamp.to_string(), signature }
    }

    /// Name and value of each.
    pub fn pairs(&self) -> [(&'static str, &str); 3] {
        [(Self::ID, &self.id), (Self::TIMESTAMP, &self.timestamp), (Self::SIGNATURE, &self.signature)]
    }

    /// As a receiver has them.
    pub fn received(&self) -> Received<'_> {
        Received { id: &self.id, timestamp: &self.timestamp, signature: &self.signature }
    }
}

/// The three headers as they came to a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`.
    pub timestamp: &'a str,
    /// `webhook-signature`.
    pub signature: &'a str,
}

/// How far a timestamp may lie from the receiver's clock, either way: 300 s.
pub const TOLERANCE_SECONDS: u64 = 300;
/// The longest id that is read, in bytes.
pub const ID_LENGTH_MAX: usize = 256;
/// The most signatures that are read.
pub const SIGNATURES_MAX: usize = 16;

/// Verifies a message as a receiver must before it reads the body. `body` is the bytes as they came. Who believes it
/// must still know a repetition by its id.
///
/// # Errors
/// [`VerifyError`], each rule by its name.
pub fn verify(
    secrets: &SecretList,
    headers: Received<'_>,
    body: &[u8],
    now: UnixMillis,
) -> Result<(), VerifyError> {
    let id = headers.id;
    if id.is_empty()
        || id.len() > ID_LENGTH_MAX
        || !id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
    {
        return Err(VerifyError::Id);
    }
    // Digits as we write them: what was signed is the text of the header.
    let timestamp: i64 = headers.timestamp.parse().map_err(|_| VerifyError::Timestamp)?;
    if timestamp < 0 || timestamp.to_string() != headers.timestamp {
        return Err(VerifyError::Timestamp);
    }
    let ours = now.0.div_euclid(1000);
    if ours.abs_diff(timestamp) > TOLERANCE_SECONDS {
        return Err(if timestamp < ours { VerifyError::TooOld } else { VerifyError::TooNew });
    }
    if headers.signature.split(' ').count() > SIGNATURES_MAX {
        return Err(VerifyError::TooManySignatures);
    }
    let mut none = true;
    let mut agreed = Choice::from(0);
    for given in headers.signature.split(' ').filter_map(|text| text.parse::<Signature>().ok()) {
        none = false;
        for secret in secrets.valid_at(now) {
            // All are compared: time does not tell which one agreed.
            agreed |= Signature::of(secret, id, timestamp, body).ct_eq(&given);
        }
    }
    if none {
        return Err(VerifyError::NoSignature);
    }
    if bool::from(agreed) { Ok(()) } else { Err(VerifyError::WrongSignature) }
}
