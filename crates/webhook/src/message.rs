//! A message: what one event says to merchants' servers, as bytes (Standard Webhooks 1.0, "Payload structure").
//!
//! For: `{"type":"order.paid","timestamp":"…","sequence":3,"data":{…}}`, in this order of fields, written once.
//! Refuses: bodies over 64 KiB, data that is not one JSON object.
//! Next: `signature` signs the bytes. They are stored, and every attempt sends the same: nothing is written twice.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;
use core::str::FromStr;

use model::UnixMillis;
use serde_json::Value;

use crate::kind::EventKind;
use crate::moment;

/// A message's id: 128 bits, time first, so that new ones stand together. Written `msg_` and 32 hex digits.
///
/// The same for every attempt and every endpoint: receivers know a repetition by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub u128);

/// Why a text is not a message's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message's id is `msg_` and 32 hexadecimal digits")]
pub struct MessageIdError;

impl MessageId {
    /// An id from the time it is made and 74 random bits (the layout of UUID version 7, RFC 9562).
    pub fn from_time_and_random(now: UnixMillis, random: u128) -> Self {
        let millis = u128::from(now.0.unsigned_abs()) & 0xffff_ffff_ffff;
        let (high, low) = (random >> 64 & 0x0fff, random & 0x3fff_ffff_ffff_ffff);
        Self(millis << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "msg_{:032x}", self.0)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MessageId {
    type Err = MessageIdError;
    fn from_str(text: &str) -> Result<Self, MessageIdError> {
        let digits = text.strip_prefix("msg_").ok_or(MessageIdError)?;
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(MessageIdError);
        }
        u128::from_str_radix(digits, 16).map(Self).map_err(|_| MessageIdError)
    }
}

/// Why there is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The data is not one JSON object.
    #[error("the data of a message is one JSON object")]
    NotAnObject,
    /// The body would be longer than 64 KiB.
    #[error("a message has at most 65,536 bytes; name the object and let the receiver ask for it")]
    TooLong,
    /// The sequence is over 2^53 - 1, which readers of JSON do not keep (RFC 8259, section 6).
    #[error("a sequence is at most 9,007,199,254,740,991")]
    Sequence,
    /// The moment is not within the years 0 to 9999.
    #[error("the moment of a message lies within the years 0 to 9999")]
    Moment,
}

impl MessageError {
    /// For machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAnObject => "data_not_an_object",
            Self::TooLong => "message_too_long",
            Self::Sequence => "sequence_too_large",
            Self::Moment => "moment_out_of_range",
        }
    }
}

/// What a message says of its object: one JSON object, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data(String);

impl Data {
    /// From a value.
    ///
    /// # Errors
    /// [`MessageError::NotAnObject`].
    pub fn from_value(value: &Value) -> Result<Self, MessageError> {
        if value.is_object() { Ok(Self(value.to_string())) } else { Err(MessageError::NotAnObject) }
    }

    /// From an object that was written out already; its bytes stay as they are, without white space around them.
    ///
    /// # Errors
    /// [`MessageError::NotAnObject`]; [`MessageError::TooLong`] where it is too long for any message.
    pub fn from_text(text: &str) -> Result<Self, MessageError> {
        if text.len() > Body::LENGTH_MAX {
            return Err(MessageError::TooLong);
        }
        let object: Result<BTreeMap<String, Value>, _> = serde_json::from_str(text);
        object.map_err(|_| MessageError::NotAnObject)?;
        Ok(Self(text.trim_matches([' ', '\t', '\n', '\r']).to_string()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A message's body: the bytes that are stored once, signed and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body(String);

impl Body {
    /// The longest, in bytes: 64 KiB.
    pub const LENGTH_MAX: usize = 65_536;
    /// The largest sequence: 2^53 - 1.
    pub const SEQUENCE_MAX: u64 = (1 << 53) - 1;
    /// Its media type.
    pub const CONTENT_TYPE: &'static str = "application/json";

    /// Writes a body. `at` is when the event happened, not when it is sent; `sequence` rises over the events of one
    /// object (an order), so that a receiver can put them in order.
    ///
    /// # Errors
    /// [`MessageError::TooLong`], [`MessageError::Sequence`], [`MessageError::Moment`].
    pub fn new(kind: &EventKind, at: UnixMillis, sequence: u64, data: &Data) -> Result<Self, MessageError> {
        if sequence > Self::SEQUENCE_MAX {
            return Err(MessageError::Sequence);
        }
        let moment = moment::rfc3339(at).ok_or(MessageError::Moment)?;
        // Neither a kind nor a moment holds a letter that JSON would escape.
        let text = format!(
            "{{\"type\":\"{kind}\",\"timestamp\":\"{moment}\",\"sequence\":{sequence},\"data\":{}}}",
            data.as_str()
        );
        Self::from_stored(text)
    }

    /// From what was stored.
    ///
    /// # Errors
    /// [`MessageError::TooLong`].
    pub fn from_stored(text: String) -> Result<Self, MessageError> {
        if text.len() > Self::LENGTH_MAX { Err(MessageError::TooLong) } else { Ok(Self(text)) }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it is signed and sent.
    pub const fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
