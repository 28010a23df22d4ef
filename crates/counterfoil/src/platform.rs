//! A platform that runs: store, keys, fleet, base station and listeners put together, and stopped in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use coap::Config as CoapConfig;
use crypto::KeyStore;
use operator::Cost;
use server::bank::Bank;
use server::bearer::chirpstack::{Settings, SettingsError};
use server::bearer::coap::BaseStation;
use server::bearer::northbound::{CallerError, Northbound};
use server::http::{Api, TEST_PAGES};
use server::nodes::{Role, Roles};
use server::test_mode::{TestMode, TestModeError, is_live};
use server::tls::TlsError;
use server::webhooks::{self, Webhooks};
use server::{Actor, App, Chance as _, Fleet, Metrics, Rules, SystemChance, SystemClock, web};
use store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::database::Database;
use crate::lorawan::LoraWan;
use crate::northbound::Pushes;
use crate::secrets;

/// How often what has lapsed is ended.
const LAPSE_EVERY: Duration = Duration::from_secs(1);
/// How long open requests may take to finish at a stop.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// Where a platform listens. Port 0 takes any free one.
#[derive(Clone, Debug)]
pub(crate) struct Listens {
    pub(crate) air: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) operations: SocketAddr,
    /// Names under which the console answers, beside addresses and `localhost`.
    pub(crate) operations_names: Vec<String>,
    /// Whether a terminator with TLS stands before the console.
    pub(crate) operations_tls: bool,
    /// Where it is reached from outside; by default where it listens.
    pub(crate) public_url: Option<String>,
    /// A ChirpStack's broker, where there is one.
    pub(crate) chirpstack: Option<Settings>,
    /// Operators' platforms that push, where there are any.
    pub(crate) pushes: Option<Pushes>,
    /// Origins that may show the orders' pages in a frame.
    pub(crate) framed_by: Vec<String>,
    /// How merchants' servers are told.
    pub(crate) webhooks: webhooks::Settings,
}

/// Why a platform does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("chirpstack: {0}")]
    ChirpStack(#[from] SettingsError),
    #[error("an operator's platform: {0}")]
    Northbound(#[from] CallerError),
    #[error("webhooks: {0}")]
    Webhooks(#[from] TlsError),
    #[error(
        "{what} cannot listen on {address}: {reason}. Is another program there? Choose another port: {setting}"
    )]
    Port { what: &'static str, address: SocketAddr, reason: std::io::Error, setting: &'static str },
}

/// Opens the database and joins it with a key store.
pub(crate) fn open_app(
    database: &Database,
    keys: Arc<dyn KeyStore>,
    rules: Rules,
) -> Result<App, TestModeError> {
    app_on(database.open()?, keys, rules)
}

/// A platform of live money on a store; one of test data is refused.
pub(crate) fn app_on(store: Store, keys: Arc<dyn KeyStore>, rules: Rules) -> Result<App, TestModeError> {
    is_live(&store)?;
    let metrics = Arc::new(Metrics::new());
    Ok(App::new(store, keys, Arc::new(SystemClock), Arc::new(SystemChance), rules, metrics))
}

/// A platform that runs.
pub(crate) struct Platform {
    pub(crate) app: App,
    pub(crate) air: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) operations: SocketAddr,
    station: Option<BaseStation>,
    chirpstack: Option<LoraWan>,
    /// Its commands end with it.
    northbound: Option<Northbound>,
    /// One of each mode.
    webhooks: Vec<Webhooks>,
    listeners: Vec<Listener>,
    /// What is done by itself.
    sweeps: Vec<JoinHandle<()>>,
    pub(crate) fleet: Fleet,
    test_mode: Option<TestMode>,
}

impl Platform {
    /// Binds every port, then serves.
    pub(crate) async fn start(
        app: App,
        bank: Option<Bank>,
        test_mode: Option<TestMode>,
        listens: Listens,
        coap: CoapConfig,
    ) -> Result<Self, StartError> {
        Self::start_as(app, bank, test_mode, listens, coap, Roles::ALL).await
    }

