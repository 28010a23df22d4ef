//! `store`: a copy of the database while it is in use, whether a copy is whole, and a platform on a copy. `migrate`, `layout` and
//! `moving` have the rest of it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::{ConfigArguments, Failure, print};
use crate::database::Database;
use crate::layout::LayoutArguments;
use crate::migrate::MigrateArguments;
use crate::moving::MoveArguments;
use crate::places::Places;
use crate::{layout, ledger, migrate, moving};

pub(crate) const EXAMPLES: &str = "\
A backup each night, and a trial of it:
  counterfoil store backup /backup/counterfoil-2026-11-27.db
  counterfoil store check /backup/counterfoil-2026-11-27.db

On a new machine, with keys.cfks already in its data folder:
  counterfoil store restore /backup/counterfoil-2026-11-27.db

Before a new version, with that version's program:
  counterfoil store migrate --dry-run

To a database server: counterfoil store copy --help";

const RESTORE_EXAMPLES: &str = "\
On a new machine, with keys.cfks already in its data folder:
  counterfoil store check /backup/counterfoil-2026-11-27.db
  counterfoil store restore /backup/counterfoil-2026-11-27.db --config counterfoil.toml
  counterfoil ledger check --config counterfoil.toml

Into a folder of its own, to look at a day again:
  COUNTERFOIL_DATA=/tmp/that-day counterfoil store restore /backup/counterfoil-2026-11-27.db";

/// How often it is said how far a copy has come.
const SAY_EVERY: Duration = Duration::from_secs(2);

#[derive(Subcommand)]
pub(crate) enum StoreCommand {
    /// Copy the database of this moment into a new file, while the platform runs
    Backup(CopyArguments),
    /// Say whether a copy is whole: its pages, its version, and every balance again
    Check(FileArguments),
    /// Put a copy into a data folder that has no database
    #[command(after_help = RESTORE_EXAMPLES)]
    Restore(CopyArguments),
    /// Say what a database needs to be of this version, and do it; or try it with --dry-run
    Migrate(MigrateArguments),
    /// Say by which column each table goes; lay them out by it in partitions, or print how an engine of shards does
    #[command(after_help = layout::EXAMPLES)]
    Layout(LayoutArguments),
    /// Move a platform's database from its file to a PostgreSQL server, checked to the last row
    #[command(after_help = moving::STEPS)]
    Copy(MoveArguments),
}

#[derive(Args)]
pub(crate) struct CopyArguments {
    /// The copy
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct FileArguments {
    /// The copy
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn run(command: StoreCommand) -> Result<ExitCode, Failure> {
    match command {
        StoreCommand::Backup(arguments) => backup(arguments),
        StoreCommand::Check(arguments) => check(&arguments.file),
        StoreCommand::Restore(arguments) => restore(arguments),
        StoreCommand::Migrate(arguments) => migrate::run(&arguments),
        StoreCommand::Layout(arguments) => layout::run(&arguments),
        StoreCommand::Copy(arguments) => moving::run(&arguments),
    }
}

/// The file of a data folder; a server has tools of its own.
fn file_of(config: &ConfigArguments) -> Result<(Places, PathBuf), Failure> {
    let config = config.load()?;
    let places = Places::at(&config.data)?;
    match Database::of(&config, &places)? {
        Database::Embedded(file) => Ok((places, file)),
        Database::Server(_) => Err("the database is a server: use pg_basebackup or pg_dump there, and \
             docs/guides/operate.md, \"When the database is a server\""
            .into()),
    }
}

fn backup(arguments: CopyArguments) -> Result<ExitCode, Failure> {
    let CopyArguments { file: to, config } = arguments;
    let (_, from) = file_of(&config)?;
    if !from.exists() {
        return Err(format!("there is no database at {}", from.display()).into());
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(format!("there is no folder {}: make it first, or name another", folder.display()).into());
    }
    copied(from, to.clone())?;
    print(&format!("{} is whole. Keep it with keys.cfks, and the passphrase elsewhere.\n", to.display()))
}

/// Copies, and says how far it has come where that takes long.
fn copied(from: PathBuf, to: PathBuf) -> Result<(), Failure> {
    let (done, waiting) = channel::<()>();
    let whole = std::fs::metadata(&from).map_or(0, |it| it.len());
    let partial = PathBuf::from(format!("{}.new", to.display()));
    let copying = std::thread::spawn(move || {
        let copied = store::sqlite::backup(&from, &to);
        drop(done);
        copied
    });
    while let Err(RecvTimeoutError::Timeout) = waiting.recv_timeout(SAY_EVERY) {
        let written = std::fs::metadata(&partial).map_or(0, |it| it.len());
        print(&format!("{} of about {} MiB copied\n", written >> 20, whole >> 20))?;
    }
    match copying.join() {
        Ok(copied) => Ok(copied?),
        Err(_) => Err("the copying stopped by a mistake in the program".into()),
    }
}

fn check(file: &std::path::Path) -> Result<ExitCode, Failure> {
    if !file.exists() {
        return Err(format!("there is no file {}", file.display()).into());
    }
    store::sqlite::check(file)?;
    // Balances are summed in a copy of the copy: opened as a platform opens it, it would be brought to this version.
    let folder = tempfile::tempdir()?;
    let trial = folder.path().join("trial.db");
    std::fs::copy(file, &trial)?;
    ledger::report(&store::sqlite::open(&trial)?)
}

fn restore(arguments: CopyArguments) -> Result<ExitCode, Failure> {
    let CopyArguments { file: from, config } = arguments;
    let (places, to) = file_of(&config)?;
    let _lock = places.lock()?;
    if to.exists() {
        return Err(format!(
            "there is a database at {}; a restore never replaces one: move it away first, with its -wal and -shm",
            to.display()
        )
        .into());
    }
    if !from.exists() {
        return Err(format!("there is no file {}", from.display()).into());
    }
    store::sqlite::check(&from)?;
    copied(from, to.clone())?;
    print(&format!(
        "{} is there. Wait a minute before `serve`, so that every time factor is new; `counterfoil ledger check` sums it up. \
         What happened since the copy was made is not in it: compare with the merchants.\n",
        to.display()
    ))
}
