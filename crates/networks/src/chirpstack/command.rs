//! Commands: a downlink for the network server's queue.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{ChannelId, UnixMillis};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::topic::digits;

/// A port of LoRaWAN that an application may use: 1 to 223.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FPort(u8);

/// Why a number is no port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a port of LoRaWAN is 1 to 223")]
pub struct FPortError;

impl FPort {
    /// The port of our frames, both ways, unless it is agreed otherwise.
    pub const COUNTERFOIL: Self = Self(40);

    /// Takes 1 to 223 (LoRaWAN 1.0.4, section 4.3.2: 0 is the MAC's, above 223 is reserved).
    pub const fn new(number: u8) -> Result<Self, FPortError> {
        if number >= 1 && number <= 223 { Ok(Self(number)) } else { Err(FPortError) }
    }

    /// Its number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// A downlink for the network server's queue.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    /// Its id, which comes back as the queue item's.
    pub id: u128,
    /// For which device.
    pub channel: ChannelId,
    /// Whether the radio must acknowledge it.
    pub confirmed: bool,
    /// On which port.
    pub f_port: FPort,
    /// The frame.
    pub data: &'a [u8],
    /// Sent later than this, it would be of no use.
    pub expires_at: UnixMillis,
}

impl Command<'_> {
    /// The payload of `command/down`.
    pub fn to_json(&self) -> Vec<u8> {
        let mut command = json!({
            "id": uuid(self.id),
            "devEui": digits(self.channel),
            "confirmed": self.confirmed,
            "fPort": self.f_port.0,
            "data": STANDARD.encode(self.data),
        });
        // A time beyond what the calendar holds does not expire.
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.expires_at.0) * 1_000_000);
        if let Ok(Ok(text)) = at.map(|at| at.format(&Rfc3339))
            && let Some(command) = command.as_object_mut()
        {
            command.insert("expiresAt".into(), text.into());
        }
        command.to_string().into_bytes()
    }
}

/// 128 bits as a UUID is written.
fn uuid(id: u128) -> String {
    let hex = format!("{id:032x}");
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_says_what_for_whom_and_until_when() {
        let command = Command {
            id: 0x0198_1234_5678_7abc_8def_0123_4567_89ab,
            channel: "deveui:70b3d57ed0000001".parse().unwrap(),
            confirmed: false,
            f_port: FPort::COUNTERFOIL,
            data: &[0x51, 0x10, 0xff],
            expires_at: UnixMillis(1_795_199_488_250),
        };
        let json: serde_json::Value = serde_json::from_slice(&command.to_json()).unwrap();
        assert_eq!(
            json,
            json!({
                "id": "01981234-5678-7abc-8def-0123456789ab",
                "devEui": "70b3d57ed0000001",
                "confirmed": false,
                "fPort": 40,
                "data": "URD/",
                "expiresAt": "2026-11-20T18:31:28.25Z",
            })
        );
    }

    #[test]
    fn a_port_is_1_to_223() {
        assert_eq!([0, 1, 223, 224].map(|n| FPort::new(n).is_ok()), [false, true, true, false]);
    }
}
