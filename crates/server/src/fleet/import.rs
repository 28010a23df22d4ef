//! Channels from a file of comma-separated values: a million in a minute where they stand in order, taken up again where it stopped.
//!
//! Lines go to the store in units of work that keep, with the channels, how far the file has come. So a process that is killed goes on
//! behind its last unit, and no line counts twice. A line that is not good is told of, before its unit is kept, and passed over. A
//! file that came to its end is begun anew the next time.
//!
//! Refuses: making cards (a `card` column only checks that the card is there and on this channel), and guessing: an unknown column
//! ends the import before anything is read. Next: [`import`], and `counterfoil fleet import` around it.

mod line;

use std::collections::HashMap;
use std::io::{self, BufRead, Read as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use model::{ChannelId, UnixMillis};
use store::{ImportProgress, Registered, Store, StoreError, Unit, WriteError};

use line::{Claimed, Header, LINE_MAX, Line, Record, Values};
pub use line::{Column, LineRefused};

/// Lines in one unit of work.
const BATCH: usize = 1_000;
/// Lines in one file, the first included.
const LINES_MAX: u64 = 10_000_000;

/// Why a file is not imported, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A column that is not known.
    #[error("the first line names a column {0:?}; known are {known}", known = Column::names())]
    Unknown(String),
    /// A column that is named twice.
    #[error("the first line names the column `{0}` twice")]
    Doubled(&'static str),
    /// The column that every line needs.
    #[error("the first line names no column `channel`")]
    NoChannel,
    /// The first line cannot be read.
    #[error("line 1: {0}")]
    FirstLine(LineRefused),
    /// Its encoding.
    #[error("line 1: the file is UTF-16; save it as CSV in UTF-8")]
    Utf16,
    /// Too many lines.
    #[error("the file has more than {LINES_MAX} lines; split it")]
    TooManyLines,
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Read(io::Error),
    /// Refused lines could not be told of: none is passed over in silence.
    #[error("the list of refused lines cannot be written: {0}")]
    Refusals(io::Error),
    /// Somebody else imports the same file.
    #[error("the same file is being imported by somebody else")]
    Elsewhere,
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A line that is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLine {
    /// Its number in the file; the first line is 1.
    pub line: u64,
    /// Why.
    pub why: LineRefused,
    /// What it says, up to 4,096 bytes.
    pub text: String,
}

/// How a file is imported.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Names the file, and how it is read: what is kept of its progress is kept under this.
    pub digest: [u8; 32],
    /// The kind of channels that are written without one: `deveui`.
    pub kind: Option<String>,
    /// Nothing is kept. Each unit of work is judged against the store as it is.
    pub dry_run: bool,
}

/// How an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What became of the lines; of `lines`, those that are empty count as nothing else.
    pub done: ImportProgress,
    /// Whether it came to the file's end; else it was stopped, and goes on behind `done.lines + 1`.
    pub whole: bool,
}

/// Imports a file; reads it on the caller's thread, while the store's writer works on the lines before.
///
/// `refused` is told lines that are passed over, in order, before the unit of work is kept that passes them over: what
/// it cannot keep ends the import. After a crash it may know of lines beyond what is kept; they come again. `progress` is told when a
/// unit is durable; `stop` ends the import behind the unit that is in hand.
pub async fn import(
    store: &Store,
    now: UnixMillis,
    file: impl BufRead,
    options: &ImportOptions,
    stop: &AtomicBool,
    refused: impl FnMut(&[RefusedLine]) -> io::Result<()> + Send + 'static,
    mut progress: impl FnMut(&ImportProgress),
) -> Result<Imported, ImportError> {
    let digest = options.digest;
    let known =
        if options.dry_run { None } else { store.read(move |rows| rows.channel_import(digest)).await? };
    let mut done = known.unwrap_or_default();
    let mut lines = Lines::open(file, options.kind.as_deref(), done.lines)?;
    let teller = Arc::new(Mutex::new(Teller { tell: refused, last: 0 }));
    let mut claimed = Arc::new(Claimed::new());
    let mut in_hand = None;
    loop {
        // Read while the unit before is written.
        let batch = lines.batch();
        if let Some(unit) = in_hand.take() {
            (done, claimed) = kept(unit.await, claimed)?;
            progress(&done);
            if stop.load(Ordering::Relaxed) {
                return Ok(Imported { done, whole: false });
            }
        }
        let Batch { lines: batch, through, last } = batch?;
        let work = Work { batch, through, last, before: done, claimed: Arc::clone(&claimed) };
        let (options, teller) = (options.clone(), Arc::clone(&teller));
        let unit = store.queue_write(move |unit: &mut dyn Unit| work.run(unit, &options, &teller, now));
        if last {
            (done, _) = kept(unit.await, claimed)?;
            progress(&done);
            return Ok(Imported { done, whole: true });
        }
        in_hand = Some(unit);
    }
}

