//! The roll of nodes, as the newest heartbeat saw it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use model::UnixMillis;
use store::{Lease, Store, StoreError, StoredNode, Unit, WriteError};
use tokio::sync::Notify;

use super::claim::{Claim, Held, LEASE_MILLIS, lives};
use super::clock::{Apart, Verdict};
use super::duty::{Duty, Job};
use super::name::NodeName;
use super::role::Roles;
use super::signal::Hint;
use crate::app::Clock;

/// How long a node that is gone may take to come back before what waits for its sockets is given up, in milliseconds.
pub const RETURN_MILLIS: i64 = 10_000;
/// How long a node that is gone is remembered, in milliseconds.
const REMEMBERED_MILLIS: i64 = 86_400_000;

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oneself {
    /// Its name, another for each.
    pub name: NodeName,
    /// 16 random bytes of this start.
    pub start: [u8; 16],
    /// What it is there for.
    pub roles: Roles,
    /// The program's version.
    pub version: String,
    /// What it would do for all.
    pub jobs: BTreeSet<Job>,
}

/// This node among the others. Cheap to clone.
#[derive(Clone)]
pub struct Nodes {
    inner: Arc<Inner>,
}

type Tell = Box<dyn Fn(String) -> bool + Send + Sync>;

struct Inner {
    own: Oneself,
    store: Store,
    clock: Arc<dyn Clock>,
    addresses: OnceLock<String>,
    carries: Mutex<BTreeMap<String, usize>>,
    known: RwLock<Known>,
    tell: OnceLock<Tell>,
    stopping: AtomicBool,
    changed: Notify,
}

/// What the newest heartbeat saw.
#[derive(Default)]
struct Known {
    nodes: Vec<StoredNode>,
    leases: Vec<Lease>,
    /// The database's clock then, and this node's steady one just before.
    at: Option<(UnixMillis, Instant)>,
    /// Until when, by the steady clock, this node's own leases are good without asking.
    sure_until: Option<Instant>,
    epoch: u64,
    apart: Apart,
}

/// What a heartbeat came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beat {
    /// This node is among those that serve.
    Serves {
        /// It entered just now: at its start, or because it was silent for so long that it was taken for dead.
        entered: bool,
        /// How its clock stands.
        clock: Verdict,
    },
    /// The name is another's.
    Taken(Box<StoredNode>),
}

/// Who reaches an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// This node.
    Here,
    /// Another, whose bearer has room for so many bytes.
    At(NodeName, usize),
    /// Nobody who is there now.
    Nowhere,
}

