//! Channels from a file of comma-separated values: a million in a minute, taken up again where it stopped.
//!
//! The file is read once; lines go to the store in units of work that keep, with the channels, how far the file has come. So a process
//! that is killed goes on behind its last unit, and no line counts twice. A line that is not good is told of and passed over.
//!
//! Refuses: making cards (a `card` column only checks that the card is there and on this channel), and guessing: an unknown column
//! ends the import before anything is read. Next: [`import`], and `counterfoil fleet import` around it.

use std::collections::HashMap;
use std::io::Read;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicBool, Ordering};

use csv::{ByteRecord, ReaderBuilder};
use fleet::Listening;
use model::{CardId, ChannelId, UnixMillis};
use store::{ImportProgress, Registered, Registration, Store, StoreError, Unit, WriteError};

/// Lines in one unit of work.
const BATCH: usize = 1_000;
/// Lines in one file.
const LINES_MAX: u64 = 10_000_000;
/// The longest line, in bytes.
const LINE_MAX: usize = 4_096;
/// The longest name, in bytes.
const NAME_MAX: usize = 128;
/// The longest tag, in bytes, and how many a channel has.
const TAG_MAX: usize = 32;
const TAGS_MAX: usize = 16;

/// The columns, by name and in any order; only `channel` must be there.
pub const COLUMNS: [&str; 10] = [
    "channel",
    "card",
    "bearer",
    "application",
    "device",
    "name",
    "group",
    "tags",
    "listening",
    "silent_seconds",
];

/// Why a file is not imported at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The first line.
    #[error("the first line must name columns; of {0:?} none is needed twice, and known are {known}", known = COLUMNS.join(", "))]
    Header(String),
    /// The column that every line needs.
    #[error("the first line names no column `channel`")]
    NoChannel,
    /// Its encoding.
    #[error("the file is UTF-16; save it as CSV in UTF-8")]
    Utf16,
    /// Too many lines.
    #[error("the file has more than {LINES_MAX} lines; split it")]
    TooManyLines,
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Read(String),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a line is passed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineRefused {
    /// Its length.
    #[error("the line is longer than {LINE_MAX} bytes")]
    TooLong,
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

/// A line that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLine {
    /// Its number in the file; the first line is 1.
    pub line: u64,
    /// Why.
    pub why: LineRefused,
    /// What it says.
    pub text: String,
}

/// A line that was read.
struct Line {
    number: u64,
    channel: ChannelId,
    card: Option<CardId>,
    registration: Registration,
    group: Option<String>,
    tags: Vec<String>,
    text: String,
}

/// Where each column stands.
struct Header {
    places: Vec<&'static str>,
}

/// Imports a file. `progress` is told after each unit of work, with the lines that it passed over; `stop` ends the import behind the
/// unit that is in hand. With `dry_run` nothing is kept. How far it came.
pub async fn import(
    store: &Store,
    now: UnixMillis,
    file: impl Read,
    digest: [u8; 32],
    dry_run: bool,
    stop: &AtomicBool,
    mut progress: impl FnMut(&ImportProgress, &[RefusedLine]),
) -> Result<ImportProgress, ImportError> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    let mut record = ByteRecord::new();
    if !reader.read_byte_record(&mut record).map_err(|error| ImportError::Read(error.to_string()))? {
        return Err(ImportError::NoChannel);
    }
    let header = Header::read(&record)?;
    let known = store.read(move |rows| rows.channel_import(digest)).await?;
    let mut done = if dry_run { ImportProgress::default() } else { known.unwrap_or_default() };
    let mut seen: HashMap<ChannelId, u64> = HashMap::new();
    let mut batch: Vec<Result<Line, RefusedLine>> = Vec::with_capacity(BATCH);
    let (mut lines, mut broken) = (0_u64, 0_u64);
    let mut ended = false;
    while !ended {
        ended =
            !reader.read_byte_record(&mut record).map_err(|error| ImportError::Read(error.to_string()))?;
        if !ended {
            lines += 1;
            if lines > LINES_MAX {
                return Err(ImportError::TooManyLines);
            }
            // The reader counts a line too few behind CR LF. A value in quotes may go over several.
            let number = lines + 1 + broken;
            broken += record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
            let line = header.line(&record, number, &mut seen);
            if lines <= done.lines {
                continue;
            }
            batch.push(line);
        }
        if batch.len() >= BATCH || ended && !batch.is_empty() {
            let (kept, refused) = keep(store, now, std::mem::take(&mut batch), digest, done, dry_run).await?;
            done = kept;
            progress(&done, &refused);
            if stop.load(Ordering::Relaxed) {
                return Ok(done);
            }
        }
    }
    Ok(done)
}

