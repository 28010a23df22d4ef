//! The bank in this process, with everything that its terminals and wallet cards need to load.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use crypto::{ActivationSecret, Pin, TerminalKeyReference, TerminalKeys as _, TransportKey};
use keystore::{Environment, SealedFile};
use model::{Amount, Asn, Currency, Fen, IndustryCode, PurseTime, TerminalId};
use packs::Industries;
use payment::{LoadId, LoadState, TransferId};
use server::app::Funding;
use server::bank::{Bank, NewBankCard};
use server::tls::{DevCertificates, dev_certificates, trusting};
use server::{Chance as _, Clock as _, Rules, SystemChance, SystemClock};
use sha2::{Digest as _, Sha256};
use store::{
    BalanceDifference, SmsCode, SmsState, StoreError, StoredTerminal, TerminalState, Unit, WalletState,
    WorkingKey,
};
use tap::card::{WalletCard, WalletImage};
use tap::{DriverPack, Opening, SequenceMark, SmsAnswer, Transaction};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::terminal::{InMemory, LoadTimes, SUITE, Terminal};
use crate::card::new_holder;
use crate::cli::Failure;
use crate::database::Database;
use crate::keys;
use crate::places::Places;
use crate::platform::open_app;
use crate::tap::{TapListens, TapRail, open_bank};
use crate::wallet::make_image;

const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// What each load brings: one yuan, the least that the example allows.
const AMOUNT: Fen = Fen(100);
/// With this amount the example's card is full after a thousand loads.
pub(super) const FIELD_LOADS_MAX: u16 = 500;
/// What each holder has.
const FUNDS: i64 = 1_000_000_000;
const PIN: &str = "246810";
const SMS_DIGITS: [u8; 6] = *b"135790";
const MASTER_VERSION: u8 = 1;
const KEY_ID: u32 = 1;
const HOUR_MILLIS: i64 = 3_600_000;
/// Wallet cards that are made side by side, and rows a unit of work.
const AT_ONCE: usize = 512;

/// Which industry is measured: bus.
fn industry() -> Result<IndustryCode, Failure> {
    Ok("0101".parse()?)
}

/// A wallet card with the codes for its next loads.
struct Purse {
    asn: Asn,
    card: WalletCard,
    codes: VecDeque<SmsAnswer>,
}

/// A terminal and the cards that come to it.
pub(super) struct Stand {
    terminal: Terminal,
    purses: Vec<Purse>,
    next: usize,
}

impl Stand {
    /// Whether the card whose turn it is has no code any more; all others have as many.
    pub(super) fn is_without_codes(&self) -> bool {
        self.purses.get(self.next).is_none_or(|purse| purse.codes.is_empty())
    }

    /// The next card's next load; `None` where it has no code.
    pub(super) async fn load_next(&mut self, pack: &Arc<DriverPack>) -> Option<Result<LoadTimes, String>> {
        let count = self.purses.len();
        let purse = self.purses.get_mut(self.next)?;
        let code = purse.codes.pop_front()?;
        self.next = (self.next + 1) % count;
        Some(match opening(&self.terminal, purse.asn, code) {
            Ok(opening) => self.terminal.load(&mut InMemory(&mut purse.card), pack, opening).await,
            Err(error) => Err(error),
        })
    }

    /// The first card alone, with its terminal.
    pub(super) fn split(mut self) -> Option<FieldCard> {
        let Purse { asn, card, codes } = self.purses.pop()?;
        Some(FieldCard { terminal: self.terminal, asn, image: card.image().clone(), codes })
    }
}

/// One card that is held to one terminal's reader.
pub(super) struct FieldCard {
    pub(super) terminal: Terminal,
    pub(super) image: WalletImage,
    asn: Asn,
    codes: VecDeque<SmsAnswer>,
}

impl FieldCard {
    /// The next load's opening.
    pub(super) fn opening(&mut self) -> Result<Opening, String> {
        let code = self.codes.pop_front().ok_or("no SMS code is left")?;
        opening(&self.terminal, self.asn, code)
    }
}

fn opening(terminal: &Terminal, asn: Asn, code: SmsAnswer) -> Result<Opening, String> {
    let pin: Pin = PIN.parse().map_err(|_| "the built-in PIN was refused")?;
    let random = (SystemChance.draw() as u64).to_be_bytes();
    let block = terminal.pin_key.format4(&pin, asn, random);
    let industry = industry().map_err(|error| error.to_string())?;
    Ok(Opening::load(industry, terminal.id, asn, AMOUNT, code, block))
}

/// The bank while it runs.
pub(super) struct Stage {
    bank: Bank,
    rail: TapRail,
    keys: Arc<SealedFile>,
    maker: Arc<TransportKey>,
    pack: Arc<DriverPack>,
    certificates: DevCertificates,
    bank_cards: Vec<String>,
}

