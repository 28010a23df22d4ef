//! Who observes: the list of RFC 7641 §4.1, and the order of what is sent to those on it (§4.4).
//!
//! An observation is a peer and the token it registered with. The list is bounded, as a whole and for each
//! peer; at a bound the one registered longest ago makes room. That is safe because an observation is a
//! convenience: the caller, told by an event, can still ask the peer by a request of its own. The list
//! outlives no restart and keeps no payload. Numbers go on rising over one only if the caller's clock does:
//! one that begins at zero again is below what an observer may have heard in the last 128 s under the same
//! token. What is under way to an observer is in `endpoint/notifying.rs`.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{config::Config, message::ContentFormat, time::Millis, wire::Token};

/// Names an observation, from [`crate::Endpoint::observe`] until [`crate::Event::ObservationEnded`]. One
/// that is registered again under its token keeps its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObservationId(pub(crate) u64);

/// Why an observation is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The peer asked for it (RFC 7641 §3.6).
    Deregistered,
    /// The peer registered again, and the caller answered it by [`crate::Endpoint::respond`].
    Declined,
    /// The peer reset a notification, or the answer to its registration (§4.5).
    Reset,
    /// The peer never acknowledged a notification, or the answer to its registration (§4.5).
    TimedOut,
    /// It was the oldest when another one needed its place.
    Evicted,
    /// The caller sent a notification that is an error (§4.2).
    Closed,
}

/// Sequence numbers have 24 bits.
const MASK: u64 = 0xFF_FFFF;
/// Half of their range: what is further ahead than this is behind.
const HALF: u32 = 1 << 23;
/// Milliseconds in a step of the number that a new observation starts at. 2²³ steps are 37 hours.
const STEP: u64 = 16;
/// After this long whatever arrives is newer (§3.4).
const FRESH_MS: u64 = 128_000;

/// Whether a notification is newer than another, by their numbers and the milliseconds between their
/// arrivals (§3.4).
pub(crate) fn is_newer(number: u32, than: u32, after_ms: u64) -> bool {
    let ahead = number.wrapping_sub(than) & MASK as u32;
    (1..HALF).contains(&ahead) || after_ms > FRESH_MS
}

/// One on the list.
pub(crate) struct Observer<P> {
    pub(crate) peer: P,
    pub(crate) token: Token,
    /// The notification under way, by its exchange id.
    pub(crate) under_way: Option<u64>,
    /// The content format it began with.
    pub(crate) format: Option<ContentFormat>,
    /// The message id of the answer it began with, if that went non-confirmable: a Reset may still come for it.
    plain: Option<u16>,
    number: u32,
    age: u64,
}

/// The list.
pub(crate) struct Observations<P> {
    by_id: BTreeMap<u64, Observer<P>>,
    /// The observations of each peer, the latest registered last. As many as `per_peer` at most.
    by_peer: BTreeMap<P, Vec<u64>>,
    /// All, the latest registered last.
    by_age: BTreeMap<u64, u64>,
    next_age: u64,
    per_peer: usize,
    total: usize,
}

impl<P: Clone + Ord> Observations<P> {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            by_id: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            by_age: BTreeMap::new(),
            next_age: 0,
            per_peer: config.observations_per_peer.max(1),
            total: config.observations_total.max(1),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Observer<P>> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Observer<P>> {
        self.by_id.get_mut(&id)
    }

    /// The peer's latest.
    pub(crate) fn latest(&self, peer: &P) -> Option<u64> {
        self.by_peer.get(peer)?.last().copied()
    }

    /// The one the peer registered with this token.
    pub(crate) fn find(&self, peer: &P, token: Token) -> Option<u64> {
        let ids = self.by_peer.get(peer)?;
        ids.iter().copied().find(|id| self.by_id.get(id).is_some_and(|observer| observer.token == token))
    }

    /// The number for what is sent next under this observation, or first under a new one. It follows the
    /// clock where that is ahead, so that one that is registered again after it ended goes on rising (§4.4).
    pub(crate) fn next_number(&self, now: Millis, id: Option<u64>) -> u32 {
        let clock = ((now.0 / STEP) & MASK) as u32;
        match id.and_then(|id| self.by_id.get(&id)) {
            Some(observer) if !is_newer(clock, observer.number, 0) => {
                observer.number.wrapping_add(1) & MASK as u32
            }
            _ => clock,
        }
    }

    /// Notes the number that was sent.
    pub(crate) fn numbered(&mut self, id: u64, number: u32) {
        if let Some(observer) = self.by_id.get_mut(&id) {
            observer.number = number;
            // From now on it is the notification that would be reset.
            observer.plain = None;
        }
    }

