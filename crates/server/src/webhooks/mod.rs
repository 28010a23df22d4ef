//! What merchants' servers are told: from the outbox to signed requests, and what becomes of them.
//!
//! For: one courier a node. It makes messages of the events in the outbox, sends what is due, and keeps what came of it.
//! Endpoints are shared out in parts; each part is one node's by a lease (`shards`), so that a message is sent by one
//! node. A message is delivered at least once: an attempt whose end was not kept is made again, under the same id.
//! Refuses: the rules (the crate `webhook`), redirects, addresses that are not public outside of test mode, answers beyond
//! their first kilobytes, and more attempts at once than its limits say: a server that hangs holds up no other.
//! Next: `courier` for the loop, `client` for one attempt, `pace` for how many a second, `outbox` and `outcome` for the units of work.

mod client;
mod courier;
mod outbox;
mod outcome;
mod pace;
mod shards;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::nodes::Nodes;
use crate::tls::TlsError;

pub use ::webhook::{EndpointUrl, Mode, Wanted};

/// How a courier sends.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whom to trust: a file of certificates instead of this machine's.
    pub authorities: Option<PathBuf>,
    /// How long a connection may take.
    pub connect_wait: Duration,
    /// How long an attempt may take from its beginning to the answer's end.
    pub answer_wait: Duration,
    /// How often it is looked for messages that are old enough to be forgotten.
    pub forget_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            authorities: None,
            connect_wait: Duration::from_secs(5),
            answer_wait: Duration::from_secs(15),
            forget_every: Duration::from_secs(60),
        }
    }
}

/// A courier that runs.
pub struct Webhooks {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Webhooks {
    /// Starts to deliver. `public_url` is where buyers' browsers reach this platform, as messages say it; `nodes` are those that
    /// share the work on the same database, where there are others.
    ///
    /// # Errors
    /// [`TlsError`] where the file of authorities is none.
    pub fn start(
        app: App,
        nodes: Option<Nodes>,
        public_url: &str,
        settings: &Settings,
    ) -> Result<Self, TlsError> {
        let client = client::Client::new(app.rules().webhook_mode, settings)?;
        let (stop, stopped) = watch::channel(false);
        let public_url: Arc<str> = public_url.trim_end_matches('/').into();
        let task = tokio::spawn(
            courier::Courier::new(app, nodes, public_url, client, settings.forget_every).run(stopped),
        );
        Ok(Self { stop, task })
    }

    /// Starts no further attempt, keeps what came of those that end soon, and gives its parts up to other nodes.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the courier of webhooks failed");
        }
    }
}
