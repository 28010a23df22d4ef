//! What a change of an order does to money, events and counters: the one place that all use cases end in.

use super::{fee, push};
use model::UnixMillis;
use payment::{Change, LedgerError, Money, OrderState, PendingTransfer};
use store::{NewEvent, StoreError, StoredOrder, Unit};

/// Keeps an order's new state with its money and its event, in the caller's unit of work.
pub(super) fn keep(
    unit: &mut dyn Unit,
    stored: &mut StoredOrder,
    change: Change,
    now: UnixMillis,
) -> Result<(), StoreError> {
    stored.updated_at = now;
    unit.put_order_state(stored)?;
    push::supersede(unit, stored, now)?;
    move_money(unit, stored, change, now)?;
    let order = &stored.order;
    unit.add_event(&NewEvent {
        merchant: order.merchant,
        order: order.id,
        kind: event_kind(order.state),
        at: now,
    })
}

fn move_money(
    unit: &mut dyn Unit,
    stored: &StoredOrder,
    change: Change,
    now: UnixMillis,
) -> Result<(), StoreError> {
    if change.money() == Money::Stays {
        return Ok(());
    }
    let id = stored.order.reservation;
    let transfer = unit.transfer(id)?.ok_or(StoreError::Malformed("an order without its reservation"))?;
    let pending =
        PendingTransfer::from_stored(id, transfer.amount, transfer.from, transfer.to, transfer.state)
            .map_err(ledger)?;
    let missing = StoreError::Malformed("a transfer without its account");
    let mut from = unit.account(transfer.from)?.ok_or(missing.clone())?;
    let mut to = unit.account(transfer.to)?.ok_or(missing)?;
    match change.money() {
        Money::Moves => {
            let posted = pending.post(None, &mut from, &mut to).map_err(ledger)?;
            unit.post_transfer(&posted, now)?;
            fee::take(unit, stored, &mut to, now)?;
        }
        Money::Freed if change.state() == OrderState::Expired => {
            let expired = pending.expire(&mut from, &mut to).map_err(ledger)?;
            unit.void_transfer(&expired, now)?;
        }
        Money::Freed => {
            let voided = pending.void(&mut from, &mut to).map_err(ledger)?;
            unit.void_transfer(&voided, now)?;
        }
        Money::Stays => {}
    }
    unit.put_account(&from)?;
    unit.put_account(&to)
}

/// The ledger refuses here only if the rows contradict each other.
fn ledger(error: LedgerError) -> StoreError {
    StoreError::Constraint(format!("the ledger contradicts the order: {error}"))
}

/// The name of the event that tells a merchant of a state.
pub(super) const fn event_kind(state: OrderState) -> &'static str {
    match state {
        OrderState::AwaitingCard => "order.awaiting_card",
        OrderState::Processing => "order.processing",
        OrderState::Paid => "order.paid",
        OrderState::Declined(_) => "order.declined",
        OrderState::Expired => "order.expired",
        OrderState::Canceled => "order.canceled",
        OrderState::Failed => "order.failed",
    }
}
