//! The loop of a node's courier: outbox, lanes, attempts, outcomes.
//!
//! An endpoint with something due has a lane. A lane sends so many at once as its window allows: one more after each success,
//! one alone after a failure. What waits stays in the database but for a few a lane; memory does not grow with a backlog.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use store::{DueDelivery, StoreError};
use tokio::sync::{mpsc, watch};
use webhook::{CancelReason, DeliveryId, End, EndpointEvent, EndpointId};

use super::client::{Client, Target};
use super::outbox;
use super::outcome::{self, Ended};
use super::pace::Pace;
use super::shards::{Busy, Held, RENEW_EVERY, carried, share};
use crate::app::App;
use crate::nodes::Nodes;
use crate::secrets::SecretRefused;

/// Attempts on their way at once.
const ATTEMPTS_MAX: usize = 256;
/// Of them, those to endpoints whose last attempt failed: a server that hangs leaves room for the others.
const FAILING_MAX: usize = ATTEMPTS_MAX / 2;
/// Attempts on their way to one endpoint.
const LANE_WINDOW_MAX: usize = 32;
/// The window of an endpoint of which nothing is known yet.
const LANE_WINDOW_FIRST: usize = 4;
/// Deliveries of one endpoint that are read ahead.
const LANE_QUEUE_MAX: usize = 64;
/// Lanes at once. What is due for other endpoints stays in the database until there is room.
const LANES_MAX: usize = 512;
/// Lanes that are filled between two looks at what has ended.
const FILLED_MAX: usize = 32;
/// Endpoints that are looked at in one look for what is due.
const LOOK_MAX: u32 = 128;
/// How often it is looked what is due, and whether another node has left something in the outbox.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// So long after an event was told of the outbox is looked into: others come into the same unit of work.
const GATHER: Duration = Duration::from_millis(10);
/// How long is paused where the store could not be asked.
const PAUSE: Duration = Duration::from_millis(500);
/// How long attempts may take to end when the courier is stopped.
const STOP_WAIT: Duration = Duration::from_secs(2);
/// How long an endpoint whose secret does not open is left alone before it is tried again: a key store that was copied here is
/// read again within seconds.
const SHUT_FOR: Duration = Duration::from_secs(5);
/// Endpoints that are known as such. Further ones are tried with every look, and said each time.
const SHUT_MAX: usize = 4_096;
/// How old it must be what is forgotten, in milliseconds: 30 days; and messages that are forgotten in one unit of work.
const FORGET_AFTER_MS: i64 = 30 * 24 * 3_600_000;
const FORGET_MAX: u32 = 64;
/// How long a lane goes on with the address and the secrets that were read for it: an endpoint that answers slowly may be moved,
/// disabled or deleted while much waits for it.
const TARGET_FOR: Duration = Duration::from_secs(2);

/// What is sent to one endpoint.
struct Lane {
    target: Arc<Target>,
    queue: VecDeque<DueDelivery>,
    /// On their way, or ended and not kept yet.
    out: HashSet<DeliveryId>,
    window: usize,
    failing: bool,
    /// More may be due than was read.
    more: bool,
    /// When its endpoint was read.
    read_at: Instant,
}

impl Lane {
    fn is_old(&self) -> bool {
        self.read_at.elapsed() >= TARGET_FOR
    }
}

/// A node's courier.
pub(super) struct Courier {
    app: App,
    /// Those that share the work, where there are others.
    nodes: Option<Nodes>,
    public_url: Arc<str>,
    client: Client,
    held: Held,
    lanes: HashMap<EndpointId, Lane>,
    /// Endpoints whose lane is to be filled, each once.
    hungry: VecDeque<EndpointId>,
    ended: Vec<Ended>,
    /// Endpoints whose secret did not open, and until when they are left alone.
    shut: HashMap<EndpointId, Instant>,
    /// This machine's key store has not the key of the database's secrets: another node sends.
    keyless: bool,
    /// How far the look for what is due has come, in which part.
    look: (u8, Option<EndpointId>),
    outbox_at: Option<Instant>,
    renewed_at: Option<Instant>,
    forgot_at: Instant,
    forget_every: Duration,
    out: usize,
    pace: Pace,
    /// When the pace lets another attempt begin, where one waits for that.
    paced: Option<Instant>,
    /// Whose lane was the last to begin: the next goes first.
    last: Option<EndpointId>,
    reports: mpsc::Sender<Ended>,
    inbox: mpsc::Receiver<Ended>,
}

