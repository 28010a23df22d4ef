//! `bench list`: pages of a long list of orders, at any place in it, over the merchant interface.
//!
//! One merchant has half of the orders and a thousand others the rest, made in one row of time as in life. What is timed is a
//! whole request over loopback: key, limits, database, JSON.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use keystore::Environment;
use model::{Amount, CardId, Currency, PlaceId, UnixMillis};
use operator::Rate;
use payment::{MerchantId, Order, OrderId, OrderState, TransferId};
use server::{App, Chance as _, Clock as _, Rules, SystemChance, SystemClock};
use store::StoredOrder;
use tokio::task::JoinSet;

use super::air::rounded;
use super::ground::Ground;
use super::process::resident_bytes;
use crate::cli::{Failure, print, runtime};
use crate::config::LogFormat;
use crate::keys;
use crate::log;
use crate::places::Places;
use crate::platform::{Listens, Platform, open_app};

const LOCAL: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
/// Orders of one unit of work, and units of work on their way.
const TOGETHER: u32 = 256;
const ON_THE_WAY: usize = 64;
/// Merchants that share the other half.
const OTHERS: u32 = 1_000;
/// Milliseconds from one order to the next: a million in about a day.
const APART: i64 = 80;
/// How often is told how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(crate) struct ListArguments {
    /// Where: sqlite, or the address of an empty PostgreSQL database
    #[arg(long, value_name = "WHERE", default_value = "sqlite")]
    database: String,
    /// Orders in the list
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    orders: u32,
    /// Pages that are asked for, of each length and from each kind of place
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    pages: u32,
    /// Where the file is measured; without it, the system's temporary folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn list(arguments: &ListArguments) -> Result<ExitCode, Failure> {
    log::start("error", LogFormat::Text)?;
    runtime()?.block_on(measure(arguments))
}

async fn measure(arguments: &ListArguments) -> Result<ExitCode, Failure> {
    let temporary = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir()?;
    let places = Places::unused(arguments.data.as_deref().unwrap_or(temporary.path()))?;
    let passphrase = keystore::Passphrase::new(format!("{:032x}", SystemChance.draw()))?;
    let key_store = keys::create(&places, &passphrase, Environment::Test, SystemClock.now())?;
    let rules = Rules {
        // One merchant and one address do what many would.
        key_rate: Rate { per_second: 1_000_000, burst: 1_000_000 },
        address_rate: Rate { per_second: 1_000_000, burst: 1_000_000 },
        ..Rules::default()
    };
    let ground = Ground::of(&arguments.database, &places)?;
    ground.must_be_empty()?;
    let app = open_app(&ground.database(), Arc::new(key_store), rules)?;
    let (big, key) = app.add_merchant("bench").await?;
    let began = Instant::now();
    let ids = fill(&app, arguments.orders, big).await?;
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
    let platform = Platform::start(app.clone(), None, None, listens, coap::Config::default()).await?;
    let asking = Asking {
        client: reqwest::Client::builder().no_proxy().build()?,
        url: format!("http://{}/v1/orders", platform.http),
        key: key.reveal().to_owned(),
        pages: arguments.pages,
    };
    let filled = began.elapsed().as_secs_f64();
    eprintln!("bench list: {} pages of each kind …", arguments.pages);
    let mut figures = Vec::new();
    for (length, first, anywhere) in [
        (
            20,
            ["first_page_of_20_p50_ms", "first_page_of_20_p99_ms"],
            ["any_page_of_20_p50_ms", "any_page_of_20_p99_ms"],
        ),
        (
            100,
            ["first_page_of_100_p50_ms", "first_page_of_100_p99_ms"],
            ["any_page_of_100_p50_ms", "any_page_of_100_p99_ms"],
        ),
    ] {
        figures.extend(first.into_iter().zip(asking.took_ms(length, |_| None).await?));
        let somewhere = |turn: u32| {
            let place = SystemChance.draw() % ids.len() as u128;
            // The very last page is asked for, too.
            let place = if turn == 0 { 0 } else { place as usize };
            ids.get(place).copied()
        };
        figures.extend(anywhere.into_iter().zip(asking.took_ms(length, somewhere).await?));
    }
    figures.push(("filled_in_s", filled));
    figures.push(("orders", f64::from(arguments.orders)));
    figures.push(("rss_mib", resident_bytes() as f64 / (1024.0 * 1024.0)));
    platform.stop().await;
    if arguments.json {
        let mut object: serde_json::Map<String, serde_json::Value> =
            figures.iter().map(|(name, value)| ((*name).to_owned(), rounded(*value).into())).collect();
        object.insert("database".into(), ground.engine().into());
        return print(&format!("{}\n", serde_json::Value::Object(object)));
    }
    let text: String =
        figures.iter().map(|(name, value)| format!("{name:<30} {}\n", rounded(*value))).collect();
    print(&text)
}

