//! 交易认证: the holder's yes, no or silence for one order, under one time factor B.

use model::{Decision, Outcome, TimeFactor, UnixMillis};

use crate::order::{Order, OrderEvent, OrderState};
use crate::{AuditRefusal, Change, DeclineReason, OrderError};

/// Where an authorization stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationState {
    /// The transaction is made; the card's answer is awaited.
    Open,
    /// The card answered; this is what its receipt says.
    Answered(Outcome),
    /// A newer one took its place: its B can no longer settle.
    Superseded,
    /// Its lifetime ended, or its order did, without an answer.
    Lapsed,
}

impl AuthorizationState {
    /// The number that is stored: 0 open, 1 to 5 the outcome, 8 superseded, 9 lapsed.
    pub const fn number(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Answered(outcome) => outcome as u8,
            Self::Superseded => 8,
            Self::Lapsed => 9,
        }
    }

    /// The state of a number.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match (number, Outcome::from_byte(number)) {
            (0, _) => Self::Open,
            (8, _) => Self::Superseded,
            (9, _) => Self::Lapsed,
            (_, Some(outcome)) => Self::Answered(outcome),
            (_, None) => return None,
        })
    }
}

/// One question put to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The time factor of its transaction: with card and key version it names the authorization.
    pub b: TimeFactor,
    /// When an answer is too late.
    pub until: UnixMillis,
    /// Where it stands.
    pub state: AuthorizationState,
}

/// What a card's answer leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What the receipt says.
    pub outcome: Outcome,
    /// What happened to the order, if anything did.
    pub change: Option<Change>,
    /// "Not me": the card is to be frozen and the issuer told.
    pub freeze_card: bool,
}

impl Authorization {
    /// S7: judges a verified answer against its authorization and order, once.
    ///
    /// An answer to anything but the open authorization in time changes no money; it is kept as evidence, and
    /// its receipt says how it ended. "Not me" freezes the card whenever it comes. `standing` is whether the
    /// card may still pay: one that was frozen since it was asked agrees to nothing.
    /// `None` when this authorization has been answered: its stored receipt is sent again, nothing else.
    pub fn judge(
        &mut self,
        order: &mut Order,
        standing: Result<(), AuditRefusal>,
        decision: Decision,
        now: UnixMillis,
    ) -> Option<Verdict> {
        let freeze_card = decision == Decision::NotMe;
        let in_time = now < self.until;
        let (outcome, change) = match self.state {
            AuthorizationState::Answered(_) => return None,
            AuthorizationState::Superseded | AuthorizationState::Lapsed => {
                (late_outcome(order.state, decision), None)
            }
            AuthorizationState::Open if !in_time && matches!(decision, Decision::Agreed { .. }) => {
                (Outcome::TooLate, order.apply(OrderEvent::Lapsed).ok())
            }
            AuthorizationState::Open => match order.apply(event_of(decision, standing)) {
                Ok(change) => (outcome_of(change.state()), Some(change)),
                Err(OrderError::AlreadyEnded(state)) => (late_outcome(state, decision), None),
                Err(OrderError::NotPrompted) => (Outcome::ByPlatform, None),
            },
        };
        self.state = AuthorizationState::Answered(outcome);
        Some(Verdict { outcome, change, freeze_card })
    }
}

fn event_of(decision: Decision, standing: Result<(), AuditRefusal>) -> OrderEvent {
    match decision {
        Decision::Agreed { presses } => match standing {
            Ok(()) => OrderEvent::Agreed { presses },
            Err(refusal) => OrderEvent::AuditRefused(refusal),
        },
        Decision::Refused => OrderEvent::Refused,
        Decision::NotMe => OrderEvent::NotMe,
        Decision::OverLimit => OrderEvent::OverLimit,
        Decision::NotAnswered => OrderEvent::NotAnswered,
        Decision::Busy => OrderEvent::Busy,
    }
}

/// What the receipt says of an order that this answer has just brought into a state.
fn outcome_of(state: OrderState) -> Outcome {
    match state {
        OrderState::Paid => Outcome::Settled,
        OrderState::Declined(DeclineReason::WrongPresses) => Outcome::WrongPresses,
        OrderState::Declined(DeclineReason::Audit(_)) | OrderState::Failed | OrderState::Canceled => {
            Outcome::ByPlatform
        }
        OrderState::Declined(
            DeclineReason::RefusedByHolder | DeclineReason::NotMe | DeclineReason::OverCardLimit,
        )
        | OrderState::AwaitingCard
        | OrderState::Processing => Outcome::Refused,
        OrderState::Expired => Outcome::TooLate,
    }
}

