//! A load of a wallet card: debited once, credited once, and decided by the card's counter, never by a
//! timeout. (JR/T 0025 parts 2 and 9; the protocol is `docs/protocol/tap.md`.) What was credited can be given back by
//! two persons: [`crate::reversal`].

use core::fmt;

use model::{Asn, Fen, IndustryCode, OnlineCounter, UnixMillis};

use crate::TransferId;
use crate::order::Money;

/// A load's id: time first, so that ids sort by age.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LoadId(pub u128);

impl LoadId {
    /// An id of the moment and 80 random bits.
    pub const fn from_time_and_random(now: UnixMillis, random: u128) -> Self {
        let millis = (now.0.cast_unsigned() & 0xffff_ffff_ffff) as u128;
        Self(millis << 80 | random & ((1 << 80) - 1))
    }
}

impl fmt::Display for LoadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "load_{:032x}", self.0)
    }
}

impl fmt::Debug for LoadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is not a load's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a load id is load_ and 32 hexadecimal digits")]
pub struct LoadIdError;

impl core::str::FromStr for LoadId {
    type Err = LoadIdError;
    fn from_str(text: &str) -> Result<Self, LoadIdError> {
        let digits = text.strip_prefix("load_").filter(|d| d.len() == 32 && !d.starts_with('+'));
        digits.and_then(|d| u128::from_str_radix(d, 16).ok()).map(Self).ok_or(LoadIdError)
    }
}

/// Where a load stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoadState {
    /// The money is set aside and a MAC2 may have left. The next tap of the card decides.
    Open,
    /// The card took it and proved it: the money moved.
    Closed,
    /// The card's counter cannot decide. A person does.
    InDoubt,
    /// A person found that the card holds it: the money moved.
    SettledCredited,
    /// A person found that the card does not hold it: the money is the holder's again.
    SettledReturned,
    /// Two persons gave it back after it had been credited: its card is withdrawn.
    Reversed,
}

impl LoadState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Open,
        Self::Closed,
        Self::InDoubt,
        Self::SettledCredited,
        Self::SettledReturned,
        Self::Reversed,
    ];

    /// The word for tables, pages and the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::InDoubt => "in_doubt",
            Self::SettledCredited => "settled_credited",
            Self::SettledReturned => "settled_returned",
            Self::Reversed => "reversed",
        }
    }

    /// The state of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether the card may not be loaded again before this one has ended.
    pub const fn is_unfinished(self) -> bool {
        match self {
            Self::Open | Self::InDoubt => true,
            Self::Closed | Self::SettledCredited | Self::SettledReturned | Self::Reversed => false,
        }
    }
}

/// What happens to a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadEvent {
    /// A verified counter of the same card says that it did not take the load: it is offered again.
    OfferedAgain,
    /// A TAC of the card over one of this load's attempts agrees.
    Proven,
    /// The counter says neither, or says yes without a proof.
    Undecidable,
    /// A person at the bank found that the card holds the money.
    SettleCredited,
    /// A person at the bank found that the card does not.
    SettleReturned,
    /// A second person agreed that what was credited is given back. The load's own transfer stays; a linked one gives back.
    Reverse,
}

/// What an event does to a load. It cannot be made otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadChange {
    state: LoadState,
    money: Money,
}

impl LoadChange {
    /// The new state.
    pub const fn state(self) -> LoadState {
        self.state
    }

    /// What becomes of the money that is set aside.
    pub const fn money(self) -> Money {
        self.money
    }
}

/// The load does not know this event in its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// It has ended; nothing changes it.
    #[error("the load has ended already: it is {}", .0.name())]
    Ended(LoadState),
    /// Only what the card cannot decide is settled by hand.
    #[error("the load is open: the next tap of the card decides it, nobody else")]
    CardDecides,
    /// Nothing has moved, so there is nothing to give back.
    #[error(
        "the load is in doubt: its money has not moved; settle it as not credited, and it is the holder's again"
    )]
    NotMoved,
}

impl LoadError {
    /// The stable code for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Ended(_) => "load_ended",
            Self::CardDecides => "load_card_decides",
            Self::NotMoved => "load_not_moved",
        }
    }
}

/// One load of one card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Its id.
    pub id: LoadId,
    /// Of which card.
    pub asn: Asn,
    /// The card's counter before it; with the ASN it names the load for ever.
    pub counter: OnlineCounter,
    /// Which product.
    pub industry: IndustryCode,
    /// How much.
    pub amount: Fen,
    /// The transfer that sets the money aside.
    pub transfer: TransferId,
    /// Where it stands.
    pub state: LoadState,
    /// When it was begun.
    pub created_at: UnixMillis,
}

/// What a card's verified counter says of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardSays {
    /// The counter is where it was: the card did not take it.
    NotTaken,
    /// The counter is one further: the card took it, and can prove it.
    Taken,
    /// Anything else: another load came between, or the card went back.
    Neither,
}

impl Load {
    /// What the card's verified counter says. The balance alone must not decide: purchases may lie between.
    pub fn card_says(&self, now: OnlineCounter) -> CardSays {
        if now == self.counter {
            CardSays::NotTaken
        } else if self.counter.next() == Some(now) {
            CardSays::Taken
        } else {
            CardSays::Neither
        }
    }

