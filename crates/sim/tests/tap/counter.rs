//! The stage: a bank on disk, one terminal with its working key, and as many wallet cards as a story wants.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crypto::{
    ActivationSecret, Direction, KeyName, MessageKey, Pin, PinBlock, PinKey, TerminalKeyReference,
    TerminalKeys as _, TerminalSuite, TransportKey,
};
use keystore::{Component, Cost, Custodian, Environment, KeyEvent, KeyUse, Passphrase, SealedFile};
use model::{Amount, Asn, Currency, Fen, HolderReference, IndustryCode, PurseTime, TerminalId, UnixMillis};
use packs::Industries;
use payment::{AccountKind, LoadState, TransferId};
use server::app::Funding;
use server::bank::{Bank, BankKeyNames, BankRules, NewBankCard, NewWallet};
use server::{App, Chance, Clock, Metrics, Rules};
use sha2::{Digest as _, Sha256};
use sim::wallet::SoftWallet;
use store::{
    SmsCode, SmsState, StoredLoad, StoredTerminal, TerminalState, WalletState, WorkingKey,
};
use tap::card::{WalletImage, WalletKeys};
use tap::{Header, RefusalCode, SequenceMark, SmsAnswer};
use tempfile::TempDir;

/// 2026-11-24T02:00:00Z, ten in the morning in China.
const MORNING: UnixMillis = UnixMillis(1_795_485_600_000);
/// What the holder has: ten million yuan, so that no torture runs dry.
pub(crate) const FUNDS: i64 = 1_000_000_000;
pub(crate) const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);
pub(crate) const HOLDER: HolderReference = HolderReference(7);
pub(crate) const PIN: &str = "246810";
const SMS_DIGITS: [u8; 6] = *b"135790";
const KEY_ID: u32 = 1;
const PARTS: [[u8; 32]; 2] = [[0x5a; 32], [0x33; 32]];

pub(crate) fn bus() -> IndustryCode {
    "0101".parse().unwrap()
}

pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

/// SplitMix64. It goes on where it was when the bank is restarted.
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub(crate) fn throw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.throw() % end
    }
}

impl Chance for Dice {
    fn draw(&self) -> u128 {
        u128::from(self.throw()) << 64 | u128::from(self.throw())
    }
}

/// Where the holder's money is, in fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Money {
    pub(crate) debited: i64,
    pub(crate) set_aside: i64,
    pub(crate) on_cards: i64,
}

/// A bank that can be killed and started again on what it kept.
pub(crate) struct Counter {
    folder: TempDir,
    keys: Arc<SealedFile>,
    clock: Arc<TestClock>,
    pub(crate) dice: Arc<Dice>,
    pub(crate) bank: Bank,
    pub(crate) industries: Arc<Industries>,
    message_key: MessageKey,
    pin_key: PinKey,
    sequence: AtomicU64,
    bank_card: String,
}

impl Counter {
    /// Opens in the morning.
    pub(crate) async fn open(seed: u64) -> Self {
        Self::open_with(seed, Industries::examples(), BankRules::default()).await
    }