    /// Notes with what the peer's registration was answered.
    pub(crate) fn began(&mut self, id: u64, number: u32, format: Option<ContentFormat>, plain: Option<u16>) {
        if let Some(observer) = self.by_id.get_mut(&id) {
            (observer.number, observer.format, observer.plain) = (number, format, plain);
        }
    }

    /// The one of the peer's that began with the non-confirmable message of this id.
    pub(crate) fn began_with(&self, peer: &P, mid: u16) -> Option<u64> {
        let ids = self.by_peer.get(peer)?;
        let began = |id: &u64| self.by_id.get(id).is_some_and(|observer| observer.plain == Some(mid));
        ids.iter().copied().find(began)
    }

    /// Who must go before one more of this peer's can be added. One at most.
    pub(crate) fn in_the_way(&self, peer: &P) -> Option<u64> {
        let own = self.by_peer.get(peer).filter(|ids| ids.len() >= self.per_peer);
        if let Some(ids) = own {
            return ids.first().copied();
        }
        let oldest = self.by_age.values().next().copied();
        oldest.filter(|_| self.by_id.len() >= self.total)
    }

    /// Adds an observation under a new id.
    pub(crate) fn add(&mut self, id: u64, peer: P, token: Token) {
        let age = self.new_age(id);
        self.by_peer.entry(peer.clone()).or_default().push(id);
        let observer = Observer { peer, token, under_way: None, format: None, plain: None, number: 0, age };
        self.by_id.insert(id, observer);
    }

    /// Makes one the latest, because it was registered again.
    pub(crate) fn renew(&mut self, id: u64) {
        let age = self.new_age(id);
        let Some(observer) = self.by_id.get_mut(&id) else { return };
        self.by_age.remove(&core::mem::replace(&mut observer.age, age));
        if let Some(ids) = self.by_peer.get_mut(&observer.peer) {
            ids.retain(|other| *other != id);
            ids.push(id);
        }
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Observer<P>> {
        let observer = self.by_id.remove(&id)?;
        self.by_age.remove(&observer.age);
        if let Some(ids) = self.by_peer.get_mut(&observer.peer) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_peer.remove(&observer.peer);
            }
        }
        Some(observer)
    }

    fn new_age(&mut self, id: u64) -> u64 {
        let age = self.next_age;
        self.next_age = age.wrapping_add(1);
        self.by_age.insert(age, id);
        age
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(observations_per_peer: usize, observations_total: usize) -> Observations<u8> {
        Observations::new(&Config { observations_per_peer, observations_total, ..Config::default() })
    }

    #[test]
    fn newer_is_decided_as_the_standard_says() {
        let cases = [
            (1, 0, 0, true),
            (0, 0, 0, false),
            (0, 1, 0, false),
            (HALF - 1, 0, 0, true),
            (HALF, 0, 0, false),
            (0, 0xFF_FFFF, 0, true),
            (0xFF_FFFF, 0, 0, false),
            (0, 1, 128_000, false),
            (0, 1, 128_001, true),
            (7, 7, 128_001, true),
        ];
        for (number, than, after, newer) in cases {
            assert_eq!(is_newer(number, than, after), newer, "{number} after {than}, {after} ms later");
        }
    }

    #[test]
    fn numbers_rise_when_the_clock_stands_and_over_the_end_of_their_range() {
        let mut list = list(1, 9);
        let end = Millis(MASK * STEP);
        assert_eq!(list.next_number(end, None), 0xFF_FFFF);
        list.add(1, 1, Token::new(b"a"));
        list.numbered(1, 0xFF_FFFF);
        assert_eq!(list.next_number(end, Some(1)), 0);
        list.numbered(1, 5);
        assert_eq!(list.next_number(end, Some(1)), 6, "and are not set back by a clock that is behind");
        assert_eq!(list.next_number(end.plus(STEP * 100), Some(1)), 99);
    }

    #[test]
    fn the_one_registered_longest_ago_is_in_the_way() {
        let mut list = list(2, 3);
        list.add(1, 1, Token::new(b"a"));
        list.add(2, 1, Token::new(b"b"));
        assert_eq!((list.in_the_way(&1), list.in_the_way(&2)), (Some(1), None));
        list.renew(1);
        assert_eq!((list.in_the_way(&1), list.latest(&1)), (Some(2), Some(1)));
        list.add(3, 2, Token::new(b"a"));
        assert_eq!((list.in_the_way(&2), list.find(&1, Token::new(b"b"))), (Some(2), Some(2)));
        list.remove(2);
        list.remove(1);
        assert_eq!((list.latest(&1), list.len()), (None, 1));
        assert!(list.by_peer.len() == 1 && list.by_age.len() == 1);
    }
}
