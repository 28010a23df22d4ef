//! 冲正: a load that its card was credited with, given back to its holder by two persons.
//!
//! A load that the bank debited and the card took has ended, and no tap changes it. Where it must come back all the same (a
//! card that is worn out, a holder who leaves, a load settled by mistake), one operator asks with a reason, another one
//! approves, and a new transfer, linked to the load, gives the money back at once. After seven days an unanswered one expires.
//!
//! The card may still hold the value, and no message can take it off. So whoever asks says why it will not be spent, the
//! [`Ground`]: the bank has the card in hand, or its industry refuses it, each with the balance that is on it; or the card never
//! took the load, which nobody may say against its own proof. The card is frozen before and withdrawn after, for ever.
//!
//! Refuses, by name: a load that has not moved or has come back, a card that may still be loaded, more than was loaded, more than
//! the card holds (together with what came back of it before), the same person twice, an answer after its time.
//! Next: [`crate::load`] for the load's own table, [`crate::ledger`] for the transfer.

use core::fmt;
use core::str::FromStr;

use model::{AmountError, Asn, Fen, UnixMillis};

use crate::OperatorId;
use crate::adjustment::Reason;
use crate::ledger::{Account, LedgerError, PendingTransfer, PostedTransfer, TransferId};
use crate::load::{Load, LoadError, LoadEvent, LoadId};
use crate::order::OrderId;

/// How long a reversal waits for its second person, in milliseconds: seven days.
pub const REVERSAL_LIFETIME_MS: i64 = 7 * 24 * 3600 * 1000;

/// A reversal's id: 128 bits, time first. Written `rev_` and 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReversalId(pub u128);

/// Why a text is not a reversal's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reversal's id is `rev_` and 32 hexadecimal digits")]
pub struct ReversalIdError;

impl ReversalId {
    /// An id from the time it is made and 74 random bits (the layout of UUID version 7, RFC 9562).
    pub fn from_time_and_random(now: UnixMillis, random: u128) -> Self {
        Self(OrderId::from_time_and_random(now, random).0)
    }
}

impl fmt::Display for ReversalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rev_{:032x}", self.0)
    }
}

impl fmt::Debug for ReversalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ReversalId {
    type Err = ReversalIdError;
    fn from_str(text: &str) -> Result<Self, ReversalIdError> {
        let digits = text.strip_prefix("rev_").ok_or(ReversalIdError)?;
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(ReversalIdError);
        }
        u128::from_str_radix(digits, 16).map(Self).map_err(|_| ReversalIdError)
    }
}

/// Why the value on the card will not be spent, as whoever asks states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ground {
    /// The bank has the card in hand and keeps it.
    InHand {
        /// The balance that was read from it.
        held: Fen,
    },
    /// The industry's own list refuses the card wherever it pays.
    Blacklisted {
        /// The balance by the industry's books.
        held: Fen,
    },
    /// The card never took the load: a person settled it as credited by mistake.
    NotWritten,
}

impl Ground {
    /// The word for tables, pages and the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InHand { .. } => "in_hand",
            Self::Blacklisted { .. } => "blacklisted",
            Self::NotWritten => "not_written",
        }
    }

    /// What the card holds by this ground, where it holds anything.
    pub const fn held(self) -> Option<Fen> {
        match self {
            Self::InHand { held } | Self::Blacklisted { held } => Some(held),
            Self::NotWritten => None,
        }
    }

    /// The ground of a word and, where it has one, its balance.
    pub fn from_name(name: &str, held: Option<Fen>) -> Option<Self> {
        Some(match (name, held) {
            ("in_hand", Some(held)) => Self::InHand { held },
            ("blacklisted", Some(held)) => Self::Blacklisted { held },
            ("not_written", None) => Self::NotWritten,
            _ => return None,
        })
    }
}

