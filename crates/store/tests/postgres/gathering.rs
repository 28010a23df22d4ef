//! What a batch asks of its server: the same statement once, however many units of work make it.

use cluster::{Cluster, Durability};
use model::{CardId, KeyVersion};
use store::{NewEvent, Store, StoreError, Unit, WriteError};
use tokio::task::JoinSet;

use crate::maker::gate::Gate;
use crate::maker::{MORNING, card, kept, order, seen};
use crate::opened;

const CARDS: u32 = 200;

/// Statements that the server has run so far, as its log has them.
fn statements(cluster: &Cluster) -> usize {
    let log = std::fs::read_to_string(cluster.folder().join("log")).unwrap();
    log.lines().filter(|line| line.contains(" execute ")).count()
}

/// What a step of a payment reads and changes, nearly.
fn step(unit: &mut dyn Unit, n: u32) -> Result<usize, StoreError> {
    let card = unit.card(CardId(n))?.ok_or(StoreError::Malformed("card"))?;
    let mut link = unit.link_state(card.id())?;
    let waiting = unit.waiting_orders(card.id())?;
    link.prompts += 1;
    let order = order(i64::from(n), n);
    unit.add_order(&order)?;
    unit.add_event(&NewEvent {
        merchant: order.order.merchant,
        order: order.order.id,
        kind: "order.awaiting_card",
        at: MORNING,
    })?;
    unit.put_link_state(card.id(), KeyVersion::FIRST, &link)?;
    Ok(waiting.len())
}

/// A server that logs each statement, and a store with cards.
async fn begun() -> (Cluster, Store) {
    let cluster = Cluster::start(Durability::None, &["log_min_duration_statement = 0"]).unwrap();
    let store = opened(&cluster.fresh(None).unwrap().url);
    kept(&store, |unit| (1..=CARDS).try_for_each(|n| unit.add_card(&card(n)))).await;
    (cluster, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_units_of_work_that_wait_together_are_a_dozen_statements() {
    let (cluster, store) = begun().await;
    let gate = Gate::shut(&store).await;
    let mut steps = JoinSet::new();
    for n in 1..=CARDS {
        let store = store.clone();
        steps.spawn(async move { store.write(move |unit| step(unit, n)).await });
    }
    let before = statements(&cluster);
    gate.open_when_waiting(&store, CARDS as usize).await;
    assert!(steps.join_all().await.into_iter().all(|answer| answer == Ok(0)));
    let made = statements(&cluster) - before;
    // The gate's own batch, perhaps one in two parts, and the writer's housekeeping are in it.
    assert!((6..60).contains(&made), "{made}");
    for n in [1, CARDS] {
        assert_eq!(seen(&store, move |rows| rows.waiting_orders(CardId(n))).await.len(), 1);
        assert_eq!(seen(&store, move |rows| rows.link_state(CardId(n))).await.prompts, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_of_work_that_refuse_after_a_change_are_undone_by_themselves_and_cost_the_others_nothing() {
    let (cluster, store) = begun().await;
    let gate = Gate::shut(&store).await;
    let mut steps = JoinSet::new();
    for n in 1..=CARDS {
        let store = store.clone();
        steps.spawn(async move {
            let refuses = n % 4 == 0;
            let work = move |unit: &mut dyn Unit| {
                step(unit, n).map_err(Some)?;
                if refuses { Err(None::<StoreError>) } else { Ok(()) }
            };
            let refused = matches!(store.write(work).await, Err(WriteError::Refused(None)));
            assert_eq!(refused, refuses, "{n}");
        });
    }
    let before = statements(&cluster);
    gate.open_when_waiting(&store, CARDS as usize).await;
    steps.join_all().await;
    let made = statements(&cluster) - before;
    assert!((6..60).contains(&made), "{made}");
    for n in 1..=CARDS {
        let kept = u32::from(n % 4 != 0);
        assert_eq!(seen(&store, move |rows| rows.waiting_orders(CardId(n))).await.len(), kept as usize);
        assert_eq!(seen(&store, move |rows| rows.link_state(CardId(n))).await.prompts, kept);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_of_work_of_one_batch_on_one_card_see_each_other_s_changes() {
    const TIMES: u32 = 40;
    let (_cluster, store) = begun().await;
    let gate = Gate::shut(&store).await;
    let mut steps = JoinSet::new();
    for n in 1..=TIMES {
        let store = store.clone();
        steps.spawn(async move {
            let work = move |unit: &mut dyn Unit| {
                // One more than before, and what it wrote itself is read again.
                let mut link = unit.link_state(CardId(1 + n % 2))?;
                link.prompts += 1;
                unit.put_link_state(CardId(1 + n % 2), KeyVersion::FIRST, &link)?;
                Ok::<_, StoreError>(unit.link_state(CardId(1 + n % 2))?.prompts == link.prompts)
            };
            assert_eq!(store.write(work).await, Ok(true));
        });
    }
    gate.open_when_waiting(&store, TIMES as usize).await;
    steps.join_all().await;
    for n in [1, 2] {
        assert_eq!(seen(&store, move |rows| rows.link_state(CardId(n))).await.prompts, TIMES / 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_queued_before_is_found_by_what_comes_after_it_in_the_same_batch() {
    let (_cluster, store) = begun().await;
    let gate = Gate::shut(&store).await;
    let mut steps = JoinSet::new();
    let mut queued = Vec::new();
    for n in 1..=50 {
        let id = order(i64::from(n), n).order.id;
        // Whoever queues it has to read first, and whoever comes after it knows already what it looks for.
        queued.push(store.queue_write(move |unit| {
            let card = unit.card(CardId(n))?.ok_or(StoreError::Malformed("card"))?;
            unit.link_state(card.id())?;
            unit.add_order(&order(i64::from(n), n))
        }));
        let store = store.clone();
        steps
            .spawn(async move { store.write(move |unit| unit.order(id).map(|found| found.is_some())).await });
    }
    gate.open_when_waiting(&store, 100).await;
    assert!(steps.join_all().await.into_iter().all(|found| found == Ok(true)));
    for written in queued {
        assert_eq!(written.await, Ok::<_, WriteError<StoreError>>(()));
    }
}
