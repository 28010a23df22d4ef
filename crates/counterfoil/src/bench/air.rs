//! `bench air`: complete payments over UDP on loopback with durable commits, beside the floor of the same disk.
//!
//! One process holds platform and load generator: every figure of processor time and memory is both together.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use keystore::Environment;
use operator::Rate;
use payment::PressRule;
use server::{App, Chance as _, Clock as _, Rules, SystemChance, SystemClock};
use sim::crowd::{Crowd, PaymentTimes};
use tokio::task::JoinSet;

use super::load::{Load, OrderMaker, introduce, percentile, prepare};
use super::process::{cpu_time, resident_bytes};
use crate::card::{new_channel, new_holder};
use crate::cli::{Failure, print, runtime};
use crate::config::LogFormat;
use crate::database::Database;
use crate::keys::{self, card_keys};
use crate::log;
use crate::places::Places;
use crate::platform::{Listens, Platform, open_app};

const LOCAL: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
/// Sockets of the load generator.
const SOCKETS: usize = 2;
/// Cards that are made, bound and funded side by side.
const PREPARED_AT_ONCE: usize = 512;
/// Transfers a commit at the floor.
const FLOOR_BATCH: u32 = 256;

#[derive(Args)]
pub(crate) struct AirArguments {
    /// Cards that pay
    #[arg(long, default_value_t = 10_000)]
    cards: usize,
    /// How long each of the two loads lasts
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Payments in flight at the highest load
    #[arg(long, default_value_t = 256)]
    in_flight: usize,
    /// How orders are made
    #[arg(long, value_enum, default_value_t = Orders::Batch)]
    orders: Orders,
    /// Cards that are only registered, to weigh one
    #[arg(long, default_value_t = 100_000)]
    idle_cards: usize,
    /// Where the database is measured; without it, the system's temporary folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// How orders are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Orders {
    /// By the use case, in the platform's process
    Batch,
    /// Over the merchant interface
    Http,
}

pub(crate) fn air(arguments: &AirArguments) -> Result<ExitCode, Failure> {
    log::start("error", LogFormat::Text)?;
    runtime()?.block_on(measure(arguments))
}

