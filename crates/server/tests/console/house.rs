//! A bank with a real database and a real key store, and its operators' listener.

use std::path::Path;
use std::sync::Arc;

use crypto::{KeyName, PurseCode, TerminalSuite};
use keystore::{Cost, Custodian, Environment, KeyEvent, KeyUse, Passphrase, SealedFile};
use model::{
    Amount, Asn, Currency, Fen, HolderReference, IndustryCode, OnlineCounter, PurseTime, TerminalId,
    UnixMillis,
};
use operator::Role;
use packs::Industries;
use payment::{AccountKind, Load, LoadId, LoadState, PendingTransfer, TransferId};
use server::app::Funding;
use server::bank::{Bank, BankKeyNames, BankRules, NewBankCard};
use server::http::Api;
use server::security::Security;
use server::{App, Fleet, Metrics, Operators, Rules, web};
use store::{
    LoadAttempt, Reading, StoreError, StoredLoad, StoredTerminal, TerminalState, Unit, Wallet, WalletState,
};
use tap::SequenceMark;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::town::customer::{Answer, Customer};
use crate::town::parts::{Dice, StandingClock};
use crate::town::{EVENING, PUBLIC_URL, listen, logged_in};

pub(crate) const FUNDS: i64 = 1_000_000;
pub(crate) const PHONE: &str = "+8613912345678";
pub(crate) const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);
const HOLDER: HolderReference = HolderReference(7);

/// The bank. It ends with this value.
pub(crate) struct House {
    pub(crate) bank: Bank,
    pub(crate) security: Security,
    /// An administrator, logged in.
    pub(crate) operations: Customer,
    /// Nobody.
    pub(crate) outside: Customer,
    pub(crate) operators: Operators,
    pub(crate) clock: Arc<StandingClock>,
    pub(crate) bank_card: String,
    listener: JoinHandle<()>,
    _folder: TempDir,
}

impl Drop for House {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// What a form carries, as browsers write it.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let coded = |text: &str| -> String {
        let one = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            b' ' => "+".into(),
            other => format!("%{other:02X}"),
        };
        text.bytes().map(one).collect()
    };
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", coded(value))).collect();
    pairs.join("&")
}

pub(crate) fn bus() -> IndustryCode {
    "0101".parse().unwrap()
}

/// The serial number of the card of a number. Only its last four digits may ever be seen.
pub(crate) fn asn(n: u32) -> Asn {
    format!("6217{:016}", 9_000_000 + n).parse().unwrap()
}

/// A load of the card of this number, begun `millis` after the evening. No money is behind it.
pub(crate) fn load(millis: i64, card: u32, counter: u16, state: LoadState) -> StoredLoad {
    let created_at = EVENING.plus(millis);
    let random = u128::from(card) << 16 | u128::from(counter);
    StoredLoad {
        load: Load {
            id: LoadId::from_time_and_random(created_at, random),
            asn: asn(card),
            counter: OnlineCounter(counter),
            industry: bus(),
            amount: Fen(5_000),
            transfer: TransferId(0xfeed_0000 + random),
            state,
            created_at,
        },
        holder: HOLDER,
        authorization: [0; 16],
        terminal: TERMINAL,
        updated_at: created_at.plus(1_000),
        note: None,
        evidence: Vec::new(),
        proven: None,
    }
}

