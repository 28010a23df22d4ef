//! The stage: a bank on disk, two terminals with their working keys, and as many wallet cards as a story wants.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crypto::{PinBlock, TerminalSuite};
use keystore::SealedFile;
use model::{Amount, Asn, Currency, Fen, HolderReference, IndustryCode, PurseTime, TerminalId, UnixMillis};
use packs::Industries;
use payment::{AccountKind, LoadState, TransferId};
use server::app::Funding;
use server::bank::{Bank, BankRules, NewBankCard, NewWallet, Refused};
use server::{App, Chance, Clock, Metrics, Rules};
use sha2::{Digest as _, Sha256};
use sim::wallet::SoftWallet;
use store::{
    SmsCode, SmsState, StoreError, StoredLoad, StoredTerminal, TerminalState, Unit, Wallet, WalletState,
    WorkingKey,
};
use tap::card::{WalletImage, WalletKeys};
use tap::{SequenceMark, SmsAnswer, Transaction};
use tempfile::TempDir;

use crate::till::{KEY_ID, Till};
use crate::vault;

/// 2026-11-24T02:00:00Z, ten in the morning in China.
pub(crate) const MORNING: UnixMillis = UnixMillis(1_795_485_600_000);
/// What the holder has: ten million yuan, so that no torture runs dry.
const FUNDS: i64 = 1_000_000_000;
pub(crate) const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);
pub(crate) const OTHER_TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x51]);
pub(crate) const HOLDER: HolderReference = HolderReference(7);
pub(crate) const PIN: &str = "246810";
pub(crate) const SMS_DIGITS: [u8; 6] = *b"135790";

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

    pub(crate) fn one_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<T: Copy>(&self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

impl Chance for Dice {
    fn draw(&self) -> u128 {
        u128::from(self.throw()) << 64 | u128::from(self.throw())
    }
}

/// Where the holder's money is, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Money {
    pub(crate) debited: i64,
    pub(crate) set_aside: i64,
    pub(crate) on_cards: i64,
}

/// How a counter opens.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) industries: Industries,
    pub(crate) rules: BankRules,
    pub(crate) funds: i64,
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        Self { seed, industries: Industries::examples(), rules: BankRules::default(), funds: FUNDS }
    }
}

/// A bank that can be killed and started again on what it kept.
pub(crate) struct Counter {
    folder: TempDir,
    keys: Arc<SealedFile>,
    clock: Arc<TestClock>,
    pub(crate) dice: Arc<Dice>,
    pub(crate) bank: Bank,
    pub(crate) industries: Arc<Industries>,
    tills: [Till; 2],
    funds: i64,
    pub(crate) bank_card: String,
}

impl Counter {
    /// Opens in the morning.
    pub(crate) async fn open(seed: u64) -> Self {
        Self::open_as(Plan::of(seed)).await
    }

    pub(crate) async fn open_as(plan: Plan) -> Self {
        let Plan { seed, industries, rules, funds } = plan;
        let folder = tempfile::tempdir().unwrap();
        let industries = Arc::new(industries);
        let keys = Arc::new(vault::make_keys(&folder.path().join("keys.cfks"), &industries));
        let clock = Arc::new(TestClock(AtomicI64::new(MORNING.0)));
        let dice = Arc::new(Dice::new(seed));
        let bank = start(&database(&folder), &keys, &clock, &dice, &industries, rules);
        let tills = [TERMINAL, OTHER_TERMINAL].map(|id| Till::new(&keys, id));
        let bank_card = String::new();
        let mut counter = Self { folder, keys, clock, dice, bank, industries, tills, funds, bank_card };
        counter.furnish().await;
        counter
    }

    async fn furnish(&mut self) {
        self.bank.app().add_holder(HOLDER, "Li Na", "document").await.unwrap();
        let amount = Amount::new(self.funds, Currency::CNY).unwrap();
        self.bank.app().fund(Funding { id: TransferId(1), holder: HOLDER, amount }).await.unwrap();
        let new = NewBankCard { holder: HOLDER, phone: "+8613800000000".into(), pin: PIN.parse().unwrap() };
        self.bank_card = self.bank.add_bank_card(new).await.unwrap();
        for id in [TERMINAL, OTHER_TERMINAL] {
            self.register(id, TerminalState::Active).await;
        }
    }

    /// A terminal with a working key, in whatever state.
    pub(crate) async fn register(&self, id: TerminalId, state: TerminalState) {
        let now = self.now();
        self.write(move |unit| {
            unit.add_terminal(&StoredTerminal {
                id,
                name: "kiosk".into(),
                state,
                suite: TerminalSuite::Aes128Gcm,
                master_version: 1,
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
                expires_at: now.plus(12 * 3_600_000),
                mark: SequenceMark::default(),
            })
        })
        .await;
    }

    /// The keys of a terminal that nobody need have registered.
    pub(crate) fn till_of(&self, id: TerminalId) -> Till {
        Till::new(&self.keys, id)
    }

    pub(crate) async fn write(
        &self,
        mut work: impl FnMut(&mut dyn Unit) -> Result<(), StoreError> + Send + 'static,
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
        self.bank =
            start(&database(&self.folder), &self.keys, &self.clock, &self.dice, &self.industries, rules);
    }

    /// A wallet card from the bank's own issue, activated by the stroke of a pen.
    pub(crate) async fn active_card(&self) -> (Asn, SoftWallet) {
        self.active_card_made(|_| {}).await
    }

    /// The same, and its maker wrote something else into it, too.
    pub(crate) async fn active_card_made(&self, edit: impl FnOnce(&mut WalletImage)) -> (Asn, SoftWallet) {
        self.active_card_of(bus(), edit).await
    }

