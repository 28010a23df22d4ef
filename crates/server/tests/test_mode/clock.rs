//! The test clock is the machine's and a span ahead, which only grows.

use serde_json::json;
use server::Rules;
use server::test_mode::TestRules;

use crate::town;
use crate::town::customer::Answer;
use crate::town::{EVENING, Town};

#[tokio::test]
async fn the_clock_goes_with_the_machine_s_and_is_set_ahead() {
    let town = town().await;
    let (tests, bakery) = (town.tests(), &town.tests().bakery.api);
    let clock = bakery.get("/v1/test/clock").await.json(200);
    assert_eq!(clock, json!({ "now": EVENING.0, "ahead_seconds": 0 }));
    assert_eq!(tests.advance(3_600).await, json!({ "now": EVENING.0 + 3_600_000, "ahead_seconds": 3_600 }));
    town.pass(5_000);
    let clock = bakery.get("/v1/test/clock").await.json(200);
    assert_eq!(clock, json!({ "now": EVENING.0 + 3_605_000, "ahead_seconds": 3_600 }));
    // Live money knows nothing of it.
    assert_eq!(town.app.now(), EVENING.plus(5_000));
}

#[tokio::test]
async fn a_repeated_request_sets_the_clock_ahead_once_even_if_it_leads_beyond_its_own_keeping() {
    let town = town().await;
    let bakery = &town.tests().bakery.api;
    let advance = |seconds: u32| {
        let request = bakery.request("POST", "/v1/test/clock/advance").header("Idempotency-Key", "two-days");
        Answer::to(request.json(&json!({ "seconds": seconds })))
    };
    let two_days = 2 * 86_400;
    let (first, again) = (advance(two_days).await, advance(two_days).await);
    assert_eq!(first.json(200), again.json(200));
    assert_eq!(again.header("idempotency-hit"), "true");
    assert_eq!(advance(1).await.problem(), (409, "idempotency_conflict".into()));
    assert_eq!(bakery.get("/v1/test/clock").await.json(200)["ahead_seconds"], two_days);
}

#[tokio::test]
async fn first_answers_are_forgotten_by_the_test_clock() {
    let town = town().await;
    let tests = town.tests();
    let card = tests.card(&json!({})).await;
    let make = || {
        let request = tests.bakery.api.request("POST", "/v1/orders").header("Idempotency-Key", "order-1");
        Answer::to(request.json(&crate::order(&card, 2_000)))
    };
    let first = make().await.json(201);
    assert_eq!(make().await.json(201)["id"], first["id"]);
    tests.advance(86_401).await;
    assert_ne!(make().await.json(201)["id"], first["id"]);
}

#[tokio::test]
async fn the_clock_is_set_ahead_by_no_more_than_its_limits() {
    let rules = TestRules { advance_seconds_max: 100, ahead_seconds_max: 250, ..TestRules::default() };
    let town = Town::with_test_mode(Rules::default(), rules).await;
    let (tests, bakery) = (town.tests(), &town.tests().bakery.api);
    for seconds in [json!(0), json!(101), json!(-1), json!(1.5), json!(1e30)] {
        let refused = bakery.post("/v1/test/clock/advance", &json!({ "seconds": seconds })).await;
        assert_eq!(refused.problem(), (422, "invalid_clock_step".into()));
    }
    for seconds in [json!("1"), json!(null)] {
        let refused = bakery.post("/v1/test/clock/advance", &json!({ "seconds": seconds })).await;
        assert_eq!(refused.problem(), (400, "invalid_json".into()));
    }
    tests.advance(100).await;
    tests.advance(100).await;
    let refused = bakery.post("/v1/test/clock/advance", &json!({ "seconds": 51 })).await;
    assert_eq!(refused.problem(), (409, "clock_too_far_ahead".into()));
    assert_eq!(tests.advance(50).await["ahead_seconds"], 250);
}

#[tokio::test]
async fn an_order_that_has_ended_is_forgotten_when_the_clock_says_so_and_the_books_stay() {
    let rules = TestRules { keep_days: 2, ..TestRules::default() };
    let town = Town::with_test_mode(Rules::default(), rules).await;
    let (tests, bakery) = (town.tests(), &town.tests().bakery.api);
    let card = tests.card(&json!({})).await;
    let mut made = Vec::new();
    // More than are forgotten in one unit of work.
    for _ in 0..66 {
        made.push(tests.made(&card, 100).await);
        town.pass(1_000);
    }
    let refund =
        bakery.post(&format!("/v1/orders/{}/refunds", made[0]), &json!({ "amount": 40 })).await.json(201);
    let silent = tests.card(&json!({ "otherwise": "silent" })).await;
    // The first is as old as they become.
    tests.advance(2 * 86_400 - 66).await;
    let young = tests.made(&card, 100).await;
    let waiting = tests.made(&silent, 100).await;
    for order in [&made[0], &made[65], &young, &waiting] {
        bakery.get(&format!("/v1/orders/{order}")).await.json(200);
    }
    tests.advance(66).await;
    for order in [&made[0], &made[65]] {
        let gone = bakery.get(&format!("/v1/orders/{order}")).await;
        assert_eq!(gone.problem(), (404, "no_such_order".into()));
        let page = town.public.get(&format!("/test/pay/{order}")).await;
        assert_eq!(page.status, 404);
    }
    let list = bakery.get("/v1/orders?limit=100").await.json(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    for order in [&young, &waiting] {
        bakery.get(&format!("/v1/orders/{order}")).await.json(200);
    }
    // What it moved is in the books still: balance, refund and statement.
    let balance = bakery.get("/v1/balances").await.json(200);
    assert_eq!(balance["data"][0]["posted"], 67 * 100 - 40);
    let read = bakery.get(&format!("/v1/refunds/{}", refund["id"].as_str().unwrap())).await.json(200);
    assert_eq!(read["amount"], 40);
    bakery.get("/v1/settlements").await.json(200);
    let wrong = tests.mode.app().store().peek(|rows| rows.balance_differences()).unwrap();
    assert_eq!(wrong, []);
}