/// An attempt to write a load.
pub(crate) fn attempt(of: &StoredLoad, number: u16) -> LoadAttempt {
    LoadAttempt {
        load: of.load.id,
        number,
        terminal: TERMINAL,
        random: [1, 2, 3, 4],
        balance: Fen(7_800),
        when: PurseTime::at(of.load.created_at),
        mac2: PurseCode([0xab, 0xcd, 0xef, 0x01]),
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store::sqlite::open(&folder.path().join("bank.db")).unwrap();
        let keys = Arc::new(key_store(folder.path()));
        let (clock, dice) = (Arc::new(StandingClock::at(EVENING)), Arc::new(Dice::default()));
        let metrics = Arc::new(Metrics::new());
        let app = App::new(store, keys.clone(), clock.clone(), dice, Rules::default(), metrics);
        let names = BankKeyNames {
            terminal_root: name("terminals"),
            pin_verification: name("pins"),
            transport: name("transport"),
        };
        let industries = Arc::new(Industries::examples());
        let bank = Bank::new(app.clone(), keys, names, industries, BankRules::default());
        let fleet = Fleet::new(app.clone());
        let operators = app.operators(operator::Cost::Testing);
        let router =
            web::operations(Api::new(fleet, PUBLIC_URL), Some(bank.clone()), operators.clone(), &[], false);
        let (address, listener) = listen(router).await;

        app.add_holder(HOLDER, "王小明", "document").await.unwrap();
        let amount = Amount::new(FUNDS, Currency::CNY).unwrap();
        app.fund(Funding { id: TransferId(1), holder: HOLDER, amount }).await.unwrap();
        let new = NewBankCard { holder: HOLDER, phone: PHONE.into(), pin: "135790".parse().unwrap() };
        let bank_card = bank.add_bank_card(new).await.unwrap();
        let security = Security::new(bank.clone(), Vec::new());
        let outside = Customer::at(address);
        let operations = logged_in(&operators, outside.clone(), Role::Administrator).await;
        Self { bank, security, operations, outside, operators, clock, bank_card, listener, _folder: folder }
    }

    /// A platform that was set up just now: no bank, and nobody who may look.
    pub(crate) async fn without_operators(
        folder: &Path,
        tls: bool,
    ) -> (App, std::net::SocketAddr, JoinHandle<()>) {
        let store = store::sqlite::open(&folder.join("new.db")).unwrap();
        let keys = Arc::new(key_store(folder));
        let (clock, dice) = (Arc::new(StandingClock::at(EVENING)), Arc::new(Dice::default()));
        let app = App::new(store, keys, clock, dice, Rules::default(), Arc::new(Metrics::new()));
        let operators = app.operators(operator::Cost::Testing);
        let api = Api::new(Fleet::new(app.clone()), PUBLIC_URL);
        let (address, listener) = listen(web::operations(api, None, operators, &[], tls)).await;
        (app, address, listener)
    }

    pub(crate) fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, std::sync::atomic::Ordering::SeqCst);
    }

    pub(crate) async fn write(
        &self,
        mut work: impl FnMut(&mut dyn Unit) -> Result<(), StoreError> + Send + 'static,
    ) {
        self.bank.app().store().write(move |unit| work(unit)).await.unwrap();
    }

    pub(crate) fn read<T>(&self, reading: impl FnOnce(&dyn Reading) -> Result<T, StoreError>) -> T {
        self.bank.app().store().peek(reading).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.operations.get(path).await
    }

    /// Sends a form as one of the console's own pages does.
    pub(crate) async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send_from("same-origin", path, fields).await
    }

    pub(crate) async fn send_from(&self, site: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.operations.form_token();
        let carrying: Vec<_> = fields.iter().copied().chain([("csrf", token.as_str())]).collect();
        let request = self.operations.request("POST", path).header("Sec-Fetch-Site", site);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        Answer::to(request.body(form(&carrying))).await
    }

    pub(crate) async fn add_loads(&self, loads: Vec<StoredLoad>) {
        self.write(move |unit| {
            loads.iter().try_for_each(|load| {
                unit.add_load(load)?;
                unit.add_attempt(&attempt(load, 1))
            })
        })
        .await;
    }

    pub(crate) async fn add_wallet(&self, card: u32, state: WalletState) {
        let wallet = Wallet {
            asn: asn(card),
            industry: bus(),
            state,
            bank_card: self.bank_card.clone(),
            counter: OnlineCounter(41),
            issued_at: EVENING,
            activated_at: (state != WalletState::Issued).then_some(EVENING),
        };
        self.write(move |unit| unit.add_wallet(&wallet)).await;
    }

    /// A wallet card with a load in a state, its money set aside and two attempts made.
    pub(crate) async fn begun(&self, card: u32, state: LoadState) -> StoredLoad {
        self.add_wallet(card, WalletState::Active).await;
        let stored = load(0, card, 41, state);
        let put = stored.clone();
        self.write(move |unit| {
            let (owner, float) = (HOLDER.0.cast_signed(), i64::from(bus().number()));
            let mut from = unit.account_of(AccountKind::Holder, owner, Currency::CNY)?.unwrap();
            let mut to = unit.account_opened(AccountKind::LoadFloat, float, Currency::CNY)?;
            let amount = put.load.amount.amount().unwrap();
            let pending = PendingTransfer::reserve(put.load.transfer, amount, &mut from, &mut to).unwrap();
            unit.add_transfer(&pending, "load", EVENING)?;
            unit.put_account(&from)?;
            unit.put_account(&to)?;
            unit.add_load(&put)?;
            unit.add_attempt(&attempt(&put, 1))?;
            unit.add_attempt(&attempt(&put, 2))
        })
        .await;
        stored
    }

    /// The industry of every card, as a page in a language names it.
    pub(crate) fn industry(&self, language: &str) -> String {
        let industry = self.bank.industries().get(bus()).unwrap();
        let names = &industry.pack.names;
        assert_ne!(names.en, names.zh);
        format!("{} {}", bus(), if language == "zh" { &names.zh } else { &names.en })
    }

    pub(crate) fn load(&self, id: LoadId) -> StoredLoad {
        self.read(|rows| rows.load(id)).unwrap()
    }

    /// What the holder's account was debited with, what is set aside on it, and what is on cards; and the books are
    /// sound.
    pub(crate) fn money(&self) -> (i64, i64, i64) {
        let (holder, cards, wrong) = self.read(|rows| {
            let float = i64::from(bus().number());
            Ok((
                rows.account_of(AccountKind::Holder, HOLDER.0.cast_signed(), Currency::CNY)?.unwrap(),
                rows.account_of(AccountKind::LoadFloat, float, Currency::CNY)?,
                rows.balance_differences()?,
            ))
        });
        assert!(wrong.is_empty(), "{wrong:?}");
        (FUNDS - holder.posted, holder.pending_out, cards.map_or(0, |account| account.posted))
    }

    pub(crate) async fn add_terminal(&self, id: TerminalId, name: &str, suite: TerminalSuite) {
        let terminal = StoredTerminal {
            id,
            name: name.into(),
            state: TerminalState::Active,
            suite,
            master_version: 1,
            activation: None,
            key_id: 0,
            mark: SequenceMark::default(),
            heard_at: Some(UnixMillis(EVENING.0 - 5_000)),
            created_at: EVENING,
        };
        self.write(move |unit| unit.add_terminal(&terminal)).await;
    }

    /// That an answer is a page of this status on which nobody is told more of a card than its last four digits.
    pub(crate) fn is_page(&self, answer: &Answer, status: u16) {
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
        for secret in [self.bank_card.as_str(), PHONE, &PHONE[1..], "621700000000", "王小明"] {
            assert!(!answer.body.contains(secret), "{secret} is on the page");
        }
    }
}

fn name(name: &str) -> KeyName {
    KeyName::new(name).unwrap()
}

/// A key store with the bank's own keys.
fn key_store(folder: &Path) -> SealedFile {
    let passphrase = Passphrase::new("correct horse battery staple".into()).unwrap();
    let entropy = &mut keystore::system_entropy;
    let path = folder.join("keys");
    let store = SealedFile::create(&path, &passphrase, Environment::Test, Cost::Testing, entropy).unwrap();
    let custodian = Custodian::new("Li Na").unwrap();
    for (key, key_use) in [
        ("terminals", KeyUse::DeriveTerminalKeys),
        ("pins", KeyUse::VerifyPins),
        ("transport", KeyUse::WrapCardKeys),
        ("secrets-1", KeyUse::SealSecrets),
    ] {
        store.generate(name(key), key_use, &custodian, EVENING, entropy).unwrap();
        store.set_state(name(key), KeyEvent::Activate, &custodian, EVENING).unwrap();
    }
    store
}
