//! Sigfox: callbacks with status frames.
//!
//! **Sends** a POST for each message, with a JSON body of this template, of which `station` and `rssi` may be left out
//! (a contract may not tell them), and whose numbers may stand in quotes:
//! `{"device": "{device}", "time": {time}, "data": "{data}", "seqNumber": {seqNumber}, "ack": {ack}, "station": "{station}",
//! "rssi": {rssi}}`. **Wants** 204, or, where `ack` is true, 200 with the eight bytes to send down; it tries again where it gets
//! neither.
//! **Signs** nothing: the address that it is told must hold a secret, and be HTTPS.
//! **Vouches** for the device's id: the network checked the message with the device's key. It does not prove the card.
//! **Carries** 12 bytes up, 140 times a day, and 8 down, 4 times a day: a status of our protocol has
//! 16 and does not fit, a brief hello has 12 and does, a transaction has 23 and never does. So a card on Sigfox can say that it is
//! there; it cannot pay, and whoever asks for an answer is told so ([`no_answer`]).
//!
//! Read from: the network's documentation of the callbacks `DATA/UPLINK` and `DATA/BIDIR`.

use model::{ChannelId, ChannelKind, UnixMillis};
use serde_json::{Map, Value, json};

use crate::push::{PushRefused, Pushed, Uplink, hex, hex_frame, maybe_name, name, object, whole};

/// What a message carries up, in bytes.
pub const UP_MAX: usize = 12;
/// What a message carries down, in bytes.
pub const DOWN_MAX: usize = 8;

/// A callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// What it tells.
    pub pushed: Pushed,
    /// Whether the device waits for an answer.
    pub wants_answer: bool,
    /// The device's id, as it is written.
    pub device: String,
    /// The base station that heard it, where it is told.
    pub station: Option<String>,
    /// How strong it was, in dBm, where it is told.
    pub rssi_dbm: Option<i16>,
}

/// Reads a callback. Whether its sender may push is decided before, by the secret in the address.
pub fn callback(body: &[u8]) -> Result<Callback, PushRefused> {
    let body = object(body)?;
    let device = name(&body, "device")?;
    let id = Some(&device)
        .filter(|text| text.len() <= 8 && text.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or(PushRefused::Malformed("device"))?;
    let channel = ChannelId::new(ChannelKind::Sigfox, id.to_be_bytes());
    let data = hex_frame(&maybe_name(&body, "data")?.unwrap_or_default(), "data")?;
    if data.len() > UP_MAX {
        return Err(PushRefused::FrameTooLong);
    }
    let at = whole(&body, "time")?.map(|seconds| UnixMillis(seconds.saturating_mul(1_000)));
    let wants_answer = match body.get("ack") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(ack)) => *ack,
        Some(Value::String(ack)) if ack == "true" || ack == "false" => ack == "true",
        Some(_) => return Err(PushRefused::Malformed("ack")),
    };
    // Two messages of a device within a second have different numbers, or are the same where no number is told.
    let number = whole(&body, "seqNumber")?.map(|number| number.to_string()).unwrap_or_default();
    let key = format!("{device}/{number}/{}/{}", at.map_or(0, |at| at.0), hex(&data));
    let pushed = if data.is_empty() {
        Pushed::Ignored("empty")
    } else {
        Pushed::Uplink(Uplink { channel: channel.ok(), key, device: device.clone(), data, at })
    };
    Ok(Callback {
        pushed,
        wants_answer,
        device,
        station: maybe_name(&body, "station")?,
        rssi_dbm: rssi(&body)?,
    })
}

/// A number with two digits after the point at most, as a number or as its text.
fn rssi(body: &Map<String, Value>) -> Result<Option<i16>, PushRefused> {
    let rssi: Option<f64> = match body.get("rssi") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.is_empty() || text == "null" => return Ok(None),
        Some(Value::String(text)) => text.parse().ok().filter(|rssi: &f64| rssi.is_finite()),
        Some(value) => value.as_f64(),
    };
    let rssi = rssi.ok_or(PushRefused::Malformed("rssi"))?;
    Ok(Some(rssi.clamp(-1_000.0, 1_000.0).round() as i16))
}

/// What is said to a device that waits for an answer: that there is none, since none fits.
pub fn no_answer(device: &str) -> String {
    json!({ device: { "noData": true } }).to_string()
}
