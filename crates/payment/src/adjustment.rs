//! 调账: money moved by two persons, where no order and no load accounts for it.
//!
//! One operator proposes it with a reason; another one approves it; then it is posted. Anybody may reject it before that,
//! the proposer too (that takes it back). After seven days it expires, approved or not.
//! Refuses, by name: approval by its proposer, approval after its time, posting what was not approved, and whatever the
//! ledger refuses. Next: [`crate::ledger`] for the transfer.

use core::fmt;
use core::str::FromStr;

use model::{Amount, UnixMillis};

use crate::OperatorId;
use crate::ledger::{Account, AccountId, LedgerError, PendingTransfer, PostedTransfer, TransferId};
use crate::order::OrderId;

/// How long an adjustment lives, from its proposal, in milliseconds: seven days.
pub const ADJUSTMENT_LIFETIME_MS: i64 = 7 * 24 * 3600 * 1000;
/// The shortest reason, in bytes without spaces at its ends.
pub const REASON_MIN: usize = 5;
/// The longest reason, in bytes.
pub const REASON_MAX: usize = 200;

/// An adjustment's id: 128 bits, time first. Written `adj_` and 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AdjustmentId(pub u128);

/// Why a text is not an adjustment's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an adjustment's id is `adj_` and 32 hexadecimal digits")]
pub struct AdjustmentIdError;

impl AdjustmentId {
    /// An id from the time it is made and 74 random bits (the layout of UUID version 7, RFC 9562).
    pub fn from_time_and_random(now: UnixMillis, random: u128) -> Self {
        Self(OrderId::from_time_and_random(now, random).0)
    }
}

impl fmt::Display for AdjustmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "adj_{:032x}", self.0)
    }
}

impl fmt::Debug for AdjustmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AdjustmentId {
    type Err = AdjustmentIdError;
    fn from_str(text: &str) -> Result<Self, AdjustmentIdError> {
        let digits = text.strip_prefix("adj_").ok_or(AdjustmentIdError)?;
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(AdjustmentIdError);
        }
        u128::from_str_radix(digits, 16).map(Self).map_err(|_| AdjustmentIdError)
    }
}

/// Why an adjustment is made, in a person's words: 5 to 200 bytes of UTF-8 without control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Reason(heapless::String<REASON_MAX>);

/// Why a text is not a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReasonError {
    /// It says nothing.
    #[error("a reason has at least {REASON_MIN} bytes: say why the money moves")]
    TooShort,
    /// It does not fit.
    #[error("a reason has at most {REASON_MAX} bytes")]
    TooLong,
    /// A character that nobody sees, or that turns others around: a second person would read something else.
    #[error("a reason has no invisible characters, and none that change the direction of others")]
    Unseen,
    /// A line break or another control character.
    #[error("a reason is one line without control characters")]
    ControlCharacter,
}

