//! The connection to a ChirpStack, as the configuration says. Of several nodes one has it: its broker keeps one session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use networks::chirpstack::FPort;
use networks::lorawan::Region;
use server::Fleet;
use server::bearer::chirpstack::{ChirpStack, Password, Settings, SettingsError};
use server::nodes::Job;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cli::Failure;
use crate::config::ChirpStackSection;

/// What the connection is told; `None` where no broker is named.
pub(crate) fn settings(section: &ChirpStackSection) -> Result<Option<Settings>, Failure> {
    if section.url.is_empty() {
        return Ok(None);
    }
    let credentials = match section.user.as_str() {
        "" => None,
        user => {
            let file = &section.password_file;
            let password = std::fs::read_to_string(file)
                .map_err(|error| format!("chirpstack.password_file {}: {error}", file.display()))?;
            Some((user.to_owned(), Password::new(password.trim_end_matches(['\r', '\n']).to_owned())))
        }
    };
    let defaults = Settings::at(section.url.clone());
    let applications = section.applications.split(',').map(str::trim).filter(|id| !id.is_empty());
    Ok(Some(Settings {
        client_id: section.client_id.clone(),
        credentials,
        authorities: Some(section.authorities.clone()).filter(|path| !path.as_os_str().is_empty()),
        prefix: section.topic_prefix.clone(),
        applications: applications.map(str::to_owned).collect(),
        f_port: FPort::new(section.f_port)?,
        confirmed: section.confirmed,
        region: Region::from_name(&section.region).unwrap_or(defaults.region),
        ..defaults
    }))
}

/// How often a node looks whether the connection is its own to have.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The connection, while it is this node's.
pub(crate) struct LoraWan {
    stop: watch::Sender<bool>,
    connected: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl LoraWan {
    /// Connects as soon as it is this node's turn: at once, on a platform by itself.
    pub(crate) fn start(settings: Settings, fleet: &Fleet) -> Result<Self, SettingsError> {
        let first = if fleet.app().nodes().is_none() {
            Some(ChirpStack::start(settings.clone(), fleet.clone())?)
        } else {
            None
        };
        let (stop, stopped) = watch::channel(false);
        let connected = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(keep(settings, fleet.clone(), first, Arc::clone(&connected), stopped));
        Ok(Self { stop, connected, task })
    }

    /// Whether the broker is connected and has confirmed the subscription.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Answers what is in hand, and ends.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

async fn keep(
    settings: Settings,
    fleet: Fleet,
    mut running: Option<ChirpStack>,
    connected: Arc<AtomicBool>,
    mut stopped: watch::Receiver<bool>,
) {
    let name = settings.name.clone();
    loop {
        let mine = fleet.app().nodes().is_none_or(|nodes| nodes.duty(Job::ChirpStack).is_some());
        match (mine, running.take()) {
            (true, None) => match ChirpStack::start(settings.clone(), fleet.clone()) {
                Ok(started) => {
                    running = Some(started);
                    if let Err(error) = fleet.returned().await {
                        tracing::error!(%error, "what waits for ChirpStack could not be looked for");
                    }
                }
                Err(error) => tracing::error!(%error, "ChirpStack"),
            },
            // Another node has it, or may: the broker keeps what was not answered for that one.
            (false, Some(other)) => {
                drop(other);
                fleet.detach(&name);
            }
            (_, same) => running = same,
        }
        connected.store(running.as_ref().is_some_and(ChirpStack::is_connected), Ordering::Relaxed);
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stopped.wait_for(|stop| *stop) => break,
        }
    }
    if let Some(chirpstack) = running {
        chirpstack.stop().await;
    }
}
