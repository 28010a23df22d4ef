//! Several couriers on one database.

use std::collections::HashSet;

use server::webhooks::Settings;

use crate::receiver::Receiver;
use crate::town::Town;
use crate::{desk, endpoint, text};

async fn several(town: &Town, endpoint: &serde_json::Value, count: usize) {
    let id = text(endpoint, "id").parse().unwrap();
    for _ in 0..count {
        town.app.test_webhook(None, id).await.unwrap();
    }
}

async fn hear(shop: &mut Receiver, ids: &mut HashSet<String>, count: usize) {
    for _ in 0..count {
        let heard = shop.hears().await;
        assert!(ids.insert(heard.id), "a message was sent twice");
    }
}

#[tokio::test]
async fn two_couriers_send_each_message_once_and_one_goes_on_where_the_other_stopped() {
    let town = desk().await;
    let mut shop = Receiver::answering([]).await;
    let mut endpoints = Vec::new();
    for _ in 0..4 {
        endpoints.push(endpoint(&town.bakery.api, &shop.url()).await);
    }
    let (first, second) = (town.courier(&Settings::default()), town.courier(&Settings::default()));
    let mut ids = HashSet::new();
    for endpoint in &endpoints {
        several(&town, endpoint, 20).await;
    }
    hear(&mut shop, &mut ids, 80).await;
    // What comes while the one stops is sent by the other: the clock stands, so that no lease ends by itself.
    first.stop().await;
    for endpoint in &endpoints {
        several(&town, endpoint, 20).await;
    }
    hear(&mut shop, &mut ids, 80).await;
    second.stop().await;
    assert!(shop.also_heard().is_empty());
}

#[tokio::test]
async fn a_courier_that_is_dropped_stops_as_well() {
    let town = desk().await;
    let mut shop = Receiver::answering([]).await;
    let made = endpoint(&town.bakery.api, &shop.url()).await;
    drop(town.courier(&Settings::default()));
    several(&town, &made, 1).await;
    // Only a further one sends it, as soon as the first has given up its parts.
    let courier = town.courier(&Settings::default());
    hear(&mut shop, &mut HashSet::new(), 1).await;
    courier.stop().await;
    assert!(shop.also_heard().is_empty());
}