impl Reason {
    /// The words, without spaces at their ends.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Unicode's characters of no width and those that change direction (General_Category Cf, as far as they occur in text).
const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl FromStr for Reason {
    type Err = ReasonError;
    fn from_str(text: &str) -> Result<Self, ReasonError> {
        if text.chars().any(char::is_control) {
            return Err(ReasonError::ControlCharacter);
        }
        if text.chars().any(is_unseen) {
            return Err(ReasonError::Unseen);
        }
        let text = text.trim();
        if text.len() < REASON_MIN {
            return Err(ReasonError::TooShort);
        }
        heapless::String::try_from(text).map(Self).map_err(|_| ReasonError::TooLong)
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// What an adjustment moves: an amount from one account to another one. The accounts differ; it cannot be made otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Legs {
    from: AccountId,
    to: AccountId,
    amount: Amount,
}

impl Legs {
    /// Out of one account and into another one.
    ///
    /// # Errors
    /// [`LedgerError::SameAccount`].
    pub fn new(from: AccountId, to: AccountId, amount: Amount) -> Result<Self, LedgerError> {
        if from == to { Err(LedgerError::SameAccount) } else { Ok(Self { from, to, amount }) }
    }

    /// The account it leaves.
    pub const fn from(&self) -> AccountId {
        self.from
    }

    /// The account it goes to.
    pub const fn to(&self) -> AccountId {
        self.to
    }

    /// How much.
    pub const fn amount(&self) -> Amount {
        self.amount
    }
}

/// Where an adjustment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdjustmentState {
    /// One operator wants it.
    Proposed,
    /// Another one agreed; nothing has moved yet.
    Approved {
        /// Who agreed.
        by: OperatorId,
    },
    /// The money moved.
    Posted {
        /// Who had agreed.
        approved_by: OperatorId,
    },
    /// Somebody said no.
    Rejected {
        /// Who.
        by: OperatorId,
    },
    /// Its seven days ran out.
    Expired,
}

impl AdjustmentState {
    /// The word for JSON, tables and pages; who it was stands beside it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved { .. } => "approved",
            Self::Posted { .. } => "posted",
            Self::Rejected { .. } => "rejected",
            Self::Expired => "expired",
        }
    }

    /// The state of a word and, where it has one, its operator.
    pub fn from_name(name: &str, operator: Option<OperatorId>) -> Option<Self> {
        Some(match (name, operator) {
            ("proposed", None) => Self::Proposed,
            ("approved", Some(by)) => Self::Approved { by },
            ("posted", Some(approved_by)) => Self::Posted { approved_by },
            ("rejected", Some(by)) => Self::Rejected { by },
            ("expired", None) => Self::Expired,
            _ => return None,
        })
    }

    /// The operator who stands beside the word.
    pub const fn operator(self) -> Option<OperatorId> {
        match self {
            Self::Approved { by } | Self::Posted { approved_by: by } | Self::Rejected { by } => Some(by),
            Self::Proposed | Self::Expired => None,
        }
    }
}

/// What happens to an adjustment, other than that it is posted: see [`Adjustment::post`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdjustmentEvent {
    /// An operator agrees.
    Approve {
        /// Who.
        by: OperatorId,
    },
    /// An operator says no, or the proposer takes it back.
    Reject {
        /// Who.
        by: OperatorId,
    },
    /// Its time may have run out.
    Lapsed,
}

/// Why an adjustment does not go on. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdjustmentError {
    /// Two persons are needed.
    #[error("{0} proposed it: another operator must approve it")]
    SamePerson(OperatorId),
    /// It waits for the second person.
    #[error("nobody has approved it yet")]
    NotApproved,
    /// It was approved already.
    #[error("{0} approved it already")]
    AlreadyApproved(OperatorId),
    /// Its seven days ran out: it is to be proposed anew.
    #[error("its seven days ran out: propose it anew")]
    TooLate,
    /// Its seven days have not run out.
    #[error("its seven days have not run out")]
    NotYetLapsed,
    /// It has ended; nothing changes it.
    #[error("the adjustment is {} already", .0.name())]
    AlreadyEnded(AdjustmentState),
    /// The ledger refuses. It stays approved, and can be posted later or rejected.
    #[error("the ledger refuses: {0}")]
    Ledger(LedgerError),
    /// A stored adjustment was approved by the person who proposed it.
    #[error("the stored adjustment was approved by its proposer: it is not taken up")]
    StoredBySamePerson,
}

impl AdjustmentError {
    /// The stable code for JSON and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SamePerson(_) => "adjustment_same_person",
            Self::NotApproved => "adjustment_not_approved",
            Self::AlreadyApproved(_) => "adjustment_already_approved",
            Self::TooLate => "adjustment_too_late",
            Self::NotYetLapsed => "adjustment_not_yet_lapsed",
            Self::AlreadyEnded(_) => "adjustment_already_ended",
            Self::Ledger(_) => "adjustment_ledger",
            Self::StoredBySamePerson => "adjustment_stored_by_same_person",
        }
    }
}

/// An adjustment. Its state changes by [`Adjustment::apply`] and [`Adjustment::post`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    id: AdjustmentId,
    proposed_by: OperatorId,
    proposed_at: UnixMillis,
    reason: Reason,
    legs: Legs,
    state: AdjustmentState,
}

