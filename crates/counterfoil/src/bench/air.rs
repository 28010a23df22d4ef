//! `bench air`: complete payments over UDP on loopback with durable commits, beside the floor of the same disk.
//!
//! One process holds platform and load generator: every figure of processor time and memory is both together.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use crypto::KeyStore;
use futures_util::future::join_all;
use keystore::Environment;
use operator::Rate;
use payment::PressRule;
use server::{App, Chance as _, Clock as _, Rules, SystemChance, SystemClock};
use sim::crowd::{Crowd, PaymentTimes};
use tokio::task::JoinSet;

use super::crossing::{self, Node};
use super::ground::{Ground, Turn, numbers};
use super::ledger::on_a_thread;
use super::load::{Load, Measured, OrderMaker, introduce, percentile, prepare};
use super::process::{cpu_time, resident_bytes};
use super::run::{Report, Run};
use crate::card::{new_channel, new_holder};
use crate::cli::{Failure, runtime};
use crate::config::LogFormat;
use crate::keys::{self, card_keys};
use crate::log;
use crate::places::Places;
use crate::platform::{Listens, Platform, app_on, open_app};

const LOCAL: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
/// Sockets of the load generator.
const SOCKETS: usize = 2;
/// Cards that are made, bound and funded side by side.
const PREPARED_AT_ONCE: usize = 512;

#[derive(Args)]
pub(crate) struct AirArguments {
    /// sqlite, or postgres://USER:PASSWORD@HOST/NAME: an empty database
    #[arg(long, default_value = "sqlite")]
    database: String,
    /// Cards in the database; several numbers with commas between them make several runs
    #[arg(long, default_value = "10000")]
    cards: String,
    /// Merchants that are paid
    #[arg(long, default_value = "1")]
    merchants: String,
    /// Platforms at once on the database, each with its own cards; one for a file
    #[arg(long, default_value = "1")]
    nodes: String,
    /// At most so many of the cards pay; the others only stand in the tables
    #[arg(long, default_value_t = 10_000)]
    paying: u32,
    /// How long each of the two loads lasts
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Payments in flight at the highest load, all nodes together
    #[arg(long, default_value_t = 256)]
    in_flight: usize,
    /// How orders are made
    #[arg(long, value_enum, default_value_t = Orders::Batch)]
    orders: Orders,
    /// Cards that are only registered, to weigh one
    #[arg(long, default_value_t = 100_000)]
    idle_cards: usize,
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

/// What is varied.
#[derive(Clone, Copy)]
struct Setting {
    cards: u32,
    merchants: u32,
    nodes: u32,
}

async fn measure(arguments: &AirArguments) -> Result<ExitCode, Failure> {
    let cards = numbers(&arguments.cards, "cards", 1..=10_000_000)?;
    let merchants = numbers(&arguments.merchants, "merchants", 1..=100_000)?;
    let nodes = numbers(&arguments.nodes, "nodes", 1..=8)?;
    let temporary = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir()?;
    let folder = arguments.data.as_deref().unwrap_or(temporary.path());
    let places = Places::unused(folder)?;
    let ground = Ground::of(&arguments.database, &places)?;
    if matches!(ground, Ground::File(_)) && nodes.iter().any(|count| *count > 1) {
        return Err("a file has one node; more than one want --database postgres://…".into());
    }
    ground.must_be_empty()?;

    tell("the floor: durable two-posting transfers, 256 a commit");
    let before = on_a_thread(&ground, |ground| Ok(ground.floor(Turn::Before)?)).await?;

    let passphrase = keystore::Passphrase::new(format!("{:032x}", SystemChance.draw()))?;
    let key_store: Arc<dyn KeyStore> =
        Arc::new(keys::create(&places, &passphrase, Environment::Test, SystemClock.now())?);
    let mut field = Field { arguments, places, ground, key_store, standing: 0, made: 0 };
    let mut runs = Vec::new();
    for cards in cards {
        for (merchants, nodes) in
            merchants.iter().flat_map(|merchants| nodes.iter().map(move |nodes| (*merchants, *nodes)))
        {
            runs.push(field.run(Setting { cards, merchants, nodes }).await?);
        }
    }
    tell("the floor once more");
    let after = on_a_thread(&field.ground, |ground| Ok(ground.floor(Turn::After)?)).await?;
    let app = field.app()?;
    tell(&format!("{} cards that are only registered", arguments.idle_cards));
    let idle = weigh_idle(&app, arguments.idle_cards).await?;
    if let Some(last) = runs.last_mut() {
        last.figures.push(("bytes_per_idle_card", idle));
    }
    tell("every balance against its postings");
    let differences = app.store().read(|rows| rows.balance_differences()).await?;
    if !differences.is_empty() {
        return Err("the ledger does not balance after the load".into());
    }
    let report = Report {
        bench: "air",
        engine: field.ground.engine(),
        shown: "payments_per_s",
        unit: "payments a second",
        floor: f64::midpoint(before, after),
        runs,
    };
    report.tell(arguments.json, arguments.svg.as_deref())
}

/// The database with what was put into it so far.
struct Field<'a> {
    arguments: &'a AirArguments,
    places: Places,
    ground: Ground,
    key_store: Arc<dyn KeyStore>,
    /// Cards that only stand in the tables.
    standing: u32,
    /// Cards that pay or have paid.
    made: u32,
}

