//! A downlink: a frame for a card, and the one table of what may become of it.
//!
//! The words are promises. *Sent* is said when it went out, *delivered* only when the network said that it arrived,
//! *acknowledged* only when the card's end confirmed it. What a bearer cannot know is never said.

use core::fmt;
use core::str::FromStr;

use model::UnixMillis;

/// A downlink's id: 128 bits, time first, so that new ones stand together. Written `dl_` and 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DownlinkId(pub u128);

/// Why a text is not a downlink's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a downlink's id is `dl_` and 32 hexadecimal digits")]
pub struct DownlinkIdError;

impl DownlinkId {
    /// An id from the time it is made and 74 random bits (the layout of UUID version 7, RFC 9562): networks that want
    /// a UUID for a queue's item take it as it is.
    pub fn from_time_and_random(now: UnixMillis, random: u128) -> Self {
        let millis = u128::from(now.0.unsigned_abs()) & 0xffff_ffff_ffff;
        let (high, low) = (random >> 64 & 0x0fff, random & 0x3fff_ffff_ffff_ffff);
        Self(millis << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
    }
}

impl fmt::Display for DownlinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dl_{:032x}", self.0)
    }
}

impl fmt::Debug for DownlinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DownlinkId {
    type Err = DownlinkIdError;
    fn from_str(text: &str) -> Result<Self, DownlinkIdError> {
        let digits = text.strip_prefix("dl_").ok_or(DownlinkIdError)?;
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(DownlinkIdError);
        }
        u128::from_str_radix(digits, 16).map(Self).map_err(|_| DownlinkIdError)
    }
}

/// Which of a card's waiting downlinks goes first; among equals the oldest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Before all others.
    High,
    /// As orders are by themselves.
    #[default]
    Normal,
    /// After all others.
    Low,
}

impl Priority {
    /// All, the first first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// As it is stored: the smaller goes first.
    pub const fn number(self) -> u8 {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }

    /// From its number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.number() == number)
    }

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// From its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.name() == name)
    }
}

/// Why a downlink failed. A code for machines; its name is for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailReason {
    /// The frame is over what the bearer carries.
    TooLong,
    /// No address is known, or none that the bearer reads.
    NoAddress,
    /// No bearer that runs carries it to this address.
    NoBearer,
    /// The network said no.
    Refused,
    /// The network could not be asked.
    Unreachable,
    /// Nobody confirmed it, however often it was repeated.
    NotAcknowledged,
    /// The network tried and gave up.
    GivenUp,
    /// What it was for has ended, or is asked anew.
    Superseded,
}

impl FailReason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::TooLong,
        Self::NoAddress,
        Self::NoBearer,
        Self::Refused,
        Self::Unreachable,
        Self::NotAcknowledged,
        Self::GivenUp,
        Self::Superseded,
    ];

    /// For machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NoAddress => "no_address",
            Self::NoBearer => "no_bearer",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::NotAcknowledged => "not_acknowledged",
            Self::GivenUp => "given_up",
            Self::Superseded => "superseded",
        }
    }

    /// From its code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// Where a downlink stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DownlinkState {
    /// It waits here: for the card to be heard, or for its bearer.
    Queued,
    /// It waits in the network's own queue.
    Handed,
    /// It went out. On most radios no more can be known.
    Sent,
    /// The network said that it arrived.
    Delivered,
    /// The card's end confirmed it.
    Acknowledged,
    /// Its time was over before it went out.
    Expired,
    /// It will not go out, or did not arrive.
    Failed(FailReason),
    /// An operator took it back before it went out.
    Canceled,
}

/// What a bearer, a clock or an operator tells of a downlink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DownlinkEvent {
    /// The network took it into its queue.
    Handed,
    /// It went out.
    Sent,
    /// The network says that it arrived.
    Delivered,
    /// The card's end confirmed it.
    Acknowledged,
    /// Its time is over.
    Expired,
    /// It cannot be sent, or was not confirmed.
    Failed(FailReason),
    /// An operator takes it back.
    Canceled,
}

/// Why a downlink is not taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelRefused {
    /// The network has it; nothing can be called back from there.
    #[error("it is with the network already and cannot be called back; it expires by itself")]
    WithTheNetwork,
    /// It went out.
    #[error("it was sent already")]
    Sent,
    /// It has ended.
    #[error("it has ended already")]
    Ended,
}

