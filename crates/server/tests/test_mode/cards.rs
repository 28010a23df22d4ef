//! Software cards: what they are told, when they are pressed, whose they are.

use serde_json::json;
use server::Rules;
use server::test_mode::TestRules;

use crate::town::Town;
use crate::town::customer::Answer;
use crate::{order, town};

#[tokio::test]
async fn a_card_does_what_it_is_told_and_then_what_it_does_otherwise() {
    let town = town().await;
    let (tests, bakery) = (town.tests(), &town.tests().bakery.api);
    let wish = json!({ "name": "Lin's", "answers": ["refuse", "agree", "over_limit"], "otherwise": "fail" });
    let card = tests.card(&wish).await;
    let path = format!("/v1/test/cards/{card}");
    let read = bakery.get(&path).await.json(200);
    assert_eq!(
        (&read["name"], &read["answers"], &read["otherwise"]),
        (&wish["name"], &wish["answers"], &wish["otherwise"])
    );
    for ends in ["refused_by_holder", "paid", "over_card_limit", "failed", "failed"] {
        let made = tests.made(&card, 2_001).await;
        assert_eq!(tests.state(&made).await, ends);
    }
    assert_eq!(bakery.get(&path).await.json(200)["answers"], json!([]));
    let script = json!({ "answers": ["refuse"], "otherwise": "by_amount" });
    let put = Answer::to(bakery.request("PUT", &format!("{path}/script")).json(&script)).await.json(200);
    assert_eq!((&put["answers"], &put["otherwise"]), (&script["answers"], &script["otherwise"]));
    for ends in ["refused_by_holder", "paid"] {
        let made = tests.made(&card, 2_000).await;
        assert_eq!(tests.state(&made).await, ends);
    }
}

#[tokio::test]
async fn a_card_that_waits_is_pressed_once_for_each_order() {
    let town = town().await;
    let (tests, bakery) = (town.tests(), &town.tests().bakery.api);
    let card = tests.card(&json!({ "otherwise": "wait" })).await;
    let press = format!("/v1/test/cards/{card}/press");
    let agree = json!({ "answer": "agree" });
    assert_eq!(bakery.post(&press, &agree).await.problem(), (409, "nothing_waits".into()));
    let first = tests.made(&card, 2_003).await;
    town.pass(1);
    let second = tests.made(&card, 2_000).await;
    assert_eq!(tests.state(&first).await, "awaiting_card");
    assert_eq!(bakery.post(&press, &agree).await.json(200), json!({ "order": first, "answer": "agree" }));
    assert_eq!(
        (tests.state(&first).await.as_str(), tests.state(&second).await.as_str()),
        ("paid", "awaiting_card")
    );
    let refuse = bakery.post(&press, &json!({ "answer": "refuse" })).await.json(200);
    assert_eq!(refuse["order"], second.as_str());
    assert_eq!(tests.state(&second).await, "refused_by_holder");
    assert_eq!(bakery.post(&press, &agree).await.problem(), (409, "nothing_waits".into()));
}

#[tokio::test]
async fn a_light_that_is_on_can_be_pressed_and_an_answer_that_is_on_its_way_cannot_be_called_back() {
    let town = town().await;
    let (tests, bakery) = (town.tests(), &town.tests().bakery.api);
    for (minor, pressed) in [(2_009, Some("paid")), (2_003, Some("paid")), (2_005, None)] {
        let card = tests.card(&json!({})).await;
        let made = tests.made(&card, minor).await;
        let answer =
            bakery.post(&format!("/v1/test/cards/{card}/press"), &json!({ "answer": "agree" })).await;
        match pressed {
            Some(ends) => assert_eq!((answer.status, tests.state(&made).await.as_str()), (200, ends)),
            None => assert_eq!(answer.problem(), (409, "nothing_waits".into())),
        }
    }
}

#[tokio::test]
async fn a_card_without_a_display_is_pressed_as_often_as_the_page_says_or_wrongly() {
    let town = town().await;
    let tests = town.tests();
    for (answer, ends) in [("agree", "paid"), ("wrong_presses", "wrong_presses")] {
        // Often enough that each number of presses comes up.
        for _ in 0..12 {
            let card = tests.card(&json!({ "display": false, "otherwise": answer })).await;
            let answer = tests.order(&card, 2_000).await.json(201);
            assert_eq!(answer["counted"], true);
            assert_eq!(tests.state(answer["id"].as_str().unwrap()).await, ends);
        }
    }
}

#[tokio::test]
async fn a_holder_with_funds_of_their_own_runs_dry() {
    let town = town().await;
    let tests = town.tests();
    let card = tests.card(&json!({ "funds": { "amount": 3_000, "currency": "CNY" } })).await;
    let made = tests.made(&card, 2_000).await;
    assert_eq!(tests.state(&made).await, "paid");
    assert_eq!(tests.order(&card, 2_000).await.problem(), (402, "insufficient_funds".into()));
}