/// What an adjustment is asked, posting included.
#[derive(Clone, Copy)]
enum Step {
    Told(AdjustmentEvent),
    Post,
}

impl Adjustment {
    /// An operator proposes it.
    pub const fn propose(
        id: AdjustmentId,
        by: OperatorId,
        now: UnixMillis,
        reason: Reason,
        legs: Legs,
    ) -> Self {
        Self { id, proposed_by: by, proposed_at: now, reason, legs, state: AdjustmentState::Proposed }
    }

    /// Takes up what was stored.
    ///
    /// # Errors
    /// [`AdjustmentError::StoredBySamePerson`]: a row that says so was not made by these rules.
    pub fn from_stored(proposed: Self, state: AdjustmentState) -> Result<Self, AdjustmentError> {
        match state {
            AdjustmentState::Approved { by } | AdjustmentState::Posted { approved_by: by }
                if by == proposed.proposed_by =>
            {
                Err(AdjustmentError::StoredBySamePerson)
            }
            AdjustmentState::Proposed
            | AdjustmentState::Approved { .. }
            | AdjustmentState::Posted { .. }
            | AdjustmentState::Rejected { .. }
            | AdjustmentState::Expired => Ok(Self { state, ..proposed }),
        }
    }

    /// Its id.
    pub const fn id(&self) -> AdjustmentId {
        self.id
    }

    /// Who proposed it.
    pub const fn proposed_by(&self) -> OperatorId {
        self.proposed_by
    }

    /// When it was proposed.
    pub const fn proposed_at(&self) -> UnixMillis {
        self.proposed_at
    }

    /// When it expires: it cannot be approved or posted from then on.
    pub const fn expires_at(&self) -> UnixMillis {
        self.proposed_at.plus(ADJUSTMENT_LIFETIME_MS)
    }

    /// Why it is wanted.
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// What it moves.
    pub const fn legs(&self) -> Legs {
        self.legs
    }

    /// Where it stands.
    pub const fn state(&self) -> AdjustmentState {
        self.state
    }

    /// What an event does to it.
    ///
    /// # Errors
    /// The rule that is broken; nothing has changed then.
    pub fn apply(
        &mut self,
        event: AdjustmentEvent,
        now: UnixMillis,
    ) -> Result<AdjustmentState, AdjustmentError> {
        self.state = self.change(Step::Told(event), now)?;
        Ok(self.state)
    }

    /// Moves the money of an approved adjustment, at once. Nothing changes where it is refused.
    ///
    /// # Errors
    /// The rule that is broken; [`AdjustmentError::Ledger`], after which it is still approved.
    pub fn post(
        &mut self,
        transfer: TransferId,
        now: UnixMillis,
        from: &mut Account,
        to: &mut Account,
    ) -> Result<PostedTransfer, AdjustmentError> {
        let state = self.change(Step::Post, now)?;
        if (from.id, to.id) != (self.legs.from, self.legs.to) {
            return Err(AdjustmentError::Ledger(LedgerError::OtherAccounts));
        }
        // On copies: either both steps are done or none.
        let (mut out_of, mut into) = (*from, *to);
        let posted = PendingTransfer::reserve(transfer, self.legs.amount, &mut out_of, &mut into)
            .and_then(|pending| pending.post(None, &mut out_of, &mut into))
            .map_err(AdjustmentError::Ledger)?;
        (*from, *to, self.state) = (out_of, into, state);
        Ok(posted)
    }

