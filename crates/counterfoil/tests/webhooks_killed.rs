//! `kill -9` of a platform at any moment, again and again, while its merchant's server is told: every payment that was acknowledged
//! is told at least once, each message under one id and with one body.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod program;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use program::buyer::Buyers;
use program::merchant::Merchant;
use program::platform::Platform;
use serde_json::{Value, json};
use tokio::sync::watch;

const ROUNDS: usize = 5;
const CARDS: usize = 4;

/// A moment that nobody chose: the hash keys of the standard library are the system's randomness.
fn any_moment(within: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(0);
    Duration::from_micros(random % u64::try_from(within.as_micros()).unwrap())
}

/// What the merchant's server has heard: each message's body by its id, and how often it came.
#[derive(Clone)]
struct Shop {
    heard: Arc<Mutex<BTreeMap<String, (Value, usize)>>>,
    count: watch::Sender<usize>,
}

impl Shop {
    async fn open() -> (Self, SocketAddr) {
        let shop = Self { heard: Arc::default(), count: watch::Sender::new(0) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/hooks", post(take)).with_state(shop.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (shop, address)
    }

    /// Orders that were told to be paid.
    fn paid(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let paid = heard.values().filter(|(body, _)| body["type"] == "order.paid");
        paid.map(|(body, _)| body["data"]["id"].as_str().unwrap().to_owned()).collect()
    }
}

async fn take(State(shop): State<Shop>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let mut heard = shop.heard.lock().unwrap();
    let (first, times) = heard.entry(id).or_insert((body.clone(), 0));
    assert_eq!(*first, body, "a repetition says the same");
    *times += 1;
    drop(heard);
    shop.count.send_modify(|count| *count += 1);
    StatusCode::NO_CONTENT
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_is_told_however_often_the_platform_is_killed() {
    let platform = Platform::new();
    let config = std::fs::read_to_string(&platform.config).unwrap() + "\n[webhooks]\nallow_private = true\n";
    std::fs::write(&platform.config, config).unwrap();
    let merchant: Merchant = platform.merchant("Morning Market");
    let cards = platform.cards(CARDS);
    platform.fund(&cards[0].holder, 1_000_000);
    let (shop, address) = Shop::open().await;

    let mut serving = platform.serve();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let made = http
        .post(format!("http://127.0.0.1:{}/v1/webhook_endpoints", platform.http))
        .bearer_auth(merchant.key())
        .json(&json!({ "url": format!("http://{address}/hooks") }))
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 201);
    let buyers = Buyers::begin(&platform, &merchant, &cards).await;
    buyers.settled.reaches(CARDS).await;
    for _ in 0..ROUNDS {
        buyers.settled.reaches(buyers.settled.now() + 2).await;
        tokio::time::sleep(any_moment(Duration::from_millis(600))).await;
        serving.kill();
        serving = platform.serve();
    }
    buyers.settled.reaches(buyers.settled.now() + CARDS).await;
    let bought = buyers.finish().await;

    let mut count = shop.count.subscribe();
    let all_told = async {
        loop {
            let paid = shop.paid();
            if bought.iter().all(|bought| paid.contains(&bought.order)) {
                return paid;
            }
            count.changed().await.unwrap();
        }
    };
    let mut paid =
        tokio::time::timeout(Duration::from_secs(120), all_told).await.expect("every payment is told");
    // An event is one message, whoever was killed in the middle of making it.
    let told = paid.len();
    paid.sort();
    paid.dedup();
    assert_eq!(paid.len(), told, "an event became two messages");
    serving.signal("TERM");
    serving.ended().well();
}
