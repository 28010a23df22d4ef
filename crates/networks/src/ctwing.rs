//! CTWing (China Telecom's AEP): pushes of NB-IoT devices, and its interface for commands.
//!
//! **Sends** a POST with JSON: `dataReport` (an uplink, base64 in `payload.APPdata`), `commandResponse` (what became of a
//! command), notices of devices that come and go (`deviceOnlineOfflineReport`), events (`eventReport`), and
//! `dataReportTupUnion`, which says again what `dataReport` said. **Wants** 200, and tries at most three times.
//! **Signs** nothing: the address that it is told must hold a secret, and be HTTPS.
//! **Vouches** for the device's IMEI, as it authenticated the radio to its own network. It does not prove the card: a frame
//! carries its channel and its own code all the same.
//! **Takes** commands at `/aep_device_command/command`, signed with HMAC-SHA1 under the application's secret. The
//! kits ask for the platform's clock before they sign a `timestamp`: keep ours by NTP.
//!
//! Frames need a product whose payload is passed through; a report of one with a profile has no `APPdata` and is refused by
//! that name. `upPacketSN` and `upDataSN` are -1 or empty where the device's protocol has none (LwM2M), so that the key of a
//! report is the two, its `timestamp`, which can be missing, and its data: a repetition has the same.
//!
//! Read from: the platform's published kits for its interface, and the recorded shapes in `tests/shapes`. Public sources are thin on
//! the result codes of commands and disagree: every word that any of them has is taken, and another is refused by name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::UnixMillis;
use serde_json::{Value, json};
use sha1::Sha1;

use crate::push::{
    Call, Fate, PushRefused, Pushed, Secret, Taken, Uplink, base64_frame, hex, imei, maybe_name, millis,
    name, object,
};

/// The version of the interface for commands, as its kits send it.
const VERSION: &str = "20190712225145";

/// Reads a push. Whether its sender may push is decided before, by the secret in the address.
pub fn pushed(body: &[u8]) -> Result<Pushed, PushRefused> {
    let body = object(body)?;
    match name(&body, "messageType")?.as_str() {
        "dataReport" => {
            let device = name(&body, "deviceId")?;
            let payload = body.get("payload").ok_or(PushRefused::Missing("payload"))?;
            let payload = payload.as_object().ok_or(PushRefused::Malformed("payload"))?;
            let data = payload.get("APPdata").ok_or(PushRefused::Missing("payload.APPdata"))?;
            let data = data.as_str().ok_or(PushRefused::Malformed("payload.APPdata"))?;
            let at = millis(&body, "timestamp")?;
            // The packet's number is -1 where the protocol has none: the time tells repetitions apart from frames.
            let number = |field| maybe_name(&body, field).map(Option::unwrap_or_default);
            let (up, sent) = (number("upPacketSN")?, number("upDataSN")?);
            let key = format!("{device}/{}/{up}/{sent}/{data}", at.map_or(0, |at| at.0));
            Ok(Pushed::Uplink(Uplink {
                channel: maybe_name(&body, "IMEI")?.as_deref().and_then(imei),
                data: base64_frame(data, "payload.APPdata")?,
                device,
                key,
                at,
            }))
        }
        "commandResponse" => {
            let result = body.get("result").ok_or(PushRefused::Missing("result"))?;
            let result = result.as_object().ok_or(PushRefused::Malformed("result"))?;
            let fate =
                fate(&name(result, "resultCode")?).ok_or(PushRefused::Malformed("result.resultCode"))?;
            Ok(Pushed::Command { id: name(&body, "taskId")?, fate })
        }
        "deviceOnlineOfflineReport" => Ok(Pushed::Ignored("online")),
        "eventReport" => Ok(Pushed::Ignored("event")),
        "dataReportTupUnion" => Ok(Pushed::Ignored("union")),
        _ => Err(PushRefused::UnknownKind),
    }
}

/// What a result code says, in the platform's words of either language.
fn fate(code: &str) -> Option<Fate> {
    Some(match code {
        "SAVED" | "PENDING" | "指令已保存" => Fate::Queued,
        "SENT" | "指令已发送" => Fate::Sent,
        "DELIVERED" | "指令已送达" => Fate::Delivered,
        "COMPLETED" | "SUCCESSFUL" | "SUCCESS" | "指令已完成" => Fate::Acknowledged,
        "TTL_TIMEOUT" | "EXPIRED" | "指令缓存超时" => Fate::Expired,
        "TIMEOUT" | "FAILED" | "CANCELED" | "CANCELLED" | "RESPONSE_TIMEOUT" | "指令失败" | "指令已取消" => {
            Fate::Failed
        }
        _ => return None,
    })
}

