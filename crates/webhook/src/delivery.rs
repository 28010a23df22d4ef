//! A delivery: one message for one endpoint, and the one table of what may become of it.
//!
//! For: what an attempt's end makes of a delivery, when the next attempt is due, and what an attempt leaves behind.
//! Refuses: following redirects, trying more often than `schedule` says, waiting more than 24 h because a server asks.
//! Next: `endpoint`: each attempt's [`End`] tells it something too ([`End::tells`]).
//!
//! A message is delivered at least once: an attempt whose end was not kept is made again, under the same id.

use alloc::string::String;

use model::UnixMillis;

use crate::endpoint::EndpointEvent;
use crate::moment;
use crate::schedule;

/// A status code of HTTP, 100 to 599 (RFC 9110, section 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status(u16);

impl Status {
    /// From its number; `None` outside of 100 to 599.
    pub const fn new(number: u16) -> Option<Self> {
        if number >= 100 && number <= 599 { Some(Self(number)) } else { None }
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// What it means for a delivery (Standard Webhooks 1.0, "Delivery success and failure").
    const fn meaning(self) -> Meaning {
        match self.0 {
            200..=299 => Meaning::Taken,
            300..=399 => Meaning::Elsewhere,
            410 => Meaning::Gone,
            429 | 503 => Meaning::Busy,
            _ => Meaning::NotTaken,
        }
    }
}

#[derive(Clone, Copy)]
enum Meaning {
    Taken,
    Elsewhere,
    Gone,
    Busy,
    NotTaken,
}

/// How long a server asks to be left alone (`Retry-After`; RFC 9110, section 10.2.3), at most 24 h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter {
    millis: u64,
}

impl RetryAfter {
    /// The longest that is respected, in milliseconds: 24 h.
    pub const MAX_MS: u64 = 24 * 3_600_000;

    /// From the header: seconds, or a date. `None` for what is neither; a date that has passed asks for nothing.
    pub fn parse(text: &str, now: UnixMillis) -> Option<Self> {
        let text = text.trim_matches([' ', '\t']);
        let millis = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // What is too large for a number is longer than the longest.
            text.parse::<u64>().map_or(Self::MAX_MS, |seconds| seconds.saturating_mul(1000))
        } else {
            moment::from_http_date(text)?.since(now)
        };
        Some(Self { millis: millis.min(Self::MAX_MS) })
    }

    /// In milliseconds, at most [`Self::MAX_MS`].
    pub const fn millis(self) -> u64 {
        self.millis
    }
}

/// Why an attempt was not answered. A code for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoAnswer {
    /// No connection, or it broke.
    Unreachable,
    /// No answer within the time that an attempt has.
    TimedOut,
    /// TLS was not agreed.
    Tls,
    /// The certificate's time is over.
    CertificateExpired,
    /// The certificate is for another name.
    CertificateOtherName,
    /// Nobody whom this machine trusts has signed the certificate: it is self-signed, or one between is missing.
    CertificateUntrusted,
    /// The certificate is not good for another reason.
    CertificateBad,
    /// The name leads to an address that nothing may be sent to: see `address`.
    PrivateAddress,
    /// The answer's head or body was longer than what is read.
    AnswerTooLong,
    /// The name has no address.
    NameNotFound,
}

impl NoAnswer {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Unreachable,
        Self::TimedOut,
        Self::Tls,
        Self::CertificateExpired,
        Self::CertificateOtherName,
        Self::CertificateUntrusted,
        Self::CertificateBad,
        Self::PrivateAddress,
        Self::AnswerTooLong,
        Self::NameNotFound,
    ];

    /// For machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Tls => "tls",
            Self::CertificateExpired => "certificate_expired",
            Self::CertificateOtherName => "certificate_other_name",
            Self::CertificateUntrusted => "certificate_untrusted",
            Self::CertificateBad => "certificate_bad",
            Self::PrivateAddress => "private_address",
            Self::AnswerTooLong => "answer_too_long",
            Self::NameNotFound => "name_not_found",
        }
    }

    /// From its code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The server answered.
    Answered(Status),
    /// It did not.
    NotAnswered(NoAnswer),
}

impl End {
    /// What the endpoint is told of it, whatever became of the delivery.
    pub const fn tells(self) -> EndpointEvent {
        match self {
            Self::Answered(status) => match status.meaning() {
                Meaning::Taken => EndpointEvent::Succeeded,
                Meaning::Gone => EndpointEvent::Gone,
                Meaning::Elsewhere | Meaning::Busy | Meaning::NotTaken => EndpointEvent::AttemptFailed,
            },
            Self::NotAnswered(_) => EndpointEvent::AttemptFailed,
        }
    }
}

