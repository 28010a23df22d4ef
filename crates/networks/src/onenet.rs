//! OneNET (China Mobile): pushes of NB-IoT devices, and its interface for commands.
//!
//! **Sends** first a GET with `msg`, `nonce` and `signature`, to be answered with `msg`; then POSTs with JSON:
//! `{"msg": …, "nonce": …, "msg_signature": …}`. The message is an object, a list of them, or a text that holds one. Its `type` is 1
//! (a data point), 2 (a device came or went) or 7 (what became of a cached command). **Wants** 200 within five seconds, else it
//! tries again.
//! **Signs** with base64(MD5(token + nonce + msg)). MD5 here is the platform's choice, not ours: whoever does not know the
//! token cannot make one, but HTTPS should stand in front all the same.
//! **Vouches** for the device's number, which the registry binds to a channel. A data point's value is the frame in
//! hexadecimal digits.
//! **Takes** commands at `/nbiot/execute/offline` with the product's key, cached until the device is heard.
//!
//! Read from: the platform's guide to its HTTP pushes, and the recorded shapes in `tests/shapes`. Of the kinds of command responses it
//! names two (1: the device's network end has it; 2: the device confirmed it); others are told of and change nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use model::UnixMillis;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

use crate::push::{
    Call, Fate, PushRefused, Pushed, Secret, Taken, Uplink, hex, hex_frame, millis, name, object, text_of,
};

/// The most messages that one push may hold.
const MESSAGES_MAX: usize = 64;

fn signed(token: &Secret, nonce: &str, message: &str, signature: &str) -> bool {
    let mut digest = Md5::new();
    digest.update(token.expose().as_bytes());
    digest.update(nonce.as_bytes());
    digest.update(message.as_bytes());
    let right = STANDARD.encode(digest.finalize());
    // In an address a plus sign may have become a space.
    let said = signature.replace(' ', "+");
    right.as_bytes().ct_eq(said.as_bytes()).into()
}

/// Checks the platform's question whether the address is ours; what to answer it with.
pub fn check<'m>(
    token: &Secret,
    message: &'m str,
    nonce: &str,
    signature: &str,
) -> Result<&'m str, PushRefused> {
    if signed(token, nonce, message, signature) { Ok(message) } else { Err(PushRefused::WrongSignature) }
}

#[derive(serde::Deserialize)]
struct Envelope<'b> {
    #[serde(borrow)]
    msg: Option<&'b RawValue>,
    nonce: Option<String>,
    #[serde(alias = "signature")]
    msg_signature: Option<String>,
    enc_msg: Option<Value>,
}

/// Reads a push, once its signature is right.
pub fn pushed(token: &Secret, body: &[u8]) -> Result<Vec<Pushed>, PushRefused> {
    let text = text_of(body)?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| {
        if serde_json::from_str::<Value>(text).is_err() || error.is_syntax() {
            PushRefused::NotJson
        } else {
            PushRefused::NotAnObject
        }
    })?;
    if envelope.enc_msg.is_some() {
        return Err(PushRefused::Encrypted);
    }
    let raw = envelope.msg.ok_or(PushRefused::Missing("msg"))?.get();
    let nonce = envelope.nonce.ok_or(PushRefused::Missing("nonce"))?;
    let signature = envelope.msg_signature.ok_or(PushRefused::Missing("msg_signature"))?;
    let parsed: Value = serde_json::from_str(raw).map_err(|_| PushRefused::NotJson)?;
    // A message that is a text is signed as what it says, not as it is written.
    let (message, parsed) = match parsed {
        Value::String(inner) => {
            let parsed = serde_json::from_str(&inner).map_err(|_| PushRefused::Malformed("msg"))?;
            (inner, parsed)
        }
        other => (raw.to_owned(), other),
    };
    if !signed(token, &nonce, &message, &signature) {
        return Err(PushRefused::WrongSignature);
    }
    match parsed {
        Value::Object(one) => Ok(vec![read(&one)?]),
        Value::Array(many) if many.len() <= MESSAGES_MAX => {
            many.iter().map(|one| read(one.as_object().ok_or(PushRefused::Malformed("msg"))?)).collect()
        }
        _ => Err(PushRefused::Malformed("msg")),
    }
}

fn read(message: &Map<String, Value>) -> Result<Pushed, PushRefused> {
    match message.get("type").and_then(Value::as_i64).ok_or(PushRefused::Missing("type"))? {
        1 => {
            let device = name(message, "dev_id")?;
            let at = millis(message, "at")?;
            let stream = name(message, "ds_id")?;
            let value = message.get("value").ok_or(PushRefused::Missing("value"))?;
            let value = value.as_str().ok_or(PushRefused::Malformed("value"))?;
            let key = format!("{device}/{stream}/{}/{value}", at.map_or(0, |at| at.0));
            let data = hex_frame(value, "value")?;
            Ok(Pushed::Uplink(Uplink { device, channel: None, key, data, at }))
        }
        2 => Ok(Pushed::Ignored("online")),
        7 => {
            let id = name(message, "cmd_id")?;
            match message.get("cmd_type").and_then(Value::as_i64) {
                Some(1) => Ok(Pushed::Command { id, fate: Fate::Delivered }),
                Some(2) => Ok(Pushed::Command { id, fate: Fate::Acknowledged }),
                Some(_) | None => Ok(Pushed::Ignored("command_response")),
            }
        }
        _ => Err(PushRefused::UnknownKind),
    }
}

/// Whose commands they are.
#[derive(Clone, Debug)]
pub struct Account {
    /// The product's key.
    pub api_key: Secret,
    /// The object, the instance and the resource that frames are executed at.
    pub resource: (u16, u16, u16),
}

/// A command that carries a frame to a device, which is named by its IMEI, and that is cached until a moment.
pub fn command(account: &Account, imei: &str, frame: &[u8], until: UnixMillis) -> Call {
    let (object, instance, resource) = account.resource;
    let expires = OffsetDateTime::from_unix_timestamp(until.0 / 1_000)
        .map(|at| {
            // The platform's clock is that of China, eight hours ahead.
            let at = at + time::Duration::hours(8);
            let (date, clock) = (at.date(), at.time());
            format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
                date.year(),
                u8::from(date.month()),
                date.day(),
                clock.hour(),
                clock.minute(),
                clock.second()
            )
        })
        .unwrap_or_default();
    Call {
        path: format!(
            "/nbiot/execute/offline?imei={imei}&obj_id={object}&obj_inst_id={instance}&res_id={resource}\
             &expired_time={expires}"
        ),
        headers: vec![("api-key", account.api_key.expose().to_owned())],
        body: json!({ "args": hex(frame) }).to_string(),
        form: false,
    }
}

/// Reads the platform's answer to a command.
pub fn taken(body: &[u8]) -> Result<Taken, PushRefused> {
    let body = object(body)?;
    match body.get("errno").and_then(Value::as_i64) {
        Some(0) => {
            let data = body.get("data").and_then(Value::as_object).ok_or(PushRefused::Missing("data"))?;
            let id = name(data, "uuid").or_else(|_| name(data, "cmd_id"))?;
            Ok(Taken::As { id, fate: Fate::Queued })
        }
        Some(code) => Ok(Taken::Refused(code.to_string())),
        None => Err(PushRefused::Missing("errno")),
    }
}
