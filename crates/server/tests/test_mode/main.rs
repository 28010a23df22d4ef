//! The test mode as a merchant's own tests meet it, over HTTP on real sockets: keys, cards, amounts, the clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod amounts;
mod apart;
mod cards;
mod clock;
mod doors;
mod durable;
mod together;
#[path = "../town/mod.rs"]
mod town;

use serde_json::{Value, json};
use server::Rules;
use server::test_mode::TestRules;

use town::customer::{Answer, Customer};
use town::{Tests, Town};

/// A town with a test mode.
async fn town() -> Town {
    Town::with_test_mode(Rules::default(), TestRules::default()).await
}

impl Tests {
    /// A test card of the bakery's, made as `wish` says; its id.
    async fn card(&self, wish: &Value) -> String {
        self.bakery.api.post("/v1/test/cards", wish).await.json(201)["id"].as_str().unwrap().to_owned()
    }

    /// An order of the bakery's.
    async fn order(&self, card: &str, minor: i64) -> Answer {
        self.bakery.api.post("/v1/orders", &order(card, minor)).await
    }

    /// The same, made; its id.
    async fn made(&self, card: &str, minor: i64) -> String {
        self.order(card, minor).await.json(201)["id"].as_str().unwrap().to_owned()
    }

    /// How an order stands; of a declined one, the reason.
    async fn state(&self, order: &str) -> String {
        state(&self.bakery.api, order).await
    }

    async fn advance(&self, seconds: u32) -> Value {
        let body = json!({ "seconds": seconds });
        self.bakery.api.post("/v1/test/clock/advance", &body).await.json(200)
    }
}

async fn state(api: &Customer, order: &str) -> String {
    let order = api.get(&format!("/v1/orders/{order}")).await.json(200);
    order["reason"].as_str().or(order["state"].as_str()).unwrap().to_owned()
}

fn order(card: &str, minor: i64) -> Value {
    json!({ "amount": minor, "currency": "CNY", "card": card, "place": "Market Street 1" })
}
