//! From a payment to a merchant's server.

use serde_json::json;
use webhook::SecretList;

use crate::receiver::Receiver;
use crate::town::{EVENING, Town, Wish};
use crate::{desk, endpoint, newest, text};
use server::Rules;
use server::test_mode::TestRules;
use server::webhooks::{Settings, Webhooks};

#[tokio::test]
async fn an_order_that_is_paid_is_told_signed_and_in_order() {
    let mut town = desk().await;
    let mut shop = Receiver::answering([]).await;
    let made = endpoint(&town.bakery.api, &shop.url()).await;
    let courier = town.courier(&Settings::default());
    let mut card = town.card(Wish::default()).await;
    let order = town.order(card.id, 2_000).await;
    town.agrees(&mut card, 1).await;
    assert!(card.is_green());

    let mut told = Vec::new();
    for _ in 0..3 {
        let heard = shop.hears().await;
        assert!(heard.is_by(text(&made, "secret"), EVENING), "{heard:?}");
        told.push(heard);
    }
    told.sort_by_key(|heard| heard.json()["sequence"].as_u64());
    let kinds: Vec<_> = told.iter().map(|heard| heard.kind()).collect();
    assert_eq!(kinds, ["order.awaiting_card", "order.processing", "order.paid"]);
    for (heard, (sequence, state)) in told.iter().zip([(1, "awaiting_card"), (2, "processing"), (3, "paid")])
    {
        let json = heard.json();
        assert_eq!(json["sequence"], sequence);
        assert_eq!(json["timestamp"], "2026-11-20T18:31:28.000Z");
        assert_eq!(json["data"]["id"], order.to_string());
        assert_eq!(json["data"]["state"], state);
        assert_eq!(json["data"]["amount"], 2_000);
    }
    // What it says of the paid order is what the merchant reads.
    let read = town.bakery.api.get(&format!("/v1/orders/{order}")).await.json(200);
    assert_eq!(told[2].json()["data"], read);

    let delivery = newest(&town.bakery.api, &made, |newest| newest["state"] == "delivered").await;
    assert_eq!(delivery["log"][0]["status"], 204);
    assert_eq!(delivery["log"].as_array().unwrap().len(), 1);
    let sent = told.iter().find(|heard| heard.id == delivery["message"]).unwrap();
    assert_eq!(delivery["body"].as_str().unwrap().as_bytes(), sent.body, "what is stored is what was sent");
    courier.stop().await;
    assert_eq!(shop.also_heard().len(), 0, "each is told once");
}

#[tokio::test]
async fn only_what_is_wanted_is_told_and_only_to_its_merchant() {
    let mut town = desk().await;
    let (mut shop, mut other) = (Receiver::answering([]).await, Receiver::answering([]).await);
    let wish = json!({ "url": shop.url(), "kinds": ["order.canceled"], "description": "the till" });
    town.bakery.api.post("/v1/webhook_endpoints", &wish).await.json(201);
    endpoint(&town.florist.api, &other.url()).await;
    let courier = town.courier(&Settings::default());
    let card = town.card(Wish::default()).await;
    let order = town.order(card.id, 500).await;
    town.bakery.api.cancel(&order.to_string()).await.json(200);
    let heard = shop.hears().await;
    assert_eq!(heard.kind(), "order.canceled");
    assert_eq!(heard.json()["sequence"], 2, "the first was not wanted, and counts");
    courier.stop().await;
    assert!(shop.also_heard().is_empty() && other.also_heard().is_empty());
}

#[tokio::test]
async fn both_secrets_sign_while_one_replaces_the_other() {
    let town = desk().await;
    let mut shop = Receiver::answering([]).await;
    let bakery = &town.bakery.api;
    let made = endpoint(bakery, &shop.url()).await;
    let first = text(&made, "secret").to_owned();
    let id = text(&made, "id");
    let courier = town.courier(&Settings::default());
    let rotated =
        bakery.post(&format!("/v1/webhook_endpoints/{id}/secrets"), &json!({ "overlap_seconds": 60 })).await;
    let second = text(&rotated.json(201), "secret").to_owned();
    assert_ne!(first, second);

    let test = format!("/v1/webhook_endpoints/{id}/test");
    bakery.post(&test, &json!({})).await.json(201);
    let heard = shop.hears().await;
    assert!(heard.is_by(&first, EVENING) && heard.is_by(&second, EVENING));
    assert_eq!(heard.kind(), "webhook.test");

    town.pass(60_000);
    bakery.post(&test, &json!({})).await.json(201);
    let heard = shop.hears().await;
    let now = EVENING.plus(60_000);
    assert!(!heard.is_by(&first, now) && heard.is_by(&second, now), "the first has ended");
    courier.stop().await;
    // Nobody reads a secret again.
    let read = bakery.get(&format!("/v1/webhook_endpoints/{id}")).await;
    assert!(!read.body.contains("whsec_"), "{}", read.body);
    assert_eq!(read.json(200)["secrets"].as_array().unwrap().len(), 1);
    assert_eq!(SecretList::LENGTH_MAX, 4);
}

#[tokio::test]
async fn the_test_mode_sends_to_a_desk_and_signs_with_the_receiver_s_time_however_far_its_clock_was_set_ahead()
 {
    let town = Town::with_test_mode(Rules::default(), TestRules::default()).await;
    let tests = town.tests();
    let mut shop = Receiver::answering([]).await;
    let made = endpoint(&tests.bakery.api, &shop.url()).await;
    let advance = json!({ "seconds": 3_600 });
    tests.bakery.api.post("/v1/test/clock/advance", &advance).await.json(200);
    let app = tests.mode.app().clone();
    let courier = Webhooks::start(app, None, "https://pay.town.example/test", &Settings::default()).unwrap();
    let path = format!("/v1/webhook_endpoints/{}/test", text(&made, "id"));
    tests.bakery.api.post(&path, &json!({})).await.json(201);
    assert!(shop.hears().await.is_by(text(&made, "secret"), EVENING), "an hour ahead would be refused");
    courier.stop().await;
    // Live money is sent to public addresses alone.
    let refused = town.bakery.api.post("/v1/webhook_endpoints", &json!({ "url": shop.url() })).await;
    assert_eq!(refused.problem(), (422, "invalid_webhook_url".into()));
}
