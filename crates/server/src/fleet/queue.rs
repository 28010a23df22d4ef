//! A downlink's way out, and what became of it.
//!
//! What waits is in the store; a bearer is handed it, and tells. What a bearer did not take, or had taken when the
//! program died, is handed over again.

use operator::AuditAction;
use std::sync::{Arc, PoisonError};

use fleet::{CancelRefused, DownlinkEvent, DownlinkId, DownlinkState, FailReason, Priority};
use model::UnixMillis;
use store::{Store, StoreError, StoredDownlink, Unit, WriteError};

use super::Fleet;
use crate::app::Push;
use crate::bearer::{Bearer, bearer_of};
use crate::nodes::{Hint, Job};
use crate::operators::Actor;

/// Downlinks that are looked at in one turn.
const BATCH: u32 = 256;

/// Why an operator's wish about a downlink is not done.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueRefused {
    /// No such downlink.
    #[error("there is no downlink with this id; it may have been forgotten")]
    NoSuchDownlink,
    /// It cannot be called back.
    #[error("the downlink is not taken back: {0}")]
    Cancel(#[from] CancelRefused),
    /// It does not wait here any more, so that nothing goes before or after it.
    #[error("the downlink does not wait here any more")]
    NotQueued,
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fleet {
    pub(super) fn bearer_at(&self, address: &str) -> Option<Arc<dyn Bearer>> {
        let bearers = self.inner.bearers.read().unwrap_or_else(PoisonError::into_inner);
        bearers.iter().find(|bearer| bearer.name() == bearer_of(address)).cloned()
    }

    /// Notes that a bearer has a downlink, or has told of it; whether that is news.
    pub(super) fn taken(&self, id: DownlinkId, has: bool) -> bool {
        let mut taken = self.inner.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if has { taken.insert(id) } else { taken.remove(&id) }
    }

    /// Gives a push to the bearer of its address. What is not taken now stays queued.
    pub(super) fn hand(&self, push: Push) {
        match self.for_whom(&push.address) {
            Ok(address) if self.taken(push.id, true) => self.hand_marked(Push { address, ..push }),
            Ok(_) => {}
            Err((node, nodes)) => {
                // It is in the store: a hint that is lost costs it a second.
                nodes.tell(&Hint::Downlink { node, id: push.id });
                self.app().metrics().downlink("at_another_node");
            }
        }
    }

    /// The same for one that is marked as taken already, by this caller.
    fn hand_marked(&self, push: Push) {
        let id = push.id;
        let Some(bearer) = self.bearer_at(&push.address) else {
            if self.app().nodes().is_some() {
                // It went to another node since, and what waits for it goes there.
                self.taken(id, false);
                return;
            }
            // Bearers are attached at the start: one that is missing will not come.
            return self.report(id, DownlinkEvent::Failed(FailReason::NoBearer), None);
        };
        if let Err(error) = bearer.hand(push) {
            self.taken(id, false);
            tracing::debug!(%error, "a push waits for its bearer");
            self.app().metrics().downlink("not_taken");
        }
    }

    /// Gives what waits with a frame to its bearers: after a restart, and when a bearer has come back.
    pub async fn hand_waiting(&self) -> Result<(), StoreError> {
        // To the end: what waits for a bearer that is away must not hide what waits for another.
        let mut after = None;
        loop {
            let waiting = self.app().store().read(move |rows| rows.downlinks_to_hand(after, BATCH)).await?;
            after = waiting.last().map(|last| (last.priority, last.id));
            let more = waiting.len() >= BATCH as usize;
            self.hand_batch(waiting).await?;
            if !more {
                return Ok(());
            }
        }
    }

    pub(super) async fn hand_batch(&self, mut waiting: Vec<StoredDownlink>) -> Result<(), StoreError> {
        let now = self.app().now();
        waiting.retain(|downlink| {
            downlink.expires_at > now && self.is_mine(downlink) && self.taken(downlink.id, true)
        });
        // What a bearer has told of is kept before its mark goes. So what is marked here and still waits, waits for us;
        // what was told of since it was read does not.
        let marked: Vec<DownlinkId> = waiting.iter().map(|downlink| downlink.id).collect();
        let still = self.app().store().read(move |rows| {
            let of = |id: &DownlinkId| {
                let downlink = rows.downlink(*id)?;
                Ok(downlink.is_some_and(|downlink| downlink.state == DownlinkState::Queued))
            };
            marked.iter().map(of).collect::<Result<Vec<bool>, StoreError>>()
        });
        let still = still.await.inspect_err(|_| {
            for downlink in &waiting {
                self.taken(downlink.id, false);
            }
        })?;
        for (StoredDownlink { id, order, channel, frame, address, expires_at, .. }, still) in
            waiting.into_iter().zip(still)
        {
            match (order, address) {
                (Some(order), Some(address)) if still => {
                    let address = self.for_whom(&address).unwrap_or(address);
                    self.hand_marked(Push { id, order, channel, frame, address, expires_at });
                }
                _ => {
                    self.taken(id, false);
                }
            }
        }
        Ok(())
    }

    /// A bearer gives a push back that it cannot send now: it stays queued, and is handed over again.
    pub fn give_back(&self, id: DownlinkId) {
        self.taken(id, false);
        self.app().metrics().downlink("not_taken");
    }

    /// A bearer tells what became of a downlink. It is counted at once and kept as soon as may be.
    pub fn report(&self, id: DownlinkId, event: DownlinkEvent, network_id: Option<&str>) {
        let (fleet, network_id) = (self.clone(), network_id.map(str::to_owned));
        self.count(event);
        tokio::spawn(async move {
            if let Err(error) = fleet.keep_report(id, event, network_id).await {
                tracing::error!(%error, "what became of a downlink could not be kept");
            }
        });
    }

    /// The same, answered when it is durable; whether the downlink is known.
    pub async fn reported(
        &self,
        id: DownlinkId,
        event: DownlinkEvent,
        network_id: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.count(event);
        self.keep_report(id, event, network_id.map(str::to_owned)).await
    }

    async fn keep_report(
        &self,
        id: DownlinkId,
        event: DownlinkEvent,
        network_id: Option<String>,
    ) -> Result<bool, StoreError> {
        let now = self.app().now();
        let kept = self
            .app()
            .write::<_, StoreError>(move |unit| {
                let Some(mut downlink) = unit.downlink(id)? else { return Ok(false) };
                keep(unit, &mut downlink, event, network_id.as_deref(), now)?;
                Ok(true)
            })
            .await;
        self.taken(id, false);
        kept
    }

    fn count(&self, event: DownlinkEvent) {
        self.app().metrics().downlink(match event {
            DownlinkEvent::Handed => "handed",
            DownlinkEvent::Sent => "sent",
            DownlinkEvent::Delivered => "delivered",
            DownlinkEvent::Acknowledged => "acknowledged",
            DownlinkEvent::Expired => "expired",
            DownlinkEvent::Failed(FailReason::NotAcknowledged | FailReason::GivenUp) => "failed",
            DownlinkEvent::Failed(reason) => reason.code(),
            DownlinkEvent::Canceled => "canceled",
        });
    }

    /// Ends the downlinks whose time is over; how many. Call it until it answers zero.
    pub async fn expire(&self) -> Result<usize, StoreError> {
        let Some(fence) = self.app().on_duty(Job::Fleet) else { return Ok(0) };
        let now = self.app().now();
        let due = self.app().store().read(move |rows| rows.overdue_downlinks(now, BATCH)).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let ended = self
            .app()
            .write::<_, StoreError>(move |unit| {
                let mut ended = Vec::new();
                if !fence.holds(unit)? {
                    return Ok(ended);
                }
                for id in &due {
                    let Some(mut downlink) = unit.downlink(*id)? else { continue };
                    if downlink.expires_at <= now {
                        keep(unit, &mut downlink, DownlinkEvent::Expired, None, now)?;
                        ended.push(*id);
                    }
                }
                Ok(ended)
            })
            .await?;
        for id in &ended {
            self.taken(*id, false);
            self.count(DownlinkEvent::Expired);
        }
        Ok(ended.len())
    }

    /// An operator takes a downlink back. Its order waits on: the card can still fetch it.
    pub async fn cancel_downlink(&self, by: Actor, id: DownlinkId) -> Result<(), QueueRefused> {
        let now = self.app().now();
        // Marked meanwhile, so that no bearer is handed it; one that has it is too late to be stopped.
        if !self.taken(id, true) {
            return Err(CancelRefused::WithTheNetwork.into());
        }
        let canceled = cancel_downlink(self.app().store(), by, id, now).await;
        self.taken(id, false);
        canceled?;
        self.count(DownlinkEvent::Canceled);
        Ok(())
    }

    /// An operator sets which of a card's waiting downlinks goes first.
    pub async fn set_priority(
        &self,
        by: Actor,
        id: DownlinkId,
        priority: Priority,
    ) -> Result<(), QueueRefused> {
        set_priority(self.app().store(), by, id, priority, self.app().now()).await
    }

    /// Runs a unit of work whose answer nobody waits for.
    pub(super) fn spawn_write(
        &self,
        mut work: impl FnMut(&mut dyn Unit) -> Result<(), StoreError> + Send + 'static,
    ) {
        let app = self.app().clone();
        // Queued here and now, so that what is written later comes later.
        let written = app.store().queue_write::<(), StoreError, _>(move |unit| work(unit));
        tokio::spawn(async move {
            if let Err(error) = written.await {
                tracing::error!(?error, "a note of the fleet could not be kept");
                app.metrics().frame_refused("note_lost");
            }
        });
    }
}

/// Takes a downlink back, as far as the store knows. [`Fleet::cancel_downlink`] knows besides what a bearer has in hand.
pub async fn cancel_downlink(
    store: &Store,
    by: Actor,
    id: DownlinkId,
    now: UnixMillis,
) -> Result<(), QueueRefused> {
    let kept = store.write::<_, QueueRefused, _>(move |unit| {
        let mut downlink = unit.downlink(id)?.ok_or(QueueRefused::NoSuchDownlink)?;
        (downlink.state, downlink.updated_at) = (downlink.state.cancel()?, now);
        unit.put_downlink(&downlink)?;
        Ok(by.enter(unit, now, AuditAction::DownlinkCancel, &id.to_string(), "done")?)
    });
    kept.await.map_err(refused)
}

/// Sets which of a card's waiting downlinks goes first.
pub async fn set_priority(
    store: &Store,
    by: Actor,
    id: DownlinkId,
    priority: Priority,
    now: UnixMillis,
) -> Result<(), QueueRefused> {
    let kept = store.write::<_, QueueRefused, _>(move |unit| {
        let downlink = unit.downlink(id)?.ok_or(QueueRefused::NoSuchDownlink)?;
        if downlink.state != DownlinkState::Queued {
            return Err(QueueRefused::NotQueued);
        }
        unit.put_downlink_priority(id, priority)?;
        Ok(by.enter(
            unit,
            now,
            AuditAction::DownlinkPriority,
            &format!("{id} {}", priority.name()),
            "done",
        )?)
    });
    kept.await.map_err(refused)
}

/// Clears an open alert; whether it was open.
pub async fn clear_alert(store: &Store, by: Actor, id: i64, now: UnixMillis) -> Result<bool, StoreError> {
    let kept = store.write::<_, StoreError, _>(move |unit| {
        let cleared = unit.clear_alert_of_id(id, now)?;
        let outcome = if cleared { "done" } else { "not_open" };
        by.enter(unit, now, AuditAction::AlertClear, &id.to_string(), outcome)?;
        Ok(cleared)
    });
    kept.await.map_err(|error| match error {
        WriteError::Refused(error) | WriteError::Store(error) => error,
    })
}

fn refused(error: WriteError<QueueRefused>) -> QueueRefused {
    match error {
        WriteError::Refused(refused) => refused,
        WriteError::Store(error) => error.into(),
    }
}

/// Keeps what an event makes of a downlink.
fn keep(
    unit: &mut dyn Unit,
    downlink: &mut StoredDownlink,
    event: DownlinkEvent,
    network_id: Option<&str>,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let changed = downlink.state.apply(event);
    if changed.is_none() && network_id.is_none_or(|id| downlink.network_id.as_deref() == Some(id)) {
        return Ok(());
    }
    downlink.state = changed.unwrap_or(downlink.state);
    downlink.updated_at = now;
    if let Some(network_id) = network_id {
        downlink.network_id = Some(network_id.to_owned());
    }
    unit.put_downlink(downlink)
}
