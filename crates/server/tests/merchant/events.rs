//! What happens to an order, as a stream.

use serde_json::{Value, json};

use crate::town::customer::Told;
use crate::town::{Town, Wish};
use crate::{breakfast, id_of};

fn kinds(told: &[Told]) -> Vec<&str> {
    told.iter().map(|told| told.event.as_str()).collect()
}

#[tokio::test]
async fn an_order_is_followed_to_its_end() {
    let mut town = Town::open().await;
    let mut card = town.card(Wish::default()).await;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    let path = format!("/v1/orders/{order}/events");
    let mut stream = town.bakery.api.follow(&path, None).await;
    let first = stream.next().await.unwrap();
    assert_eq!(first.event, "order.awaiting_card");
    let data: Value = serde_json::from_str(&first.data).unwrap();
    let at = town.app.now().0;
    assert_eq!(data, json!({ "kind": "order.awaiting_card", "order": order, "at": at }));

    town.prompts(&mut card).await;
    let second = stream.next().await.unwrap();
    assert_eq!(second.event, "order.processing");
    let result = card.agree(1);
    town.hears(&result).await.unwrap();
    let third = stream.next().await.unwrap();
    assert_eq!(third.event, "order.paid");
    assert_eq!(stream.next().await, None, "the stream ends when the order has");

    let sequence = [&first, &second, &third].map(|told| told.id.parse::<i64>().unwrap());
    assert!(sequence.is_sorted_by(|one, next| one < next));

    // Whoever was cut off goes on where they were.
    for (after, missed) in [(None, 3), (Some(&first), 2), (Some(&second), 1), (Some(&third), 0)] {
        let after = after.map(|told| told.id.as_str());
        let all = town.bakery.api.follow(&path, after).await.rest().await;
        assert_eq!(kinds(&all), ["order.awaiting_card", "order.processing", "order.paid"][3 - missed..]);
    }
    let unknown = town.bakery.api.follow(&path, Some("yesterday")).await.rest().await;
    assert_eq!(unknown.len(), 3, "an id that is none is as good as no id");
}

#[tokio::test]
async fn a_stream_is_of_one_order_only() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let ours = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card)).await.json(201));
    let other = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card)).await.json(201));
    let stream = town.bakery.api.follow(&format!("/v1/orders/{ours}/events"), None).await;
    town.bakery.api.cancel(&other).await.json(200);
    town.bakery.api.cancel(&ours).await.json(200);
    assert_eq!(kinds(&stream.rest().await), ["order.awaiting_card", "order.canceled"]);
}

#[tokio::test]
async fn an_order_that_lapses_is_told_of_and_counted_even_if_its_card_comes_at_that_moment() {
    let mut town = Town::open().await;
    let mut card = town.card(Wish::default()).await;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    let mut stream = town.bakery.api.follow(&format!("/v1/orders/{order}/events"), None).await;
    assert_eq!(stream.next().await.unwrap().event, "order.awaiting_card");
    town.pass(180_000);
    // The hello is between the end of the order's time and the sweep that ends it.
    let hello = card.press();
    town.hears(&hello).await;
    town.app.lapse().await.unwrap();
    assert_eq!(kinds(&stream.rest().await), ["order.expired"]);
    assert_eq!(town.counts("payments"), [("expired".to_owned(), 1)].into());
}

#[tokio::test]
async fn a_question_that_lapsed_does_not_stand_in_the_way_of_a_push() {
    let mut town = Town::open().await;
    let mut pushes = town.pushes();
    let mut card = town.card(Wish { listens: true, ..Wish::default() }).await;
    town.order(card.id, 2_000).await;
    town.prompts(&mut card).await;
    // The card loses its power under the question, and comes again after its end and before the sweep.
    card.restart();
    town.pass(200_000);
    let hello = card.press();
    let clock = town.hears(&hello).await.unwrap();
    card.hear(&clock);
    town.app.lapse().await.unwrap();
    // It knows the time now, and says so.
    let hello = card.press();
    assert_eq!(town.hears(&hello).await, None, "nothing waits");
    let next = town.order(card.id, 2_000).await;
    let push = crate::town::soon("the push", pushes.recv()).await.unwrap();
    assert_eq!(push.order, next);
}

#[tokio::test]
async fn not_me_is_told_to_everybody_who_waits_for_the_card() {
    let mut town = Town::open().await;
    let mut card = town.card(Wish::default()).await;
    let ours = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    town.pass(1);
    let theirs = id_of(&town.florist.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    let first = town.bakery.api.follow(&format!("/v1/orders/{ours}/events"), None).await;
    let second = town.florist.api.follow(&format!("/v1/orders/{theirs}/events"), None).await;
    town.prompts(&mut card).await;
    let result = card.not_me();
    town.hears(&result).await.unwrap();
    let all = ["order.awaiting_card", "order.processing", "order.declined"];
    assert_eq!(kinds(&first.rest().await), all);
    assert_eq!(kinds(&second.rest().await), ["order.awaiting_card", "order.declined"]);
    assert_eq!(town.state(ours.parse().unwrap()), "not_me");
    assert_eq!(town.state(theirs.parse().unwrap()), "card_frozen");
    let counted = [("card_frozen".to_owned(), 1), ("not_me".to_owned(), 1)];
    assert_eq!(town.counts("payments"), counted.into());
}
