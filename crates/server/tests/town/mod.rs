//! A small town to test in: a platform on a real database, real listeners, two merchants, and cards in hands.
//!
//! The clock stands still until somebody lets time pass, so that every story has one outcome.
#![allow(dead_code)] // Each test binary uses its own part.

pub(crate) mod customer;
pub(crate) mod hand;
pub(crate) mod keys;
pub(crate) mod parts;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crypto::Suite;
use model::{Amount, CardId, ChannelId, Currency, HolderReference, UnixMillis};
use operator::{Cost, OperatorName, Password, Role};
use payment::{MerchantId, OrderId, TransferId};
use server::app::{Binding, Funding, NewCard, NewOrder, Push, WhenBusy};
use server::bearer::{self, FrameLimit};
use server::fleet::Heard;
use server::http::Api;
use server::nodes::{Nodes, Oneself, Roles};
use server::operators::Account;
use server::test_mode::{self, TestMode, TestModeError, TestRules};
use server::webhooks::{Settings, Webhooks};
use server::{App, Fleet, Metrics, Operators, Rules, SystemClock, web};
use store::{Store, StoreError, StoredOrder};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use customer::Customer;
use hand::Hand;
use keys::Keys;
use parts::{Dice, StandingClock};

/// 2026-11-20T18:31:28Z.
pub(crate) const EVENING: UnixMillis = UnixMillis(1_795_199_488_000);

/// Longer than anything here takes. What has not come until then never comes.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Where the platform says that browsers reach it: not where it listens, so that nobody mixes them up.
pub(crate) const PUBLIC_URL: &str = "https://pay.town.example";

/// Waits, but not for ever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LIMIT, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not come within {LIMIT:?}"),
    }
}

/// A merchant and how to ask the platform in its name.
pub(crate) struct Merchant {
    pub(crate) id: MerchantId,
    pub(crate) key: String,
    pub(crate) api: Customer,
}

/// A card as it is wished for. The default is one that the simplest story wants.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) holder: u64,
    pub(crate) suite: Suite,
    pub(crate) has_display: bool,
    pub(crate) listens: bool,
    pub(crate) bound: bool,
    pub(crate) valid_millis: i64,
    /// What its holder is given, in fen.
    pub(crate) funds: i64,
    /// Its channel; by default one of its own on NB-IoT.
    pub(crate) channel: Option<ChannelId>,
    /// Whether its bearer vouches for the channel.
    pub(crate) brief: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            holder: 0x1122_3344_5566_7788,
            suite: Suite::Aes128Eax,
            has_display: true,
            listens: false,
            bound: true,
            valid_millis: 86_400_000,
            funds: 100_000,
            channel: None,
            brief: false,
        }
    }
}

/// A test mode, and the two merchants with their test keys.
pub(crate) struct Tests {
    pub(crate) mode: TestMode,
    pub(crate) bakery: Merchant,
    pub(crate) florist: Merchant,
}

/// The town. It ends with this value.
pub(crate) struct Town {
    pub(crate) app: App,
    pub(crate) fleet: Fleet,
    pub(crate) clock: Arc<StandingClock>,
    pub(crate) dice: Arc<Dice>,
    pub(crate) keys: Arc<Keys>,
    /// Asks without a key, at the public listener.
    pub(crate) public: Customer,
    /// Asks at the operators' listener, logged in.
    pub(crate) operations: Customer,
    /// The same, not logged in.
    pub(crate) outside: Customer,
    pub(crate) operators: Operators,
    pub(crate) bakery: Merchant,
    pub(crate) florist: Merchant,
    /// The test mode beside it, where the story has one.
    tests: Option<Tests>,
    pushes: Option<mpsc::Receiver<Push>>,
    listeners: Vec<JoinHandle<()>>,
    cards: u64,
    transfers: u128,
    folder: TempDir,
}

impl Drop for Town {
    fn drop(&mut self) {
        self.listeners.iter().for_each(JoinHandle::abort);
    }
}

impl Town {
    pub(crate) async fn open() -> Self {
        Self::with(Rules::default()).await
    }

