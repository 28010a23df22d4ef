//! What this node remembers of the cards that it heard last, so that a frame of theirs is judged without a look-up before it.
//!
//! For: a card's frames come in a row. Which card is heard on a channel, and what it was asked there, this node has just kept itself.
//! Refuses: being believed. The unit of work that a frame leads to reads the card's row, and the question's, and goes on only
//! where they are what was remembered ([`is_still`], [`Asked::is_of`]); else they are looked up, and the frame is judged anew.
//! Next: `hello` and `push` remember, `result` is answered from it, `fleet` asks which card it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{ChannelId, UnixMillis};
use payment::LifeCycle;
use store::{StoredAuthorization, StoredCard};

use super::App;

/// How many channels a generation remembers: there are two, and an older one is forgotten whole. Some 15 MB if each card
/// leaves its question unanswered.
const GENERATION_MAX: usize = 8_192;

/// A card that was asked, and by this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The question as it was kept.
    pub question: StoredAuthorization,
    /// What was kept of the card's battery then, 0 to 200.
    pub battery: Option<u8>,
    /// When it was last heard, as it was kept then.
    pub heard_at: Option<UnixMillis>,
}

impl Asked {
    /// Whether this row is the question that was remembered: what a card's code is compared with stands in both.
    pub(super) fn is_of(&self, row: &StoredAuthorization) -> bool {
        let known = &self.question;
        known.order == row.order && known.context == row.context && known.shown == row.shown
    }
}

/// Whether a card's row is what a code was compared with, and still heard on its channel.
pub(super) fn is_still(known: &StoredCard, row: &StoredCard) -> bool {
    row.link() == known.link()
        && row.record.information == known.record.information
        && row.record.life_cycle != LifeCycle::Closed
}

#[derive(Clone)]
struct Exchange {
    card: Arc<StoredCard>,
    asked: Option<Arc<Asked>>,
}

struct Generations<T> {
    young: HashMap<ChannelId, T>,
    old: HashMap<ChannelId, T>,
}

impl<T> Default for Generations<T> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<T> Generations<T> {
    fn get(&self, channel: ChannelId) -> Option<&T> {
        self.young.get(&channel).or_else(|| self.old.get(&channel))
    }

    fn put(&mut self, channel: ChannelId, what: T) {
        if self.young.len() >= GENERATION_MAX && !self.young.contains_key(&channel) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(channel, what);
    }

    fn forget(&mut self, channel: ChannelId) {
        self.young.remove(&channel);
        self.old.remove(&channel);
    }
}

/// The cards that were heard last, by their channels.
#[derive(Default)]
pub(super) struct Exchanges(Mutex<Generations<Exchange>>);

impl Exchanges {
    fn known(&self) -> MutexGuard<'_, Generations<Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn card(&self, channel: ChannelId) -> Option<Arc<StoredCard>> {
        self.known().get(channel).map(|exchange| Arc::clone(&exchange.card))
    }

    /// What this card was asked last, and has not answered here.
    pub(super) fn asked(&self, card: &StoredCard) -> Option<Arc<Asked>> {
        let known = self.known();
        let exchange = known.get(card.channel)?;
        exchange.asked.clone().filter(|_| is_still(card, &exchange.card))
    }

    /// A card was heard, and this is what it is asked: nothing, if nothing.
    pub(super) fn keep(&self, card: &StoredCard, asked: Option<Arc<Asked>>) {
        self.known().put(card.channel, Exchange { card: Arc::new(card.clone()), asked });
    }

    /// The card has answered: there is no question to remember.
    pub(super) fn answered(&self, card: &StoredCard) {
        let mut known = self.known();
        let Generations { young, old } = &mut *known;
        for generation in [young, old] {
            if let Some(exchange) = generation.get_mut(&card.channel) {
                exchange.asked = None;
            }
        }
    }

    fn forget(&self, channel: ChannelId) {
        self.known().forget(channel);
    }
}

impl App {
    /// The card that was heard last on a channel, as far as this node remembers: whoever judges a frame by it proves it.
    pub(crate) fn remembered(&self, channel: ChannelId) -> Option<Arc<StoredCard>> {
        self.inner.exchanges.card(channel)
    }

    /// Whether a card that was looked up is the one that was remembered. If it is not, that is forgotten.
    pub(crate) fn is_as_remembered(&self, remembered: &StoredCard, found: Option<&StoredCard>) -> bool {
        let same = found.is_some_and(|found| is_still(remembered, found));
        if !same {
            self.inner.exchanges.forget(remembered.channel);
        }
        same
    }
}

#[cfg(test)]
mod tests {
    use model::ChannelKind;

    use super::*;

    #[test]
    fn no_more_is_remembered_than_two_generations() {
        let mut known = Generations::default();
        let channel = |n: u32| {
            let [a, b, c, d] = n.to_be_bytes();
            ChannelId::new(ChannelKind::DevEui, [0x70, 0xb3, 0xd5, 0, a, b, c, d]).unwrap()
        };
        let max = u32::try_from(GENERATION_MAX).unwrap();
        for n in 0..3 * max {
            known.put(channel(n), n);
            // One that is heard again and again stays.
            known.put(channel(0), n);
        }
        assert!(known.young.len() <= GENERATION_MAX && known.old.len() <= GENERATION_MAX);
        assert_eq!(known.get(channel(0)), Some(&(3 * max - 1)));
        assert_eq!(known.get(channel(3 * max - 1)), Some(&(3 * max - 1)));
        assert_eq!(known.get(channel(1)), None);
        known.forget(channel(0));
        assert_eq!(known.get(channel(0)), None);
    }
}