async fn measure(arguments: &AirArguments) -> Result<ExitCode, Failure> {
    let temporary = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir()?;
    let folder = arguments.data.as_deref().unwrap_or(temporary.path());
    let places = Places::at(folder)?;

    tell("the floor: durable two-posting transfers, 256 a commit");
    let floor_file = folder.join("floor.db");
    let floor = {
        let file = floor_file.clone();
        tokio::task::spawn_blocking(move || floor_per_second(&file)).await??
    };

    let passphrase = keystore::Passphrase::new(format!("{:032x}", SystemChance.draw()))?;
    let key_store = keys::create(&places, &passphrase, Environment::Test, SystemClock.now())?;
    let rules = Rules {
        prompts_per_hour: u32::MAX,
        press: PressRule { uncounted_minor_max: u32::MAX },
        // One merchant and one address do what many would.
        key_rate: Rate { per_second: 1_000_000, burst: 1_000_000 },
        address_rate: Rate { per_second: 1_000_000, burst: 1_000_000 },
        ..Rules::default()
    };
    let app = open_app(&Database::Embedded(places.database()), Arc::new(key_store), rules)?;
    let listens = Listens {
        air: LOCAL,
        http: LOCAL,
        operations: LOCAL,
        operations_names: Vec::new(),
        operations_tls: false,
        public_url: None,
        chirpstack: None,
        pushes: None,
        framed_by: Vec::new(),
        webhooks: server::webhooks::Settings::default(),
    };
    // Many cards stand behind one address here; in the field each has its own.
    let coap = coap::Config {
        exchanges_per_peer: 4096,
        pending_events: 16_384,
        pending_transmits: 16_384,
        ..coap::Config::default()
    };
    let platform = Platform::start(app.clone(), None, None, listens, coap).await?;
    let (merchant, key) = app.add_merchant("bench").await?;

    tell(&format!("{} cards that pay", arguments.cards));
    let (images, cards) = prepare(&app, &places, arguments.cards, new_channel).await?;
    let crowd = Arc::new(Crowd::new(images, platform.air, SOCKETS).await?);
    let maker = match arguments.orders {
        Orders::Batch => OrderMaker::Batch { app: app.clone(), merchant },
        Orders::Http => OrderMaker::Http {
            client: reqwest::Client::builder().no_proxy().build()?,
            url: format!("http://{}/v1/orders", platform.http).into(),
            key: key.reveal().into(),
        },
    };
    let load = Load { crowd, maker, cards: Arc::new(cards) };
    tell("each card introduces itself, so that its next hello is brief");
    introduce(&load).await?;

    tell(&format!("the highest load for {} s", arguments.seconds));
    let cpu_before = cpu_time();
    let highest = load.closed(arguments.in_flight, Duration::from_secs(arguments.seconds)).await?;
    let cpu = cpu_time().saturating_sub(cpu_before);
    let rate = highest.per_second();
    let rss = resident_bytes();

    tell(&format!("half of it for {} s: latencies", arguments.seconds));
    let half = load.open(rate / 2.0, Duration::from_secs(arguments.seconds)).await?;

    tell(&format!("{} cards that are only registered", arguments.idle_cards));
    let idle = weigh_idle(&app, arguments.idle_cards).await?;

    let differences = app.store().read(|rows| rows.balance_differences()).await?;
    if !differences.is_empty() {
        return Err("the ledger does not balance after the load".into());
    }
    platform.stop().await;
    let payments = highest.times.len();
    let figures = [
        ("payments_per_s", rate),
        ("floor_transfers_per_s", floor),
        ("ratio_to_floor", rate / floor),
        ("hello_to_transaction_p50_ms", percentile(&half.times, 0.50, |t| t.hello_to_transaction)),
        ("hello_to_transaction_p99_ms", percentile(&half.times, 0.99, |t| t.hello_to_transaction)),
        ("result_to_receipt_p50_ms", percentile(&half.times, 0.50, |t| t.result_to_receipt)),
        ("result_to_receipt_p99_ms", percentile(&half.times, 0.99, |t| t.result_to_receipt)),
        ("bytes_per_payment", bytes_per_payment(&highest.times)),
        ("cpu_us_per_payment", cpu.as_secs_f64() * 1e6 / payments.max(1) as f64),
        ("rss_mib", rss as f64 / (1024.0 * 1024.0)),
        ("bytes_per_idle_card", idle),
    ];
    if arguments.json {
        let object: serde_json::Map<String, serde_json::Value> = figures
            .iter()
            .map(|(name, value)| ((*name).to_owned(), rounded(*value).into()))
            .chain([
                ("payments".to_owned(), payments.into()),
                ("failed".to_owned(), (highest.failed + half.failed).into()),
            ])
            .collect();
        return print(&format!("{}\n", serde_json::Value::Object(object)));
    }
    let mut text = String::new();
    for (name, value) in figures {
        text += &format!("{name:<30} {}\n", rounded(value));
    }
    text += &format!("{:<30} {}\n{:<30} {}\n", "payments", payments, "failed", highest.failed + half.failed);
    print(&text)
}

/// Progress goes to standard error: the figures stand alone on standard output.
fn tell(what: &str) {
    eprintln!("bench air: {what} …");
}

/// Three digits after the point.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The median of a few runs: the disk is shared.
pub(super) fn floor_per_second(file: &std::path::Path) -> Result<f64, store::StoreError> {
    const RUNS: u32 = 3;
    const COMMITS: u32 = 100;
    let mut rates: Vec<f64> = (0..RUNS)
        .map(|run| {
            let file = file.with_extension(format!("{run}.db"));
            let began = Instant::now();
            let made = store::sqlite::floor(&file, FLOOR_BATCH, COMMITS)?;
            Ok(made as f64 / began.elapsed().as_secs_f64())
        })
        .collect::<Result<_, store::StoreError>>()?;
    rates.sort_by(f64::total_cmp);
    Ok(rates[rates.len() / 2])
}

/// Resident memory for each registered card that does nothing.
async fn weigh_idle(app: &App, count: usize) -> Result<f64, Failure> {
    if count == 0 {
        return Ok(0.0);
    }
    let keys = card_keys()?;
    let before = resident_bytes();
    let mut left = count;
    while left > 0 {
        let mut made = JoinSet::new();
        for _ in 0..PREPARED_AT_ONCE.min(left) {
            let app = app.clone();
            let channel = new_channel()?;
            left -= 1;
            made.spawn(async move {
                let new = server::app::NewCard {
                    holder: new_holder(),
                    channel,
                    suite: crypto::Suite::Aes128Eax,
                    has_display: true,
                    listens: false,
                    valid_until: app.now().plus(1_000_000_000),
                    master: keys.master,
                    transport: keys.transport,
                };
                app.issue_card(new).await.map(|_| ())
            });
        }
        while let Some(one) = made.join_next().await {
            one??;
        }
    }
    Ok(resident_bytes().saturating_sub(before) as f64 / count as f64)
}

fn bytes_per_payment(times: &[PaymentTimes]) -> f64 {
    let bytes: u64 = times.iter().map(|times| u64::from(times.bytes)).sum();
    bytes as f64 / times.len().max(1) as f64
}
