//! An order as its page shows it: state, presses, and how far S1 to S7 have come.

use air::Answering;
use pages::{OrderState as Shown, OrderView, Reason, Step, StepName, StepState};
use payment::{AuditRefusal, AuthorizationState, DeclineReason, OrderState};
use store::{Reading, StoreError, StoredAuthorization, StoredOrder};

use super::text;
use model::UnixMillis;

/// A state as pages name it.
pub(super) fn state(state: OrderState) -> Shown {
    match state {
        OrderState::AwaitingCard => Shown::AwaitingCard,
        OrderState::Processing => Shown::OnCard,
        OrderState::Paid => Shown::Paid,
        OrderState::Declined(reason) => Shown::Declined(match reason {
            DeclineReason::RefusedByHolder => Reason::Refused,
            DeclineReason::NotMe => Reason::NotMe,
            DeclineReason::OverCardLimit => Reason::OverCardLimit,
            DeclineReason::WrongPresses => Reason::WrongPresses,
            DeclineReason::Audit(AuditRefusal::Frozen) => Reason::Frozen,
            DeclineReason::Audit(
                AuditRefusal::NumberDiffers
                | AuditRefusal::CardIdDiffers
                | AuditRefusal::CertificateDiffers
                | AuditRefusal::CreationTimeDiffers
                | AuditRefusal::HolderDiffers
                | AuditRefusal::NotBound
                | AuditRefusal::NotActive
                | AuditRefusal::Lost
                | AuditRefusal::Expired
                | AuditRefusal::Closed,
            ) => Reason::CardUnusable,
        }),
        OrderState::Expired => Shown::Expired,
        OrderState::Canceled => Shown::Canceled,
        OrderState::Failed => Shown::Failed,
    }
}

/// Reads what the page of an order shows.
pub(super) fn view(
    rows: &dyn Reading,
    stored: &StoredOrder,
    now: UnixMillis,
    base: &'static str,
) -> Result<OrderView, StoreError> {
    let order = &stored.order;
    let merchant = rows.merchant(order.merchant)?.map(|merchant| merchant.name).unwrap_or_default();
    let place = rows.place(order.place)?.map(|place| place.name).unwrap_or_default();
    let card = rows.card(order.card)?;
    let authorization = rows.authorization_of_order(order.id)?;
    Ok(OrderView {
        base,
        test: !base.is_empty(),
        id: order.id.to_string(),
        merchant,
        amount: text::money(order.amount),
        place,
        text: stored.text.clone().unwrap_or_default(),
        masked_card: card.map(|card| card.record.information.number.to_string()).unwrap_or_default(),
        state: state(order.state),
        presses: order.presses.map(|count| count.get()),
        opened_at_ms: text::millis(order.created_at),
        expires_at_ms: text::millis(order.expires_at),
        now_ms: text::millis(now),
        steps: steps(stored, authorization.as_ref()),
        can_cancel: order.state.is_open(),
        back: stored.return_url.as_deref().map(Into::into),
    })
}

/// How far the payment has come, from what is durably known of it.
fn steps(stored: &StoredOrder, authorization: Option<&StoredAuthorization>) -> Vec<Step> {
    let state = stored.order.state;
    let reached = reached(state, authorization);
    let failed = !state.is_open() && state != OrderState::Paid;
    StepName::ALL
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            let step_state = if index < reached {
                StepState::Done
            } else if index == reached && failed {
                StepState::Failed
            } else if index == reached && state.is_open() {
                StepState::Active
            } else {
                StepState::Waiting
            };
            let mut step = Step::new(name, step_state);
            if let Some(authorization) = authorization {
                (step.detail, step.at) = detail(name, authorization);
            }
            step
        })
        .collect()
}

/// How many of the seven steps are done.
fn reached(state: OrderState, authorization: Option<&StoredAuthorization>) -> usize {
    const HELLO_SENT: usize = 2;
    const TRANSACTION_SENT: usize = 4;
    const RESULT_SENT: usize = 6;
    const SETTLED: usize = 7;
    match (state, authorization) {
        (OrderState::Paid, _) => SETTLED,
        // The card came and did not pass the audit.
        (OrderState::Declined(DeclineReason::Audit(_)), None) => HELLO_SENT,
        (_, None) => 0,
        (_, Some(authorization)) => match authorization.authorization.state {
            AuthorizationState::Open | AuthorizationState::Superseded | AuthorizationState::Lapsed => {
                TRANSACTION_SENT
            }
            AuthorizationState::Answered(_) => RESULT_SENT,
        },
    }
}

/// A line for engineers, and when it happened.
fn detail(name: StepName, stored: &StoredAuthorization) -> (Option<String>, Option<String>) {
    let evidence = &stored.evidence;
    let asked_at = Some(text::time(stored.created_at));
    let answered_at = evidence.answered_at.map(text::time);
    let b = stored.authorization.b;
    let frame =
        |kind: &str, bytes: &[u8]| (!bytes.is_empty()).then(|| format!("{kind}, {} bytes", bytes.len()));
    match (name, stored.context.answering) {
        (StepName::S1, Answering::Hello(a)) => (Some(format!("time factor A {a}")), asked_at),
        (StepName::S2, Answering::Hello(_)) => (frame("hello", &evidence.hello), asked_at),
        (StepName::S1 | StepName::S2, Answering::Nothing) => (Some("pushed".into()), None),
        (StepName::S3, _) => (Some(format!("{}", stored.card)), asked_at),
        (StepName::S4, _) => {
            let bytes = evidence.transaction.len();
            (Some(format!("transaction, {bytes} bytes, time factor B {b}")), asked_at)
        }
        (StepName::S5, _) => (None, None),
        (StepName::S6, _) => (frame("result", &evidence.result), answered_at),
        (StepName::S7, _) => (frame("receipt", &evidence.receipt), answered_at),
    }
}
