//! What is old is forgotten.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use server::webhooks::Settings;

use crate::receiver::Receiver;
use crate::town::{Town, soon};
use crate::{desk, endpoint, text};

/// More than two portions.
const MANY: usize = 150;
const DAY: i64 = 86_400_000;

fn rows(town: &Town, table: &str) -> usize {
    let connection = Connection::open(town.database()).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection.query_row(&format!("select count(*) from {table}"), [], |row| row.get(0)).unwrap()
}

async fn has_rows(town: &Town, table: &str, is: impl Fn(usize) -> bool) {
    soon(table, async {
        while !is(rows(town, table)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn messages_of_more_than_thirty_days_ago_are_forgotten_portion_after_portion_and_at_once() {
    let town = desk().await;
    let mut shop = Receiver::answering([]).await;
    let made = endpoint(&town.bakery.api, &shop.url()).await;
    let tell = async || town.app.test_webhook(None, text(&made, "id").parse().unwrap()).await.unwrap();
    // One portion each time that it is looked would take three times as long.
    let forget_every = Duration::from_secs(6);
    let courier = town.courier(&Settings { forget_every, ..Settings::default() });
    for _ in 0..MANY {
        tell().await;
    }
    for _ in 0..MANY {
        shop.hears().await;
    }
    has_rows(&town, "webhook_attempt", |count| count == MANY).await;
    town.pass(31 * DAY);
    tell().await;
    shop.hears().await;
    has_rows(&town, "webhook_attempt", |count| count <= MANY).await;
    let began = Instant::now();
    has_rows(&town, "webhook_message", |count| count == 1).await;
    assert!(began.elapsed() < forget_every, "{:?}", began.elapsed());
    has_rows(&town, "webhook_delivery where state = 'delivered'", |count| count == 1).await;
    has_rows(&town, "webhook_attempt", |count| count == 1).await;
    // What is of today stays.
    tokio::time::sleep(forget_every).await;
    assert_eq!(rows(&town, "webhook_message"), 1);
    courier.stop().await;
    assert!(shop.also_heard().is_empty());
}
