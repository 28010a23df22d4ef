//! What becomes of an order is said by the last two digits of its amount.

use serde_json::json;

use crate::town::customer::Answer;
use crate::{order, town};

#[tokio::test]
async fn an_order_has_ended_as_its_amount_says_when_its_answer_comes() {
    let town = town().await;
    let tests = town.tests();
    for (minor, ends) in [
        (2_000, "paid"),
        (2_001, "refused_by_holder"),
        (2_006, "paid"),
        (2_007, "failed"),
        (2_008, "over_card_limit"),
        (2_010, "paid"),
        (2_099, "paid"),
        (1, "refused_by_holder"),
        (4_294_967_200, "paid"),
    ] {
        let card = tests.card(&json!({})).await;
        let made = tests.made(&card, minor).await;
        assert_eq!(tests.state(&made).await, ends, "{minor}");
    }
    // Of what ended otherwise nothing is left set aside.
    let books = tests.mode.app().store().peek(|rows| rows.totals()).unwrap();
    assert!(books.iter().all(|of| of.pending_in == 0 && of.pending_out == 0));
    let balance = tests.bakery.api.get("/v1/balances").await.json(200);
    assert_eq!(balance["data"][0]["posted"], 2_000 + 2_006 + 2_010 + 2_099 + 4_294_967_200_i64);
}

#[tokio::test]
async fn one_card_pays_many_orders_one_after_the_other() {
    let town = town().await;
    let tests = town.tests();
    let card = tests.card(&json!({})).await;
    for minor in [2_000, 2_001, 300, 2_006, 2_007, 999] {
        let made = tests.made(&card, minor).await;
        let ends = match minor {
            2_001 => "refused_by_holder",
            2_007 => "failed",
            _ => "paid",
        };
        assert_eq!(tests.state(&made).await, ends, "{minor}");
    }
}

#[tokio::test]
async fn an_amount_that_the_holder_lacks_is_refused_before_a_card_is_asked() {
    let town = town().await;
    let tests = town.tests();
    let card = tests.card(&json!({})).await;
    assert_eq!(tests.order(&card, 2_002).await.problem(), (402, "insufficient_funds".into()));
    let list = tests.bakery.api.get("/v1/orders").await.json(200);
    assert_eq!(list["data"], json!([]));
}

#[tokio::test]
async fn not_me_freezes_the_card_until_it_is_unfrozen() {
    let town = town().await;
    let (tests, bakery) = (town.tests(), &town.tests().bakery.api);
    let card = tests.card(&json!({})).await;
    let made = tests.made(&card, 2_004).await;
    assert_eq!(tests.state(&made).await, "not_me");
    let path = format!("/v1/test/cards/{card}");
    assert_eq!(bakery.get(&path).await.json(200)["state"], "frozen");
    assert_eq!(tests.order(&card, 2_000).await.problem(), (409, "card_frozen".into()));
    let thawed = Answer::to(bakery.request("POST", &format!("{path}/unfreeze"))).await.json(200);
    assert_eq!(thawed["state"], "active");
    let made = tests.made(&card, 2_000).await;
    assert_eq!(tests.state(&made).await, "paid");
}

#[tokio::test]
async fn a_silent_card_s_order_waits_for_the_clock_and_then_lapses() {
    let town = town().await;
    let tests = town.tests();
    let card = tests.card(&json!({})).await;
    let made = tests.made(&card, 2_003).await;
    assert_eq!(tests.state(&made).await, "awaiting_card");
    tests.advance(179).await;
    assert_eq!(tests.state(&made).await, "awaiting_card");
    tests.advance(1).await;
    assert_eq!(tests.state(&made).await, "expired");
    // The card is free again.
    let made = tests.made(&card, 2_000).await;
    assert_eq!(tests.state(&made).await, "paid");
}

#[tokio::test]
async fn a_light_that_nobody_presses_goes_out() {
    let town = town().await;
    let tests = town.tests();
    let card = tests.card(&json!({})).await;
    let made = tests.made(&card, 2_009).await;
    assert_eq!(tests.state(&made).await, "processing");
    tests.advance(200).await;
    assert_eq!(tests.state(&made).await, "expired");
}

#[tokio::test]
async fn a_late_answer_changes_nothing_and_is_kept_as_evidence() {
    let town = town().await;
    let tests = town.tests();
    let card = tests.card(&json!({})).await;
    let made = tests.made(&card, 2_005).await;
    assert_eq!(tests.state(&made).await, "processing");
    let evidence = || {
        let of = made.parse().unwrap();
        tests.mode.app().store().peek(|rows| rows.authorization_of_order(of)).unwrap().unwrap().evidence
    };
    assert!(evidence().decision.is_none());
    tests.advance(200).await;
    assert_eq!(tests.state(&made).await, "expired");
    assert!(matches!(evidence().decision, Some(model::Decision::Agreed { presses: 1 })));
    assert!(!evidence().receipt.is_empty());
    let balance = tests.bakery.api.get("/v1/balances").await.json(200);
    assert_eq!(balance["data"][0]["posted"], 0);
    // It was brought once, and the card goes on.
    tests.mode.turn().await.unwrap();
    let made = tests.made(&card, 2_000).await;
    assert_eq!(tests.state(&made).await, "paid");
}

#[tokio::test]
async fn what_waits_behind_a_silent_order_is_answered_when_that_one_has_lapsed() {
    let town = town().await;
    let tests = town.tests();
    let card = tests.card(&json!({})).await;
    let silent = tests.made(&card, 2_003).await;
    let mut behind = order(&card, 2_000);
    behind["lifetime_seconds"] = json!(3_600);
    let behind = tests.bakery.api.post("/v1/orders", &behind).await.json(201)["id"].clone();
    let behind = behind.as_str().unwrap();
    assert_eq!(tests.state(behind).await, "awaiting_card");
    tests.advance(180).await;
    assert_eq!(
        (tests.state(&silent).await.as_str(), tests.state(behind).await.as_str()),
        ("expired", "paid")
    );
}

#[tokio::test]
async fn refunds_and_settlements_are_as_with_live_money() {
    let town = town().await;
    let (tests, bakery) = (town.tests(), &town.tests().bakery.api);
    let card = tests.card(&json!({})).await;
    let made = tests.made(&card, 2_000).await;
    let refund =
        bakery.post(&format!("/v1/orders/{made}/refunds"), &json!({ "amount": 500 })).await.json(201);
    assert_eq!(refund["refunded"], 500);
    assert_eq!(bakery.get("/v1/settlements").await.json(200)["data"], json!([]));
    // A day later the day is closed, as its operator would have closed it.
    tests.advance(86_400).await;
    let days = bakery.get("/v1/settlements").await.json(200);
    assert_eq!(days["data"][0]["closing"], 1_500, "{days}");
}
