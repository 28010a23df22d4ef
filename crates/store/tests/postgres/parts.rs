//! Sums that are kept in parts, and what is seen while the parts are added to their bases.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cluster::Cluster;
use payment::{AccountKind, TransferId};
use store::{Reading, Registration, Store};
use tokio::task::JoinSet;

use crate::maker::ledger::{End, Refusal, assert_sound, end, fund, opened as account, reserve};
use crate::maker::{MORNING, channel, kept, yuan};
use crate::{migrated, opened, wait_for};

const HOLDERS: i64 = 40;
const EACH: u128 = 12;

fn count(database: &str, table: &str) -> u64 {
    Cluster::shared().ask(database, &format!("select count(*) from {table}")).unwrap().parse().unwrap()
}

/// Waits until every part is in its base: the writer does that when nothing waits.
async fn folded(database: &str, table: &'static str) {
    let database = database.to_owned();
    tokio::task::spawn_blocking(move || wait_for("parts to be added", || count(&database, table) == 0))
        .await
        .unwrap();
}

/// Payments to one merchant; each leaves a part of its account or two.
async fn pay_many(store: &Store) -> payment::AccountId {
    let (ids, merchant) = kept(store, |unit| {
        let merchant = account(unit, AccountKind::Merchant, 1)?.id;
        let mut ids = Vec::new();
        for owner in 0..HOLDERS {
            let holder = account(unit, AccountKind::Holder, owner)?.id;
            fund(unit, TransferId(u128::MAX - u128::try_from(owner).unwrap()), yuan(100_000), holder)?;
            ids.push(holder);
        }
        Ok::<_, Refusal>((ids, merchant))
    })
    .await;
    let mut paying = JoinSet::new();
    for (n, holder) in ids.into_iter().enumerate() {
        let store = store.clone();
        paying.spawn(async move {
            for payment in 0..EACH {
                let id = TransferId(u128::try_from(n).unwrap() << 64 | payment);
                kept(&store, move |unit| {
                    reserve(unit, id, yuan(7), [holder, merchant])?;
                    end(unit, id, End::Post(None))
                })
                .await;
            }
        });
    }
    paying.join_all().await;
    merchant
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_are_the_same_before_during_and_after_their_parts_are_added() {
    let database = migrated();
    let store = opened(&database.url);
    let over = Arc::new(AtomicBool::new(false));
    let looking = {
        let (store, over) = (store.clone(), Arc::clone(&over));
        std::thread::spawn(move || {
            let mut looks = 0;
            while !over.load(Ordering::SeqCst) {
                assert_sound(&store);
                looks += 1;
            }
            looks
        })
    };
    let merchant = pay_many(&store).await;
    folded(&database.name, "account_part").await;
    over.store(true, Ordering::SeqCst);
    assert!(looking.join().unwrap() > 3);
    let sums = store.peek(|rows: &dyn Reading| rows.account(merchant)).unwrap().unwrap();
    let expected = HOLDERS * i64::try_from(EACH).unwrap() * 7;
    assert_eq!((sums.posted, sums.pending_in, sums.pending_out), (expected, 0, 0));
    let base = format!("select posted from account_base where id = {}", merchant.0);
    assert_eq!(Cluster::shared().ask(&database.name, &base).unwrap(), expected.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reading_during_a_folding_sees_one_moment() {
    let database = migrated();
    let store = opened(&database.url);
    let merchant = kept(&store, |unit| {
        let holder = account(unit, AccountKind::Holder, 1)?.id;
        let merchant = account(unit, AccountKind::Merchant, 1)?.id;
        fund(unit, TransferId(1), yuan(1_000), holder)?;
        reserve(unit, TransferId(2), yuan(400), [holder, merchant])?;
        end(unit, TransferId(2), End::Post(None))?;
        Ok::<_, Refusal>(merchant)
    })
    .await;
    let name = database.name.clone();
    let [first, second] = store
        .peek(move |rows| {
            let first = rows.account(merchant)?;
            wait_for("parts to be added", || count(&name, "account_part") == 0);
            Ok([first, rows.account(merchant)?])
        })
        .unwrap();
    assert_eq!(first, second);
    assert_eq!(first.map(|it| it.posted), Some(400));
    assert_sound(&store);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_fold_while_they_pay_lose_nothing() {
    let database = migrated();
    let stores = [(); 2].map(|()| opened(&database.url));
    let merchant = pay_many(&stores[0]).await;
    // The bank's side is lowered and parts of it are added, by both, all the time.
    let mut writing = JoinSet::new();
    for writer in 0..8_u128 {
        let store = stores[usize::try_from(writer % 2).unwrap()].clone();
        writing.spawn(async move {
            let until = std::time::Instant::now() + std::time::Duration::from_millis(1_500);
            let mut made = 0;
            while std::time::Instant::now() < until {
                let [there, back] = [0, 1].map(|it| TransferId((writer + 1) << 96 | made << 1 | it));
                kept(&store, move |unit| {
                    let bank = account(unit, AccountKind::Settlement, 0)?.id;
                    fund(unit, there, yuan(5), merchant)?;
                    reserve(unit, back, yuan(5), [merchant, bank])?;
                    end(unit, back, End::Post(None))
                })
                .await;
                made += 1;
            }
            made
        });
    }
    let made: u128 = writing.join_all().await.into_iter().sum();
    folded(&database.name, "account_part").await;
    assert_sound(&stores[1]);
    let sums = stores[1].peek(|rows| rows.account(merchant)).unwrap().unwrap();
    assert_eq!(sums.posted, HOLDERS * i64::try_from(EACH).unwrap() * 7);
    let sql = format!("select deadlocks from pg_stat_database where datname = '{}'", database.name);
    assert_eq!(Cluster::shared().ask("postgres", &sql).unwrap(), "0");
    eprintln!("there and back {made} times");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_are_counted_the_same_before_during_and_after_their_parts_are_added() {
    const CHANNELS: u32 = 300;
    let database = migrated();
    let stores = [(); 2].map(|()| opened(&database.url));
    let mut registering = JoinSet::new();
    for n in 0..CHANNELS {
        let store = stores[usize::try_from(n % 2).unwrap()].clone();
        registering.spawn(async move {
            kept(&store, move |unit| {
                unit.register_channel(channel(n), &Registration::default(), &[], MORNING)
            })
            .await
        });
    }
    registering.join_all().await;
    let counted = |store: &Store| -> u64 {
        store.peek(|rows| rows.channel_tally()).unwrap().into_iter().map(|some| some.channels).sum()
    };
    while count(&database.name, "channel_tally_part") > 0 {
        assert_eq!(counted(&stores[0]), u64::from(CHANNELS));
    }
    assert_eq!(counted(&stores[1]), u64::from(CHANNELS));
    assert!(count(&database.name, "channel_tally_base") > 0);
}