    /// Binds the ports of its roles, then serves. Health and metrics are there whatever they are.
    pub(crate) async fn start_as(
        app: App,
        bank: Option<Bank>,
        test_mode: Option<TestMode>,
        listens: Listens,
        coap: CoapConfig,
        roles: Roles,
    ) -> Result<Self, StartError> {
        let (mut air, mut http_address) = (listens.air, listens.http);
        let http = match roles.has(Role::Merchant) {
            true => Some(bind("the merchant interface", listens.http, "http.listen").await?),
            false => None,
        };
        let operations = bind("the operators' console", listens.operations, "operations.listen").await?;
        let fleet = Fleet::new(app.clone());
        let seed = (SystemChance.draw() & u128::from(u64::MAX)) as u64;
        let mut station = None;
        if roles.has(Role::Air) {
            let started = BaseStation::start(listens.air, coap, seed, fleet.clone()).await;
            let started = started.map_err(|reason| {
                let (what, address) = ("the base station", listens.air);
                StartError::Port { what, address, reason, setting: "air.listen" }
            })?;
            air = started.address();
            station = Some(started);
        }
        let chirpstack = match listens.chirpstack.filter(|_| roles.has(Role::Air)) {
            Some(settings) => Some(LoraWan::start(settings, &fleet)?),
            None => None,
        };
        let northbound = match listens.pushes.filter(|_| roles.has(Role::Air)) {
            Some(Pushes { listen, platforms, sigfox }) => {
                let listener = bind("what operators' platforms push to", listen, "northbound.listen").await?;
                Some((listener, Northbound::start(platforms, sigfox, &fleet)?))
            }
            None => None,
        };
        if let Some(http) = &http {
            http_address = address_of(http, listens.http);
        }
        let public_url = listens.public_url.unwrap_or_else(|| format!("http://{http_address}"));
        let mut api = Api::new(fleet.clone(), &public_url);
        let mut sweeps = vec![
            tokio::spawn(sweep(app.clone())),
            tokio::spawn(wipe(app.clone())),
            tokio::spawn(keep(fleet.clone())),
        ];
        let mut webhooks = Vec::new();
        let nodes = app.nodes().cloned();
        if roles.has(Role::Jobs) {
            webhooks.push(Webhooks::start(app.clone(), nodes.clone(), &public_url, &listens.webhooks)?);
        }
        if let Some(mode) = &test_mode {
            api = api.with_test_mode(mode);
            if roles.has(Role::Jobs) {
                let pages = format!("{}{TEST_PAGES}", public_url.trim_end_matches('/'));
                webhooks.push(Webhooks::start(mode.app().clone(), nodes, &pages, &listens.webhooks)?);
            }
            sweeps.extend([
                tokio::spawn(sweep(mode.app().clone())),
                tokio::spawn(wipe(mode.app().clone())),
                tokio::spawn(keep(mode.fleet().clone())),
                tokio::spawn(act(mode.clone())),
            ]);
        }
        let operations_address = address_of(&operations, listens.operations);
        let names: Vec<&str> = listens.operations_names.iter().map(String::as_str).collect();
        let framed_by: Vec<&str> = listens.framed_by.iter().map(String::as_str).collect();
        let mut listeners = Vec::new();
        if let Some(http) = http {
            listeners.push(Listener::serve(http, web::public(api.clone(), &framed_by)));
        }
        let desk = if roles.has(Role::Console) {
            let operators = app.operators(Cost::Recommended);
            web::operations(api, bank, operators, &names, listens.operations_tls)
        } else {
            web::health(api, &names)
        };
        listeners.push(Listener::serve(operations, desk));
        let northbound = northbound.map(|(listener, northbound)| {
            listeners.push(Listener::serve(listener, northbound.router()));
            northbound
        });
        Ok(Self {
            air,
            http: http_address,
            operations: operations_address,
            listeners,
            sweeps,
            fleet,
            test_mode,
            station,
            chirpstack,
            northbound,
            webhooks,
            app,
        })
    }

    /// Waits until a ChirpStack's broker, where one is set up, has let the platform in.
    pub(crate) async fn chirpstack_connected(&self) -> Result<(), String> {
        const WAIT: Duration = Duration::from_secs(10);
        const STEP: Duration = Duration::from_millis(20);
        let Some(chirpstack) = &self.chirpstack else { return Ok(()) };
        let connected = async {
            while !chirpstack.is_connected() {
                tokio::time::sleep(STEP).await;
            }
        };
        tokio::time::timeout(WAIT, connected)
            .await
            .map_err(|_| "the broker did not let the platform in".into())
    }

    /// Takes nothing new, finishes what is in flight, and ends. The store is closed when the last handle goes.
    pub(crate) async fn stop(self) {
        if let Some(station) = self.station {
            station.stop().await;
        }
        if let Some(chirpstack) = self.chirpstack {
            chirpstack.stop().await;
        }
        for listener in self.listeners {
            listener.stop().await;
        }
        drop(self.northbound);
        for webhooks in self.webhooks {
            webhooks.stop().await;
        }
        self.sweeps.iter().for_each(JoinHandle::abort);
        if let Some(mode) = self.test_mode
            && let Err(error) = mode.fleet().keep_notes().await
        {
            tracing::error!(%error, "the last notes of the test mode could not be kept");
        }
        if let Err(error) = self.fleet.keep_notes().await {
            tracing::error!(%error, "the last notes of the fleet could not be kept");
        }
    }
}

