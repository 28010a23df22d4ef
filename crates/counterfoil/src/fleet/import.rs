//! `fleet import`: the file, its progress on the screen, and what was passed over.

use std::fs::File;
use std::io::{BufReader, IsTerminal as _, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use server::fleet::{RefusedLine, import as import_channels};
use server::{Clock as _, SystemClock};
use sha2::{Digest as _, Sha256};
use store::ImportProgress;

use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::places::Places;
use crate::platform::StopSignals;

/// The lines that are shown; all of them are written to a file.
const SHOWN_MAX: usize = 20;
/// How often progress is told where nobody looks at a screen.
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// The exit code when lines were passed over.
const SOME_REFUSED: u8 = 3;
/// The exit code when it was stopped.
const STOPPED: u8 = 130;

/// What `fleet import --help` ends with.
pub(super) const COLUMNS_HELP: &str = "\
The first line names the columns, in any order; only `channel` is needed:
  channel         deveui:70b3d57ed0000001, imei:356938035643809, mac48:…, eui64:…, sigfox:…
  card            a check: the card must be there and on this channel
  bearer          coap, chirpstack, ctwing, onenet or oceanconnect: heard elsewhere, the channel has moved
  application     the application or product there
  device          the network's own name of the device, where it does not name channels by DevEUI or IMEI
  name, group     to find it by
  tags            up to 16, separated by spaces or |
  listening       never, always, or after-uplink:SECONDS; empty: as the card says
  silent_seconds  how long it may say nothing, 60 to 31536000; empty: as for all

Lines that are not good are listed with their number and reason, and written to FILE.refused.csv; the rest is taken. Run it again after
an interruption: it goes on where it stopped. Exit codes: 0 all taken, 3 some refused, 130 stopped by Ctrl-C.";

#[derive(Args)]
pub(crate) struct ImportArguments {
    /// A CSV file in UTF-8
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Say what would happen, and keep nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(super) fn import(arguments: ImportArguments) -> Result<ExitCode, Failure> {
    // An import may be the first that a data folder sees.
    let places = Places::at(&arguments.config.load()?.data)?;
    let store = store::sqlite::open(&places.database())?;
    let path = &arguments.file;
    let unreadable = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = File::open(path).map_err(unreadable)?;
    let (digest, lines) = weigh(&mut file).map_err(unreadable)?;
    let known = store.peek(|rows| rows.channel_import(digest))?.filter(|_| !arguments.dry_run);
    if let Some(known) = known
        && known.lines > 0
    {
        eprintln!("{}: taken up again behind line {}", path.display(), known.lines + 1);
    }
    let mut refused = Refused::begin(path, known.is_some(), arguments.dry_run);
    let screen = Screen::new(lines, known.map_or(0, |known| known.lines));
    let began = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let mut unwritable = None;
    let done = runtime()?.block_on(async {
        let (signals, asked) = (StopSignals::listen()?, Arc::clone(&stop));
        tokio::spawn(async move {
            signals.asked().await;
            asked.store(true, Ordering::Relaxed);
        });
        let reader = BufReader::with_capacity(1 << 20, file);
        let progress = |done: &ImportProgress, lines: &[RefusedLine]| {
            if let Err(error) = refused.add(lines) {
                unwritable.get_or_insert(error);
            }
            screen.tell(done, began);
        };
        import_channels(&store, SystemClock.now(), reader, digest, arguments.dry_run, &stop, progress)
            .await
            .map_err(Failure::from)
    })?;
    screen.end();
    if let Some(error) = unwritable {
        eprintln!("{}: {error}", refused.path.display());
    }
    let would = if arguments.dry_run { "would be " } else { "" };
    print(&format!(
        "{} lines: {would}{} added, {} changed, {} as they were, {} refused; {:.1} s\n",
        done.lines,
        done.added,
        done.changed,
        done.same,
        done.refused,
        began.elapsed().as_secs_f64()
    ))?;
    if done.refused > 0 && !arguments.dry_run {
        print(&format!("Lines that were refused are in {}\n", refused.path.display()))?;
    }
    if stop.load(Ordering::Relaxed) && done.lines < lines {
        print("Stopped. The same command goes on behind the last of these lines.\n")?;
        return Ok(ExitCode::from(STOPPED));
    }
    Ok(if done.refused > 0 { ExitCode::from(SOME_REFUSED) } else { ExitCode::SUCCESS })
}

/// A file's digest, which names it, and about how many lines it has beside the first.
fn weigh(file: &mut File) -> std::io::Result<([u8; 32], u64)> {
    let (mut digest, mut lines, mut last) = (Sha256::new(), 0_u64, b'\n');
    let mut buffer = vec![0; 1 << 20];
    loop {
        let length = file.read(&mut buffer)?;
        let Some(read) = buffer.get(..length).filter(|read| !read.is_empty()) else { break };
        digest.update(read);
        lines += read.iter().filter(|byte| **byte == b'\n').count() as u64;
        last = read.last().copied().unwrap_or(last);
    }
    file.rewind()?;
    if last != b'\n' {
        lines += 1;
    }
    Ok((digest.finalize().into(), lines.saturating_sub(1)))
}

/// The bar on a screen; a line now and then where there is none.
struct Screen {
    bar: Option<ProgressBar>,
    lines: u64,
    told: std::cell::Cell<Instant>,
}

impl Screen {
    fn new(lines: u64, from: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(lines).with_position(from);
            let style = "{bar:40} {human_pos} of {human_len} lines, {per_sec}, {eta} to go {msg}";
            // The template is right: a test of the program shows it.
            bar.set_style(
                ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar
        });
        Self { bar, lines, told: std::cell::Cell::new(Instant::now()) }
    }

    fn tell(&self, done: &ImportProgress, began: Instant) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(done.lines);
                if done.refused > 0 {
                    bar.set_message(format!("({} refused)", done.refused));
                }
            }
            None if self.told.get().elapsed() >= TOLD_EVERY => {
                self.told.set(Instant::now());
                let seconds = began.elapsed().as_secs();
                eprintln!(
                    "{} of about {} lines after {seconds} s, {} refused",
                    done.lines, self.lines, done.refused
                );
            }
            None => {}
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The lines that were passed over: the first on the screen, all in a file.
struct Refused {
    path: PathBuf,
    file: Option<File>,
    /// Whether the file is continued.
    again: bool,
    kept: bool,
    shown: usize,
}

impl Refused {
    fn begin(file: &Path, again: bool, dry_run: bool) -> Self {
        let mut path = file.as_os_str().to_owned();
        path.push(".refused.csv");
        Self { path: path.into(), file: None, again, kept: !dry_run, shown: 0 }
    }

    fn add(&mut self, lines: &[RefusedLine]) -> std::io::Result<()> {
        for line in lines {
            if self.shown < SHOWN_MAX {
                eprintln!("line {}: {}", line.line, line.why);
            } else if self.shown == SHOWN_MAX && self.kept {
                eprintln!("more are written to {}", self.path.display());
            }
            self.shown += 1;
        }
        if lines.is_empty() || !self.kept {
            return Ok(());
        }
        let mut text = Vec::new();
        let mut writer = csv::Writer::from_writer(&mut text);
        if self.file.is_none() {
            let mut options = std::fs::OpenOptions::new();
            let options = options.create(true).write(true).append(self.again).truncate(!self.again);
            let file = options.open(&self.path)?;
            if file.metadata()?.len() == 0 {
                writer.write_record(["line", "reason", "text"])?;
            }
            self.file = Some(file);
        }
        for line in lines {
            writer.write_record([&line.line.to_string(), &line.why.to_string(), &line.text])?;
        }
        drop(writer);
        match &mut self.file {
            Some(file) => file.write_all(&text),
            None => Ok(()),
        }
    }
}