impl Field<'_> {
    fn app(&self) -> Result<App, Failure> {
        Ok(open_app(&self.ground.database(), Arc::clone(&self.key_store), rules())?)
    }

    /// How soon an order at one node lights a card at another.
    async fn crossing(&self) -> Result<Vec<Duration>, Failure> {
        tell("orders at one node for cards at another");
        let open = |store| Ok(app_on(store, Arc::clone(&self.key_store), rules())?);
        let first = Node::start("bench-1", &self.ground.database(), listens(), open).await?;
        let second = Node::start("bench-2", &self.ground.database(), listens(), open).await?;
        crossing::measure(first, second, &self.places).await
    }
}

fn rules() -> Rules {
    Rules {
        prompts_per_hour: u32::MAX,
        press: PressRule { uncounted_minor_max: u32::MAX },
        // One merchant and one address do what many would.
        key_rate: Rate { per_second: 1_000_000, burst: 1_000_000 },
        address_rate: Rate { per_second: 1_000_000, burst: 1_000_000 },
        ..Rules::default()
    }
}

fn listens() -> Listens {
    Listens {
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
    }
}

impl Field<'_> {
    /// As many cards as the run is about. Those that pay are new for each run: a card's memory ends with its run.
    async fn fill(&mut self, setting: Setting) -> Result<Option<f64>, Failure> {
        self.made += self.paying(setting);
        let there = self.standing.saturating_add(self.made);
        if there >= setting.cards {
            return Ok(None);
        }
        let (first, after) = (self.standing, self.standing + (setting.cards - there));
        tell(&format!("{} cards that stand in the tables", after - first));
        let bytes = on_a_thread(&self.ground, move |ground| {
            let before = ground.size()?;
            ground.add_stand_ins(first..after)?;
            Ok(ground.size()?.saturating_sub(before))
        });
        let bytes = bytes.await?;
        self.standing = after;
        Ok(Some(bytes as f64 / f64::from(after - first)))
    }

    fn paying(&self, setting: Setting) -> u32 {
        setting.cards.min(self.arguments.paying)
    }

    async fn run(&mut self, setting: Setting) -> Result<Run, Failure> {
        let Setting { cards, merchants, nodes } = setting;
        let bytes_per_card = self.fill(setting).await?;
        let each = (self.paying(setting) / nodes).max(1) as usize;
        let mut payers = Vec::new();
        for node in 1..=nodes {
            tell(&format!("node {node} of {nodes}: {each} cards that pay {merchants} merchants"));
            payers.push(Payer::start(self, each, merchants).await?);
        }
        let before = on_a_thread(&self.ground, |ground| Ok(ground.size()?)).await?;
        let in_flight = (self.arguments.in_flight / nodes as usize).max(1);
        let seconds = Duration::from_secs(self.arguments.seconds);
        tell(&format!("{cards} cards, {nodes} nodes: the highest load for {} s", self.arguments.seconds));
        let cpu_before = cpu_time();
        let highest = all(&payers, |load| async move { load.closed(in_flight, seconds).await }).await?;
        let cpu = cpu_time().saturating_sub(cpu_before);
        let (rate, rss) = (highest.per_second(), resident_bytes());
        let payments = highest.times.len();
        let after = on_a_thread(&self.ground, |ground| Ok(ground.size()?)).await?;
        tell(&format!("half of it for {} s: latencies", self.arguments.seconds));
        let even = rate / 2.0 / f64::from(nodes);
        let half = all(&payers, |load| async move { load.open(even, seconds).await }).await?;
        for payer in payers {
            payer.platform.stop().await;
        }
        let mut figures = vec![
            ("payments_per_s", rate),
            ("hello_to_transaction_p50_ms", percentile(&half.times, 0.50, |t| t.hello_to_transaction)),
            ("hello_to_transaction_p99_ms", percentile(&half.times, 0.99, |t| t.hello_to_transaction)),
            ("result_to_receipt_p50_ms", percentile(&half.times, 0.50, |t| t.result_to_receipt)),
            ("result_to_receipt_p99_ms", percentile(&half.times, 0.99, |t| t.result_to_receipt)),
            ("bytes_per_payment", bytes_per_payment(&highest.times)),
            ("stored_bytes_per_payment", after.saturating_sub(before) as f64 / payments.max(1) as f64),
            ("cpu_us_per_payment", cpu.as_secs_f64() * 1e6 / payments.max(1) as f64),
            ("rss_mib", rss as f64 / (1024.0 * 1024.0)),
            ("payments", payments as f64),
            ("failed", (highest.failed + half.failed) as f64),
        ];
        if nodes > 1 {
            let times = self.crossing().await?;
            figures.push(("order_to_other_node_p50_ms", percentile(&times, 0.50, |time| *time)));
            figures.push(("order_to_other_node_p99_ms", percentile(&times, 0.99, |time| *time)));
        }
        figures.extend(bytes_per_card.map(|bytes| ("stored_bytes_per_card", bytes)));
        let settings =
            vec![("cards", cards.into()), ("merchants", merchants.into()), ("nodes", nodes.into())];
        Ok(Run { settings, figures })
    }
}

