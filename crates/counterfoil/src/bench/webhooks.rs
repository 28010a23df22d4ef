//! `bench webhooks`: how many messages a second a merchant's server is told, and what payments notice of it.
//!
//! Payments run at an even rate, first alone and then beside a backlog of messages for several endpoints. One process holds
//! platform, cards and receiver.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use clap::Args;
use keystore::Environment;
use operator::Rate;
use payment::PressRule;
use server::app::NewEndpoint;
use server::webhooks::{self, EndpointUrl, Mode, Wanted};
use server::{Chance as _, Clock as _, Rules, SystemChance, SystemClock};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::air::rounded;
use super::load::{Load, OrderMaker, introduce, percentile, prepare};
use crate::card::new_channel;
use crate::cli::{Failure, print, runtime};
use crate::config::LogFormat;
use crate::database::Database;
use crate::keys;
use crate::log;
use crate::places::Places;
use crate::platform::{Listens, Platform, open_app};
use sim::crowd::Crowd;

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
/// Sockets of the load generator.
const SOCKETS: usize = 2;
/// Endpoints that the backlog is for: one server, as eight merchants'.
const ENDPOINTS: usize = 8;
/// Messages that are made side by side.
const MADE_AT_ONCE: usize = 128;

#[derive(Args)]
pub(crate) struct WebhookArguments {
    /// Cards that pay
    #[arg(long, default_value_t = 2_000)]
    cards: usize,
    /// Payments a second, both times
    #[arg(long, default_value_t = 200)]
    payments: u32,
    /// How long each of the two loads lasts
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Messages that wait when the second load begins
    #[arg(long, default_value_t = 40_000)]
    backlog: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn webhooks(arguments: &WebhookArguments) -> Result<ExitCode, Failure> {
    log::start("error", LogFormat::Text)?;
    runtime()?.block_on(measure(arguments))
}

/// A merchant's server: it keeps its callers waiting until it is opened, and counts.
struct Receiver {
    address: SocketAddr,
    open: watch::Sender<bool>,
    heard: Arc<AtomicU64>,
}

impl Receiver {
    async fn start() -> Result<Self, Failure> {
        let (open, heard) = (watch::Sender::new(false), Arc::new(AtomicU64::new(0)));
        let (gate, counter) = (open.clone(), Arc::clone(&heard));
        let take = move || {
            let (mut gate, counter) = (gate.subscribe(), Arc::clone(&counter));
            async move {
                let _ = gate.wait_for(|open| *open).await;
                counter.fetch_add(1, Ordering::Relaxed);
                StatusCode::NO_CONTENT
            }
        };
        let listener = tokio::net::TcpListener::bind(LOCAL).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(take))).await });
        Ok(Self { address, open, heard })
    }
}

async fn measure(arguments: &WebhookArguments) -> Result<ExitCode, Failure> {
    let temporary = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir()?;
    let places = Places::at(temporary.path())?;
    let passphrase = keystore::Passphrase::new(format!("{:032x}", SystemChance.draw()))?;
    let key_store = keys::create(&places, &passphrase, Environment::Test, SystemClock.now())?;
    let rules = Rules {
        prompts_per_hour: u32::MAX,
        press: PressRule { uncounted_minor_max: u32::MAX },
        key_rate: Rate { per_second: 1_000_000, burst: 1_000_000 },
        address_rate: Rate { per_second: 1_000_000, burst: 1_000_000 },
        webhook_mode: Mode::Test,
        ..Rules::default()
    };
    let app = open_app(&Database::Embedded(places.database()), Arc::new(key_store), rules)?;
    // While the messages are made nobody answers: that is no failure yet.
    let patient =
        webhooks::Settings { answer_wait: Duration::from_secs(600), ..webhooks::Settings::default() };
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
        webhooks: patient,
    };
    let coap = coap::Config {
        exchanges_per_peer: 4096,
        pending_events: 16_384,
        pending_transmits: 16_384,
        ..coap::Config::default()
    };
    let platform = Platform::start(app.clone(), None, None, listens, coap).await?;
    let (merchant, _) = app.add_merchant("bench").await?;
    tell(&format!("{} cards that pay", arguments.cards));
    let (images, cards) = prepare(&app, &places, arguments.cards, new_channel).await?;
    let crowd = Arc::new(Crowd::new(images, platform.air, SOCKETS).await?);
    let maker = OrderMaker::batch(app.clone(), [merchant]);
    let load = Load { crowd, maker, cards: Arc::new(cards) };
    introduce(&load).await?;

    let (rate, time) = (f64::from(arguments.payments), Duration::from_secs(arguments.seconds));
    tell(&format!("{} payments a second for {} s, alone", arguments.payments, arguments.seconds));
    let alone = load.open(rate, time).await?;

    tell(&format!("{} messages that wait for {ENDPOINTS} endpoints", arguments.backlog));
    let receiver = Receiver::start().await?;
    let mut endpoints = Vec::new();
    for n in 0..ENDPOINTS {
        let (merchant, _) = app.add_merchant(&format!("told {n}")).await?;
        let url = EndpointUrl::parse(&format!("http://{}/", receiver.address), Mode::Test)?;
        let new = NewEndpoint { merchant, url, wanted: Wanted::All, description: String::new() };
        endpoints.push(app.create_webhook_endpoint(new, None).await?.endpoint.id);
    }
    let mut made = JoinSet::new();
    for n in 0..arguments.backlog {
        if made.len() >= MADE_AT_ONCE
            && let Some(one) = made.join_next().await
        {
            one??;
        }
        let (app, endpoint) = (app.clone(), endpoints[n % ENDPOINTS]);
        made.spawn(async move { app.test_webhook(None, endpoint).await.map(|_| ()) });
    }
    while let Some(one) = made.join_next().await {
        one??;
    }

    tell("the same payments while they are delivered");
    let began = Instant::now();
    receiver.open.send_replace(true);
    let counting = async {
        let all = u64::try_from(arguments.backlog).unwrap_or(u64::MAX);
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        loop {
            tick.tick().await;
            let heard = receiver.heard.load(Ordering::Relaxed);
            if heard >= all || began.elapsed() >= time {
                return (heard, began.elapsed());
            }
        }
    };
    let (beside, (heard, took)) = tokio::join!(load.open(rate, time), counting);
    let beside = beside?;
    let differences = app.store().read(|rows| rows.balance_differences()).await?;
    if !differences.is_empty() {
        return Err("the ledger does not balance after the load".into());
    }
    platform.stop().await;
    let figures = [
        ("webhook_deliveries_per_s", heard as f64 / took.as_secs_f64()),
        ("payment_p99_ms_without", percentile(&alone.times, 0.99, |t| t.hello_to_transaction)),
        ("payment_p99_ms_with", percentile(&beside.times, 0.99, |t| t.hello_to_transaction)),
        ("delivered", heard as f64),
        ("failed", (alone.failed + beside.failed) as f64),
    ];
    if arguments.json {
        let object: serde_json::Map<String, serde_json::Value> =
            figures.iter().map(|(name, value)| ((*name).to_owned(), rounded(*value).into())).collect();
        return print(&format!("{}\n", serde_json::Value::Object(object)));
    }
    let lines: String =
        figures.iter().map(|(name, value)| format!("{name:<28} {}\n", rounded(*value))).collect();
    print(&lines)
}

/// Progress goes to standard error: the figures stand alone on standard output.
fn tell(what: &str) {
    eprintln!("bench webhooks: {what} …");
}
