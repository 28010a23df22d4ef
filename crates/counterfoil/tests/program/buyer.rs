//! A holder with one software card who buys small things, one after the other, whatever happens to the platform.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use air::Outcome;
use air::card::{Light, Shown};
use sim::{CardImage, CardState, CardStopped, FlashFile, Options, OwnedScreen, SoftwareCard};
use tokio::sync::watch;
use tokio::time::timeout;

use super::merchant::Merchant;
use super::platform::{Issued, Platform};

/// How long a buyer looks at a card that does nothing before pressing again.
const LOOK: Duration = Duration::from_secs(8);
/// Longer than a card works by itself: it repeats a result three times, and waits 4 s after each.
const WORKS: Duration = Duration::from_secs(20);

/// How many things happened: to wait for.
#[derive(Clone, Debug)]
pub(crate) struct Count(Arc<watch::Sender<usize>>);

impl Default for Count {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Count {
    fn add(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    pub(crate) fn now(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits, however long, until there are more than this many.
    pub(crate) async fn passes(&self, count: usize) {
        let mut watched = self.0.subscribe();
        let _ = watched.wait_for(|now| *now > count).await;
    }

    pub(crate) async fn reaches(&self, count: usize) {
        let mut watched = self.0.subscribe();
        let reached = timeout(super::process::PATIENCE, watched.wait_for(|now| *now >= count)).await;
        assert!(reached.is_ok(), "{} of {count} came", self.now());
    }
}

/// What one purchase was, as buyer and shop know it.
#[derive(Clone, Debug)]
pub(crate) struct Bought {
    pub(crate) idempotency_key: String,
    pub(crate) order: String,
    pub(crate) card: String,
}

/// Buyers at their cards.
pub(crate) struct Buyers {
    stop: Arc<watch::Sender<bool>>,
    tasks: Vec<tokio::task::JoinHandle<Vec<Bought>>>,
    /// Receipts that said "settled", over all cards.
    pub(crate) settled: Count,
}

impl Buyers {
    /// Switches every card on and lets its holder buy.
    pub(crate) async fn begin(platform: &Platform, merchant: &Merchant, cards: &[Issued]) -> Self {
        let stop = Arc::new(watch::Sender::new(false));
        let settled = Count::default();
        let mut tasks = Vec::new();
        for card in cards {
            let buyer = Buyer {
                card: switched_on(card, platform.air).await,
                id: card.id.clone(),
                merchant: merchant.clone(),
                settled: settled.clone(),
            };
            tasks.push(tokio::spawn(buyer.buy_until(stop.subscribe())));
        }
        Self { stop, tasks, settled }
    }

    /// Waits until every buyer has what was begun, paid.
    pub(crate) async fn finish(self) -> Vec<Bought> {
        self.stop.send_replace(true);
        let mut bought = Vec::new();
        for task in self.tasks {
            bought.extend(timeout(2 * super::process::PATIENCE, task).await.expect("a buyer ends").unwrap());
        }
        bought
    }
}

/// A card whose radio repeats itself sooner than the open Internet's: the platform is next door.
pub(crate) async fn switched_on(card: &Issued, air_port: u16) -> SoftwareCard {
    let image = CardImage::load(&card.image).unwrap();
    let flash = FlashFile::open(&CardImage::flash_path(&card.image), &image.link()).unwrap();
    let mut options = Options::to(SocketAddr::from(([127, 0, 0, 1], air_port)));
    options.answer_within = Duration::from_secs(4);
    options.coap.ack_timeout_ms = 150;
    options.coap.ack_delay_ms = 100;
    SoftwareCard::start(image, flash, options).await.unwrap()
}

struct Buyer {
    card: SoftwareCard,
    id: String,
    merchant: Merchant,
    settled: Count,
}

impl Buyer {
    async fn buy_until(self, stop: watch::Receiver<bool>) -> Vec<Bought> {
        let mut bought = Vec::new();
        while !*stop.borrow() {
            let idempotency_key = format!("{}-{}", self.id, bought.len());
            let (order, _) = self.merchant.order_at_last(&self.id, &idempotency_key).await;
            self.pay().await;
            self.settled.add();
            bought.push(Bought { idempotency_key, order: order.id, card: self.id.clone() });
        }
        self.card.stop().await;
        bought
    }

    /// What a holder does: press until the light is on, press to agree, and press again until it is green.
    async fn pay(&self) {
        let mut agreed = false;
        loop {
            // It takes no press while it works.
            let rests = timeout(WORKS, self.card.until(|state| state.light != Light::Working)).await;
            if agreed && rests.is_ok_and(|state| is_settled(&state.unwrap())) {
                return;
            }
            let Some(state) = self.press_and_look(|light| light != Light::Working).await else { continue };
            if is_settled(&state) {
                return;
            }
            if state.light == Light::Prompt {
                self.card.prompted().await.unwrap();
                agreed = true;
                let end = |light| !matches!(light, Light::Working | Light::Prompt);
                if self.press_and_look(end).await.is_some_and(|state| is_settled(&state)) {
                    return;
                }
            }
        }
    }

    /// Presses once and waits for a frame and this light after it; nothing when neither comes.
    async fn press_and_look(&self, wanted: impl Fn(Light) -> bool) -> Option<CardState> {
        let before = self.card.view().frames;
        self.card.press(1).await.unwrap();
        let look = self.card.until(|state| state.frames > before && wanted(state.light));
        match timeout(LOOK, look).await {
            Ok(found) => Some(found.unwrap_or_else(|CardStopped(why)| panic!("{}: {why}", self.id))),
            Err(_) => None,
        }
    }
}

fn is_settled(state: &CardState) -> bool {
    state.screen == OwnedScreen::Notice(Shown::Receipt(Outcome::Settled))
}