    pub(crate) async fn open_with(seed: u64, industries: Industries, rules: BankRules) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let industries = Arc::new(industries);
        let keys = Arc::new(make_keys(&folder.path().join("keys.cfks"), &industries));
        let clock = Arc::new(TestClock(AtomicI64::new(MORNING.0)));
        let dice = Arc::new(Dice::new(seed));
        let bank = start(&database(&folder), &keys, &clock, &dice, &industries, rules);
        let secret = ActivationSecret::from_bytes([7; 16]);
        let (wrapped, _) = keys.wrap_terminal_master(root(), TERMINAL, 1, &secret).unwrap();
        let master = secret.unwrap(TERMINAL, &wrapped).unwrap();
        let reference = TerminalKeyReference {
            root: root(),
            terminal: TERMINAL,
            master_version: 1,
            key_id: KEY_ID,
            suite: TerminalSuite::Aes128Gcm,
        };
        let (working, _) = keys.wrap_working_keys(&reference).unwrap();
        let (message_key, pin_key) = master.unwrap_working(&working, TerminalSuite::Aes128Gcm).unwrap();
        let mut counter = Self {
            folder,
            keys,
            clock,
            dice,
            bank,
            industries,
            message_key,
            pin_key,
            sequence: AtomicU64::new(0),
            bank_card: String::new(),
        };
        counter.furnish().await;
        counter
    }

    async fn furnish(&mut self) {
        let now = self.now();
        self.bank.app().add_holder(HOLDER, "Li Na", "document").await.unwrap();
        let amount = Amount::new(FUNDS, Currency::CNY).unwrap();
        self.bank.app().fund(Funding { id: TransferId(1), holder: HOLDER, amount }).await.unwrap();
        let new = NewBankCard { holder: HOLDER, phone: "+8613800000000".into(), pin: PIN.parse().unwrap() };
        self.bank_card = self.bank.add_bank_card(new).await.unwrap();
        self.write(move |unit| {
            unit.add_terminal(&StoredTerminal {
                id: TERMINAL,
                name: "kiosk".into(),
                state: TerminalState::Active,
                suite: TerminalSuite::Aes128Gcm,
                master_version: 1,
                activation: None,
                key_id: KEY_ID,
                mark: SequenceMark::default(),
                heard_at: None,
                created_at: now,
            })?;
            unit.add_working_key(&WorkingKey {
                terminal: TERMINAL,
                key_id: KEY_ID,
                issued_at: now,
                expires_at: now.plus(12 * 3_600_000),
                mark: SequenceMark::default(),
            })
        })
        .await;
    }

    pub(crate) async fn write(
        &self,
        mut work: impl FnMut(&mut dyn store::Unit) -> Result<(), store::StoreError> + Send + 'static,
    ) {
        self.bank.app().store().write(move |unit| work(unit)).await.unwrap();
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    pub(crate) fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// `kill -9` and a new start: all that is left is what was durable.
    pub(crate) fn kill(&mut self) {
        let rules = self.bank.rules().clone();
        self.bank = start(
            &database(&self.folder),
            &self.keys,
            &self.clock,
            &self.dice,
            &self.industries,
            rules,
        );
    }

    /// A wallet card from the bank's own issue, activated by the stroke of a pen.
    pub(crate) async fn active_card(&self) -> (Asn, SoftWallet) {
        let (asn, mut image) = self.new_card(bus()).await;
        let today = PurseTime::at(self.now());
        image.memory.set_validity(today.date(), today.date_years_later(10));
        self.write(move |unit| {
            let mut wallet = unit.wallet(asn)?.unwrap();
            wallet.state = WalletState::Active;
            wallet.activated_at = Some(MORNING);
            unit.put_wallet(&wallet)
        })
        .await;
        (asn, SoftWallet::new(image))
    }

    /// A wallet card as its maker hands it out.
    pub(crate) async fn new_card(&self, industry: IndustryCode) -> (Asn, WalletImage) {
        let new = NewWallet { industry, bank_card: self.bank_card.clone() };
        let issued = self.bank.issue_wallet(new).await.unwrap();
        let maker = TransportKey::from_components(&PARTS);
        let key = |wrapped: &(crypto::WrappedPurseKey, crypto::CheckValue)| {
            maker.unwrap_purse_key(&wrapped.0).unwrap()
        };
        let keys = WalletKeys::new(
            key(&issued.load),
            key(&issued.purchase),
            key(&issued.tac),
            key(&issued.maintenance),
        );
        let industry = self.industries.get(industry).unwrap();
        let mut image = WalletImage::new(&industry.pack.aid, issued.asn, keys);
        image.memory.set_issuer(issued.issuer);
        (issued.asn, image)
    }

    /// The answer to an SMS code that the bank is made to have sent.
    pub(crate) async fn sms(&self, asn: Asn, amount: Fen) -> SmsAnswer {
        let (reference, now) = (self.dice.draw().to_be_bytes(), self.now());
        self.write(move |unit| {
            unit.add_sms_code(&SmsCode {
                reference,
                terminal: TERMINAL,
                asn,
                transaction: tap::Transaction::Load.number(),
                amount: Some(amount),
                digest: Sha256::new().chain_update(reference).chain_update(SMS_DIGITS).finalize().into(),
                tries_left: 3,
                state: SmsState::Waiting,
                created_at: now,
                expires_at: now.plus(300_000),
            })
        })
        .await;
        SmsAnswer { reference, code: tap::SmsCode::new(SMS_DIGITS).unwrap() }
    }

    pub(crate) fn pin(&self, asn: Asn) -> PinBlock {
        self.pin_block(asn, PIN)
    }

    pub(crate) fn pin_block(&self, asn: Asn, digits: &str) -> PinBlock {
        let pin: Pin = digits.parse().unwrap();
        self.pin_key.format4(&pin, asn, self.dice.throw().to_be_bytes())
    }

    /// An envelope under the next sequence.
    pub(crate) fn seal(&self, message: &str) -> (Header, Vec<u8>) {
        let sequence = self.sequence.fetch_add(1, Ordering::SeqCst) + 1;
        let header =
            Header { suite: TerminalSuite::Aes128Gcm, terminal: TERMINAL, key_id: KEY_ID, sequence };
        let nonce = &self.dice.draw().to_be_bytes()[..12];
        let sealed =
            tap::envelope::seal(&self.message_key, Direction::ToBank, &header, nonce, message.as_bytes());
        (header, sealed.unwrap())
    }

    /// A message to the bank and its answer, opened.
    pub(crate) async fn exchange(&self, message: &str) -> Result<String, RefusalCode> {
        self.pass(20);
        let (header, request) = self.seal(message);
        let answer = self.bank.answer(&request).await.map_err(|refused| refused.code)?;
        let text = tap::envelope::open_answer(&self.message_key, &header, &answer).unwrap();
        Ok(String::from_utf8(text).unwrap())
    }

    pub(crate) fn unfinished(&self, asn: Asn) -> Option<StoredLoad> {
        self.bank.app().store().peek(|rows| rows.unfinished_load(asn)).unwrap()
    }

    pub(crate) fn loads(&self, asn: Asn) -> Vec<(LoadState, Fen)> {
        let all = self.bank.app().store().peek(|rows| rows.loads_before(None, None, 10_000)).unwrap();
        let of_card = all.into_iter().filter(|stored| stored.load.asn == asn);
        of_card.map(|stored| (stored.load.state, stored.load.amount)).collect()
    }

    /// What the books say; and that they are sound.
    pub(crate) fn money(&self) -> Money {
        let store = self.bank.app().store();
        let (holder, cards, wrong) = store
            .peek(|rows| {
                Ok((
                    rows.account_of(AccountKind::Holder, HOLDER.0.cast_signed(), Currency::CNY)?.unwrap(),
                    rows.account_of(AccountKind::LoadFloat, i64::from(bus().number()), Currency::CNY)?,
                    rows.balance_differences()?,
                ))
            })
            .unwrap();
        assert!(wrong.is_empty(), "{wrong:?}");
        Money {
            debited: FUNDS - holder.posted,
            set_aside: holder.pending_out,
            on_cards: cards.map_or(0, |account| account.posted),
        }
    }
}

fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("counterfoil.db")
}

fn start(
    database: &std::path::Path,
    keys: &Arc<SealedFile>,
    clock: &Arc<TestClock>,
    dice: &Arc<Dice>,
    industries: &Arc<Industries>,
    rules: BankRules,
) -> Bank {
    let store = store::sqlite::open(database).unwrap();
    let metrics = Arc::new(Metrics::new());
    let app = App::new(store, keys.clone(), clock.clone(), dice.clone(), Rules::default(), metrics);
    let names = BankKeyNames {
        terminal_root: root(),
        pin_verification: name("pin-verification-1"),
        transport: name("transport-1"),
    };
    Bank::new(app, keys.clone(), names, industries.clone(), rules)
}

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn root() -> KeyName {
    name("terminal-root-1")
}

/// The custodians' ceremony, with the bank's keys and those of every product.
fn make_keys(path: &std::path::Path, industries: &Industries) -> SealedFile {
    let mut next = 7_u8;
    let mut entropy = |bytes: &mut [u8]| {
        for byte in bytes {
            next = next.wrapping_mul(5).wrapping_add(3);
            *byte = next;
        }
        Ok(())
    };
    let passphrase = Passphrase::new("eight horses at the gate".into()).unwrap();
    let store =
        SealedFile::create(path, &passphrase, Environment::Test, Cost::Testing, &mut entropy).unwrap();
    let custodians = ["li", "wang"].map(|name| Custodian::new(name).unwrap());
    let components = [0, 1].map(|i| Component {
        custodian: &custodians[i],
        bytes: zeroize::Zeroizing::new(PARTS[i].to_vec()),
        check_value: TransportKey::from_bytes(PARTS[i]).check_value(),
    });
    let transport = name("transport-1");
    let check = TransportKey::from_components(&PARTS).check_value();
    store.import_components(transport, KeyUse::WrapCardKeys, &components, check, MORNING).unwrap();
    store.set_state(transport, KeyEvent::Activate, &custodians[1], MORNING).unwrap();
    let mut wanted =
        vec![(root(), KeyUse::DeriveTerminalKeys), (name("pin-verification-1"), KeyUse::VerifyPins)];
    for industry in industries.all() {
        let keys = industry.product.keys;
        wanted.extend([
            (keys.load, KeyUse::LoadPurses),
            (keys.tac, KeyUse::ProvePurses),
            (keys.purchase, KeyUse::BuyWithPurses),
            (keys.maintenance, KeyUse::MaintainPurses),
        ]);
    }
    for (name, key_use) in wanted {
        store.generate(name, key_use, &custodians[0], MORNING, &mut entropy).unwrap();
        store.set_state(name, KeyEvent::Activate, &custodians[1], MORNING).unwrap();
    }
    store
}
