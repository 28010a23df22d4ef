//! Connections that end or wait in the middle of something, and what they leave to those who use them next.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use cluster::Cluster;
use payment::{AccountKind, TransferId};
use store::postgres::READERS_MAX;
use store::{StoreError, WriteError};
use tokio_postgres::{Client, NoTls};

use crate::maker::ledger::{Refusal, assert_sound, fund, opened as account, reserve};
use crate::maker::{kept, yuan};
use crate::{mark, marks, migrated, opened, wait_for};

/// Somebody else's connection.
async fn other(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn end_units_of_work(database: &str) {
    let sql = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}' \
         and application_name = 'counterfoil' and state = 'idle in transaction'"
    );
    assert_eq!(Cluster::shared().ask("postgres", &sql).unwrap(), "t");
}

#[tokio::test]
async fn a_unit_of_work_whose_connection_ends_in_the_middle_is_run_again() {
    let database = migrated();
    let store = opened(&database.url);
    // It gives up at the first error, or takes no notice.
    for heedless in [false, true] {
        let (runs, name) = (Arc::new(AtomicU32::new(0)), database.name.clone());
        let its_runs = Arc::clone(&runs);
        let answer = store
            .write(move |unit| {
                mark(unit, "begun")?;
                let run = its_runs.fetch_add(1, Ordering::SeqCst);
                if run == 0 {
                    end_units_of_work(&name);
                }
                let rest = mark(unit, "ended");
                if heedless { Ok(run) } else { rest.map(|()| run) }
            })
            .await;
        assert_eq!(answer, Ok::<_, WriteError<StoreError>>(1));
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    }
    assert!(marks(&store).values().eq(&[2, 2]));
}

#[tokio::test]
async fn a_reading_whose_connection_ends_is_told_and_the_next_one_is_served() {
    let database = migrated();
    let store = opened(&database.url);
    let name = database.name.clone();
    let read = store.peek(|rows| {
        rows.alarms(1)?;
        end_units_of_work(&name);
        rows.alarms(1)
    });
    assert!(matches!(read, Err(StoreError::Away(_))), "{read:?}");
    assert_eq!(store.peek(|rows| rows.alarms(1)), Ok(vec![]));
}

#[test]
fn one_more_reading_than_a_node_has_connections_for_waits_until_another_has_ended() {
    let database = migrated();
    let store = opened(&database.url);
    let (inside, open) = (Arc::new(AtomicU32::new(0)), Arc::new(Barrier::new(READERS_MAX + 1)));
    let readings: Vec<_> = (0..=READERS_MAX)
        .map(|_| {
            let (store, inside, open) = (store.clone(), Arc::clone(&inside), Arc::clone(&open));
            std::thread::spawn(move || {
                store.peek(|rows| {
                    rows.alarms(1)?;
                    if usize::try_from(inside.fetch_add(1, Ordering::SeqCst)).unwrap() < READERS_MAX {
                        open.wait();
                    }
                    Ok(())
                })
            })
        })
        .collect();
    let many = u32::try_from(READERS_MAX).unwrap();
    wait_for("all readings but one", || inside.load(Ordering::SeqCst) == many);
    let sql = format!(
        "select count(*) from pg_stat_activity where datname = '{}' and state = 'idle in transaction'",
        database.name
    );
    assert_eq!(Cluster::shared().ask("postgres", &sql).unwrap(), many.to_string());
    assert_eq!(inside.load(Ordering::SeqCst), many);
    open.wait();
    for reading in readings {
        assert_eq!(reading.join().unwrap(), Ok(()));
    }
    assert_eq!(inside.load(Ordering::SeqCst), many + 1);
}

#[tokio::test]
async fn a_reading_that_panics_leaves_no_old_moment_behind() {
    let database = migrated();
    let store = opened(&database.url);
    let read = store
        .read(|rows| -> Result<(), StoreError> {
            rows.alarms(1)?;
            panic!("a mistake in the platform")
        })
        .await;
    assert_eq!(read, Err(StoreError::Panicked));
    kept(&store, |unit| mark(unit, "since then")).await;
    assert_eq!(marks(&store).len(), 1);
}

#[tokio::test]
async fn whoever_waits_too_long_for_another_s_row_waits_again_and_is_answered() {
    let database = migrated();
    let store = opened(&database.url);
    let holder = kept(&store, |unit| {
        let holder = account(unit, AccountKind::Holder, 1)?.id;
        fund(unit, TransferId(1), yuan(1_000), holder)?;
        Ok::<_, Refusal>(holder)
    })
    .await;
    let other = other(&database.url).await;
    other.batch_execute("begin; select 1 from account_base for update").await.unwrap();
    let paying = store.clone();
    let paid = tokio::spawn(async move {
        paying
            .write(move |unit| {
                let merchant = account(unit, AccountKind::Merchant, 1)?.id;
                reserve(unit, TransferId(2), yuan(400), [holder, merchant])
            })
            .await
    });
    // Longer than the server lets anybody wait for a row.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(!paid.is_finished(), "{:?}", paid.await);
    other.batch_execute("rollback").await.unwrap();
    assert_eq!(paid.await.unwrap(), Ok(()));
    assert_sound(&store);
}

#[tokio::test]
async fn a_folding_that_waits_in_vain_costs_nobody_their_unit_of_work() {
    let database = migrated();
    let store = opened(&database.url);
    kept(&store, |unit| {
        let holder = account(unit, AccountKind::Holder, 1)?.id;
        let merchant = account(unit, AccountKind::Merchant, 1)?.id;
        fund(unit, TransferId(1), yuan(1_000), holder)?;
        reserve(unit, TransferId(2), yuan(400), [holder, merchant])
    })
    .await;
    let other = other(&database.url).await;
    other.batch_execute("begin; select 1 from account_base for update").await.unwrap();
    let waiting = "select count(*) > 0 from pg_stat_activity where wait_event_type = 'Lock' \
                   and application_name = 'counterfoil' and query like '%account_part%'";
    let name = database.name.clone();
    tokio::task::spawn_blocking(move || {
        let sql = format!("{waiting} and datname = '{name}'");
        wait_for("a folding that waits", || Cluster::shared().ask("postgres", &sql).unwrap() == "t");
    })
    .await
    .unwrap();
    kept(&store, |unit| mark(unit, "meanwhile")).await;
    other.batch_execute("rollback").await.unwrap();
    let parts = "select count(*) from account_part";
    tokio::task::spawn_blocking(move || {
        wait_for("the parts", || Cluster::shared().ask(&database.name, parts).unwrap() == "0");
    })
    .await
    .unwrap();
    assert_eq!(marks(&store).len(), 1);
    assert_sound(&store);
}