impl Stage {
    /// Starts a bank in an empty folder, with holders that have money and a bank card each.
    pub(super) async fn open(folder: &Path, holders: u16) -> Result<Self, Failure> {
        let places = Places::at(folder)?;
        let now = SystemClock.now();
        let passphrase = keystore::Passphrase::new(format!("{:032x}", SystemChance.draw()))?;
        let keys = Arc::new(keys::create(&places, &passphrase, Environment::Test, now)?);
        let industries = Arc::new(Industries::examples());
        keys::add_bank_keys(&keys, &industries, now)?;
        let maker = Arc::new(keys::card_maker_key(&places)?);
        let pack = industries.get(industry()?).ok_or("the example industry is not there")?.pack.clone();
        let app = open_app(&Database::Embedded(places.database()), keys.clone(), Rules::default())?;
        let bank = open_bank(app, keys.clone(), industries)?;
        let certificates = dev_certificates(&folder.join("tls"), &[], now, false)?;
        let listens = TapListens {
            transaction: LOCAL,
            security: LOCAL,
            certificate: certificates.certificate.clone(),
            private_key: certificates.key.clone(),
            gateway: None,
            pack_signers: Vec::new(),
        };
        let rail = TapRail::start(bank.clone(), listens).await?;
        let mut stage = Self { bank, rail, keys, maker, pack, certificates, bank_cards: Vec::new() };
        for _ in 0..holders {
            let bank_card = stage.new_bank_card().await?;
            stage.bank_cards.push(bank_card);
        }
        Ok(stage)
    }

    pub(super) fn pack(&self) -> Arc<DriverPack> {
        Arc::clone(&self.pack)
    }

    async fn new_bank_card(&self) -> Result<String, Failure> {
        let (app, holder) = (self.bank.app(), new_holder());
        app.add_holder(holder, "bench", "bench").await?;
        let amount = Amount::new(FUNDS, Currency::CNY)?;
        app.fund(Funding { id: TransferId(SystemChance.draw()), holder, amount }).await?;
        let pin = PIN.parse().map_err(|_| "the built-in PIN was refused")?;
        Ok(self.bank.add_bank_card(NewBankCard { holder, phone: "+8613800000000".into(), pin }).await?)
    }

    /// Terminals with their keys, and wallet cards dealt out to them.
    pub(super) async fn stands(&self, terminals: u16, wallets: u32) -> Result<Vec<Stand>, Failure> {
        let mut stands = Vec::with_capacity(usize::from(terminals));
        for number in 0..terminals {
            let terminal = self.new_terminal(number).await?;
            stands.push(Stand { terminal, purses: Vec::new(), next: 0 });
        }
        // Each has at least one.
        let count = (wallets as usize).max(stands.len());
        for (index, purse) in self.new_purses(count).await?.into_iter().enumerate() {
            let stand = index % stands.len();
            stands[stand].purses.push(purse);
        }
        Ok(stands)
    }

    /// A terminal with one card, for the reader.
    pub(super) async fn field_stand(&self) -> Result<Stand, Failure> {
        Ok(Stand { terminal: self.new_terminal(u16::MAX).await?, purses: self.new_purses(1).await?, next: 0 })
    }

    /// A terminal as if it had been activated and had asked for its working key.
    async fn new_terminal(&self, number: u16) -> Result<Terminal, Failure> {
        let [high, low] = number.to_be_bytes();
        let id = TerminalId([0, 0, 0, 1, high, low]);
        let root = keys::bank_keys()?.terminal_root;
        let secret = ActivationSecret::from_bytes(SystemChance.draw().to_be_bytes());
        let (wrapped, _) = self.keys.wrap_terminal_master(root, id, MASTER_VERSION, &secret)?;
        let master = secret.unwrap(id, &wrapped)?;
        let reference = TerminalKeyReference {
            root,
            terminal: id,
            master_version: MASTER_VERSION,
            key_id: KEY_ID,
            suite: SUITE,
        };
        let (working, _) = self.keys.wrap_working_keys(&reference)?;
        let (message_key, pin_key) = master.unwrap_working(&working, SUITE)?;
        let now = self.bank.app().now();
        self.write(move |unit| {
            unit.add_terminal(&StoredTerminal {
                id,
                name: "bench".into(),
                state: TerminalState::Active,
                suite: SUITE,
                master_version: MASTER_VERSION,
                activation: None,
                key_id: KEY_ID,
                mark: SequenceMark::default(),
                heard_at: None,
                created_at: now,
            })?;
            unit.add_working_key(&WorkingKey {
                terminal: id,
                key_id: KEY_ID,
                issued_at: now,
                expires_at: now.plus(12 * HOUR_MILLIS),
                mark: SequenceMark::default(),
            })
        })
        .await?;
        Ok(Terminal::new(id, KEY_ID, message_key, pin_key))
    }

