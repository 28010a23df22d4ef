//! What came of attempts, kept many at a time: the delivery's state, the attempt, and what the endpoint is told.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use model::UnixMillis;
use store::{StoreError, StoredAttempt, StoredEndpoint, Unit};
use webhook::{Attempt, CancelReason, DeliveryEvent, DeliveryId, End, EndpointId, RetryAfter};

use super::shards::guards;
use crate::app::App;

/// The most deliveries that are canceled in a unit of work.
pub(super) const CANCELED_MAX: u32 = 512;

/// An attempt that has ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) endpoint: EndpointId,
    pub(super) delivery: DeliveryId,
    /// Which attempt it was, from 1.
    pub(super) number: u32,
    pub(super) attempt: Attempt,
    pub(super) retry_after: Option<RetryAfter>,
    /// When it ended.
    pub(super) at: UnixMillis,
    /// For the next wait.
    pub(super) random: u64,
    /// The epoch of its part when it was begun.
    pub(super) epoch: u64,
}

impl Ended {
    fn event(&self) -> DeliveryEvent {
        let (at, random) = (self.at, self.random);
        match self.attempt.end {
            End::Answered(status) => {
                DeliveryEvent::Answered { status, retry_after: self.retry_after, at, random }
            }
            End::NotAnswered(reason) => DeliveryEvent::NotAnswered { reason, at, random },
        }
    }
}

/// Keeps what came of attempts. What was begun in a part that has been another node's since is left out: that node sent it again.
pub(super) async fn keep(app: &App, start: [u8; 16], ended: Vec<Ended>) -> Result<(), StoreError> {
    app.write::<_, StoreError>(move |unit| {
        let mut guarded: HashMap<(u8, u64), bool> = HashMap::new();
        let mut endpoints: HashMap<EndpointId, (Option<StoredEndpoint>, bool)> = HashMap::new();
        for ended in &ended {
            let (shard, epoch) = (ended.endpoint.shard(), ended.epoch);
            let is_ours = match guarded.entry((shard, epoch)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => *new.insert(guards(unit, shard, start, epoch)?),
            };
            if !is_ours {
                continue;
            }
            keep_one(unit, ended)?;
            let known = match endpoints.entry(ended.endpoint) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert((unit.webhook_endpoint(ended.endpoint)?, false)),
            };
            if let (Some(endpoint), changed) = known
                && let Some(state) = endpoint.state.apply(ended.attempt.end.tells(), ended.at)
            {
                endpoint.state = state;
                endpoint.updated_at = ended.at;
                *changed = true;
            }
        }
        for (endpoint, changed) in endpoints.values() {
            if let (Some(endpoint), true) = (endpoint, changed) {
                unit.put_webhook_endpoint(endpoint)?;
            }
        }
        Ok(())
    })
    .await
}

fn keep_one(unit: &mut dyn Unit, ended: &Ended) -> Result<(), StoreError> {
    // It may have been forgotten meanwhile.
    let Some(found) = unit.webhook_delivery(ended.delivery)? else { return Ok(()) };
    let attempts = found.delivery.attempts;
    let number = attempts.saturating_add(1);
    if number != ended.number && is_kept(unit, ended, attempts)? {
        return Ok(());
    }
    let state = found.delivery.state.apply(ended.event()).unwrap_or(found.delivery.state);
    unit.put_webhook_delivery(ended.delivery, state, number, ended.at)?;
    unit.add_webhook_attempt(ended.delivery, &StoredAttempt { number, attempt: ended.attempt.clone() })
}

/// Whether an attempt is kept already, by a unit of work of which nobody heard what became: it counts once. Its number alone does
/// not say so: a node that froze in the middle of keeping an attempt of its own may have taken it, after this one was begun.
fn is_kept(unit: &dyn Unit, ended: &Ended, attempts: u32) -> Result<bool, StoreError> {
    let since = attempts.saturating_sub(ended.number).saturating_add(1);
    let kept = unit.webhook_attempts(ended.delivery, since)?;
    Ok(kept.iter().any(|kept| kept.attempt == ended.attempt))
}

/// Cancels a portion of what waits for an endpoint that was disabled or deleted; whether that was all.
pub(super) async fn cancel(app: &App, endpoint: EndpointId, why: CancelReason) -> Result<bool, StoreError> {
    let now = app.now();
    let canceled = app
        .write::<_, StoreError>(move |unit| unit.cancel_webhook_deliveries(endpoint, why, now, CANCELED_MAX))
        .await?;
    Ok(canceled < CANCELED_MAX)
}
