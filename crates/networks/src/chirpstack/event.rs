//! Events: what the network server tells.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{ChannelId, UnixMillis};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::topic::{EventType, Topic, application_id, dev_eui};

/// An event that is longer is refused, in bytes. With all its gateways an uplink has a few thousand.
pub const PAYLOAD_MAX: usize = 65_536;
/// More than LoRaWAN carries at any data rate, in bytes.
pub const DATA_MAX: usize = 256;
/// The longest text that is taken of what an event names, in bytes: a name has 100 characters at the server, of up to four
/// bytes.
const NAME_MAX: usize = 512;
/// What is kept of a log's description, in bytes.
pub const DESCRIPTION_MAX: usize = 512;
/// How many of a device's tags are kept, the first by name.
pub const TAGS_MAX: usize = 64;

/// Why an event is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventRefused {
    /// Longer than [`PAYLOAD_MAX`].
    #[error("an event of {len} bytes is longer than {limit}")]
    TooLong {
        /// Its length.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// In an encoding other than UTF-8, compressed, or Protobuf.
    #[error("the event is not UTF-8; set the integration's marshaler to JSON")]
    NotUtf8,
    /// UTF-8, but not JSON: perhaps the integration is set to Protobuf.
    #[error("the event is not JSON; set the integration's marshaler to JSON")]
    NotJson,
    /// JSON, but no object.
    #[error("the event is not a JSON object")]
    NotAnObject,
    /// A field that cannot be left out is not there.
    #[error("the event has no {0}")]
    Missing(&'static str),
    /// A field is not of its form.
    #[error("the event's {0} is not of its form")]
    Malformed(&'static str),
    /// The body speaks of another device or application than the topic.
    #[error("the event's body and topic name different devices or applications")]
    TopicMismatch,
    /// More data than any data rate carries.
    #[error("the event's data is longer than {DATA_MAX} bytes")]
    DataTooLong,
}

impl EventRefused {
    /// For machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong { .. } => "event_too_long",
            Self::NotUtf8 => "event_not_utf8",
            Self::NotJson => "event_not_json",
            Self::NotAnObject => "event_not_an_object",
            Self::Missing(_) => "event_field_missing",
            Self::Malformed(_) => "event_field_malformed",
            Self::TopicMismatch => "event_topic_mismatch",
            Self::DataTooLong => "event_data_too_long",
        }
    }
}

/// When a device listens (LoRaWAN 1.0.4, sections 3, 8 and 17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// In two windows after each of its own uplinks, which every device does.
    A,
    /// At times that a beacon sets, too.
    B,
    /// Whenever it does not send.
    C,
}

/// What an event says of its device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The tenant, where it is said.
    pub tenant: Option<String>,
    /// The application.
    pub application: String,
    /// The device, by its DevEUI.
    pub channel: ChannelId,
    /// The device's name, where it has one.
    pub name: Option<String>,
    /// When it listens, by the class that is enabled for it.
    pub class: Class,
    /// When the server made the event, where it says so.
    pub at: Option<UnixMillis>,
    /// The same for every repetition of the event; a `txack` and a `log` have none.
    pub deduplication_id: Option<u128>,
    /// The tags of the device and its profile, by name; no more than [`TAGS_MAX`].
    pub tags: Vec<(String, String)>,
}

/// How a gateway heard an uplink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its id.
    pub id: String,
    /// Signal strength, in dBm.
    pub rssi_dbm: i16,
    /// Signal to noise, in tenths of a dB.
    pub snr_tenths: i16,
}

/// An uplink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Up {
    /// Of which device.
    pub device: Device,
    /// The same for every repetition.
    pub deduplication_id: u128,
    /// The network's number of its data rate.
    pub data_rate: u8,
    /// The frame counter.
    pub frame_counter: u32,
    /// The port; 0 where the frame had only MAC commands.
    pub f_port: u8,
    /// Whether the radio wants an acknowledgement.
    pub confirmed: bool,
    /// The application payload.
    pub data: Vec<u8>,
    /// The gateway that heard it best.
    pub best: Option<Gateway>,
    /// The region's id.
    pub region: Option<String>,
}

/// The radio acknowledged a confirmed downlink, or did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Of which device.
    pub device: Device,
    /// Which item of the queue.
    pub queue_item: Option<u128>,
    /// Whether it did. The server also says no when it gave up waiting, which is seen at the next uplink.
    pub acknowledged: bool,
    /// The downlink's frame counter.
    pub frame_counter_down: u32,
}

/// A gateway sent a downlink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxAck {
    /// To which device.
    pub device: Device,
    /// Which item of the queue; none for the server's own.
    pub queue_item: Option<u128>,
    /// By which gateway.
    pub gateway: Option<String>,
    /// The server's number of the downlink.
    pub downlink_id: u32,
    /// The downlink's frame counter.
    pub frame_counter_down: u32,
}

