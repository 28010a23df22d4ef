//! A primary that dies, and its standby that takes its place.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cluster::{Cluster, Database, Durability};
use store::{Store, StoreError, WriteError};

use crate::away::{Answer, Writers};
use crate::maker::ledger::assert_sound;
use crate::proxy::Proxy;
use crate::{marks, opened, patient, refused, settings, wait_for};

/// How long the store may take to go on once a standby was promoted.
const OUTAGE_MAX: Duration = Duration::from_secs(30);

/// A primary whose commits wait for its standby, and a database on it.
fn pair() -> (Cluster, Cluster, Database) {
    let primary = Cluster::start(Durability::Full, &["synchronous_commit = on"]).unwrap();
    let database = primary.fresh(None).unwrap();
    drop(opened(&database.url));
    let standby =
        primary.standby("s1", &["hot_standby = on", "wal_retrieve_retry_interval = '100ms'"]).unwrap();
    primary.ask("postgres", "alter system set synchronous_standby_names = 'ANY 1 (s1)'").unwrap();
    primary.ask("postgres", "select pg_reload_conf()").unwrap();
    let follows =
        "select count(*) from pg_stat_replication where sync_state = 'quorum' and state = 'streaming'";
    wait_for("a standby that follows", || primary.ask("postgres", follows).unwrap() == "1");
    (primary, standby, database)
}

/// Each that was acknowledged is there once; of those whose fate was not known, once or not at all; of the rest nothing.
fn assert_kept(store: &Store, told: &BTreeMap<String, Answer>) {
    assert_sound(store);
    let found = marks(store);
    assert!(found.keys().all(|name| told.contains_key(name)));
    for (name, answer) in told {
        let times = found.get(name).copied().unwrap_or(0);
        match answer {
            Ok(()) => assert_eq!(times, 1, "{name}"),
            Err(WriteError::Store(StoreError::Unresolved)) => assert!(times <= 1, "{name}"),
            Err(answer) => assert_eq!(times, 0, "{name}: {answer:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_primary_dies_the_store_goes_on_with_its_standby_and_has_lost_nothing() {
    let (mut primary, standby, database) = pair();
    // The standby alone is refused by name.
    let alone = standby.url(&database.name);
    assert_eq!(refused(&settings(alone)), StoreError::ReadOnly);

    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", primary.port(), standby.port());
    let store = opened(&format!("postgres://postgres@{hosts}/{}", database.name));
    let writers = Writers::on(&store, 16);
    writers.go_on(200);
    primary.kill().unwrap();
    let killed = Instant::now();
    let before = writers.acknowledged();
    standby.promote().unwrap();
    let promoted = Instant::now();
    writers.go_on(1);
    eprintln!(
        "{before} acknowledged before the primary was killed; the first after it: {:?} after the kill, {:?} after the promotion",
        killed.elapsed(),
        promoted.elapsed()
    );
    assert!(promoted.elapsed() < OUTAGE_MAX, "{:?}", promoted.elapsed());
    writers.go_on(200);
    let told = writers.stop().await;
    assert!(told.values().all(Result::is_ok), "{told:?}");
    assert_kept(&store, &told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_hangs_is_left_for_its_standby_and_nothing_is_lost_or_doubled() {
    let (primary, standby, database) = pair();
    let proxy = Proxy::to(primary.port());
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", proxy.port(), standby.port());
    let url = format!("postgres://postgres@{hosts}/{}", database.name);
    let store = patient(&url, Duration::from_secs(4));
    let writers = Writers::on(&store, 16);
    writers.go_on(200);
    // It takes connections and says nothing; its standby hears no more of it.
    proxy.be_silent(true);
    standby.promote().unwrap();
    let promoted = Instant::now();
    writers.go_on(1);
    eprintln!(
        "the first acknowledged {:?} after the promotion beside a primary that hangs",
        promoted.elapsed()
    );
    assert!(promoted.elapsed() < OUTAGE_MAX, "{:?}", promoted.elapsed());
    writers.go_on(100);
    assert_kept(&store, &writers.stop().await);
}