/// How a load's card stands at the moment of asking or approving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardNow {
    /// Whether a MAC2 may leave for it: it is neither frozen nor withdrawn.
    pub may_be_loaded: bool,
    /// Whether it has an unfinished load.
    pub has_unfinished: bool,
    /// What was given back of what it held, by earlier reversals.
    pub given_back: Fen,
}

/// Where a reversal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReversalState {
    /// One operator wants it.
    Asked,
    /// Another one agreed, and the money is the holder's again.
    Posted {
        /// Who agreed.
        approved_by: OperatorId,
    },
    /// Somebody said no, or the asker took it back.
    Rejected {
        /// Who.
        by: OperatorId,
    },
    /// Its seven days ran out.
    Expired,
}

impl ReversalState {
    /// The word for tables and pages; who it was stands beside it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Posted { .. } => "posted",
            Self::Rejected { .. } => "rejected",
            Self::Expired => "expired",
        }
    }

    /// The state of a word and, where it has one, its operator.
    pub fn from_name(name: &str, operator: Option<OperatorId>) -> Option<Self> {
        Some(match (name, operator) {
            ("asked", None) => Self::Asked,
            ("posted", Some(approved_by)) => Self::Posted { approved_by },
            ("rejected", Some(by)) => Self::Rejected { by },
            ("expired", None) => Self::Expired,
            _ => return None,
        })
    }

    /// The operator who stands beside the word.
    pub const fn operator(self) -> Option<OperatorId> {
        match self {
            Self::Posted { approved_by: by } | Self::Rejected { by } => Some(by),
            Self::Asked | Self::Expired => None,
        }
    }
}

/// What ends a reversal without money; approving it is [`Reversal::approve`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReversalEvent {
    /// An operator says no, or the asker takes it back.
    Reject {
        /// Who.
        by: OperatorId,
    },
    /// Its time may have run out.
    Lapsed,
}

/// Why a reversal does not go on. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReversalError {
    /// The load's own table.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The load is another one than was asked about.
    #[error("this is another load than the one that was asked about")]
    OtherLoad,
    /// A MAC2 may still leave for the card.
    #[error("the card may still be loaded: freeze it first (counterfoil wallet freeze), and ask then")]
    CardMayBeLoaded,
    /// The card may still be credited with another load.
    #[error("the card has an unfinished load, which it may still take: that one ends first")]
    CardUnfinished,
    /// The card proved that it took the load.
    #[error("the card proved that it took this load: `not_written` cannot be; say where the card is instead")]
    CardProvedIt,
    /// Not money.
    #[error("this is no amount to give back: {0}")]
    NotAnAmount(AmountError),
    /// More than was loaded.
    #[error("{asked} yuan is more than the {loaded} that were loaded")]
    AboveTheLoad {
        /// What was asked.
        asked: Fen,
        /// What was loaded.
        loaded: Fen,
    },
    /// More than is on the card, together with what was given back of it before.
    #[error(
        "the card is said to hold {held} yuan, of which {given_back} came back before: {asked} is more than is left"
    )]
    AboveWhatTheCardHolds {
        /// What was asked.
        asked: Fen,
        /// What the card is said to hold.
        held: Fen,
        /// What came back of it before.
        given_back: Fen,
    },
    /// Two persons are needed.
    #[error("{0} asked for it: another operator must approve it")]
    SamePerson(OperatorId),
    /// Its seven days ran out: it is to be asked anew.
    #[error("its seven days ran out: ask anew")]
    TooLate,
    /// Its seven days have not run out.
    #[error("its seven days have not run out")]
    NotYetLapsed,
    /// It has ended; nothing changes it.
    #[error("the reversal is {} already", .0.name())]
    AlreadyEnded(ReversalState),
    /// The ledger refuses. It still waits.
    #[error("the ledger refuses: {0}")]
    Ledger(LedgerError),
    /// A stored reversal was approved by the person who asked for it.
    #[error("the stored reversal was approved by whoever asked for it: it is not taken up")]
    StoredBySamePerson,
}

