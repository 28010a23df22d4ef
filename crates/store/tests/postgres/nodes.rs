//! Two nodes on one database, at the same rows at the same moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cluster::Cluster;
use model::{CardId, KeyVersion};
use payment::{AccountId, AccountKind, LedgerError, MerchantId, TransferId, TransferState};
use store::{Reading, Store, StoreError, Unit, WriteError};
use tokio::task::JoinSet;

use crate::maker::ledger::{End, Refusal, assert_sound, end, fund, opened as account, reserve};
use crate::maker::random::Random;
use crate::maker::{MORNING, card, factor, first_answer, kept, order, question, yuan};
use crate::{migrated, opened, wait_for};

fn nodes(url: &str) -> [Store; 2] {
    [(); 2].map(|()| opened(url))
}

/// Transactions that were run again, and deadlocks, since the database was made.
fn run_again(name: &str, nodes: [Store; 2]) -> [i64; 2] {
    // What a session has counted is told when it has ended.
    drop(nodes);
    let sessions = format!("select count(*) from pg_stat_activity where datname = '{name}'");
    wait_for("sessions to end", || Cluster::shared().ask("postgres", &sessions).unwrap() == "0");
    let sql = format!("select xact_rollback, deadlocks from pg_stat_database where datname = '{name}'");
    let told = Cluster::shared().ask("postgres", &sql).unwrap();
    let mut told = told.split('|').map(|count| count.parse().unwrap());
    [told.next().unwrap(), told.next().unwrap()]
}