    pub(crate) async fn with(rules: Rules) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store::sqlite::open(&folder.path().join("town.db")).unwrap();
        Self::built(store, folder, rules, None).await
    }

    /// On a store of its own making: a server's.
    pub(crate) async fn on(store: Store, rules: Rules) -> Self {
        Self::built(store, tempfile::tempdir().unwrap(), rules, None).await
    }

    /// With a test mode beside it.
    pub(crate) async fn with_test_mode(rules: Rules, test_rules: TestRules) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store::sqlite::open(&folder.path().join("town.db")).unwrap();
        Self::built(store, folder, rules, Some(test_rules)).await
    }

    /// The test mode.
    pub(crate) fn tests(&self) -> &Tests {
        self.tests.as_ref().unwrap()
    }

    /// Opens the test mode's store with what a start has; whoever has it open already must close it first.
    pub(crate) async fn open_test_mode(&self, test_rules: TestRules) -> Result<TestMode, TestModeError> {
        let dice = Dice::after(1 << 32);
        test_mode(&self.folder.path().join("test.db"), self.clock.clone(), dice, test_rules).await
    }

    /// Where the live platform's database is.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("town.db")
    }

    async fn built(store: Store, folder: TempDir, rules: Rules, test_rules: Option<TestRules>) -> Self {
        let clock = Arc::new(StandingClock::at(EVENING));
        let dice = Arc::new(Dice::default());
        let keys = Arc::new(Keys::default());
        let app = App::new(store, keys.clone(), clock.clone(), dice.clone(), rules, Arc::new(Metrics::new()));
        let fleet = Fleet::new(app.clone());
        // The bearer that is not under test: what it is handed, a story takes.
        let (bearer, pushes) = bearer::queue("test", &FrameLimit::COAP);
        fleet.attach(Arc::new(bearer));
        let mut api = Api::new(fleet.clone(), PUBLIC_URL);
        let mode = match test_rules {
            Some(rules) => {
                let (path, dice) = (folder.path().join("test.db"), Dice::default());
                Some(test_mode(&path, clock.clone(), dice, rules).await.unwrap())
            }
            None => None,
        };
        if let Some(mode) = &mode {
            api = api.with_test_mode(mode);
        }
        let (public, first) = listen(web::public(api.clone(), &["http://desk.example"])).await;
        let operators = app.operators(Cost::Testing);
        let (operations, second) = listen(web::operations(api, None, operators.clone(), &[], false)).await;
        let bakery = merchant(&app, "晨光早餐铺 Bakery", public).await;
        let florist = merchant(&app, "Florist & Sons", public).await;
        let tests = match mode {
            Some(mode) => {
                let (bakery, florist) =
                    (tester(&mode, &app, &bakery).await, tester(&mode, &app, &florist).await);
                Some(Tests { mode, bakery, florist })
            }
            None => None,
        };
        Self {
            app,
            fleet,
            clock,
            dice,
            keys,
            public: Customer::at(public),
            operations: logged_in(&operators, Customer::at(operations), Role::Administrator).await,
            outside: Customer::at(operations),
            operators,
            bakery,
            florist,
            tests,
            pushes: Some(pushes),
            listeners: vec![first, second],
            cards: 0,
            transfers: 0,
            folder,
        }
    }

    /// A courier of webhooks: the town's own, or one of another node.
    pub(crate) fn courier(&self, settings: &Settings) -> Webhooks {
        Webhooks::start(self.app.clone(), None, PUBLIC_URL, settings).unwrap()
    }

    /// The courier of a node.
    pub(crate) fn courier_of(&self, node: &Nodes, settings: &Settings) -> Webhooks {
        Webhooks::start(self.app.clone(), Some(node.clone()), PUBLIC_URL, settings).unwrap()
    }

    /// A node among those that serve on this database, which says again and again that it is there.
    pub(crate) fn node(&self, name: &str) -> (Nodes, JoinHandle<()>) {
        let mut start = [0; 16];
        start[..name.len()].copy_from_slice(name.as_bytes());
        let (roles, jobs) = (Roles::ALL, BTreeSet::new());
        let own = Oneself { name: name.parse().unwrap(), start, roles, version: "0".into(), jobs };
        let nodes = Nodes::new(own, self.app.store().clone(), Arc::new(SystemClock));
        let seen = nodes.clone();
        let beating = tokio::spawn(async move {
            loop {
                seen.beat().await.unwrap();
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        (nodes, beating)
    }

    /// The database is held by somebody else while this lives: nothing is kept.
    pub(crate) fn hold_database(&self) -> rusqlite::Connection {
        let other = rusqlite::Connection::open(self.folder.path().join("town.db")).unwrap();
        other.execute_batch("begin immediate").unwrap();
        other
    }

    /// A key is revoked, as whoever looks after the database does it.
    pub(crate) fn revoke_key(&self, key: &str) {
        let raw = rusqlite::Connection::open(self.folder.path().join("town.db")).unwrap();
        let digest = server::app::digest_of(key);
        let sql = "update api_key set revoked_at = 1 where hash = ?";
        assert_eq!(raw.execute(sql, [&digest[..]]).unwrap(), 1);
    }

    /// The pushes to cards that [`Self::hears`] heard.
    pub(crate) fn pushes(&mut self) -> mpsc::Receiver<Push> {
        self.pushes.take().unwrap()
    }

    pub(crate) fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// S0 and the handing over: a card in its holder's hand, with money behind it.
    pub(crate) async fn card(&mut self, wish: Wish) -> Hand {
        self.cards += 1;
        let holder = HolderReference(wish.holder);
        let issued = self
            .app
            .issue_card(NewCard {
                holder,
                channel: wish.channel.unwrap_or(ChannelId::imei(490_154_203_237_000 + self.cards).unwrap()),
                suite: wish.suite,
                has_display: wish.has_display,
                listens: wish.listens,
                valid_until: self.app.now().plus(wish.valid_millis),
                master: keys::master(),
                transport: keys::transport(),
            })
            .await
            .unwrap();
        let hand = if wish.brief { Hand::brief(&issued) } else { Hand::take(&issued) };
        if wish.bound {
            let (name, document) = ("王小明".to_owned(), "E12345678".to_owned());
            self.app.bind_card(Binding { card: hand.id, holder, name, document }).await.unwrap();
            if wish.funds > 0 {
                self.fund(holder, wish.funds).await;
            }
        }
        hand
    }

    pub(crate) async fn fund(&mut self, holder: HolderReference, fen: i64) {
        self.transfers += 1;
        let amount = Amount::new(fen, Currency::CNY).unwrap();
        self.app.fund(Funding { id: TransferId(self.transfers), holder, amount }).await.unwrap();
    }

    /// An order of the bakery's, made behind the counter instead of over HTTP.
    pub(crate) async fn order(&self, card: CardId, fen: i64) -> OrderId {
        let order = self.order_unpushed(card, fen).await;
        self.fleet.order_made(card).await;
        order
    }

    /// The same, of which the fleet has not heard.
    pub(crate) async fn order_unpushed(&self, card: CardId, fen: i64) -> OrderId {
        let new = NewOrder {
            merchant: self.bakery.id,
            card,
            amount: Amount::new(fen, Currency::CNY).unwrap(),
            place: "Market Street 1".into(),
            text: None,
            reference: None,
            return_url: None,
            lifetime_seconds: 180,
            when_busy: WhenBusy::Wait,
        };
        let render = Arc::new(|stored: &StoredOrder| stored.order.id.to_string());
        let (created, _) = self.app.create_order(new, None, render).await.unwrap();
        created.body.parse().unwrap()
    }

    /// How an order stands, in a word; of a declined one, the reason.
    pub(crate) fn state(&self, order: OrderId) -> &'static str {
        let state = self.stored(order).order.state;
        state.decline_reason().map_or(state.name(), payment::DeclineReason::code)
    }

    pub(crate) fn stored(&self, order: OrderId) -> StoredOrder {
        self.app.store().peek(|rows| rows.order(order)).unwrap().unwrap()
    }

    /// The number that the order's page shows.
    pub(crate) fn number(&self, order: &str) -> Option<u8> {
        self.stored(order.parse().unwrap()).order.presses.map(payment::PressCount::get)
    }

    /// A frame reaches the fleet by a bearer that is not under test.
    pub(crate) async fn hears(&self, frame: &[u8]) -> Option<Vec<u8>> {
        let heard = Heard::plain(frame, "test:1", IpAddr::from([10, 0, 0, 1]));
        let mut sent = None;
        self.fleet.uplink(heard, |answer| sent = Some(answer.frame)).await.unwrap();
        sent
    }

    /// The holder fetches what waits, and the card lights up.
    pub(crate) async fn prompts(&self, hand: &mut Hand) {
        let hello = hand.press();
        let transaction = self.hears(&hello).await.unwrap();
        hand.hear(&transaction);
        assert!(hand.is_lit());
    }

    /// The holder fetches what waits, and presses so often.
    pub(crate) async fn agrees(&self, hand: &mut Hand, presses: u8) {
        self.prompts(hand).await;
        let result = hand.agree(presses);
        let receipt = self.hears(&result).await.unwrap();
        hand.hear(&receipt);
    }

    /// A counter of the platform's by name and label, zero where it was never counted.
    pub(crate) fn counted(&self, name: &str, label: &str) -> u64 {
        self.counts(name).get(label).copied().unwrap_or(0)
    }

    /// All of one counter, by label.
    pub(crate) fn counts(&self, name: &str) -> BTreeMap<String, u64> {
        let text = self.app.metrics().encode(0);
        let line = |line: &str| {
            let (label, count) =
                line.strip_prefix(&format!("counterfoil_{name}_total{{"))?.split_once("\"} ")?;
            Some((label.split_once('"')?.1.to_owned(), count.parse().unwrap()))
        };
        text.lines().filter_map(line).collect()
    }

    /// Holds the writer inside a unit of work: whatever must be durable waits until the hold is dropped.
    pub(crate) async fn hold_writer(&self) -> Hold {
        let (held, mut holds) = mpsc::unbounded_channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let store = self.app.store().clone();
        tokio::spawn(async move {
            store
                .write::<(), StoreError, _>(move |_| {
                    let _ = held.send(());
                    // Ends with an error when the hold is dropped: that is the signal.
                    let _ = released.recv();
                    Ok(())
                })
                .await
        });
        soon("the hold on the writer", holds.recv()).await.unwrap();
        Hold { _release: release }
    }
}

/// While it lives, nothing becomes durable.
pub(crate) struct Hold {
    _release: std::sync::mpsc::Sender<()>,
}

async fn merchant(app: &App, name: &str, public: SocketAddr) -> Merchant {
    let (id, key) = app.add_merchant(name).await.unwrap();
    let key = key.reveal().to_owned();
    Merchant { id, api: Customer::at(public).with_key(&key), key }
}

/// The same merchant with a test key.
async fn tester(mode: &TestMode, app: &App, merchant: &Merchant) -> Merchant {
    let id = merchant.id;
    let known = app.store().peek(|rows| rows.merchant(id)).unwrap().unwrap();
    let key = mode.add_key(&known).await.unwrap().reveal().to_owned();
    Merchant { id, api: merchant.api.with_key(&key), key }
}

/// A test mode over a database file.
pub(crate) async fn test_mode(
    path: &Path,
    clock: Arc<StandingClock>,
    dice: Dice,
    test_rules: TestRules,
) -> Result<TestMode, TestModeError> {
    let parts = test_mode::Parts {
        store: store::sqlite::open(path)?,
        keys: Arc::new(Keys::default()),
        master: keys::master(),
        transport: keys::transport(),
        clock,
        chance: Arc::new(dice),
        rules: Rules::default(),
        test_rules,
    };
    TestMode::open(parts).await
}

pub(crate) const PASSWORD: &str = "correct horse battery";

/// An operator of this role, called like it, who is logged in.
pub(crate) async fn logged_in(operators: &Operators, customer: Customer, role: Role) -> Customer {
    let name: OperatorName = role.name().parse().unwrap();
    let password = Password::new(PASSWORD.into()).unwrap();
    operators.add(name.clone(), role, &password).await.unwrap();
    let link = operators.link(&name).await.unwrap().unwrap();
    customer.with_session(&operators.follow(&link, "192.0.2.1").await.unwrap())
}

/// An operator of this name and role who has just proved who they are.
pub(crate) async fn account(operators: &Operators, name: &str, role: Role) -> Account {
    let name: OperatorName = name.parse().unwrap();
    let password = Password::new(PASSWORD.into()).unwrap();
    operators.add(name.clone(), role, &password).await.unwrap();
    let link = operators.link(&name).await.unwrap().unwrap();
    let token = operators.follow(&link, "192.0.2.1").await.unwrap();
    operators.signed(&token).unwrap().unwrap().account("192.0.2.1")
}

pub(crate) async fn listen(router: axum::Router) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap()
    });
    (address, serving)
}
