//! Webhooks' secrets stand in the database sealed: under which key, for which row, and what happens where one does not open.

use std::time::{Duration, Instant};

use crypto::SecretKeyId;
use rusqlite::Connection;
use serde_json::{Value, json};
use server::Actor;
use server::secrets::{SEALED_AT_ONCE, SecretRefused, WIPE_PAUSE, Wiping};
use server::webhooks::Settings;
use store::StoreError;
use webhook::Secret;

use crate::receiver::Receiver;
use crate::town::keys::{Keys, database_key};
use crate::town::{EVENING, Town, soon};
use crate::{desk, endpoint, text};

async fn test(town: &Town, endpoint: &Value) {
    town.app.test_webhook(None, text(endpoint, "id").parse().unwrap()).await.unwrap();
}

/// The next message is by this endpoint's secret.
async fn hears_by(shop: &mut Receiver, endpoint: &Value) {
    let heard = shop.hears().await;
    assert!(heard.is_by(text(endpoint, "secret"), EVENING), "{heard:?}");
}

fn bytes_of(endpoint: &Value) -> Vec<u8> {
    text(endpoint, "secret").parse::<Secret>().unwrap().expose_to_key_store().to_vec()
}

fn raw(town: &Town) -> Connection {
    Connection::open(town.database()).unwrap()
}

fn secret_rows(town: &Town) -> Vec<(Vec<u8>, Vec<u8>, Option<String>)> {
    let raw = raw(town);
    let mut rows =
        raw.prepare("select endpoint, secret, sealed_by from webhook_secret order by endpoint").unwrap();
    let found = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    found.collect::<Result<_, _>>().unwrap()
}

/// As an earlier version left it.
fn put_in_clear(town: &Town, endpoint: &[u8], secret: &[u8]) {
    let sql = "update webhook_secret set secret = ?, sealed_by = null where endpoint = ?";
    assert_eq!(raw(town).execute(sql, (secret, endpoint)).unwrap(), 1);
}

