//! 订单: what a merchant asks for, and the one table of what may happen to it.

use core::fmt;
use core::str::FromStr;

use model::{Amount, CardId, PlaceId, UnixMillis};

use crate::MerchantId;
use crate::card::AuditRefusal;
use crate::ledger::TransferId;
use crate::press::PressCount;

/// An order's id: 128 bits, time first, so that new ones stand together. Written `ord_` and 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderId(pub u128);

/// Why a text is not an order id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order id is `ord_` and 32 hexadecimal digits")]
pub struct OrderIdError;

impl OrderId {
    /// An id from the time it is made and 74 random bits (the layout of UUID version 7, RFC 9562).
    pub fn from_time_and_random(now: UnixMillis, random: u128) -> Self {
        let millis = u128::from(now.0.unsigned_abs()) & 0xffff_ffff_ffff;
        let (high, low) = (random >> 64 & 0x0fff, random & 0x3fff_ffff_ffff_ffff);
        Self(millis << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ord_{:032x}", self.0)
    }
}

impl fmt::Debug for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for OrderId {
    type Err = OrderIdError;
    fn from_str(text: &str) -> Result<Self, OrderIdError> {
        let digits = text.strip_prefix("ord_").ok_or(OrderIdError)?;
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(OrderIdError);
        }
        u128::from_str_radix(digits, 16).map(Self).map_err(|_| OrderIdError)
    }
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Money is set aside; the card has not fetched it.
    AwaitingCard,
    /// It is on its way to the card, or lit there.
    Processing,
    /// The holder agreed and the money has moved.
    Paid,
    /// Refused, and the money is free again.
    Declined(DeclineReason),
    /// Nobody answered in time.
    Expired,
    /// Taken back by the merchant or the buyer before the holder agreed.
    Canceled,
    /// The platform could not carry it out.
    Failed,
}

/// Why an order was declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclineReason {
    /// The holder held the key for 1.5 s.
    RefusedByHolder,
    /// The holder held the key for 5 s: the card is frozen.
    NotMe,
    /// Over the card's own limit.
    OverCardLimit,
    /// Another number of presses than the page showed.
    WrongPresses,
    /// The card did not pass the audit.
    Audit(AuditRefusal),
}

impl DeclineReason {
    /// The stable code for JSON, metrics and pages.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RefusedByHolder => "refused_by_holder",
            Self::NotMe => "not_me",
            Self::OverCardLimit => "over_card_limit",
            Self::WrongPresses => "wrong_presses",
            Self::Audit(refusal) => refusal.code(),
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        [Self::RefusedByHolder, Self::NotMe, Self::OverCardLimit, Self::WrongPresses]
            .into_iter()
            .chain(AuditRefusal::ALL.into_iter().map(Self::Audit))
            .find(|reason| reason.code() == code)
    }
}

impl OrderState {
    /// The word for JSON, tables and pages; a declined order's reason stands beside it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwaitingCard => "awaiting_card",
            Self::Processing => "processing",
            Self::Paid => "paid",
            Self::Declined(_) => "declined",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
        }
    }

    /// The reason of a declined order.
    pub const fn decline_reason(self) -> Option<DeclineReason> {
        match self {
            Self::Declined(reason) => Some(reason),
            Self::AwaitingCard
            | Self::Processing
            | Self::Paid
            | Self::Expired
            | Self::Canceled
            | Self::Failed => None,
        }
    }

    /// The state of a word and, for `declined`, a reason's code.
    pub fn from_name(name: &str, reason: Option<&str>) -> Option<Self> {
        Some(match (name, reason) {
            ("awaiting_card", None) => Self::AwaitingCard,
            ("processing", None) => Self::Processing,
            ("paid", None) => Self::Paid,
            ("declined", Some(code)) => Self::Declined(DeclineReason::from_code(code)?),
            ("expired", None) => Self::Expired,
            ("canceled", None) => Self::Canceled,
            ("failed", None) => Self::Failed,
            _ => return None,
        })
    }

    /// Whether the card can still be asked.
    pub const fn is_open(self) -> bool {
        match self {
            Self::AwaitingCard | Self::Processing => true,
            Self::Paid | Self::Declined(_) | Self::Expired | Self::Canceled | Self::Failed => false,
        }
    }
}

