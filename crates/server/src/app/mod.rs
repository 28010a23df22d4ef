//! The use cases: what the platform does, one file a noun.
//!
//! Each changes the store in one unit of work: state, entries, evidence and events together. The clock, the
//! random source, the key store and the store are given by the caller, so that a simulation runs this
//! very code.

mod account;
mod adjustment;
mod card;
mod clock;
mod exchange;
mod fee;
mod hello;
mod holder;
mod lapse;
mod merchant;
mod mode;
mod notice;
mod order;
mod payout;
mod push;
mod reconcile;
mod refund;
mod result;
mod settle;
mod settlement;
mod status;
mod webhook;
mod wrong_code;

use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use ::operator::Rate;
use crypto::KeyStore;
use model::UnixMillis;
use payment::PressRule;
use store::{Store, StoreError, Unit, WriteError};
use tokio::sync::Notify;

use crate::Metrics;
use crate::Secrets;
use crate::fleet::FleetRules;
use crate::nodes::{Fence, Job, Nodes};

pub use account::{FundError, Funding};
pub use adjustment::{AccountName, AccountNameError, AdjustError, Approved, NewAdjustment};
pub(crate) use card::card_number;
pub use card::{Binding, CardUseError, IssueError, Issued, NewCard};
pub use clock::{Chance, Clock, SystemChance, SystemClock};
pub use exchange::Asked;
pub use fee::FeeRuleError;
pub use hello::{Greeted, HelloRefused};
pub use holder::{ForgetError, REMOVED_NAME};
pub use merchant::{API_KEY_NAME_CHARS_MAX, API_KEYS_MAX, ApiKeyError, ApiKeySecret, NewApiKey, digest_of};
pub use mode::Mode;
pub use notice::Notices;
pub use order::{CancelError, Created, IdempotencyKey, NewOrder, OrderRefused, Render, WhenBusy};
pub(crate) use order::{KeyConflict, STATUS_CREATED, first_answer, keep_first_answer};
pub use payout::{Payout, PayoutError};
pub use push::{Push, Pushed, Reach, Reached};
pub use reconcile::{
    BankFileGiven, BankForm, IMPORT_ENTRIES_MAX, ImportError, Imported, ResolveError, UNMATCHED_MAX,
};
pub use refund::{NewRefund, RefundError, RenderRefund};
pub use result::{Judged, ResultRefused};
pub use settlement::{
    SETTLE_AFTER_MS, SettleError, StatementRefused, date_of, day_of, local_date, statement_of,
};
pub use status::{StatusRefused, Told};
pub(crate) use webhook::NO_BODY;
pub use webhook::{
    EndpointChange, NewEndpoint, RenderDelivery, RenderResent, Shown as ShownSecret, WEBHOOK_ENDPOINTS_MAX,
    WEBHOOK_KINDS, WebhookError,
};

/// As many as a statement may have ([`statement::statement::ENTRIES_MAX`]).
const STATEMENT_ENTRIES_MAX: NonZeroU32 = NonZeroU32::MIN.saturating_add(99_999);

/// Every limit and default of the platform, in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long an order waits when its merchant does not say, in seconds.
    pub order_seconds_default: u32,
    /// The longest that a merchant may ask for, in seconds.
    pub order_seconds_max: u32,
    /// The longest that a card shows one transaction, in seconds.
    pub prompt_seconds_max: u32,
    /// How long after a prompt's end its answer may still be on its way, in milliseconds: only then the
    /// order lapses by itself. An agreement after the end is void all the same.
    pub answer_grace_millis: i64,
    /// Prompts a card and hour: no holder is worn down.
    pub prompts_per_hour: u32,
    /// Open orders a card.
    pub waiting_max: usize,
    /// When an order wants a number of presses.
    pub press: PressRule,
    /// Retry answers a source and minute.
    pub retries_per_minute: u32,
    /// How long a first answer is repeated, in milliseconds.
    pub idempotency_millis: i64,
    /// Where the clocks of settlements stand, in seconds east of UTC. It never changes once a day was closed.
    pub settlement_offset_seconds: i32,
    /// Entries of one part of a settlement's statement: what is held in memory at once.
    pub statement_entries_max: NonZeroU32,
    /// The fleet's own.
    pub fleet: FleetRules,
    /// Requests to `/v1` under one API key.
    pub key_rate: Rate,
    /// Requests to `/v1` from one address.
    pub address_rate: Rate,
    /// Where webhooks may go: in [`webhook::Mode::Test`](::webhook::Mode::Test) to plain HTTP and to private addresses too.
    pub webhook_mode: ::webhook::Mode,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            order_seconds_default: 180,
            order_seconds_max: 86_400,
            prompt_seconds_max: 120,
            answer_grace_millis: 5_000,
            prompts_per_hour: 30,
            waiting_max: 8,
            press: PressRule { uncounted_minor_max: 1_000 },
            retries_per_minute: 30,
            idempotency_millis: 24 * 3_600 * 1_000,
            settlement_offset_seconds: 0,
            statement_entries_max: STATEMENT_ENTRIES_MAX,
            fleet: FleetRules::default(),
            key_rate: Rate { per_second: 200, burst: 400 },
            address_rate: Rate { per_second: 400, burst: 800 },
            webhook_mode: ::webhook::Mode::Live,
        }
    }
}

