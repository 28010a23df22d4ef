//! Which parts of the endpoints are this node's.
//!
//! For: a lease for each of [`EndpointId::SHARDS`] parts. The holder of part 0 makes messages of events as well.
//! Refuses: sending without a lease; keeping what came of an attempt whose part has gone to another node ([`Held::guards`]).
//! A node takes what is free; nothing is taken from a holder who lives.

use std::time::{Duration, Instant};

use model::UnixMillis;
use store::{Lease, StoreError, Unit};
use webhook::EndpointId;

use crate::app::App;

/// How long a part is a node's without being renewed, in milliseconds.
pub const LEASE_MILLIS: i64 = 8_000;
/// How often it is renewed.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(2);
/// So long before its end nothing is begun under it: clocks differ, and commits take time.
const MARGIN: Duration = Duration::from_secs(2);

/// The parts that this node holds.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// 16 random bytes of this start.
    start: [u8; 16],
    /// The epoch under which a part is held.
    epochs: [Option<u64>; EndpointId::SHARDS as usize],
    /// Until when, by this machine's own clock.
    until: Instant,
}

fn name(shard: u8) -> String {
    format!("webhooks/{shard}")
}

impl Held {
    pub(super) fn nothing(start: [u8; 16]) -> Self {
        Self { start, epochs: [None; EndpointId::SHARDS as usize], until: Instant::now() }
    }

    /// Takes what is free, renews what is this node's.
    pub(super) async fn renew(&mut self, app: &App) -> Result<(), StoreError> {
        let (start, now, began) = (self.start, app.now(), Instant::now());
        let taken = app
            .write::<_, StoreError>(move |unit| {
                let mut epochs = [None; EndpointId::SHARDS as usize];
                for (shard, epoch) in (0..EndpointId::SHARDS).zip(&mut epochs) {
                    *epoch = take(unit, shard, start, now)?;
                }
                Ok(epochs)
            })
            .await?;
        self.epochs = taken;
        self.until = began + Duration::from_millis(LEASE_MILLIS.unsigned_abs()) - MARGIN;
        Ok(())
    }

    /// Gives all up: another node goes on at once.
    pub(super) async fn leave(&mut self, app: &App) {
        let (held, now) = (self.clone(), app.now());
        let left = app
            .write::<_, StoreError>(move |unit| {
                for shard in 0..EndpointId::SHARDS {
                    if let Some(lease) = held.lease(unit, shard)? {
                        unit.put_lease(&Lease { until: now, ..lease })?;
                    }
                }
                Ok(())
            })
            .await;
        if let Err(error) = left {
            tracing::warn!(%error, "the parts of webhooks were not given up: they are free in some seconds");
        }
        self.epochs = [None; EndpointId::SHARDS as usize];
    }

    /// Whether a part is this node's now.
    pub(super) fn has(&self, shard: u8) -> bool {
        Instant::now() < self.until && self.epochs.get(usize::from(shard)).is_some_and(Option::is_some)
    }

    /// Whether a part is still this node's, in a unit of work: what is kept under it is kept only then.
    pub(super) fn guards(&self, unit: &dyn Unit, shard: u8) -> Result<bool, StoreError> {
        Ok(self.lease(unit, shard)?.is_some())
    }

    fn lease(&self, unit: &dyn Unit, shard: u8) -> Result<Option<Lease>, StoreError> {
        let epoch = self.epochs.get(usize::from(shard)).copied().flatten();
        let lease = unit.lease(&name(shard))?;
        Ok(lease.filter(|lease| lease.start == self.start && Some(lease.epoch) == epoch))
    }
}

/// Takes or renews a part; `None` where it is another's.
fn take(unit: &mut dyn Unit, shard: u8, start: [u8; 16], now: UnixMillis) -> Result<Option<u64>, StoreError> {
    let epoch = match unit.lease(&name(shard))? {
        Some(held) if held.start == start => held.epoch,
        Some(held) if held.until > now => return Ok(None),
        held => held.map_or(0, |held| held.epoch).saturating_add(1),
    };
    let lease =
        Lease { name: name(shard), node: "webhooks".into(), start, epoch, until: now.plus(LEASE_MILLIS) };
    unit.put_lease(&lease)?;
    Ok(Some(epoch))
}