/// What happens to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderEvent {
    /// A transaction is made for it and goes to the card, for the first time or anew.
    Prompted,
    /// The holder agreed with this many presses, in time.
    Agreed {
        /// How many.
        presses: u8,
    },
    /// The holder refused.
    Refused,
    /// The holder says that it is not theirs.
    NotMe,
    /// The card says that it is over its limit.
    OverLimit,
    /// The card says that nobody pressed.
    NotAnswered,
    /// The card was in the middle of another answer: this order waits again.
    Busy,
    /// Its time ran out.
    Lapsed,
    /// The merchant or the buyer takes it back.
    Cancel,
    /// The card that came for it did not pass the audit.
    AuditRefused(AuditRefusal),
    /// The platform cannot carry it out.
    Fail,
}

/// What becomes of the money that an order set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Money {
    /// It stays set aside.
    Stays,
    /// It moves to the merchant.
    Moves,
    /// It is free again.
    Freed,
}

/// What an event does to an order. Made by [`Order::apply`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    state: OrderState,
    money: Money,
}

impl Change {
    /// The state that the order is in now.
    pub fn state(&self) -> OrderState {
        self.state
    }

    /// What becomes of the money.
    pub fn money(&self) -> Money {
        self.money
    }
}

/// Why an event does not fit an order's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The order has ended; nothing changes it.
    #[error("the order is {} already", .0.name())]
    AlreadyEnded(OrderState),
    /// A card answered an order that no card was asked about.
    #[error("no card was asked about the order")]
    NotPrompted,
}

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Whose order.
    pub merchant: MerchantId,
    /// The card that is to pay.
    pub card: CardId,
    /// How much.
    pub amount: Amount,
    /// Where.
    pub place: PlaceId,
    /// How many presses the page shows; one where there is none.
    pub presses: Option<PressCount>,
    /// Where it stands.
    pub state: OrderState,
    /// The money that is set aside for it.
    pub reservation: TransferId,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it lapses.
    pub expires_at: UnixMillis,
}

impl Order {
    /// What an event does to the order, exactly once: an ended order refuses everything.
    pub fn apply(&mut self, event: OrderEvent) -> Result<Change, OrderError> {
        let change = self.change(event)?;
        self.state = change.state;
        Ok(change)
    }

    fn change(&self, event: OrderEvent) -> Result<Change, OrderError> {
        use OrderEvent as E;
        use OrderState as S;
        let declined = |reason| Ok(Change { state: S::Declined(reason), money: Money::Freed });
        let freed = |state| Ok(Change { state, money: Money::Freed });
        match (self.state, event) {
            (S::AwaitingCard | S::Processing, E::Prompted) => {
                Ok(Change { state: S::Processing, money: Money::Stays })
            }
            (S::Processing, E::Agreed { presses }) if presses == self.presses_wanted() => {
                Ok(Change { state: S::Paid, money: Money::Moves })
            }
            (S::Processing, E::Agreed { presses: _ }) => declined(DeclineReason::WrongPresses),
            (S::Processing, E::Refused) => declined(DeclineReason::RefusedByHolder),
            (S::Processing, E::NotMe) => declined(DeclineReason::NotMe),
            (S::Processing, E::OverLimit) => declined(DeclineReason::OverCardLimit),
            (S::Processing, E::NotAnswered) => freed(S::Expired),
            (S::Processing, E::Busy) => Ok(Change { state: S::AwaitingCard, money: Money::Stays }),
            (
                S::AwaitingCard,
                E::Agreed { .. } | E::Refused | E::NotMe | E::OverLimit | E::NotAnswered | E::Busy,
            ) => Err(OrderError::NotPrompted),
            (S::AwaitingCard | S::Processing, E::Lapsed) => freed(S::Expired),
            (S::AwaitingCard | S::Processing, E::Cancel) => freed(S::Canceled),
            (S::AwaitingCard | S::Processing, E::Fail) => freed(S::Failed),
            (S::AwaitingCard | S::Processing, E::AuditRefused(refusal)) => {
                declined(DeclineReason::Audit(refusal))
            }
            (
                S::Paid | S::Declined(_) | S::Expired | S::Canceled | S::Failed,
                E::Prompted
                | E::Agreed { .. }
                | E::Refused
                | E::NotMe
                | E::OverLimit
                | E::NotAnswered
                | E::Busy
                | E::Lapsed
                | E::Cancel
                | E::AuditRefused(_)
                | E::Fail,
            ) => Err(OrderError::AlreadyEnded(self.state)),
        }
    }

