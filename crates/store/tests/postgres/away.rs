//! A server that goes away while it is written to, and comes back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cluster::{Cluster, Durability};
use model::CardId;
use payment::{AccountKind, TransferId};
use store::{Store, StoreError, WriteError};
use tokio::task::JoinSet;

use crate::maker::kept;
use crate::maker::ledger::{Refusal, assert_sound, fund, opened as account};
use crate::maker::yuan;
use crate::{mark, marks, opened, patient, wait_for};

/// Writers that bring money in, each time under a new mark, until they are told to stop.
pub(crate) struct Writers {
    stopped: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
    writing: JoinSet<Vec<(String, Answer)>>,
}

pub(crate) type Answer = Result<(), WriteError<Refusal>>;

impl Writers {
    pub(crate) fn on(store: &Store, many: i64) -> Self {
        let (stopped, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut writing = JoinSet::new();
        for writer in 0..many {
            let (store, stopped, acknowledged) =
                (store.clone(), Arc::clone(&stopped), Arc::clone(&acknowledged));
            writing.spawn(async move {
                let mut told = Vec::new();
                for n in 0_u128.. {
                    if stopped.load(Ordering::SeqCst) {
                        break;
                    }
                    let name = format!("{writer}-{n}");
                    let kind = name.clone();
                    let id = TransferId(u128::try_from(writer).unwrap() << 64 | n);
                    let work = move |unit: &mut dyn store::Unit| {
                        let holder = account(unit, AccountKind::Holder, writer)?.id;
                        fund(unit, id, yuan(100), holder)?;
                        Ok::<_, Refusal>(mark(unit, &kind)?)
                    };
                    let answer = store.write(work).await;
                    if answer.is_ok() {
                        acknowledged.fetch_add(1, Ordering::SeqCst);
                    }
                    told.push((name, answer));
                }
                told
            });
        }
        Self { stopped, acknowledged, writing }
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Waits until so many more were acknowledged.
    pub(crate) fn go_on(&self, more: usize) {
        let goal = self.acknowledged() + more;
        wait_for("writers to go on", || self.acknowledged() >= goal);
    }

    /// What each was told.
    pub(crate) async fn stop(self) -> BTreeMap<String, Answer> {
        self.stopped.store(true, Ordering::SeqCst);
        self.writing.join_all().await.into_iter().flatten().collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_once_however_a_server_ends_and_begins_again() {
    let mut cluster = Cluster::start(Durability::Full, &[]).unwrap();
    let database = cluster.fresh(None).unwrap();
    let store = opened(&database.url);
    let writers = Writers::on(&store, 8);
    for round in 0..4 {
        writers.go_on(60);
        if round % 2 == 0 {
            cluster.stop().unwrap()
        } else {
            cluster.kill().unwrap()
        }
        cluster.resume().unwrap();
    }
    writers.go_on(60);
    let told = writers.stop().await;
    // Nobody had to wait longer than they were patient.
    assert!(told.values().all(Result::is_ok), "{told:?}");
    let found = marks(&store);
    assert_eq!(found.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>());
    assert!(found.values().all(|times| *times == 1));
    assert_sound(&store);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_longer_than_its_patience_is_answered_as_away_and_not_one_batch_after_the_other() {
    let patience = Duration::from_secs(1);
    let mut cluster = Cluster::start(Durability::None, &[]).unwrap();
    let database = cluster.fresh(None).unwrap();
    let store = patient(&database.url, patience);
    kept(&store, |unit| mark(unit, "before")).await;
    cluster.stop().unwrap();
    let begun = Instant::now();
    // Five batches.
    let mut asked = JoinSet::new();
    for n in 0..1_200 {
        let store = store.clone();
        asked.spawn(async move { store.write(move |unit| mark(unit, &n.to_string())).await });
    }
    for answer in asked.join_all().await {
        assert!(matches!(answer, Err(WriteError::Store(StoreError::Away(_)))), "{answer:?}");
    }
    let waited = begun.elapsed();
    assert!(waited >= patience && waited < 5 * patience, "{waited:?}");
    let read = store.peek(|rows| rows.alarms(1));
    assert!(matches!(read, Err(StoreError::Away(_))), "{read:?}");
    cluster.resume().unwrap();
    kept(&store, |unit| mark(unit, "after")).await;
    assert_eq!(marks(&store).into_keys().collect::<Vec<_>>(), ["after", "before"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn look_ups_at_a_server_that_stands_still_wait_as_long_as_they_may_and_not_one_behind_the_other() {
    let patience = Duration::from_secs(3);
    let cluster = Cluster::start(Durability::None, &[]).unwrap();
    let database = cluster.fresh(None).unwrap();
    let store = patient(&database.url, patience);
    assert_eq!(store.has_waiting_order(CardId(1)).await, Ok(false));
    let frozen = cluster.freeze().unwrap();
    let mut asked = JoinSet::new();
    for n in 2..12 {
        let store = store.clone();
        asked.spawn(async move {
            let began = Instant::now();
            (store.has_waiting_order(CardId(n)).await, began.elapsed())
        });
        // Each comes while those before it wait.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    for (answer, waited) in asked.join_all().await {
        assert!(matches!(answer, Err(StoreError::Away(_))), "{answer:?}");
        assert!(waited < patience + Duration::from_secs(1), "{waited:?}");
    }
    drop(frozen);
    assert_eq!(store.has_waiting_order(CardId(12)).await, Ok(false));
}
