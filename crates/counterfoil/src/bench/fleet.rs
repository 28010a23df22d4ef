//! `bench fleet`: uplinks over MQTT and CoAP, the answer within the receive window, and a registry of a million channels.
//!
//! One process holds platform, load generator and the network server's end; the broker is another process on the same cores. An uplink
//! here is a real one: half of a payment, durable, and answered.

mod broker;
mod network;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use clap::Args;
use keystore::Environment;
use model::{ChannelId, ChannelKind};
use operator::Rate;
use payment::PressRule;
use server::bearer::chirpstack::Settings;
use server::fleet::{ImportOptions, find, import};
use server::{Chance as _, Clock as _, Rules, SystemChance, SystemClock};
use sha2::{Digest as _, Sha256};
use sim::crowd::Crowd;
use store::{ChannelFilter, Store};

use self::broker::Broker;
use self::network::NetworkServer;
use super::air::rounded;
use super::load::{Load, OrderMaker, introduce, percentile, prepare};
use super::process::resident_bytes;
use crate::card::new_channel;
use crate::cli::{Failure, print, runtime};
use crate::config::LogFormat;
use crate::database::Database;
use crate::keys;
use crate::log;
use crate::places::Places;
use crate::platform::{Listens, Platform, open_app};

const LOCAL: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
/// Sockets of the load generator over CoAP.
const SOCKETS: usize = 2;
/// Pages that are read at each size of the registry, for each kind of list.
const PAGES: u32 = 200;
/// Rows of a page.
const ROWS: u32 = 50;

