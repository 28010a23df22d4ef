//! What can be refused, and by which rule.
//!
//! [`Refused`] is said of a datagram from outside, [`SendError`] of something the caller wanted sent,
//! [`Failure`] of a request of ours that ended without an answer. They name the rule and carry the
//! numbers that broke it; they carry no bytes from the peer, so they are safe to log. [`Refused::code`]
//! is the label for a metric.

use thiserror::Error;

/// Why a datagram came to nothing. A confirmable message that breaks the format is also rejected with
/// a Reset (RFC 7252 §4.2); where a variant names a response code, that response has been queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// Shorter than the header, or than the token it announces (§3).
    #[error("datagram ends before its header or token does")]
    Truncated,
    /// A version other than 1; silently ignored (§3).
    #[error("CoAP version {version}, not 1")]
    WrongVersion {
        /// The version field.
        version: u8,
    },
    /// Token length 9 to 15 (§3).
    #[error("token length {len} is reserved")]
    TokenTooLong {
        /// The length announced.
        len: u8,
    },
    /// A code of class 1, 6 or 7 (§4.2).
    #[error("code {code:#04x} is of a reserved class")]
    ReservedCode {
        /// The code byte.
        code: u8,
    },
    /// An option header of reserved form, out of range, or running past the end (§3.1).
    #[error("an option is malformed")]
    OptionMalformed,
    /// A payload marker with nothing after it (§3).
    #[error("payload marker without payload")]
    PayloadMissing,
    /// An Empty message with a token or anything after the message id (§4.1).
    #[error("empty message with content")]
    EmptyWithContent,
    /// A code that this message type may not carry: a request in an Acknowledgement, anything in a
    /// Reset, nothing in a non-confirmable message (§4.3, table 1).
    #[error("message type and code do not go together")]
    WrongType,
    /// The datagram is longer than [`crate::Config::datagram_limit`]. It is not read, since its end may be
    /// missing, but rejected with a Reset if confirmable.
    #[error("datagram of {len} bytes, limit {limit}")]
    TooLong {
        /// Length received.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// An Acknowledgement or Reset for a message that is not outstanding (§4.2: silently ignored).
    #[error("acknowledgement or reset of nothing outstanding")]
    UnknownMessage,
    /// A response whose token belongs to no open request to that peer (§5.3.2); Reset if confirmable.
    #[error("response to no open request")]
    UnknownResponse,
    /// A notification older than one that came before it (RFC 7641 §3.4); acknowledged, and not passed on.
    #[error("notification is older than one before it")]
    StaleNotification,
    /// A piggybacked response whose token is not that of the request it acknowledges (§5.3.2).
    #[error("piggybacked response with another token")]
    TokenMismatch,
    /// A response with a critical option we do not know, or only the first block of its body; the
    /// exchange has failed (§5.4.1).
    #[error("response carries critical option {number}, which is not understood")]
    ResponseOption {
        /// The option number.
        number: u16,
    },
    /// A method other than GET, POST, PUT, DELETE; answered 4.05 (§5.8).
    #[error("method 0.{code:02} is not known")]
    UnknownMethod {
        /// The code byte.
        code: u8,
    },
    /// A critical option not recognised, repeated against its definition, or with a value outside its
    /// definition; answered 4.02 if confirmable, else ignored (§5.4.1). The answer's text is this error's.
    #[error("critical option {number} is not acceptable")]
    BadOption {
        /// The option number.
        number: u16,
    },
    /// Proxy-Uri or Proxy-Scheme; answered 5.05 (§5.10.2).
    #[error("not a proxy")]
    NotAProxy,
    /// A body in several blocks (RFC 7959); answered 4.13 at its first block, 4.08 at a later one.
    #[error("block-wise transfer is not offered")]
    Blockwise,
    /// A payload over [`crate::Config::payload_limit`]; a request is answered 4.13 with Size1.
    #[error("payload of {len} bytes, limit {limit}")]
    PayloadTooLong {
        /// Length received.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// The peer has too many of its requests open with us. Not answered: its own back-off is the cure.
    #[error("peer has {limit} requests open already")]
    PeerFlood {
        /// The limit.
        limit: usize,
    },
    /// All peers together have too many requests open with us. Not answered.
    #[error("{limit} requests are open already")]
    ExchangesFull {
        /// The limit.
        limit: usize,
    },
    /// The caller has not drained transmits or events. The datagram was not looked at.
    #[error("{limit} transmits or events are waiting to be polled")]
    QueueFull {
        /// The limit.
        limit: usize,
    },
}

impl Refused {
    /// A fixed label, one to a variant, for counting.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::WrongVersion { .. } => "wrong_version",
            Self::TokenTooLong { .. } => "token_too_long",
            Self::ReservedCode { .. } => "reserved_code",
            Self::OptionMalformed => "option_malformed",
            Self::PayloadMissing => "payload_missing",
            Self::EmptyWithContent => "empty_with_content",
            Self::WrongType => "wrong_type",
            Self::TooLong { .. } => "too_long",
            Self::UnknownMessage => "unknown_message",
            Self::UnknownResponse => "unknown_response",
            Self::StaleNotification => "stale_notification",
            Self::TokenMismatch => "token_mismatch",
            Self::ResponseOption { .. } => "response_option",
            Self::UnknownMethod { .. } => "unknown_method",
            Self::BadOption { .. } => "bad_option",
            Self::NotAProxy => "not_a_proxy",
            Self::Blockwise => "blockwise",
            Self::PayloadTooLong { .. } => "payload_too_long",
            Self::PeerFlood { .. } => "peer_flood",
            Self::ExchangesFull { .. } => "exchanges_full",
            Self::QueueFull { .. } => "queue_full",
        }
    }
}

