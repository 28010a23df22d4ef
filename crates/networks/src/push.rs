//! What operators' platforms push over HTTP, whichever it is: an uplink, what became of a command, or nothing for us.
//!
//! For: one shell that serves them all. Each platform's module reads its own words into these.
//! Refuses: bodies over [`BODY_MAX`], encodings other than UTF-8, compression, and frames over [`FRAME_MAX`], by name.
//! Where a push holds several messages, one that cannot be read does not take the others with it: it becomes
//! [`Pushed::Ignored`] with the code of its refusal. A push of one message is refused.
//! Next: `server::bearer::northbound` for the routes and the calls.

use model::{ChannelId, UnixMillis};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A body that is longer is refused, in bytes: a report of a frame has a few hundred.
pub const BODY_MAX: usize = 65_536;
/// The longest frame that is taken from a platform, in bytes: NB-IoT carries about 1,358.
pub const FRAME_MAX: usize = 1_280;
/// The longest name of a device, command or message that is taken, in bytes.
const NAME_MAX: usize = 128;

/// What a platform says of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It waits there.
    Queued,
    /// It went out.
    Sent,
    /// The platform says that it arrived.
    Delivered,
    /// The device's end confirmed it.
    Acknowledged,
    /// It outlived its time there.
    Expired,
    /// It will not go out, or did not arrive.
    Failed,
}

/// An uplink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// The device, as the platform names it.
    pub device: String,
    /// The device's channel, where the platform says it (the IMEI).
    pub channel: Option<ChannelId>,
    /// The same for every repetition.
    pub key: String,
    /// The frame.
    pub data: Vec<u8>,
    /// When the platform took it, where it says so.
    pub at: Option<UnixMillis>,
}

/// What was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// An uplink.
    Uplink(Uplink),
    /// What became of a command.
    Command {
        /// The platform's name of it.
        id: String,
        /// What became of it.
        fate: Fate,
    },
    /// Something that is told and needs nothing: its kind. Of one message among several, also why it could not be read.
    Ignored(&'static str),
}

/// Why a push is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushRefused {
    /// Longer than [`BODY_MAX`].
    #[error("a body of {len} bytes is longer than {limit}")]
    TooLong {
        /// Its length.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// Compressed, or in an encoding other than UTF-8.
    #[error("the body is not UTF-8; send plain JSON in UTF-8, not compressed")]
    NotUtf8,
    /// UTF-8, but not JSON.
    #[error("the body is not JSON")]
    NotJson,
    /// JSON, but no object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// A field that cannot be left out is not there.
    #[error("the body has no {0}")]
    Missing(&'static str),
    /// A field is not of its form.
    #[error("the body's {0} is not of its form")]
    Malformed(&'static str),
    /// A kind of message that is not known.
    #[error("the kind of message is not known")]
    UnknownKind,
    /// The frame is longer than any bearer carries.
    #[error("the frame is longer than {FRAME_MAX} bytes")]
    FrameTooLong,
    /// The signature, or the secret, is not the one that was agreed.
    #[error("the signature or secret is wrong")]
    WrongSignature,
    /// The message is encrypted.
    #[error("the message is encrypted; choose the plain mode at the platform, over HTTPS")]
    Encrypted,
}

impl PushRefused {
    /// For machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong { .. } => "push_too_long",
            Self::NotUtf8 => "push_not_utf8",
            Self::NotJson => "push_not_json",
            Self::NotAnObject => "push_not_an_object",
            Self::Missing(_) => "push_field_missing",
            Self::Malformed(_) => "push_field_malformed",
            Self::UnknownKind => "push_unknown_kind",
            Self::FrameTooLong => "push_frame_too_long",
            Self::WrongSignature => "push_wrong_signature",
            Self::Encrypted => "push_encrypted",
        }
    }
}

/// A secret that a platform and we share.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret has 16 to 128 letters, digits, hyphens and underscores")]
pub struct SecretError;

