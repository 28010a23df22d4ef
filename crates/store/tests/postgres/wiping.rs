//! Rows that are gone from a table and stay in its files: whoever looks at a moment of before still has them.

use std::time::{Duration, Instant};

use cluster::{Cluster, Durability};
use store::{Residue, Store, Wiped};

use crate::maker::kept;
use crate::{opened, wait_for};

/// Something was sealed: the number of the transaction that set this mark is that of the sealing.
async fn sealed(store: &Store, number: u128) {
    let mark = Residue::new(number);
    kept(store, move |unit| unit.mark_residue(&mark)).await;
}

/// A standby says from second to second how far it is: a moment of before may be held back for so long.
async fn is_wiped_soon(store: &Store) {
    let until = Instant::now() + Duration::from_secs(30);
    while store.wipe().await.unwrap() != Wiped::Clean {
        assert!(Instant::now() < until, "somebody still looks");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_clean_when_nobody_looks_at_a_moment_of_before_whoever_that_is() {
    let server = Cluster::start(Durability::None, &["max_prepared_transactions = 4"]).unwrap();
    let database = server.fresh(None).unwrap();
    let follows =
        ["hot_standby_feedback = on", "wal_receiver_status_interval = 1s", "max_prepared_transactions = 4"];
    let standby = server.standby("second", &follows).unwrap();
    // The platform's own user sees what others hold back as well.
    let ask = |sql: &str| server.ask(&database.name, sql).unwrap();
    ask("create role town login");
    ask(&format!("alter database {} owner to town", database.name));
    let store = opened(&database.url.replace("postgres@", "town@"));
    sealed(&store, 1).await;
    is_wiped_soon(&store).await;

    let dump = server.onlooker(&database.name, "select 1").unwrap();
    sealed(&store, 2).await;
    assert_eq!(store.wipe().await, Ok(Wiped::StillSeen), "a dump");
    drop(dump);
    is_wiped_soon(&store).await;

    let writer = server.onlooker(&database.name, "create temporary table changed ()").unwrap();
    sealed(&store, 3).await;
    assert_eq!(store.wipe().await, Ok(Wiped::StillSeen), "somebody who has begun to change something");
    drop(writer);
    is_wiped_soon(&store).await;

    ask("create table other ()");
    ask("begin; insert into other default values; prepare transaction 'other'");
    sealed(&store, 4).await;
    assert_eq!(store.wipe().await, Ok(Wiped::StillSeen), "a transaction that was prepared");
    ask("rollback prepared 'other'");
    is_wiped_soon(&store).await;

    let report = standby.onlooker(&database.name, "select 1").unwrap();
    let held = "select count(*) from pg_stat_replication where backend_xmin is not null";
    wait_for("the standby's word", || ask(held) == "1");
    sealed(&store, 5).await;
    assert_eq!(store.wipe().await, Ok(Wiped::StillSeen), "a report at a standby");
    drop(report);
    is_wiped_soon(&store).await;

    // Who came after the sealing holds up nothing.
    sealed(&store, 6).await;
    is_wiped_soon(&store).await;
    let _later = server.onlooker(&database.name, "select 1").unwrap();
    assert_eq!(store.wipe().await, Ok(Wiped::Clean));
}

/// Each snapshot reaches back to whoever changes something on the server, the wiper's own too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_not_clean_while_somebody_changes_something_in_another_database() {
    let server = Cluster::start(Durability::None, &[]).unwrap();
    let (database, elsewhere) = (server.fresh(None).unwrap(), server.fresh(None).unwrap());
    let store = opened(&database.url);
    let writer = server.onlooker(&elsewhere.name, "create temporary table changed ()").unwrap();
    sealed(&store, 1).await;
    assert_eq!(store.wipe().await, Ok(Wiped::StillSeen));
    drop(writer);
    is_wiped_soon(&store).await;
}