/// Why something was not sent. Nothing has changed, unless the variant says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// NSTART requests and notifications to this peer are neither acknowledged nor answered yet (§4.7).
    /// Send again when one of them has brought an event.
    #[error("peer has {limit} requests or notifications of ours outstanding already")]
    PeerBusy {
        /// The limit.
        limit: usize,
    },
    /// Too many requests of ours to this peer are open, counting acknowledged ones.
    #[error("{limit} requests of ours to this peer are open already")]
    PeerFull {
        /// The limit.
        limit: usize,
    },
    /// Too many requests and notifications of ours are open altogether.
    #[error("{limit} requests and notifications of ours are open already")]
    ExchangesFull {
        /// The limit.
        limit: usize,
    },
    /// Transmits or events are waiting to be polled. Never said of an answer.
    #[error("{limit} transmits or events are waiting to be polled")]
    QueueFull {
        /// The limit.
        limit: usize,
    },
    /// The payload is over its limit. An answer has gone out as 5.00 instead, so the peer need not wait.
    #[error("payload of {len} bytes, limit {limit}")]
    PayloadTooLong {
        /// Length given.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// The whole message is over the datagram limit. An answer has gone out as 5.00 instead.
    #[error("message of {len} bytes, limit {limit}")]
    TooLong {
        /// Length it would have.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// A path segment or query over 255 bytes, or a segment "." or ".." (§5.10.1).
    #[error("path or query cannot be written as options")]
    PathUnfit,
    /// The request to be answered is no longer open: EXCHANGE_LIFETIME has passed.
    #[error("the request is no longer open")]
    Expired,
    /// The request did not ask to observe, or the answer is an error; it has gone out as a plain answer.
    #[error("not the answer to a registration")]
    NotARegistration,
    /// The observation is over, as [`crate::Event::ObservationEnded`] said. Send a request instead.
    #[error("the observation is over")]
    NotObserved,
    /// The last notification of this observation is not acknowledged (RFC 7641 §4.5.2). Send again when
    /// it has brought an event.
    #[error("a notification of this observation is under way")]
    NotificationUnderWay,
    /// The notification has another content format than the answer that the observation began with
    /// (RFC 7641 §4.2). End it by an error, such as 4.06.
    #[error("an observation keeps its content format")]
    FormatChanged,
    /// A request that deregisters, or registers with a method other than GET (RFC 7641 §2). To observe no
    /// longer, [`crate::Endpoint::cancel`] the request that registered.
    #[error("such a request cannot observe")]
    ObserveUnfit,
}

/// Why a request or notification of ours ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// No acknowledgement after every retransmission (§4.2).
    #[error("not acknowledged")]
    TimedOut,
    /// Acknowledged, or sent non-confirmable, but not answered in time.
    #[error("not answered")]
    NoAnswer,
    /// The peer sent a Reset (§4.2): it could not or would not process the request.
    #[error("reset by peer")]
    Reset,
    /// An answer came that cannot be used: an unknown critical option, several blocks, or too long.
    #[error("answer cannot be used")]
    Unusable,
}