#[derive(Args)]
pub(crate) struct FleetArguments {
    /// Cards that pay, on each bearer
    #[arg(long, default_value_t = 4_000)]
    cards: usize,
    /// How long each load lasts
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Payments in flight at the highest load
    #[arg(long, default_value_t = 128)]
    in_flight: usize,
    /// Channels that are imported
    #[arg(long, default_value_t = 1_000_000)]
    channels: u32,
    /// A broker to use; without it, a Mosquitto is started
    #[arg(long, value_name = "mqtt://HOST:PORT")]
    broker: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn fleet(arguments: &FleetArguments) -> Result<ExitCode, Failure> {
    log::start("error", LogFormat::Text)?;
    runtime()?.block_on(measure(arguments))
}

/// Progress goes to standard error: the figures stand alone on standard output.
fn tell(what: &str) {
    eprintln!("bench fleet: {what} …");
}

async fn measure(arguments: &FleetArguments) -> Result<ExitCode, Failure> {
    let folder = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir()?;
    let mut figures = Vec::new();
    over_bearers(arguments, folder.path(), &mut figures).await?;
    registry(arguments, folder.path(), &mut figures).await?;
    if arguments.json {
        let object: serde_json::Map<String, serde_json::Value> =
            figures.iter().map(|(name, value)| ((*name).to_owned(), rounded(*value).into())).collect();
        return print(&format!("{}\n", serde_json::Value::Object(object)));
    }
    let text: String =
        figures.iter().map(|(name, value)| format!("{name:<34} {}\n", rounded(*value))).collect();
    print(&text)
}

type Figures = Vec<(&'static str, f64)>;

async fn over_bearers(
    arguments: &FleetArguments,
    folder: &std::path::Path,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let broker = match &arguments.broker {
        Some(_) => None,
        None => Some(Broker::start(folder)?),
    };
    let url = arguments.broker.clone().or_else(|| broker.as_ref().map(Broker::url)).unwrap_or_default();
    let places = Places::at(&folder.join("platform"))?;
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
    let client_id = format!("counterfoil-bench-{:08x}", SystemChance.draw() as u32);
    let listens = Listens {
        air: LOCAL,
        http: LOCAL,
        operations: LOCAL,
        operations_names: Vec::new(),
        operations_tls: false,
        public_url: None,
        chirpstack: Some(Settings { client_id, ..Settings::at(url.clone()) }),
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
    let (merchant, _) = app.add_merchant("bench").await?;
    let maker = OrderMaker::batch(app.clone(), [merchant]);
    let time = Duration::from_secs(arguments.seconds);

    tell(&format!("{} cards on LoRaWAN", arguments.cards));
    let (images, cards) = prepare(&app, &places, arguments.cards, new_device).await?;
    let channels: Vec<ChannelId> = images.iter().map(|image| image.link().channel).collect();
    let (crowd, end) = Crowd::loose(images);
    let network = NetworkServer::start(&url, channels, end).await?;
    platform.chirpstack_connected().await?;
    let load = Load { crowd: Arc::new(crowd), maker: maker.clone(), cards: Arc::new(cards) };
    tell("each pays once, so that its next hello is brief");
    load.once(arguments.in_flight).await?;
    tell(&format!("the highest load over MQTT for {} s", arguments.seconds));
    let highest = load.closed(arguments.in_flight, time).await?;
    let rate = highest.per_second();
    figures.push(("mqtt_uplinks_per_s", 2.0 * rate));
    tell(&format!("half of it for {} s: from an event to its command", arguments.seconds));
    network.forget();
    let half = load.open(rate / 2.0, time).await?;
    figures.push(("event_to_command_p99_ms", network.percentile_ms(0.99)));
    figures.push(("event_to_command_p50_ms", network.percentile_ms(0.50)));
    figures.push(("mqtt_failed", (highest.failed + half.failed) as f64));
    drop(network);

    tell(&format!("{} cards on CoAP", arguments.cards));
    let (images, cards) = prepare(&app, &places, arguments.cards, new_channel).await?;
    let crowd = Arc::new(Crowd::new(images, platform.air, SOCKETS).await?);
    let load = Load { crowd, maker, cards: Arc::new(cards) };
    introduce(&load).await?;
    tell(&format!("the highest load over CoAP for {} s", arguments.seconds));
    let highest = load.closed(arguments.in_flight, time).await?;
    figures.push(("coap_uplinks_per_s", 2.0 * highest.per_second()));
    figures.push((
        "coap_hello_to_transaction_p99_ms",
        percentile(&highest.times, 0.99, |t| t.hello_to_transaction),
    ));
    figures.push(("coap_failed", highest.failed as f64));
    let differences = app.store().read(|rows| rows.balance_differences()).await?;
    if !differences.is_empty() {
        return Err("the ledger does not balance after the load".into());
    }
    platform.stop().await;
    Ok(())
}

/// A DevEUI of nobody's.
fn new_device() -> Result<ChannelId, model::ChannelError> {
    ChannelId::new(ChannelKind::DevEui, ((SystemChance.draw() >> 64) as u64).to_be_bytes())
}

/// A registry of so many channels that say nothing, in a database of its own.
async fn registry(
    arguments: &FleetArguments,
    folder: &std::path::Path,
    figures: &mut Figures,
) -> Result<(), Failure> {
    const FEW: u32 = 10_000;
    let store = store::sqlite::open(&folder.join("registry.db"))?;
    let before = resident_bytes();
    let many = arguments.channels.max(FEW);
    import_file(&store, folder, 0, FEW).await?;
    figures.push(("list_p99_ms_10_thousand", pages_ms(&store)?));
    tell(&format!("{many} channels from a file"));
    let took = import_file(&store, folder, FEW, many).await?;
    // As if all had come in this one file.
    figures.push(("import_million_s", took.as_secs_f64() * 1_000_000.0 / f64::from((many - FEW).max(1))));
    figures.push(("list_p99_ms_million", pages_ms(&store)?));
    let each = resident_bytes().saturating_sub(before) as f64 / f64::from(many);
    figures.push(("bytes_per_silent_channel", each));
    figures.push(("channels", f64::from(many)));
    Ok(())
}

async fn import_file(
    store: &Store,
    folder: &std::path::Path,
    from: u32,
    to: u32,
) -> Result<Duration, Failure> {
    let path = folder.join(format!("channels-{to}.csv"));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path)?);
    writeln!(file, "channel,bearer,application,name,group,tags")?;
    for number in from..to {
        // A maker's block, in order, as lists of radios are.
        let id = 0x70b3_d57e_d000_0000 + u64::from(number);
        let (group, tag) = (number % 20, number % 500);
        writeln!(file, "deveui:{id:016x},chirpstack,app-1,card {number},group {group},batch-{tag}")?;
    }
    file.flush()?;
    let began = Instant::now();
    let bytes = std::fs::read(&path)?;
    let options = ImportOptions { digest: Sha256::digest(&bytes).into(), ..ImportOptions::default() };
    let stop = AtomicBool::new(false);
    let now = SystemClock.now();
    let done = import(store, now, bytes.as_slice(), &options, &stop, |_| Ok(()), |_| {}).await?.done;
    let took = began.elapsed();
    if done.added != u64::from(to - from) {
        return Err(format!("{} of {} channels were imported", done.added, to - from).into());
    }
    std::fs::remove_file(&path)?;
    Ok(took)
}

/// The 99th percentile of a page, over all kinds of lists and from anywhere in them, in milliseconds.
fn pages_ms(store: &Store) -> Result<f64, Failure> {
    let group = store.peek(|rows| rows.group_of_name("group 7"))?;
    let silent = Some(fleet::Presence::Unheard);
    let filters = [
        ChannelFilter::default(),
        ChannelFilter { presence: silent, ..ChannelFilter::default() },
        ChannelFilter { group, ..ChannelFilter::default() },
        ChannelFilter { group, presence: silent, ..ChannelFilter::default() },
        ChannelFilter { tag: Some("batch-77".into()), ..ChannelFilter::default() },
    ];
    let mut took = Vec::new();
    for turn in 0..PAGES {
        for (place, filter) in filters.iter().enumerate() {
            let random = SystemChance.draw();
            let id = 0x70b3_d57e_d000_0000 + (random >> 64) as u64 % 1_000_000;
            let after = ChannelId::new(ChannelKind::DevEui, id.to_be_bytes())?;
            // A search by name, of the beginning of one, among them.
            let typed =
                if turn % 5 == 4 && place == 0 { format!("card {}", random % 1_000) } else { String::new() };
            let after = typed.is_empty().then_some(server::fleet::Cursor::Channel(after));
            let began = Instant::now();
            store.peek(|rows| find(rows, &typed, filter.clone(), after.as_ref(), ROWS))?;
            took.push(began.elapsed());
        }
    }
    took.sort_unstable();
    let index = took.len().saturating_sub(1) * 99 / 100;
    Ok(took.get(index).map_or(0.0, |took| took.as_secs_f64() * 1_000.0))
}
