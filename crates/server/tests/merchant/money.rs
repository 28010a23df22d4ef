//! Who can pay, with which card, and what a merchant is owed.

use payment::CardEvent;
use serde_json::json;

use crate::town::{Town, Wish};
use crate::{breakfast, breakfast_with, id_of};

#[tokio::test]
async fn what_is_set_aside_cannot_be_spent_twice() {
    let mut town = Town::open().await;
    let card = town.card(Wish { funds: 5_000, ..Wish::default() }).await.id;
    let bakery = &town.bakery.api;
    let first =
        id_of(&bakery.post("/v1/orders", &breakfast_with(card, "amount", json!(3_000))).await.json(201));
    let refused = bakery.post("/v1/orders", &breakfast_with(card, "amount", json!(2_001))).await;
    assert_eq!(refused.problem(), (402, "insufficient_funds".into()));
    bakery.post("/v1/orders", &breakfast_with(card, "amount", json!(2_000))).await.json(201);
    // The neighbour sees the same purse.
    let refused = town.florist.api.post("/v1/orders", &breakfast_with(card, "amount", json!(1))).await;
    assert_eq!(refused.problem(), (402, "insufficient_funds".into()));
    bakery.cancel(&first).await.json(200);
    town.florist.api.post("/v1/orders", &breakfast_with(card, "amount", json!(3_000))).await.json(201);
}

#[tokio::test]
async fn money_of_one_currency_buys_nothing_in_another() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let refused = town.bakery.api.post("/v1/orders", &breakfast_with(card, "currency", json!("USD"))).await;
    assert_eq!(refused.problem(), (402, "insufficient_funds".into()));
}

#[tokio::test]
async fn a_merchants_balance_is_what_was_paid_and_what_is_set_aside() {
    let mut town = Town::open().await;
    let mut card = town.card(Wish::default()).await;
    let balances = || town.bakery.api.get("/v1/balances");
    assert_eq!(balances().await.json(200), json!({ "data": [] }));
    let order = breakfast(card.id);
    town.bakery.api.post("/v1/orders", &order).await.json(201);
    assert_eq!(
        balances().await.json(200),
        json!({ "data": [{ "currency": "CNY", "posted": 0, "pending": 2_000 }] })
    );
    town.agrees(&mut card, 1).await;
    town.bakery.api.post("/v1/orders", &breakfast_with(card.id, "amount", json!(500))).await.json(201);
    assert_eq!(
        balances().await.json(200),
        json!({ "data": [{ "currency": "CNY", "posted": 2_000, "pending": 500 }] })
    );
    assert_eq!(town.florist.api.get("/v1/balances").await.json(200), json!({ "data": [] }));
    assert_eq!(town.app.store().peek(|rows| rows.balance_differences()), Ok(vec![]));
}

#[tokio::test]
async fn a_card_pays_only_in_the_middle_of_its_life() {
    let mut town = Town::open().await;
    let unbound = town.card(Wish { bound: false, ..Wish::default() }).await.id;
    let short_lived = town.card(Wish { valid_millis: 1_000, ..Wish::default() }).await.id;
    let mut cases = vec![(unbound, "card_not_bound"), (short_lived, "card_expired")];
    for (event, code) in [
        (CardEvent::Freeze, "card_frozen"),
        (CardEvent::ReportLost, "card_lost"),
        (CardEvent::Expire, "card_expired"),
        (CardEvent::Close, "card_closed"),
    ] {
        let card = town.card(Wish::default()).await.id;
        town.app.card_event(card, event).await.unwrap();
        cases.push((card, code));
    }
    let given_back = town.card(Wish::default()).await.id;
    town.app.unbind_card(given_back).await.unwrap();
    cases.push((given_back, "card_not_bound"));
    town.pass(1_000);
    for (card, code) in cases {
        let refused = town.bakery.api.post("/v1/orders", &breakfast(card)).await;
        assert_eq!(refused.problem(), (409, code.into()));
    }
}

#[tokio::test]
async fn what_waits_for_a_card_is_declined_when_the_card_is_stopped() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card)).await.json(201));
    town.app.card_event(card, CardEvent::Freeze).await.unwrap();
    let declined = town.bakery.api.get(&format!("/v1/orders/{order}")).await.json(200);
    assert_eq!((&declined["state"], &declined["reason"]), (&json!("declined"), &json!("card_frozen")));
    let balances = town.bakery.api.get("/v1/balances").await.json(200);
    assert_eq!(balances["data"][0]["pending"], 0);
    assert_eq!(town.counts("payments"), [("card_frozen".to_owned(), 1)].into());
}

#[tokio::test]
async fn a_merchant_may_say_not_to_wait() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let impatient = breakfast_with(card, "when_busy", json!("refuse"));
    town.bakery.api.post("/v1/orders", &impatient).await.json(201);
    let refused = town.florist.api.post("/v1/orders", &impatient).await;
    assert_eq!(refused.problem(), (409, "card_busy".into()));
    town.florist.api.post("/v1/orders", &breakfast(card)).await.json(201);
}

#[tokio::test]
async fn only_so_many_orders_wait_for_a_card() {
    let mut town = Town::open().await;
    let with_display = town.card(Wish::default()).await.id;
    // A card without a display has four numbers to tell its orders apart by.
    let blind = town.card(Wish { has_display: false, ..Wish::default() }).await.id;
    for (card, most) in [(with_display, 8), (blind, 4)] {
        let mut first = None;
        for _ in 0..most {
            let made = town.bakery.api.post("/v1/orders", &breakfast(card)).await.json(201);
            first.get_or_insert(id_of(&made));
        }
        let refused = town.bakery.api.post("/v1/orders", &breakfast(card)).await;
        assert_eq!(refused.problem(), (409, "too_many_waiting".into()));
        town.bakery.api.cancel(&first.unwrap()).await.json(200);
        town.bakery.api.post("/v1/orders", &breakfast(card)).await.json(201);
    }
}

#[tokio::test]
async fn a_holders_cards_are_listed_with_masked_numbers() {
    let mut town = Town::open().await;
    let wish = Wish { holder: 7, ..Wish::default() };
    let mut hands = vec![town.card(wish).await, town.card(Wish { has_display: false, ..wish }).await];
    town.card(Wish { holder: 8, ..wish }).await;
    town.app.card_event(hands[1].id, CardEvent::Freeze).await.unwrap();
    let (shown, frozen) = (hands[0].id, hands[1].id);
    hands.sort_by_key(|hand| hand.id);
    let listed = town.bakery.api.get("/v1/holders/hld_0000000000000007/cards").await.json(200);
    let data = listed["data"].as_array().unwrap();
    assert_eq!(data.len(), 2);
    for (card, hand) in data.iter().zip(&hands) {
        let digits = hand.digits();
        let state = if hand.id == frozen { "frozen" } else { "active" };
        assert_eq!(
            *card,
            json!({
                "id": hand.id.to_string(), "number": format!("{}••••{}", &digits[..6], &digits[12..]),
                "has_display": hand.id == shown, "state": state,
            })
        );
    }
    let nobodys = town.bakery.api.get("/v1/holders/hld_00000000000000ff/cards").await.json(200);
    assert_eq!(nobodys, json!({ "data": [] }));
}

#[tokio::test]
async fn a_card_number_that_is_taken_is_drawn_again() {
    let mut town = Town::open().await;
    // Each card takes two draws: id and number from one, the certificate from the other.
    town.dice.load([Some(7), None, Some(7)]);
    let (first, second) = (town.card(Wish::default()).await, town.card(Wish::default()).await);
    assert_ne!(first.id, second.id);
}