/// Writes so many orders, the oldest first; the ids of the big merchant's.
async fn fill(app: &App, count: u32, big: MerchantId) -> Result<Vec<OrderId>, Failure> {
    let begin = app.now().0 - i64::from(count) * APART;
    let (began, mut told) = (Instant::now(), Instant::now());
    let (mut ids, mut units) = (Vec::new(), JoinSet::new());
    for from in (0..count).step_by(TOGETHER as usize) {
        let orders = (from..count.min(from + TOGETHER))
            .map(|number| order(number, begin, big))
            .collect::<Result<Vec<_>, model::AmountError>>()?;
        ids.extend(orders.iter().map(|stored| &stored.order).filter(|o| o.merchant == big).map(|o| o.id));
        let store = app.store().clone();
        units.spawn(async move {
            let write = move |unit: &mut dyn store::Unit| orders.iter().try_for_each(|o| unit.add_order(o));
            store.write::<_, store::StoreError, _>(write).await.map_err(|error| format!("{error:?}"))
        });
        while units.len() >= ON_THE_WAY {
            units.join_next().await.transpose()?.transpose()?;
        }
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            eprintln!("bench list: {from} of {count} orders after {} s …", began.elapsed().as_secs());
        }
    }
    while let Some(written) = units.join_next().await {
        written??;
    }
    Ok(ids)
}

fn order(number: u32, begin: i64, big: MerchantId) -> Result<StoredOrder, model::AmountError> {
    let at = UnixMillis(begin + i64::from(number) * APART);
    let merchant = if number.is_multiple_of(2) { big } else { MerchantId(1_000 + number / 2 % OTHERS) };
    Ok(StoredOrder {
        order: Order {
            id: OrderId::from_time_and_random(at, SystemChance.draw()),
            merchant,
            card: CardId(number % 10_000),
            amount: Amount::new(2_000, Currency::CNY)?,
            place: PlaceId(0),
            presses: None,
            state: OrderState::Paid,
            reservation: TransferId(SystemChance.draw()),
            created_at: at,
            expires_at: at.plus(180_000),
        },
        text: Some("breakfast".into()),
        reference: Some(format!("invoice {number}")),
        return_url: None,
        updated_at: at,
    })
}

/// Whoever asks for pages.
struct Asking {
    client: reqwest::Client,
    url: String,
    key: String,
    pages: u32,
}

impl Asking {
    /// The middle and the 99th percentile of a page of so many, below where `before` says, in milliseconds.
    async fn took_ms(
        &self,
        length: u32,
        before: impl Fn(u32) -> Option<OrderId>,
    ) -> Result<[f64; 2], Failure> {
        let mut took = Vec::new();
        for turn in 0..self.pages {
            let below = before(turn).map(|id| format!("&before={id}")).unwrap_or_default();
            let url = format!("{}?limit={length}{below}", self.url);
            let began = Instant::now();
            let answer = self.client.get(url).bearer_auth(&self.key).send().await?.error_for_status()?;
            let bytes = answer.bytes().await?;
            took.push(began.elapsed());
            let page: serde_json::Value = serde_json::from_slice(&bytes)?;
            let got = page.get("data").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
            if below.is_empty() && got != length as usize {
                return Err(format!("a page of {length} has {got}").into());
            }
        }
        took.sort_unstable();
        Ok([50, 99].map(|percent| {
            let index = took.len().saturating_sub(1) * percent / 100;
            took.get(index).map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
        }))
    }
}