/// What the receipt says of an answer that could no longer change its order. It never says *settled*: an
/// order that is paid was paid under another B.
fn late_outcome(state: OrderState, decision: Decision) -> Outcome {
    match (state, decision) {
        (
            OrderState::Canceled | OrderState::Failed | OrderState::Declined(DeclineReason::Audit(_)),
            Decision::Agreed { .. },
        ) => Outcome::ByPlatform,
        (_, Decision::Agreed { .. } | Decision::NotAnswered) => Outcome::TooLate,
        (_, Decision::Refused | Decision::NotMe | Decision::OverLimit | Decision::Busy) => Outcome::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MerchantId, Money, OrderId, TransferId};
    use model::{Amount, CardId, Currency, PlaceId};

    const UNTIL: UnixMillis = UnixMillis(60_000);
    const IN_TIME: UnixMillis = UnixMillis(59_999);

    fn processing() -> Order {
        Order {
            id: OrderId(1),
            merchant: MerchantId(1),
            card: CardId(1),
            amount: Amount::new(2000, Currency::CNY).unwrap(),
            place: PlaceId(1),
            presses: None,
            state: OrderState::Processing,
            reservation: TransferId(1),
            created_at: UnixMillis(0),
            expires_at: UNTIL,
        }
    }

    fn open() -> Authorization {
        Authorization { b: TimeFactor::new(9).unwrap(), until: UNTIL, state: AuthorizationState::Open }
    }

    #[test]
    fn an_agreement_in_time_moves_the_money_once() {
        let (mut authorization, mut order) = (open(), processing());
        let agreed = Decision::Agreed { presses: 1 };
        let verdict = authorization.judge(&mut order, Ok(()), agreed, IN_TIME).unwrap();
        assert_eq!(verdict.outcome, Outcome::Settled);
        assert_eq!(verdict.change.map(|c| c.money()), Some(Money::Moves));
        assert_eq!(authorization.judge(&mut order, Ok(()), agreed, IN_TIME), None);
    }

    #[test]
    fn an_agreement_after_the_lifetime_is_void_and_says_so() {
        let (mut authorization, mut order) = (open(), processing());
        let verdict =
            authorization.judge(&mut order, Ok(()), Decision::Agreed { presses: 1 }, UNTIL).unwrap();
        assert_eq!(verdict.outcome, Outcome::TooLate);
        assert_eq!(order.state, OrderState::Expired);
    }

    #[test]
    fn an_old_b_never_settles_even_when_its_order_is_paid_under_a_new_one() {
        for state in [AuthorizationState::Superseded, AuthorizationState::Lapsed] {
            for order_state in [OrderState::Processing, OrderState::Paid, OrderState::Expired] {
                let mut authorization = Authorization { state, ..open() };
                let mut order = Order { state: order_state, ..processing() };
                let verdict = authorization
                    .judge(&mut order, Ok(()), Decision::Agreed { presses: 1 }, IN_TIME)
                    .unwrap();
                assert_eq!((verdict.outcome, verdict.change), (Outcome::TooLate, None));
                assert_eq!(order.state, order_state);
            }
        }
    }

    #[test]
    fn a_card_that_was_frozen_since_it_was_asked_agrees_to_nothing() {
        let mut order = processing();
        let frozen = Err(AuditRefusal::Frozen);
        let verdict = open().judge(&mut order, frozen, Decision::Agreed { presses: 1 }, IN_TIME).unwrap();
        assert_eq!(verdict.outcome, Outcome::ByPlatform);
        assert_eq!(verdict.change.map(|c| c.money()), Some(Money::Freed));
    }

    #[test]
    fn an_agreement_to_what_the_platform_ended_meanwhile_says_that_the_platform_did() {
        let frozen = OrderState::Declined(DeclineReason::Audit(AuditRefusal::Frozen));
        for order_state in [OrderState::Canceled, OrderState::Failed, frozen] {
            let mut authorization = Authorization { state: AuthorizationState::Lapsed, ..open() };
            let mut order = Order { state: order_state, ..processing() };
            let agreed = Decision::Agreed { presses: 1 };
            let verdict = authorization.judge(&mut order, Ok(()), agreed, IN_TIME).unwrap();
            assert_eq!((verdict.outcome, verdict.change), (Outcome::ByPlatform, None));
        }
    }

    #[test]
    fn not_me_freezes_the_card_whenever_it_comes() {
        for state in [AuthorizationState::Open, AuthorizationState::Superseded, AuthorizationState::Lapsed] {
            let mut authorization = Authorization { state, ..open() };
            let verdict = authorization.judge(&mut processing(), Ok(()), Decision::NotMe, UNTIL).unwrap();
            assert!(verdict.freeze_card);
            assert_eq!(verdict.outcome, Outcome::Refused);
        }
    }

    #[test]
    fn each_decision_ends_the_order_in_its_own_way() {
        for (decision, state, outcome) in [
            (Decision::Refused, OrderState::Declined(DeclineReason::RefusedByHolder), Outcome::Refused),
            (Decision::NotMe, OrderState::Declined(DeclineReason::NotMe), Outcome::Refused),
            (Decision::OverLimit, OrderState::Declined(DeclineReason::OverCardLimit), Outcome::Refused),
            (Decision::NotAnswered, OrderState::Expired, Outcome::TooLate),
            (Decision::Busy, OrderState::AwaitingCard, Outcome::Refused),
            (
                Decision::Agreed { presses: 2 },
                OrderState::Declined(DeclineReason::WrongPresses),
                Outcome::WrongPresses,
            ),
        ] {
            let mut order = processing();
            let verdict = open().judge(&mut order, Ok(()), decision, IN_TIME).unwrap();
            assert_eq!((order.state, verdict.outcome), (state, outcome), "{decision:?}");
        }
    }

    #[test]
    fn states_read_back_from_their_numbers() {
        for number in 0..=u8::MAX {
            if let Some(state) = AuthorizationState::from_number(number) {
                assert_eq!(state.number(), number);
            }
        }
    }
}