/// The payment platform. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    mode: Mode,
    store: Store,
    keys: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    rules: Rules,
    metrics: Arc<Metrics>,
    notices: Notices,
    wrong_codes: wrong_code::WrongCodes,
    exchanges: exchange::Exchanges,
    webhooks: Arc<Notify>,
    secrets: Secrets,
    nodes: OnceLock<Nodes>,
}

impl App {
    /// Joins the parts of a platform of live money.
    pub fn new(
        store: Store,
        keys: Arc<dyn KeyStore>,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
        rules: Rules,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self::of(Mode::Live, store, keys, clock, chance, rules, metrics)
    }

    /// Of a test mode: [`TestMode`](crate::test_mode::TestMode) alone makes one, over a store of test data.
    pub(crate) fn of(
        mode: Mode,
        store: Store,
        keys: Arc<dyn KeyStore>,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
        rules: Rules,
        metrics: Arc<Metrics>,
    ) -> Self {
        let webhooks = Arc::new(Notify::new());
        let (notices, wrong_codes) = (Notices::new(&webhooks), wrong_code::WrongCodes::default());
        let (nodes, secrets) = (OnceLock::new(), Secrets::new(keys.clone(), chance.clone()));
        let inner = Inner {
            mode,
            store,
            keys,
            clock,
            chance,
            rules,
            metrics,
            notices,
            wrong_codes,
            exchanges: exchange::Exchanges::default(),
            webhooks,
            secrets,
            nodes,
        };
        Self { inner: Arc::new(inner) }
    }

    /// It serves together with others from now on.
    pub fn join(&self, nodes: Nodes) {
        self.inner.notices.join(nodes.clone());
        let _ = self.inner.nodes.set(nodes);
    }

    /// Whoever looks at an order elsewhere is told, and no more: what a test mode does by itself each node does.
    pub fn tell_others(&self, nodes: Nodes) {
        self.inner.notices.join(nodes);
    }

    /// The nodes that it serves together with; nothing where it is by itself.
    pub fn nodes(&self) -> Option<&Nodes> {
        self.inner.nodes.get()
    }

    /// What is done by itself is done here, if it is not another node's.
    pub(crate) fn on_duty(&self, job: Job) -> Option<Fence> {
        Fence::of(self.nodes(), job)
    }

    /// Whether what one node does for all, of the kind that sweeps, is done here.
    pub fn sweeps(&self) -> bool {
        self.on_duty(Job::Sweep).is_some()
    }

    /// The store, for reading.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The operators of this platform. Their delays begin anew with each: make it once.
    pub fn operators(&self, cost: ::operator::Cost) -> crate::Operators {
        let inner = &self.inner;
        let secrets = Some(inner.secrets.clone());
        crate::Operators::new(inner.store.clone(), secrets, inner.clock.clone(), inner.chance.clone(), cost)
    }

    /// What seals and opens secrets of the database.
    pub fn secrets(&self) -> &Secrets {
        &self.inner.secrets
    }

    /// Whether its money is real.
    pub fn mode(&self) -> Mode {
        self.inner.mode
    }

    /// The limits and defaults.
    pub fn rules(&self) -> &Rules {
        &self.inner.rules
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Who is told when an order changes.
    pub fn notices(&self) -> &Notices {
        &self.inner.notices
    }

    /// Wakes this node's courier of webhooks.
    pub(crate) fn webhooks_woken(&self) -> Arc<Notify> {
        Arc::clone(&self.inner.webhooks)
    }

    /// The platform's time.
    pub fn now(&self) -> UnixMillis {
        self.inner.clock.now()
    }

    /// What others' clocks say: what is signed for them says this.
    pub(crate) fn machine_now(&self) -> UnixMillis {
        self.inner.clock.machine()
    }

    /// Whether something can be kept now: an empty unit of work goes all the way.
    pub async fn can_keep(&self) -> Result<(), StoreError> {
        self.write::<_, StoreError>(|_| Ok(())).await
    }

    pub(crate) fn random(&self) -> u128 {
        self.inner.chance.draw()
    }

    /// A moment and 80 random bits. Rows by such names stand together when they are made together: a commit
    /// writes a few pages instead of one for each.
    pub(crate) fn random_by_time(&self, now: UnixMillis) -> u128 {
        payment::LoadId::from_time_and_random(now, self.random()).0
    }

    /// Runs a unit of work; its refusal and the store's are one error.
    pub(crate) async fn write<T, E>(
        &self,
        work: impl FnMut(&mut dyn Unit) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.inner.store.write(work).await.map_err(|error| match error {
            WriteError::Refused(refused) => refused,
            WriteError::Store(error) => error.into(),
        })
    }
}