/// One node's part of the race: money is set aside and moved, in part or whole, or freed.
async fn transfer_at_random(store: Store, ids: Arc<[AccountId]>, writer: u64, many: usize) -> [usize; 2] {
    let mut random = Random(writer);
    let (mut kept, mut poor) = (0, 0);
    for n in 0..many {
        let id = TransferId(u128::from(writer) << 64 | u128::try_from(n).unwrap());
        // The bank's side pays one in four: holders are poor most of the time.
        let from = if random.below(4) == 0 { 0 } else { 1 + random.below(ids.len() - 1) };
        let to = (from + 1 + random.below(ids.len() - 1)) % ids.len();
        let minor = i64::try_from(1 + random.below(3_000)).unwrap();
        let both = [ids[from], ids[to]];
        let ending = random.below(4);
        let answer = if ending == 3 {
            // In two units of work.
            let set_aside = store.write(move |unit| reserve(unit, id, yuan(minor), both)).await;
            match set_aside {
                Ok(()) => store.write(move |unit| end(unit, id, End::Void)).await,
                refused => refused,
            }
        } else {
            let how = match ending {
                0 => End::Post(Some(yuan(1))),
                _ => End::Post(None),
            };
            store
                .write(move |unit| {
                    reserve(unit, id, yuan(minor), both)?;
                    end(unit, id, how)
                })
                .await
        };
        match answer {
            Ok(()) => kept += 1,
            Err(WriteError::Refused(Refusal::Ledger(LedgerError::InsufficientFunds))) => poor += 1,
            answer => panic!("{answer:?}"),
        }
    }
    [kept, poor]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_race_over_few_accounts_conserve_the_money_and_overspend_nobody() {
    let database = migrated();
    let stores = nodes(&database.url);
    let owners = [
        (AccountKind::Settlement, 0),
        (AccountKind::Holder, 1),
        (AccountKind::Holder, 2),
        (AccountKind::Merchant, 1),
        (AccountKind::Merchant, 2),
    ];
    let ids: Arc<[AccountId]> = kept(&stores[0], move |unit| {
        owners
            .iter()
            .map(|(kind, owner)| Ok(account(unit, *kind, *owner)?.id))
            .collect::<Result<_, StoreError>>()
    })
    .await;
    let over = Arc::new(AtomicBool::new(false));
    let looking = {
        let (store, ids, over) = (stores[1].clone(), Arc::clone(&ids), Arc::clone(&over));
        std::thread::spawn(move || {
            let mut looks = 0;
            while !over.load(Ordering::SeqCst) {
                assert_sound(&store);
                for id in &ids[1..] {
                    let account = store.peek(|rows| rows.account(*id)).unwrap().unwrap();
                    assert!(account.available() >= 0, "{account:?}");
                }
                looks += 1;
            }
            looks
        })
    };
    let mut racing = JoinSet::new();
    for writer in 0..40_u64 {
        let store = stores[usize::try_from(writer % 2).unwrap()].clone();
        racing.spawn(transfer_at_random(store, Arc::clone(&ids), writer + 1, 75));
    }
    let ends = racing.join_all().await.into_iter().fold([0, 0], |sum, it| [sum[0] + it[0], sum[1] + it[1]]);
    over.store(true, Ordering::SeqCst);
    let looks = looking.join().unwrap();
    assert_sound(&stores[0]);
    assert!(ends[0] > 1_000 && ends[1] > 30 && looks > 3, "{ends:?} {looks}");
    let [again, deadlocks] = run_again(&database.name, stores);
    eprintln!("transfers kept, refused: {ends:?}; looked at {looks} times; run again {again}");
    assert_eq!(deadlocks, 0);
    // Every transfer that is posted has its two lines, every other none.
    let lines = "select count(*) from transfer t where (select count(*) from posting p where p.transfer = t.id) \
                 <> case when state = 1 then 2 else 0 end";
    assert_eq!(Cluster::shared().ask(&database.name, lines).unwrap(), "0");
}

/// Both nodes do this at once, many times: of each pair one wins, and both are answered with what the winner kept.
async fn race(
    stores: &[Store; 2],
    work: impl Fn(&mut dyn Unit, u32, usize) -> Result<usize, StoreError> + Clone + Send + 'static,
) {
    let mut firsts = [0; 2];
    for round in 1..=60 {
        let racers = [0, 1].map(|node| {
            let (store, work) = (stores[node].clone(), work.clone());
            tokio::spawn(async move { store.write(move |unit| work(unit, round, node)).await })
        });
        let [first, second] = racers;
        let answers = [first.await.unwrap(), second.await.unwrap()];
        let Ok(winner) = answers[0] else { panic!("{answers:?}") };
        assert_eq!(answers[1], Ok(winner));
        firsts[winner] += 1;
    }
    eprintln!("won by the first and the second node: {firsts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_one_gives_the_first_answer_and_the_other_gives_the_same() {
    let database = migrated();
    let stores = nodes(&database.url);
    race(&stores, |unit, round, node| {
        let key = round.to_string();
        if let Some(first) = unit.idempotent(MerchantId(1), "orders", &key)? {
            return Ok(first.body.parse().unwrap());
        }
        unit.add_idempotent(MerchantId(1), "orders", &key, &first_answer(&node.to_string(), MORNING))?;
        Ok(node)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_one_puts_the_question_and_the_other_sees_it() {
    let database = migrated();
    let stores = nodes(&database.url);
    kept(&stores[0], |unit| {
        for n in 1..=60 {
            unit.add_card(&card(n))?;
            unit.add_order(&order(0, n))?;
        }
        Ok::<(), StoreError>(())
    })
    .await;
    // Under different B: a card has one open question.
    race(&stores, |unit, round, node| {
        if let Some(open) = unit.open_authorization(CardId(round))? {
            return Ok(usize::try_from(open.authorization.b.seconds() % 2).unwrap());
        }
        unit.add_authorization(&question(round, round * 2 + u32::try_from(node).unwrap()))?;
        Ok(node)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_one_uses_a_b_and_the_other_sees_it() {
    let database = migrated();
    let stores = nodes(&database.url);
    race(&stores, |unit, round, node| {
        if let Some(used) = unit.authorization(CardId(1), KeyVersion::FIRST, factor(round))? {
            return Ok(usize::from(used.evidence.transaction[0]));
        }
        let mut mine = question(1, round);
        mine.authorization.state = payment::AuthorizationState::Superseded;
        mine.evidence.transaction = vec![u8::try_from(node).unwrap()];
        unit.add_authorization(&mine)?;
        Ok(node)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_one_raises_a_card_s_mark_and_the_other_sees_it() {
    let database = migrated();
    let stores = nodes(&database.url);
    let raised = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut racing = JoinSet::new();
    for writer in 0..16 {
        let (store, raised) = (stores[writer % 2].clone(), Arc::clone(&raised));
        racing.spawn(async move {
            for _ in 0..25 {
                // The next factor of a card: no two may have the same.
                let next = kept(&store, |unit| {
                    let mut link = unit.link_state(CardId(7))?;
                    let next = link.marks.downlink.map_or(1, |mark| mark.seconds() + 1);
                    link.marks.downlink = Some(factor(next));
                    unit.put_link_state(CardId(7), KeyVersion::FIRST, &link)?;
                    Ok::<_, StoreError>(next)
                })
                .await;
                raised.lock().unwrap().push(next);
            }
        });
    }
    racing.join_all().await;
    let mut raised = raised.lock().unwrap().clone();
    raised.sort_unstable();
    assert_eq!(raised, (1..=400).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_open_the_same_accounts_at_once_and_each_is_opened_once() {
    let database = migrated();
    let stores = nodes(&database.url);
    for round in 0..40 {
        let mut racing = JoinSet::new();
        for writer in 0..8 {
            let store = stores[writer % 2].clone();
            racing.spawn(async move {
                kept(&store, move |unit| {
                    let ids = [1, 2, 3]
                        .map(|owner| account(unit, AccountKind::Merchant, round * 3 + owner).map(|it| it.id));
                    ids.into_iter().collect::<Result<Vec<_>, StoreError>>()
                })
                .await
            });
        }
        let ids = racing.join_all().await;
        assert!(ids.iter().all(|some| *some == ids[0]), "{ids:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_of_two_nodes_to_one_merchant_wait_for_nobody() {
    const HOLDERS: i64 = 64;
    const EACH: u128 = 40;
    let database = migrated();
    let stores = nodes(&database.url);
    let (ids, merchant) = kept(&stores[0], |unit| {
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
    let begun = std::time::Instant::now();
    let mut paying = JoinSet::new();
    for (n, holder) in ids.into_iter().enumerate() {
        // A holder's card is with one node at a time.
        let store = stores[n % 2].clone();
        paying.spawn(async move {
            for payment in 0..EACH {
                let id = TransferId(u128::try_from(n).unwrap() << 64 | payment);
                kept(&store, move |unit| reserve(unit, id, yuan(7), [holder, merchant])).await;
                kept(&store, move |unit| end(unit, id, End::Post(None))).await;
            }
        });
    }
    paying.join_all().await;
    let took = begun.elapsed();
    let payments = i64::try_from(EACH).unwrap() * HOLDERS;
    let sums = stores[0].peek(|rows: &dyn Reading| rows.account(merchant)).unwrap().unwrap();
    assert_eq!((sums.posted, sums.pending_in), (payments * 7, 0));
    assert_sound(&stores[0]);
    let counts = stores[0].peek(|rows| rows.transfer_counts()).unwrap();
    assert_eq!(
        counts[usize::from(TransferState::Posted.number())],
        u64::try_from(payments + HOLDERS).unwrap()
    );
    let [again, deadlocks] = run_again(&database.name, stores);
    eprintln!(
        "{payments} payments of two nodes to one merchant in {took:?}; transactions run again: {again}"
    );
    assert!(again < 40, "{again} of {} transactions at most", 2 * payments);
    assert_eq!(deadlocks, 0);
}
