//! Which parts of the endpoints are this node's.
//!
//! For: a lease for each of [`EndpointId::SHARDS`] parts, in the node's name and with its start, by the database's clock. The
//! holder of part 0 makes messages of events as well. Parts are shared out evenly among the nodes that have a courier: a node
//! takes what is free up to its share, and gives up what is above it, after what came of its attempts there is kept.
//! Refuses: sending without a lease; taking a part from a holder who lives; keeping what came of an attempt that was begun under
//! an epoch that has passed ([`guards`]).

use std::time::{Duration, Instant};

use model::UnixMillis;
use store::{Lease, StoreError, Unit};
use webhook::EndpointId;

use crate::app::{App, Mode};
use crate::nodes::{LEASE_MILLIS, Nodes, lives};

/// How often a lease is renewed, and shares are looked at.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(2);
/// So long before its end nothing is begun under it: commits take time.
const MARGIN: Duration = Duration::from_secs(2);
/// How many parts there are.
const PARTS: usize = EndpointId::SHARDS as usize;

/// For each part, whether an attempt there is on its way, or has ended and is not kept yet.
pub(super) type Busy = [bool; PARTS];

/// What a part is to this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Another's, or free.
    Others,
    /// Its own, under this epoch.
    Ours(u64),
    /// Its own until what is on its way there has ended and is kept; nothing is begun.
    Leaving(u64),
}

/// What the database says of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Nobody's; taken under this epoch, if it is.
    Free(u64),
    /// This node's, under this epoch.
    Ours(u64),
    /// Another's, who lives.
    Others,
}

/// The parts that this node holds.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// The node's name.
    name: String,
    /// 16 random bytes of this start.
    start: [u8; 16],
    parts: [Part; PARTS],
    /// Until when, by this machine's own clock.
    until: Instant,
}

/// What a node that has a courier of this mode carries for, among [`Nodes::carries`].
pub(super) const fn carried(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "webhooks",
        Mode::Test => "webhooks-test",
    }
}

fn name(shard: usize) -> String {
    format!("webhooks/{shard}")
}

impl Held {
    /// Nothing yet, by a node or by a platform that has no others.
    pub(super) fn nothing(app: &App, nodes: Option<&Nodes>) -> Self {
        let (name, start) = match nodes {
            Some(nodes) => (nodes.name().to_string(), nodes.start()),
            None => ("alone".into(), app.random().to_be_bytes()),
        };
        Self { name, start, parts: [Part::Others; PARTS], until: Instant::now() }
    }

    /// Renews what is this node's, takes what is free up to its share of so many places, and gives up what is above it and idle.
    pub(super) async fn renew(&mut self, app: &App, share: usize, busy: Busy) -> Result<(), StoreError> {
        let (held, began) = (self.clone(), Instant::now());
        self.parts = app.write::<_, StoreError>(move |unit| held.kept(unit, share, busy)).await?;
        self.until = began + Duration::from_millis(LEASE_MILLIS.unsigned_abs()) - MARGIN;
        Ok(())
    }

    fn kept(&self, unit: &mut dyn Unit, share: usize, busy: Busy) -> Result<[Part; PARTS], StoreError> {
        let (now, leases) = (unit.database_clock()?, unit.leases()?);
        let mut found = [Found::Free(1); PARTS];
        for (shard, found) in found.iter_mut().enumerate() {
            if let Some(lease) = leases.iter().find(|lease| lease.name == name(shard)) {
                *found = self.found(shard, lease, now);
            }
        }
        let parts = shared_out(&self.parts, &found, &busy, share);
        for (shard, (part, found)) in parts.iter().zip(found).enumerate() {
            match (part, found) {
                (Part::Ours(epoch) | Part::Leaving(epoch), _) => {
                    unit.put_lease(&self.lease(shard, *epoch, now.plus(LEASE_MILLIS)))?;
                }
                (Part::Others, Found::Ours(epoch)) => unit.put_lease(&self.lease(shard, epoch, now))?,
                (Part::Others, Found::Free(_) | Found::Others) => {}
            }
        }
        Ok(parts)
    }

    fn found(&self, shard: usize, lease: &Lease, now: UnixMillis) -> Found {
        let known = self.parts.get(shard).copied().and_then(Part::epoch) == Some(lease.epoch);
        match (lease.start == self.start, lives(lease.until, now)) {
            (true, true) => Found::Ours(lease.epoch),
            // It ended, and nobody else was here meanwhile: what is on its way still counts.
            (true, false) if known => Found::Ours(lease.epoch),
            (true, false) => Found::Free(lease.epoch),
            (false, true) => Found::Others,
            (false, false) => Found::Free(lease.epoch.saturating_add(1)),
        }
    }