pub(crate) async fn bind(
    what: &'static str,
    address: SocketAddr,
    setting: &'static str,
) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|reason| StartError::Port { what, address, reason, setting })
}

pub(crate) fn address_of(listener: &TcpListener, asked: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(asked)
}

/// A listener and its graceful end.
pub(crate) struct Listener {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Listener {
    pub(crate) fn serve(listener: TcpListener, router: Router) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move {
            let ended = async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(ended).await {
                tracing::error!(%error, "a listener failed");
            }
        });
        Self { stop, task }
    }

    /// Waits for open requests, but not for event streams that never end.
    pub(crate) async fn stop(mut self) {
        let _ = self.stop.send(true);
        if tokio::time::timeout(STOP_WAIT, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

async fn sweep(app: App) {
    const FORGET_EVERY_TICKS: u32 = 60;
    let mut tick = tokio::time::interval(LAPSE_EVERY);
    let mut ticks = 0_u32;
    loop {
        tick.tick().await;
        loop {
            match app.lapse().await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "lapsed orders could not be ended");
                    break;
                }
            }
        }
        ticks = ticks.wrapping_add(1);
        if ticks.is_multiple_of(FORGET_EVERY_TICKS) {
            forget(&app).await;
            seal(&app).await;
        }
    }
}

/// How often it is looked whether the database's files may hold secrets in clear.
const WIPE_EVERY: Duration = Duration::from_secs(10);

/// What a start could not wipe, or what was sealed since, is wiped. It may take long, and nothing else waits for it.
async fn wipe(app: App) {
    let mut tick = every(WIPE_EVERY);
    loop {
        tick.tick().await;
        if app.sweeps() {
            secrets::wipe(app.secrets(), app.store()).await;
        }
    }
}

/// Test cards that were stopped on their way go on, and the test clock follows its database.
async fn act(mode: TestMode) {
    let mut tick = every(TURN_EVERY);
    loop {
        tick.tick().await;
        logged(mode.turn().await);
    }
}

/// How often the fleet's notes are written, and how often it takes a turn.
const NOTES_EVERY: Duration = Duration::from_millis(200);
const TURN_EVERY: Duration = Duration::from_secs(1);
const FORGET_EVERY_TURNS: u32 = 60;
/// Units of work of each kind in a turn: a million channels that fall silent at once hold up no downlink.
const ROUNDS: u32 = 32;

/// The fleet's notes and turns. Neither waits for the other.
async fn keep(fleet: Fleet) {
    let notes = async {
        let mut tick = every(NOTES_EVERY);
        loop {
            tick.tick().await;
            logged(fleet.keep_notes().await.map(|_| ()));
        }
    };
    let turns = async {
        let (mut tick, mut turns) = (every(TURN_EVERY), 0_u32);
        loop {
            tick.tick().await;
            logged(turn(&fleet, turns).await);
            turns = turns.wrapping_add(1);
        }
    };
    tokio::join!(notes, turns);
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut tick = tokio::time::interval(period);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick
}

fn logged(kept: Result<(), StoreError>) {
    if let Err(error) = kept {
        tracing::error!(%error, "the fleet could not be kept");
    }
}

async fn turn(fleet: &Fleet, turns: u32) -> Result<(), StoreError> {
    let mut rounds = 0..ROUNDS;
    while rounds.next().is_some() && fleet.expire().await? > 0 {}
    fleet.hand_waiting().await?;
    fleet.rescue().await?;
    let mut rounds = 0..ROUNDS;
    while rounds.next().is_some() && fleet.look().await? > 0 {}
    if turns.is_multiple_of(FORGET_EVERY_TURNS) {
        let mut rounds = 0..ROUNDS;
        while rounds.next().is_some() && fleet.forget_old().await? > 0 {}
    }
    Ok(())
}

/// Forgets first answers whose time is over, in small units of work, until none is left.
async fn forget(app: &App) {
    loop {
        match app.forget_first_answers().await {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "old first answers could not be forgotten");
                return;
            }
        }
    }
}

/// Seals what is not under the key of today: a node of an earlier version, or one that was killed, may have left it.
async fn seal(app: &App) {
    match app.secrets().pass(app.store(), &Actor::platform(), app.now()).await {
        Ok(_) => {}
        // It was said at the start, and by whoever needs it since.
        Err(error) if error.is_of_the_key() => {}
        Err(error) => tracing::error!(%error, code = error.code(), "secrets could not be sealed"),
    }
}

/// Ctrl-C and SIGTERM, heard from the moment that this is made: a program tells how it is stopped only then.
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for either.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