/// Why one channel is not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterRefused {
    /// What was said of it.
    #[error(transparent)]
    Said(#[from] LineRefused),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Registers one channel, as a line of a file would.
pub async fn register(
    store: &Store,
    now: UnixMillis,
    said: &[(Column, &str)],
) -> Result<(ChannelId, Registered), RegisterRefused> {
    let mut values = Values::default();
    said.iter().for_each(|(column, value)| values.say(*column, value));
    let line = Line::read(&values, None)?;
    let channel = line.channel;
    let kept = store
        .write::<_, RegisterRefused, _>(move |unit| Ok(line.keep(unit, &Claimed::new(), now)??))
        .await
        .map_err(|error| match error {
            WriteError::Refused(refused) => refused,
            WriteError::Store(error) => error.into(),
        })?;
    Ok((channel, kept))
}

type Read = Result<Line, RefusedLine>;

struct Batch {
    /// Each with its number and its text.
    lines: Vec<(u64, String, Read)>,
    /// How many lines of the file are read now, behind the first.
    through: u64,
    /// Whether the file ends here.
    last: bool,
}

/// A file's lines behind the first.
struct Lines<'o, F> {
    file: F,
    header: Header,
    kind: Option<&'o str>,
    /// Lines that were taken before.
    taken: u64,
    read: u64,
    bytes: Vec<u8>,
    record: Record,
    seen: HashMap<ChannelId, u64>,
}

impl<'o, F: BufRead> Lines<'o, F> {
    fn open(mut file: F, kind: Option<&'o str>, taken: u64) -> Result<Self, ImportError> {
        let mut bytes = Vec::with_capacity(LINE_MAX + 2);
        next(&mut file, &mut bytes)?;
        let header = Header::read(&mut bytes)?;
        let (record, seen) = (Record::new(), HashMap::new());
        Ok(Self { file, header, kind, taken, read: 0, bytes, record, seen })
    }

    fn batch(&mut self) -> Result<Batch, ImportError> {
        let mut lines = Vec::with_capacity(BATCH);
        let mut last = false;
        while !last && lines.len() < BATCH {
            if next(&mut self.file, &mut self.bytes)? {
                self.read += 1;
                // Beside the first.
                if self.read >= LINES_MAX {
                    return Err(ImportError::TooManyLines);
                }
                if !self.bytes.trim_ascii().is_empty() {
                    let number = self.read + 1;
                    let (read, text) = self.line(number);
                    if self.read > self.taken {
                        lines.push((number, text, read));
                    }
                }
            }
            last = self.file.fill_buf().map_err(ImportError::Read)?.is_empty();
        }
        Ok(Batch { lines, through: self.read, last })
    }

    /// Reads the line that is in the buffer, and remembers its channel.
    fn line(&mut self, number: u64) -> (Read, String) {
        let read = self.record.read(&mut self.bytes);
        let read = read.and_then(|()| self.header.line(&self.record, self.kind)).and_then(|line| match self
            .seen
            .get(&line.channel)
        {
            Some(first) => Err(LineRefused::Doubled(*first)),
            None => {
                self.seen.insert(line.channel, number);
                Ok(line)
            }
        });
        let text = String::from_utf8_lossy(self.bytes.get(..LINE_MAX).unwrap_or(&self.bytes)).into_owned();
        let refused = |why| RefusedLine { line: number, why, text: text.clone() };
        (read.map_err(refused), text)
    }
}

