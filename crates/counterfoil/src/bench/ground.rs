//! Where a bench takes place: a file of its own, or a database on a server; and the floor of that engine on that machine.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use store::postgres::Settings;
use store::{Store, StoreError};

use crate::cli::Failure;
use crate::config::DatabaseSection;
use crate::database::Database;
use crate::places::Places;

/// Transfers a commit at the floor.
const FLOOR_BATCH: u32 = 256;
/// Runs at the floor, whose median counts: disk and processors are shared.
const FLOOR_RUNS: u32 = 3;
const FLOOR_COMMITS: u32 = 100;

/// When the floor is taken: before a load, or after it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Turn {
    Before,
    After,
}

/// The database of a bench.
#[derive(Clone)]
pub(super) enum Ground {
    File(PathBuf),
    Server(Box<Settings>),
}

impl Ground {
    /// `sqlite`, in this folder, or the address of a server's database.
    pub(super) fn of(database: &str, places: &Places) -> Result<Self, Failure> {
        if database == "sqlite" {
            return Ok(Self::File(places.database()));
        }
        if !database.starts_with("postgres") {
            return Err("--database is sqlite or postgres://USER:PASSWORD@HOST/NAME".into());
        }
        let section = DatabaseSection {
            url: database.to_owned(),
            password_file: PathBuf::new(),
            authorities: PathBuf::new(),
            roles: String::new(),
            node: String::new(),
        };
        match Database::named(&section, places)? {
            Database::Server(settings) => Ok(Self::Server(settings)),
            Database::Embedded(file) => Ok(Self::File(file)),
        }
    }

    pub(super) const fn engine(&self) -> &'static str {
        match self {
            Self::File(_) => "sqlite",
            Self::Server(_) => "postgres",
        }
    }

    /// A database for one more node: each start has a writer's name of its own.
    pub(super) fn database(&self) -> Database {
        match self {
            Self::File(file) => Database::Embedded(file.clone()),
            Self::Server(settings) => {
                let writer = server::Chance::draw(&server::SystemChance).to_be_bytes();
                Database::Server(Box::new(Settings { writer, ..(**settings).clone() }))
            }
        }
    }

    pub(super) fn open(&self) -> Result<Store, StoreError> {
        self.database().open()
    }

    /// Refuses a database that anybody uses: a bench makes merchants, cards and money there, and leaves them.
    pub(super) fn must_be_empty(&self) -> Result<(), Failure> {
        let used = self.open()?.peek(|rows| {
            Ok(!rows.merchants_after(None, 1)?.is_empty()
                || rows.card_count()? > 0
                || rows.transfer_counts()?.iter().any(|count| *count > 0)
                || !rows.operators(1)?.is_empty())
        })?;
        if used {
            return Err("the database holds merchants, cards, money or operators; a bench makes its own and leaves them there: \
                        give it an empty one"
                .into());
        }
        Ok(())
    }

    /// Durable two-posting transfers a second, 256 a commit, without anything around them. A machine that others share is not
    /// as quick at one moment as at another: what is measured beside it is measured between two turns.
    pub(super) fn floor(&self, turn: Turn) -> Result<f64, StoreError> {
        let mut rates: Vec<f64> = (0..FLOOR_RUNS)
            .map(|run| {
                let began = Instant::now();
                let made = match self {
                    Self::File(file) => {
                        store::sqlite::floor(&floor_file(file, turn, run), FLOOR_BATCH, FLOOR_COMMITS)?
                    }
                    Self::Server(settings) => store::postgres::floor(settings, FLOOR_BATCH, FLOOR_COMMITS)?,
                };
                Ok(made as f64 / began.elapsed().as_secs_f64())
            })
            .collect::<Result<_, StoreError>>()?;
        rates.sort_by(f64::total_cmp);
        Ok(rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN))
    }

    /// Cards that pay nothing, so that the tables are as large as they are asked to be.
    pub(super) fn add_stand_ins(&self, cards: Range<u32>) -> Result<(), StoreError> {
        match self {
            Self::File(file) => store::sqlite::add_stand_ins(file, cards),
            Self::Server(settings) => store::postgres::add_stand_ins(settings, cards),
        }
    }

    pub(super) fn open_accounts(&self, owners: Range<u32>) -> Result<(), StoreError> {
        match self {
            Self::File(file) => store::sqlite::open_accounts(file, owners),
            Self::Server(settings) => store::postgres::open_accounts(settings, owners),
        }
    }

    pub(super) fn size(&self) -> Result<u64, StoreError> {
        match self {
            Self::File(file) => store::sqlite::size(file),
            Self::Server(settings) => store::postgres::size(settings),
        }
    }
}

fn floor_file(database: &Path, turn: Turn, run: u32) -> PathBuf {
    let turn = match turn {
        Turn::Before => "before",
        Turn::After => "after",
    };
    database.with_file_name(format!("floor.{turn}.{run}.db"))
}

/// Numbers separated by commas, the smallest first.
pub(super) fn numbers(
    text: &str,
    what: &str,
    allowed: std::ops::RangeInclusive<u32>,
) -> Result<Vec<u32>, Failure> {
    let mut numbers = Vec::new();
    for part in text.split(',') {
        match part.trim().parse::<u32>() {
            Ok(number) if allowed.contains(&number) => numbers.push(number),
            Ok(_) | Err(_) => {
                let (least, most) = allowed.into_inner();
                return Err(format!("--{what}: {part} is no number from {least} to {most}").into());
            }
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}
