//! Two nodes on one test database: a card does one thing at a time, whoever has it act.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use server::test_mode::TestRules;

use crate::town;

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_two_nodes_have_act_at_once_does_each_thing_once_and_in_its_order() {
    const ORDERS: usize = 40;
    let town = town().await;
    let tests = town.tests();
    let other = town.open_test_mode(TestRules::default()).await.unwrap();
    let answers = ["agree", "refuse", "not_me", "fail", "wrong_presses", "repeat"];
    let ends = ["paid", "refused_by_holder", "not_me", "failed", "wrong_presses", "paid"];
    // The other one looks for what is to be done as fast as it can.
    let stop = Arc::new(AtomicBool::new(false));
    let turning = tokio::spawn({
        let (other, stop) = (other.clone(), Arc::clone(&stop));
        async move {
            let mut turns = 0_u32;
            while !stop.load(Ordering::SeqCst) {
                other.turn().await.unwrap();
                turns += 1;
            }
            turns
        }
    });
    let card = tests.card(&json!({ "display": false })).await;
    let mut paid = 0;
    for number in 0..ORDERS {
        let which = number % answers.len();
        let script = json!({ "answers": [answers[which], "silent"], "otherwise": "silent" });
        let request = tests.bakery.api.request("PUT", &format!("/v1/test/cards/{card}/script"));
        crate::town::customer::Answer::to(request.json(&script)).await.json(200);
        let order = tests.made(&card, 2_000).await;
        assert_eq!(tests.state(&order).await, ends[which], "order {number}");
        if ends[which] == "paid" {
            paid += 2_000;
        }
        if ends[which] == "not_me" {
            let unfreeze = format!("/v1/test/cards/{card}/unfreeze");
            tests.bakery.api.post(&unfreeze, &json!({})).await.json(200);
        }
    }
    stop.store(true, Ordering::SeqCst);
    assert!(turning.await.unwrap() > 0);
    let balance = tests.bakery.api.get("/v1/balances").await.json(200);
    assert_eq!(balance["data"][0]["posted"], paid);
}