/// Why a dry run keeps nothing: it is refused, with what it found.
enum Unkept {
    DryRun(ImportProgress, Vec<RefusedLine>),
    Store(StoreError),
}

impl From<StoreError> for Unkept {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn keep(
    store: &Store,
    now: UnixMillis,
    batch: Vec<Result<Line, RefusedLine>>,
    digest: [u8; 32],
    before: ImportProgress,
    dry_run: bool,
) -> Result<(ImportProgress, Vec<RefusedLine>), ImportError> {
    let kept = store
        .write::<_, Unkept, _>(move |unit| {
            let (mut done, mut refused) = (before, Vec::new());
            for line in &batch {
                done.lines += 1;
                let line = match line {
                    Ok(line) => line,
                    Err(line) => {
                        done.refused += 1;
                        refused.push(line.clone());
                        continue;
                    }
                };
                match register(unit, line, now)? {
                    Ok(Registered::Added) => done.added += 1,
                    Ok(Registered::Changed) => done.changed += 1,
                    Ok(Registered::Same) => done.same += 1,
                    Err(why) => {
                        done.refused += 1;
                        refused.push(RefusedLine { line: line.number, why, text: line.text.clone() });
                    }
                }
            }
            if dry_run {
                return Err(Unkept::DryRun(done, refused));
            }
            unit.put_channel_import(digest, &done, now)?;
            Ok((done, refused))
        })
        .await;
    match kept {
        Ok(kept) => Ok(kept),
        Err(WriteError::Refused(Unkept::DryRun(done, refused))) => Ok((done, refused)),
        Err(WriteError::Refused(Unkept::Store(error)) | WriteError::Store(error)) => Err(error.into()),
    }
}

fn register(
    unit: &mut dyn Unit,
    line: &Line,
    now: UnixMillis,
) -> Result<Result<Registered, LineRefused>, StoreError> {
    if let Some(id) = line.card {
        match unit.card(id)? {
            None => return Ok(Err(LineRefused::NoSuchCard(id))),
            Some(card) if card.channel != line.channel => {
                return Ok(Err(LineRefused::OtherChannel { card: id, channel: card.channel }));
            }
            Some(_) => {}
        }
    }
    let mut registration = line.registration.clone();
    if let (Some(bearer), Some(device)) = (&registration.bearer, &registration.device)
        && let Some(channel) = unit.channel_of_device(bearer, device)?
        && channel != line.channel
    {
        let (bearer, device) = (bearer.clone(), device.clone());
        return Ok(Err(LineRefused::DeviceTaken { bearer, device, channel }));
    }
    if let Some(group) = &line.group {
        registration.group = Some(unit.group_named(group)?);
    }
    let tags: Vec<&str> = line.tags.iter().map(String::as_str).collect();
    unit.register_channel(line.channel, &registration, &tags, now).map(Ok)
}

impl Header {
    fn read(record: &ByteRecord) -> Result<Self, ImportError> {
        let mut places = Vec::new();
        for (place, name) in record.iter().enumerate() {
            if place == 0 && (name.starts_with(b"\xff\xfe") || name.starts_with(b"\xfe\xff")) {
                return Err(ImportError::Utf16);
            }
            // A mark that some programs put before UTF-8.
            let name = if place == 0 { name.strip_prefix(b"\xef\xbb\xbf").unwrap_or(name) } else { name };
            let known = COLUMNS.into_iter().find(|column| column.as_bytes() == name.trim_ascii());
            match known {
                Some(column) if !places.contains(&column) => places.push(column),
                Some(_) | None => {
                    return Err(ImportError::Header(String::from_utf8_lossy(name).into_owned()));
                }
            }
        }
        if !places.contains(&"channel") {
            return Err(ImportError::NoChannel);
        }
        Ok(Self { places })
    }

