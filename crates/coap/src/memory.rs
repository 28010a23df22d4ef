//! What has been received lately, so that a repetition is recognised (RFC 7252 §4.5).
//!
//! A message is remembered by peer and message id, with whatever was sent back for it, for
//! EXCHANGE_LIFETIME if confirmable and NON_LIFETIME if not. The memory holds a fixed number of
//! messages and evicts the oldest first. That is safe because it is an economy, not a guarantee: the
//! frames that travel in these messages are idempotent themselves, so a repetition that is taken for
//! new costs the work of answering it again and changes nothing.
//!
//! One thing is stricter than the RFC: a message with a known id but other bytes is not a repetition.
//! A peer that keeps to the RFC never sends such a one, but behind an address translator two cards may
//! follow each other on one address and port, and the second must not be given the first one's answer.
//!
//! Nothing here needs a timer: what has expired is forgotten when the next message arrives.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use crate::{config::Config, time::Millis};

/// Where a remembered message is kept.
type Key<P> = (P, u16);

struct Entry {
    stamp: u64,
    fingerprint: u64,
    expires: Millis,
    answer: Option<Vec<u8>>,
}

struct Record<P> {
    stamp: u64,
    expires: Millis,
    key: Key<P>,
}

/// The messages received lately.
pub(crate) struct Memory<P> {
    entries: BTreeMap<Key<P>, Entry>,
    // Two queues, because two lifetimes: within each, the oldest is also the first to expire.
    confirmable: VecDeque<Record<P>>,
    plain: VecDeque<Record<P>>,
    exchange_lifetime: u64,
    non_lifetime: u64,
    bound: usize,
    next_stamp: u64,
    evicted: u64,
}

/// FNV-1a. Tells messages apart that share an id; it need not resist an enemy, who could only
/// confuse his own exchange.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

impl<P: Clone + Ord> Memory<P> {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            entries: BTreeMap::new(),
            confirmable: VecDeque::new(),
            plain: VecDeque::new(),
            exchange_lifetime: config.exchange_lifetime_ms(),
            non_lifetime: config.non_lifetime_ms(),
            bound: config.remembered,
            next_stamp: 0,
            evicted: 0,
        }
    }

    /// How many messages were forgotten before their time.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// If this message has been here before: what was sent back for it, if anything yet.
    pub(crate) fn recall(&self, now: Millis, from: &P, mid: u16, fingerprint: u64) -> Option<Option<&[u8]>> {
        let entry = self.entries.get(&(from.clone(), mid))?;
        (entry.fingerprint == fingerprint && entry.expires > now).then_some(entry.answer.as_deref())
    }

    /// Remembers a message, and returns the stamp under which its answer can be added.
    pub(crate) fn remember(
        &mut self,
        now: Millis,
        key: Key<P>,
        fingerprint: u64,
        confirmable: bool,
        answer: Option<Vec<u8>>,
    ) -> u64 {
        let stamp = self.next_stamp;
        self.next_stamp = stamp.wrapping_add(1);
        let lifetime = if confirmable { self.exchange_lifetime } else { self.non_lifetime };
        let expires = now.plus(lifetime);
        self.entries.insert(key.clone(), Entry { stamp, fingerprint, expires, answer });
        let queue = if confirmable { &mut self.confirmable } else { &mut self.plain };
        queue.push_back(Record { stamp, expires, key });
        self.forget(now);
        stamp
    }

    /// Adds what was sent back, for the next repetition.
    pub(crate) fn answered(&mut self, key: &Key<P>, stamp: u64, answer: &[u8]) {
        if let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.stamp == stamp) {
            entry.answer = Some(answer.to_vec());
        }
    }

    /// Forgets what has expired, and the oldest beyond the bound. Every record is pushed once and
    /// popped once, so this is constant time in the long run.
    pub(crate) fn forget(&mut self, now: Millis) {
        for plain in [false, true] {
            let queue = if plain { &mut self.plain } else { &mut self.confirmable };
            while queue.front().is_some_and(|record| record.expires <= now) {
                if let Some(record) = queue.pop_front() {
                    Self::drop_entry(&mut self.entries, &record);
                }
            }
        }
        while self.confirmable.len() + self.plain.len() > self.bound {
            let plain_is_older = match (self.confirmable.front(), self.plain.front()) {
                (Some(confirmable), Some(plain)) => plain.stamp < confirmable.stamp,
                (None, _) => true,
                (Some(_), None) => false,
            };
            let queue = if plain_is_older { &mut self.plain } else { &mut self.confirmable };
            let Some(record) = queue.pop_front() else { break };
            if Self::drop_entry(&mut self.entries, &record) {
                self.evicted = self.evicted.saturating_add(1);
            }
        }
    }

    /// Removes the entry a record stands for, unless a later message has taken its key.
    fn drop_entry(entries: &mut BTreeMap<Key<P>, Entry>, record: &Record<P>) -> bool {
        let stands = entries.get(&record.key).is_some_and(|entry| entry.stamp == record.stamp);
        if stands {
            entries.remove(&record.key);
        }
        stands
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(remembered: usize) -> Memory<u8> {
        Memory::new(&Config { remembered, ..Config::default() })
    }

    #[test]
    fn an_answer_is_recalled_until_the_lifetime_ends() {
        let mut memory = memory(10);
        let stamp = memory.remember(Millis(0), (1, 7), 99, true, None);
        assert_eq!(memory.recall(Millis(1), &1, 7, 99), Some(None));
        memory.answered(&(1, 7), stamp, b"yes");
        assert_eq!(memory.recall(Millis(246_999), &1, 7, 99), Some(Some(&b"yes"[..])));
        assert_eq!(memory.recall(Millis(247_000), &1, 7, 99), None);
    }

    #[test]
    fn a_non_confirmable_message_is_forgotten_sooner() {
        let mut memory = memory(10);
        memory.remember(Millis(0), (1, 7), 99, false, None);
        assert_eq!(memory.recall(Millis(144_999), &1, 7, 99), Some(None));
        assert_eq!(memory.recall(Millis(145_000), &1, 7, 99), None);
    }

    #[test]
    fn the_oldest_goes_first_whichever_kind_it_is() {
        let mut memory = memory(2);
        memory.remember(Millis(0), (1, 1), 1, false, None);
        memory.remember(Millis(1), (1, 2), 2, true, None);
        memory.remember(Millis(2), (1, 3), 3, false, None);
        assert_eq!(memory.recall(Millis(2), &1, 1, 1), None);
        memory.remember(Millis(3), (1, 4), 4, false, None);
        assert_eq!(memory.recall(Millis(3), &1, 2, 2), None);
        assert_eq!(memory.recall(Millis(3), &1, 3, 3), Some(None));
        assert_eq!(memory.evicted(), 2);
    }

    #[test]
    fn one_id_used_over_and_over_does_not_grow_the_memory() {
        let mut memory = memory(4);
        for content in 0..100 {
            memory.remember(Millis(content), (1, 1), content, true, None);
        }
        assert_eq!(memory.entries.len(), 1);
        assert!(memory.confirmable.len() <= 4);
        assert_eq!(memory.recall(Millis(100), &1, 1, 99), Some(None));
    }
}
