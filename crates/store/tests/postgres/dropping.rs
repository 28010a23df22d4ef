//! Stores that are let go: by nobody's waiting, on any thread, with work in hand.

use std::time::{Duration, Instant};

use cluster::{Cluster, Durability};
use store::{Store, StoreError, WriteError};

use crate::maker::gate::Gate;
use crate::{mark, marks, migrated, opened, patient, refused, settings};

/// Hands in a hundred units of work while the writer is held; then the last handle goes.
async fn drop_with_work_in_hand(
    store: Store,
    before: impl FnOnce(),
) -> Vec<Result<(), WriteError<StoreError>>> {
    let gate = Gate::shut(&store).await;
    let queued: Vec<_> =
        (0..100).map(|n| store.queue_write(move |unit| mark(unit, &n.to_string()))).collect();
    let opener = gate.into_opener().await;
    before();
    opener.send(()).unwrap();
    drop(store);
    let mut answers = Vec::new();
    for answer in queued {
        answers.push(answer.await);
    }
    answers
}

#[tokio::test]
async fn what_waits_when_the_last_handle_goes_is_kept_and_answered() {
    let database = migrated();
    let answers = drop_with_work_in_hand(opened(&database.url), || {}).await;
    assert!(answers.iter().all(|answer| *answer == Ok(())), "{answers:?}");
    assert_eq!(marks(&opened(&database.url)).len(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_handle_may_go_on_a_thread_of_a_runtime() {
    let database = migrated();
    let store = opened(&database.url);
    let answers = tokio::spawn(drop_with_work_in_hand(store, || {})).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == Ok(())), "{answers:?}");
    assert_eq!(marks(&opened(&database.url)).len(), 100);
}

#[tokio::test]
async fn what_waits_when_the_last_handle_goes_and_no_server_is_there_is_answered_soon() {
    let patience = Duration::from_secs(1);
    let mut cluster = Cluster::start(Durability::None, &[]).unwrap();
    let database = cluster.fresh(None).unwrap();
    let store = patient(&database.url, patience);
    let mut begun = Instant::now();
    let answers = drop_with_work_in_hand(store, || {
        cluster.stop().unwrap();
        begun = Instant::now();
    });
    for answer in answers.await {
        assert!(matches!(answer, Err(WriteError::Store(StoreError::Away(_)))), "{answer:?}");
    }
    assert!(begun.elapsed() < 8 * patience, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_unit_of_work_may_hold_the_last_handle() {
    let database = migrated();
    let store = opened(&database.url);
    let held = store.clone();
    let answer = store.queue_write(move |unit| {
        let _ = held.queue();
        mark(unit, "the last one")
    });
    drop(store);
    assert_eq!(answer.await, Ok(()));
    assert_eq!(marks(&opened(&database.url)).len(), 1);
}

#[tokio::test]
async fn an_opening_that_fails_on_a_thread_of_a_runtime_is_an_answer() {
    let error = refused(&settings("postgres://postgres@127.0.0.1:1/counterfoil"));
    assert!(matches!(error, StoreError::Away(_)), "{error:?}");
    let database = migrated();
    let error = refused(&settings(format!("{}_that_is_not_there", database.url)));
    assert!(matches!(error, StoreError::NotLetIn(_)), "{error:?}");
}