/// A device joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// Which device.
    pub device: Device,
    /// The address it has until it joins again, as 8 hexadecimal digits.
    pub address: Option<String>,
}

/// Battery and margin, as the server asked them of the radio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Of which device.
    pub device: Device,
    /// Battery in per cent, where the radio has one and knows.
    pub battery_percent: Option<u8>,
    /// Margin of the last request, in dB.
    pub margin_db: i8,
    /// Whether it is fed from outside.
    pub external_power: bool,
}

/// The network server logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Of which device.
    pub device: Device,
    /// `INFO`, `WARNING`, `ERROR`.
    pub level: String,
    /// What: `EXPIRED` of an item that outlived its time.
    pub code: String,
    /// The server's sentence, cut to [`DESCRIPTION_MAX`].
    pub description: String,
    /// Which item of the queue, where it is about one.
    pub queue_item: Option<u128>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An uplink.
    Up(Up),
    /// A radio's acknowledgement.
    Ack(Ack),
    /// A downlink went out.
    TxAck(TxAck),
    /// A device joined.
    Join(Join),
    /// Battery and margin.
    Status(Status),
    /// A line of the log.
    Log(Log),
}

type Read<T> = Result<T, EventRefused>;

impl Event {
    /// Reads an event. Whatever may be at its default may be missing.
    pub fn parse(topic: &Topic, payload: &[u8]) -> Read<Self> {
        if payload.len() > PAYLOAD_MAX {
            return Err(EventRefused::TooLong { len: payload.len(), limit: PAYLOAD_MAX });
        }
        let payload = std::str::from_utf8(payload).map_err(|_| EventRefused::NotUtf8)?;
        let body: Value = serde_json::from_str(payload).map_err(|_| EventRefused::NotJson)?;
        let body = body.as_object().ok_or(EventRefused::NotAnObject)?;
        let device = device(topic, body)?;
        Ok(match topic.event {
            EventType::Up => Self::Up(up(device, body)?),
            EventType::Ack => Self::Ack(Ack {
                device,
                queue_item: id(body, "queueItemId")?,
                acknowledged: flag(body, "acknowledged")?,
                frame_counter_down: number(body, "fCntDown")?,
            }),
            EventType::TxAck => Self::TxAck(TxAck {
                device,
                queue_item: id(body, "queueItemId")?,
                gateway: text(body, "gatewayId")?.map(str::to_owned),
                downlink_id: number(body, "downlinkId")?,
                frame_counter_down: number(body, "fCntDown")?,
            }),
            EventType::Join => {
                Self::Join(Join { device, address: text(body, "devAddr")?.map(str::to_owned) })
            }
            EventType::Status => {
                let external_power = flag(body, "externalPowerSource")?;
                let unknown = flag(body, "batteryLevelUnavailable")? || external_power;
                let percent = float(body, "batteryLevel")?.clamp(0.0, 100.0).round();
                let margin = float(body, "margin")?.clamp(-128.0, 127.0).round();
                Self::Status(Status {
                    device,
                    battery_percent: (!unknown).then_some(percent as u8),
                    margin_db: margin as i8,
                    external_power,
                })
            }
            EventType::Log => {
                let context = body.get("context").and_then(Value::as_object);
                let queue_item = match context {
                    Some(context) => id(context, "queue_item_id")?,
                    None => None,
                };
                Self::Log(Log {
                    device,
                    // Both have a value at their default, which is left out.
                    level: text(body, "level")?.unwrap_or("INFO").to_owned(),
                    code: text(body, "code")?.unwrap_or("UNKNOWN").to_owned(),
                    description: description(body)?,
                    queue_item,
                })
            }
        })
    }
}

fn device(topic: &Topic, body: &Map<String, Value>) -> Read<Device> {
    let info = body.get("deviceInfo").ok_or(EventRefused::Missing("deviceInfo"))?;
    let info = info.as_object().ok_or(EventRefused::Malformed("deviceInfo"))?;
    if let Some(application) = text(info, "applicationId")?
        && application_id(application).as_deref() != Some(topic.application.as_str())
    {
        return Err(EventRefused::TopicMismatch);
    }
    if let Some(named) = text(info, "devEui")?
        && dev_eui(named) != Some(topic.channel)
    {
        return Err(EventRefused::TopicMismatch);
    }
    let at = match text(body, "time")? {
        Some(text) => {
            let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| EventRefused::Malformed("time"))?;
            Some(UnixMillis((at.unix_timestamp_nanos() / 1_000_000) as i64))
        }
        None => None,
    };
    Ok(Device {
        tenant: text(info, "tenantId")?.map(str::to_owned),
        application: topic.application.clone(),
        channel: topic.channel,
        name: text(info, "deviceName")?.map(str::to_owned),
        // Whatever else a device does, it listens after its uplinks: a word that is not known is no reason to lose one.
        class: match text(info, "deviceClassEnabled")? {
            Some("CLASS_B") => Class::B,
            Some("CLASS_C") => Class::C,
            _ => Class::A,
        },
        at,
        deduplication_id: id(body, "deduplicationId")?,
        tags: tags(info)?,
    })
}