/// The first bytes of an answer, as text: what is not UTF-8, and control characters but tab and line feed, stand as
/// U+FFFD. Somebody else wrote it: pages must escape it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt(String);

impl Excerpt {
    /// The most bytes of an answer that are kept. Its text has at most three times as many.
    pub const LENGTH_MAX: usize = 1024;

    /// From an answer's body, or its beginning. A character that the cut goes through is left out.
    pub fn of(body: &[u8]) -> Self {
        let cut = body.len() > Self::LENGTH_MAX;
        let kept = body.get(..Self::LENGTH_MAX).unwrap_or(body);
        let mut text = String::new();
        let mut chunks = kept.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            let readable = |c: char| !c.is_control() || c == '\n' || c == '\t';
            text.extend(chunk.valid().chars().map(|c| if readable(c) { c } else { '\u{fffd}' }));
            let at_the_cut = cut && chunks.peek().is_none();
            if !chunk.invalid().is_empty() && !at_the_cut {
                text.push('\u{fffd}');
            }
        }
        Self(text)
    }

    /// From what was stored.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an attempt leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: UnixMillis,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// How it ended.
    pub end: End,
    /// The answer's beginning; empty where there was none.
    pub excerpt: Excerpt,
}

/// Why a delivery failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GiveUp {
    /// Every attempt of the schedule was made.
    Exhausted,
    /// The server sent it elsewhere. The URL must be changed; nothing is sent where a redirect says.
    Redirected,
}

/// Why a delivery was canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CancelReason {
    /// Its endpoint was disabled.
    Disabled,
    /// Its endpoint was deleted.
    Deleted,
}

/// Where a delivery stands, with the number of attempts made since it was made or last resent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// The next attempt is due.
    Pending {
        /// Attempts made: 0 to 9.
        made: u8,
        /// When the next is due.
        due: UnixMillis,
    },
    /// The server took it.
    Delivered {
        /// Attempts made.
        made: u8,
    },
    /// It was given up.
    Failed {
        /// Attempts made.
        made: u8,
        /// Why.
        why: GiveUp,
    },
    /// It is not wanted any more.
    Canceled {
        /// Attempts made.
        made: u8,
        /// Why.
        why: CancelReason,
    },
}

/// What happens to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryEvent {
    /// An attempt was answered.
    Answered {
        /// With which status.
        status: Status,
        /// How long the server asks to be left alone.
        retry_after: Option<RetryAfter>,
        /// When the attempt ended.
        at: UnixMillis,
        /// 64 random bits, for the next wait.
        random: u64,
    },
    /// An attempt was not answered.
    NotAnswered {
        /// Why.
        reason: NoAnswer,
        /// When the attempt ended.
        at: UnixMillis,
        /// 64 random bits, for the next wait.
        random: u64,
    },
    /// An operator sends it again.
    Resent {
        /// When.
        at: UnixMillis,
    },
    /// Its endpoint was disabled.
    EndpointDisabled,
    /// Its endpoint was deleted.
    EndpointDeleted,
}

/// Why a delivery is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResendRefused {
    /// It waits for an attempt.
    #[error("it is still being delivered; wait until it was delivered or given up")]
    Pending,
    /// Its endpoint was disabled or deleted.
    #[error("it was canceled with its endpoint and is not sent again")]
    Canceled,
}

impl ResendRefused {
    /// For machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pending => "delivery_pending",
            Self::Canceled => "delivery_canceled",
        }
    }
}

