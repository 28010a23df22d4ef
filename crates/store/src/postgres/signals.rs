//! What nodes tell each other through the database, beside what they keep in it.
//!
//! For: a hint that something waits for another node, there within milliseconds. A connection of its own listens and tells
//! (`listen`, `pg_notify`); what queued while one telling was under way goes with the next, many in one.
//! Refuses: promises. What is told while a connection is away is lost. Whoever's own connection was away hears that it may have missed something
//! ([`Signal::Anew`]); that another's telling was lost, nobody hears: the truth is in the tables, and is looked at besides. Nothing is told inside a unit of work: the
//! server lets only one transaction at a time commit what it tells, so all commits of all nodes would wait for one another.
//! This connection's commits wait for no disk.

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::AsyncMessage;

use super::Settings;
use super::connection::Address;
use super::hosts::{HOST_WAIT, Listening};
use crate::error::StoreError;

/// Signals that wait to be told, and those that were heard and not taken yet; one more is dropped.
pub const SIGNALS_MAX: usize = 4_096;
/// The longest signal in bytes.
pub const SIGNAL_BYTES_MAX: usize = 256;
/// What goes in one telling, in bytes: the server takes a little less than 8,000.
const TELLING_MAX: usize = 7_900;
/// The pause before connecting again.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

const BEGIN: &str = "set synchronous_commit = off; set client_min_messages = warning; set statement_timeout = '5s'; \
     set idle_session_timeout = 0; listen counterfoil_node";
const BEGIN_BEFORE_14: &str = "set synchronous_commit = off; set client_min_messages = warning; \
     set statement_timeout = '5s'; listen counterfoil_node";
const TELL: &str = "select pg_notify('counterfoil_node', $1)";

/// What is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The connection is new: what was told before it may have been missed.
    Anew,
    /// Another node told this.
    Said(String),
}

/// Where signals are given to be told. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Teller(mpsc::Sender<String>);

impl Teller {
    /// Tells all other nodes; whether it will be tried. Lines do not fit into a signal.
    pub fn tell(&self, signal: String) -> bool {
        signal.len() <= SIGNAL_BYTES_MAX && !signal.contains('\n') && self.0.try_send(signal).is_ok()
    }
}

/// The connection while it runs; it ends with this.
#[derive(Debug)]
pub struct Signals(JoinHandle<()>);

impl Drop for Signals {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Begins to listen and to tell, on the runtime that it is called on.
pub fn signals(settings: &Settings) -> Result<(Signals, Teller, mpsc::Receiver<Signal>), StoreError> {
    let address = Address::of(settings)?;
    let (teller, mut telling) = mpsc::channel(SIGNALS_MAX);
    let (hearing, heard) = mpsc::channel(SIGNALS_MAX);
    let task = tokio::spawn(async move {
        while !hearing.is_closed() {
            match timeout(address.wait(), address.listen()).await {
                Ok(Ok(listening)) => {
                    let why = converse(listening, &mut telling, &hearing).await;
                    tracing::debug!(why, "nodes are not heard for a moment");
                }
                Ok(Err(error)) => tracing::debug!(%error, "nodes cannot be heard: no connection"),
                Err(_) => tracing::debug!("nodes cannot be heard: the database is silent"),
            }
            sleep(AGAIN_AFTER).await;
        }
    });
    Ok((Signals(task), Teller(teller), heard))
}

/// Tells and listens until the connection ends; why it did.
async fn converse(
    Listening { client, mut messages }: Listening,
    telling: &mut mpsc::Receiver<String>,
    hearing: &mpsc::Sender<Signal>,
) -> String {
    // What this connection tells comes back to it, and is no news.
    let own = AtomicI32::new(0);
    // The connection is driven by taking its messages.
    let heard = async {
        while let Some(message) = messages.next().await {
            match message {
                Ok(message) => pass_on(message, own.load(Ordering::Relaxed), hearing),
                Err(error) => return error.to_string(),
            }
        }
        "it was closed".to_owned()
    };
    let told = async {
        match timeout(HOST_WAIT, begin(&client)).await {
            Ok(Ok(backend)) => own.store(backend, Ordering::Relaxed),
            Ok(Err(error)) => return error.to_string(),
            Err(_) => return "the server says nothing".to_owned(),
        }
        if hearing.send(Signal::Anew).await.is_err() {
            return "nobody listens any more".to_owned();
        }
        while let Some(first) = telling.recv().await {
            let mut all = first;
            while all.len() + SIGNAL_BYTES_MAX < TELLING_MAX
                && let Ok(next) = telling.try_recv()
            {
                all.push('\n');
                all.push_str(&next);
            }
            match timeout(HOST_WAIT, client.execute(TELL, &[&all])).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return error.to_string(),
                Err(_) => return "the server says nothing".to_owned(),
            }
        }
        // Whoever told has gone; there may be something to hear still.
        std::future::pending().await
    };
    tokio::select! {
        why = heard => why,
        why = told => why,
    }
}

/// Begins to listen; the number of the server's process that serves this connection.
async fn begin(client: &tokio_postgres::Client) -> Result<i32, tokio_postgres::Error> {
    let asked = "select current_setting('server_version_num')::bigint, pg_backend_pid()";
    let row = client.query_one(asked, &[]).await?;
    let begin = if row.get::<_, i64>(0) >= 140_000 { BEGIN } else { BEGIN_BEFORE_14 };
    client.batch_execute(begin).await?;
    Ok(row.get(1))
}

fn pass_on(message: AsyncMessage, own: i32, hearing: &mpsc::Sender<Signal>) {
    let AsyncMessage::Notification(notification) = message else { return };
    if notification.process_id() == own {
        return;
    }
    for said in notification.payload().lines().filter(|said| said.len() <= SIGNAL_BYTES_MAX) {
        // One that does not fit is found in the tables.
        let _ = hearing.try_send(Signal::Said(said.to_owned()));
    }
}

/// The messages of a connection, which does its work while they are taken.
pub(super) fn messages_of<S, T>(
    mut connection: tokio_postgres::Connection<S, T>,
) -> stream::BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    stream::poll_fn(move |cx| connection.poll_message(cx)).boxed()
}
