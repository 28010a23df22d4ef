//! `bench tap`: complete loads of wallet cards over HTTPS on loopback with durable commits, and the time that a
//! card is in the field.
//!
//! One process holds bank and terminals, each on a runtime of its own, so that the processor time of either is
//! that of its threads. What a load is here: `authorize` with SMS code and PIN, `card`, `outputs`; the money is
//! posted when the last is answered. SMS codes stand in the store beforehand: no gateway is measured.
//! Next: `stage` for how it is set up, `terminal` for one load, `field` for the reader.

mod field;
mod stage;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::Value;
use tap::DriverPack;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinSet;

use super::air::rounded;
use super::ground::{Ground, Turn};
use super::process::{cpu_time, cpu_time_of_threads, resident_bytes, written_bytes};
use crate::cli::{Failure, print};
use crate::config::LogFormat;
use crate::log;
use crate::places::Places;
use stage::{Stage, Stand};
use terminal::LoadTimes;

/// What the threads of the terminals are called.
const TERMINALS: &str = "terminals";
/// How long bank and terminals run before anything is measured.
const WARM: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(crate) struct TapArguments {
    /// Terminals, each with one connection and one load at a time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    terminals: u16,
    /// Wallet cards that are loaded
    #[arg(long, default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(1..))]
    wallets: u32,
    /// Holders whose accounts pay
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    holders: u16,
    /// How long each of the three loads lasts
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Loads of one card whose time in the field is measured
    #[arg(long, default_value_t = 50)]
    field_loads: u16,
    /// Where the database is measured; without it, the system's temporary folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn tap(arguments: &TapArguments) -> Result<ExitCode, Failure> {
    log::start("error", LogFormat::Text)?;
    let temporary = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir()?;
    let folder = arguments.data.as_deref().unwrap_or(temporary.path());
    Places::unused(folder)?;
    let seconds = Duration::from_secs(arguments.seconds.max(1));

    tell("the floor: durable two-posting transfers, 256 a commit");
    let floor = Ground::File(folder.join("bench.db")).floor(Turn::Before)?;

    let (bank, terminals) = (runtime("bank")?, runtime(TERMINALS)?);
    tell(&format!("{} wallet cards of {} holders", arguments.wallets, arguments.holders));
    let stage = bank.block_on(Stage::open(folder, arguments.holders))?;
    let mut stands = bank.block_on(stage.stands(arguments.terminals, arguments.wallets))?;
    terminals.block_on(stage.connect(&mut stands))?;

    let runner = Runner { terminals: terminals.handle().clone(), pack: stage.pack() };
    let give_codes = |stands: &mut Vec<Stand>, per_second: f64, time: Duration| {
        bank.block_on(stage.give_codes(stands, (per_second * time.as_secs_f64()).ceil() as usize))
    };
    // More than any machine does: what is too much only stands there.
    give_codes(&mut stands, 4_000.0, WARM)?;
    let warm = runner.closed(&mut stands, WARM)?;

    tell(&format!("the highest load for {} s", seconds.as_secs()));
    give_codes(&mut stands, warm.per_second() * 1.5, seconds)?;
    let (cpu_before, written_before) = ((cpu_time(), cpu_time_of_threads(TERMINALS)), written_bytes());
    let highest = runner.closed(&mut stands, seconds)?;
    let cpu_after = (cpu_time(), cpu_time_of_threads(TERMINALS));
    let (rss, written) = (resident_bytes(), written_bytes().saturating_sub(written_before));
    let per_load = |time: Duration| time.as_secs_f64() * 1e6 / highest.times.len().max(1) as f64;
    let all_cpu = cpu_after.0.saturating_sub(cpu_before.0);
    let terminals_cpu = cpu_after.1.saturating_sub(cpu_before.1);
    let rate = highest.per_second();

    tell(&format!("half of it for {} s: latencies", seconds.as_secs()));
    give_codes(&mut stands, rate * 0.55, seconds)?;
    let half = runner.paced(&mut stands, rate / 2.0, seconds)?;

    tell("a card in the field of a reader");
    let mut stand = bank.block_on(stage.field_stand())?;
    terminals.block_on(stage.connect(std::slice::from_mut(&mut stand)))?;
    let field_loads = usize::from(arguments.field_loads.clamp(1, stage::FIELD_LOADS_MAX));
    bank.block_on(stage.give_codes(std::slice::from_mut(&mut stand), 2 * field_loads))?;
    let pack = stage.pack();
    let field = terminals.block_on(field::measure(stand, pack, field_loads))?;

    tell(&format!("the highest load on one holder's account for {} s", seconds.as_secs()));
    bank.block_on(stage.one_holder(&stands))?;
    give_codes(&mut stands, rate * 1.3, seconds)?;
    let one_holder = runner.closed(&mut stands, seconds)?;

    if !bank.block_on(stage.balance_differences())?.is_empty() {
        return Err("the ledger does not balance after the loads".into());
    }
    let loads = [&warm, &highest, &half, &one_holder].map(|measured| measured.times.len());
    let failed: u64 = [&warm, &highest, &half, &one_holder].iter().map(|measured| measured.failed).sum();
    let posted = bank.block_on(stage.posted_loads())?;
    if posted != (loads.iter().sum::<usize>() + field.loads()) as u64 {
        return Err(format!("{posted} loads are posted, which is not what the terminals were told").into());
    }
    drop(stands);
    bank.block_on(stage.stop());

    let in_field = half.times.iter().chain(&highest.times).map(|times| times.round_trips_in_field).max();
    let of = |share, of: fn(&LoadTimes) -> Duration| percentile(&half.times, share, of);
    let figures = Figures(vec![
        ("loads_per_s", number(rate)),
        ("loads_per_s_one_holder", number(one_holder.per_second())),
        ("floor_transfers_per_s", number(floor)),
        ("ratio_to_floor", number(rate / floor)),
        ("cpu_us_per_load", number(per_load(all_cpu.saturating_sub(terminals_cpu)))),
        ("cpu_us_per_load_terminals", number(per_load(terminals_cpu))),
        ("field_round_trip_p50_ms", of(0.50, |times| times.field_round_trip)),
        ("field_round_trip_p99_ms", of(0.99, |times| times.field_round_trip)),
        ("load_p50_ms", of(0.50, |times| times.whole)),
        ("load_p99_ms", of(0.99, |times| times.whole)),
        ("half_loads_per_s", number(half.per_second())),
        ("field_time_ms", field.through_pcscd(0.50)),
        ("field_time_p99_ms", field.through_pcscd(0.99)),
        ("field_time_software_ms", field.in_software(0.50)),
        ("round_trips_in_field", in_field.unwrap_or(0).into()),
        ("terminals", arguments.terminals.into()),
        ("connections", arguments.terminals.into()),
        ("wallets", arguments.wallets.into()),
        ("holders", arguments.holders.into()),
        ("written_kib_per_load", number(written as f64 / 1024.0 / highest.times.len().max(1) as f64)),
        ("rss_mib", number(rss as f64 / (1024.0 * 1024.0))),
        ("loads", highest.times.len().into()),
        ("failed", failed.into()),
    ]);
    print(&if arguments.json { figures.to_json() } else { figures.to_lines() })
}