    fn lease(&self, shard: usize, epoch: u64, until: UnixMillis) -> Lease {
        Lease { name: name(shard), node: self.name.clone(), start: self.start, epoch, until }
    }

    /// Gives all up: another node goes on at once.
    pub(super) async fn leave(&mut self, app: &App) {
        let held = self.clone();
        let left = app.write::<_, StoreError>(move |unit| held.kept(unit, 0, [false; PARTS])).await;
        if let Err(error) = left {
            tracing::warn!(%error, "the parts of webhooks were not given up: they are free in some seconds");
        }
        self.parts = [Part::Others; PARTS];
    }

    /// The epoch under which something may be begun in a part now.
    pub(super) fn epoch(&self, shard: u8) -> Option<u64> {
        match self.parts.get(usize::from(shard)) {
            Some(Part::Ours(epoch)) if Instant::now() < self.until => Some(*epoch),
            Some(Part::Ours(_) | Part::Leaving(_) | Part::Others) | None => None,
        }
    }

    /// Whether something may be begun in a part now.
    pub(super) fn has(&self, shard: u8) -> bool {
        self.epoch(shard).is_some()
    }

    /// The start of the node, for [`guards`].
    pub(super) const fn start(&self) -> [u8; 16] {
        self.start
    }
}

impl Part {
    const fn epoch(self) -> Option<u64> {
        match self {
            Self::Others => None,
            Self::Ours(epoch) | Self::Leaving(epoch) => Some(epoch),
        }
    }
}

/// Whether a part is still held by this start under this epoch, in a unit of work: what was begun under it is kept only then.
pub(super) fn guards(unit: &dyn Unit, shard: u8, start: [u8; 16], epoch: u64) -> Result<bool, StoreError> {
    let lease = unit.lease(&name(usize::from(shard)))?;
    Ok(lease.is_some_and(|lease| lease.start == start && lease.epoch == epoch))
}

/// How many parts are a node's, whose place among all is `place` of `of`: they differ by one at most, and make up all.
pub(super) fn share(place: usize, of: usize) -> usize {
    let of = of.max(1);
    PARTS / of + usize::from(place < PARTS % of)
}

