//! `card …`: the issuer's counter, and a software card as a process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use crypto::{Suite, TransportKey};
use model::{CardId, ChannelId, Currency, HolderReference};
use payment::CardEvent;
use server::app::{Binding, Issued, NewCard};
use server::{App, Chance as _, SystemChance};
use sim::face::{CardHost, router};
use sim::{CardImage, FlashFile, Options, SoftElement, SoftwareCard};

use crate::cli::{ConfigArguments, Failure, address, card_id, holder_reference, print, runtime};
use crate::config::LogFormat;
use crate::database::Database;
use crate::keys::{self, CardKeys, card_keys};
use crate::log;
use crate::places::Places;
use crate::platform::{Listener, StopSignals, address_of, bind as bind_port, open_app};

/// How long a new card is valid.
const VALID_MILLIS: i64 = 5 * 365 * 24 * 3_600 * 1_000;

pub(crate) const EXAMPLES: &str = "\
Examples:
  counterfoil card issue --channel imei:356938035643809
  counterfoil card bind card_00c0ffee --holder hld_0000000000000001 --name 'Li Na' --document G12345678
  counterfoil card run data/cards/card_00c0ffee.json    # a software card, with its face in the browser
  counterfoil card freeze card_00c0ffee
  counterfoil card alarms";

