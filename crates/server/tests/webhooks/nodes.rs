//! Several couriers on one database.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use server::webhooks::Settings;
use tokio::sync::Notify;

use crate::receiver::{Receiver, Reply};
use crate::town::{Town, soon};
use crate::{becomes, desk, endpoint, text};

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

/// How many parts are a node's, as the database says.
fn parts(town: &Town, node: &str) -> usize {
    let leases = town.app.store().peek(|rows| Ok((rows.leases()?, rows.database_clock()?)));
    let (leases, now) = leases.unwrap();
    leases.iter().filter(|lease| lease.node == node && lease.until > now).count()
}

async fn has_parts(town: &Town, node: &str, count: usize) {
    soon(&format!("{count} parts of {node}"), async {
        while parts(town, node) != count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_part_goes_to_a_node_that_joins_only_when_what_is_on_its_way_there_is_kept() {
    let town = desk().await;
    let answer = Arc::new(Notify::new());
    let mut shop = Receiver::answering([Reply::When(Arc::clone(&answer), 204)]).await;
    // One whose part will be the other's.
    let made = loop {
        let made = endpoint(&town.bakery.api, &shop.url()).await;
        if text(&made, "id").ends_with(['4', '5', '6', '7', 'c', 'd', 'e', 'f']) {
            break made;
        }
    };
    let patient = Settings { answer_wait: Duration::from_secs(600), ..Settings::default() };
    let (north, north_beats) = town.node("north");
    let first = town.courier_of(&north, &patient);
    several(&town, &made, 1).await;
    let mut ids = HashSet::new();
    hear(&mut shop, &mut ids, 1).await;

    let (south, south_beats) = town.node("south");
    let second = town.courier_of(&south, &patient);
    has_parts(&town, "south", 3).await;
    // What is made now waits for whoever has the part next; it could not begin earlier where it is.
    several(&town, &made, 1).await;
    assert_eq!(parts(&town, "north"), 5, "the one that is busy stays");
    assert!(shop.also_heard().is_empty());
    answer.notify_one();
    has_parts(&town, "south", 4).await;
    assert_eq!(parts(&town, "north"), 4);
    hear(&mut shop, &mut ids, 1).await;
    let log = format!("/v1/webhook_endpoints/{}/deliveries", text(&made, "id"));
    // The clock stands: which of the two is the newest is by their ids.
    let are_kept = |page: &serde_json::Value| {
        page["data"].as_array().unwrap().iter().all(|delivery| delivery["state"] == "delivered")
    };
    let page = becomes(&town.bakery.api, &log, are_kept).await;
    for delivery in page["data"].as_array().unwrap() {
        assert_eq!(delivery["attempts"], 1, "{delivery}");
    }

    // A node that goes away leaves its share to the other.
    second.stop().await;
    has_parts(&town, "north", 8).await;
    several(&town, &made, 1).await;
    hear(&mut shop, &mut ids, 1).await;
    first.stop().await;
    assert_eq!(parts(&town, "north"), 0);
    assert!(shop.also_heard().is_empty());
    north_beats.abort();
    south_beats.abort();
}
