//! A merchant's server: it answers as it is told to, and keeps what it heard.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::any;
use model::UnixMillis;
use serde_json::Value;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use webhook::{Received, Secret, SecretList};

use crate::town::{listen, soon};

/// How a request is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Status(u16),
    /// With a header.
    With(u16, &'static str, String),
    /// Never.
    Hang,
    /// When it is told to.
    When(Arc<Notify>, u16),
    /// At once, with a body of so many bytes.
    Long(usize),
    /// The status at once, the body never.
    HangingBody,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
    pub(crate) body: Vec<u8>,
}

impl Heard {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    /// Whether a receiver with this secret believes it at a moment.
    pub(crate) fn is_by(&self, secret: &str, now: UnixMillis) -> bool {
        let secret: Secret = secret.parse().unwrap();
        let headers = Received { id: &self.id, timestamp: &self.timestamp, signature: &self.signature };
        webhook::verify(&SecretList::new(secret), headers, &self.body, now).is_ok()
    }
}

struct Inner {
    replies: Mutex<VecDeque<Reply>>,
    heard: mpsc::UnboundedSender<Heard>,
}

/// The server. It ends with this value.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    inner: Arc<Inner>,
    heard: mpsc::UnboundedReceiver<Heard>,
    serving: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    /// Answers as told, one after the other, and 204 after that.
    pub(crate) async fn answering(replies: impl IntoIterator<Item = Reply>) -> Self {
        let (inner, heard) = Inner::new(replies);
        let (address, serving) = listen(router(&inner)).await;
        Self { address, inner, heard, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    pub(crate) async fn hears(&mut self) -> Heard {
        soon("a webhook", self.heard.recv()).await.unwrap()
    }

    /// What was heard by now beyond what was asked for.
    pub(crate) fn also_heard(&mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }

    pub(crate) fn answers(&self, reply: Reply) {
        self.inner.replies.lock().unwrap().push_back(reply);
    }
}

impl Inner {
    fn new(replies: impl IntoIterator<Item = Reply>) -> (Arc<Self>, mpsc::UnboundedReceiver<Heard>) {
        let (sender, heard) = mpsc::unbounded_channel();
        let replies = Mutex::new(replies.into_iter().collect());
        (Arc::new(Self { replies, heard: sender }), heard)
    }
}

/// A router that keeps what it hears, for whoever serves it otherwise.
pub(crate) fn recording() -> (Router, mpsc::UnboundedReceiver<Heard>) {
    let (inner, heard) = Inner::new([]);
    (router(&inner), heard)
}

fn router(inner: &Arc<Inner>) -> Router {
    Router::new().fallback(any(take)).with_state(Arc::clone(inner))
}

async fn take(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let header =
        |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let heard = Heard {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: body.to_vec(),
    };
    let _ = inner.heard.send(heard);
    let reply = inner.replies.lock().unwrap().pop_front().unwrap_or(Reply::Status(204));
    let of = |status: u16| Response::builder().status(StatusCode::from_u16(status).unwrap());
    match reply {
        Reply::Status(status) => of(status).body(Body::from(format!("{status} it is"))).unwrap(),
        Reply::With(status, name, value) => of(status).header(name, value).body(Body::empty()).unwrap(),
        Reply::When(told, status) => {
            told.notified().await;
            of(status).body(Body::empty()).unwrap()
        }
        Reply::Hang => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            of(500).body(Body::empty()).unwrap()
        }
        Reply::Long(bytes) => of(200).body(Body::from(vec![b'x'; bytes])).unwrap(),
        Reply::HangingBody => {
            let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
            of(200).body(Body::from_stream(never)).unwrap()
        }
    }
}
