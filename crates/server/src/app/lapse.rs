//! What ends by itself: orders whose time ran out, first answers that are kept no longer.

use model::UnixMillis;
use payment::{AuthorizationState, OrderEvent, OrderId};
use store::{StoreError, Unit};

use super::{App, settle};
use crate::nodes::{Fence, Job};

/// How many orders lapse in one unit of work.
const BATCH: u32 = 256;

impl App {
    /// Ends what has lapsed; how many orders. Call it every second or so, and until it answers zero.
    pub async fn lapse(&self) -> Result<usize, StoreError> {
        let Some(fence) = self.on_duty(Job::Sweep) else { return Ok(0) };
        let now = self.now();
        let due = self.inner.store.read(move |rows| rows.lapsed_orders(now, BATCH)).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let lapsed = self.write::<_, StoreError>(move |unit| lapse(unit, fence, &due, now)).await?;
        for order in &lapsed {
            self.inner.metrics.payment("expired");
            self.inner.notices.tell(*order);
        }
        Ok(lapsed.len())
    }

    /// Ends an order that cannot be carried out, if it is open. No rule of live money comes to that: a test mode's cards do.
    pub(crate) async fn fail_order(&self, id: OrderId) -> Result<(), StoreError> {
        let now = self.now();
        let failed = self
            .write::<_, StoreError>(move |unit| {
                let Some(mut stored) = unit.order(id)? else { return Ok(false) };
                let Ok(change) = stored.order.apply(OrderEvent::Fail) else { return Ok(false) };
                if let Some(mut open) = unit.open_authorization(stored.order.card)?
                    && open.order == id
                {
                    open.authorization.state = AuthorizationState::Lapsed;
                    unit.put_authorization(&open)?;
                }
                settle::keep(unit, &mut stored, change, now)?;
                Ok(true)
            })
            .await?;
        if failed {
            self.inner.metrics.payment("failed");
            self.inner.notices.tell(id);
        }
        Ok(())
    }

    /// Forgets first answers that are older than their time; how many.
    pub async fn forget_first_answers(&self) -> Result<u32, StoreError> {
        let Some(fence) = self.on_duty(Job::Sweep) else { return Ok(0) };
        let before = self.now().plus(-self.inner.rules.idempotency_millis);
        let forget = move |unit: &mut dyn Unit| {
            if fence.holds(unit)? { unit.forget_idempotent_before(before, BATCH) } else { Ok(0) }
        };
        self.write::<_, StoreError>(forget).await
    }
}

fn lapse(
    unit: &mut dyn Unit,
    fence: Fence,
    due: &[OrderId],
    now: UnixMillis,
) -> Result<Vec<OrderId>, StoreError> {
    let mut lapsed = Vec::new();
    if !fence.holds(unit)? {
        return Ok(lapsed);
    }
    for id in due {
        let Some(mut stored) = unit.order(*id)? else { continue };
        // Prompted anew or answered since it was found.
        if stored.order.expires_at > now {
            continue;
        }
        let Ok(change) = stored.order.apply(OrderEvent::Lapsed) else { continue };
        if let Some(mut open) = unit.open_authorization(stored.order.card)?
            && open.order == *id
        {
            open.authorization.state = AuthorizationState::Lapsed;
            unit.put_authorization(&open)?;
        }
        settle::keep(unit, &mut stored, change, now)?;
        lapsed.push(*id);
    }
    Ok(lapsed)
}
