//! An order is made, read, listed and taken back.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::town::{EVENING, PUBLIC_URL, Town, Wish};
use crate::{breakfast, id_of};

#[tokio::test]
async fn an_order_is_made_and_read_as_it_was_made() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await;
    let wanted = json!({
        "amount": 2000, "currency": "CNY", "exponent": 2, "card": card.id.to_string(), "place": "早市 1",
        "text": "豆浆油条", "reference": "table 4", "return_url": "https://shop.example/done",
        "lifetime_seconds": 60, "when_busy": "refuse",
    });
    let made = town.bakery.api.post("/v1/orders", &wanted).await;
    let order = made.json(201);
    let id = id_of(&order);
    let expected = json!({
        "id": id, "state": "awaiting_card", "reason": null, "amount": 2000, "currency": "CNY",
        "card": card.id.to_string(), "place": "早市 1", "text": "豆浆油条", "reference": "table 4",
        "counted": false, "pay_url": format!("{PUBLIC_URL}/pay/{id}"),
        "return_url": "https://shop.example/done", "refunded": 0, "refund_state": "none", "fee": null,
        "created_at": EVENING.0, "updated_at": EVENING.0,
        "expires_at": EVENING.0 + 60_000,
    });
    assert_eq!(order, expected);
    assert_eq!(town.bakery.api.get(&format!("/v1/orders/{id}")).await.json(200), expected);
}

#[tokio::test]
async fn what_a_merchant_leaves_out_is_filled_in() {
    let mut town = Town::open().await;
    let card = town.card(Wish { has_display: false, ..Wish::default() }).await;
    let order = town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201);
    assert_eq!(order["expires_at"], EVENING.0 + 180_000);
    // 20.00 on a card that cannot show it: the page shows a number.
    assert_eq!(order["counted"], true);
    assert!(["text", "reference", "return_url", "reason"].iter().all(|field| order[field].is_null()));
}

#[tokio::test]
async fn a_whole_number_is_whole_however_it_is_written() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    for amount in ["2000", "2000.0", "2e3", "0.2e4"] {
        let body = breakfast(card).to_string().replace("2000", amount);
        let request = town.bakery.api.request("POST", "/v1/orders");
        let request = request.header("Content-Type", "application/json; charset=utf-8").body(body);
        let made = crate::town::customer::Answer::to(request).await;
        assert_eq!(made.json(201)["amount"], 2000, "{amount}");
    }
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page_newest_first() {
    let mut town = Town::open().await;
    let mut made = Vec::new();
    // Eight orders wait for one card at most.
    for holder in 0..4 {
        let card = town.card(Wish { holder, ..Wish::default() }).await;
        let count = if holder == 0 { 1 } else { 8 };
        for _ in 0..count {
            made.push(id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201)));
            town.pass(1);
        }
    }
    made.reverse();
    assert_eq!(made.len(), 25);
    let neighbour = town.card(Wish { holder: 9, ..Wish::default() }).await;
    town.florist.api.post("/v1/orders", &breakfast(neighbour.id)).await.json(201);

    let (mut seen, mut sizes, mut path) = (Vec::new(), Vec::new(), "/v1/orders?limit=10".to_owned());
    loop {
        let page = town.bakery.api.get(&path).await.json(200);
        let ids: Vec<String> = page["data"].as_array().unwrap().iter().map(id_of).collect();
        sizes.push(ids.len());
        seen.extend(ids);
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/orders?limit=10&before={next}");
    }
    assert_eq!(sizes, [10, 10, 5]);
    assert_eq!(seen, made);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 25, "no order twice");

    assert_eq!(town.bakery.api.get("/v1/orders").await.json(200)["data"].as_array().unwrap().len(), 20);
    let exact = town.bakery.api.get("/v1/orders?limit=25").await.json(200);
    assert_eq!(exact["next"], Value::Null, "a full page that is the last says so");
}

#[tokio::test]
async fn nobody_sees_an_empty_list_as_a_failure() {
    let town = Town::open().await;
    let page = town.bakery.api.get("/v1/orders").await.json(200);
    assert_eq!(page, json!({ "data": [], "next": null }));
}

#[tokio::test]
async fn an_order_is_taken_back_once_and_its_money_is_free() {
    let mut town = Town::open().await;
    let card = town.card(Wish { funds: 2_000, ..Wish::default() }).await;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    town.pass(5);
    let canceled = town.bakery.api.cancel(&order).await.json(200);
    assert_eq!((&canceled["state"], &canceled["updated_at"]), (&json!("canceled"), &json!(EVENING.0 + 5)));
    assert_eq!(town.bakery.api.cancel(&order).await.problem(), (409, "order_ended".into()));
    assert_eq!(town.bakery.api.get(&format!("/v1/orders/{order}")).await.json(200), canceled);
    assert_eq!(town.counted("payments", "canceled"), 1);
    // All that the holder has is free again.
    town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201);
}

#[tokio::test]
async fn an_order_taken_back_under_the_holders_thumb_settles_nothing_and_counts_once() {
    let mut town = Town::open().await;
    let mut card = town.card(Wish::default()).await;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    town.prompts(&mut card).await;
    town.bakery.api.cancel(&order).await.json(200);
    let result = card.agree(1);
    let receipt = town.hears(&result).await.unwrap();
    card.hear(&receipt);
    assert!(card.is_red(), "the card says that it was voided");
    assert_eq!(town.state(order.parse().unwrap()), "canceled");
    assert_eq!(town.counts("payments"), [("canceled".to_owned(), 1)].into());
    let balances = town.bakery.api.get("/v1/balances").await.json(200);
    assert_eq!(balances["data"], json!([{ "currency": "CNY", "posted": 0, "pending": 0 }]));
}

#[tokio::test]
async fn a_paid_order_is_not_taken_back() {
    let mut town = Town::open().await;
    let mut card = town.card(Wish::default()).await;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    town.agrees(&mut card, 1).await;
    assert!(card.is_green());
    assert_eq!(town.bakery.api.get(&format!("/v1/orders/{order}")).await.json(200)["state"], "paid");
    assert_eq!(town.bakery.api.cancel(&order).await.problem(), (409, "order_ended".into()));
}
