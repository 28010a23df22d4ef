//! `demo`: everything on embedded defaults. A platform, a shop and three cards; the bank's two servers, a terminal
//! and three wallet cards; each behind its own socket, just as they would stand on different machines.

mod headless;
mod notes;
mod operator;
mod tap;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use keystore::Environment;
use model::{Amount, Currency};
use payment::TransferId;
use server::app::{Binding, Funding};
use server::test_mode::{TestMode, TestRules};
use server::webhooks;
use server::{App, Chance as _, Clock as _, Rules, SystemChance, SystemClock};
use shop::{ApiKey, DeskCardConfig, DeskConfig, Shop, Url};
use sim::face::{CardHost, Framing, router};
use sim::{CardImage, FlashFile, SoftwareCard};

use self::operator::DemoOperator;
use crate::card::{Order, make, new_channel, new_holder, switch_on};
use crate::cli::{Failure, print, runtime};
use crate::config::LogFormat;
use crate::database::Database;
use crate::keys::{self, card_keys};
use crate::log;
use crate::places::{FolderLock, Places};
use crate::platform::{Listener, Listens, Platform, StartError, StopSignals, address_of, bind, open_app};
use crate::{secrets, test_mode};
use notes::Notes;
use tap::DemoTap;

/// What each holder of the demonstration has: 500 yuan.
const FUNDS_MINOR: i64 = 50_000;
/// The shop's port unless another is given; the other parts have the next eight.
const PORT: u16 = 8080;
const AIR_PORT: u16 = 5683;

pub(crate) const EXAMPLES: &str = "\
Examples:
  counterfoil demo                            # the desk, the shop, the console: it prints their addresses
  counterfoil demo --data demo                # the same, kept
  counterfoil demo --headless --decision refuse";

#[derive(Args)]
pub(crate) struct DemoArguments {
    /// Keep everything in this folder, and go on with it the next time
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The shop's port; the other parts take the next eight. 0 takes any free ones
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// The base station's UDP port
    #[arg(long, default_value_t = AIR_PORT)]
    air_port: u16,
    /// Make one purchase over the same sockets, print each step, and end: 0 when the ledger shows it paid,
    /// 3 when it ended otherwise, 1 when something failed
    #[arg(long)]
    headless: bool,
    /// What the holder does
    #[arg(long, value_enum, default_value_t = HolderDecision::Agree, requires = "headless")]
    decision: HolderDecision,
}

/// What the holder does with the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HolderDecision {
    /// Press as often as the page says
    Agree,
    /// Hold the key for 1.5 s
    Refuse,
    /// Hold the key for 5 s: the card is frozen
    NotMe,
    /// Press nothing
    Silent,
    /// Press another number than the page says
    Miscount,
}

pub(crate) fn run(arguments: DemoArguments) -> Result<ExitCode, Failure> {
    log::start("warn", LogFormat::Text)?;
    runtime()?.block_on(async {
        let temporary;
        let folder: &Path = match &arguments.data {
            Some(folder) => folder,
            None => {
                temporary = tempfile::Builder::new().prefix("counterfoil-demo-").tempdir()?;
                temporary.path()
            }
        };
        if arguments.headless {
            return headless::run(folder, arguments.decision).await;
        }
        let demo = Demo::start(folder, Ports::from(arguments.port, arguments.air_port), Rails::Both).await?;
        let mut stop = StopSignals::listen()?;
        print(&demo.welcome())?;
        stop.asked().await;
        demo.stop().await;
        print("Stopped.\n")
    })
}

/// Which ports the parts take.
#[derive(Clone, Copy, Debug)]
struct Ports {
    shop: u16,
    http: u16,
    operations: u16,
    faces: u16,
    /// The terminal's pages.
    terminal: u16,
    /// The field that wallet cards are held into.
    field: u16,
    /// The phone's messages.
    outbox: u16,
    transaction: u16,
    security: u16,
    air: u16,
}

impl Ports {
    fn from(first: u16, air: u16) -> Self {
        let next = |offset| if first == 0 { 0 } else { first.saturating_add(offset) };
        Self {
            shop: first,
            http: next(1),
            operations: next(2),
            faces: next(3),
            terminal: next(4),
            field: next(5),
            outbox: next(6),
            transaction: next(7),
            security: next(8),
            air,
        }
    }

    fn any() -> Self {
        Self::from(0, 0)
    }
}

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Which rails a demonstration has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rails {
    /// Connected cards only.
    Air,
    /// Wallet cards at a terminal too.
    Both,
}