/// Whether these bytes stand anywhere in the database's files.
fn holds(town: &Town, bytes: &[u8]) -> bool {
    let file = town.database();
    let mut log = file.clone().into_os_string();
    log.push("-wal");
    [file, log.into()].into_iter().any(|path| {
        let content = std::fs::read(path).unwrap_or_default();
        content.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[tokio::test]
async fn a_secret_stands_in_the_database_sealed_and_signs() {
    let town = desk().await;
    let mut shop = Receiver::answering([]).await;
    let made = endpoint(&town.bakery.api, &shop.url()).await;
    assert!(!holds(&town, &bytes_of(&made)));
    let rows = secret_rows(&town);
    assert_eq!(rows[0].2.as_deref(), Some("secrets-1"));
    assert!(rows[0].1.starts_with(b"\x01\x09secrets-1"), "version, and which key");
    let courier = town.courier(&Settings::default());
    test(&town, &made).await;
    hears_by(&mut shop, &made).await;
    courier.stop().await;
}

#[tokio::test]
async fn a_secret_that_was_moved_to_another_row_is_refused_by_name_and_others_are_sent() {
    let town = desk().await;
    let mut shop = Receiver::answering([]).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(endpoint(&town.bakery.api, &shop.url()).await);
    }
    let rows = secret_rows(&town);
    let put = |row: usize, secret: usize| {
        let sql = "update webhook_secret set secret = ? where endpoint = ?";
        assert_eq!(raw(&town).execute(sql, (&rows[secret].1, &rows[row].0)).unwrap(), 1);
    };
    put(0, 1);
    put(1, 0);
    let unopened = town.app.store().peek(|rows| town.app.secrets().unopened(rows, 9)).unwrap();
    let moved: Vec<_> =
        made[..2].iter().map(|made| format!("the webhook endpoint {}, number 1", text(made, "id"))).collect();
    assert_eq!(unopened, moved);
    let courier = town.courier(&Settings::default());
    for endpoint in &made {
        test(&town, endpoint).await;
    }
    hears_by(&mut shop, &made[2]).await;
    test(&town, &made[2]).await;
    hears_by(&mut shop, &made[2]).await;
    // Back in its row it opens, and what waited is sent.
    put(0, 0);
    hears_by(&mut shop, &made[0]).await;
    // Where nobody puts it back, the merchant makes another.
    let path = format!("/v1/webhook_endpoints/{}/secrets", text(&made[1], "id"));
    let second = town.bakery.api.post(&path, &json!({ "overlap_seconds": 60 })).await.json(201);
    hears_by(&mut shop, &second).await;
    courier.stop().await;
    assert!(shop.also_heard().is_empty());
}

#[tokio::test]
async fn what_an_earlier_version_left_in_clear_signs_and_is_sealed_once_in_portions() {
    let town = desk().await;
    let mut shop = Receiver::answering([]).await;
    let made = endpoint(&town.bakery.api, &shop.url()).await;
    let (secret, id) = (bytes_of(&made), secret_rows(&town)[0].0.clone());
    put_in_clear(&town, &id, &secret);
    // And so many others that one unit of work does not take them.
    let others = SEALED_AT_ONCE + 5;
    for number in 1..=others {
        let id = [&[0xff; 12][..], &number.to_be_bytes()].concat();
        let sql = "insert into webhook_endpoint select ?, merchant, 0, url, wanted, description, null, null, null, 0, 0, null \
                   from webhook_endpoint limit 1";
        raw(&town).execute(sql, [&id]).unwrap();
        let sql = "insert into webhook_secret (endpoint, number, secret) values (?, 1, ?)";
        raw(&town).execute(sql, (&id, [number as u8; 24])).unwrap();
    }
    assert!(holds(&town, &secret));
    let courier = town.courier(&Settings::default());
    test(&town, &made).await;
    hears_by(&mut shop, &made).await;

    let (secrets, store) = (town.app.secrets(), town.app.store());
    let pass = async || secrets.pass(store, &Actor::platform(), EVENING).await.unwrap();
    let passed = pass().await;
    assert_eq!((passed.operators, passed.webhooks, passed.left), (0, others + 1, 0));
    assert!(secret_rows(&town).iter().all(|row| row.2.as_deref() == Some("secrets-1")));
    assert_eq!(pass().await, Default::default(), "a second one finds nothing");
    let entered = store.peek(|rows| rows.audit_before(None, 2)).unwrap();
    let subjects: Vec<_> = entered.iter().map(|entry| entry.note.subject.as_str()).collect();
    assert!(subjects[0].starts_with("0 of operators, 6 of webhooks under secrets-1 ("), "{subjects:?}");
    assert!(subjects[1].starts_with("0 of operators, 128 of webhooks under secrets-1 ("), "{subjects:?}");
    test(&town, &made).await;
    hears_by(&mut shop, &made).await;
    courier.stop().await;

    // The file is written anew, and only then nothing is left to do.
    assert_eq!(secrets.wipe(store, Instant::now()).await, Ok(Wiping::Done));
    assert!(!holds(&town, &secret) && !holds(&town, &[7; 24]));
    assert_eq!(secrets.wipe(store, Instant::now()).await, Ok(Wiping::Nothing));
}

/// A town whose only secret of a webhook is one that stood in clear until a moment ago, and those bytes.
async fn sealed_a_moment_ago() -> (Town, Vec<u8>) {
    let town = desk().await;
    let made = endpoint(&town.bakery.api, "http://127.0.0.1:9/").await;
    let (secret, id) = (bytes_of(&made), secret_rows(&town)[0].0.clone());
    put_in_clear(&town, &id, &secret);
    town.app.secrets().pass(town.app.store(), &Actor::platform(), EVENING).await.unwrap();
    assert!(holds(&town, &secret), "on the disk it still stands");
    (town, secret)
}

#[tokio::test]
async fn a_file_that_could_not_be_written_anew_is_tried_again_but_not_at_once() {
    let (town, secret) = sealed_a_moment_ago().await;
    let (secrets, store, began) = (town.app.secrets(), town.app.store(), Instant::now());
    let held = town.hold_database();
    assert_eq!(secrets.wipe(store, began).await, Err(StoreError::Locked));
    drop(held);
    let soon = began + WIPE_PAUSE - Duration::from_secs(1);
    assert_eq!(secrets.wipe(store, soon).await, Ok(Wiping::Nothing), "it may hold up payments each time");
    assert!(holds(&town, &secret));
    assert!(store.peek(|rows| rows.residue()).unwrap().is_some());
    assert_eq!(secrets.wipe(store, began + WIPE_PAUSE).await, Ok(Wiping::Done));
    assert!(!holds(&town, &secret));
    assert_eq!(store.peek(|rows| rows.residue()), Ok(None));
}

#[tokio::test]
async fn a_file_that_somebody_still_reads_as_it_was_is_written_anew_when_they_do_no_more() {
    let (town, secret) = sealed_a_moment_ago().await;
    let (secrets, store) = (town.app.secrets(), town.app.store());
    let reader = raw(&town);
    reader.execute_batch("begin; select count(*) from webhook_secret").unwrap();
    assert_eq!(secrets.wipe(store, Instant::now()).await, Ok(Wiping::Again));
    assert!(store.peek(|rows| rows.residue()).unwrap().is_some());
    // Tried again and again, it leaves the file in the log once and no more.
    let log = || std::fs::metadata(town.database().with_extension("db-wal")).unwrap().len();
    let once = log();
    assert_eq!(secrets.wipe(store, Instant::now()).await, Ok(Wiping::Again));
    assert_eq!(log(), once);
    reader.execute_batch("commit").unwrap();
    assert_eq!(secrets.wipe(store, Instant::now()).await, Ok(Wiping::Done));
    assert!(!holds(&town, &secret));
}

#[tokio::test]
async fn a_renewed_key_seals_everything_anew_and_a_secret_whose_key_is_lost_is_left_as_it_is() {
    let town = desk().await;
    let mut shop = Receiver::answering([]).await;
    let [first, second] =
        [endpoint(&town.bakery.api, &shop.url()).await, endpoint(&town.bakery.api, &shop.url()).await];
    let (secrets, store) = (town.app.secrets(), town.app.store());
    let current = || store.peek(|rows| rows.secret_keys()).unwrap().remove(0);
    let renew = async |number| {
        let (name, key) = database_key(number);
        let next = SecretKeyId { name, check_value: key.check_value() };
        town.keys.databases.write().unwrap().push((name, key));
        let before = current().id;
        let instead_of = Some(before);
        let taken = secrets.take_into_use(store, next, instead_of, Actor::platform(), EVENING).await.unwrap();
        // Who comes second with the same finds it done.
        let again = secrets.take_into_use(store, next, instead_of, Actor::platform(), EVENING).await.unwrap();
        assert_eq!((again, taken.id.name), (taken.clone(), database_key(number).0));
        assert_eq!(taken.number, u32::from(number));
        // A key that was in use before is no next one, and nobody is told that it were.
        let refused = secrets.take_into_use(store, before, Some(next), Actor::platform(), EVENING).await;
        assert_eq!(refused, Err(SecretRefused::UsedBefore { key: before }));
        secrets.pass(store, &Actor::platform(), EVENING).await.unwrap()
    };
    let operators = 1;
    let passed = renew(2).await;
    assert_eq!((passed.operators, passed.webhooks, passed.left), (operators, 2, 0));
    // Nothing is under the first any more: it can go.
    town.keys.databases.write().unwrap().remove(0);
    let courier = town.courier(&Settings::default());
    for endpoint in [&first, &second] {
        test(&town, endpoint).await;
        hears_by(&mut shop, endpoint).await;
    }
    // The second is lost before anything was sealed under the third.
    town.keys.databases.write().unwrap().clear();
    let passed = renew(3).await;
    assert_eq!((passed.operators, passed.webhooks, passed.left), (0, 0, operators + 2));
    let path = format!("/v1/webhook_endpoints/{}/secrets", text(&first, "id"));
    let made = town.bakery.api.post(&path, &json!({ "overlap_seconds": 60 })).await.json(201);
    test(&town, &second).await;
    test(&town, &made).await;
    hears_by(&mut shop, &made).await;
    courier.stop().await;
    assert!(shop.also_heard().is_empty(), "the other's waits");
}

#[tokio::test]
async fn a_machine_without_the_key_sends_nothing_says_what_to_copy_and_leaves_it_to_another() {
    let town = desk().await;
    let mut shop = Receiver::answering([]).await;
    let made = endpoint(&town.bakery.api, &shop.url()).await;
    // Another machine's key store made a key of the same name by itself.
    let other = Keys::default();
    *other.databases.write().unwrap() = vec![(database_key(1).0, database_key(9).1)];
    let elsewhere = server::App::new(
        town.app.store().clone(),
        std::sync::Arc::new(other),
        town.clock.clone(),
        town.dice.clone(),
        town.app.rules().clone(),
        std::sync::Arc::new(server::Metrics::new()),
    );
    let key = town.app.store().peek(|rows| rows.secret_keys()).unwrap().remove(0);
    let lacks = town.app.store().peek(|rows| elsewhere.secrets().lacks(rows)).unwrap();
    let refused = SecretRefused::KeyMissing { key: key.id, node: String::new() };
    assert_eq!(lacks, Some(refused.clone()));
    let said = refused.to_string();
    assert!(said.contains(&format!("the key secrets-1 ({})", key.id.check_value)), "{said}");
    assert!(said.contains("copy the key store of the machine that made it"), "{said}");

    let without =
        server::webhooks::Webhooks::start(elsewhere, None, crate::town::PUBLIC_URL, &Settings::default())
            .unwrap();
    let with = town.courier(&Settings::default());
    for _ in 0..3 {
        test(&town, &made).await;
        hears_by(&mut shop, &made).await;
    }
    // By itself the one without holds no part, as the standing clock shows: no lease of it would end.
    with.stop().await;
    test(&town, &made).await;
    let again = town.courier(&Settings::default());
    hears_by(&mut shop, &made).await;
    again.stop().await;
    without.stop().await;
    assert!(shop.also_heard().is_empty());
}

#[tokio::test]
async fn while_the_key_is_away_no_secret_is_made_and_what_waits_is_sent_when_it_is_back() {
    let town = desk().await;
    let mut shop = Receiver::answering([]).await;
    let made = endpoint(&town.bakery.api, &shop.url()).await;
    let courier = town.courier(&Settings::default());
    test(&town, &made).await;
    hears_by(&mut shop, &made).await;

    let away = std::mem::take(&mut *town.keys.databases.write().unwrap());
    let path = format!("/v1/webhook_endpoints/{}/secrets", text(&made, "id"));
    let refused = town.bakery.api.post(&path, &json!({ "overlap_seconds": 60 })).await;
    assert_eq!(refused.problem(), (503, "secrets_unavailable".into()));
    let refused = town.bakery.api.post("/v1/webhook_endpoints", &json!({ "url": shop.url() })).await;
    assert_eq!(refused.problem(), (503, "secrets_unavailable".into()));
    assert_eq!(secret_rows(&town).len(), 1, "nothing is kept in clear");
    test(&town, &made).await;
    *town.keys.databases.write().unwrap() = away;
    hears_by(&mut shop, &made).await;
    soon("another secret", async {
        let second = town.bakery.api.post(&path, &json!({ "overlap_seconds": 0 })).await.json(201);
        test(&town, &second).await;
        hears_by(&mut shop, &second).await;
    })
    .await;
    courier.stop().await;
}