impl ReversalError {
    /// The stable code for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Load(error) => error.code(),
            Self::OtherLoad => "reversal_other_load",
            Self::CardMayBeLoaded => "reversal_card_may_be_loaded",
            Self::CardUnfinished => "reversal_card_unfinished",
            Self::CardProvedIt => "reversal_card_proved_it",
            Self::NotAnAmount(_) => "reversal_not_an_amount",
            Self::AboveTheLoad { .. } => "reversal_above_the_load",
            Self::AboveWhatTheCardHolds { .. } => "reversal_above_what_the_card_holds",
            Self::SamePerson(_) => "reversal_same_person",
            Self::TooLate => "reversal_too_late",
            Self::NotYetLapsed => "reversal_not_yet_lapsed",
            Self::AlreadyEnded(_) => "reversal_already_ended",
            Self::Ledger(_) => "reversal_ledger",
            Self::StoredBySamePerson => "reversal_stored_by_same_person",
        }
    }
}

/// What is asked for: how much of the load, why, and why the card will not spend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReversalWish {
    /// How much.
    pub amount: Fen,
    /// In a person's words: where it is written down, who saw the card.
    pub reason: Reason,
    /// Why the value is not spent.
    pub ground: Ground,
}

impl ReversalWish {
    /// Whether this much may come back of this load, as its card stands.
    fn fits(&self, load: &Load, proven: bool, card: CardNow) -> Result<(), ReversalError> {
        use ReversalError as X;
        load.clone().apply(LoadEvent::Reverse)?;
        if card.may_be_loaded {
            return Err(X::CardMayBeLoaded);
        }
        if card.has_unfinished {
            return Err(X::CardUnfinished);
        }
        self.amount.amount().map_err(X::NotAnAmount)?;
        let asked = self.amount;
        if asked > load.amount {
            return Err(X::AboveTheLoad { asked, loaded: load.amount });
        }
        match self.ground {
            Ground::NotWritten if proven => Err(X::CardProvedIt),
            Ground::NotWritten => Ok(()),
            Ground::InHand { held } | Ground::Blacklisted { held } => {
                let given_back = card.given_back;
                match asked.plus(given_back) {
                    Some(together) if together <= held => Ok(()),
                    Some(_) | None => Err(X::AboveWhatTheCardHolds { asked, held, given_back }),
                }
            }
        }
    }
}

/// A reversal. Its state changes by [`Reversal::apply`] and [`Reversal::approve`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reversal {
    id: ReversalId,
    load: LoadId,
    asn: Asn,
    asked_by: OperatorId,
    asked_at: UnixMillis,
    wish: ReversalWish,
    state: ReversalState,
}

/// What a reversal is told.
#[derive(Clone, Copy)]
enum Step {
    Told(ReversalEvent),
    Approve { by: OperatorId },
}