    /// Wallet cards from the bank's own issue, active, of the holders in turn.
    async fn new_purses(&self, count: usize) -> Result<Vec<Purse>, Failure> {
        let industry = industry()?;
        let mut purses = Vec::with_capacity(count);
        while purses.len() < count {
            let mut made = JoinSet::new();
            let bank_cards = self.bank_cards.iter().cycle().skip(purses.len() % self.bank_cards.len());
            for bank_card in bank_cards.take(AT_ONCE.min(count - purses.len())) {
                let (bank, maker) = (self.bank.clone(), Arc::clone(&self.maker));
                let bank_card = bank_card.clone();
                made.spawn(async move {
                    let made = make_image(&bank, &maker, industry, &bank_card).await;
                    made.map_err(|error| error.to_string())
                });
            }
            let mut asns = Vec::with_capacity(made.len());
            let now = self.bank.app().now();
            let today = PurseTime::at(now);
            while let Some(one) = made.join_next().await {
                let (asn, mut image) = one??;
                image.memory.set_validity(today.date(), today.date_years_later(10));
                asns.push(asn);
                purses.push(Purse { asn, card: WalletCard::personalise(image), codes: VecDeque::new() });
            }
            self.write(move |unit| {
                for asn in &asns {
                    let mut wallet =
                        unit.wallet(*asn)?.ok_or(StoreError::Malformed("a wallet that went away"))?;
                    (wallet.state, wallet.activated_at) = (WalletState::Active, Some(now));
                    unit.put_wallet(&wallet)?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(purses)
    }

    /// Shakes hands for every terminal.
    pub(super) async fn connect(&self, stands: &mut [Stand]) -> Result<(), Failure> {
        let tls = TlsConnector::from(Arc::new(trusting(Some(&self.certificates.authority))?));
        for stand in stands {
            stand.terminal.connect(self.rail.transaction, tls.clone()).await?;
        }
        Ok(())
    }

    /// Puts SMS codes for so many more loads into the store, each card the same number.
    pub(super) async fn give_codes(&self, stands: &mut [Stand], loads: usize) -> Result<(), Failure> {
        let cards = stands.iter().map(|stand| stand.purses.len()).max().unwrap_or(0);
        let each = loads.div_ceil(stands.iter().map(|stand| stand.purses.len()).sum::<usize>().max(1));
        let mut rows = Vec::with_capacity(loads);
        // As if they had been asked for in the order in which they will be used, one a millisecond.
        let mut moment = self.bank.app().now();
        for _ in 0..each {
            for offset in 0..cards {
                for stand in stands.iter_mut() {
                    let index = (stand.next + offset) % stand.purses.len();
                    let (id, asn) = (stand.terminal.id, stand.purses[index].asn);
                    if offset >= stand.purses.len() || stand.purses[index].codes.len() >= each {
                        continue;
                    }
                    moment = moment.plus(1);
                    let reference = LoadId::from_time_and_random(moment, SystemChance.draw());
                    let reference = reference.0.to_be_bytes();
                    rows.push(code_row(reference, id, asn, moment));
                    let code = tap::SmsCode::new(SMS_DIGITS)?;
                    stand.purses[index].codes.push_back(SmsAnswer { reference, code });
                }
            }
        }
        for rows in rows.chunks(AT_ONCE) {
            let rows = rows.to_vec();
            self.write(move |unit| rows.iter().try_for_each(|code| unit.add_sms_code(code))).await?;
        }
        Ok(())
    }

    /// From now on one holder pays for all cards.
    pub(super) async fn one_holder(&self, stands: &[Stand]) -> Result<(), Failure> {
        let number = self.bank_cards.first().ok_or("no bank card was made")?;
        let asns: Vec<Asn> = stands.iter().flat_map(|stand| &stand.purses).map(|purse| purse.asn).collect();
        for asns in asns.chunks(AT_ONCE) {
            let (asns, number) = (asns.to_vec(), number.clone());
            self.write(move |unit| {
                for asn in &asns {
                    let mut wallet =
                        unit.wallet(*asn)?.ok_or(StoreError::Malformed("a wallet that went away"))?;
                    wallet.bank_card.clone_from(&number);
                    unit.put_wallet(&wallet)?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    pub(super) async fn balance_differences(&self) -> Result<Vec<BalanceDifference>, Failure> {
        Ok(self.bank.app().store().read(|rows| rows.balance_differences()).await?)
    }

    /// How many loads ended with their money posted.
    pub(super) async fn posted_loads(&self) -> Result<u64, Failure> {
        let counts = self.bank.app().store().read(|rows| rows.load_counts()).await?;
        Ok(counts.iter().filter(|count| count.state == LoadState::Closed).map(|count| count.count).sum())
    }

    pub(super) async fn stop(self) {
        self.rail.stop().await;
    }

    async fn write(
        &self,
        work: impl FnMut(&mut dyn Unit) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), Failure> {
        Ok(self.bank.app().store().write(work).await?)
    }
}

/// A code as the security server keeps it.
fn code_row(reference: [u8; 16], terminal: TerminalId, asn: Asn, now: model::UnixMillis) -> SmsCode {
    SmsCode {
        reference,
        terminal,
        asn,
        transaction: Transaction::Load.number(),
        amount: Some(AMOUNT),
        digest: Sha256::new().chain_update(reference).chain_update(SMS_DIGITS).finalize().into(),
        tries_left: 3,
        state: SmsState::Waiting,
        created_at: now,
        expires_at: now.plus(HOUR_MILLIS),
    }
}
