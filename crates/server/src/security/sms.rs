//! Texts on their way: each is tried until a gateway takes it or its code is over. What waits is in the store,
//! so that a restart loses none; one that stops between the gateway's yes and ours may send a text twice.
//!
//! Of several nodes one sends. An attempt is taken in the store before it is made, so that another node that takes over leaves
//! it its time; and one that comes too late to the attempt that it took (it was frozen in between) does not make it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use store::{OutgoingSms, StoreError};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::{Gateway, Security};
use crate::nodes::{Fence, Job};

/// The pause after each attempt that failed, in milliseconds; after the last, the last again.
const PAUSES_MILLIS: [i64; 5] = [1_000, 3_000, 8_000, 20_000, 60_000];
/// Texts on their way at once.
const SENDING_MAX: usize = 32;
/// How often the store is asked for texts whose pause is over.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long to wait before the store is asked again to keep what it could not.
const STORE_WAIT: Duration = Duration::from_secs(10);
/// How long texts on their way may take at a stop.
const STOP_WAIT: Duration = Duration::from_secs(2);
/// How long an attempt is this node's, in milliseconds: longer than a gateway may take.
const ATTEMPT_MILLIS: i64 = 15_000;
/// How soon after it was taken an attempt must begin.
const BEGIN_WITHIN: Duration = Duration::from_secs(2);

/// The delivery of texts, and its end.
pub struct SmsDelivery {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl SmsDelivery {
    /// Begins nothing new, and waits a little for what is on its way.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        if tokio::time::timeout(STOP_WAIT + STOP_WAIT, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl Security {
    /// Delivers what waits now and what is queued from now on. Without a gateway nothing is delivered, and
    /// texts are deleted when their codes are over.
    pub fn deliver_sms(&self, gateway: Option<Gateway>) -> SmsDelivery {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run(self.clone(), gateway, stopped));
        SmsDelivery { stop, task }
    }
}

async fn run(security: Security, gateway: Option<Gateway>, mut stopped: watch::Receiver<bool>) {
    let mut sending = JoinSet::new();
    let mut ids = HashSet::new();
    loop {
        let limit = u32::try_from(ids.len() + SENDING_MAX).unwrap_or(u32::MAX);
        let app = security.bank().app();
        let now = app.now();
        let fence = app.on_duty(Job::Sms);
        match app.store().peek(|rows| if fence.is_some() { rows.due_sms(now, limit) } else { Ok(Vec::new()) })
        {
            Ok(due) => {
                for sms in due {
                    if let Some(fence) = fence
                        && ids.len() < SENDING_MAX
                        && ids.insert(sms.id)
                    {
                        sending.spawn(one(security.clone(), gateway.clone(), fence, sms));
                    }
                }
            }
            Err(error) => tracing::error!(%error, "the texts that wait cannot be read"),
        }
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            () = security.inner.queued.notified() => {}
            Some(done) = sending.join_next() => {
                if let Ok(id) = done {
                    ids.remove(&id);
                }
            }
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    let ended = async { while sending.join_next().await.is_some() {} };
    // Whoever did not end is in the store still.
    let _ = tokio::time::timeout(STOP_WAIT, ended).await;
}

/// What became of an attempt.
enum Fate {
    Delivered,
    Expired,
    Again(i64),
}

/// Tries one text once, and keeps what became of it; its id.
async fn one(security: Security, gateway: Option<Gateway>, fence: Fence, sms: OutgoingSms) -> i64 {
    let app = security.bank().app();
    let began = Instant::now();
    match take(&security, fence, &sms).await {
        Ok(true) if began.elapsed() <= BEGIN_WITHIN => {}
        Ok(_) => return sms.id,
        Err(error) => {
            tracing::error!(%error, sms = sms.id, "an attempt to send a text cannot be taken");
            tokio::time::sleep(STORE_WAIT).await;
            return sms.id;
        }
    }
    let fate = attempt(&security, gateway.as_ref(), &sms).await;
    let (id, attempts) = (sms.id, sms.attempts.saturating_add(1));
    match fate {
        Fate::Delivered | Fate::Expired => {
            let outcome = if matches!(fate, Fate::Delivered) { "delivered" } else { "expired" };
            app.metrics().sms(outcome);
            // Kept at until it is gone: what was delivered must not be sent again because a disk is full.
            while let Err(error) = app.write::<_, StoreError>(move |unit| unit.delete_sms(id)).await {
                tracing::error!(%error, sms = id, "a text that is done with cannot be deleted");
                tokio::time::sleep(STORE_WAIT).await;
            }
        }
        Fate::Again(pause) => {
            let next_at = app.now().plus(pause);
            let keep = move |unit: &mut dyn store::Unit| unit.put_sms_attempt(id, next_at, attempts);
            if let Err(error) = app.write::<_, StoreError>(keep).await {
                tracing::error!(%error, sms = id, "an attempt to send a text cannot be kept");
                tokio::time::sleep(STORE_WAIT).await;
            }
        }
    }
    id
}

/// Takes an attempt; whether it is this node's. On a platform by itself every one is.
async fn take(security: &Security, fence: Fence, sms: &OutgoingSms) -> Result<bool, StoreError> {
    let app = security.bank().app();
    if app.nodes().is_none() {
        return Ok(true);
    }
    let (sms, now) = (sms.clone(), app.now());
    app.write::<_, StoreError>(move |unit| {
        // What another node took a moment ago is due no more.
        Ok(fence.holds(unit)? && unit.take_sms_attempt(&sms, now, now.plus(ATTEMPT_MILLIS))?)
    })
    .await
}

async fn attempt(security: &Security, gateway: Option<&Gateway>, sms: &OutgoingSms) -> Fate {
    let app = security.bank().app();
    if app.now() >= sms.expires_at {
        tracing::warn!(sms = sms.id, attempts = sms.attempts, "a text was not delivered in its code's time");
        return Fate::Expired;
    }
    let pause = pause_after(sms.attempts);
    let Some(gateway) = gateway else {
        tracing::warn!(sms = sms.id, "a text waits, and no SMS gateway is configured");
        return Fate::Again(pause);
    };
    match gateway.send(&sms.phone, &sms.text).await {
        Ok(()) => Fate::Delivered,
        Err(reason) => {
            tracing::warn!(sms = sms.id, attempts = sms.attempts + 1, %reason, "a text was not taken");
            app.metrics().sms("failed");
            // What would be tried when its code is over need not wait for that.
            if app.now().plus(pause) >= sms.expires_at { Fate::Expired } else { Fate::Again(pause) }
        }
    }
}

/// How long after so many attempts and one more the next follows.
fn pause_after(attempts: u32) -> i64 {
    let last = PAUSES_MILLIS.len() - 1;
    PAUSES_MILLIS[usize::try_from(attempts).unwrap_or(last).min(last)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_made_at_growing_distance() {
        let pauses: Vec<i64> = (0..7).map(pause_after).collect();
        assert_eq!(pauses, [1_000, 3_000, 8_000, 20_000, 60_000, 60_000, 60_000]);
        assert_eq!(pause_after(u32::MAX), 60_000);
    }
}
