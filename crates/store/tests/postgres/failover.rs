//! A primary that dies, and its standby that takes its place.

use std::time::{Duration, Instant};

use cluster::{Cluster, Durability};
use store::StoreError;

use crate::away::Writers;
use crate::maker::ledger::assert_sound;
use crate::{marks, opened, refused, settings, wait_for};

/// How long the store may take to go on once a standby was promoted.
const OUTAGE_MAX: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_primary_dies_the_store_goes_on_with_its_standby_and_has_lost_nothing() {
    let mut primary = Cluster::start(Durability::Full, &["synchronous_commit = on"]).unwrap();
    let database = primary.fresh(None).unwrap();
    drop(opened(&database.url));
    let standby = primary.standby("s1", &["hot_standby = on"]).unwrap();
    // Whoever commits waits for the standby from now on.
    primary.ask("postgres", "alter system set synchronous_standby_names = 'ANY 1 (s1)'").unwrap();
    primary.ask("postgres", "select pg_reload_conf()").unwrap();
    let follows = "select count(*) from pg_stat_replication where sync_state = 'quorum' and state = 'streaming'";
    wait_for("a standby that follows", || primary.ask("postgres", follows).unwrap() == "1");

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
    let found = marks(&store);
    assert_eq!(found.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>());
    assert!(found.values().all(|times| *times == 1));
    assert_sound(&store);
}