/// What is this node's from now on: as much as its share of what it has and what is free. Of what is above, that goes first which
/// goes already.
fn shared_out(before: &[Part; PARTS], found: &[Found; PARTS], busy: &Busy, share: usize) -> [Part; PARTS] {
    let mut parts = [Part::Others; PARTS];
    let mut room = share;
    let leaves = |shard: usize| matches!(before.get(shard), Some(Part::Leaving(_)));
    for again in [false, true] {
        for (shard, (part, found)) in parts.iter_mut().zip(found).enumerate() {
            let Found::Ours(epoch) = *found else { continue };
            if leaves(shard) != again {
                continue;
            }
            *part = if room > 0 {
                room -= 1;
                Part::Ours(epoch)
            } else if busy.get(shard).copied().unwrap_or(false) {
                Part::Leaving(epoch)
            } else {
                Part::Others
            };
        }
    }
    for (part, found) in parts.iter_mut().zip(found) {
        if let (Found::Free(epoch), true) = (*found, room > 0) {
            room -= 1;
            *part = Part::Ours(epoch);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Busy = [false; PARTS];
    const NOTHING: [Part; PARTS] = [Part::Others; PARTS];

    fn own(parts: &[Part; PARTS]) -> Vec<usize> {
        (0..PARTS).filter(|shard| parts[*shard] != Part::Others).collect()
    }

    #[test]
    fn shares_differ_by_one_at_most_and_make_up_all() {
        for of in 1..=12 {
            let shares: Vec<usize> = (0..of).map(|place| share(place, of)).collect();
            assert_eq!(shares.iter().sum::<usize>(), PARTS, "{of} nodes");
            assert!(shares[0] - shares[of - 1] <= 1, "{shares:?}");
        }
        assert_eq!(share(0, 0), PARTS, "a node that knows of none, not even itself");
    }

    #[test]
    fn a_node_takes_what_is_free_up_to_its_share_and_nothing_of_one_that_lives() {
        let mut found = [Found::Others; PARTS];
        (found[1], found[4], found[6]) = (Found::Free(1), Found::Free(7), Found::Free(2));
        let parts = shared_out(&NOTHING, &found, &IDLE, 2);
        assert_eq!((parts[1], parts[4], own(&parts)), (Part::Ours(1), Part::Ours(7), vec![1, 4]));
        assert_eq!(own(&shared_out(&NOTHING, &found, &IDLE, PARTS)), [1, 4, 6]);
        assert_eq!(own(&shared_out(&NOTHING, &found, &IDLE, 0)), [0_usize; 0]);
    }

    #[test]
    fn what_is_above_the_share_is_given_up_when_it_is_idle_and_begins_nothing_until_then() {
        let (before, found) = ([Part::Ours(3); PARTS], [Found::Ours(3); PARTS]);
        let mut busy = IDLE;
        (busy[1], busy[5], busy[7]) = (true, true, true);
        let parts = shared_out(&before, &found, &busy, 4);
        assert_eq!(parts[..4], [Part::Ours(3); 4], "busy or not, its own stay");
        assert_eq!(parts[4..], [Part::Others, Part::Leaving(3), Part::Others, Part::Leaving(3)]);

        // One of them is idle now; the other is wanted again, since a node died.
        let mut found = [Found::Others; PARTS];
        for shard in own(&parts) {
            found[shard] = Found::Ours(3);
        }
        busy[5] = false;
        assert_eq!(own(&shared_out(&parts, &found, &busy, 4)), [0, 1, 2, 3, 7]);
        assert_eq!(shared_out(&parts, &found, &busy, 6)[7], Part::Ours(3));
        // Had one of the first four gone, one that was leaving stays in its place.
        found[0] = Found::Others;
        let parts = shared_out(&parts, &found, &busy, 4);
        assert_eq!((own(&parts), parts[5], parts[7]), (vec![1, 2, 3, 5, 7], Part::Ours(3), Part::Leaving(3)));
    }

    #[test]
    fn an_epoch_rises_when_a_part_goes_from_one_to_another_and_not_when_it_only_lapsed() {
        let at = |seconds: i64| UnixMillis(1_795_199_488_000 + seconds * 1_000);
        let held = |part| Held {
            name: "north".into(),
            start: [1; 16],
            parts: [part; PARTS],
            until: Instant::now() + Duration::from_secs(60),
        };
        let lease = |start, until| Lease { start, ..held(Part::Others).lease(0, 3, at(until)) };
        for (part, start, until, expected) in [
            (Part::Ours(3), [1; 16], 8, Found::Ours(3)),
            // An outage of the database: nobody else was here.
            (Part::Ours(3), [1; 16], -9, Found::Ours(3)),
            (Part::Leaving(3), [1; 16], -9, Found::Ours(3)),
            // It gave the part up itself.
            (Part::Others, [1; 16], -9, Found::Free(3)),
            // Its word that it took it was kept, and it did not hear of that.
            (Part::Others, [1; 16], 8, Found::Ours(3)),
            (Part::Ours(2), [2; 16], 8, Found::Others),
            (Part::Ours(2), [2; 16], 0, Found::Free(4)),
            // A clock that was set back.
            (Part::Others, [2; 16], 60, Found::Free(4)),
        ] {
            assert_eq!(held(part).found(0, &lease(start, until), at(0)), expected, "{part:?} {until}");
        }
    }

    #[tokio::test]
    async fn what_was_begun_under_an_epoch_that_has_passed_is_kept_by_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let store = store::sqlite::open(&folder.path().join("town.db")).unwrap();
        // North was overtaken, and has the part again.
        let lease = Lease {
            name: name(4),
            node: "north".into(),
            start: [1; 16],
            epoch: 3,
            until: UnixMillis(1_795_199_488_000),
        };
        let asked = [(4, [1; 16], 3), (4, [1; 16], 1), (4, [2; 16], 3), (5, [1; 16], 3)];
        let kept = store.write::<Vec<bool>, StoreError, _>(move |unit| {
            unit.put_lease(&lease)?;
            asked.iter().map(|(shard, start, epoch)| guards(unit, *shard, *start, *epoch)).collect()
        });
        let kept = kept.await.unwrap_or_default();
        assert_eq!(kept, [true, false, false, false]);
    }

    #[test]
    fn nothing_is_begun_in_a_part_that_is_left_or_whose_lease_may_have_ended() {
        let mut held = Held {
            name: "north".into(),
            start: [1; 16],
            parts: [Part::Ours(3); PARTS],
            until: Instant::now() + Duration::from_secs(60),
        };
        held.parts[1] = Part::Leaving(3);
        held.parts[2] = Part::Others;
        assert_eq!([0, 1, 2, 8].map(|shard| held.epoch(shard)), [Some(3), None, None, None]);
        held.until = Instant::now();
        assert!(!held.has(0));
    }
}
