//! OneNET (China Mobile): pushes of NB-IoT devices, and its interface for commands.
//!
//! **Sends** first a GET with `msg`, `nonce` and `signature`, to be answered with `msg`; then POSTs with JSON:
//! `{"msg": …, "nonce": …, "msg_signature": …}`, in newer versions `signature` for the last. The message is an object, a list of
//! them, or a text that holds one. Its `type` is 1 (a data point), 2 (a device came or went) or 7 (what became of a cached command).
//! **Wants** 200 within five seconds, else it tries again.
//! **Signs** with base64(MD5(token + nonce + msg)), `msg` as it is written. MD5 here is the platform's choice, not ours: whoever
//! does not know the token cannot make one, but HTTPS should stand in front all the same. The signature has no time in it: a
//! push that is played again is a repetition, and is told by its key.
//! **Vouches** for the device's number, which the registry binds to a channel, and for its `imei` where it tells it. It does
//! not prove the card: a frame carries its channel and its own code. A data point's value is the frame in
//! hexadecimal digits; a value that is no text is not for us.
//! **Takes** commands at `/nbiot/execute/offline` with the product's key, cached until the device is heard. `expired_time` has
//! no zone; it is read by the platform's clock, which is China's.
//!
//! The encrypted mode is refused by name: HTTPS does the same, and the platform's mode uses its key as the initial vector.
//!
//! Read from: the platform's guide to its HTTP pushes, its published receivers, its reference of cached commands, and the recorded
//! shapes in `tests/shapes`. Of the kinds of command responses the guide names two (1: the device's network end has it; 2: the device
//! confirmed it); others are told of and change nothing. Of expiry and failure it pushes nothing: our own expiry holds.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use model::UnixMillis;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::push::{
    Call, Fate, PushRefused, Pushed, Secret, Taken, Uplink, each, hex, hex_frame, imei, maybe_name, millis,
    name, object, text_of,
};

/// The most messages that one push may hold.
const MESSAGES_MAX: usize = 64;

fn signed(token: &Secret, nonce: &str, message: &str, signature: &str) -> bool {
    let mut digest = Md5::new();
    digest.update(token.expose().as_bytes());
    digest.update(nonce.as_bytes());
    digest.update(message.as_bytes());
    let right = STANDARD.encode(digest.finalize());
    // In an address a plus sign may have become a space, and the padding may be gone.
    let said = signature.replace(' ', "+");
    right.trim_end_matches('=').as_bytes().ct_eq(said.trim_end_matches('=').as_bytes()).into()
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

/// A body's fields, each as it is written.
fn envelope(text: &str) -> Result<HashMap<String, &RawValue>, PushRefused> {
    serde_json::from_str(text).map_err(|_| match serde_json::from_str::<Value>(text) {
        Ok(_) => PushRefused::NotAnObject,
        Err(_) => PushRefused::NotJson,
    })
}

/// Reads a push, once its signature is right.
pub fn pushed(token: &Secret, body: &[u8]) -> Result<Vec<Pushed>, PushRefused> {
    let fields = envelope(text_of(body)?)?;
    let word = |field: &str, called: &'static str| -> Result<String, PushRefused> {
        let raw = fields.get(field).ok_or(PushRefused::Missing(called))?;
        serde_json::from_str(raw.get()).map_err(|_| PushRefused::Malformed(called))
    };
    if fields.contains_key("enc_msg") {
        return Err(PushRefused::Encrypted);
    }
    let raw = fields.get("msg").ok_or(PushRefused::Missing("msg"))?.get();
    let nonce = word("nonce", "nonce")?;
    let newer = !fields.contains_key("msg_signature");
    let signature = word(if newer { "signature" } else { "msg_signature" }, "msg_signature")?;
    // A message that is a text is signed as what it says, not as it is written.
    let inner = serde_json::from_str::<String>(raw).ok();
    let message = inner.as_deref().unwrap_or(raw);
    if !signed(token, &nonce, message, &signature) {
        return Err(PushRefused::WrongSignature);
    }
    match serde_json::from_str(message).map_err(|_| PushRefused::Malformed("msg"))? {
        one @ Value::Object(_) => Ok(vec![read(&one)?]),
        Value::Array(many) if many.len() <= MESSAGES_MAX => each(many.iter(), read),
        _ => Err(PushRefused::Malformed("msg")),
    }
}

fn read(message: &Value) -> Result<Pushed, PushRefused> {
    let message = message.as_object().ok_or(PushRefused::Malformed("msg"))?;
    match message.get("type").and_then(Value::as_i64).ok_or(PushRefused::Missing("type"))? {
        1 => {
            let device = name(message, "dev_id")?;
            let at = millis(message, "at")?;
            let stream = name(message, "ds_id")?;
            let value = message.get("value").ok_or(PushRefused::Missing("value"))?;
            // Numbers and objects are other resources of the device.
            let Some(value) = value.as_str() else { return Ok(Pushed::Ignored("other_value")) };
            let key = format!("{device}/{stream}/{}/{value}", at.map_or(0, |at| at.0));
            let data = hex_frame(value, "value")?;
            let channel = maybe_name(message, "imei")?.as_deref().and_then(imei);
            Ok(Pushed::Uplink(Uplink { device, channel, key, data, at }))
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
    // The platform's clock is that of China, eight hours ahead.
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let seconds = until.0.div_euclid(1_000).saturating_add(8 * 3_600);
    // A moment beyond the calendar does not come: its last one is said.
    let expires = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|at| at.format(&form).ok());
    let expires = expires.unwrap_or_else(|| "9999-12-31T23:59:59".to_owned());
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
