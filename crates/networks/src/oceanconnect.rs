//! OceanConnect (Huawei): pushes of NB-IoT devices, and its interface for commands.
//!
//! **Sends** a POST with JSON: `deviceDataChanged` (one service's data), `deviceDatasChanged` (several), and, to the callback that a
//! command names, what became of it: `PENDING`, `SENT`, `DELIVERED` (the radio has it), `SUCCESSFUL` or `FAILED` (the device
//! said so), `EXPIRED`, `TIMEOUT`, `CANCELED`. Other notices need nothing. **Wants** 200.
//! **Signs** nothing: the address that it is told must hold a secret, and be HTTPS; it can be told to trust a certificate.
//! **Vouches** for the device's id, which the registry binds to a channel. It does not tell the IMEI, and does not prove the
//! card: a frame carries its channel and its own code.
//! **Takes** commands at `/iocm/app/cmd/v1.4.0/deviceCommands`, with a token that is asked for at `/iocm/app/sec/v1.1.0/login`
//! and is good for the seconds in `expiresIn`, an hour as a rule.
//!
//! Read from: the platform's published interface reference, and the recorded shapes in `tests/shapes`. What a service's data is called is
//! up to the device's profile: the frame is in base64 in the field that [`Profile`] names. A notice has no number of its own
//! (`requestId` is null as a rule): the key of an uplink is its device, its `eventTime` and itself.

use model::UnixMillis;
use serde_json::{Map, Value, json};
use time::PrimitiveDateTime;
use time::macros::format_description;

use crate::push::{
    Call, Fate, PushRefused, Pushed, Secret, Taken, Uplink, base64_frame, each, maybe_name, name, object,
};

/// The most services that one push may tell of.
const SERVICES_MAX: usize = 64;

/// The longest token that is taken, in bytes: the platform's have 32 to a few thousand.
pub const TOKEN_MAX: usize = 4_096;

/// How the device's profile calls things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The service that frames come and go by.
    pub service: String,
    /// The field of its data that holds a frame that came.
    pub field: String,
    /// The command that carries a frame down.
    pub method: String,
}

/// Reads a push. Whether its sender may push is decided before, by the secret in the address.
pub fn pushed(profile: &Profile, body: &[u8]) -> Result<Vec<Pushed>, PushRefused> {
    let body = object(body)?;
    let Some(kind) = maybe_name(&body, "notifyType")? else {
        // What became of a command has no type.
        return command_result(&body).map(|told| vec![told]);
    };
    match kind.as_str() {
        "deviceDataChanged" => {
            let service = body.get("service").ok_or(PushRefused::Missing("service"))?;
            Ok(vec![service_data(profile, &body, service)?])
        }
        "deviceDatasChanged" => {
            let services = body.get("services").and_then(Value::as_array);
            let services = services.ok_or(PushRefused::Missing("services"))?;
            if services.len() > SERVICES_MAX {
                return Err(PushRefused::Malformed("services"));
            }
            each(services.iter(), |service| service_data(profile, &body, service))
        }
        "deviceAdded"
        | "deviceInfoChanged"
        | "deviceDeleted"
        | "bindDevice"
        | "deviceEvent"
        | "serviceInfoChanged"
        | "deviceModelAdded"
        | "deviceModelDeleted"
        | "deviceDesiredPropertiesModifyStatusChanged"
        | "ruleEvent" => Ok(vec![Pushed::Ignored("device")]),
        "commandRsp" | "messageConfirm" => Ok(vec![Pushed::Ignored("command_response")]),
        _ => Err(PushRefused::UnknownKind),
    }
}

fn service_data(
    profile: &Profile,
    body: &Map<String, Value>,
    service: &Value,
) -> Result<Pushed, PushRefused> {
    let device = name(body, "deviceId")?;
    let service = service.as_object().ok_or(PushRefused::Malformed("service"))?;
    if name(service, "serviceId")? != profile.service {
        return Ok(Pushed::Ignored("other_service"));
    }
    let data = service.get("data").ok_or(PushRefused::Missing("service.data"))?;
    let data = data.as_object().ok_or(PushRefused::Malformed("service.data"))?;
    let frame = data.get(&profile.field).ok_or(PushRefused::Missing("service.data's field"))?;
    let frame = frame.as_str().ok_or(PushRefused::Malformed("service.data's field"))?;
    let event_time = maybe_name(service, "eventTime")?.unwrap_or_default();
    Ok(Pushed::Uplink(Uplink {
        channel: None,
        key: format!("{device}/{event_time}/{frame}"),
        data: base64_frame(frame, "service.data's field")?,
        at: moment(&event_time),
        device,
    }))
}

