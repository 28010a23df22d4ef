//! Sigfox: callbacks with status frames.
//!
//! **Sends** a POST for each message, with a JSON body of this template:
//! `{"device": "{device}", "time": {time}, "data": "{data}", "seqNumber": {seqNumber}, "ack": {ack}}`. **Wants** 204, or 200 with
//! the eight bytes to send down.
//! **Signs** nothing: the address that it is told must hold a secret, and be HTTPS.
//! **Vouches** for the device's id. **Carries** 12 bytes up, 140 times a day, and 8 down, 4 times a day: a status of our protocol has
//! 16 and does not fit, a brief hello has 12 and does, a transaction has 23 and never does. So a card on Sigfox can say that it is
//! there; it cannot pay, and whoever asks for an answer is told so.

use model::{ChannelId, ChannelKind};
use serde_json::{Value, json};

use crate::push::{PushRefused, Pushed, Uplink, hex_frame, millis, name, object};

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
    let data = hex_frame(&name(&body, "data")?, "data")?;
    if data.len() > UP_MAX {
        return Err(PushRefused::FrameTooLong);
    }
    let number = body.get("seqNumber").and_then(Value::as_u64).ok_or(PushRefused::Missing("seqNumber"))?;
    // Seconds, where the template says them.
    let at = millis(&body, "time")?.map(|seconds| model::UnixMillis(seconds.0.saturating_mul(1_000)));
    let wants_answer = match body.get("ack") {
        None | Some(Value::Null) => false,
        Some(value) => value.as_bool().ok_or(PushRefused::Malformed("ack"))?,
    };
    Ok(Callback {
        pushed: Pushed::Uplink(Uplink {
            channel: channel.ok(),
            key: format!("{device}/{number}/{}", at.map_or(0, |at| at.0)),
            device: device.clone(),
            data,
            at,
        }),
        wants_answer,
        device,
    })
}

/// What is said to a device that waits for an answer: that there is none, since none fits.
pub fn no_answer(device: &str) -> String {
    json!({ device: { "noData": true } }).to_string()
}