impl Secret {
    /// Takes 16 to 128 characters that may stand in the path of an address.
    pub fn new(text: &str) -> Result<Self, SecretError> {
        let fits = (16..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if fits { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(SecretError) }
    }

    /// A secret that a platform has made, of whatever form.
    pub fn given(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Whether this is it, in constant time.
    pub fn is(&self, said: &str) -> bool {
        self.0.as_bytes().ct_eq(said.as_bytes()).into()
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A request that is to be made of a platform.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// The path, with its query.
    pub path: String,
    /// Headers beside the content type.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// Whether the body is a form; else it is JSON.
    pub form: bool,
}

impl std::fmt::Debug for Call {
    /// Headers and forms hold keys: only the path is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What a platform answered to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It took the command, under this name.
    As {
        /// The platform's name of it.
        id: String,
        /// Where it stands.
        fate: Fate,
    },
    /// It said no: its own code.
    Refused(String),
}

/// A body as an object.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, PushRefused> {
    match serde_json::from_str(text_of(body)?).map_err(|_| PushRefused::NotJson)? {
        Value::Object(object) => Ok(object),
        _ => Err(PushRefused::NotAnObject),
    }
}

/// A body as text.
pub(crate) fn text_of(body: &[u8]) -> Result<&str, PushRefused> {
    if body.len() > BODY_MAX {
        return Err(PushRefused::TooLong { len: body.len(), limit: BODY_MAX });
    }
    std::str::from_utf8(body).map_err(|_| PushRefused::NotUtf8)
}

/// A name: a text, or a number as platforms write ids.
pub(crate) fn name(object: &Map<String, Value>, field: &'static str) -> Result<String, PushRefused> {
    let text = match object.get(field) {
        None | Some(Value::Null) => return Err(PushRefused::Missing(field)),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(PushRefused::Malformed(field)),
    };
    let fits = (1..=NAME_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(PushRefused::Malformed(field)) }
}

/// The same where it may be missing or empty.
pub(crate) fn maybe_name(
    object: &Map<String, Value>,
    field: &'static str,
) -> Result<Option<String>, PushRefused> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(_) => name(object, field).map(Some),
    }
}

/// A whole number, where it is said: as a number, or as the text of one.
pub(crate) fn whole(object: &Map<String, Value>, field: &'static str) -> Result<Option<i64>, PushRefused> {
    let number = match object.get(field) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_i64(),
    };
    number.map(Some).ok_or(PushRefused::Malformed(field))
}

/// Milliseconds since 1970, where they are said.
pub(crate) fn millis(
    object: &Map<String, Value>,
    field: &'static str,
) -> Result<Option<UnixMillis>, PushRefused> {
    Ok(whole(object, field)?.map(UnixMillis))
}

/// What several messages tell. One that cannot be read is told of by its code.
pub(crate) fn each<'v>(
    messages: impl ExactSizeIterator<Item = &'v Value>,
    read: impl Fn(&Value) -> Result<Pushed, PushRefused>,
) -> Result<Vec<Pushed>, PushRefused> {
    if messages.len() == 1 {
        return messages.map(read).collect();
    }
    Ok(messages.map(|one| read(one).unwrap_or_else(|refused| Pushed::Ignored(refused.code()))).collect())
}

/// A frame that is written in base64.
pub(crate) fn base64_frame(text: &str, field: &'static str) -> Result<Vec<u8>, PushRefused> {
    use base64::Engine as _;
    if text.len() > FRAME_MAX.div_ceil(3) * 4 {
        return Err(PushRefused::FrameTooLong);
    }
    let frame = base64::engine::general_purpose::STANDARD.decode(text);
    short_enough(frame.map_err(|_| PushRefused::Malformed(field))?)
}

/// A frame that is written in hexadecimal digits.
pub(crate) fn hex_frame(text: &str, field: &'static str) -> Result<Vec<u8>, PushRefused> {
    if text.len() > 2 * FRAME_MAX {
        return Err(PushRefused::FrameTooLong);
    }
    let malformed = PushRefused::Malformed(field);
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(malformed);
    }
    let byte =
        |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let frame: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
    short_enough(frame.ok_or(malformed)?)
}

fn short_enough(frame: Vec<u8>) -> Result<Vec<u8>, PushRefused> {
    if frame.len() > FRAME_MAX { Err(PushRefused::FrameTooLong) } else { Ok(frame) }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The channel of an IMEI, where it is one.
pub(crate) fn imei(text: &str) -> Option<ChannelId> {
    let digits = text.len() == 15 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().and_then(|number| ChannelId::imei(number).ok())
}
