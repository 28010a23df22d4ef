//! Webhooks of the test mode: what is sent again waits for the test clock, and not for the machine's.

use serde_json::json;
use server::Rules;
use server::test_mode::TestRules;
use server::webhooks::{Settings, Webhooks};
use webhook::{DeliveryState, EndpointId};

use crate::receiver::{Receiver, Reply};
use crate::text;
use crate::town::{EVENING, PUBLIC_URL, Town, soon};

#[tokio::test]
async fn a_clock_that_is_set_ahead_of_an_attempt_s_time_makes_the_attempt() {
    let town = Town::with_test_mode(Rules::default(), TestRules::default()).await;
    let (tests, app) = (town.tests(), town.tests().mode.app());
    let mut shop = Receiver::answering([Reply::Status(500), Reply::Status(500)]).await;
    let wish = json!({ "url": shop.url(), "kinds": ["order.paid"] });
    let made = tests.bakery.api.post("/v1/webhook_endpoints", &wish).await.json(201);
    let courier = Webhooks::start(app.clone(), None, PUBLIC_URL, &Settings::default()).unwrap();
    let id: EndpointId = text(&made, "id").parse().unwrap();
    let kept = async |attempts: u32, is: fn(DeliveryState) -> bool| {
        soon("what came of an attempt", async {
            loop {
                let found = app.store().peek(|rows| rows.webhook_deliveries(id, None, 2)).unwrap();
                if found.len() == 1 && found[0].delivery.attempts == attempts && is(found[0].delivery.state) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
        .await;
    };
    let waits = |state| matches!(state, DeliveryState::Pending { .. });

    let card = tests.bakery.api.post("/v1/test/cards", &json!({})).await.json(201);
    let order = json!({ "amount": 2_000, "currency": "CNY", "card": card["id"], "place": "Market Street 1" });
    let order = tests.bakery.api.post("/v1/orders", &order).await.json(201);
    let advance = async |seconds: u32| {
        let body = json!({ "seconds": seconds });
        tests.bakery.api.post("/v1/test/clock/advance", &body).await.json(200);
    };
    let first = shop.hears().await;
    assert_eq!((&first.json()["data"]["id"], &first.json()["data"]["state"]), (&order["id"], &json!("paid")));
    kept(1, waits).await;
    // 5 seconds and a tenth at most, then 5 minutes: the machine's clock stands all the while.
    advance(6).await;
    let second = shop.hears().await;
    kept(2, waits).await;
    advance(331).await;
    let third = shop.hears().await;
    kept(3, |state| matches!(state, DeliveryState::Delivered { .. })).await;
    for heard in [&first, &second, &third] {
        assert_eq!((&heard.id, &heard.body), (&first.id, &first.body));
        // Whoever verifies it goes by their own clock.
        assert!(heard.is_by(text(&made, "secret"), EVENING));
    }
    courier.stop().await;
    assert!(shop.also_heard().is_empty());
}
