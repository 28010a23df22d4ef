//! A card in somebody's hand: held, pulled away, spent with.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::{Fen, PurseTime, TerminalId, UnixMillis};
use tap::DriverPack;

use crate::wallet::{BuyError, Field, PurchaseTerminal, SoftReader, SoftWallet, When};

/// What is bought: a ride, a meal.
pub(super) const PRICE: Fen = Fen(200);
/// The gate's number.
const GATE: TerminalId = TerminalId([0, 1, 0, 0x23, 0, 0x41]);
/// The purchase key that the gate uses.
const KEY_INDEX: u8 = 1;

/// A card and what is done with it. Clones are the same card.
#[derive(Clone, Debug)]
pub(super) struct HandCard {
    pub(super) id: String,
    pub(super) wallet: SoftWallet,
    pub(super) pack: Arc<DriverPack>,
    hand: Arc<Mutex<Hand>>,
    /// Its sequence goes on from purchase to purchase.
    gate: Arc<Mutex<Option<PurchaseTerminal>>>,
}

#[derive(Debug, Default)]
struct Hand {
    /// How it is to be pulled away in this holding.
    armed: Option<When>,
    /// How it was pulled away the last time.
    last: Option<When>,
}

impl HandCard {
    pub(super) fn new(id: String, wallet: SoftWallet, pack: Arc<DriverPack>) -> Self {
        let image = wallet.image();
        let key = image.keys.sets.iter().find(|set| set.index == KEY_INDEX).map(|set| set.purchase.clone());
        let gate = key.map(|key| PurchaseTerminal::of_card(key, &image.aid, GATE));
        Self { id, wallet, pack, hand: Arc::default(), gate: Arc::new(Mutex::new(gate)) }
    }

    pub(super) fn is_in(&self, field: &Field) -> bool {
        field.wallet().is_some_and(|held| held.is(&self.wallet))
    }

    /// For the holding that begins: when it is pulled away.
    pub(super) fn arm(&self, when: Option<When>) {
        let mut hand = self.hand();
        *hand = Hand { armed: when, last: None };
        match when {
            Some(when) => self.wallet.tear_writing(when),
            None => self.wallet.mend(),
        }
    }

    /// The holding is over.
    pub(super) fn let_go(&self) {
        self.last();
        self.hand().armed = None;
        self.wallet.mend();
    }

    /// How it was pulled away the last time.
    pub(super) fn last(&self) -> Option<When> {
        let mut hand = self.hand();
        if hand.armed.is_some() && !self.wallet.is_tear_pending() {
            hand.last = hand.armed.take();
        }
        hand.last
    }

    /// Whether there is enough on it, and it may be used.
    pub(super) fn can_buy(&self) -> bool {
        let memory = self.wallet.memory();
        memory.is_activated() && memory.balance >= PRICE
    }

    /// Buys at the gate; it takes as long as the card's disk.
    pub(super) fn buy(&self) -> Result<(), BuyError> {
        self.let_go();
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(gate) = gate.as_mut() else { return Err(BuyError::Malformed("INITIALIZE FOR PURCHASE")) };
        let field = Field::new();
        field.hold(&self.wallet);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        gate.buy(&mut SoftReader::new(field, Duration::ZERO), PRICE, PurseTime::at(now)).map(drop)
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
