//! The state of one exchange: a request or notification of ours, or a request of a peer's that we answer.
//!
//! All lead the same life on the message layer: they have at most one [`Delivery`] under way and at
//! most one deadline, kept in [`Timers`]. What happens at a deadline is decided in `endpoint/`.

use alloc::{collections::BTreeSet, vec::Vec};

use crate::{
    config::Config,
    time::Millis,
    wire::{Kind, Token},
};

/// Names a request or notification of ours, from [`crate::Endpoint::request`] or
/// [`crate::Endpoint::notify`] until the event that ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub(crate) u64);

/// The right to answer one request, once. Give it to [`crate::Endpoint::respond`], or to
/// [`crate::Endpoint::dismiss`] if there will be no answer; one that is only dropped keeps its
/// exchange open, and counted, for EXCHANGE_LIFETIME.
#[derive(Debug)]
#[must_use = "the peer is waiting for an answer"]
pub struct Responder<P> {
    pub(crate) id: u64,
    pub(crate) peer: P,
}

impl<P> Responder<P> {
    /// Who asked.
    pub fn peer(&self) -> &P {
        &self.peer
    }
}

/// A confirmable message on its way: sent, not acknowledged (RFC 7252 §4.2).
pub(crate) struct Delivery {
    bytes: Vec<u8>,
    interval: u64,
    left: u32,
}

impl Delivery {
    /// Starts the count with a message just sent.
    pub(crate) fn new(bytes: Vec<u8>, interval: u64, config: &Config) -> Self {
        Self { bytes, interval, left: config.retransmissions() }
    }

    /// How long to wait from now.
    pub(crate) fn interval(&self) -> u64 {
        self.interval
    }

    /// The bytes to send once more, with the wait doubled; `None` when all repetitions are spent.
    pub(crate) fn again(&mut self) -> Option<Vec<u8>> {
        self.left = self.left.checked_sub(1)?;
        self.interval = self.interval.saturating_mul(2);
        Some(self.bytes.clone())
    }
}

/// A request of ours.
pub(crate) struct Asking<P> {
    pub(crate) to: P,
    pub(crate) token: Token,
    /// Until it is answered for the first time.
    pub(crate) mid: Option<u16>,
    /// While confirmable and not acknowledged.
    pub(crate) delivery: Option<Delivery>,
    /// Counted against NSTART.
    pub(crate) outstanding: bool,
    pub(crate) deadline: Millis,
    /// Whether it asked to observe.
    pub(crate) registers: bool,
    /// The newest notification and when it came.
    pub(crate) newest: Option<(u32, Millis)>,
}

/// A notification of ours.
pub(crate) struct Notifying<P> {
    pub(crate) to: P,
    pub(crate) mid: u16,
    pub(crate) delivery: Delivery,
    pub(crate) deadline: Millis,
    /// The observation it was sent under, which may be over.
    pub(crate) observation: u64,
}

/// How far a request of a peer's has come.
pub(crate) enum Stage {
    /// Confirmable; the deadline is that of the empty acknowledgement.
    Unacknowledged,
    /// Acknowledged or non-confirmable; the deadline is the end of the exchange.
    Waiting,
    /// Answered separately, under the given message id of ours.
    Answered(u16, Delivery),
}

/// A request of a peer's.
pub(crate) struct Serving<P> {
    pub(crate) from: P,
    pub(crate) token: Token,
    pub(crate) mid: u16,
    pub(crate) kind: Kind,
    /// Where its repetitions find the answer.
    pub(crate) stamp: u64,
    pub(crate) stage: Stage,
    pub(crate) expires: Millis,
    pub(crate) deadline: Millis,
    /// Whether it asks to observe.
    pub(crate) registers: bool,
    /// The observation that its separate answer began.
    pub(crate) observation: Option<u64>,
}

/// The deadlines of all exchanges, first one first.
#[derive(Default)]
pub(crate) struct Timers(BTreeSet<(Millis, u64)>);

impl Timers {
    pub(crate) fn first(&self) -> Option<(Millis, u64)> {
        self.0.first().copied()
    }

    pub(crate) fn set(&mut self, at: Millis, id: u64) {
        self.0.insert((at, id));
    }

    pub(crate) fn clear(&mut self, at: Millis, id: u64) {
        self.0.remove(&(at, id));
    }
}
