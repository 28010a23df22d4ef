//! The demonstration's tap rail: the bank's two servers over HTTPS, a terminal that is enrolled there with a
//! one-time code, and three software wallet cards.

use std::sync::Arc;
use std::time::Duration;

use crypto::{Pin, TerminalSuite, TransportKey};
use keystore::SealedFile;
use model::{Asn, HolderReference, IndustryCode, TerminalId};
use packs::{Industries, example_signer};
use server::bank::{Bank, NewBankCard};
use server::security::{Security, SmsGateway};
use server::{App, Chance as _, Clock as _, SystemChance, SystemClock};
use sim::Links;
use sim::outbox::Outbox;
use sim::wallet::face::FieldHost;
use sim::wallet::{Field, SoftReader, SoftWallet, WalletFile};
use terminal::face::{Face, FaceOptions};
use terminal::{Asked, AttachedReader, Cost, EnrolRequest, Events, Opening, Passphrase, ServerUrl, Terminal};

use super::notes::Notes;
use super::{Ports, local};
use crate::cli::Failure;
use crate::keys;
use crate::places::Places;
use crate::platform::{Listener, address_of, bind};
use crate::tap::{TapListens, TapRail, open_bank};
use crate::wallet;

/// The bank card's PIN. A demonstration's welcome says it; nobody else's does.
const PIN: &str = "246810";
const PHONE: &str = "+8613812345678";
/// The terminal's number.
const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);
/// How long the software reader waits for a card before it says that there is none.
const READER_WAIT: Duration = Duration::from_millis(50);

/// A wallet card of the demonstration.
struct DemoWallet {
    asn: Asn,
    industry: IndustryCode,
    card: SoftWallet,
}

/// The rail while it runs.
pub(super) struct DemoTap {
    rail: TapRail,
    terminal: Terminal,
    reader: AttachedReader,
    field: Field,
    wallets: Vec<DemoWallet>,
    face: Face,
    host: FieldHost,
    outbox: Outbox,
    links: Links,
    listeners: Vec<Listener>,
}

/// What the bank's end is made of, before anything listens.
pub(super) fn open(app: &App, key_store: &Arc<SealedFile>, places: &Places) -> Result<Bank, Failure> {
    let folder = places.industries();
    if !folder.exists() {
        packs::write_examples(&folder)?;
    }
    let industries = Arc::new(Industries::load(&folder, &[example_signer()])?);
    keys::add_bank_keys(key_store, &industries, SystemClock.now())?;
    if !places.tls().exists() {
        server::tls::dev_certificates(&places.tls(), &[], SystemClock.now(), false)?;
    }
    open_bank(app.clone(), key_store.clone(), industries)
}

/// The first time: a bank card, and three wallet cards.
pub(super) async fn furnish(bank: &Bank, places: &Places, notes: &mut Notes) -> Result<(), Failure> {
    if notes.bank_card.is_empty() {
        let holder: HolderReference = notes.holder.parse()?;
        let new = NewBankCard { holder, phone: PHONE.into(), pin: PIN.parse()? };
        notes.bank_card = bank.add_bank_card(new).await?;
        notes.save(places)?;
    }
    if notes.wallets.is_empty() {
        let maker: TransportKey = keys::card_maker_key(places)?;
        for industry in bank.industries().all() {
            let code = industry.pack.code;
            let (asn, _) =
                wallet::make(bank, &maker, code, &notes.bank_card, |asn| places.wallet(asn)).await?;
            notes.wallets.push((asn.to_string(), code.to_string()));
        }
        notes.save(places)?;
    }
    Ok(())
}

