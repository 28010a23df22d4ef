//! A node among those that serve on one database server: how it enters, is seen, hears the others, and goes.

use std::sync::Arc;
use std::time::Duration;

use server::nodes::{Beat, Hint, Job, LEASE_MILLIS, NodeName, Nodes, Oneself, Role, Roles, Verdict};
use server::{App, Fleet, SystemClock};
use store::postgres::{Settings, Signal, Signals, signals};
use store::{Store, StoreError, StoredNode};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::cli::{Failure, print};
use crate::config::Config;
use crate::database::Database;
use crate::platform::StopSignals;

/// How often a node says that it is there.
const BEAT_EVERY: Duration = Duration::from_secs(2);
/// How often a name that is another's is looked at, by a node that would enter under it.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often what other nodes may have told is looked for in the store.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Events that are looked at in one poll; past that all who look at orders read anew.
const EVENTS_MAX: u32 = 1_024;
/// Polls whose events are looked at again: an event of a lower number may become durable after one of a higher.
const POLLS_AGAIN: usize = 5;

/// How entering ended.
pub(crate) enum Entered {
    /// The database is a file: there are no others.
    Alone,
    /// It is one of those that serve.
    Among(Member),
    /// It was asked to stop before.
    Stopped,
}

/// A node that has entered.
pub(crate) struct Member {
    nodes: Nodes,
    settings: Box<Settings>,
}

/// A node that serves, is seen and hears.
pub(crate) struct Serving {
    nodes: Nodes,
    lost: watch::Receiver<Option<String>>,
    tasks: Vec<JoinHandle<()>>,
    _signals: Signals,
}

/// The roles that are asked for: every one, if none are named.
pub(crate) fn roles(config: &Config) -> Result<Roles, Failure> {
    let named = config.database.roles.trim();
    if named.is_empty() {
        return Ok(Roles::ALL);
    }
    if config.database.url.is_empty() {
        return Err("roles are split over nodes on a database server, and database.url names none: a platform on the file of \
                    its data folder does everything itself. Leave the roles out, or name a server"
            .into());
    }
    Ok(named.parse()?)
}

/// Enters under the node's name. A name whose node lives is refused; one whose node died is waited for until its lease ends.
pub(crate) async fn enter(
    database: &Database,
    config: &Config,
    roles: Roles,
    store: &Store,
    stop: &mut StopSignals,
) -> Result<Entered, Failure> {
    let Database::Server(settings) = database else { return Ok(Entered::Alone) };
    let own = Oneself {
        name: own_name(&config.database.node)?,
        start: settings.writer,
        roles,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        jobs: jobs(roles, config),
    };
    enter_as(own, settings, store, stop).await
}

/// The same, as whoever says so of itself. Its start is the writer's name in `settings`.
pub(crate) async fn enter_as(
    own: Oneself,
    settings: &Settings,
    store: &Store,
    stop: &mut StopSignals,
) -> Result<Entered, Failure> {
    let roles = own.roles;
    let nodes = Nodes::new(own, store.clone(), Arc::new(SystemClock));
    let mut found: Option<StoredNode> = None;
    loop {
        match nodes.beat().await {
            Ok(Beat::Serves { clock: Verdict::TooFar, .. }) => {
                nodes.leave().await?;
                return Err(too_far(&nodes).into());
            }
            Ok(Beat::Serves { .. }) => {
                tracing::info!(node = %nodes.name(), epoch = nodes.epoch(), %roles, "this node has entered");
                return Ok(Entered::Among(Member { nodes, settings: Box::new(settings.clone()) }));
            }
            Ok(Beat::Taken(other)) => {
                if let Some(before) = &found
                    && (before.heard_at, before.start) != (other.heard_at, other.start)
                {
                    return Err(taken(&other).into());
                }
                if found.is_none() {
                    print(&format!(
                        "A node {} was heard a moment ago. Waiting up to {} s to see whether it lives.\n",
                        other.name,
                        LEASE_MILLIS / 1_000
                    ))?;
                    found = Some(*other);
                }
            }
            Err(error) if error.may_pass() => tracing::warn!(%error, "waiting for the database"),
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.asked() => return Ok(Entered::Stopped),
        }
    }
}

fn jobs(roles: Roles, config: &Config) -> std::collections::BTreeSet<Job> {
    let mut jobs = std::collections::BTreeSet::new();
    if roles.has(Role::Jobs) {
        jobs.extend([Job::Sweep, Job::Fleet, Job::Sms]);
    }
    if roles.has(Role::Air) && !config.chirpstack.url.is_empty() {
        jobs.insert(Job::ChirpStack);
    }
    jobs
}

fn taken(other: &StoredNode) -> String {
    format!(
        "a node named {0} serves on this database already ({1}). Each node needs a name of its own: set `node` in [database], or \
         COUNTERFOIL_DATABASE_NODE. If that node is not yours, look who uses your database",
        other.name, other.addresses
    )
}

fn too_far(nodes: &Nodes) -> String {
    format!(
        "this machine's clock is {} the database's, and more than 5 s is refused: orders would end before their time. Set the \
         clocks of both machines (chrony, systemd-timesyncd), and start again",
        nodes.apart().words()
    )
}

impl Member {
    /// The nodes, for the platform to join.
    pub(crate) fn nodes(&self) -> Nodes {
        self.nodes.clone()
    }

