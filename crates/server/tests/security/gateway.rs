//! A gateway for texts that does what a test says: takes them, refuses them, hangs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use server::security::{Gateway, SmsGateway};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::town::soon;

/// What the gateway does with a text.
#[derive(Clone, Copy)]
pub(crate) enum Turn {
    Status(u16),
    Hang,
}

#[derive(Default)]
struct Inner {
    turns: Mutex<VecDeque<Turn>>,
    got: Mutex<Vec<(HeaderMap, Value)>>,
    came: Notify,
}

/// The gateway. It ends with this value.
pub(crate) struct Texts {
    inner: Arc<Inner>,
    pub(crate) config: SmsGateway,
    serving: Option<JoinHandle<()>>,
}

impl Drop for Texts {
    fn drop(&mut self) {
        self.serving.iter().for_each(JoinHandle::abort);
    }
}

/// A gateway's interface with its memory.
fn interface() -> (Arc<Inner>, Router) {
    let inner = Arc::new(Inner::default());
    (inner.clone(), Router::new().route("/v1/sms", post(take)).with_state(inner))
}

fn config(url: String) -> SmsGateway {
    SmsGateway {
        url,
        headers: BTreeMap::from([("authorization".into(), "Bearer gateway-key".into())]),
        template: r#"{"to":["{phone}"],"message":{"body":"{text}","kind":"code"}}"#.into(),
        authorities: None,
    }
}

impl Texts {
    pub(crate) async fn open() -> Self {
        let (inner, router) = interface();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/sms", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { inner, config: config(url), serving: Some(serving) }
    }

    /// The same behind TLS; the router is for the caller to serve.
    pub(crate) fn behind(url: String, authorities: &std::path::Path) -> (Self, impl Fn() -> Router) {
        let (inner, router) = interface();
        let config = SmsGateway { authorities: Some(authorities.into()), ..config(url) };
        (Self { inner, config, serving: None }, move || router.clone())
    }

    pub(crate) fn gateway(&self) -> Option<Gateway> {
        Some(Gateway::new(&self.config).unwrap())
    }

    /// What the next texts meet; all later ones are taken.
    pub(crate) fn will(&self, turns: impl IntoIterator<Item = Turn>) {
        self.inner.turns.lock().unwrap().extend(turns);
    }

    pub(crate) fn got(&self) -> Vec<Value> {
        self.inner.got.lock().unwrap().iter().map(|(_, body)| body.clone()).collect()
    }

    pub(crate) fn headers(&self) -> HeaderMap {
        self.inner.got.lock().unwrap()[0].0.clone()
    }

    /// Waits until so many came, whatever became of them.
    pub(crate) async fn come(&self, count: usize) -> Vec<Value> {
        loop {
            let came = self.inner.came.notified();
            if self.got().len() >= count {
                return self.got();
            }
            soon("a text at the gateway", came).await;
        }
    }
}

async fn take(State(inner): State<Arc<Inner>>, headers: HeaderMap, Json(body): Json<Value>) -> StatusCode {
    let turn = inner.turns.lock().unwrap().pop_front().unwrap_or(Turn::Status(200));
    inner.got.lock().unwrap().push((headers, body));
    inner.came.notify_one();
    match turn {
        Turn::Status(status) => StatusCode::from_u16(status).unwrap(),
        Turn::Hang => std::future::pending().await,
    }
}
