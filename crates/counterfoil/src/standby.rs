//! Standing by: of the nodes on one database server one serves, and the others wait until it ends.

use std::time::Duration;

use server::lease::{Node, Standing};
use server::{Clock as _, SystemClock};
use store::{Store, StoreError};

use crate::cli::{Failure, print};
use crate::database::Database;
use crate::platform::StopSignals;

/// How often a lease is renewed, and how often one that is another's is looked at.
const RENEW_EVERY: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A node's turn to serve.
pub(crate) struct Turn {
    node: Node,
    store: Store,
}

/// What waiting for a turn ended with.
pub(crate) enum Waited {
    /// This node serves.
    Serve(Option<Turn>),
    /// It was asked to stop before.
    Stopped,
}

/// Waits until no other node serves on this database. A file has no other: its folder is locked.
pub(crate) async fn wait(
    database: &Database,
    name: &str,
    store: &Store,
    stop: &mut StopSignals,
) -> Result<Waited, Failure> {
    let Database::Server(settings) = database else { return Ok(Waited::Serve(None)) };
    let node = Node { name: own_name(name), start: settings.writer };
    let mut said = String::new();
    loop {
        match node.stand(store, SystemClock.now()).await {
            Ok(Standing::Serving { epoch }) => {
                tracing::info!(node = node.name, epoch, "this node serves");
                return Ok(Waited::Serve(Some(Turn { node, store: store.clone() })));
            }
            Ok(Standing::By { node: other, .. }) => {
                if other != said {
                    print(&format!(
                        "Standing by: {other} serves on this database. Ctrl-C ends the waiting.\n"
                    ))?;
                    said = other;
                }
            }
            Err(error) if error.may_pass() => tracing::warn!(%error, "waiting for the database"),
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.asked() => return Ok(Waited::Stopped),
        }
    }
}

impl Turn {
    /// Renews the lease until another node has it; that node's name.
    pub(crate) async fn overtaken(&self) -> String {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            match self.node.stand(&self.store, SystemClock.now()).await {
                Ok(Standing::Serving { .. }) => {}
                Ok(Standing::By { node, .. }) => return node,
                // While the database is away nobody else can take over either.
                Err(error) => tracing::warn!(%error, "the lease is not renewed"),
            }
        }
    }

    /// Ends the turn: another node serves at once.
    pub(crate) async fn end(self) -> Result<(), StoreError> {
        self.node.leave(&self.store, SystemClock.now()).await
    }
}

/// As it is set, or as the machine is called.
fn own_name(set: &str) -> String {
    if !set.is_empty() {
        return set.to_owned();
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    if host.is_empty() { "a node".into() } else { host.to_owned() }
}