    /// Begins to be seen and to hear. The platform's bearers are attached.
    pub(crate) async fn begin(
        self,
        fleet: &Fleet,
        tests: Option<App>,
        addresses: String,
    ) -> Result<Serving, StoreError> {
        let Self { nodes, settings } = self;
        nodes.listens_at(addresses);
        let (signals, teller, heard) = signals(&settings)?;
        nodes.tell_by(move |line| teller.tell(line));
        if let Err(error) = nodes.beat().await {
            tracing::warn!(%error, "this node is not seen yet");
        }
        nodes.tell(&Hint::Roll);
        let (lose, lost) = watch::channel(None);
        let mut tasks = vec![
            tokio::spawn(beat(nodes.clone(), fleet.clone(), lose)),
            tokio::spawn(hear(nodes.clone(), fleet.clone(), tests.clone(), heard)),
            tokio::spawn(poll(fleet.app().clone())),
        ];
        if let Some(tests) = tests {
            tests.tell_others(nodes.clone());
            tasks.push(tokio::spawn(poll(tests)));
        }
        let returning = fleet.clone();
        tokio::spawn(async move { logged(returning.returned().await) });
        Ok(Serving { nodes, lost, tasks, _signals: signals })
    }
}

impl Serving {
    /// Waits until this node may serve no more; why.
    pub(crate) async fn lost(&mut self) -> String {
        match self.lost.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            Err(_) => std::future::pending().await,
        }
    }

    /// What looks whether it is ready goes elsewhere.
    pub(crate) fn stop_soon(&self) {
        self.nodes.stop_soon();
    }

    /// Goes. The platform has stopped.
    pub(crate) async fn end(self) -> Result<(), StoreError> {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.nodes.leave().await?;
        // The word that it went may be on its way still.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(())
    }
}

fn logged(done: Result<(), StoreError>) {
    if let Err(error) = done {
        tracing::error!(%error, "what waits at this node could not be handed over");
    }
}

async fn beat(nodes: Nodes, fleet: Fleet, lose: watch::Sender<Option<String>>) {
    let mut warned = Verdict::Together;
    loop {
        tokio::select! {
            () = tokio::time::sleep(BEAT_EVERY) => {}
            () = nodes.changed() => {}
        }
        match nodes.beat().await {
            Ok(Beat::Serves { entered, clock }) => {
                if clock == Verdict::TooFar && nodes.is_odd() {
                    let _ = lose.send(Some(too_far(&nodes)));
                    return;
                }
                if clock != Verdict::Together && clock != warned {
                    let apart = nodes.apart().words();
                    tracing::warn!(
                        clock = apart,
                        "this node's clock and the database's are apart by more than a second: set them"
                    );
                }
                warned = clock;
                if entered {
                    tracing::warn!(node = %nodes.name(), epoch = nodes.epoch(), "this node was silent, and is among the others again");
                    nodes.tell(&Hint::Roll);
                    logged(fleet.returned().await);
                }
            }
            Ok(Beat::Taken(other)) => {
                let _ = lose.send(Some(format!(
                    "another node is {} now ({}): this one was silent for too long and taken for dead. Look at its machine, and \
                     start it again under another name",
                    other.name, other.addresses
                )));
                return;
            }
            // While the database is away nobody else can act either.
            Err(error) => tracing::warn!(%error, "this node cannot say that it is there"),
        }
    }
}

async fn hear(nodes: Nodes, fleet: Fleet, tests: Option<App>, mut heard: mpsc::Receiver<Signal>) {
    let metrics = |outcome| fleet.app().metrics().signal(outcome);
    while let Some(signal) = heard.recv().await {
        let hint = match signal {
            Signal::Said(line) => match Hint::from_line(&line) {
                Some(hint) => hint,
                None => {
                    metrics("unknown");
                    continue;
                }
            },
            Signal::Anew => {
                metrics("missed");
                for app in [Some(fleet.app()), tests.as_ref()].into_iter().flatten() {
                    app.notices().missed();
                }
                logged(nodes.look().await);
                logged(fleet.hand_waiting().await);
                continue;
            }
        };
        metrics("heard");
        match hint {
            // Ids are of one platform or the other; whose it is not finds nobody who looks at it.
            Hint::Order(order) => {
                for app in [Some(fleet.app()), tests.as_ref()].into_iter().flatten() {
                    app.notices().told(order);
                }
            }
            Hint::Downlink { node, id } if node == *nodes.name() => {
                let fleet = fleet.clone();
                tokio::spawn(async move { logged(fleet.hand_told(id).await) });
            }
            Hint::Downlink { .. } => {}
            Hint::Roll => logged(nodes.look().await),
        }
    }
}

/// Signals are hints: what changed is looked for besides, as long as somebody looks at orders.
async fn poll(app: App) {
    let mut seen = std::collections::VecDeque::new();
    let mut tick = tokio::time::interval(POLL_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if !app.notices().has_readers() {
            seen.clear();
            continue;
        }
        let Some(after) = seen.front().copied() else {
            if let Ok(newest) = app.store().read(|rows| rows.newest_event()).await {
                seen.push_back(newest);
                app.notices().missed();
            }
            continue;
        };
        let Ok(changed) = app.store().read(move |rows| rows.orders_changed_after(after, EVENTS_MAX)).await
        else {
            continue;
        };
        if changed.len() >= EVENTS_MAX as usize {
            seen.clear();
            app.notices().missed();
            continue;
        }
        let newest = changed.last().map_or(after, |(seq, _)| *seq);
        for (_, order) in changed {
            app.notices().told(order);
        }
        seen.push_back(newest);
        if seen.len() > POLLS_AGAIN {
            seen.pop_front();
        }
    }
}

/// As it is set, or as the machine is called.
pub(crate) fn own_name(set: &str) -> Result<NodeName, Failure> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = if set.is_empty() { host.trim() } else { set };
    name.parse().map_err(|error| {
        format!("{error}. It is `node` in [database]; without it, the machine's name").into()
    })
}