/// As many threads as cores, known by their name.
fn runtime(name: &str) -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread().thread_name(name).enable_all().build()?)
}

/// Progress goes to standard error: the figures stand alone on standard output.
fn tell(what: &str) {
    eprintln!("bench tap: {what} …");
}

struct Figures(Vec<(&'static str, Value)>);

impl Figures {
    fn to_json(&self) -> String {
        let object = self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        format!("{}\n", Value::Object(object))
    }

    fn to_lines(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name:<30} {value}\n")).collect()
    }
}

fn number(value: f64) -> Value {
    rounded(value).into()
}

/// A percentile in milliseconds; null where nothing was measured.
fn percentile(times: &[LoadTimes], share: f64, of: impl Fn(&LoadTimes) -> Duration) -> Value {
    let mut sorted: Vec<Duration> = times.iter().map(of).collect();
    sorted.sort_unstable();
    let index = ((sorted.len().saturating_sub(1)) as f64 * share).round() as usize;
    sorted.get(index).map_or(Value::Null, |duration| number(duration.as_secs_f64() * 1000.0))
}

#[derive(Default)]
struct Measured {
    times: Vec<LoadTimes>,
    failed: u64,
    took: Duration,
}

impl Measured {
    fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }
}

/// When a terminal begins its next load.
#[derive(Clone, Copy)]
enum Pace {
    /// At once.
    Closed,
    /// At its turns: the first this long after the beginning, and so long between two.
    Even { first: Duration, every: Duration },
}

/// Has the terminals load.
struct Runner {
    terminals: Handle,
    pack: Arc<DriverPack>,
}

impl Runner {
    /// As many loads as go through with one in flight at each terminal.
    fn closed(&self, stands: &mut Vec<Stand>, time: Duration) -> Result<Measured, Failure> {
        self.run(stands, time, |_| Pace::Closed)
    }

    /// Loads begun at an even rate, each terminal in its turn. One that is late begins as soon as it can.
    fn paced(&self, stands: &mut Vec<Stand>, per_second: f64, time: Duration) -> Result<Measured, Failure> {
        let (count, step) = (stands.len() as u32, Duration::from_secs_f64(1.0 / per_second));
        self.run(stands, time, |index| Pace::Even { first: step * index, every: step * count })
    }

    fn run(
        &self,
        stands: &mut Vec<Stand>,
        time: Duration,
        pace: impl Fn(u32) -> Pace,
    ) -> Result<Measured, Failure> {
        let began = Instant::now();
        let mut working = JoinSet::new();
        for (index, stand) in (0..).zip(stands.drain(..)) {
            let (pack, pace) = (Arc::clone(&self.pack), pace(index));
            working.spawn_on(work(stand, pack, began, time, pace), &self.terminals);
        }
        self.terminals.block_on(async {
            let mut all = Measured::default();
            while let Some(done) = working.join_next().await {
                let (stand, measured) = done?;
                stands.push(stand);
                all.times.extend(measured.times);
                all.failed += measured.failed;
            }
            all.took = began.elapsed();
            if stands.iter().any(Stand::is_without_codes) {
                eprintln!("bench tap: the SMS codes were used up before the time was");
            }
            Ok(all)
        })
    }
}

/// One terminal's loads, until the time or the codes are used up.
async fn work(
    mut stand: Stand,
    pack: Arc<DriverPack>,
    began: Instant,
    time: Duration,
    pace: Pace,
) -> (Stand, Measured) {
    let mut measured = Measured::default();
    for number in 0_u32.. {
        if let Pace::Even { first, every } = pace {
            tokio::time::sleep_until((began + first + every * number).into()).await;
        }
        if began.elapsed() >= time {
            break;
        }
        let Some(loaded) = stand.load_next(&pack).await else { break };
        match loaded {
            Ok(times) => measured.times.push(times),
            Err(error) => {
                tracing::error!(%error, "a load failed");
                measured.failed += 1;
            }
        }
    }
    (stand, measured)
}