/// Tags say nothing that an uplink could be refused for: what is over a limit is left out.
fn tags(info: &Map<String, Value>) -> Read<Vec<(String, String)>> {
    let tags = match info.get("tags") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(tags) => tags.as_object().ok_or(EventRefused::Malformed("tags"))?,
    };
    let short = |text: &str| text.len() <= NAME_MAX;
    let kept = tags.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
    let kept = kept.filter(|(name, value)| short(name) && short(value)).take(TAGS_MAX);
    Ok(kept.map(|(name, value)| (name.clone(), value.to_owned())).collect())
}

/// A log's description, which may be an error of any length.
fn description(body: &Map<String, Value>) -> Read<String> {
    match body.get("description") {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => {
            let end = text.char_indices().map(|(at, c)| at + c.len_utf8());
            let end = end.take_while(|end| *end <= DESCRIPTION_MAX).last().unwrap_or(0);
            Ok(text.get(..end).unwrap_or_default().to_owned())
        }
        Some(_) => Err(EventRefused::Malformed("description")),
    }
}

fn up(device: Device, body: &Map<String, Value>) -> Read<Up> {
    let encoded = match body.get("data") {
        Some(Value::String(data)) => data.as_str(),
        Some(Value::Null) | None => "",
        Some(_) => return Err(EventRefused::Malformed("data")),
    };
    if encoded.len() > DATA_MAX.div_ceil(3) * 4 {
        return Err(EventRefused::DataTooLong);
    }
    let data = STANDARD.decode(encoded).map_err(|_| EventRefused::Malformed("data"))?;
    if data.len() > DATA_MAX {
        return Err(EventRefused::DataTooLong);
    }
    Ok(Up {
        deduplication_id: device.deduplication_id.ok_or(EventRefused::Missing("deduplicationId"))?,
        device,
        data_rate: number(body, "dr")?,
        frame_counter: number(body, "fCnt")?,
        f_port: number(body, "fPort")?,
        confirmed: flag(body, "confirmed")?,
        data,
        best: best(body)?,
        region: text(body, "regionConfigId")?.map(str::to_owned),
    })
}

/// The gateway that heard it best: by signal to noise, then by strength.
fn best(body: &Map<String, Value>) -> Read<Option<Gateway>> {
    let heard = match body.get("rxInfo") {
        Some(Value::Array(heard)) => heard.as_slice(),
        Some(Value::Null) | None => &[],
        Some(_) => return Err(EventRefused::Malformed("rxInfo")),
    };
    let mut best: Option<Gateway> = None;
    for gateway in heard {
        let gateway = gateway.as_object().ok_or(EventRefused::Malformed("rxInfo"))?;
        let gateway = Gateway {
            id: text(gateway, "gatewayId")?.unwrap_or_default().to_owned(),
            rssi_dbm: float(gateway, "rssi")?.clamp(-1_000.0, 1_000.0).round() as i16,
            snr_tenths: (float(gateway, "snr")?.clamp(-1_000.0, 1_000.0) * 10.0).round() as i16,
        };
        let rank = |gateway: &Gateway| (gateway.snr_tenths, gateway.rssi_dbm);
        if best.as_ref().is_none_or(|best| rank(&gateway) > rank(best)) {
            best = Some(gateway);
        }
    }
    Ok(best)
}

/// A text; `None` where it is missing or empty, which is its default.
fn text<'v>(body: &'v Map<String, Value>, name: &'static str) -> Read<Option<&'v str>> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= NAME_MAX => {
            Ok(Some(text.as_str()).filter(|t| !t.is_empty()))
        }
        Some(_) => Err(EventRefused::Malformed(name)),
    }
}

fn flag(body: &Map<String, Value>, name: &'static str) -> Read<bool> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(EventRefused::Malformed(name)),
    }
}

fn number<T: TryFrom<u64> + Default>(body: &Map<String, Value>, name: &'static str) -> Read<T> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(T::default()),
        Some(value) => {
            value.as_u64().and_then(|number| T::try_from(number).ok()).ok_or(EventRefused::Malformed(name))
        }
    }
}

fn float(body: &Map<String, Value>, name: &'static str) -> Read<f64> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(0.0),
        Some(value) => value.as_f64().ok_or(EventRefused::Malformed(name)),
    }
}

/// A UUID's 128 bits; `None` where it is missing or empty.
fn id(body: &Map<String, Value>, name: &'static str) -> Read<Option<u128>> {
    let Some(text) = text(body, name)? else { return Ok(None) };
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let fits = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let id = fits.then(|| u128::from_str_radix(&digits, 16).ok()).flatten();
    id.map(Some).ok_or(EventRefused::Malformed(name))
}
