//! The endpoint: one socket's worth of CoAP, as client and as server.
//!
//! This file holds the state, takes datagrams and time-outs in and sorts them; `endpoint/asking.rs` is
//! the client's half, `endpoint/serving.rs` the server's and `endpoint/notifying.rs` that of Observe.
//! Every call costs a few look-ups in ordered maps; none walks through exchanges, peers or memory. What is refused is refused before anything has
//! changed, by a name from [`Refused`] or [`SendError`]. The contract for calling is in the crate
//! documentation.

mod asking;
mod notifying;
mod serving;

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use core::{fmt::Debug, hash::Hash};

use crate::{
    chance::Chance,
    config::Config,
    error::{Failure, Refused},
    event::{Event, Tally, Transmit},
    exchange::{Asking, Notifying, Serving, Timers},
    memory::{self, Memory},
    observation::{Ended, Observations},
    peers::Peers,
    time::Millis,
    wire::{self, Content, Head, Kind, Token},
};

/// What names a peer: an address and port. Implemented for everything fit for it.
pub trait Peer: Clone + Eq + Hash + Ord + Debug {}

impl<P: Clone + Eq + Hash + Ord + Debug> Peer for P {}

/// A CoAP endpoint. See the crate documentation.
pub struct Endpoint<P> {
    config: Config,
    chance: Chance,
    memory: Memory<P>,
    peers: Peers<P>,
    observations: Observations<P>,
    /// Requests of ours by exchange id; ids are shared by all exchanges so that timers need only one.
    asking: BTreeMap<u64, Asking<P>>,
    /// Notifications of ours by exchange id.
    notifying: BTreeMap<u64, Notifying<P>>,
    /// Requests of peers by exchange id.
    serving: BTreeMap<u64, Serving<P>>,
    /// Requests of ours by what their answers carry.
    by_token: BTreeMap<(P, Token), u64>,
    /// Exchanges by a message id of ours that the peer may acknowledge or reset.
    by_mid: BTreeMap<(P, u16), u64>,
    timers: Timers,
    next_id: u64,
    transmits: VecDeque<Transmit<P>>,
    events: VecDeque<Event<P>>,
    tally: Tally,
    /// The latest moment we were told, for `cancel`, which has no use for the time but to note it.
    latest: Millis,
}