#[derive(Args)]
pub(crate) struct IssueArguments {
    /// The holder that the card is made for; without it, a new reference
    #[arg(long, value_parser = holder_reference)]
    holder: Option<HolderReference>,
    /// The radio channel: imei:356938035643809, deveui:70b3d57ed0000001, …; without it, a random EUI-64
    #[arg(long)]
    channel: Option<ChannelId>,
    /// The card has no display
    #[arg(long)]
    blind: bool,
    /// The card listens between its own frames: orders can be pushed to it
    #[arg(long)]
    listens: bool,
    /// The card agrees to no payment above this many minor units
    #[arg(long)]
    limit: Option<u32>,
    /// Where the software card is written; without it, in the data folder
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct ReinjectArguments {
    /// The card: card_ and 8 hexadecimal digits
    #[arg(value_parser = card_id)]
    card: CardId,
    /// The software card; without it, in the data folder
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct BindArguments {
    /// The card: card_ and 8 hexadecimal digits
    #[arg(value_parser = card_id)]
    card: CardId,
    /// The holder that it was made for
    #[arg(long, value_parser = holder_reference)]
    holder: HolderReference,
    /// The person's name
    #[arg(long)]
    name: String,
    /// The number of the document that proves it; only its digest is kept
    #[arg(long)]
    document: String,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct OneCard {
    /// The card: card_ and 8 hexadecimal digits
    #[arg(value_parser = card_id)]
    card: CardId,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct ListArguments {
    /// Begin after this card
    #[arg(long, value_parser = card_id)]
    after: Option<CardId>,
    /// How many
    #[arg(long, default_value_t = 100)]
    limit: u32,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct AlarmArguments {
    /// How many
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct RunArguments {
    /// The software card that `card issue` wrote
    #[arg(value_name = "FILE")]
    image: PathBuf,
    /// The platform's base station
    #[arg(long, value_parser = address, default_value = "127.0.0.1:5683", value_name = "HOST:PORT")]
    platform: SocketAddr,
    /// Where the card's face is served: the page with its light and key
    #[arg(long, default_value = "127.0.0.1:8083", value_name = "ADDRESS:PORT")]
    face: SocketAddr,
}

/// A counter that is open: the platform's store and keys.
struct Counter {
    app: App,
    places: Places,
    keys: CardKeys,
}

impl Counter {
    fn open(arguments: &ConfigArguments) -> Result<Self, Failure> {
        let config = arguments.load()?;
        let places = Places::at(&config.data)?;
        let passphrase = keys::passphrase(&config.keys.passphrase_file)?;
        let key_store = keys::open(&places, &passphrase, keys::environment(config.keys.environment))?;
        let app = open_app(&Database::of(&config, &places)?, key_store, config.rules())?;
        Ok(Self { app, places, keys: card_keys()? })
    }
}

/// What a new card is to be.
pub(crate) struct Order {
    pub(crate) holder: HolderReference,
    pub(crate) channel: ChannelId,
    pub(crate) has_display: bool,
    pub(crate) listens: bool,
    pub(crate) limit: Option<u32>,
    pub(crate) printed_name: String,
}

/// S0 in one act: the key goes into the platform's key store and, through the card maker, into the card.
pub(crate) async fn make(
    app: &App,
    keys: CardKeys,
    maker: &TransportKey,
    order: Order,
) -> Result<(Issued, CardImage), Failure> {
    let issued = app
        .issue_card(NewCard {
            holder: order.holder,
            channel: order.channel,
            suite: Suite::Aes128Eax,
            has_display: order.has_display,
            listens: order.listens,
            valid_until: app.now().plus(VALID_MILLIS),
            master: keys.master,
            transport: keys.transport,
        })
        .await?;
    let element =
        SoftElement::inject(&issued.wrapped_key, maker, issued.check_value, issued.link, issued.information)?;
    let mut image = CardImage::new(element);
    image.printed_name = order.printed_name;
    image.has_display = order.has_display;
    image.listens = order.listens;
    image.amount_minor_max = order.limit;
    image.currency = order.limit.map(|_| Currency::CNY);
    Ok((issued, image))
}

/// A new holder's reference.
pub(crate) fn new_holder() -> HolderReference {
    HolderReference((SystemChance.draw() >> 64) as u64)
}

/// A channel for a card that has no radio of its own.
pub(crate) fn new_channel() -> Result<ChannelId, model::ChannelError> {
    ChannelId::new(model::ChannelKind::Eui64, ((SystemChance.draw() >> 64) as u64).to_be_bytes())
}

pub(crate) fn issue(arguments: IssueArguments) -> Result<ExitCode, Failure> {
    let counter = Counter::open(&arguments.config)?;
    let maker = keys::card_maker_key(&counter.places)?;
    let order = Order {
        holder: arguments.holder.unwrap_or_else(new_holder),
        channel: arguments.channel.map_or_else(new_channel, Ok)?,
        has_display: !arguments.blind,
        listens: arguments.listens,
        limit: arguments.limit,
        printed_name: String::new(),
    };
    let (issued, image) = runtime()?.block_on(make(&counter.app, counter.keys, &maker, order))?;
    let id = issued.information.card_id;
    let path = arguments.out.unwrap_or_else(|| counter.places.card(id));
    image.save(&path)?;
    FlashFile::create(&CardImage::flash_path(&path), &image.link())?;
    print(&format!(
        "{id} {} for {} on {}\ncheck value {}\nsoftware card in {}\nNext: counterfoil card bind {id} --holder {} --name … --document …\n",
        issued.information.number,
        issued.information.holder,
        issued.link.channel,
        issued.check_value,
        path.display(),
        issued.information.holder,
    ))
}

/// A card that lost its memory comes back with a fresh key and a blank memory.
pub(crate) fn reinject(arguments: ReinjectArguments) -> Result<ExitCode, Failure> {
    let counter = Counter::open(&arguments.config)?;
    let maker = keys::card_maker_key(&counter.places)?;
    let path = arguments.image.unwrap_or_else(|| counter.places.card(arguments.card));
    let old = CardImage::load(&path)?;
    let CardKeys { master, transport } = counter.keys;
    let issued = runtime()?.block_on(counter.app.reinject_card(arguments.card, master, transport))?;
    let element = SoftElement::inject(
        &issued.wrapped_key,
        &maker,
        issued.check_value,
        issued.link,
        issued.information,
    )?;
    CardImage { element, ..old }.save(&path)?;
    FlashFile::create(&CardImage::flash_path(&path), &issued.link)?;
    let version = issued.link.key_version.get();
    print(&format!("{} has key version {version}, check value {}\n", arguments.card, issued.check_value))
}

pub(crate) fn bind(arguments: BindArguments) -> Result<ExitCode, Failure> {
    let counter = Counter::open(&arguments.config)?;
    let BindArguments { card, holder, name, document, .. } = arguments;
    if name.trim().is_empty() || document.trim().is_empty() {
        return Err("a holder has a name and a document".into());
    }
    runtime()?.block_on(counter.app.bind_card(Binding { card, holder, name, document }))?;
    print(&format!("{card} is bound to {holder}.\n"))
}

pub(crate) fn unbind(arguments: OneCard) -> Result<ExitCode, Failure> {
    let counter = Counter::open(&arguments.config)?;
    runtime()?.block_on(counter.app.unbind_card(arguments.card))?;
    print(&format!("{} is bound to nobody.\n", arguments.card))
}

pub(crate) fn freeze(arguments: OneCard) -> Result<ExitCode, Failure> {
    change(arguments, CardEvent::Freeze, "is frozen")
}

pub(crate) fn unfreeze(arguments: OneCard) -> Result<ExitCode, Failure> {
    change(arguments, CardEvent::Unfreeze, "may pay again")
}

fn change(arguments: OneCard, event: CardEvent, done: &str) -> Result<ExitCode, Failure> {
    let counter = Counter::open(&arguments.config)?;
    runtime()?.block_on(counter.app.card_event(arguments.card, event))?;
    print(&format!("{} {done}.\n", arguments.card))
}

pub(crate) fn list(arguments: ListArguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let database = Database::of(&config, &Places::at(&config.data)?)?;
    let store = database.open_known()?;
    let (after, limit) = (arguments.after, arguments.limit);
    let cards = store.peek(|rows| rows.cards_after(after, limit))?;
    let mut text =
        String::from("CARD           NUMBER          STATE    KEY  CHANNEL                   HOLDER\n");
    for summary in cards {
        let record = &summary.card.record;
        let holder = record.bound_to.map(|holder| holder.to_string()).unwrap_or_else(|| "not bound".into());
        text += &format!(
            "{}  {:<15} {:<8} {:<4} {:<25} {holder}\n",
            summary.card.id(),
            record.information.number.to_string(),
            record.life_cycle.name(),
            summary.card.key_version.get(),
            summary.card.channel.to_string(),
        );
    }
    print(&text)
}

/// What the issuer was told, newest first.
pub(crate) fn alarms(arguments: AlarmArguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let database = Database::of(&config, &Places::at(&config.data)?)?;
    let alarms = database.open_known()?.peek(|rows| rows.alarms(arguments.limit))?;
    let mut text = String::from("WHEN                     CARD                  ALARM\n");
    for alarm in alarms {
        let card = alarm.card.map(|card| card.to_string()).or(alarm.subject).unwrap_or_default();
        text += &format!("{:<23}  {card:<20}  {}\n", server::web::moment(alarm.at), alarm.kind);
    }
    print(&text)
}

/// Switches a software card on.
pub(crate) async fn switch_on(
    image: CardImage,
    flash: FlashFile,
    platform: SocketAddr,
) -> Result<SoftwareCard, Failure> {
    Ok(SoftwareCard::start(image, flash, Options::to(platform)).await?)
}

pub(crate) fn run(arguments: RunArguments) -> Result<ExitCode, Failure> {
    log::start("warn", LogFormat::Text)?;
    let image = CardImage::load(&arguments.image)?;
    // Opened, not made: a card whose memory is gone must be re-injected, not start again at zero.
    let flash = FlashFile::open(&CardImage::flash_path(&arguments.image), &image.link())?;
    runtime()?.block_on(async {
        let card = switch_on(image, flash, arguments.platform).await?;
        let listener = bind_port("the card's face", arguments.face, "--face").await?;
        let face = address_of(&listener, arguments.face);
        let id = card.information().card_id;
        let mut stop = StopSignals::listen()?;
        print(&format!(
            "{id} is on and speaks to coap://{}/cf.\nIts face: http://{face}{}\nCtrl-C switches it off.\n",
            arguments.platform,
            CardHost::path(&card),
        ))?;
        let listener = Listener::serve(listener, router(CardHost::new([card.clone()])));
        stop.asked().await;
        listener.stop().await;
        card.stop().await;
        print("Switched off.\n")
    })
}