    /// Reads a line, and remembers its channel.
    fn line(
        &self,
        record: &ByteRecord,
        number: u64,
        seen: &mut HashMap<ChannelId, u64>,
    ) -> Result<Line, RefusedLine> {
        let text = || {
            let values: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
            let mut text = values.join(",");
            let mut end = text.len().min(LINE_MAX);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            text
        };
        let refused = |why| RefusedLine { line: number, why, text: text() };
        let line = self.values(record, number).map_err(refused)?;
        if let Some(first) = seen.insert(line.channel, number) {
            // Still the first: a third line names it too.
            seen.insert(line.channel, first);
            return Err(refused(LineRefused::Doubled(first)));
        }
        Ok(Line { text: text(), ..line })
    }

    fn values(&self, record: &ByteRecord, number: u64) -> Result<Line, LineRefused> {
        if record.as_slice().len() > LINE_MAX {
            return Err(LineRefused::TooLong);
        }
        if record.len() != self.places.len() {
            return Err(LineRefused::Values { found: record.len(), wanted: self.places.len() });
        }
        let mut values: HashMap<&'static str, &str> = HashMap::new();
        for (column, value) in self.places.iter().zip(record) {
            let value = std::str::from_utf8(value).map_err(|_| LineRefused::NotUtf8(column))?.trim();
            if !value.is_empty() {
                values.insert(column, value);
            }
        }
        let channel = values.get("channel").copied().unwrap_or_default();
        let channel = ChannelId::from_str(&channel.to_ascii_lowercase()).map_err(LineRefused::Channel)?;
        let fields = Fields(values);
        Ok(Line {
            number,
            channel,
            card: fields.parsed("card", |text| text.parse::<CardId>())?,
            registration: Registration {
                name: fields.name("name")?,
                group: None,
                bearer: fields.name("bearer")?,
                application: fields.name("application")?,
                device: fields.name("device")?,
                listening: fields.parsed("listening", |text| text.parse::<Listening>())?,
                silent_seconds: fields.parsed("silent_seconds", seconds)?,
            },
            group: fields.name("group")?,
            tags: fields.tags()?,
            text: String::new(),
        })
    }
}

/// The values of one line, without the empty ones.
struct Fields<'l>(HashMap<&'static str, &'l str>);

impl Fields<'_> {
    fn parsed<T, E: std::fmt::Display>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, LineRefused> {
        let Some(value) = self.0.get(column) else { return Ok(None) };
        parse(value).map(Some).map_err(|error| LineRefused::Value { column, what: error.to_string() })
    }

    fn name(&self, column: &'static str) -> Result<Option<String>, LineRefused> {
        self.parsed(column, |text| named(text, NAME_MAX))
    }

    fn tags(&self) -> Result<Vec<String>, LineRefused> {
        let tags = self.parsed("tags", |text| {
            let tags: Vec<String> = text
                .split(['|', ' '])
                .filter(|tag| !tag.is_empty())
                .map(|tag| named(tag, TAG_MAX))
                .collect::<Result<_, _>>()?;
            if tags.len() > TAGS_MAX {
                return Err(format!("a channel has at most {TAGS_MAX} tags"));
            }
            Ok(tags)
        })?;
        Ok(tags.unwrap_or_default())
    }
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
    let seconds: Option<u32> = text.parse().ok().filter(|seconds| (60..=31_536_000).contains(seconds));
    seconds.ok_or_else(|| "60 to 31536000 seconds".into())
}