/// `20261120T183128Z`. A time of another form is not needed, and not refused.
fn moment(text: &str) -> Option<UnixMillis> {
    let form = format_description!("[year][month][day]T[hour][minute][second]Z");
    let at = PrimitiveDateTime::parse(text, &form).ok()?;
    Some(UnixMillis(at.assume_utc().unix_timestamp().saturating_mul(1_000)))
}

/// What a status says, of a callback or of an answer.
fn fate(status: &str) -> Option<Fate> {
    Some(match status {
        "PENDING" | "DEFAULT" => Fate::Queued,
        "SENT" => Fate::Sent,
        "DELIVERED" => Fate::Delivered,
        "SUCCESSFUL" | "SUCCESS" => Fate::Acknowledged,
        "EXPIRED" => Fate::Expired,
        "FAILED" | "TIMEOUT" | "CANCELED" => Fate::Failed,
        _ => return None,
    })
}

fn command_result(body: &Map<String, Value>) -> Result<Pushed, PushRefused> {
    let id = name(body, "commandId")?;
    let result = body.get("result").and_then(Value::as_object).ok_or(PushRefused::Missing("result"))?;
    let fate = fate(&name(result, "resultCode")?).ok_or(PushRefused::Malformed("result.resultCode"))?;
    Ok(Pushed::Command { id, fate })
}

/// Whose commands they are.
#[derive(Clone, Debug)]
pub struct Account {
    /// The application's id.
    pub application: String,
    /// The application's secret.
    pub secret: Secret,
}

/// A token that commands are made with.
#[derive(Clone, Debug)]
pub struct Token {
    secret: Secret,
    /// When it is no more good.
    pub expires_at: UnixMillis,
}

/// The request for a token.
pub fn login(account: &Account) -> Call {
    let encode = |text: &str| -> String {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
    };
    Call {
        path: "/iocm/app/sec/v1.1.0/login".into(),
        headers: Vec::new(),
        body: format!("appId={}&secret={}", encode(&account.application), encode(account.secret.expose())),
        form: true,
    }
}

/// Reads the answer to [`login`].
pub fn logged_in(body: &[u8], now: UnixMillis) -> Result<Token, PushRefused> {
    let body = object(body)?;
    let token = body.get("accessToken").and_then(Value::as_str).ok_or(PushRefused::Missing("accessToken"))?;
    // It goes into a header as it is.
    if !(1..=TOKEN_MAX).contains(&token.len()) || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(PushRefused::Malformed("accessToken"));
    }
    let seconds = body.get("expiresIn").and_then(Value::as_i64).ok_or(PushRefused::Missing("expiresIn"))?;
    // A minute early: a token must not end on its way.
    let expires_at = now.plus(seconds.saturating_sub(60).clamp(0, 86_400).saturating_mul(1_000));
    Ok(Token { secret: Secret::given(token.to_owned()), expires_at })
}

/// A command that carries a frame to a device within so many seconds.
pub fn command(
    account: &Account,
    token: &Token,
    profile: &Profile,
    device: &str,
    frame: &[u8],
    seconds: u32,
    callback: Option<&str>,
) -> Call {
    use base64::Engine as _;
    let mut body = json!({
        "deviceId": device,
        "command": {
            "serviceId": profile.service,
            "method": profile.method,
            "paras": { profile.field.as_str(): base64::engine::general_purpose::STANDARD.encode(frame) },
        },
        "expireTime": seconds,
        "maxRetransmit": 3,
    });
    if let (Some(callback), Some(body)) = (callback, body.as_object_mut()) {
        body.insert("callbackUrl".into(), callback.into());
    }
    Call {
        path: "/iocm/app/cmd/v1.4.0/deviceCommands".into(),
        headers: vec![
            ("app_key", account.application.clone()),
            ("Authorization", format!("Bearer {}", token.secret.expose())),
        ],
        body: body.to_string(),
        form: false,
    }
}

/// Reads the platform's answer to a command.
pub fn taken(body: &[u8]) -> Result<Taken, PushRefused> {
    let body = object(body)?;
    match maybe_name(&body, "commandId")? {
        Some(id) => {
            let status = maybe_name(&body, "status")?.unwrap_or_default();
            match fate(&status) {
                Some(Fate::Expired | Fate::Failed) => Ok(Taken::Refused(status)),
                fate => Ok(Taken::As { id, fate: fate.unwrap_or(Fate::Queued) }),
            }
        }
        None => Ok(Taken::Refused(name(&body, "error_code")?)),
    }
}