impl Reversal {
    /// An operator asks for it. `proven`: whether a TAC of the card over the load agreed.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn ask(
        id: ReversalId,
        (asked_by, asked_at): (OperatorId, UnixMillis),
        wish: ReversalWish,
        (load, proven): (&Load, bool),
        card: CardNow,
    ) -> Result<Self, ReversalError> {
        wish.fits(load, proven, card)?;
        let (load, asn) = (load.id, load.asn);
        Ok(Self { id, load, asn, asked_by, asked_at, wish, state: ReversalState::Asked })
    }

    /// Takes up what was stored.
    ///
    /// # Errors
    /// [`ReversalError::StoredBySamePerson`]: a row that says so was not made by these rules.
    pub fn from_stored(
        id: ReversalId,
        (load, asn): (LoadId, Asn),
        (asked_by, asked_at): (OperatorId, UnixMillis),
        wish: ReversalWish,
        state: ReversalState,
    ) -> Result<Self, ReversalError> {
        match state {
            ReversalState::Posted { approved_by: by } if by == asked_by => {
                Err(ReversalError::StoredBySamePerson)
            }
            ReversalState::Asked
            | ReversalState::Posted { .. }
            | ReversalState::Rejected { .. }
            | ReversalState::Expired => Ok(Self { id, load, asn, asked_by, asked_at, wish, state }),
        }
    }

    /// Its id.
    pub const fn id(&self) -> ReversalId {
        self.id
    }

    /// Of which load.
    pub const fn load(&self) -> LoadId {
        self.load
    }

    /// Of which card.
    pub const fn asn(&self) -> Asn {
        self.asn
    }

    /// Who asked.
    pub const fn asked_by(&self) -> OperatorId {
        self.asked_by
    }

    /// When.
    pub const fn asked_at(&self) -> UnixMillis {
        self.asked_at
    }

    /// When it expires: it cannot be approved from then on.
    pub const fn expires_at(&self) -> UnixMillis {
        self.asked_at.plus(REVERSAL_LIFETIME_MS)
    }

    /// What is asked for.
    pub const fn wish(&self) -> &ReversalWish {
        &self.wish
    }

    /// Where it stands.
    pub const fn state(&self) -> ReversalState {
        self.state
    }

    /// Ends it without money.
    ///
    /// # Errors
    /// The rule that is broken; nothing has changed then.
    pub fn apply(&mut self, event: ReversalEvent, now: UnixMillis) -> Result<ReversalState, ReversalError> {
        self.state = self.change(Step::Told(event), now)?;
        Ok(self.state)
    }

    /// A second operator agrees: the load is reversed, and the money is the holder's again. All that was true when it was
    /// asked must be true still. `from` is the account of the load's value, `to` the holder's.
    ///
    /// # Errors
    /// The rule that is broken; nothing has changed then.
    pub fn approve(
        &mut self,
        (by, now): (OperatorId, UnixMillis),
        (load, proven): (&mut Load, bool),
        card: CardNow,
        transfer: TransferId,
        from: &mut Account,
        to: &mut Account,
    ) -> Result<PostedTransfer, ReversalError> {
        let state = self.change(Step::Approve { by }, now)?;
        if load.id != self.load {
            return Err(ReversalError::OtherLoad);
        }
        self.wish.fits(load, proven, card)?;
        let amount = self.wish.amount.amount().map_err(ReversalError::NotAnAmount)?;
        // On copies: either all of it is done or nothing.
        let (mut reversed, mut out_of, mut into) = (load.clone(), *from, *to);
        reversed.apply(LoadEvent::Reverse)?;
        let posted = PendingTransfer::reserve(transfer, amount, &mut out_of, &mut into)
            .and_then(|pending| pending.post(None, &mut out_of, &mut into))
            .map_err(ReversalError::Ledger)?;
        (*load, *from, *to, self.state) = (reversed, out_of, into, state);
        Ok(posted)
    }

    /// The one place that knows what may happen to a reversal.
    fn change(&self, step: Step, now: UnixMillis) -> Result<ReversalState, ReversalError> {
        use ReversalError as X;
        use ReversalEvent as E;
        use ReversalState as S;
        use Step::{Approve, Told};
        let lapsed = now >= self.expires_at();
        match (self.state, step) {
            (S::Asked, Approve { by }) if by == self.asked_by => Err(X::SamePerson(by)),
            (S::Asked, Approve { .. }) if lapsed => Err(X::TooLate),
            (S::Asked, Approve { by }) => Ok(S::Posted { approved_by: by }),
            (S::Asked, Told(E::Reject { by })) => Ok(S::Rejected { by }),
            (S::Asked, Told(E::Lapsed)) if lapsed => Ok(S::Expired),
            (S::Asked, Told(E::Lapsed)) => Err(X::NotYetLapsed),
            (
                S::Posted { .. } | S::Rejected { .. } | S::Expired,
                Approve { .. } | Told(E::Reject { .. } | E::Lapsed),
            ) => Err(X::AlreadyEnded(self.state)),
        }
    }
}

#[cfg(test)]
mod tests;
