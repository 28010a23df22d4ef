//! A merchant's server with several endpoints: it keeps what it heard, and answers when it is told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::program::merchant::Merchant;
use crate::program::process::PATIENCE;

/// One message at one endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) body: Value,
    /// How often it came.
    pub(crate) times: usize,
}

/// What an endpoint heard, by the message's id.
type Endpoints = BTreeMap<String, BTreeMap<String, Heard>>;

#[derive(Clone)]
pub(crate) struct Shop {
    heard: Arc<Mutex<Endpoints>>,
    /// Endpoints that do not answer: what waits there is answered so when that is said.
    held: Arc<Mutex<BTreeMap<String, watch::Sender<Option<u16>>>>>,
    changed: watch::Sender<()>,
    address: SocketAddr,
}

/// An endpoint of the shop's, as the platform knows it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Its name at the shop.
    pub(crate) name: String,
    pub(crate) id: String,
}

impl Endpoint {
    /// The part that it belongs to.
    pub(crate) fn part(&self) -> usize {
        usize::from_str_radix(&self.id[self.id.len() - 1..], 16).unwrap() % 8
    }
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, held) = (Arc::default(), Arc::default());
        let shop = Self { heard, held, changed: watch::Sender::new(()), address };
        let router = Router::new().route("/{endpoint}", post(take)).with_state(shop.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        shop
    }

    /// A merchant's endpoints, so many, and more until every one of these parts has one.
    pub(crate) async fn endpoints(&self, merchant: &Merchant, parts: &[&[usize]]) -> Vec<Endpoint> {
        let mut made: Vec<Endpoint> = Vec::new();
        while !parts.iter().all(|parts| made.iter().any(|endpoint| parts.contains(&endpoint.part()))) {
            let name = format!("hooks-{}", made.len());
            let url = format!("http://{}/{name}", self.address);
            let answer = merchant.asks("POST", "/v1/webhook_endpoints", Some(json!({ "url": url }))).await;
            assert_eq!(answer.status(), StatusCode::CREATED);
            let id = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
            made.push(Endpoint { name, id });
        }
        made
    }

    /// An endpoint answers nothing until it is [released](Self::release).
    pub(crate) fn hold(&self, endpoint: &Endpoint) {
        self.held.lock().unwrap().insert(endpoint.name.clone(), watch::Sender::new(None));
    }

    /// What waits at an endpoint is answered with this status, and what comes is taken.
    pub(crate) fn release(&self, endpoint: &Endpoint, status: u16) {
        self.held.lock().unwrap().remove(&endpoint.name).unwrap().send_replace(Some(status));
    }

    /// What an endpoint heard of an order, by the message's id.
    pub(crate) fn heard_of(&self, endpoint: &Endpoint, order: &str) -> BTreeMap<String, Heard> {
        let heard = self.heard.lock().unwrap();
        let Some(heard) = heard.get(&endpoint.name) else { return BTreeMap::new() };
        let about = heard.iter().filter(|(_, heard)| heard.body["data"]["id"] == order);
        about.map(|(id, heard)| (id.clone(), heard.clone())).collect()
    }

    /// Waits until each of these endpoints has heard of an order, so often.
    pub(crate) async fn hears_of(&self, endpoints: &[Endpoint], order: &str, times: usize) {
        let mut changed = self.changed.subscribe();
        let has_heard = |endpoint: &Endpoint| {
            self.heard_of(endpoint, order).values().map(|heard| heard.times).sum::<usize>() >= times
        };
        let heard = async {
            while !endpoints.iter().all(has_heard) {
                changed.changed().await.unwrap();
            }
        };
        if tokio::time::timeout(PATIENCE + Duration::from_secs(20), heard).await.is_err() {
            let missing: Vec<_> = endpoints.iter().filter(|endpoint| !has_heard(endpoint)).collect();
            panic!("never told of {order} {times} times: {missing:?}");
        }
    }
}

async fn take(
    State(shop): State<Shop>,
    Path(endpoint): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap();
    // Before it is said to have been heard: whoever waits for that may say at once how it is answered.
    let held = shop.held.lock().unwrap().get(&endpoint).map(watch::Sender::subscribe);
    {
        let mut all = shop.heard.lock().unwrap();
        let of_endpoint = all.entry(endpoint.clone()).or_default();
        let heard = of_endpoint.entry(id).or_insert(Heard { body: body.clone(), times: 0 });
        assert_eq!(heard.body, body, "a repetition says the same");
        heard.times += 1;
    }
    shop.changed.send_replace(());
    let status = match held {
        None => 204,
        Some(mut released) => match released.wait_for(Option::is_some).await {
            Ok(status) => status.unwrap(),
            Err(_) => 204,
        },
    };
    StatusCode::from_u16(status).unwrap()
}
