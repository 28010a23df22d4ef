//! `fleet import`: the file, its progress on the screen, and what was passed over.

use std::fs::File;
use std::io::{BufReader, IsTerminal as _, Read as _, Seek as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::style::TemplateError;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use server::fleet::{ImportOptions, import as import_channels};
use server::{Clock as _, SystemClock};
use sha2::{Digest as _, Sha256};
use store::ImportProgress;

use super::refused::Refused;
use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::database::Database;
use crate::places::Places;
use crate::platform::StopSignals;

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
A column that the file does not have leaves what is known; an empty value ends it.

Lines that are not good are listed with their number and reason, and written to FILE.refused.csv; the rest is taken. Run it again after
an interruption, with the same file: it goes on where it stopped. A file in the order of its channels goes several times faster. Exit codes: 0 all taken, 3 some refused, 130 stopped by Ctrl-C, 1 not
taken to the end for another reason.";

#[derive(Args)]
pub(crate) struct ImportArguments {
    /// A CSV file in UTF-8
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The kind of channels that the file writes without one: 70b3d57ed0000001 is then deveui:70b3d57ed0000001
    #[arg(long, value_parser = ["deveui", "imei", "mac48", "eui64", "sigfox"])]
    kind: Option<String>,
    /// Say what would happen, and keep nothing. Each 1,000 lines are judged against the registry as it is
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(super) fn import(arguments: ImportArguments) -> Result<ExitCode, Failure> {
    let ImportArguments { file: path, kind, dry_run, config } = arguments;
    // An import may be the first that a data folder sees.
    let config = config.load()?;
    let store = Database::of(&config, &Places::at(&config.data)?)?.open()?;
    let unreadable = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = File::open(&path).map_err(unreadable)?;
    let (digest, lines) = weigh(&mut file, kind.as_deref()).map_err(unreadable)?;
    let options = ImportOptions { digest, kind, dry_run };
    let known = if dry_run { None } else { store.peek(|rows| rows.channel_import(digest))? };
    let taken = known.map_or(0, |known| known.lines);
    if taken > 0 {
        eprintln!("{}: taken up again behind line {}", path.display(), taken + 1);
    }
    let screen = Screen::new(lines, taken);
    let refused = if dry_run { Refused::shown() } else { Refused::written(&path, taken + 1)? };
    let list = refused.path().map(|path| path.display().to_string());
    let mut refused = refused.beside(screen.bar.clone());
    let began = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let imported = runtime()?.block_on(async {
        let (mut signals, asked) = (StopSignals::listen()?, Arc::clone(&stop));
        tokio::spawn(async move {
            signals.asked().await;
            asked.store(true, Ordering::Relaxed);
        });
        let reader = BufReader::with_capacity(1 << 20, file);
        let tell = move |lines: &[_]| refused.tell(lines);
        let progress = |done: &ImportProgress| screen.tell(done, began);
        import_channels(&store, SystemClock.now(), reader, &options, &stop, tell, progress)
            .await
            .map_err(Failure::from)
    });
    screen.end();
    let imported = imported.map_err(|error| format!("{}: {error}", path.display()))?;
    let done = imported.done;
    let would = if dry_run { "would be " } else { "" };
    print(&format!(
        "{} lines: {would}{} added, {} changed, {} as they were, {} refused; {:.1} s\n",
        done.lines,
        done.added,
        done.changed,
        done.same,
        done.refused,
        began.elapsed().as_secs_f64()
    ))?;
    if let Some(list) = list.filter(|_| done.refused > 0) {
        print(&format!("Lines that were refused are in {list}\n"))?;
    }
    if !imported.whole {
        print("Stopped. The same command goes on behind the last of these lines.\n")?;
        return Ok(ExitCode::from(STOPPED));
    }
    Ok(if done.refused > 0 { ExitCode::from(SOME_REFUSED) } else { ExitCode::SUCCESS })
}

/// A file's digest, which names it and how it is read, and how many lines it has beside the first.
fn weigh(file: &mut File, kind: Option<&str>) -> std::io::Result<([u8; 32], u64)> {
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
    if let Some(kind) = kind {
        digest.update(format!("\nkind {kind}"));
    }
    if last != b'\n' {
        lines += 1;
    }
    Ok((digest.finalize().into(), lines.saturating_sub(1)))
}

fn style() -> Result<ProgressStyle, TemplateError> {
    let style = "{bar:40} {human_pos} of {human_len} lines, {speed}, {eta} to go {msg}";
    let speed = |state: &ProgressState, to: &mut dyn std::fmt::Write| {
        // A bar has nowhere to tell of it.
        let _ = write!(to, "{:.0}/s", state.per_sec());
    };
    Ok(ProgressStyle::with_template(style)?.with_key("speed", speed))
}

/// The bar on a screen; a line now and then where there is none.
struct Screen {
    bar: Option<ProgressBar>,
    lines: u64,
    told: std::cell::Cell<Option<Instant>>,
}

impl Screen {
    fn new(lines: u64, from: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(lines).with_position(from);
            // The template is right: a test says so.
            bar.set_style(style().unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { bar, lines, told: std::cell::Cell::new(None) }
    }

    fn tell(&self, done: &ImportProgress, began: Instant) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(done.lines);
                if done.refused > 0 {
                    bar.set_message(format!("({} refused)", done.refused));
                }
            }
            // Nobody needs to hear how far it is where it is at its end.
            None if done.lines < self.lines
                && self.told.get().is_none_or(|told| told.elapsed() >= TOLD_EVERY) =>
            {
                self.told.set(Some(Instant::now()));
                let seconds = began.elapsed().as_secs();
                eprintln!(
                    "{} of {} lines after {seconds} s, {} refused",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_can_be_drawn() {
        assert!(style().is_ok());
    }
}