#[tokio::test]
async fn one_merchant_s_cards_are_nobody_else_s() {
    let town = town().await;
    let tests = town.tests();
    let card = tests.card(&json!({})).await;
    let florist = &tests.florist.api;
    assert_eq!(
        florist.post("/v1/orders", &order(&card, 2_000)).await.problem(),
        (404, "no_such_card".into())
    );
    let path = format!("/v1/test/cards/{card}");
    let none = (404, "no_such_test_card".to_owned());
    assert_eq!(florist.get(&path).await.problem(), none);
    assert_eq!(Answer::to(florist.request("DELETE", &path)).await.problem(), none);
    assert_eq!(florist.post(&format!("{path}/press"), &json!({ "answer": "agree" })).await.problem(), none);
    assert_eq!(Answer::to(florist.request("POST", &format!("{path}/freeze"))).await.problem(), none);
    let script = florist.request("PUT", &format!("{path}/script")).json(&json!({ "otherwise": "fail" }));
    assert_eq!(Answer::to(script).await.problem(), none);
    assert_eq!(florist.get("/v1/test/cards").await.json(200)["data"], json!([]));
    // What the florist clears away is the florist's.
    let cleared = Answer::to(florist.request("DELETE", "/v1/test/data")).await.json(200);
    assert_eq!(cleared, json!({ "orders_canceled": 0, "cards_deleted": 0 }));
    assert_eq!(tests.bakery.api.get(&path).await.json(200)["state"], "active");
}

#[tokio::test]
async fn cards_are_listed_by_pages_and_there_are_only_so_many() {
    let rules = TestRules { cards_a_merchant: 3, ..TestRules::default() };
    let town = Town::with_test_mode(Rules::default(), rules).await;
    let (tests, bakery) = (town.tests(), &town.tests().bakery.api);
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(tests.card(&json!({})).await);
    }
    made.sort();
    let fourth = bakery.post("/v1/test/cards", &json!({})).await;
    assert_eq!(fourth.problem(), (409, "too_many_test_cards".into()));
    let first = bakery.get("/v1/test/cards?limit=2").await.json(200);
    let next = first["next"].as_str().unwrap();
    let second = bakery.get(&format!("/v1/test/cards?limit=2&after={next}")).await.json(200);
    assert_eq!(second["next"], json!(null));
    let ids = |page: &serde_json::Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|card| card["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!([ids(&first), ids(&second)].concat(), made);
    // One that is deleted makes room; its open order ends with it.
    let gone = &made[0];
    let waiting = tests.made(gone, 2_003).await;
    let deleted = Answer::to(bakery.request("DELETE", &format!("/v1/test/cards/{gone}"))).await;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    assert_eq!(tests.state(&waiting).await, "card_closed");
    tests.card(&json!({})).await;
}

#[tokio::test]
async fn a_repeated_request_for_a_card_makes_no_second_one() {
    let town = town().await;
    let bakery = &town.tests().bakery.api;
    let wish = |name: &str| {
        let body = json!({ "name": name });
        Answer::to(bakery.request("POST", "/v1/test/cards").header("Idempotency-Key", "ci-1").json(&body))
    };
    let (first, again) = (wish("a").await, wish("a").await);
    assert_eq!(first.json(201), again.json(201));
    assert_eq!((first.header("idempotency-hit"), again.header("idempotency-hit")), ("", "true"));
    assert_eq!(wish("b").await.problem(), (409, "idempotency_conflict".into()));
    assert_eq!(bakery.get("/v1/test/cards").await.json(200)["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn all_that_is_open_is_cleared_away_and_what_has_ended_stays() {
    let town = town().await;
    let (tests, bakery) = (town.tests(), &town.tests().bakery.api);
    let card = tests.card(&json!({})).await;
    let (paid, open) = (tests.made(&card, 2_000).await, tests.made(&card, 2_003).await);
    let cleared = Answer::to(bakery.request("DELETE", "/v1/test/data")).await.json(200);
    assert_eq!(cleared, json!({ "orders_canceled": 1, "cards_deleted": 1 }));
    assert_eq!((tests.state(&paid).await.as_str(), tests.state(&open).await.as_str()), ("paid", "canceled"));
    assert_eq!(bakery.get("/v1/test/cards").await.json(200)["data"], json!([]));
}

#[tokio::test]
async fn what_is_no_wish_is_refused_by_name() {
    let town = town().await;
    let bakery = &town.tests().bakery.api;
    let too_many = vec!["agree"; 101];
    for (wish, code) in [
        (json!({ "answers": ["maybe"] }), "invalid_test_answer"),
        (json!({ "otherwise": "sometimes" }), "invalid_test_answer"),
        (json!({ "answers": too_many }), "too_many_answers"),
        (json!({ "name": "x".repeat(65) }), "invalid_name"),
        (json!({ "funds": { "amount": 0, "currency": "CNY" } }), "amount_zero"),
        (json!({ "funds": { "amount": 1, "currency": "XXX" } }), "unknown_currency"),
    ] {
        assert_eq!(bakery.post("/v1/test/cards", &wish).await.problem(), (422, code.into()), "{wish}");
    }
    let unknown = bakery.post("/v1/test/cards", &json!({ "colour": "red" })).await;
    assert_eq!(unknown.problem(), (400, "invalid_json".into()));
    let card = bakery.get("/v1/test/cards/ord_1").await;
    assert_eq!(card.problem(), (422, "invalid_card_id".into()));
    assert_eq!(bakery.get("/v1/test/cards?limit=0").await.problem(), (400, "invalid_query".into()));
}
