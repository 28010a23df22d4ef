//! A stand-in for an SMS gateway: what a phone would have received, as a page.
//!
//! For: demonstrations and tests. [`router`] takes texts at `POST /messages` as JSON (`{"to": …, "text": …}`), which
//! any gateway template can be set to, and shows them. Refuses: sending anything to anybody; keeping more than the
//! last [`MESSAGES_MAX`]; being reached by others: whoever reads it reads codes, so it belongs on a loopback address.
//! Next: [`Outbox::messages`] for programs that read what people would.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Json, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use model::{PurseTime, UnixMillis};
use pages::{OutboxFragment, OutboxPage, SmsMessage, Template};
use serde::Deserialize;
use tokio::sync::watch;
use visit::{Policy, Visitor};

use crate::links::Links;
use crate::live::Audience;

/// How many messages are kept; the oldest makes place.
pub const MESSAGES_MAX: usize = 100;
/// The longest number, in characters.
const TO_MAX: usize = 32;
/// The longest text, in characters.
const TEXT_MAX: usize = 1_000;
/// The longest request, in bytes.
const REQUEST_MAX: usize = 16 * 1024;

/// A text message that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextMessage {
    /// To which phone.
    pub to: String,
    /// What it says.
    pub text: String,
    /// When it came.
    pub at: UnixMillis,
}

/// The messages that came. Clones are the same outbox.
#[derive(Clone, Debug)]
pub struct Outbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    links: Links,
    messages: Mutex<VecDeque<TextMessage>>,
    /// Rises with each message.
    told: watch::Sender<u64>,
    audience: Audience,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    to: String,
    text: String,
}

impl Outbox {
    /// An empty one, whose page has this header.
    pub fn new(links: Links) -> Self {
        let (messages, told, audience) = (Mutex::default(), watch::Sender::new(0), Audience::default());
        Self { inner: Arc::new(Inner { links, messages, told, audience }) }
    }

    /// The messages, newest first.
    pub fn messages(&self) -> Vec<TextMessage> {
        self.kept().iter().cloned().collect()
    }

    /// Tells every message that comes.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.inner.told.subscribe()
    }

    /// Ends the live parts of its pages, so that a server can stop.
    pub fn close(&self) {
        self.inner.audience.close();
    }

    fn take(&self, sent: Sent) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let mut kept = self.kept();
        kept.push_front(TextMessage { to: sent.to, text: sent.text, at });
        kept.truncate(MESSAGES_MAX);
        drop(kept);
        self.inner.told.send_modify(|count| *count += 1);
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<TextMessage>> {
        self.inner.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self) -> Vec<SmsMessage> {
        let shown = |message: &TextMessage| SmsMessage {
            to: message.to.clone(),
            at: PurseTime::at(message.at).to_string(),
            text: message.text.clone(),
        };
        self.kept().iter().map(shown).collect()
    }
}

/// The page `/` with its live part `/live`, and `POST /messages`.
pub fn router(outbox: Outbox) -> Router {
    let routes = Router::new()
        .route("/", get(show))
        .route("/live", get(live))
        .route("/messages", post(take))
        .layer(DefaultBodyLimit::max(REQUEST_MAX))
        .with_state(outbox);
    visit::welcome(routes, Policy::new(&[], &[], "'none'"))
}

async fn show(State(outbox): State<Outbox>, visitor: Visitor) -> Response {
    let page = OutboxPage {
        page: visitor.page(),
        nav: outbox.inner.links.nav(),
        messages: outbox.shown(),
        live: "/live".into(),
    };
    visit::page(StatusCode::OK, &page)
}

async fn live(State(outbox): State<Outbox>, visitor: Visitor) -> Response {
    let changes = vec![outbox.watch()];
    let shown = outbox.clone();
    let render = move || OutboxFragment { page: visitor.page(), messages: shown.shown() }.render().ok();
    outbox.inner.audience.follow("outbox", changes, render)
}

async fn take(State(outbox): State<Outbox>, Json(sent): Json<Sent>) -> StatusCode {
    if sent.to.chars().count() > TO_MAX || sent.text.chars().count() > TEXT_MAX {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    outbox.take(sent);
    StatusCode::NO_CONTENT
}