    pub(crate) async fn active_card_of(
        &self,
        industry: IndustryCode,
        edit: impl FnOnce(&mut WalletImage),
    ) -> (Asn, SoftWallet) {
        let (asn, mut image) = self.new_card(industry).await;
        let today = PurseTime::at(self.now());
        image.memory.set_validity(today.date(), today.date_years_later(10));
        edit(&mut image);
        self.change_wallet(asn, |wallet| {
            wallet.state = WalletState::Active;
            wallet.activated_at = Some(MORNING);
        })
        .await;
        (asn, self.put_into_plastic(image))
    }

    /// A card of this image, whose random numbers are the dice's.
    pub(crate) fn put_into_plastic(&self, image: WalletImage) -> SoftWallet {
        let dice = self.dice.clone();
        SoftWallet::scripted(image, move |bytes| bytes.fill_with(|| dice.throw().to_be_bytes()[0]))
    }

    pub(crate) async fn change_wallet(&self, asn: Asn, change: impl Fn(&mut Wallet) + Send + 'static) {
        self.write(move |unit| {
            let mut wallet = unit.wallet(asn)?.unwrap();
            change(&mut wallet);
            unit.put_wallet(&wallet)
        })
        .await;
    }

    /// A wallet card as its maker hands it out.
    pub(crate) async fn new_card(&self, industry: IndustryCode) -> (Asn, WalletImage) {
        let new = NewWallet { industry, bank_card: self.bank_card.clone() };
        let issued = self.bank.issue_wallet(new).await.unwrap();
        let maker = vault::card_makers_key();
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
        self.sms_at(TERMINAL, asn, amount).await
    }

    pub(crate) async fn sms_at(&self, terminal: TerminalId, asn: Asn, amount: Fen) -> SmsAnswer {
        let (reference, now) = (self.dice.draw().to_be_bytes(), self.now());
        self.write(move |unit| {
            unit.add_sms_code(&SmsCode {
                reference,
                terminal,
                asn,
                transaction: Transaction::Load.number(),
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

    pub(crate) fn till(&self, terminal: TerminalId) -> &Till {
        self.tills.iter().find(|till| till.id == terminal).unwrap()
    }

    pub(crate) fn pin(&self, asn: Asn) -> PinBlock {
        self.pin_at(TERMINAL, asn)
    }

    pub(crate) fn pin_at(&self, terminal: TerminalId, asn: Asn) -> PinBlock {
        self.till(terminal).pin_block(asn, PIN, &self.dice)
    }

    /// A message from a terminal to the bank and its answer, opened. It takes a second and a bit, so that no
    /// two orders to a card carry the same time.
    pub(crate) async fn exchange_at(&self, terminal: TerminalId, message: &str) -> Result<String, Refused> {
        self.pass(1_100);
        let till = self.till(terminal);
        let (header, request) = till.seal(message, &self.dice);
        Ok(till.open(&header, &self.bank.answer(&request).await?))
    }

    pub(crate) fn unfinished(&self, asn: Asn) -> Option<StoredLoad> {
        self.bank.app().store().peek(|rows| rows.unfinished_load(asn)).unwrap()
    }

    /// All loads of a card, newest first.
    pub(crate) fn stored_loads(&self, asn: Asn) -> Vec<StoredLoad> {
        let all = self.bank.app().store().peek(|rows| rows.loads_before(None, None, 10_000)).unwrap();
        all.into_iter().filter(|stored| stored.load.asn == asn).collect()
    }

    pub(crate) fn loads(&self, asn: Asn) -> Vec<(LoadState, Fen)> {
        self.stored_loads(asn).iter().map(|stored| (stored.load.state, stored.load.amount)).collect()
    }

    /// What the issuer was told of a card.
    pub(crate) fn alarms(&self, asn: Asn) -> Vec<String> {
        let all = self.bank.app().store().peek(|rows| rows.alarms(1_000)).unwrap();
        let of_card = all.into_iter().filter(|alarm| {
            alarm.subject.as_ref().is_some_and(|subject| subject.starts_with(&asn.to_string()))
        });
        of_card.map(|alarm| alarm.kind).collect()
    }

    /// What the books say; and that they are sound.
    pub(crate) fn money(&self) -> Money {
        let wrong = self.bank.app().store().peek(|rows| rows.balance_differences()).unwrap();
        assert!(wrong.is_empty(), "{wrong:?}");
        self.money_by_the_accounts()
    }

    /// What the accounts say, without counting all transfers again.
    pub(crate) fn money_by_the_accounts(&self) -> Money {
        let (holder, on_cards) = self
            .bank
            .app()
            .store()
            .peek(|rows| {
                let mut on_cards = 0;
                for industry in self.industries.all() {
                    let code = i64::from(industry.product.code.number());
                    let float = rows.account_of(AccountKind::LoadFloat, code, Currency::CNY)?;
                    on_cards += float.map_or(0, |account| account.posted);
                }
                let holder = rows.account_of(AccountKind::Holder, HOLDER.0.cast_signed(), Currency::CNY)?;
                Ok((holder.unwrap(), on_cards))
            })
            .unwrap();
        Money { debited: self.funds - holder.posted, set_aside: holder.pending_out, on_cards }
    }
}

fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("counterfoil.db")
}

fn start(
    database: &Path,
    keys: &Arc<SealedFile>,
    clock: &Arc<TestClock>,
    dice: &Arc<Dice>,
    industries: &Arc<Industries>,
    rules: BankRules,
) -> Bank {
    let store = store::sqlite::open(database).unwrap();
    let metrics = Arc::new(Metrics::new());
    let app = App::new(store, keys.clone(), clock.clone(), dice.clone(), Rules::default(), metrics);
    Bank::new(app, keys.clone(), vault::names(), industries.clone(), rules)
}