    /// How many presses agree to this order: the number of its page, or exactly one.
    pub fn presses_wanted(&self) -> u8 {
        self.presses.map_or(1, PressCount::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Currency;

    fn order(state: OrderState, presses: Option<u8>) -> Order {
        Order {
            id: OrderId(1),
            merchant: MerchantId(1),
            card: CardId(1),
            amount: Amount::new(2000, Currency::CNY).unwrap(),
            place: PlaceId(1),
            presses: presses.and_then(PressCount::new),
            state,
            reservation: TransferId(1),
            created_at: UnixMillis(0),
            expires_at: UnixMillis(1),
        }
    }

    #[test]
    fn an_order_lives_by_the_table() {
        use OrderEvent as E;
        use OrderState as S;
        let cases = [
            (S::AwaitingCard, None, E::Prompted, Ok((S::Processing, Money::Stays))),
            (S::Processing, None, E::Prompted, Ok((S::Processing, Money::Stays))),
            (S::Processing, None, E::Agreed { presses: 1 }, Ok((S::Paid, Money::Moves))),
            (
                S::Processing,
                None,
                E::Agreed { presses: 2 },
                Ok((S::Declined(DeclineReason::WrongPresses), Money::Freed)),
            ),
            (S::Processing, Some(3), E::Agreed { presses: 3 }, Ok((S::Paid, Money::Moves))),
            (
                S::Processing,
                Some(3),
                E::Agreed { presses: 1 },
                Ok((S::Declined(DeclineReason::WrongPresses), Money::Freed)),
            ),
            (
                S::Processing,
                None,
                E::Refused,
                Ok((S::Declined(DeclineReason::RefusedByHolder), Money::Freed)),
            ),
            (S::Processing, None, E::NotMe, Ok((S::Declined(DeclineReason::NotMe), Money::Freed))),
            (S::Processing, None, E::NotAnswered, Ok((S::Expired, Money::Freed))),
            (S::Processing, None, E::Busy, Ok((S::AwaitingCard, Money::Stays))),
            (S::AwaitingCard, None, E::Agreed { presses: 1 }, Err(OrderError::NotPrompted)),
            (S::AwaitingCard, None, E::Lapsed, Ok((S::Expired, Money::Freed))),
            (S::Processing, None, E::Cancel, Ok((S::Canceled, Money::Freed))),
            (
                S::AwaitingCard,
                None,
                E::AuditRefused(AuditRefusal::Frozen),
                Ok((S::Declined(DeclineReason::Audit(AuditRefusal::Frozen)), Money::Freed)),
            ),
        ];
        for (state, presses, event, expected) in cases {
            let mut order = order(state, presses);
            let change = order.apply(event).map(|c| (c.state(), c.money()));
            assert_eq!(change, expected, "{state:?} {event:?}");
        }
    }

    #[test]
    fn whatever_has_ended_stays_ended() {
        use OrderEvent as E;
        use OrderState as S;
        let ended = [S::Paid, S::Declined(DeclineReason::NotMe), S::Expired, S::Canceled, S::Failed];
        let events = [
            E::Prompted,
            E::Agreed { presses: 1 },
            E::Refused,
            E::NotMe,
            E::OverLimit,
            E::NotAnswered,
            E::Busy,
            E::Lapsed,
            E::Cancel,
            E::AuditRefused(AuditRefusal::Lost),
            E::Fail,
        ];
        for state in ended {
            for event in events {
                let mut order = order(state, None);
                assert_eq!(order.apply(event), Err(OrderError::AlreadyEnded(state)));
                assert_eq!(order.state, state);
            }
        }
    }

    #[test]
    fn states_and_ids_read_back_from_their_words() {
        extern crate std;
        use std::string::ToString;
        let reasons = AuditRefusal::ALL.map(DeclineReason::Audit);
        let states =
            [OrderState::AwaitingCard, OrderState::Processing, OrderState::Paid, OrderState::Expired];
        for state in states.into_iter().chain(reasons.map(OrderState::Declined)) {
            let reason = state.decline_reason().map(DeclineReason::code);
            assert_eq!(OrderState::from_name(state.name(), reason), Some(state));
        }
        let id = OrderId::from_time_and_random(UnixMillis(1_800_000_000_000), u128::MAX);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("ord_1".parse::<OrderId>(), Err(OrderIdError));
        let later = OrderId::from_time_and_random(UnixMillis(1_800_000_000_001), 0);
        assert!(later > id);
    }
}
