//! `store copy`: a platform's database moves from its file to a server.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use store::MoveError;
use store::moving::{Copied, Progress, Source, copy};

use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::database::Database;
use crate::migrate::books;
use crate::places::Places;
use crate::platform::StopSignals;

/// How often progress is told where nobody looks at a screen.
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// The exit code when it was stopped.
const STOPPED: u8 = 130;
const TEMPLATE: &str = "{bar:40} {human_pos} of {human_len} rows, {eta} to go, {msg}";

/// What `store copy --help` ends with.
pub(crate) const STEPS: &str = "\
A move, with the platform stopped:
  counterfoil store backup /backup/before-the-move.db
  counterfoil store copy data/counterfoil.db postgres://counterfoil@db1.example/counterfoil
  counterfoil serve --database postgres://counterfoil@db1.example/counterfoil

Password and authorities of the server are those of [database] in the configuration. The database of a data folder is marked when it has moved: \
no platform begins on it again. A file that is a copy (of `store backup`) stays as it is: copy one first to see how long it takes. Nothing is kept at the \
server unless every row, every balance and the audit chain are the same on both sides. Exit codes: 0 moved, 130 stopped by Ctrl-C, 1 refused.";

#[derive(Args)]
pub(crate) struct MoveArguments {
    /// The file: a data folder's counterfoil.db, or a copy of one
    #[arg(value_name = "SQLITE")]
    file: PathBuf,
    /// An empty database: postgres://USER@HOST/NAME
    #[arg(value_name = "POSTGRES")]
    server: String,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn run(arguments: &MoveArguments) -> Result<ExitCode, Failure> {
    let mut config = arguments.config.load()?;
    config.database.url.clone_from(&arguments.server);
    let Database::Server(settings) = Database::of(&config, &Places::at(&config.data)?)? else {
        return Err("the second argument is no server; give postgres://USER@HOST/NAME".into());
    };
    let file = arguments.file.as_path();
    let home = home_of(file)?;
    let _lock = home.as_ref().map(Places::lock).transpose()?;
    let from = if home.is_some() { Source::Moves } else { Source::Stays };

    let stop = Arc::new(AtomicBool::new(false));
    let runtime = runtime()?;
    let mut signals = runtime.block_on(async { StopSignals::listen() })?;
    let asked = Arc::clone(&stop);
    runtime.spawn(async move {
        signals.asked().await;
        asked.store(true, Ordering::Relaxed);
    });
    let began = Instant::now();
    let mut screen = Screen::new();
    let copied = copy(file, from, &settings, &stop, &mut |progress| screen.tell(progress));
    screen.end();
    let copied = match copied {
        Ok(copied) => copied,
        Err(error @ MoveError::Stopped) => {
            eprintln!("{error}.");
            return Ok(ExitCode::from(STOPPED));
        }
        Err(error) => return Err(error.into()),
    };
    print(&told(&copied, file, from, began.elapsed()))
}

/// The data folder that a file is the database of, if it is one.
fn home_of(file: &Path) -> Result<Option<Places>, Failure> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.join("keys.cfks").exists() {
        return Ok(None);
    }
    let places = Places::at(parent)?;
    Ok(if places.database().file_name() == file.file_name() { Some(places) } else { None })
}

fn told(copied: &Copied, file: &Path, from: Source, took: Duration) -> String {
    let rows: u64 = copied.tables.iter().map(|(_, rows)| rows).sum();
    let mut text = String::new();
    for (table, rows) in copied.tables.iter().filter(|(_, rows)| *rows > 0) {
        text += &format!("  {table:<22} {rows:>12} rows\n");
    }
    text += &books(&copied.books);
    text += &format!(
        "{rows} rows in {} tables are at the server as they were in the file: read again there, and every balance reckoned again from the \
         postings on both sides; {:.1} s.\n",
        copied.tables.len(),
        took.as_secs_f64()
    );
    text += &match from {
        Source::Moves => format!(
            "{} has moved: no platform begins on it again. Serve with [database] url; keep the file until you have a backup of the server.\n",
            file.display()
        ),
        Source::Stays => format!(
            "{} is a copy and stays as it is. Never serve on both: they would spend the same money.\n",
            file.display()
        ),
    };
    text
}

/// The bar on a screen; a line now and then where there is none.
struct Screen {
    bar: Option<ProgressBar>,
    told: Instant,
}

impl Screen {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            // The template is right: a test says so.
            bar.set_style(
                ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar
        });
        Self { bar, told: Instant::now() }
    }

    fn tell(&mut self, progress: Progress<'_>) {
        let Progress { table, done, whole } = progress;
        let what = if done.saturating_mul(2) <= whole { "sent" } else { "compared" };
        match &self.bar {
            Some(bar) => {
                bar.set_length(whole);
                bar.set_position(done);
                bar.set_message(format!("{table} {what}"));
            }
            None if self.told.elapsed() >= TOLD_EVERY => {
                self.told = Instant::now();
                eprintln!("{done} of {whole} rows: {table} {what}");
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
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