/// Whose commands they are.
#[derive(Clone, Debug)]
pub struct Account {
    /// The application's key.
    pub application: String,
    /// The application's secret.
    pub secret: Secret,
    /// The product's id.
    pub product: u64,
    /// The product's master key.
    pub master_key: Secret,
}

/// A command that carries a frame to a device within so many seconds.
pub fn command(account: &Account, device: &str, frame: &[u8], seconds: u32, now: UnixMillis) -> Call {
    let body = json!({
        // 2: hexadecimal digits, which the device gets as bytes.
        "content": { "dataType": 2, "payload": hex(frame) },
        "deviceId": device,
        "operator": "counterfoil",
        "productId": account.product,
        "ttl": seconds,
        "level": 1,
    })
    .to_string();
    let timestamp = now.0.to_string();
    let headers = vec![
        ("application", account.application.clone()),
        ("timestamp", timestamp.clone()),
        ("version", VERSION.to_owned()),
        ("MasterKey", account.master_key.expose().to_owned()),
        ("signature", signature(account, &timestamp, &body)),
    ];
    Call { path: "/aep_device_command/command".into(), headers, body, form: false }
}

/// base64(HMAC-SHA1(secret, lines of application, timestamp, parameters by name, then the body)).
fn signature(account: &Account, timestamp: &str, body: &str) -> String {
    let text = format!(
        "application:{}\ntimestamp:{timestamp}\nMasterKey:{}\n{body}\n",
        account.application,
        account.master_key.expose()
    );
    // A key of any length will do for HMAC.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(account.secret.expose().as_bytes()) else {
        return String::new();
    };
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Reads the platform's answer to a command.
pub fn taken(body: &[u8]) -> Result<Taken, PushRefused> {
    let body = object(body)?;
    match body.get("code").and_then(Value::as_i64) {
        Some(0) => {
            let result = body.get("result").and_then(Value::as_object);
            let result = result.ok_or(PushRefused::Missing("result"))?;
            let fate = maybe_name(result, "commandStatus")?.as_deref().and_then(fate);
            Ok(Taken::As { id: name(result, "commandId")?, fate: fate.unwrap_or(Fate::Queued) })
        }
        Some(code) => Ok(Taken::Refused(code.to_string())),
        None => Err(PushRefused::Missing("code")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_signed_over_who_when_and_what() {
        let account = Account {
            application: "townapplication".into(),
            secret: Secret::given("town-secret".into()),
            product: 10_086_001,
            master_key: Secret::given("town-master-key".into()),
        };
        let now = UnixMillis(1_795_199_488_000);
        let call = command(&account, "d1", &[0x51, 0x10], 60, now);
        let body: Value = serde_json::from_str(&call.body).unwrap();
        assert_eq!(body["content"], json!({ "dataType": 2, "payload": "5110" }));
        assert_eq!((&body["ttl"], &body["productId"]), (&json!(60), &json!(10_086_001)));
        let signed =
            |call: &Call| call.headers.iter().find(|(name, _)| *name == "signature").unwrap().1.clone();
        // HMAC-SHA1 over the lines that the kits sign, by another program.
        assert_eq!(signed(&call), "o7pWXpjyFYe+xxYAsSI8YfbRmy0=");
        for other in [
            command(&account, "d1", &[0x51, 0x11], 60, now),
            command(&account, "d1", &[0x51, 0x10], 60, UnixMillis(1)),
            command(
                &Account { secret: Secret::given("x".into()), ..account.clone() },
                "d1",
                &[0x51, 0x10],
                60,
                now,
            ),
        ] {
            assert_ne!(signed(&other), signed(&call));
        }
        assert!(!format!("{account:?} {call:?}").contains("town-secret"));
        assert!(!format!("{call:?}").contains("town-master-key"));
    }

    #[test]
    fn an_answer_to_a_command_names_it_or_says_no() {
        let body = r#"{"code":0,"msg":"ok","result":{"commandId":"77","commandStatus":"指令已保存"}}"#;
        assert_eq!(taken(body.as_bytes()), Ok(Taken::As { id: "77".into(), fate: Fate::Queued }));
        assert_eq!(taken(br#"{"code":1301,"msg":"no"}"#), Ok(Taken::Refused("1301".into())));
        assert_eq!(taken(b"{}"), Err(PushRefused::Missing("code")));
    }
}
