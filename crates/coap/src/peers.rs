//! What is kept for each peer: how many exchanges it has open, and its next message id.
//!
//! A message id must not be used again with the same peer within EXCHANGE_LIFETIME (RFC 7252 §4.4).
//! One counter for all peers would come round in seconds on a busy platform, so every peer has its
//! own, kept while it is idle for that long. A peer we never sent a message id of our own is dropped
//! at once. The number of idle peers kept is bounded; one dropped early starts at a random id again,
//! which collides with an old one once in 65,536 times at worst. A peer that gets more than 265 messages
//! of ours a second for all of EXCHANGE_LIFETIME sees its ids again before that has passed; ids still in
//! use are never given out.

use alloc::collections::{BTreeMap, VecDeque};

use crate::{chance::Chance, config::Config, time::Millis};

/// The counters of one peer.
#[derive(Default)]
pub(crate) struct Book {
    /// Our requests and notifications it has neither acknowledged nor answered: what NSTART limits.
    pub(crate) outstanding: usize,
    /// Our requests that are open.
    pub(crate) asking: usize,
    /// Our notifications under way to it.
    pub(crate) notifying: usize,
    /// Its requests that are open.
    pub(crate) serving: usize,
    next_mid: Option<u16>,
    idle_since: Millis,
    queued: bool,
}

impl Book {
    fn is_idle(&self) -> bool {
        self.asking == 0 && self.notifying == 0 && self.serving == 0
    }

    /// The next message id to use with this peer.
    pub(crate) fn message_id(&mut self, chance: &mut Chance) -> u16 {
        let mid = self.next_mid.unwrap_or_else(|| chance.message_id());
        self.next_mid = Some(mid.wrapping_add(1));
        mid
    }
}

/// All peers with open exchanges, and those lately idle.
pub(crate) struct Peers<P> {
    books: BTreeMap<P, Book>,
    idle: VecDeque<(Millis, P)>,
    lifetime: u64,
    bound: usize,
}

impl<P: Clone + Ord> Peers<P> {
    pub(crate) fn new(config: &Config) -> Self {
        let lifetime = config.exchange_lifetime_ms();
        Self { books: BTreeMap::new(), idle: VecDeque::new(), lifetime, bound: config.remembered }
    }

    /// The peer's book, if it has one.
    pub(crate) fn look(&self, peer: &P) -> Option<&Book> {
        self.books.get(peer)
    }

    /// The peer's book, opened if need be. Call [`Peers::settle`] when done.
    pub(crate) fn book(&mut self, peer: &P) -> &mut Book {
        self.books.entry(peer.clone()).or_default()
    }

    /// Puts an idle peer where it can be forgotten.
    pub(crate) fn settle(&mut self, now: Millis, peer: &P) {
        if let Some(book) = self.books.get_mut(peer).filter(|book| book.is_idle()) {
            book.idle_since = now;
            // One place in the queue to a peer, however often it comes and goes.
            if book.next_mid.is_none() && !book.queued {
                self.books.remove(peer);
            } else if !book.queued {
                book.queued = true;
                self.idle.push_back((now.plus(self.lifetime), peer.clone()));
            }
        }
        self.forget(now);
    }

    /// Looks at the few peers idle for longest.
    fn forget(&mut self, now: Millis) {
        // Two for each one that may have been added, so that the queue shrinks when it can.
        for _ in 0..2 {
            let crowded = self.idle.len() > self.bound;
            if !crowded && self.idle.front().is_none_or(|(expires, _)| *expires > now) {
                return;
            }
            let Some((_, peer)) = self.idle.pop_front() else {
                return;
            };
            let Some(book) = self.books.get_mut(&peer) else {
                continue;
            };
            let expires = book.idle_since.plus(self.lifetime);
            if !book.is_idle() {
                book.queued = false;
            } else if expires > now && !crowded {
                self.idle.push_back((expires, peer));
            } else {
                self.books.remove(&peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_peer_keeps_its_message_ids_for_the_lifetime() {
        let mut peers: Peers<u8> = Peers::new(&Config::default());
        let mut chance = Chance::new(1);
        let first = peers.book(&1).message_id(&mut chance);
        peers.settle(Millis(0), &1);
        assert_eq!(peers.book(&1).message_id(&mut chance), first.wrapping_add(1));
        peers.settle(Millis(200_000), &1);
        peers.settle(Millis(300_000), &1);
        assert!(peers.look(&1).is_some());
        peers.settle(Millis(600_000), &2);
        assert!(peers.look(&1).is_none());
        assert!(peers.idle.is_empty());
    }

    #[test]
    fn idle_peers_are_bounded_and_strangers_leave_no_trace() {
        let mut peers: Peers<u32> = Peers::new(&Config { remembered: 10, ..Config::default() });
        let mut chance = Chance::new(1);
        for peer in 0..1_000 {
            peers.book(&peer).message_id(&mut chance);
            peers.settle(Millis(0), &peer);
        }
        assert_eq!((peers.books.len(), peers.idle.len()), (10, 10));
        peers.book(&2_000);
        peers.settle(Millis(0), &2_000);
        assert!(peers.look(&2_000).is_none());
    }
}
