//! Commits whose answer is lost: each unit of work has its effect once and is answered with what it answered, or it is said
//! that nobody knows yet. Never a false yes, never a false no.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use cluster::{Cluster, Durability};
use payment::{AccountKind, TransferId};
use store::postgres::{Settings, open};
use store::{Store, StoreError, Unit, WriteError};
use tokio::task::JoinSet;

use crate::maker::kept;
use crate::maker::ledger::{Refusal, assert_sound, fund, opened as account, reserve};
use crate::maker::random::Random;
use crate::maker::yuan;
use crate::proxy::{Fate, Proxy};
use crate::{mark, marks, migrated, opened, patient, settings, writer};

/// How often a commit is cut off.
const CUTS: usize = 200;
const WRITERS: i64 = 12;

/// Money comes in and some of it is set aside; every seventh changes its mind after that.
fn pay(unit: &mut dyn Unit, n: i64) -> Result<i64, Refusal> {
    let holder = account(unit, AccountKind::Holder, n % WRITERS)?.id;
    let merchant = account(unit, AccountKind::Merchant, 1)?.id;
    let id = u128::try_from(n).unwrap() * 2;
    fund(unit, TransferId(id), yuan(100), holder)?;
    reserve(unit, TransferId(id + 1), yuan(40), [holder, merchant])?;
    mark(unit, &n.to_string())?;
    if n % 7 == 3 { Err(Refusal::SecondThoughts) } else { Ok(n * 7) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_cut_off_before_or_after_it_was_heard_has_its_effect_once() {
    let database = migrated();
    let (next, stopped) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let proxies = [20_270_115, 7].map(|seed| {
        let (proxy, mut random) = (Proxy::to(Cluster::shared().port()), Random(seed));
        proxy.decide(move || match random.below(3) {
            0 => Fate::CutBefore,
            1 => Fate::CutAfter,
            _ => Fate::Passed,
        });
        proxy
    });
    // Two nodes, each with a road of its own, pay into the same accounts.
    let mut writers = JoinSet::new();
    for proxy in &proxies {
        let store = opened(&proxy.url(&database.name));
        for _ in 0..WRITERS {
            let (store, next, stopped) = (store.clone(), Arc::clone(&next), Arc::clone(&stopped));
            writers.spawn(async move {
                while !stopped.load(Ordering::Relaxed) {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let answer = store.write(move |unit| pay(unit, n)).await;
                    let refused = Err(WriteError::Refused(Refusal::SecondThoughts));
                    assert_eq!(answer, if n % 7 == 3 { refused } else { Ok(n * 7) }, "{n}");
                }
            });
        }
    }
    let cut = || proxies.iter().map(Proxy::cut).sum::<usize>();
    let begun = Instant::now();
    while cut() < CUTS && !writers.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} cut", cut());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stopped.store(true, Ordering::Relaxed);
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    // Looked at over another road.
    let looking = opened(&database.url);
    assert_sound(&looking);
    let found = marks(&looking);
    let asked = next.load(Ordering::Relaxed);
    for n in 0..asked {
        let times = found.get(&n.to_string()).copied();
        assert_eq!(times, if n % 7 == 3 { None } else { Some(1) }, "{n}");
        let id = TransferId(u128::try_from(n).unwrap() * 2);
        let transfer = looking.peek(|rows| rows.transfer(id)).unwrap();
        assert_eq!(transfer.is_some(), n % 7 != 3, "{n}");
    }
    eprintln!("{asked} units of work, {} commits cut off, in {:?}", cut(), begun.elapsed());
}

/// One write over a road that falls silent at its commit; and what is there once the road is open again.
async fn silent_at_the_commit(fate: Fate) -> usize {
    let database = migrated();
    let proxy = Proxy::to(Cluster::shared().port());
    let store = patient(&proxy.url(&database.name), Duration::from_secs(1));
    kept(&store, |unit| mark(unit, "before")).await;
    proxy.decide(move || fate);
    let begun = Instant::now();
    let answer = store.write(|unit| mark(unit, "asked")).await;
    assert_eq!(answer, Err(WriteError::Store(StoreError::Unresolved)));
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    // Whoever comes next is told no: it was not begun.
    let next = store.write(|unit| mark(unit, "next")).await;
    assert!(matches!(next, Err(WriteError::Store(StoreError::Away(_)))), "{next:?}");
    proxy.decide(|| Fate::Passed);
    proxy.be_silent(false);
    kept(&store, |unit| mark(unit, "after")).await;
    drop(store);
    let found = marks(&opened(&database.url));
    assert_eq!((found["before"], found.get("next"), found["after"]), (1, None, 1));
    found.get("asked").copied().unwrap_or(0)
}

#[tokio::test]
async fn a_commit_that_nobody_answers_is_unresolved_and_never_a_yes_or_a_no() {
    let both = [Fate::SilentBefore, Fate::SilentAfter].map(silent_at_the_commit);
    assert_eq!(futures_util::future::join_all(both).await, [0, 1]);
}

#[tokio::test]
async fn a_server_that_falls_silent_before_the_commit_is_away() {
    let database = migrated();
    let proxy = Arc::new(Proxy::to(Cluster::shared().port()));
    let store = patient(&proxy.url(&database.name), Duration::from_secs(1));
    let (road, begun) = (Arc::clone(&proxy), Instant::now());
    let answer = store.write(move |unit| {
        mark(unit, "first")?;
        road.be_silent(true);
        mark(unit, "second")
    });
    let answer = answer.await;
    assert!(matches!(answer, Err(WriteError::Store(StoreError::Away(_)))), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    proxy.be_silent(false);
    kept(&store, |unit| mark(unit, "after")).await;
    assert_eq!(marks(&store).into_keys().collect::<Vec<_>>(), ["after"]);
}

/// A server whose commits wait for a standby that is not there.
fn waiting_for_a_ghost(cluster: &Cluster, waiting: bool) {
    let names = if waiting { "'ANY 1 (ghost)'" } else { "''" };
    cluster.ask("postgres", &format!("alter system set synchronous_standby_names = {names}")).unwrap();
    cluster.ask("postgres", "select pg_reload_conf()").unwrap();
    crate::wait_for("the new setting", || {
        cluster.ask("postgres", "show synchronous_standby_names").unwrap().is_empty() != waiting
    });
}

async fn write_once(store: &Store, what: &'static str) -> Result<(), WriteError<StoreError>> {
    store.write(move |unit| mark(unit, what)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_waits_at_the_server_is_unresolved_until_it_is_made_and_is_found_when_it_was() {
    let cluster = Cluster::start(Durability::None, &[]).unwrap();
    let database = cluster.fresh(None).unwrap();
    let store = patient(&database.url, Duration::from_secs(3));
    kept(&store, |unit| mark(unit, "before")).await;
    waiting_for_a_ghost(&cluster, true);
    // It holds the writer's mark: that it is not there yet does not say that it will not be.
    assert_eq!(write_once(&store, "held").await, Err(WriteError::Store(StoreError::Unresolved)));
    waiting_for_a_ghost(&cluster, false);
    kept(&store, |unit| mark(unit, "between")).await;
    waiting_for_a_ghost(&cluster, true);
    let patient_one = store.clone();
    let second = tokio::spawn(async move { write_once(&patient_one, "asked again").await });
    let blocked = "select count(*) > 0 from pg_stat_activity where wait_event = 'SyncRep'";
    crate::wait_for("a commit that waits", || cluster.ask("postgres", blocked).unwrap() == "t");
    // Its connection ends, and what it wrote is there: but on no standby, and so it is not acknowledged yet.
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'";
    cluster.ask("postgres", end).unwrap();
    let there = "select count(*) from alarm where kind = 'asked again'";
    crate::wait_for("what is there", || cluster.ask(&database.name, there).unwrap() == "1");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!second.is_finished(), "acknowledged before it was on a standby");
    waiting_for_a_ghost(&cluster, false);
    assert_eq!(second.await.unwrap(), Ok(()));
    let found = marks(&store);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found.values().all(|times| *times == 1), "{found:?}");
}

#[tokio::test]
async fn two_writers_of_one_name_are_not_believed() {
    let database = migrated();
    let name = writer();
    let [first, second] =
        [(); 2].map(|()| open(&Settings { writer: name, ..settings(&database.url) }).unwrap());
    kept(&first, |unit| mark(unit, "first")).await;
    let answer = second.write(|unit| mark(unit, "second")).await;
    assert!(
        matches!(&answer, Err(WriteError::Store(StoreError::Engine(why))) if why.contains("name")),
        "{answer:?}"
    );
    assert_eq!(marks(&first).into_keys().collect::<Vec<_>>(), ["first"]);
}