    /// The one place that knows what an event does to a load.
    pub fn apply(&mut self, event: LoadEvent) -> Result<LoadChange, LoadError> {
        use LoadEvent as E;
        use LoadState as S;
        let (state, money) = match (self.state, event) {
            (S::Open, E::OfferedAgain) => (S::Open, Money::Stays),
            (S::Open | S::InDoubt, E::Proven) => (S::Closed, Money::Moves),
            (S::Open | S::InDoubt, E::Undecidable) => (S::InDoubt, Money::Stays),
            // A counter that went on and is back is not this card's: only a person decides.
            (S::InDoubt, E::OfferedAgain) => (S::InDoubt, Money::Stays),
            (S::InDoubt, E::SettleCredited) => (S::SettledCredited, Money::Moves),
            (S::InDoubt, E::SettleReturned) => (S::SettledReturned, Money::Freed),
            (S::Closed | S::SettledCredited, E::Reverse) => (S::Reversed, Money::Stays),
            (S::Open, E::SettleCredited | E::SettleReturned | E::Reverse) => {
                return Err(LoadError::CardDecides);
            }
            (S::InDoubt, E::Reverse) => return Err(LoadError::NotMoved),
            (
                S::Closed | S::SettledCredited,
                E::OfferedAgain | E::Proven | E::Undecidable | E::SettleCredited | E::SettleReturned,
            )
            | (
                S::SettledReturned | S::Reversed,
                E::OfferedAgain
                | E::Proven
                | E::Undecidable
                | E::SettleCredited
                | E::SettleReturned
                | E::Reverse,
            ) => return Err(LoadError::Ended(self.state)),
        };
        self.state = state;
        Ok(LoadChange { state, money })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    fn load(state: LoadState) -> Load {
        Load {
            id: LoadId(1),
            asn: Asn::new([0; 10]).unwrap(),
            counter: OnlineCounter(7),
            industry: IndustryCode::new(1).unwrap(),
            amount: Fen(5000),
            transfer: TransferId(2),
            state,
            created_at: UnixMillis(0),
        }
    }

    #[test]
    fn the_table_of_states_and_events_is_this_one() {
        use LoadEvent::{OfferedAgain, Proven, Reverse, SettleCredited, SettleReturned, Undecidable};
        let events = [OfferedAgain, Proven, Undecidable, SettleCredited, SettleReturned, Reverse];
        let table = [
            ("open", ["open", "closed", "in_doubt", "-", "-", "-"]),
            ("closed", ["-", "-", "-", "-", "-", "reversed"]),
            ("in_doubt", ["in_doubt", "closed", "in_doubt", "settled_credited", "settled_returned", "-"]),
            ("settled_credited", ["-", "-", "-", "-", "-", "reversed"]),
            ("settled_returned", ["-"; 6]),
            ("reversed", ["-"; 6]),
        ];
        for (state, (name, row)) in LoadState::ALL.into_iter().zip(table) {
            assert_eq!(state.name(), name);
            for (event, expected) in events.into_iter().zip(row) {
                let after = load(state).apply(event).map_or("-", |change| change.state().name());
                assert_eq!(after, expected, "{name} then {event:?}");
            }
        }
    }

    #[test]
    fn money_moves_or_is_freed_once_and_only_at_an_end() {
        let mut taken = load(LoadState::Open);
        assert_eq!(taken.apply(LoadEvent::OfferedAgain).map(LoadChange::money), Ok(Money::Stays));
        assert_eq!(taken.apply(LoadEvent::Proven).map(LoadChange::money), Ok(Money::Moves));
        assert_eq!(taken.apply(LoadEvent::Proven), Err(LoadError::Ended(LoadState::Closed)));
        let mut doubtful = load(LoadState::InDoubt);
        assert_eq!(doubtful.apply(LoadEvent::SettleReturned).map(LoadChange::money), Ok(Money::Freed));
        assert_eq!(load(LoadState::Open).apply(LoadEvent::SettleReturned), Err(LoadError::CardDecides));
    }

    #[test]
    fn what_has_not_moved_is_not_reversed_and_what_was_reversed_is_not_again() {
        assert_eq!(load(LoadState::Open).apply(LoadEvent::Reverse), Err(LoadError::CardDecides));
        assert_eq!(load(LoadState::InDoubt).apply(LoadEvent::Reverse), Err(LoadError::NotMoved));
        for state in [LoadState::Closed, LoadState::SettledCredited] {
            let mut credited = load(state);
            assert_eq!(credited.apply(LoadEvent::Reverse).map(LoadChange::money), Ok(Money::Stays));
            assert_eq!(credited.apply(LoadEvent::Reverse), Err(LoadError::Ended(LoadState::Reversed)));
        }
    }

    #[test]
    fn the_counter_decides() {
        let load = load(LoadState::Open);
        for (now, says) in [
            (7, CardSays::NotTaken),
            (8, CardSays::Taken),
            (9, CardSays::Neither),
            (6, CardSays::Neither),
            (0, CardSays::Neither),
        ] {
            assert_eq!(load.card_says(OnlineCounter(now)), says, "{now}");
        }
        let last = Load { counter: OnlineCounter(u16::MAX), ..load };
        assert_eq!(last.card_says(OnlineCounter(0)), CardSays::Neither);
    }

    #[test]
    fn an_id_reads_back() {
        let id = LoadId::from_time_and_random(UnixMillis(1_795_199_488_000), u128::MAX);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("load_1".parse::<LoadId>(), Err(LoadIdError));
    }
}