impl DeliveryState {
    /// Each kind once, for whoever lists them.
    pub const NAMES: [&'static str; 4] = ["pending", "delivered", "failed", "canceled"];

    /// A new one: due at once.
    pub const fn new(now: UnixMillis) -> Self {
        Self::Pending { made: 0, due: now }
    }

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Delivered { .. } => "delivered",
            Self::Failed { .. } => "failed",
            Self::Canceled { .. } => "canceled",
        }
    }

    /// Why it failed or was canceled, for machines.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Pending { .. } | Self::Delivered { .. } => None,
            Self::Failed { why: GiveUp::Exhausted, .. } => Some("exhausted"),
            Self::Failed { why: GiveUp::Redirected, .. } => Some("redirected"),
            Self::Canceled { why: CancelReason::Disabled, .. } => Some("disabled"),
            Self::Canceled { why: CancelReason::Deleted, .. } => Some("deleted"),
        }
    }

    /// Attempts made since it was made or last resent.
    pub const fn made(self) -> u8 {
        match self {
            Self::Pending { made, .. }
            | Self::Delivered { made }
            | Self::Failed { made, .. }
            | Self::Canceled { made, .. } => made,
        }
    }

    /// When the next attempt is due; `None` when it has ended.
    pub const fn due(self) -> Option<UnixMillis> {
        match self {
            Self::Pending { due, .. } => Some(due),
            Self::Delivered { .. } | Self::Failed { .. } | Self::Canceled { .. } => None,
        }
    }

    /// From word, reason, attempts and due time, as they are stored; `None` where they do not belong together.
    pub fn from_stored(name: &str, reason: Option<&str>, made: u8, due: Option<UnixMillis>) -> Option<Self> {
        Some(match (name, reason, due) {
            ("pending", None, Some(due)) => Self::Pending { made, due },
            ("delivered", None, None) => Self::Delivered { made },
            ("failed", Some("exhausted"), None) => Self::Failed { made, why: GiveUp::Exhausted },
            ("failed", Some("redirected"), None) => Self::Failed { made, why: GiveUp::Redirected },
            ("canceled", Some("disabled"), None) => Self::Canceled { made, why: CancelReason::Disabled },
            ("canceled", Some("deleted"), None) => Self::Canceled { made, why: CancelReason::Deleted },
            _ => return None,
        })
    }

    /// What an event makes of it; `None` where it changes nothing.
    ///
    /// An attempt may be on its way while its endpoint is disabled. If the server takes it all the same, it *was*
    /// delivered, and that is told.
    pub fn apply(self, event: DeliveryEvent) -> Option<Self> {
        use DeliveryEvent as E;
        match (self, event) {
            (Self::Pending { made, .. }, E::Answered { status, retry_after, at, random }) => {
                let made = made.saturating_add(1);
                Some(match status.meaning() {
                    Meaning::Taken => Self::Delivered { made },
                    Meaning::Elsewhere => Self::Failed { made, why: GiveUp::Redirected },
                    Meaning::Gone => Self::Canceled { made, why: CancelReason::Disabled },
                    Meaning::Busy => Self::again(made, at, random, retry_after),
                    Meaning::NotTaken => Self::again(made, at, random, None),
                })
            }
            (Self::Pending { made, .. }, E::NotAnswered { at, random, reason: _ }) => {
                Some(Self::again(made.saturating_add(1), at, random, None))
            }
            (Self::Failed { made, .. } | Self::Canceled { made, .. }, E::Answered { status, .. }) => {
                match status.meaning() {
                    Meaning::Taken => Some(Self::Delivered { made: made.saturating_add(1) }),
                    Meaning::Elsewhere | Meaning::Gone | Meaning::Busy | Meaning::NotTaken => None,
                }
            }
            (Self::Failed { .. } | Self::Canceled { .. }, E::NotAnswered { .. }) => None,
            (Self::Delivered { .. }, E::Answered { .. } | E::NotAnswered { .. }) => None,
            (Self::Delivered { .. } | Self::Failed { .. }, E::Resent { at }) => Some(Self::new(at)),
            (Self::Pending { .. } | Self::Canceled { .. }, E::Resent { .. }) => None,
            (Self::Pending { made, .. }, E::EndpointDisabled) => {
                Some(Self::Canceled { made, why: CancelReason::Disabled })
            }
            (Self::Pending { made, .. }, E::EndpointDeleted) => {
                Some(Self::Canceled { made, why: CancelReason::Deleted })
            }
            (
                Self::Delivered { .. } | Self::Failed { .. } | Self::Canceled { .. },
                E::EndpointDisabled | E::EndpointDeleted,
            ) => None,
        }
    }

    /// Sends it again from the beginning of the schedule, or says why not. The message keeps its id and its bytes.
    ///
    /// # Errors
    /// [`ResendRefused`].
    pub const fn resend(self, now: UnixMillis) -> Result<Self, ResendRefused> {
        match self {
            Self::Delivered { .. } | Self::Failed { .. } => Ok(Self::new(now)),
            Self::Pending { .. } => Err(ResendRefused::Pending),
            Self::Canceled { .. } => Err(ResendRefused::Canceled),
        }
    }

    /// The next attempt, or the end of them.
    fn again(made: u8, at: UnixMillis, random: u64, asked: Option<RetryAfter>) -> Self {
        match schedule::wait_ms(made, random) {
            Some(wait) => {
                let wait = wait.max(asked.map_or(0, RetryAfter::millis));
                Self::Pending { made, due: at.plus(i64::try_from(wait).unwrap_or(i64::MAX)) }
            }
            None => Self::Failed { made, why: GiveUp::Exhausted },
        }
    }
}