impl Nodes {
    /// This node, which has not entered yet.
    pub fn new(own: Oneself, store: Store, clock: Arc<dyn Clock>) -> Self {
        let inner = Inner {
            own,
            store,
            clock,
            addresses: OnceLock::new(),
            carries: Mutex::default(),
            known: RwLock::default(),
            tell: OnceLock::new(),
            stopping: AtomicBool::new(false),
            changed: Notify::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Its name.
    pub fn name(&self) -> &NodeName {
        &self.inner.own.name
    }

    /// 16 random bytes of this start.
    pub fn start(&self) -> [u8; 16] {
        self.inner.own.start
    }

    /// What it is there for.
    pub fn roles(&self) -> Roles {
        self.inner.own.roles
    }

    /// How what it tells leaves. Until this is called nothing does.
    pub fn tell_by(&self, tell: impl Fn(String) -> bool + Send + Sync + 'static) {
        let _ = self.inner.tell.set(Box::new(tell));
    }

    /// What others may reach it by, for people.
    pub fn listens_at(&self, addresses: String) {
        let _ = self.inner.addresses.set(addresses);
    }

    /// It carries for a bearer from now on (`Some` room), or no more.
    pub fn carries(&self, bearer: &str, room: Option<usize>) {
        let mut carries = self.inner.carries.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match room {
            Some(room) => carries.insert(bearer.to_owned(), room),
            None => carries.remove(bearer),
        };
        if before != room {
            self.inner.changed.notify_one();
        }
    }

    /// Waits until what it carries for has changed: the others should know soon.
    pub async fn changed(&self) {
        self.inner.changed.notified().await;
    }

    /// Tells the others, if there are any; whether it was.
    pub fn tell(&self, hint: &Hint) -> bool {
        let others = matches!(hint, Hint::Roll) || self.has_others();
        others && self.inner.tell.get().is_some_and(|tell| tell(hint.to_line()))
    }

    /// Enters, or says that it is still there; takes and renews what it does for all; looks who else is there.
    pub async fn beat(&self) -> Result<Beat, StoreError> {
        let inner = &self.inner;
        let began = Instant::now();
        let before = inner.clock.now();
        let there = inner.store.read(|rows| rows.database_clock()).await?;
        let apart = Apart::measured(before, there, inner.clock.now());
        let (own, carries) = (inner.own.clone(), self.carried());
        let addresses = inner.addresses.get().cloned().unwrap_or_default();
        let work = move |unit: &mut dyn Unit| beat(unit, &own, &addresses, &carries, apart);
        let written = inner.store.write::<_, StoreError, _>(work).await;
        let (claim, known) = unrefused(written)?;
        if claim.epoch().is_none() {
            let name = inner.own.name.as_str();
            let taken = known.nodes.into_iter().find(|node| node.name == name);
            return Ok(Beat::Taken(Box::new(taken.ok_or(StoreError::Malformed("node"))?)));
        }
        let sure_until = began + Duration::from_millis(LEASE_MILLIS.unsigned_abs());
        let at = known.at.map(|(now, _)| (now, began));
        self.learn(Known { at, sure_until: Some(sure_until), apart, ..known });
        Ok(Beat::Serves { entered: matches!(claim, Claim::Taken(_)), clock: apart.verdict() })
    }

    /// Looks who else is there, without a heartbeat.
    pub async fn look(&self) -> Result<(), StoreError> {
        let began = Instant::now();
        let read = self.inner.store.read(|rows| Ok((rows.nodes()?, rows.leases()?, rows.database_clock()?)));
        let (nodes, leases, now) = read.await?;
        let mut known = self.inner.known.write().unwrap_or_else(PoisonError::into_inner);
        (known.nodes, known.leases, known.at) = (nodes, leases, Some((now, began)));
        Ok(())
    }

    /// Goes: its name and what it did for all are free at once.
    pub async fn leave(&self) -> Result<(), StoreError> {
        self.inner.stopping.store(true, Ordering::Relaxed);
        let own = self.inner.own.clone();
        let work = move |unit: &mut dyn Unit| leave(unit, &own);
        unrefused(self.inner.store.write::<_, StoreError, _>(work).await)?;
        self.tell(&Hint::Roll);
        Ok(())
    }

    /// It stops: what looks whether it is ready goes elsewhere.
    pub fn stop_soon(&self) {
        self.inner.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether it serves: it has entered, is sure of it, and does not stop.
    pub fn serves(&self) -> bool {
        !self.inner.stopping.load(Ordering::Relaxed) && self.is_sure()
    }

    /// Whether its newest heartbeat is young enough that nobody can have taken it for dead.
    fn is_sure(&self) -> bool {
        self.known().sure_until.is_some_and(|until| Instant::now() < until)
    }

    /// A job, if it is this node's.
    pub fn duty(&self, job: Job) -> Option<Duty> {
        if !self.is_sure() {
            return None;
        }
        let start = self.inner.own.start;
        let known = self.known();
        let lease = known.leases.iter().find(|lease| lease.name == job.name() && lease.start == start)?;
        Some(Duty { job, start, epoch: lease.epoch })
    }

    /// How its clock stood at the newest heartbeat.
    pub fn apart(&self) -> Apart {
        self.known().apart
    }

    /// The node's epoch.
    pub fn epoch(&self) -> u64 {
        self.known().epoch
    }

    /// Every node that is there, this one included, as the newest look saw them.
    pub fn living(&self) -> Vec<StoredNode> {
        let known = self.known();
        let now = known.now();
        known.nodes.iter().filter(|node| lives(node.until, now)).cloned().collect()
    }

    /// This node's place among those that carry for something, by name, and how many they are. It counts itself, whether or not
    /// it was seen already.
    pub fn place_among(&self, bearer: &str) -> (usize, usize) {
        let own = self.name().as_str();
        let living = self.living();
        let others =
            living.iter().filter(|node| node.name != own && room_of(&node.carries, bearer).is_some());
        let (before, after): (Vec<_>, Vec<_>) = others.partition(|node| node.name.as_str() < own);
        (before.len(), before.len() + 1 + after.len())
    }

    /// All leases that somebody has.
    pub fn leases(&self) -> Vec<Lease> {
        let known = self.known();
        let now = known.now();
        known.leases.iter().filter(|lease| lives(lease.until, now)).cloned().collect()
    }

    /// Whether another node is there.
    pub fn has_others(&self) -> bool {
        let own = self.name().as_str();
        let known = self.known();
        let now = known.now();
        known.nodes.iter().any(|node| node.name != own && lives(node.until, now))
    }

    /// Whether this node's clock is the odd one: some other node's is with the database's.
    pub fn is_odd(&self) -> bool {
        let own = self.name().as_str();
        let good = |node: &StoredNode| Apart { millis: node.clock_apart }.verdict() == Verdict::Together;
        self.living().iter().any(|node| node.name != own && good(node))
    }

    /// Whether a node of this name was ever seen: one that was not may be so new that we have not looked since.
    pub fn has_heard_of(&self, name: &NodeName) -> bool {
        self.known().nodes.iter().any(|node| node.name == name.as_str())
    }

    /// Whether a node that is gone may still come back to its sockets.
    pub fn may_return(&self, name: &NodeName) -> bool {
        let known = self.known();
        let now = known.now();
        let node = known.nodes.iter().find(|node| node.name == name.as_str());
        node.is_some_and(|node| node.until.plus(RETURN_MILLIS) > now)
    }

    /// Who reaches an address: the node that it names, or whoever carries for its bearer.
    pub fn way(&self, bearer: &str, node: Option<&NodeName>) -> Way {
        let here = self.inner.carries.lock().unwrap_or_else(PoisonError::into_inner).contains_key(bearer);
        match node {
            Some(node) if node == self.name() => return if here { Way::Here } else { Way::Nowhere },
            None if here => return Way::Here,
            Some(_) | None => {}
        }
        let known = self.known();
        let now = known.now();
        let mut others =
            known.nodes.iter().filter(|other| lives(other.until, now) && other.name != self.name().as_str());
        let found = others.find_map(|other| {
            let room = room_of(&other.carries, bearer)?;
            let name: NodeName = other.name.parse().ok()?;
            node.is_none_or(|node| *node == name).then_some((name, room))
        });
        found.map_or(Way::Nowhere, |(name, room)| Way::At(name, room))
    }

    fn carried(&self) -> String {
        let carries = self.inner.carries.lock().unwrap_or_else(PoisonError::into_inner);
        let each: Vec<String> = carries.iter().map(|(bearer, room)| format!("{bearer}={room}")).collect();
        each.join(" ")
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.inner.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, known: Known) {
        *self.inner.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

impl Known {
    /// The database's clock, about now.
    fn now(&self) -> UnixMillis {
        self.at.map_or(UnixMillis(i64::MAX), |(at, then)| {
            at.plus(i64::try_from(then.elapsed().as_millis()).unwrap_or(i64::MAX))
        })
    }
}

fn room_of(carries: &str, bearer: &str) -> Option<usize> {
    carries.split(' ').find_map(|one| {
        let (name, room) = one.rsplit_once('=')?;
        if name == bearer { room.parse().ok() } else { None }
    })
}

fn held(node: &StoredNode) -> Held {
    Held { start: node.start, epoch: node.epoch, until: node.until }
}

/// One heartbeat, in one unit of work.
fn beat(
    unit: &mut dyn Unit,
    own: &Oneself,
    addresses: &str,
    carries: &str,
    apart: Apart,
) -> Result<(Claim, Known), StoreError> {
    let now = unit.database_clock()?;
    let before = unit.node(own.name.as_str())?;
    let claim = Claim::of(before.as_ref().map(held), own.start, now);
    let Some(epoch) = claim.epoch() else {
        return Ok((claim, Known { nodes: unit.nodes()?, ..Known::default() }));
    };
    let until = now.plus(LEASE_MILLIS);
    let entered_at = match (claim, before) {
        (Claim::Renewed(_), Some(before)) => before.entered_at,
        _ => now,
    };
    unit.put_node(&StoredNode {
        name: own.name.to_string(),
        start: own.start,
        epoch,
        roles: own.roles.to_string(),
        addresses: addresses.to_owned(),
        carries: carries.to_owned(),
        version: own.version.clone(),
        entered_at,
        heard_at: now,
        until,
        clock_apart: apart.millis,
    })?;
    for job in &own.jobs {
        let lease = unit.lease(job.name())?;
        let held = lease.map(|lease| Held { start: lease.start, epoch: lease.epoch, until: lease.until });
        if let Some(epoch) = Claim::of(held, own.start, now).epoch() {
            let (name, node) = (job.name().to_owned(), own.name.to_string());
            unit.put_lease(&Lease { name, node, start: own.start, epoch, until })?;
        }
    }
    if matches!(claim, Claim::Taken(_)) {
        unit.forget_nodes(now.plus(-REMEMBERED_MILLIS))?;
    }
    let (nodes, leases) = (unit.nodes()?, unit.leases()?);
    let at = Some((now, Instant::now()));
    Ok((claim, Known { nodes, leases, at, epoch, ..Known::default() }))
}

fn leave(unit: &mut dyn Unit, own: &Oneself) -> Result<(), StoreError> {
    let now = unit.database_clock()?;
    if let Some(node) = unit.node(own.name.as_str())?
        && node.start == own.start
    {
        unit.put_node(&StoredNode { until: now, ..node })?;
    }
    for lease in unit.leases()? {
        if lease.start == own.start && lives(lease.until, now) {
            unit.put_lease(&Lease { until: now, ..lease })?;
        }
    }
    Ok(())
}

fn unrefused<T>(written: Result<T, WriteError<StoreError>>) -> Result<T, StoreError> {
    written.map_err(|error| match error {
        WriteError::Refused(error) | WriteError::Store(error) => error,
    })
}