impl<P: Peer> Endpoint<P> {
    /// An endpoint with nothing open. The seed sets the first message ids, the tokens and the jitter of
    /// time-outs; take it from a true random source, a new one at every start.
    #[must_use]
    pub fn new(config: Config, seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            memory: Memory::new(&config),
            peers: Peers::new(&config),
            observations: Observations::new(&config),
            asking: BTreeMap::new(),
            notifying: BTreeMap::new(),
            serving: BTreeMap::new(),
            by_token: BTreeMap::new(),
            by_mid: BTreeMap::new(),
            timers: Timers::default(),
            next_id: 0,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            tally: Tally::default(),
            latest: Millis::default(),
            config,
        }
    }

    /// The numbers it runs by.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Counts since the start.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally { forgotten: self.memory.evicted(), ..self.tally }
    }

    /// How many exchanges are open: requests and notifications of ours, and requests of peers.
    #[must_use]
    pub fn open_exchanges(&self) -> (usize, usize) {
        (self.asking.len() + self.notifying.len(), self.serving.len())
    }

    /// Takes in a datagram. `Ok` if it was of use or a repetition of one that was; otherwise the rule it
    /// broke, whether or not something is sent back about it.
    ///
    /// Hand in datagrams whole. A buffer one byte longer than [`Config::datagram_limit`] is enough to
    /// have longer ones refused as [`Refused::TooLong`] rather than misread.
    pub fn handle_datagram(&mut self, now: Millis, from: P, bytes: &[u8]) -> Result<(), Refused> {
        self.latest = now;
        self.tally.received = self.tally.received.saturating_add(1);
        self.room()?;
        let head = Head::read(bytes)?;
        let (len, limit) = (bytes.len(), self.config.datagram_limit);
        if len > limit {
            self.reject(&head, from);
            return Err(Refused::TooLong { len, limit });
        }
        // Repetitions first: they are the cheapest to deal with, and the most common under loss.
        let fingerprint = memory::fingerprint(bytes);
        if head.is_remembered()
            && let Some(answer) = self.memory.recall(now, &from, head.mid, fingerprint)
        {
            let answer = answer.map(Vec::from);
            self.tally.repeated = self.tally.repeated.saturating_add(1);
            // §4.5: a repeated confirmable message gets its answer again, a repeated other one nothing.
            if let Some(bytes) = answer.filter(|_| head.kind == Kind::Con) {
                self.send(from, bytes);
            }
            return Ok(());
        }
        let content = match head.content(bytes) {
            Ok(content) => content,
            Err(refused) => {
                self.reject(&head, from);
                return Err(refused);
            }
        };
        match (head.kind, content) {
            (Kind::Con | Kind::Non, Content::Request(packet)) => {
                self.requested(now, from, &head, packet, fingerprint)
            }
            (Kind::Con | Kind::Non, Content::Response(packet)) => {
                self.answered_separately(now, from, &head, packet, fingerprint)
            }
            (Kind::Ack, Content::Response(packet)) => self.answered_at_once(now, from, &head, packet),
            (Kind::Ack, Content::Empty) => self.acknowledged(now, from, head.mid),
            (Kind::Rst, Content::Empty) => self.was_reset(now, from, head.mid),
            // A ping (§4.3).
            (Kind::Con, Content::Empty) => {
                self.reject(&head, from);
                Ok(())
            }
            (Kind::Non | Kind::Ack | Kind::Rst, _) => Err(Refused::WrongType),
        }
    }

    /// Does what is due: repeats, acknowledges, gives up. Stops early when the queues are full; the next
    /// deadline then lies in the past.
    pub fn handle_timeout(&mut self, now: Millis) {
        self.latest = now;
        self.memory.forget(now);
        while let Some((at, id)) = self.timers.first() {
            if at > now || self.room().is_err() {
                return;
            }
            self.timers.clear(at, id);
            if self.asking.contains_key(&id) {
                self.asking_due(now, id);
            } else if self.notifying.contains_key(&id) {
                self.notifying_due(now, id);
            } else {
                self.serving_due(now, id);
            }
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit<P>> {
        self.transmits.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event<P>> {
        self.events.pop_front()
    }

    /// When to call [`Endpoint::handle_timeout`], if nothing else happens first.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Millis> {
        self.timers.first().map(|(at, _)| at)
    }

    /// Whether the queues can take more. No datagram or deadline adds more than one transmit and two events.
    fn room(&self) -> Result<(), Refused> {
        let limit = self.config.pending_transmits;
        if self.transmits.len() >= limit {
            return Err(Refused::QueueFull { limit });
        }
        let limit = self.config.pending_events.max(2);
        if self.events.len() + 1 >= limit {
            return Err(Refused::QueueFull { limit });
        }
        Ok(())
    }

    fn send(&mut self, to: P, bytes: Vec<u8>) {
        self.tally.sent = self.tally.sent.saturating_add(1);
        self.transmits.push_back(Transmit { to, bytes });
    }

    /// Rejects a message (§4.2, §4.3): a Reset for a confirmable one, silence for any other.
    fn reject(&mut self, head: &Head, from: P) {
        if head.kind == Kind::Con {
            self.send(from, wire::empty(Kind::Rst, head.mid));
        }
    }

    fn new_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        id
    }

    /// A message id not used with this peer for EXCHANGE_LIFETIME, nor still waiting for its answer.
    fn new_mid(&mut self, to: &P) -> u16 {
        loop {
            let mid = self.peers.book(to).message_id(&mut self.chance);
            if !self.by_mid.contains_key(&(to.clone(), mid)) {
                return mid;
            }
        }
    }

    /// An empty acknowledgement: of a request, notification or separate answer of ours.
    fn acknowledged(&mut self, now: Millis, from: P, mid: u16) -> Result<(), Refused> {
        let id = *self.by_mid.get(&(from, mid)).ok_or(Refused::UnknownMessage)?;
        if self.asking.contains_key(&id) {
            self.asking_acknowledged(now, id);
        } else if self.notifying.contains_key(&id) {
            self.notifying_acknowledged(now, id);
        } else {
            self.serving_over(now, id);
        }
        Ok(())
    }

    /// A Reset: of a request, notification or separate answer of ours.
    fn was_reset(&mut self, now: Millis, from: P, mid: u16) -> Result<(), Refused> {
        let Some(&id) = self.by_mid.get(&(from.clone(), mid)) else {
            return self.registration_reset(&from, mid);
        };
        if self.asking.contains_key(&id) {
            self.asking_failed(now, id, Failure::Reset);
        } else if self.notifying.contains_key(&id) {
            self.notifying_failed(now, id, Failure::Reset, Ended::Reset);
        } else {
            self.serving_undelivered(now, id, Ended::Reset);
        }
        Ok(())
    }
}
