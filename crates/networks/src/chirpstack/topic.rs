//! Topics: who speaks of which device, and what kind of thing.

use model::{ChannelId, ChannelKind};

/// A topic that is longer is refused, in bytes.
const TOPIC_MAX: usize = 512;
/// The longest application id, in bytes: a UUID has 36.
const APPLICATION_MAX: usize = 64;

/// What an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// An uplink.
    Up,
    /// The radio acknowledged a confirmed downlink, or did not.
    Ack,
    /// A gateway sent a downlink.
    TxAck,
    /// A device joined.
    Join,
    /// Battery and margin.
    Status,
    /// The network server logs.
    Log,
}

impl EventType {
    const NAMES: [(Self, &'static str); 6] = [
        (Self::Up, "up"),
        (Self::Ack, "ack"),
        (Self::TxAck, "txack"),
        (Self::Join, "join"),
        (Self::Status, "status"),
        (Self::Log, "log"),
    ];
}

/// An event's topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The application.
    pub application: String,
    /// The device, by its DevEUI.
    pub channel: ChannelId,
    /// What it tells of.
    pub event: EventType,
}

/// Why a topic is no event's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// It does not begin with the prefix that was agreed.
    #[error("the topic does not begin with the prefix")]
    OtherPrefix,
    /// It does not have the form of an event's.
    #[error("the topic is not application/ID/device/DEVEUI/event/TYPE")]
    NoEvent,
    /// The application's id is no id.
    #[error("the application's id is not 1 to 64 letters, digits, hyphens and underscores")]
    Application,
    /// The DevEUI is not 16 hexadecimal digits.
    #[error("the DevEUI is not 16 hexadecimal digits")]
    DevEui,
    /// A kind of event that is not known.
    #[error("the kind of event is not known")]
    UnknownEvent,
}

impl TopicError {
    /// For machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OtherPrefix => "topic_prefix",
            Self::NoEvent => "topic_form",
            Self::Application => "topic_application",
            Self::DevEui => "topic_deveui",
            Self::UnknownEvent => "topic_event",
        }
    }
}

impl Topic {
    /// Reads a topic.
    pub fn parse(prefix: &str, topic: &str) -> Result<Self, TopicError> {
        if topic.len() > TOPIC_MAX {
            return Err(TopicError::NoEvent);
        }
        let rest = match prefix {
            "" => topic,
            prefix => topic
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix('/'))
                .ok_or(TopicError::OtherPrefix)?,
        };
        let mut parts = rest.split('/');
        let mut next = || parts.next().ok_or(TopicError::NoEvent);
        let (one, application, two, device, three, event) =
            (next()?, next()?, next()?, next()?, next()?, next()?);
        if (one, two, three) != ("application", "device", "event") || parts.next().is_some() {
            return Err(TopicError::NoEvent);
        }
        let event = EventType::NAMES
            .iter()
            .find(|(_, name)| *name == event)
            .map(|(event, _)| *event)
            .ok_or(TopicError::UnknownEvent)?;
        Ok(Self {
            application: application_id(application).ok_or(TopicError::Application)?,
            channel: dev_eui(device).ok_or(TopicError::DevEui)?,
            event,
        })
    }
}

/// A text that is an application's id.
pub(super) fn application_id(text: &str) -> Option<String> {
    let fits = (1..=APPLICATION_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    fits.then(|| text.to_owned())
}

/// A text of 16 hexadecimal digits, as a channel.
pub(super) fn dev_eui(text: &str) -> Option<ChannelId> {
    if text.len() != 16 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let id = u64::from_str_radix(text, 16).ok()?;
    ChannelId::new(ChannelKind::DevEui, id.to_be_bytes()).ok()
}

/// The 16 hexadecimal digits of a DevEUI.
pub(super) fn digits(channel: ChannelId) -> String {
    channel.to_bytes().iter().skip(1).map(|byte| format!("{byte:02x}")).collect()
}

fn under(prefix: &str, topic: String) -> String {
    if prefix.is_empty() { topic } else { format!("{prefix}/{topic}") }
}

/// Where a command for a device goes.
pub fn command_topic(prefix: &str, application: &str, channel: ChannelId) -> String {
    under(prefix, format!("application/{application}/device/{}/command/down", digits(channel)))
}

/// What to subscribe to for the events of one application, or of all.
pub fn subscription(prefix: &str, application: Option<&str>) -> String {
    under(prefix, format!("application/{}/device/+/event/+", application.unwrap_or("+")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPLICATION: &str = "17c82e96-be03-4f38-aef3-f83d48582d97";

    #[test]
    fn an_events_topic_names_application_device_and_kind() {
        let text = format!("application/{APPLICATION}/device/70b3d57ed0000001/event/up");
        let topic = Topic::parse("", &text).unwrap();
        assert_eq!((topic.application.as_str(), topic.event), (APPLICATION, EventType::Up));
        assert_eq!(topic.channel.to_string(), "deveui:70b3d57ed0000001");
        assert_eq!(Topic::parse("eu/1", &format!("eu/1/{text}")), Ok(topic));
        let channel = "deveui:70b3d57ed0000001".parse().unwrap();
        assert_eq!(
            command_topic("eu", "a", channel),
            "eu/application/a/device/70b3d57ed0000001/command/down"
        );
        assert_eq!(subscription("", None), "application/+/device/+/event/+");
        assert_eq!(subscription("eu", Some("a")), "eu/application/a/device/+/event/+");
    }

    #[test]
    fn a_topic_that_is_no_events_is_refused_by_name() {
        for (topic, error) in [
            ("application/a/device/70b3d57ed0000001/event/up/more", TopicError::NoEvent),
            ("application/a/device/70b3d57ed0000001/command/up", TopicError::NoEvent),
            ("application/a/device/70b3d57ed0000001/event", TopicError::NoEvent),
            ("gateway/a/device/70b3d57ed0000001/event/up", TopicError::NoEvent),
            ("application//device/70b3d57ed0000001/event/up", TopicError::Application),
            ("application/+/device/70b3d57ed0000001/event/up", TopicError::Application),
            ("application/a/device/70b3d57ed000001/event/up", TopicError::DevEui),
            ("application/a/device/+0b3d57ed0000001/event/up", TopicError::DevEui),
            ("application/a/device/70b3d57ed0000001/event/location", TopicError::UnknownEvent),
            ("", TopicError::NoEvent),
        ] {
            assert_eq!(Topic::parse("", topic), Err(error), "{topic}");
        }
        assert_eq!(
            Topic::parse("eu", "application/a/device/70b3d57ed0000001/event/up"),
            Err(TopicError::OtherPrefix)
        );
    }
}