/// A platform, and the load on it.
struct Payer {
    platform: Platform,
    load: Arc<Load>,
}

impl Payer {
    async fn start(field: &Field<'_>, cards: usize, merchants: u32) -> Result<Self, Failure> {
        let app = field.app()?;
        // Many cards stand behind one address here; in the field each has its own.
        let coap = coap::Config {
            exchanges_per_peer: 4096,
            pending_events: 16_384,
            pending_transmits: 16_384,
            ..coap::Config::default()
        };
        let platform = Platform::start(app.clone(), None, None, listens(), coap).await?;
        let mut paid = Vec::new();
        let mut key = None;
        for merchant in 1..=merchants {
            let (id, made) = app.add_merchant(&format!("bench {merchant}")).await?;
            paid.push(id);
            key = Some(made);
        }
        let (images, cards) = prepare(&app, &field.places, cards, new_channel).await?;
        let crowd = Arc::new(Crowd::new(images, platform.air, SOCKETS).await?);
        let maker = match (field.arguments.orders, key) {
            (Orders::Http, Some(key)) => OrderMaker::Http {
                client: reqwest::Client::builder().no_proxy().build()?,
                url: format!("http://{}/v1/orders", platform.http).into(),
                key: key.reveal().into(),
            },
            (Orders::Batch | Orders::Http, _) => OrderMaker::batch(app, paid),
        };
        let load = Load { crowd, maker, cards: Arc::new(cards) };
        tell("each card introduces itself, so that its next hello is brief");
        introduce(&load).await?;
        if merchants > 1 {
            // A merchant's first payment opens its account and makes its place.
            tell("each card pays once");
            load.once(field.arguments.in_flight).await?;
        }
        Ok(Self { platform, load: Arc::new(load) })
    }
}

/// The same on all nodes at once; what they measured together.
async fn all<F>(payers: &[Payer], on: impl Fn(Arc<Load>) -> F) -> Result<Measured, Failure>
where
    F: Future<Output = Result<Measured, Failure>>,
{
    let mut whole = Measured::default();
    for measured in join_all(payers.iter().map(|payer| on(Arc::clone(&payer.load)))).await {
        let measured = measured?;
        whole.times.extend(measured.times);
        whole.failed += measured.failed;
        whole.took = whole.took.max(measured.took);
    }
    Ok(whole)
}

/// Progress goes to standard error: the figures stand alone on standard output.
fn tell(what: &str) {
    eprintln!("bench air: {what} …");
}

/// Three digits after the point.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
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
