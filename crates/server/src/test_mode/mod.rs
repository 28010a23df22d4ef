//! The test mode: a second platform of made-up money, for merchants' own tests.
//!
//! For: everything that merchants meet, under keys `cf_test_…`, over a store, a key store and a clock of its own. Its cards
//! are software cards that act at once: the card's own code (`air::card`) runs here, and its frames go the way of all
//! frames, through [`Fleet::uplink`](crate::Fleet::uplink). Its clock is the machine's and a span ahead, which only grows.
//! Refuses: live money. A [`TestMode`] makes its own [`App`] over a store that says of itself that it holds test data, and
//! nothing takes one of the two where the other is meant: a store of live money is refused here, one of test data there.
//! Next: `acting.rs` for what a card does; [`payment::test_answer`] for what decides it.

mod acting;
mod card;
mod clock;
mod error;
mod turn;

use std::sync::Arc;

use crypto::{KeyName, KeyStore};
use model::CardId;
use store::{Store, StoreError};

use crate::app::{ApiKeyError, ApiKeySecret, App, Chance, Clock, Mode, Rules};
use crate::{Fleet, Metrics};

pub use card::{NewTestCard, RenderCard, TestCardView};
pub use clock::{Advanced, RenderClock, TestModeClock};
pub use error::{AdvanceError, PressError, TestCardError, TestModeError};
pub use turn::TURN_MILLIS;
use turn::{Turn, Turns};

/// Orders that are forgotten in one unit of work.
const FORGOTTEN_AT_ONCE: u32 = 64;
const DAY_MILLIS: i64 = 86_400_000;
/// Cards that are looked at together.
const CARDS_AT_ONCE: u32 = 256;
/// A card is asked for an answer so often in an hour: a merchant's tests wear nobody down.
const PROMPTS_PER_HOUR: u32 = 1_000_000;

/// The limits of a test mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRules {
    /// Software cards a merchant.
    pub cards_a_merchant: u32,
    /// The longest that the clock is set ahead at once, in seconds.
    pub advance_seconds_max: u32,
    /// The furthest that it is ahead of the machine's, in seconds.
    pub ahead_seconds_max: u32,
    /// How long an order that has ended can be read, by the test clock, in days.
    pub keep_days: u32,
}

impl Default for TestRules {
    fn default() -> Self {
        Self {
            cards_a_merchant: 100,
            advance_seconds_max: 31 * 86_400,
            ahead_seconds_max: 10 * 365 * 86_400,
            keep_days: 180,
        }
    }
}

/// What a test mode is put together from.
pub struct Parts {
    /// A store of its own: an empty one, or one that a test mode began.
    pub store: Store,
    /// A key store of its own.
    pub keys: Arc<dyn KeyStore>,
    /// The master key there that cards' keys come from.
    pub master: KeyName,
    /// The transport key there. Nothing that is wrapped under it leaves.
    pub transport: KeyName,
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// The machine's random source.
    pub chance: Arc<dyn Chance>,
    /// The platform's limits. Prompts a card and hour are not limited here.
    pub rules: Rules,
    /// The test mode's own.
    pub test_rules: TestRules,
}

/// A test mode. Cheap to clone.
#[derive(Clone)]
pub struct TestMode {
    inner: Arc<Inner>,
}

struct Inner {
    fleet: Fleet,
    keys: Arc<dyn KeyStore>,
    master: KeyName,
    transport: KeyName,
    clock: Arc<TestModeClock>,
    rules: TestRules,
    turns: Turns,
}

/// That a store is one of live money: one that a test mode began is refused, whoever opens it.
pub fn is_live(store: &Store) -> Result<(), TestModeError> {
    match store.peek(|rows| rows.test_clock())? {
        Some(_) => Err(TestModeError::TestData),
        None => Ok(()),
    }
}

impl TestMode {
    /// Opens a test mode over its store. An empty store becomes one of test data, for ever.
    pub async fn open(parts: Parts) -> Result<Self, TestModeError> {
        let Parts { store, keys, master, transport, clock, chance, mut rules, test_rules } = parts;
        rules.prompts_per_hour = PROMPTS_PER_HOUR;
        // A merchant tries their server where it is made.
        rules.webhook_mode = ::webhook::Mode::Test;
        let begun_at = clock.now();
        let ahead = store
            .write::<_, TestModeError, _>(move |unit| {
                if let Some(clock) = unit.test_clock()? {
                    return Ok(clock.ahead);
                }
                if !unit.merchants_after(None, 1)?.is_empty() || unit.card_count()? > 0 {
                    return Err(TestModeError::LiveData);
                }
                unit.begin_test_clock(begun_at)?;
                Ok(0)
            })
            .await
            .map_err(error::flattened)?;
        let clock = Arc::new(TestModeClock::new(clock, ahead));
        let metrics = Arc::new(Metrics::new());
        let turns = Turns::new(chance.draw().to_be_bytes());
        let app = App::of(Mode::Test, store, keys.clone(), clock.clone(), chance, rules, metrics);
        let fleet = Fleet::new(app);
        let inner = Inner { fleet, keys, master, transport, clock, rules: test_rules, turns };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Its fleet.
    pub fn fleet(&self) -> &Fleet {
        &self.inner.fleet
    }

    /// Its platform.
    pub fn app(&self) -> &App {
        self.inner.fleet.app()
    }

    /// Its limits.
    pub fn rules(&self) -> &TestRules {
        &self.inner.rules
    }

    /// Gives a merchant of a live platform a key here, under the same id and name.
    ///
    /// # Errors
    /// [`ApiKeyError::TooMany`], or the store's.
    pub async fn add_key(&self, merchant: &store::Merchant) -> Result<ApiKeySecret, ApiKeyError> {
        let (known, now) = (merchant.clone(), self.app().now());
        self.app().write::<_, StoreError>(move |unit| unit.put_test_merchant(&known, now)).await?;
        self.app().add_key(merchant.id).await
    }

    /// What happens by itself: call it every second or so, at every node. A clock that another node has set ahead is followed,
    /// and cards that were stopped on their way go on, but those that act at another node.
    pub async fn turn(&self) -> Result<(), StoreError> {
        if let Some(clock) = self.app().store().read(|rows| rows.test_clock()).await? {
            self.inner.clock.set_ahead(clock.ahead);
        }
        self.forget().await?;
        self.act_all().await
    }

    /// Forgets a portion of the orders that ended and are older than they are kept: how many. The books stay.
    async fn forget(&self) -> Result<u32, StoreError> {
        let before = self.app().now().plus(-i64::from(self.rules().keep_days) * DAY_MILLIS);
        let old = self.app().store().read(move |rows| rows.has_test_orders_before(before)).await?;
        if !old {
            return Ok(0);
        }
        self.app().write(move |unit| unit.forget_test_orders(before, FORGOTTEN_AT_ONCE)).await
    }

    /// Every card with something to do does it.
    async fn act_all(&self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let cards =
                self.app().store().read(move |rows| rows.test_cards_to_act(after, CARDS_AT_ONCE)).await?;
            let Some(last) = cards.last() else { return Ok(()) };
            after = Some(*last);
            for card in cards {
                self.act_where_free(card).await?;
            }
        }
    }

    /// A card does one thing at a time.
    async fn turn_of(&self, card: CardId) -> Turn<'_> {
        self.inner.turns.of(card).await
    }
}