/// Everything that runs.
struct Demo {
    platform: Platform,
    api_key: String,
    test_key: String,
    /// The demonstration's operator.
    officer: DemoOperator,
    cards: Vec<SoftwareCard>,
    shop: SocketAddr,
    faces: SocketAddr,
    listeners: Vec<Listener>,
    /// Without it in the headless demonstration, which makes a purchase and ends.
    tap: Option<DemoTap>,
    _lock: FolderLock,
}

impl Demo {
    async fn start(folder: &Path, ports: Ports, rails: Rails) -> Result<Self, Failure> {
        let places = Places::at(folder)?;
        let lock = places.lock()?;
        let mut notes = Notes::load(&places)?;
        let passphrase = notes.passphrase()?;
        let key_store = if places.key_store().exists() {
            keys::open(&places, &passphrase, Environment::Test)?
        } else {
            // The passphrase first: a key store that nobody can open is worth nothing.
            notes.save(&places)?;
            keys::create(&places, &passphrase, Environment::Test, SystemClock.now())?.into()
        };
        // A desk: whoever tries the demo has their server on this machine.
        let rules = Rules { webhook_mode: webhooks::Mode::Test, ..Rules::default() };
        let app = open_app(&Database::Embedded(places.database()), key_store.clone(), rules)?;
        if let Some(refused) = secrets::ready(app.secrets(), app.store(), &key_store).await {
            return Err(refused.into());
        }
        furnish(&app, &places, &mut notes).await?;
        let store = Database::Embedded(places.test_database()).open()?;
        let tests = test_mode::on(store, &places, Rules::default(), TestRules::default()).await?;
        give_keys(&app, &tests, &places, &mut notes).await?;
        let bank = tap::open(&app, &key_store, &places)?;

        // The shop's and the faces' addresses are known before anybody names them.
        let shop = bind("the shop", local(ports.shop), "--port").await?;
        let faces = bind("the cards' faces", local(ports.faces), "--port").await?;
        let (shop_address, faces_address) =
            (address_of(&shop, local(ports.shop)), address_of(&faces, local(ports.faces)));
        let shop_origin = format!("http://{shop_address}");
        let listens = Listens {
            air: local(ports.air),
            http: local(ports.http),
            operations: local(ports.operations),
            operations_names: Vec::new(),
            operations_tls: false,
            public_url: None,
            chirpstack: None,
            pushes: None,
            framed_by: vec![shop_origin.clone()],
            webhooks: webhooks::Settings::default(),
        };
        let officer = DemoOperator::enrol(&app).await?;
        let platform =
            Platform::start(app, Some(bank.clone()), Some(tests), listens, coap::Config::default())
                .await
                .map_err(for_demo)?;
        let mut cards = Vec::new();
        for id in &notes.cards {
            let path = places.card(*id);
            let image = CardImage::load(&path)?;
            let flash = FlashFile::open(&CardImage::flash_path(&path), &image.link())?;
            cards.push(switch_on(image, flash, platform.air).await?);
        }
        let host = CardHost::new(cards.iter().cloned()).framed_by(Framing::Origin(shop_origin.clone()));
        let tap = match rails {
            Rails::Air => None,
            Rails::Both => {
                tap::furnish(&bank, &places, &mut notes).await?;
                Some(DemoTap::start(&bank, &places, &notes, ports).await?)
            }
        };
        let counter = open_shop(&platform, &notes, &cards, &shop_origin, faces_address)?;
        Ok(Self {
            listeners: vec![Listener::serve(shop, counter.router()), Listener::serve(faces, router(host))],
            api_key: notes.api_key.clone(),
            test_key: notes.test_key.clone(),
            officer,
            platform,
            cards,
            shop: shop_address,
            faces: faces_address,
            tap,
            _lock: lock,
        })
    }

    fn welcome(&self) -> String {
        let mut text = format!(
            "Counterfoil is running. Open the first address in a browser.\n\n\
             \x20 the desk, shop and cards side by side   http://{shop}/desk\n\
             \x20 the shop                                http://{shop}/\n\
             \x20 the cards                               http://{faces}/\n",
            shop = self.shop,
            faces = self.faces,
        );
        for card in &self.cards {
            let display = if card.has_display() { "with a display" } else { "without a display" };
            text += &format!(
                "    {} {:<18}       http://{}{}\n",
                card.information().number,
                display,
                self.faces,
                CardHost::path(card)
            );
        }
        text += &format!(
            "  the operators' console                  http://{operations}/console\n\
             \x20   to log in there, once                 http://{operations}/console/enter/{link}\n\
             \x20   or again: name, password, code        {name}  {password}  {code}\n\
             \x20 the merchant interface, with docs       http://{}/docs/\n\
             \x20 its API key                             {}\n\
             \x20   or for made-up money, a test key      {}\n\
             \x20 the base station                        coap://{}/cf\n",
            self.platform.http,
            self.api_key,
            self.test_key,
            self.platform.air,
            operations = self.platform.operations,
            link = self.officer.link,
            name = DemoOperator::NAME,
            password = self.officer.password,
            code = self.officer.recovery,
        );
        if let Some(tap) = &self.tap {
            text += &tap.welcome();
        }
        text + "\nCtrl-C stops everything.\n"
    }