/// Reads a line without its end, and of one that is too long only its beginning; whether there was one.
fn next(file: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, ImportError> {
    line.clear();
    // Its end may be two bytes.
    let most = LINE_MAX as u64 + 2;
    if file.by_ref().take(most).read_until(b'\n', line).map_err(ImportError::Read)? == 0 {
        return Ok(false);
    }
    if line.pop_if(|last| *last == b'\n').is_some() {
        line.pop_if(|last| *last == b'\r');
    } else if line.len() > LINE_MAX {
        file.skip_until(b'\n').map_err(ImportError::Read)?;
    }
    Ok(true)
}

/// Tells of each refused line once, however often its unit of work is run.
struct Teller<F> {
    tell: F,
    last: u64,
}

impl<F: FnMut(&[RefusedLine]) -> io::Result<()>> Teller<F> {
    fn tell(&mut self, lines: &[RefusedLine]) -> io::Result<()> {
        let news = lines.partition_point(|line| line.line <= self.last);
        let Some(news) = lines.get(news..).filter(|news| !news.is_empty()) else { return Ok(()) };
        (self.tell)(news)?;
        self.last = news.last().map_or(self.last, |line| line.line);
        Ok(())
    }
}

/// One unit of work.
struct Work {
    batch: Vec<(u64, String, Read)>,
    through: u64,
    last: bool,
    before: ImportProgress,
    claimed: Arc<Claimed>,
}

/// Why a unit of work keeps nothing.
enum Unkept {
    /// It was not to; what it found, and what it would have taken.
    DryRun(ImportProgress, Claimed),
    Refusals(io::Error),
    Elsewhere,
    Store(StoreError),
}

impl From<StoreError> for Unkept {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Work {
    fn run<F: FnMut(&[RefusedLine]) -> io::Result<()>>(
        &self,
        unit: &mut dyn Unit,
        options: &ImportOptions,
        teller: &Mutex<Teller<F>>,
        now: UnixMillis,
    ) -> Result<ImportProgress, Unkept> {
        let ImportOptions { digest, dry_run, .. } = options;
        if !dry_run && unit.channel_import(*digest)?.unwrap_or_default() != self.before {
            return Err(Unkept::Elsewhere);
        }
        let (mut done, mut refused) = (self.before, Vec::new());
        let mut claimed = Claimed::new();
        for (number, text, line) in &self.batch {
            let line = match line {
                Ok(line) => line,
                Err(line) => {
                    refused.push(line.clone());
                    continue;
                }
            };
            match line.keep(unit, &self.claimed, now)? {
                Ok(Registered::Added) => done.added += 1,
                Ok(Registered::Changed) => done.changed += 1,
                Ok(Registered::Same) => done.same += 1,
                Err(why) => {
                    refused.push(RefusedLine { line: *number, why, text: text.clone() });
                    continue;
                }
            }
            if *dry_run && let Some(device) = line.device() {
                claimed.insert(device, line.channel);
            }
        }
        done.lines = self.through;
        done.refused += refused.len() as u64;
        teller.lock().unwrap_or_else(PoisonError::into_inner).tell(&refused).map_err(Unkept::Refusals)?;
        if *dry_run {
            return Err(Unkept::DryRun(done, claimed));
        }
        let left = if self.last { ImportProgress::default() } else { done };
        unit.put_channel_import(*digest, &left, now)?;
        Ok(done)
    }
}

fn kept(
    unit: Result<ImportProgress, WriteError<Unkept>>,
    mut claimed: Arc<Claimed>,
) -> Result<(ImportProgress, Arc<Claimed>), ImportError> {
    match unit {
        Ok(done) => Ok((done, claimed)),
        Err(WriteError::Refused(Unkept::DryRun(done, more))) => {
            Arc::make_mut(&mut claimed).extend(more);
            Ok((done, claimed))
        }
        Err(WriteError::Refused(Unkept::Refusals(error))) => Err(ImportError::Refusals(error)),
        Err(WriteError::Refused(Unkept::Elsewhere)) => Err(ImportError::Elsewhere),
        Err(WriteError::Refused(Unkept::Store(error)) | WriteError::Store(error)) => Err(error.into()),
    }
}