/// How the lane of an endpoint is filled.
enum Filling {
    Send { target: Arc<Target>, failing: bool, due: Vec<DueDelivery> },
    Cancel(CancelReason),
    Shut(SecretRefused),
    Nothing,
}

impl Courier {
    pub(super) fn new(
        app: App,
        nodes: Option<Nodes>,
        public_url: Arc<str>,
        client: Client,
        forget_every: Duration,
    ) -> Self {
        let held = Held::nothing(&app, nodes.as_ref());
        if let Some(nodes) = &nodes {
            nodes.carries(carried(app.mode()), Some(0));
        }
        let (reports, inbox) = mpsc::channel(ATTEMPTS_MAX);
        Self {
            app,
            nodes,
            public_url,
            client,
            held,
            lanes: HashMap::new(),
            hungry: VecDeque::new(),
            ended: Vec::new(),
            shut: HashMap::new(),
            keyless: false,
            look: (0, None),
            outbox_at: Some(Instant::now()),
            renewed_at: None,
            forgot_at: Instant::now(),
            forget_every,
            out: 0,
            pace: Pace::from(Instant::now()),
            paced: None,
            last: None,
            reports,
            inbox,
        }
    }

    pub(super) async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let woken = self.app.webhooks_woken();
        while !*stopped.borrow() {
            let mut waits = true;
            if let Err(error) = self.turn(&mut waits).await {
                tracing::warn!(%error, "webhooks wait for the store");
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    changed = stopped.changed() => if changed.is_err() { break },
                }
                continue;
            }
            if !waits {
                tokio::task::yield_now().await;
                self.collect();
                continue;
            }
            let (gathered, paced) = (self.outbox_at, self.paced);
            tokio::select! {
                // Whoever could stop it has gone: that stops it.
                changed = stopped.changed() => if changed.is_err() { break },
                Some(ended) = self.inbox.recv() => self.take(ended),
                () = woken.notified() => {
                    self.outbox_at.get_or_insert_with(|| Instant::now() + GATHER);
                }
                () = until(gathered), if gathered.is_some() => {}
                () = until(paced), if paced.is_some() => {}
                _ = look.tick() => {
                    self.outbox_at.get_or_insert_with(Instant::now);
                    if let Err(error) = self.look().await {
                        tracing::warn!(%error, "webhooks wait for the store");
                    }
                }
            }
            self.collect();
        }
        self.end().await;
    }

    /// One turn; `waits` becomes false where there is more to do at once.
    async fn turn(&mut self, waits: &mut bool) -> Result<(), StoreError> {
        if self.renewed_at.is_none_or(|at| at.elapsed() >= RENEW_EVERY) {
            self.renewed_at = Some(Instant::now());
            self.look_for_key().await?;
            let (share, busy) = (self.share(), self.busy());
            self.held.renew(&self.app, share, busy).await?;
            self.drop_lost();
        }
        self.keep().await?;
        if self.outbox_at.is_some_and(|at| at <= Instant::now()) {
            self.outbox_at = None;
            if self.held.has(0) {
                let (told, more) = outbox::fan_out(&self.app, &self.public_url, &self.held).await?;
                told.into_iter().for_each(|endpoint| self.feed(endpoint));
                if more {
                    self.outbox_at = Some(Instant::now());
                    *waits = false;
                }
            }
        }
        for _ in 0..FILLED_MAX {
            let Some(endpoint) = self.hungry.pop_front() else { break };
            self.fill(endpoint).await?;
        }
        if !self.hungry.is_empty() {
            *waits = false;
        }
        self.send();
        if self.forgot_at.elapsed() >= self.forget_every && self.held.has(0) {
            let due = std::mem::replace(&mut self.forgot_at, Instant::now());
            if self.forget().await? >= FORGET_MAX {
                // There is more, and it goes on at once.
                self.forgot_at = due;
                *waits = false;
            }
        }
        Ok(())
    }

    /// Whether this machine can sign. Where it cannot, its share is nothing and it is not among those that have one.
    async fn look_for_key(&mut self) -> Result<(), StoreError> {
        let secrets = self.app.secrets().clone();
        let lacking = self.app.store().read(move |rows| secrets.lacks(rows)).await?;
        match (&lacking, self.keyless) {
            (Some(refused), false) => {
                tracing::error!(error = %refused, code = refused.code(), "this node sends no webhooks");
            }
            (None, true) => tracing::info!("this node sends webhooks again"),
            (Some(_), true) | (None, false) => return Ok(()),
        }
        self.keyless = lacking.is_some();
        if let Some(nodes) = &self.nodes {
            nodes.carries(carried(self.app.mode()), (!self.keyless).then_some(0));
        }
        Ok(())
    }

    /// How many parts are this node's to have: all, where there are no others; none, where it cannot sign.
    fn share(&self) -> usize {
        if self.keyless {
            return 0;
        }
        let (place, of) = match &self.nodes {
            Some(nodes) => nodes.place_among(carried(self.app.mode())),
            None => (0, 1),
        };
        share(place, of)
    }

    fn busy(&self) -> Busy {
        let mut busy = Busy::default();
        for (endpoint, _) in self.lanes.iter().filter(|(_, lane)| !lane.out.is_empty()) {
            if let Some(busy) = busy.get_mut(usize::from(endpoint.shard())) {
                *busy = true;
            }
        }
        busy
    }

    /// Leaves an endpoint alone for a while; the first time it is said.
    fn shut(&mut self, endpoint: EndpointId, refused: &SecretRefused) {
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.queue.clear();
            lane.more = false;
            if lane.out.is_empty() {
                self.lanes.remove(&endpoint);
            }
        }
        let until = Instant::now() + SHUT_FOR;
        if let Some(known) = self.shut.get_mut(&endpoint) {
            *known = until;
            return;
        }
        tracing::error!(error = %refused, code = refused.code(), %endpoint, "webhooks to this endpoint wait");
        if self.shut.len() < SHUT_MAX {
            self.shut.insert(endpoint, until);
        }
    }

    /// Takes what has ended by now.
    fn collect(&mut self) {
        while let Ok(ended) = self.inbox.try_recv() {
            self.take(ended);
        }
    }

    fn take(&mut self, ended: Ended) {
        self.out = self.out.saturating_sub(1);
        if let Some(lane) = self.lanes.get_mut(&ended.endpoint) {
            match ended.attempt.end.tells() {
                EndpointEvent::Succeeded => {
                    lane.failing = false;
                    lane.window = (lane.window + 1).min(LANE_WINDOW_MAX);
                }
                EndpointEvent::AttemptFailed
                | EndpointEvent::Gone
                | EndpointEvent::Enable
                | EndpointEvent::Disable => {
                    lane.failing = true;
                    lane.window = 1;
                }
            }
        }
        self.app.metrics().webhook_attempt(match ended.attempt.end {
            End::Answered(_) if ended.attempt.end.tells() == EndpointEvent::Succeeded => "delivered",
            End::Answered(_) => "refused",
            End::NotAnswered(reason) => reason.code(),
        });
        self.ended.push(ended);
    }

    /// Keeps what has ended, all in one unit of work. Only then its deliveries are looked at again.
    async fn keep(&mut self) -> Result<(), StoreError> {
        if self.ended.is_empty() {
            return Ok(());
        }
        outcome::keep(&self.app, self.held.start(), self.ended.clone()).await?;
        for ended in std::mem::take(&mut self.ended) {
            let Some(lane) = self.lanes.get_mut(&ended.endpoint) else { continue };
            lane.out.remove(&ended.delivery);
            // What 410 disabled is read anew, and canceled.
            if ended.attempt.end.tells() == EndpointEvent::Gone {
                lane.queue.clear();
                lane.more = true;
            }
            if lane.queue.is_empty() {
                if lane.more {
                    self.feed(ended.endpoint);
                } else if lane.out.is_empty() {
                    self.lanes.remove(&ended.endpoint);
                }
            }
        }
        Ok(())
    }

    /// An endpoint may have something due.
    fn feed(&mut self, endpoint: EndpointId) {
        let shut = self.shut.get(&endpoint).is_some_and(|until| *until > Instant::now());
        if self.held.has(endpoint.shard()) && !shut && !self.hungry.contains(&endpoint) {
            self.hungry.push_back(endpoint);
        }
    }

    /// Reads what is due for an endpoint.
    async fn fill(&mut self, endpoint: EndpointId) -> Result<(), StoreError> {
        let known = self.lanes.get(&endpoint);
        if known.is_some_and(|lane| lane.queue.len() >= LANE_QUEUE_MAX / 2 && !lane.is_old()) {
            return Ok(());
        }
        if known.is_none() && self.lanes.len() >= LANES_MAX {
            // It is found again when there is room.
            return Ok(());
        }
        let busy = known.map_or(0, |lane| lane.out.len() + lane.queue.len());
        let limit = LANE_QUEUE_MAX.saturating_add(busy);
        let filling = self.read(endpoint, limit).await?;
        match filling {
            Filling::Nothing => {
                self.shut.remove(&endpoint);
                self.lanes.remove(&endpoint);
            }
            Filling::Shut(refused) => self.shut(endpoint, &refused),
            Filling::Cancel(why) => {
                self.shut.remove(&endpoint);
                if let Some(lane) = self.lanes.get_mut(&endpoint) {
                    lane.queue.clear();
                    lane.more = false;
                }
                if !outcome::cancel(&self.app, endpoint, why).await? {
                    self.feed(endpoint);
                }
                if self.lanes.get(&endpoint).is_some_and(|lane| lane.out.is_empty()) {
                    self.lanes.remove(&endpoint);
                }
            }
            Filling::Send { target, failing, due } => {
                if self.shut.remove(&endpoint).is_some() {
                    tracing::info!(%endpoint, "webhooks to this endpoint go on");
                }
                let lane = self.lanes.entry(endpoint).or_insert_with(|| Lane {
                    target: Arc::clone(&target),
                    queue: VecDeque::new(),
                    out: HashSet::new(),
                    window: if failing { 1 } else { LANE_WINDOW_FIRST },
                    failing,
                    more: false,
                    read_at: Instant::now(),
                });
                (lane.target, lane.read_at) = (target, Instant::now());
                lane.more = due.len() >= limit;
                let queued: HashSet<DeliveryId> = lane.queue.iter().map(|due| due.id).collect();
                let fresh =
                    due.into_iter().filter(|due| !lane.out.contains(&due.id) && !queued.contains(&due.id));
                let mut fresh = fresh.peekable();
                let room = LANE_QUEUE_MAX.saturating_sub(lane.queue.len());
                lane.queue.extend(fresh.by_ref().take(room));
                lane.more |= fresh.peek().is_some();
                if lane.queue.is_empty() && lane.out.is_empty() {
                    self.lanes.remove(&endpoint);
                }
            }
        }
        Ok(())
    }

    async fn read(&self, endpoint: EndpointId, limit: usize) -> Result<Filling, StoreError> {
        let (now, limit) = (self.app.now(), u32::try_from(limit).unwrap_or(u32::MAX));
        let sealing = self.app.secrets().clone();
        self.app
            .store()
            .read(move |rows| {
                let Some(stored) = rows.webhook_endpoint(endpoint)? else { return Ok(Filling::Nothing) };
                if stored.deleted_at.is_some() {
                    return Ok(Filling::Cancel(CancelReason::Deleted));
                }
                let webhook::EndpointState::Enabled { failing_since } = stored.state else {
                    return Ok(Filling::Cancel(CancelReason::Disabled));
                };
                let secrets = match sealing.signing(rows, endpoint, &rows.webhook_secrets(endpoint)?, now) {
                    Ok(secrets) => secrets,
                    Err(SecretRefused::Store(error)) => return Err(error),
                    Err(refused) => return Ok(Filling::Shut(refused)),
                };
                let due = rows.webhook_due(endpoint, now, limit)?;
                let target = Arc::new(Target { url: stored.url, secrets });
                Ok(Filling::Send { target, failing: failing_since.is_some(), due })
            })
            .await
    }

    /// Begins attempts, lane by lane, as many as the windows, the limits and the pace allow.
    fn send(&mut self) {
        self.paced = None;
        let now = Instant::now();
        // Whoever was served last comes last.
        let mut turns: Vec<EndpointId> = self.lanes.keys().copied().collect();
        turns.sort_unstable();
        let first = self.last.map_or(0, |last| turns.partition_point(|endpoint| *endpoint <= last));
        let first = if first < turns.len() { first } else { 0 };
        turns.rotate_left(first);
        let mut failing: usize =
            self.lanes.values().filter(|lane| lane.failing).map(|lane| lane.out.len()).sum();
        'lanes: for endpoint in turns {
            let Some(epoch) = self.held.epoch(endpoint.shard()) else { continue };
            let Some(lane) = self.lanes.get_mut(&endpoint) else { continue };
            while lane.out.len() < lane.window && self.out < ATTEMPTS_MAX {
                if lane.failing && failing >= FAILING_MAX {
                    break;
                }
                if lane.queue.is_empty() {
                    break;
                }
                if let Err(next) = self.pace.take(now) {
                    self.paced = Some(next);
                    break 'lanes;
                }
                let Some(due) = lane.queue.pop_front() else { break };
                self.last = Some(endpoint);
                lane.out.insert(due.id);
                self.out += 1;
                failing += usize::from(lane.failing);
                let (app, client, target) = (self.app.clone(), self.client.clone(), Arc::clone(&lane.target));
                let attempt = attempt(app, client, target, (endpoint, epoch), due);
                let reports = self.reports.clone();
                tokio::spawn(async move {
                    // Whoever listened has ended.
                    let _ = reports.send(attempt.await).await;
                });
            }
        }
    }

    /// Looks for endpoints that have something due, a portion of a part at a time.
    async fn look(&mut self) -> Result<(), StoreError> {
        let slow = self.lanes.iter().filter(|(_, lane)| !lane.queue.is_empty() && lane.is_old());
        let slow: Vec<EndpointId> = slow.map(|(endpoint, _)| *endpoint).collect();
        slow.into_iter().for_each(|endpoint| self.feed(endpoint));
        for _ in 0..EndpointId::SHARDS {
            let (shard, after) = self.look;
            let next = (shard + 1) % EndpointId::SHARDS;
            self.look = (next, None);
            if !self.held.has(shard) {
                continue;
            }
            let now = self.app.now();
            let found =
                self.app.store().read(move |rows| rows.webhook_endpoints_due(shard, after, now, LOOK_MAX));
            let (due, last) = found.await?;
            if last.is_some() {
                self.look = (shard, last);
            }
            due.into_iter().for_each(|endpoint| self.feed(endpoint));
            if last.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Lanes of parts that are another node's now, or go to another, end; what waits in them is in the database.
    fn drop_lost(&mut self) {
        let held = &self.held;
        self.lanes.retain(|endpoint, lane| {
            if !held.has(endpoint.shard()) {
                lane.queue.clear();
            }
            !lane.queue.is_empty() || !lane.out.is_empty()
        });
        self.hungry.retain(|endpoint| held.has(endpoint.shard()));
    }

    /// A portion; how many there were.
    async fn forget(&self) -> Result<u32, StoreError> {
        let before = self.app.now().plus(-FORGET_AFTER_MS);
        self.app.write::<_, StoreError>(move |unit| unit.forget_webhook_messages(before, FORGET_MAX)).await
    }

    /// What is on its way may end; what came of it is kept, and other nodes go on.
    async fn end(mut self) {
        if let Some(nodes) = &self.nodes {
            nodes.carries(carried(self.app.mode()), None);
        }
        let deadline = tokio::time::Instant::now() + STOP_WAIT;
        while self.out > 0 {
            match tokio::time::timeout_at(deadline, self.inbox.recv()).await {
                Ok(Some(ended)) => self.take(ended),
                Ok(None) | Err(_) => break,
            }
        }
        if let Err(error) = self.keep().await {
            tracing::warn!(%error, "what came of the last webhooks was not kept: they are sent again");
        }
        self.held.leave(&self.app).await;
    }
}

async fn until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(tokio::time::Instant::from_std(at)).await;
    }
}

async fn attempt(
    app: App,
    client: Client,
    target: Arc<Target>,
    (endpoint, epoch): (EndpointId, u64),
    due: DueDelivery,
) -> Ended {
    let came = client.attempt(&target, due.message, &due.body, app.now(), app.machine_now()).await;
    Ended {
        endpoint,
        delivery: due.id,
        number: due.attempts.saturating_add(1),
        attempt: came.attempt,
        retry_after: came.retry_after,
        at: app.now(),
        random: (app.random() >> 64) as u64,
        epoch,
    }
}