    async fn stop(self) {
        for listener in self.listeners {
            listener.stop().await;
        }
        for card in &self.cards {
            card.stop().await;
        }
        if let Some(tap) = self.tap {
            tap.stop().await;
        }
        self.platform.stop().await;
    }
}

/// The demonstration has no configuration: its ports are said on the command line.
fn for_demo(error: StartError) -> StartError {
    match error {
        StartError::Port { what, address, reason, setting } => {
            let setting = if setting == "air.listen" { "--air-port" } else { "--port" };
            StartError::Port { what, address, reason, setting }
        }
        StartError::Store(_)
        | StartError::ChirpStack(_)
        | StartError::Northbound(_)
        | StartError::Webhooks(_) => error,
    }
}

/// The first time: a merchant, and three cards, bound and with money.
async fn furnish(app: &App, places: &Places, notes: &mut Notes) -> Result<(), Failure> {
    if !notes.cards.is_empty() {
        return Ok(());
    }
    let (_, key) = app.add_merchant("Morning Market 早市").await?;
    notes.api_key = key.reveal().to_owned();
    let holder = new_holder();
    notes.holder = holder.to_string();
    let (keys, maker) = (card_keys()?, keys::card_maker_key(places)?);
    // With a display; without one; with one, and listening, so that orders are pushed to it.
    let kinds = [(true, false, None), (false, false, Some(100_000)), (true, true, None)];
    for (has_display, listens, limit) in kinds {
        let order = Order {
            holder,
            channel: new_channel()?,
            has_display,
            listens,
            limit,
            printed_name: "DEMO HOLDER".into(),
        };
        let (issued, image) = make(app, keys, &maker, order).await?;
        let card = issued.information.card_id;
        let path = places.card(card);
        image.save(&path)?;
        FlashFile::create(&CardImage::flash_path(&path), &image.link())?;
        let binding = Binding { card, holder, name: "Demo Holder".into(), document: "demo".into() };
        app.bind_card(binding).await?;
        notes.cards.push(card);
    }
    let amount = Amount::new(FUNDS_MINOR, Currency::CNY)?;
    app.fund(Funding { id: TransferId(SystemChance.draw()), holder, amount }).await?;
    notes.save(places)?;
    Ok(())
}

/// The demonstration's one merchant has a key of each mode. One that an earlier version made is replaced: it was no live one.
async fn give_keys(app: &App, tests: &TestMode, places: &Places, notes: &mut Notes) -> Result<(), Failure> {
    let merchant = app.store().peek(|rows| rows.merchants_after(None, 1))?.pop();
    let merchant = merchant.ok_or("the demonstration's merchant is gone; give --data another folder")?;
    if app.merchant_of_key(&notes.api_key)?.is_none() {
        notes.api_key = app.add_key(merchant.id).await?.reveal().to_owned();
    }
    if tests.app().merchant_of_key(&notes.test_key)?.is_none() {
        notes.test_key = tests.add_key(&merchant).await?.reveal().to_owned();
    }
    notes.save(places)
}

fn open_shop(
    platform: &Platform,
    notes: &Notes,
    cards: &[SoftwareCard],
    origin: &str,
    faces: SocketAddr,
) -> Result<Shop, Failure> {
    let http = format!("http://{}", platform.http);
    let desk = cards
        .iter()
        .map(|card| {
            let number = card.information().number.to_string();
            let last_four: String = number.chars().skip(number.chars().count().saturating_sub(4)).collect();
            let url = Url::parse(&format!("http://{faces}{}", CardHost::path(card)))?;
            Ok(DeskCardConfig { label: format!("•• {last_four}"), url })
        })
        .collect::<Result<_, Failure>>()?;
    Ok(Shop::new(shop::Config {
        platform: Url::parse(&http)?,
        api_key: ApiKey::new(&notes.api_key)?,
        holder: notes.holder.clone(),
        origin: Url::parse(origin)?,
        platform_origin: Url::parse(&http)?,
        place: "Morning Market 早市".into(),
        frame_ancestors: Vec::new(),
        desk: Some(DeskConfig {
            cards: desk,
            console_url: Some(Url::parse(&format!("http://{}/console", platform.operations))?),
        }),
    })?)
}
