//! What comes out of an endpoint: events for the caller, datagrams for the socket, and a tally.
//!
//! Next: [`crate::Endpoint::poll_event`] and [`crate::Endpoint::poll_transmit`].

use alloc::vec::Vec;

use crate::{
    error::Failure,
    exchange::{ExchangeId, Responder},
    message::{Request, Response},
    observation::{Ended, ObservationId},
};

/// Something the caller should know.
#[derive(Debug)]
pub enum Event<P> {
    /// A peer asks. Comes once for every request, however often it is repeated.
    Request {
        /// Who asks.
        from: P,
        /// What.
        request: Request,
        /// The right to answer.
        responder: Responder<P>,
    },
    /// A request of ours is answered, and with that over, unless it observes.
    Response {
        /// Which one.
        exchange: ExchangeId,
        /// Who answers.
        from: P,
        /// The answer.
        response: Response,
        /// Whether the peer has us on its list (RFC 7641): more answers will come to this request, each
        /// newer than the last. Always false if it did not ask to observe.
        observing: bool,
    },
    /// A request of ours has arrived and will be answered later (RFC 7252 §5.2.2). Comes once at most.
    Acknowledged {
        /// Which one.
        exchange: ExchangeId,
    },
    /// A request of ours is over without an answer, or without a further one. Whether the peer acted on it is not known, unless
    /// an acknowledgement came first.
    Failed {
        /// Which one.
        exchange: ExchangeId,
        /// Why.
        reason: Failure,
    },
    /// A notification of ours is acknowledged, and with that over. Comes only to those who call
    /// [`crate::Endpoint::notify`].
    Notified {
        /// Which one.
        exchange: ExchangeId,
    },
    /// A notification of ours is over, and was reset or not acknowledged. In the second case the peer may
    /// still have it. The observation is over too.
    NotNotified {
        /// Which one.
        exchange: ExchangeId,
        /// [`Failure::Reset`] or [`Failure::TimedOut`].
        reason: Failure,
    },
    /// An observation is over: nothing more can be sent under it. A notification under way still gets its
    /// own event. Comes only to those who call [`crate::Endpoint::observe`].
    ObservationEnded {
        /// Which one.
        observation: ObservationId,
        /// Whose.
        peer: P,
        /// Why.
        reason: Ended,
    },
}

/// A datagram to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit<P> {
    /// To whom.
    pub to: P,
    /// The whole datagram.
    pub bytes: Vec<u8>,
}

/// Counts since the endpoint was made, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Datagrams handed in.
    pub received: u64,
    /// Datagrams queued for sending, repetitions included.
    pub sent: u64,
    /// Confirmable messages of ours sent again.
    pub retransmitted: u64,
    /// Repeated messages recognised (§4.5).
    pub repeated: u64,
    /// Separate answers reset by the peer or never acknowledged.
    pub undelivered: u64,
    /// Requests the caller never answered.
    pub unanswered: u64,
    /// Messages forgotten before their time because the memory was full.
    pub forgotten: u64,
}
