//! What a batch asks of its server: the same statement once, however many units of work make it.

use cluster::{Cluster, Durability};
use model::{CardId, KeyVersion};
use store::{NewEvent, StoreError, Unit};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_units_of_work_that_wait_together_are_a_dozen_statements() {
    let cluster = Cluster::start(Durability::None, &["log_min_duration_statement = 0"]).unwrap();
    let store = opened(&cluster.fresh(None).unwrap().url);
    kept(&store, |unit| (1..=CARDS).try_for_each(|n| unit.add_card(&card(n)))).await;
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
