//! A line of a file of channels: what it says, checked, and kept.

use std::collections::HashMap;
use std::str::FromStr as _;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use fleet::Listening;
use model::{CardId, ChannelId, UnixMillis};
use store::{Registered, Registration, StoreError, Unit};

use super::ImportError;

/// The longest line, in bytes, without its end.
pub(super) const LINE_MAX: usize = 4_096;
/// The longest name, of whatever has one, in bytes.
const NAME_MAX: usize = 128;
/// The longest tag, in bytes.
const TAG_MAX: usize = 32;
/// How many tags a channel has.
const TAGS_MAX: usize = 16;
/// How long a channel may be silent, in seconds: a minute to a year.
const SILENT_SECONDS: std::ops::RangeInclusive<u32> = 60..=31_536_000;

/// What a file can say of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The channel itself: `deveui:70b3d57ed0000001`, `imei:356938035643809`.
    Channel,
    /// Its card, to be checked: the card must be there and on this channel.
    Card,
    /// The bearer that it is expected on.
    Bearer,
    /// The application, or product, there.
    Application,
    /// Its name there.
    Device,
    /// A name to find it by.
    Name,
    /// Its group.
    Group,
    /// Its tags, separated by spaces or `|`.
    Tags,
    /// When its card listens: [`Listening`].
    Listening,
    /// How long it may be silent, in seconds: 60 to 31,536,000.
    SilentSeconds,
}

const COLUMNS: usize = Column::ALL.len();

impl Column {
    /// All of them, in the order in which files are written.
    pub const ALL: [Self; 10] = [
        Self::Channel,
        Self::Card,
        Self::Bearer,
        Self::Application,
        Self::Device,
        Self::Name,
        Self::Group,
        Self::Tags,
        Self::Listening,
        Self::SilentSeconds,
    ];

    /// Its name in a file's first line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Card => "card",
            Self::Bearer => "bearer",
            Self::Application => "application",
            Self::Device => "device",
            Self::Name => "name",
            Self::Group => "group",
            Self::Tags => "tags",
            Self::Listening => "listening",
            Self::SilentSeconds => "silent_seconds",
        }
    }

    /// From its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }

    /// All names, for people.
    pub(super) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

