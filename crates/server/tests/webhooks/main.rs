//! What merchants' servers are told, on real sockets: from an order's payment to the signed request, and what goes wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod delivering;
mod failing;
mod forgetting;
mod independent;
mod managing;
mod nodes;
#[path = "../../../store/tests/postgres/proxy.rs"]
mod proxy;
mod receiver;
mod sealing;
mod testing;
mod tls;
#[path = "../town/mod.rs"]
mod town;
mod unknown;

use std::time::Duration;

use operator::Rate;
use serde_json::{Value, json};
use server::Rules;
use server::webhooks::{Mode, Settings};

use crate::town::customer::{Answer, Customer};
use crate::town::{Town, soon};

/// A town on a desk: its merchants' servers are on this machine.
async fn desk() -> Town {
    Town::with(on_a_desk()).await
}

fn on_a_desk() -> Rules {
    // The clock stands: what is asked again and again until it is so would soon be too much for one second.
    let rate = Rate { per_second: 1_000_000, burst: 1_000_000 };
    Rules { webhook_mode: Mode::Test, key_rate: rate, address_rate: rate, ..Rules::default() }
}

/// Quick to give up.
fn hasty() -> Settings {
    Settings {
        connect_wait: Duration::from_secs(2),
        answer_wait: Duration::from_millis(600),
        ..Settings::default()
    }
}

/// A merchant's endpoint, of all kinds.
async fn endpoint(merchant: &Customer, url: &str) -> Value {
    merchant.post("/v1/webhook_endpoints", &json!({ "url": url })).await.json(201)
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap()
}

/// Asks until the answer is as it must become.
async fn becomes(merchant: &Customer, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    soon(&format!("{path} as expected"), async {
        loop {
            let found = merchant.get(path).await.json(200);
            if is(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

async fn patch(merchant: &Customer, path: &str, body: &Value) -> Answer {
    Answer::to(merchant.request("PATCH", path).json(body)).await
}

/// The newest delivery to an endpoint, with its attempts, when it is as it must become.
async fn newest(merchant: &Customer, endpoint: &Value, is: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/v1/webhook_endpoints/{}/deliveries", text(endpoint, "id"));
    let page = becomes(merchant, &path, |page| page["data"].get(0).is_some_and(&is)).await;
    let id = page["data"][0]["id"].as_str().unwrap().to_owned();
    merchant.get(&format!("/v1/webhook_deliveries/{id}")).await.json(200)
}
