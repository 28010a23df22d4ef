//! `bench ledger`: transfers between accounts by units of work, many at once, beside the floor of the same engine.
//!
//! A transfer here is one unit of work: two accounts read, the money moved by the rules of `payment`, the transfer, its two
//! postings and both sums durable. Nothing of cards, frames or merchants' requests is in it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use model::{Amount, Currency};
use payment::{AccountKind, LedgerError, PendingTransfer, TransferId};
use server::{Chance as _, Clock as _, SystemChance, SystemClock};
use store::{Store, StoreError, Unit};
use tokio::task::JoinSet;

use super::ground::{Ground, Turn, numbers};
use super::run::{Report, Run};
use crate::cli::{Failure, runtime};
use crate::config::LogFormat;
use crate::log;
use crate::places::Places;

#[derive(Args)]
pub(crate) struct LedgerArguments {
    /// sqlite, or postgres://USER:PASSWORD@HOST/NAME: an empty database
    #[arg(long, default_value = "sqlite")]
    database: String,
    /// Accounts that pay; several numbers with commas between them make several runs
    #[arg(long, default_value = "1000")]
    accounts: String,
    /// Accounts that are paid
    #[arg(long, default_value = "1,1000")]
    merchants: String,
    /// Writers at once on the database, each with its own connections; one for a file
    #[arg(long, default_value = "1")]
    writers: String,
    /// How long each run lasts
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Transfers in flight at each writer
    #[arg(long, default_value_t = 512)]
    in_flight: usize,
    /// Where a file is measured; without it, the system's temporary folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Also write a picture of all runs
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

pub(crate) fn ledger(arguments: &LedgerArguments) -> Result<ExitCode, Failure> {
    log::start("error", LogFormat::Text)?;
    runtime()?.block_on(measure(arguments))
}

fn tell(what: &str) {
    eprintln!("bench ledger: {what} …");
}

async fn measure(arguments: &LedgerArguments) -> Result<ExitCode, Failure> {
    let accounts = numbers(&arguments.accounts, "accounts", 2..=10_000_000)?;
    let merchants = numbers(&arguments.merchants, "merchants", 1..=100_000)?;
    let writers = numbers(&arguments.writers, "writers", 1..=8)?;
    let temporary = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir()?;
    let places = Places::unused(arguments.data.as_deref().unwrap_or(temporary.path()))?;
    let ground = Ground::of(&arguments.database, &places)?;
    if matches!(ground, Ground::File(_)) && writers.iter().any(|count| *count > 1) {
        return Err("a file has one writer; more than one want --database postgres://…".into());
    }
    ground.must_be_empty()?;
    tell("the floor: durable two-posting transfers, 256 a commit");
    let before = on_a_thread(&ground, |ground| Ok(ground.floor(Turn::Before)?)).await?;
    let (mut opened, mut runs) = (0, Vec::new());
    for count in accounts {
        tell(&format!("{count} accounts"));
        // Owners from 1: 0 is the bank itself.
        on_a_thread(&ground, move |ground| Ok(ground.open_accounts(opened + 1..count + 1)?)).await?;
        opened = count;
        for (paid, nodes) in
            merchants.iter().flat_map(|paid| writers.iter().map(move |nodes| (*paid, *nodes)))
        {
            tell(&format!(
                "{count} accounts, {paid} merchants, {nodes} writers, for {} s",
                arguments.seconds
            ));
            let rate = run(&ground, arguments, count, paid, nodes).await?;
            runs.push(Run {
                settings: vec![
                    ("accounts", count.into()),
                    ("merchants", paid.into()),
                    ("writers", nodes.into()),
                ],
                figures: vec![("transfers_per_s", rate)],
            });
        }
    }
    tell("the floor once more");
    let after = on_a_thread(&ground, |ground| Ok(ground.floor(Turn::After)?)).await?;
    tell("every balance against its postings");
    if !ground.open()?.read(|rows| rows.balance_differences()).await?.is_empty() {
        return Err("the ledger does not balance after the load".into());
    }
    let report = Report {
        bench: "ledger",
        engine: ground.engine(),
        shown: "transfers_per_s",
        unit: "transfers a second",
        floor: f64::midpoint(before, after),
        runs,
    };
    report.tell(arguments.json, arguments.svg.as_deref())
}

pub(super) async fn on_a_thread<T: Send + 'static>(
    ground: &Ground,
    work: impl FnOnce(&Ground) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let ground = ground.clone();
    let done = tokio::task::spawn_blocking(move || work(&ground).map_err(|error| error.to_string())).await?;
    Ok(done?)
}

async fn run(
    ground: &Ground,
    arguments: &LedgerArguments,
    accounts: u32,
    merchants: u32,
    writers: u32,
) -> Result<f64, Failure> {
    let stores = (0..writers).map(|_| ground.open()).collect::<Result<Vec<Store>, _>>()?;
    // Opened before the clock runs, as a merchant's first payment does it.
    if let Some(first) = stores.first() {
        for merchant in 1..=merchants {
            open(first, merchant).await?;
        }
    }
    let (made, next) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU32::new(0)));
    let (began, time) = (Instant::now(), Duration::from_secs(arguments.seconds));
    let mut workers = JoinSet::new();
    for store in stores {
        for _ in 0..arguments.in_flight {
            let (store, made, next) = (store.clone(), Arc::clone(&made), Arc::clone(&next));
            workers.spawn(async move {
                while began.elapsed() < time {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    transfer(&store, 1 + turn % accounts, 1 + turn % merchants).await?;
                    made.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, String>(())
            });
        }
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(made.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}

async fn open(store: &Store, merchant: u32) -> Result<(), Failure> {
    let opened = move |unit: &mut dyn Unit| {
        unit.account_opened(AccountKind::Merchant, merchant.into(), Currency::CNY).map(|_| ())
    };
    Ok(store.write::<_, StoreError, _>(opened).await.map_err(|error| error.to_string())?)
}

/// Why a transfer was not made.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("an account is missing")]
    NoAccount,
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

async fn transfer(store: &Store, from: u32, to: u32) -> Result<(), String> {
    let now = SystemClock.now();
    let id = TransferId(payment::OrderId::from_time_and_random(now, SystemChance.draw()).0);
    let work = move |unit: &mut dyn Unit| {
        let amount = Amount::new(1, Currency::CNY).map_err(|_| Refused::NoAccount)?;
        let account = |unit: &dyn Unit, kind, owner: u32| {
            unit.account_of(kind, owner.into(), Currency::CNY)?.ok_or(Refused::NoAccount)
        };
        let mut out = account(unit, AccountKind::Settlement, from)?;
        let mut into = account(unit, AccountKind::Merchant, to)?;
        let posted =
            PendingTransfer::reserve(id, amount, &mut out, &mut into)?.post(None, &mut out, &mut into)?;
        unit.add_posted_transfer(&posted, "bench", None, now)?;
        unit.put_account(&out)?;
        Ok::<(), Refused>(unit.put_account(&into)?)
    };
    store.write(work).await.map_err(|error| error.to_string())
}