impl DemoTap {
    /// Starts the bank's servers, enrols the terminal, and activates the first card as a holder would.
    pub(super) async fn start(
        bank: &Bank,
        places: &Places,
        notes: &Notes,
        ports: Ports,
    ) -> Result<Self, Failure> {
        // The pages' addresses are known before anybody names them.
        let pages = bind("the terminal's pages", local(ports.terminal), "--port").await?;
        let hand = bind("the wallet cards' field", local(ports.field), "--port").await?;
        let phone = bind("the phone's messages", local(ports.outbox), "--port").await?;
        let at = |listener, port| format!("http://{}/", address_of(listener, local(port)));
        let home = at(&pages, ports.terminal);
        let links = Links {
            settings: format!("{home}settings"),
            home,
            field: at(&hand, ports.field),
            outbox: at(&phone, ports.outbox),
        };
        let tls = places.tls();
        let listens = TapListens {
            transaction: local(ports.transaction),
            security: local(ports.security),
            certificate: tls.join("server.pem"),
            private_key: tls.join("server.key"),
            gateway: Some(SmsGateway {
                url: format!("{}messages", links.outbox),
                headers: Default::default(),
                template: r#"{"to": "{phone}", "text": "{text}"}"#.into(),
                authorities: None,
            }),
            pack_signers: vec![example_signer()],
        };
        let rail = TapRail::start(bank.clone(), listens).await?;
        let terminal = enrolled(bank, &rail, places).await?;
        let field = Field::new();
        let reader = AttachedReader::new("software reader", SoftReader::new(field.clone(), READER_WAIT))?;
        let wallets: Vec<DemoWallet> = notes
            .wallets
            .iter()
            .map(|(asn, industry)| {
                let asn: Asn = asn.parse()?;
                let card = SoftWallet::new(WalletFile::open(&places.wallet(asn))?);
                Ok(DemoWallet { asn, industry: industry.parse()?, card })
            })
            .collect::<Result<_, Failure>>()?;
        let held =
            wallets.iter().filter_map(|wallet| Some((wallet.card.clone(), terminal.pack(wallet.industry)?)));
        let host = FieldHost::new(field.clone(), held, links.clone());
        let outbox = Outbox::new(links.clone());
        let options = FaceOptions {
            field: Some(links.field.clone()),
            outbox: Some(links.outbox.clone()),
            ..FaceOptions::default()
        };
        let face = Face::new(terminal.clone(), vec![reader.clone()], &options);
        let listeners = vec![
            Listener::serve(pages, terminal::face::router(face.clone())),
            Listener::serve(hand, sim::wallet::face::router(host.clone())),
            Listener::serve(phone, sim::outbox::router(outbox.clone())),
        ];
        let demo = Self { rail, terminal, reader, field, wallets, face, host, outbox, links, listeners };
        demo.activate_first().await?;
        Ok(demo)
    }

    /// Where everything is, for the welcome.
    pub(super) fn welcome(&self) -> String {
        let mut text = format!(
            "\n\
             \x20 the terminal, for a phone's screen      {}\n\
             \x20 its field, to hold and tear the cards   {}\n\
             \x20 the phone with its SMS codes            {}\n\
             \x20 the bank card's PIN                     {PIN}\n",
            self.links.home, self.links.field, self.links.outbox,
        );
        for wallet in &self.wallets {
            let name =
                self.terminal.pack(wallet.industry).map_or_else(String::new, |pack| pack.names.en.clone());
            let state =
                if wallet.card.image().memory.is_activated() { "activated" } else { "to be activated" };
            text += &format!("    {name:<8} card •••• {:04}, {state}\n", wallet.asn.last_four());
        }
        text += &format!(
            "  the bank's servers                      https://{}  https://{}\n",
            self.rail.transaction, self.rail.security,
        );
        text
    }

    /// The first card is ready to be loaded; the others are for whoever looks.
    async fn activate_first(&self) -> Result<(), Failure> {
        let Some(first) = self.wallets.iter().find(|w| !w.card.image().memory.is_activated()) else {
            return Ok(());
        };
        if self.wallets.iter().any(|wallet| wallet.card.image().memory.is_activated()) {
            return Ok(());
        }
        let pin: Pin = PIN.parse()?;
        self.field.hold(&first.card);
        let opening = Opening {
            industry: first.industry,
            card: Some(first.asn),
            card_pin: None,
            asked: Asked::Activation { pin },
        };
        let (events, _watcher) = Events::new();
        let ending = self.terminal.run(opening, &self.reader, events).await;
        self.field.remove();
        if ending.outcome() == Some(tap::Outcome::Activated) {
            return Ok(());
        }
        Err(format!("the first wallet card was not activated: {}", ending.report.english()).into())
    }

    pub(super) async fn stop(self) {
        self.host.close();
        self.outbox.close();
        self.face.stop().await;
        for listener in self.listeners {
            listener.stop().await;
        }
        self.terminal.close().await;
        self.rail.stop().await;
    }
}

/// A demonstration enrols its terminal anew at each start: its ports may be others, and nobody keeps its passphrase.
async fn enrolled(bank: &Bank, rail: &TapRail, places: &Places) -> Result<Terminal, Failure> {
    let folder = places.terminal();
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let security = Security::new(bank.clone(), Vec::new());
    let code = security.register_terminal(TERMINAL, "demonstration", TerminalSuite::Aes128Gcm).await?;
    let passphrase = format!("{:032x}", SystemChance.draw());
    let url = |address| format!("https://{address}").parse::<ServerUrl>();
    let request = EnrolRequest {
        terminal: TERMINAL,
        code,
        security_url: url(rail.security)?,
        transaction_url: url(rail.transaction)?,
        ca: Some(std::fs::read_to_string(places.tls().join("ca.pem"))?),
        passphrase: Passphrase::new(passphrase.clone())?,
        cost: Cost::Testing,
    };
    terminal::enrol(&folder, request).await?;
    let terminal = Terminal::open(&folder, Passphrase::new(passphrase)?).await?;
    for example in packs::examples() {
        terminal.packs().install(example.pack.as_bytes())?;
    }
    Ok(terminal)
}
