//! Test data and live money never meet.

use serde_json::json;
use server::test_mode::{TestModeError, TestRules, is_live};

use crate::town::customer::Answer;
use crate::town::parts::Dice;
use crate::town::{PUBLIC_URL, Wish, test_mode};
use crate::{order, town};

#[tokio::test]
async fn a_test_key_sees_nothing_of_live_money_and_a_live_key_nothing_of_test_data() {
    let mut town = town().await;
    let live_card = town.card(Wish::default()).await;
    let live = town.bakery.api.post("/v1/orders", &order(&live_card.id.to_string(), 2_000)).await.json(201);
    let live = live["id"].as_str().unwrap();
    let tests = town.tests();
    let card = tests.card(&json!({})).await;
    let made = tests.made(&card, 2_000).await;
    assert_eq!(tests.state(&made).await, "paid");
    // Neither finds the other's orders or cards, by any way.
    for (api, foreign, foreign_card) in
        [(&tests.bakery.api, live, live_card.id.to_string()), (&town.bakery.api, made.as_str(), card.clone())]
    {
        let path = format!("/v1/orders/{foreign}");
        let none = (404, "no_such_order".to_owned());
        assert_eq!(api.get(&path).await.problem(), none);
        assert_eq!(api.cancel(foreign).await.problem(), none);
        assert_eq!(api.post(&format!("{path}/refunds"), &json!({})).await.problem(), none);
        let refused = api.post("/v1/orders", &order(&foreign_card, 100)).await;
        assert_eq!(refused.problem(), (404, "no_such_card".into()));
        let list = api.get("/v1/orders").await.json(200);
        assert_eq!(list["data"].as_array().unwrap().len(), 1);
        assert_ne!(list["data"][0]["id"], foreign);
    }
    // No live row came of the test payment: neither money nor card.
    let (cards, transfers) =
        town.app.store().peek(|rows| Ok((rows.card_count()?, rows.transfer_counts()?))).unwrap();
    assert_eq!((cards, transfers), (1, [1, 1, 0, 0]), "one pending reservation, one funding");
    assert_eq!(town.bakery.api.get("/v1/balances").await.json(200)["data"][0]["posted"], 0);
}

#[tokio::test]
async fn a_page_of_the_test_mode_says_so_and_stands_beside_live_ones() {
    let mut town = town().await;
    let live_card = town.card(Wish::default()).await;
    let live = town.bakery.api.post("/v1/orders", &order(&live_card.id.to_string(), 2_000)).await.json(201);
    let tests = town.tests();
    let card = tests.card(&json!({ "otherwise": "wait" })).await;
    let made = tests.order(&card, 2_000).await.json(201);
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["pay_url"], format!("{PUBLIC_URL}/test/pay/{id}"));
    let path = format!("/test/pay/{id}");
    for (language, says) in [("en", "Test mode."), ("zh", "测试模式。")] {
        let page = town.public.get(&format!("{path}?lang={language}")).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains(says));
        assert!(page.body.contains(&format!("sse-connect=\"{path}/live")));
        assert!(page.body.contains(&format!("action=\"{path}/cancel\"")));
        let page = town.public.get(&format!("/pay/{}?lang={language}", live["id"].as_str().unwrap())).await;
        assert!(page.status == 200 && !page.body.contains(says) && !page.body.contains("/test/pay"));
    }
    assert_eq!(town.public.get(&format!("/pay/{id}")).await.status, 404);
    assert_eq!(town.public.get(&format!("/test/pay/{}", live["id"].as_str().unwrap())).await.status, 404);
    // Whoever looks sees it paid, and is told.
    let mut follows = tests.bakery.api.follow(&format!("/v1/orders/{id}/events"), None).await;
    let mut looks = town.public.follow(&format!("{path}/live"), None).await;
    assert_eq!(looks.next().await.unwrap().event, "order");
    assert_eq!(follows.next().await.unwrap().event, "order.awaiting_card");
    let press = format!("/v1/test/cards/{card}/press");
    assert_eq!(tests.bakery.api.post(&press, &json!({ "answer": "agree" })).await.status, 200);
    let told: Vec<String> = follows.rest().await.into_iter().map(|told| told.event).collect();
    assert_eq!(told.last().map(String::as_str), Some("order.paid"));
    assert_eq!(looks.rest().await.last().unwrap().event, "end");
}

#[tokio::test]
async fn a_buyer_takes_an_order_back_on_its_page() {
    let town = town().await;
    let tests = town.tests();
    let card = tests.card(&json!({ "otherwise": "wait" })).await;
    let made = tests.made(&card, 2_000).await;
    let path = format!("/test/pay/{made}");
    let canceled = Answer::to(town.public.request("POST", &format!("{path}/cancel"))).await;
    assert_eq!((canceled.status, canceled.header("location")), (303, path.as_str()));
    assert_eq!(tests.state(&made).await, "canceled");
}

#[tokio::test]
async fn a_database_is_of_live_money_or_of_test_data_for_ever() {
    let town = town().await;
    // One that a test mode began holds no live money.
    assert_eq!(is_live(town.tests().mode.app().store()), Err(TestModeError::TestData));
    assert_eq!(is_live(town.app.store()), Ok(()));
    // One of live money takes no test data, though it is opened as such.
    let (path, rules) = (town.database(), TestRules::default());
    let refused = test_mode(&path, town.clock.clone(), Dice::default(), rules).await.err();
    assert_eq!(refused, Some(TestModeError::LiveData));
    assert_eq!(is_live(town.app.store()), Ok(()), "and nothing was begun in it");
}
