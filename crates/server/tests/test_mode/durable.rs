//! What a test mode has begun it goes on with after a stop.

use payment::{TestAnswer, TestHabit};
use serde_json::json;
use server::test_mode::TestRules;
use store::{StoreError, TestTask};

use crate::town;

#[tokio::test]
async fn the_clock_stays_ahead_after_a_restart() {
    let town = town().await;
    let ahead = town.tests().advance(3_600).await["now"].as_i64().unwrap();
    // Another handle on the same database: what is durable is there.
    let again = town.open_test_mode(TestRules::default()).await.unwrap();
    assert_eq!(again.app().now().0, ahead);
    // And what one node does another follows.
    town.tests().advance(60).await;
    assert_eq!(again.app().now().0, ahead);
    again.turn().await.unwrap();
    assert_eq!(again.app().now().0, ahead + 60_000);
}

#[tokio::test]
async fn a_card_that_was_stopped_on_its_way_does_again_what_it_had_begun() {
    let town = town().await;
    let tests = town.tests();
    let card = tests.card(&json!({ "otherwise": "wait" })).await;
    let id: model::CardId = card.parse().unwrap();
    let made = tests.made(&card, 2_000).await;
    // Stopped between its choice and its first frame.
    let order = made.parse().unwrap();
    let kept = tests.mode.app().store().write::<(), StoreError, _>(move |unit| {
        let mut test = unit.test_card(id)?.unwrap();
        test.task = Some(TestTask { order, answer: TestAnswer::Refuse, done: false });
        test.habit = TestHabit::Always(TestAnswer::Agree);
        unit.put_test_card(&test)
    });
    kept.await.unwrap();
    tests.mode.turn().await.unwrap();
    assert_eq!(tests.state(&made).await, "refused_by_holder");
    // A turn finds nothing more to do.
    tests.mode.turn().await.unwrap();
    let work = tests.mode.app().store().peek(|rows| rows.test_cards_to_act(None, 10)).unwrap();
    assert!(work.is_empty());
}

#[tokio::test]
async fn what_an_order_waits_for_is_no_work_until_it_comes() {
    let town = town().await;
    let tests = town.tests();
    for (wish, minor) in
        [(json!({}), 2_003), (json!({}), 2_005), (json!({}), 2_009), (json!({ "otherwise": "wait" }), 2_000)]
    {
        let card = tests.card(&wish).await;
        tests.made(&card, minor).await;
    }
    let work = || tests.mode.app().store().peek(|rows| rows.test_cards_to_act(None, 10)).unwrap();
    assert_eq!(work(), []);
    town.pass(400_000);
    while tests.mode.app().lapse().await.unwrap() > 0 {}
    assert_eq!(work().len(), 1, "the late answer is to be brought");
    tests.mode.turn().await.unwrap();
    assert_eq!(work(), []);
}
