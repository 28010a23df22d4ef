//! The live part of a demonstration's page: one event at once, and one with every change.
//!
//! For: pages whose whole live part is made anew each time. Refuses: events faster than eyes (what changes within
//! [`PACE`] is one event), and more readers at once than [`READERS_MAX`].

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::future::select_all;
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::sleep;

const PACE: Duration = Duration::from_millis(20);
/// A proxy takes a line that is silent for a minute for a dead one.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How many may follow one page at once.
const READERS_MAX: usize = 32;

/// Those who follow a page, and the end of it.
#[derive(Debug)]
pub(crate) struct Audience {
    seats: Arc<Semaphore>,
    closed: watch::Sender<u64>,
}

impl Default for Audience {
    fn default() -> Self {
        Self { seats: Arc::new(Semaphore::new(READERS_MAX)), closed: watch::Sender::new(0) }
    }
}

struct Follower<R> {
    name: &'static str,
    changes: Vec<watch::Receiver<u64>>,
    closed: watch::Receiver<u64>,
    render: R,
    is_first: bool,
    _seat: OwnedSemaphorePermit,
}

impl Audience {
    /// Ends every live part: a server that stops would wait for them.
    pub(crate) fn close(&self) {
        self.closed.send_modify(|count| *count += 1);
    }

    /// Events of this name: what is rendered now, and again whenever one of these changes.
    pub(crate) fn follow(
        &self,
        name: &'static str,
        changes: Vec<watch::Receiver<u64>>,
        render: impl Fn() -> Option<String> + Send + 'static,
    ) -> Response {
        let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let closed = self.closed.subscribe();
        let follower = Follower { name, changes, closed, render, is_first: true, _seat: seat };
        let events = stream::unfold(follower, |mut follower| async move {
            let event = follower.next().await?;
            Some((Ok::<_, Infallible>(event), follower))
        });
        Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
    }
}

impl<R: Fn() -> Option<String>> Follower<R> {
    async fn next(&mut self) -> Option<Event> {
        if !std::mem::take(&mut self.is_first) {
            let changed = select_all(self.changes.iter_mut().map(|change| Box::pin(change.changed())));
            tokio::select! {
                (changed, ..) = changed => changed.ok()?,
                _ = self.closed.changed() => return None,
            }
            sleep(PACE).await;
        }
        self.changes.iter_mut().for_each(watch::Receiver::mark_unchanged);
        // A carriage return would end a field in the middle of a page.
        (self.render)().map(|html| Event::default().event(self.name).data(html.replace('\r', "")))
    }
}
