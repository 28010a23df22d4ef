//! A request that is sent again has no second effect.

use serde_json::{Value, json};

use crate::town::customer::Answer;
use crate::town::{Merchant, Town, Wish};
use crate::{breakfast, breakfast_with, id_of};

async fn order_under(merchant: &Merchant, key: &str, order: &Value) -> Answer {
    let request = merchant.api.request("POST", "/v1/orders").header("Idempotency-Key", key);
    Answer::to(request.json(order)).await
}

/// How many orders there are, and how much is set aside for them.
async fn made(merchant: &Merchant) -> (usize, Value) {
    let orders = merchant.api.get("/v1/orders").await.json(200);
    let balances = merchant.api.get("/v1/balances").await.json(200);
    (orders["data"].as_array().unwrap().len(), balances["data"][0]["pending"].clone())
}

#[tokio::test]
async fn the_same_request_gets_the_first_answer_again() {
    let mut town = Town::open().await;
    let mut card = town.card(Wish::default()).await;
    let first = order_under(&town.bakery, "breakfast-1", &breakfast(card.id)).await;
    let order = first.json(201);
    assert_eq!(first.header("idempotency-hit"), "");
    // Whatever has become of it since.
    town.agrees(&mut card, 1).await;
    town.pass(3_600_000);
    let again = order_under(&town.bakery, "breakfast-1", &breakfast(card.id)).await;
    assert_eq!((again.status, again.header("idempotency-hit")), (201, "true"));
    assert_eq!(again.body, first.body);
    assert_eq!(town.state(id_of(&order).parse().unwrap()), "paid");
    assert_eq!(made(&town.bakery).await, (1, json!(0)));
}

#[tokio::test]
async fn the_same_key_with_another_body_is_a_conflict() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    order_under(&town.bakery, "one", &breakfast(card)).await.json(201);
    let dearer = breakfast_with(card, "amount", json!(2_001));
    let refused = order_under(&town.bakery, "one", &dearer).await;
    assert_eq!(refused.problem(), (409, "idempotency_conflict".into()));
    assert_eq!(made(&town.bakery).await, (1, json!(2_000)));
    // Keys are each merchant's own.
    let theirs = order_under(&town.florist, "one", &dearer).await;
    assert_eq!((theirs.status, theirs.header("idempotency-hit")), (201, ""));
}

#[tokio::test]
async fn requests_at_once_under_one_key_make_one_order() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let mut expected = 0;
    for crowd in [2, 20] {
        let key = format!("crowd-{crowd}");
        let order = breakfast(card);
        let asked = (0..crowd).map(|_| order_under(&town.bakery, &key, &order));
        let answers = futures_util::future::join_all(asked).await;
        expected += 1;
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
        let hits = answers.iter().filter(|answer| answer.header("idempotency-hit") == "true").count();
        assert_eq!(hits, crowd - 1);
        assert_eq!(made(&town.bakery).await, (expected, json!(2_000 * expected)));
    }
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let mut town = Town::open().await;
    let card = town.card(Wish { funds: 0, ..Wish::default() }).await;
    let refused = order_under(&town.bakery, "again", &breakfast(card.id)).await;
    assert_eq!(refused.problem(), (402, "insufficient_funds".into()));
    town.fund(card.information.holder, 2_000).await;
    let made = order_under(&town.bakery, "again", &breakfast(card.id)).await;
    assert_eq!((made.status, made.header("idempotency-hit")), (201, ""));
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let mut town = Town::open().await;
    let card = town.card(Wish { valid_millis: 10 * 86_400_000, ..Wish::default() }).await.id;
    order_under(&town.bakery, "daily", &breakfast(card)).await.json(201);
    town.pass(86_400_000 - 1);
    assert_eq!(town.app.forget_first_answers().await, Ok(0));
    town.pass(2);
    assert_eq!(town.app.forget_first_answers().await, Ok(1));
    let made = order_under(&town.bakery, "daily", &breakfast(card)).await;
    assert_eq!((made.status, made.header("idempotency-hit")), (201, ""));
}

#[tokio::test]
async fn a_key_is_visible_ascii_of_a_length() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let long = "x".repeat(129);
    for key in ["", " ", "two words", "schlüssel", &long] {
        let refused = order_under(&town.bakery, key, &breakfast(card)).await;
        assert_eq!(refused.problem(), (422, "invalid_idempotency_key".into()), "{key:?}");
    }
    order_under(&town.bakery, &long[1..], &breakfast(card)).await.json(201);
}