/// Why a line is passed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineRefused {
    /// Its length.
    #[error("the line is longer than {LINE_MAX} bytes")]
    TooLong,
    /// A quotation mark that opens and does not close: values do not go over several lines.
    #[error("a quotation mark is opened and not closed in this line")]
    OpenQuote,
    /// Its encoding.
    #[error("column `{0}` is not UTF-8")]
    NotUtf8(&'static str),
    /// More or fewer values than columns.
    #[error("the line has {found} values, the first line {wanted}")]
    Values {
        /// How many.
        found: usize,
        /// How many there are columns.
        wanted: usize,
    },
    /// The channel's id.
    #[error("column `channel`: {0}; write deveui:70b3d57ed0000001 or imei:356938035643809")]
    Channel(model::ChannelError),
    /// A value of a column.
    #[error("column `{column}`: {what}")]
    Value {
        /// Which column.
        column: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The channel stands in the file already.
    #[error("the channel stands in line {0} already")]
    Doubled(u64),
    /// No such card.
    #[error("there is no card {0}")]
    NoSuchCard(CardId),
    /// The card is on another channel.
    #[error("card {card} is on {channel}")]
    OtherChannel {
        /// Which card.
        card: CardId,
        /// Where it is.
        channel: ChannelId,
    },
    /// Another channel has this name at this network.
    #[error("device {device:?} of {bearer} is {channel} already")]
    DeviceTaken {
        /// The network.
        bearer: String,
        /// The name there.
        device: String,
        /// Whose it is.
        channel: ChannelId,
    },
}

/// A line's values, as bytes.
pub(super) struct Record {
    reader: Reader,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Record {
    pub(super) fn new() -> Self {
        // A line has at most as many values as bytes, and one.
        let (bytes, ends) = (vec![0; LINE_MAX + 2], vec![0; LINE_MAX + 2]);
        // Lines are cut before they come here, so that a carriage return is a byte like any other.
        let reader = ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build();
        Self { reader, bytes, ends, count: 0 }
    }

    /// Reads a line, given without its end.
    pub(super) fn read(&mut self, line: &mut Vec<u8>) -> Result<(), LineRefused> {
        if line.len() > LINE_MAX {
            return Err(LineRefused::TooLong);
        }
        self.reader.reset();
        line.push(b'\n');
        let (result, _, _, count) = self.reader.read_record(line, &mut self.bytes, &mut self.ends);
        line.pop();
        self.count = count;
        match result {
            ReadRecordResult::Record => Ok(()),
            ReadRecordResult::InputEmpty | ReadRecordResult::End => Err(LineRefused::OpenQuote),
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => Err(LineRefused::TooLong),
        }
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        self.ends.iter().take(self.count).map(move |end| {
            let value = self.bytes.get(from..*end).unwrap_or_default();
            from = *end;
            value
        })
    }
}

/// Where each column stands.
pub(super) struct Header {
    places: Vec<Column>,
}

impl Header {
    /// Reads the first line.
    pub(super) fn read(line: &mut Vec<u8>) -> Result<Self, ImportError> {
        if line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") || line.contains(&0) {
            return Err(ImportError::Utf16);
        }
        // A mark that some programs put before UTF-8.
        if line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        if line.trim_ascii().is_empty() {
            return Err(ImportError::NoChannel);
        }
        let mut record = Record::new();
        record.read(line).map_err(ImportError::FirstLine)?;
        let mut places = Vec::new();
        for name in record.values() {
            let name = String::from_utf8_lossy(name);
            match Column::from_name(name.trim()) {
                Some(column) if places.contains(&column) => return Err(ImportError::Doubled(column.name())),
                Some(column) => places.push(column),
                None => return Err(ImportError::Unknown(name.chars().take(NAME_MAX).collect())),
            }
        }
        if !places.contains(&Column::Channel) {
            return Err(ImportError::NoChannel);
        }
        Ok(Self { places })
    }

    /// Reads a line. `kind` is put before a channel that says none.
    pub(super) fn line(&self, record: &Record, kind: Option<&str>) -> Result<Line, LineRefused> {
        if record.count != self.places.len() {
            return Err(LineRefused::Values { found: record.count, wanted: self.places.len() });
        }
        let mut values = Values::default();
        for (column, value) in self.places.iter().zip(record.values()) {
            let value = std::str::from_utf8(value).map_err(|_| LineRefused::NotUtf8(column.name()))?;
            values.say(*column, value);
        }
        Line::read(&values, kind)
    }
}

/// What is said, column by column. A column that nothing is said of leaves what is known; an empty value ends it.
#[derive(Default)]
pub(super) struct Values<'l>([Option<&'l str>; COLUMNS]);

impl<'l> Values<'l> {
    pub(super) fn say(&mut self, column: Column, value: &'l str) {
        if let Some(said) = self.0.get_mut(column as usize) {
            *said = Some(value.trim());
        }
    }

    fn says(&self, column: Column) -> Option<&'l str> {
        self.0.get(column as usize).copied().flatten()
    }

    fn parsed<T, E: std::fmt::Display>(
        &self,
        column: Column,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, LineRefused> {
        let Some(value) = self.says(column).filter(|value| !value.is_empty()) else { return Ok(None) };
        let refused = |error: E| LineRefused::Value { column: column.name(), what: error.to_string() };
        parse(value).map(Some).map_err(refused)
    }

    fn name(&self, column: Column) -> Result<Option<String>, LineRefused> {
        self.parsed(column, |text| named(text, NAME_MAX))
    }
}

/// A line that was read.
pub(super) struct Line {
    pub(super) channel: ChannelId,
    card: Option<CardId>,
    /// The group is beside it: a name, until the store makes a number of it.
    registration: Registration,
    group: Option<String>,
    tags: Vec<String>,
    said: [bool; COLUMNS],
}

/// Names that lines of this import have taken at networks.
pub(super) type Claimed = HashMap<(String, String), ChannelId>;

impl Line {
    pub(super) fn read(values: &Values<'_>, kind: Option<&str>) -> Result<Self, LineRefused> {
        let channel = values.says(Column::Channel).unwrap_or_default().to_ascii_lowercase();
        let channel = match kind {
            Some(kind) if !channel.contains(':') => format!("{kind}:{channel}"),
            Some(_) | None => channel,
        };
        Ok(Self {
            channel: ChannelId::from_str(&channel).map_err(LineRefused::Channel)?,
            card: values.parsed(Column::Card, |text| text.parse::<CardId>())?,
            registration: Registration {
                name: values.name(Column::Name)?,
                group: None,
                bearer: values.name(Column::Bearer)?,
                application: values.name(Column::Application)?,
                device: values.name(Column::Device)?,
                listening: values.parsed(Column::Listening, |text| text.parse::<Listening>())?,
                silent_seconds: values.parsed(Column::SilentSeconds, seconds)?,
            },
            group: values.name(Column::Group)?,
            tags: values.parsed(Column::Tags, tags)?.unwrap_or_default(),
            said: values.0.map(|value| value.is_some()),
        })
    }