    /// The one place that knows what may happen to an adjustment.
    fn change(&self, step: Step, now: UnixMillis) -> Result<AdjustmentState, AdjustmentError> {
        use AdjustmentError as X;
        use AdjustmentEvent as E;
        use AdjustmentState as S;
        use Step::{Post, Told};
        let lapsed = now >= self.expires_at();
        match (self.state, step) {
            (S::Proposed, Told(E::Approve { by })) if by == self.proposed_by => Err(X::SamePerson(by)),
            (S::Proposed, Told(E::Approve { .. })) if lapsed => Err(X::TooLate),
            (S::Proposed, Told(E::Approve { by })) => Ok(S::Approved { by }),
            (S::Approved { by }, Told(E::Approve { .. })) => Err(X::AlreadyApproved(by)),
            (S::Proposed | S::Approved { .. }, Told(E::Reject { by })) => Ok(S::Rejected { by }),
            (S::Proposed | S::Approved { .. }, Told(E::Lapsed)) if lapsed => Ok(S::Expired),
            (S::Proposed | S::Approved { .. }, Told(E::Lapsed)) => Err(X::NotYetLapsed),
            (S::Proposed, Post) => Err(X::NotApproved),
            (S::Approved { .. }, Post) if lapsed => Err(X::TooLate),
            (S::Approved { by }, Post) => Ok(S::Posted { approved_by: by }),
            (
                S::Posted { .. } | S::Rejected { .. } | S::Expired,
                Told(E::Approve { .. } | E::Reject { .. } | E::Lapsed) | Post,
            ) => Err(X::AlreadyEnded(self.state)),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::ledger::AccountKind;
    use model::Currency;
    use std::string::ToString;

    const FIRST: OperatorId = OperatorId(1);
    const SECOND: OperatorId = OperatorId(2);
    const END: UnixMillis = UnixMillis(ADJUSTMENT_LIFETIME_MS);
    const LAST: UnixMillis = UnixMillis(ADJUSTMENT_LIFETIME_MS - 1);

    fn adjustment(state: AdjustmentState) -> Adjustment {
        let amount = Amount::new(700, Currency::CNY).unwrap();
        let legs = Legs::new(AccountId(1), AccountId(2), amount).unwrap();
        let reason = "paid twice at the counter".parse().unwrap();
        let proposed = Adjustment::propose(AdjustmentId(1), FIRST, UnixMillis(0), reason, legs);
        Adjustment::from_stored(proposed, state).unwrap()
    }

    fn accounts(has: i64) -> (Account, Account) {
        let mut from = Account::new(AccountId(1), AccountKind::Suspense, Currency::CNY);
        from.posted = has;
        (from, Account::new(AccountId(2), AccountKind::Holder, Currency::CNY))
    }

    #[test]
    fn two_persons_move_it_and_it_moves_once() {
        let mut it = adjustment(AdjustmentState::Proposed);
        let (mut from, mut to) = accounts(700);
        let early = it.post(TransferId(1), LAST, &mut from, &mut to);
        assert_eq!(early.unwrap_err(), AdjustmentError::NotApproved);
        let own = it.apply(AdjustmentEvent::Approve { by: FIRST }, UnixMillis(1));
        assert_eq!(own, Err(AdjustmentError::SamePerson(FIRST)));
        it.apply(AdjustmentEvent::Approve { by: SECOND }, UnixMillis(1)).unwrap();
        let posted = it.post(TransferId(1), LAST, &mut from, &mut to).unwrap();
        assert_eq!(posted.postings().map(|entry| entry.units), [-700, 700]);
        assert_eq!((from.posted, to.posted), (0, 700));
        let state = AdjustmentState::Posted { approved_by: SECOND };
        assert_eq!(it.state(), state);
        let again = it.post(TransferId(1), LAST, &mut from, &mut to);
        assert_eq!(again.unwrap_err(), AdjustmentError::AlreadyEnded(state));
    }

    #[test]
    fn the_table_of_states_and_events_is_this_one() {
        use AdjustmentEvent::{Approve, Lapsed, Reject};
        let states = [
            AdjustmentState::Proposed,
            AdjustmentState::Approved { by: SECOND },
            AdjustmentState::Posted { approved_by: SECOND },
            AdjustmentState::Rejected { by: SECOND },
            AdjustmentState::Expired,
        ];
        let events = [
            (Approve { by: FIRST }, LAST),
            (Approve { by: SECOND }, LAST),
            (Approve { by: SECOND }, END),
            (Reject { by: FIRST }, END),
            (Lapsed, LAST),
            (Lapsed, END),
        ];
        let ended = ["adjustment_already_ended"; 6];
        let table = [
            [
                "adjustment_same_person",
                "approved",
                "adjustment_too_late",
                "rejected",
                "adjustment_not_yet_lapsed",
                "expired",
            ],
            [
                "adjustment_already_approved",
                "adjustment_already_approved",
                "adjustment_already_approved",
                "rejected",
                "adjustment_not_yet_lapsed",
                "expired",
            ],
            ended,
            ended,
            ended,
        ];
        for (state, row) in states.into_iter().zip(table) {
            for ((event, now), expected) in events.into_iter().zip(row) {
                let mut it = adjustment(state);
                let after = it.apply(event, now);
                let word = after.map_or_else(|error| error.code(), AdjustmentState::name);
                assert_eq!(word, expected, "{state:?} then {event:?}");
                assert_eq!(it.state(), after.unwrap_or(state));
            }
        }
    }

    #[test]
    fn what_the_ledger_refuses_stays_approved_and_nothing_moves() {
        let mut it = adjustment(AdjustmentState::Approved { by: SECOND });
        let (mut from, mut to) = accounts(699);
        let before = (from, to);
        let poor = it.post(TransferId(1), LAST, &mut from, &mut to);
        assert_eq!(poor.unwrap_err(), AdjustmentError::Ledger(LedgerError::InsufficientFunds));
        let turned = it.post(TransferId(1), LAST, &mut to, &mut from);
        assert_eq!(turned.unwrap_err(), AdjustmentError::Ledger(LedgerError::OtherAccounts));
        assert_eq!((from, to), before);
        assert_eq!(it.state(), AdjustmentState::Approved { by: SECOND });
        let late = it.post(TransferId(1), END, &mut from, &mut to);
        assert_eq!(late.unwrap_err(), AdjustmentError::TooLate);
    }

    #[test]
    fn what_was_stored_against_the_rules_is_not_taken_up() {
        for state in [AdjustmentState::Approved { by: FIRST }, AdjustmentState::Posted { approved_by: FIRST }]
        {
            let proposed = adjustment(AdjustmentState::Proposed);
            let taken = Adjustment::from_stored(proposed, state);
            assert_eq!(taken.unwrap_err(), AdjustmentError::StoredBySamePerson);
        }
        let amount = Amount::new(1, Currency::CNY).unwrap();
        assert_eq!(Legs::new(AccountId(1), AccountId(1), amount), Err(LedgerError::SameAccount));
    }

    #[test]
    fn a_reason_says_something_in_one_line() {
        assert_eq!("  why  ".parse::<Reason>(), Err(ReasonError::TooShort));
        assert_eq!("one\nand two".parse::<Reason>(), Err(ReasonError::ControlCharacter));
        for unseen in ["\u{200b}".repeat(5), "refund \u{202e}00.1".into(), "\u{feff}refund".into()] {
            assert_eq!(unseen.parse::<Reason>(), Err(ReasonError::Unseen), "{unseen:?}");
        }
        assert_eq!("a".repeat(201).parse::<Reason>(), Err(ReasonError::TooLong));
        assert_eq!("a".repeat(200).parse::<Reason>().unwrap().as_str().len(), 200);
        assert_eq!(" 重复扣款 ".parse::<Reason>().unwrap().as_str(), "重复扣款");
    }

    #[test]
    fn words_and_ids_read_back() {
        for state in [
            AdjustmentState::Proposed,
            AdjustmentState::Approved { by: SECOND },
            AdjustmentState::Posted { approved_by: SECOND },
            AdjustmentState::Rejected { by: SECOND },
            AdjustmentState::Expired,
        ] {
            assert_eq!(AdjustmentState::from_name(state.name(), state.operator()), Some(state));
        }
        let id = AdjustmentId::from_time_and_random(UnixMillis(1_800_000_000_000), u128::MAX);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("adj_1".parse::<AdjustmentId>(), Err(AdjustmentIdError));
    }
}