impl DownlinkState {
    /// Each kind once, for whoever lists them.
    pub const NAMES: [&'static str; 8] =
        ["queued", "handed", "sent", "delivered", "acknowledged", "expired", "failed", "canceled"];

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Handed => "handed",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Acknowledged => "acknowledged",
            Self::Expired => "expired",
            Self::Failed(_) => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Why it failed, if it did.
    pub const fn reason(self) -> Option<FailReason> {
        match self {
            Self::Failed(reason) => Some(reason),
            Self::Queued
            | Self::Handed
            | Self::Sent
            | Self::Delivered
            | Self::Acknowledged
            | Self::Expired
            | Self::Canceled => None,
        }
    }

    /// From word and reason.
    pub fn from_name(name: &str, reason: Option<FailReason>) -> Option<Self> {
        Some(match (name, reason) {
            ("queued", None) => Self::Queued,
            ("handed", None) => Self::Handed,
            ("sent", None) => Self::Sent,
            ("delivered", None) => Self::Delivered,
            ("acknowledged", None) => Self::Acknowledged,
            ("expired", None) => Self::Expired,
            ("failed", Some(reason)) => Self::Failed(reason),
            ("canceled", None) => Self::Canceled,
            _ => return None,
        })
    }

    /// Whether it waits, here or at the network.
    pub const fn waits(self) -> bool {
        matches!(self, Self::Queued | Self::Handed)
    }

    /// What an event makes of it; `None` where it changes nothing (a report that came late, or twice).
    ///
    /// Reports come out of order, and what the network did is told even when our own clock, or an operator, had given it
    /// up: a downlink that expired, was canceled or superseded here and went out all the same *was* sent.
    pub const fn apply(self, event: DownlinkEvent) -> Option<Self> {
        use DownlinkEvent as E;
        match event {
            E::Handed => match self {
                Self::Queued => Some(Self::Handed),
                Self::Handed
                | Self::Sent
                | Self::Delivered
                | Self::Acknowledged
                | Self::Expired
                | Self::Failed(_)
                | Self::Canceled => None,
            },
            E::Sent => match self {
                Self::Queued
                | Self::Handed
                | Self::Expired
                | Self::Canceled
                | Self::Failed(FailReason::Superseded) => Some(Self::Sent),
                Self::Sent | Self::Delivered | Self::Acknowledged | Self::Failed(_) => None,
            },
            E::Delivered => match self {
                Self::Queued
                | Self::Handed
                | Self::Sent
                | Self::Expired
                | Self::Failed(_)
                | Self::Canceled => Some(Self::Delivered),
                Self::Delivered | Self::Acknowledged => None,
            },
            E::Acknowledged => match self {
                Self::Queued
                | Self::Handed
                | Self::Sent
                | Self::Delivered
                | Self::Expired
                | Self::Failed(_)
                | Self::Canceled => Some(Self::Acknowledged),
                Self::Acknowledged => None,
            },
            E::Expired => match self {
                Self::Queued | Self::Handed => Some(Self::Expired),
                Self::Sent
                | Self::Delivered
                | Self::Acknowledged
                | Self::Expired
                | Self::Failed(_)
                | Self::Canceled => None,
            },
            E::Failed(reason) => match self {
                Self::Queued | Self::Handed | Self::Sent | Self::Delivered => Some(Self::Failed(reason)),
                Self::Acknowledged | Self::Expired | Self::Failed(_) | Self::Canceled => None,
            },
            E::Canceled => match self {
                Self::Queued => Some(Self::Canceled),
                Self::Handed
                | Self::Sent
                | Self::Delivered
                | Self::Acknowledged
                | Self::Expired
                | Self::Failed(_)
                | Self::Canceled => None,
            },
        }
    }

    /// Takes it back, or says why that is too late.
    pub const fn cancel(self) -> Result<Self, CancelRefused> {
        match self {
            Self::Queued => Ok(Self::Canceled),
            Self::Handed => Err(CancelRefused::WithTheNetwork),
            Self::Sent | Self::Delivered => Err(CancelRefused::Sent),
            Self::Acknowledged | Self::Expired | Self::Failed(_) | Self::Canceled => {
                Err(CancelRefused::Ended)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_downlink_lives_by_the_table() {
        use DownlinkEvent as E;
        use DownlinkState as S;
        let failed = FailReason::NotAcknowledged;
        let events =
            [E::Handed, E::Sent, E::Delivered, E::Acknowledged, E::Expired, E::Failed(failed), E::Canceled];
        let none = None;
        let (sent, delivered, acknowledged) = (Some(S::Sent), Some(S::Delivered), Some(S::Acknowledged));
        let (expired, fails) = (Some(S::Expired), Some(S::Failed(failed)));
        for (state, ends) in [
            (S::Queued, [Some(S::Handed), sent, delivered, acknowledged, expired, fails, Some(S::Canceled)]),
            (S::Handed, [none, sent, delivered, acknowledged, expired, fails, none]),
            (S::Sent, [none, none, delivered, acknowledged, none, fails, none]),
            (S::Delivered, [none, none, none, acknowledged, none, fails, none]),
            (S::Acknowledged, [none; 7]),
            (S::Expired, [none, sent, delivered, acknowledged, none, none, none]),
            (S::Failed(FailReason::Unreachable), [none, none, delivered, acknowledged, none, none, none]),
            (S::Failed(FailReason::Superseded), [none, sent, delivered, acknowledged, none, none, none]),
            (S::Canceled, [none, sent, delivered, acknowledged, none, none, none]),
        ] {
            for (event, end) in events.into_iter().zip(ends) {
                assert_eq!(state.apply(event), end, "{state:?} {event:?}");
            }
            assert_eq!(state.cancel().ok(), state.apply(E::Canceled), "{state:?}");
        }
    }

    #[test]
    fn nothing_is_delivered_that_the_network_did_not_say() {
        let mut state = DownlinkState::Queued;
        for event in [DownlinkEvent::Handed, DownlinkEvent::Sent, DownlinkEvent::Expired] {
            state = state.apply(event).unwrap_or(state);
        }
        assert_eq!(state, DownlinkState::Sent);
    }

    #[test]
    fn states_reasons_priorities_and_ids_read_back() {
        for reason in FailReason::ALL {
            assert_eq!(FailReason::from_code(reason.code()), Some(reason));
            let state = DownlinkState::Failed(reason);
            assert_eq!(DownlinkState::from_name(state.name(), state.reason()), Some(state));
        }
        assert_eq!(DownlinkState::from_name("failed", None), None);
        assert_eq!(DownlinkState::from_name("sent", Some(FailReason::Refused)), None);
        for priority in Priority::ALL {
            assert_eq!(Priority::from_number(priority.number()), Some(priority));
            assert_eq!(Priority::from_name(priority.name()), Some(priority));
        }
        let id = DownlinkId::from_time_and_random(UnixMillis(1_795_199_488_000), 7);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("dl_7".parse::<DownlinkId>(), Err(DownlinkIdError));
    }
}