    fn says(&self, column: Column) -> bool {
        self.said.get(column as usize).copied().unwrap_or(false)
    }

    /// Keeps it. `claimed` is what lines before it took that the store does not show.
    pub(super) fn keep(
        &self,
        unit: &mut dyn Unit,
        claimed: &Claimed,
        now: UnixMillis,
    ) -> Result<Result<Registered, LineRefused>, StoreError> {
        if let Some(id) = self.card {
            match unit.card(id)? {
                None => return Ok(Err(LineRefused::NoSuchCard(id))),
                Some(card) if card.channel != self.channel => {
                    return Ok(Err(LineRefused::OtherChannel { card: id, channel: card.channel }));
                }
                Some(_) => {}
            }
        }
        let mut registration = self.over_what_is_known(unit)?;
        if let (Some(bearer), Some(device)) = (&registration.bearer, &registration.device) {
            let name = (bearer.clone(), device.clone());
            let holder = claimed.get(&name).copied();
            let holder = holder.map_or_else(|| unit.channel_of_device(bearer, device), |id| Ok(Some(id)))?;
            if let Some(channel) = holder.filter(|holder| *holder != self.channel) {
                let (bearer, device) = name;
                return Ok(Err(LineRefused::DeviceTaken { bearer, device, channel }));
            }
        }
        if self.says(Column::Group) {
            registration.group = match &self.group {
                Some(group) => Some(unit.group_named(group)?),
                None => None,
            };
        }
        let known_tags;
        let tags: Vec<&str> = if self.says(Column::Tags) {
            self.tags.iter().map(String::as_str).collect()
        } else {
            known_tags = unit.tags_of(self.channel)?;
            known_tags.iter().map(String::as_str).collect()
        };
        unit.register_channel(self.channel, &registration, &tags, now).map(Ok)
    }

    /// The network and the channel's name there, if the line says both.
    pub(super) fn device(&self) -> Option<(String, String)> {
        Some((self.registration.bearer.clone()?, self.registration.device.clone()?))
    }

    /// What it says, and of what it says nothing, what is known.
    fn over_what_is_known(&self, unit: &dyn Unit) -> Result<Registration, StoreError> {
        let mut registration = self.registration.clone();
        let kept = Column::ALL
            .iter()
            .filter(|column| !matches!(column, Column::Channel | Column::Card | Column::Tags))
            .filter(|column| !self.says(**column));
        let mut known: Option<Registration> = None;
        for column in kept {
            let known = match &mut known {
                Some(known) => known,
                None => {
                    let channel = unit.channel(self.channel)?;
                    known.insert(channel.map(|channel| channel.registration).unwrap_or_default())
                }
            };
            match column {
                Column::Bearer => registration.bearer = known.bearer.take(),
                Column::Application => registration.application = known.application.take(),
                Column::Device => registration.device = known.device.take(),
                Column::Name => registration.name = known.name.take(),
                Column::Group => registration.group = known.group,
                Column::Listening => registration.listening = known.listening,
                Column::SilentSeconds => registration.silent_seconds = known.silent_seconds,
                Column::Channel | Column::Card | Column::Tags => {}
            }
        }
        Ok(registration)
    }
}

fn tags(text: &str) -> Result<Vec<String>, String> {
    let tags = text.split(['|', ' ']).filter(|tag| !tag.is_empty());
    let tags: Vec<String> = tags.map(|tag| named(tag, TAG_MAX)).collect::<Result<_, _>>()?;
    if tags.len() > TAGS_MAX {
        return Err(format!("a channel has at most {TAGS_MAX} tags"));
    }
    Ok(tags)
}

fn named(text: &str, most: usize) -> Result<String, String> {
    if text.len() > most {
        return Err(format!("it is longer than {most} bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err("it holds a control character".into());
    }
    Ok(text.to_owned())
}

fn seconds(text: &str) -> Result<u32, String> {
    let seconds: Option<u32> = text.parse().ok().filter(|seconds| SILENT_SECONDS.contains(seconds));
    seconds.ok_or_else(|| format!("{} to {} seconds", SILENT_SECONDS.start(), SILENT_SECONDS.end()))
}
