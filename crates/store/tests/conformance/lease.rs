//! Leases: kept under their names, and of two who take one at once, one is first.

use payment::MerchantId;
use store::{Lease, NewEvent, Store, StoreError, StoredNode};
use tokio::task::JoinSet;

use crate::maker::{MORNING, kept, order, seen};

fn lease(node: &str, epoch: u64) -> Lease {
    Lease { name: "serving".into(), node: node.into(), start: [epoch as u8; 16], epoch, until: MORNING }
}

pub(crate) async fn every_field_of_a_lease_comes_back_and_its_name_has_one(store: Store) {
    assert_eq!(seen(&store, |rows| rows.lease("serving")).await, None);
    for held in [lease("north", 1), lease("south", 2)] {
        let put = held.clone();
        kept(&store, move |unit| unit.put_lease(&put)).await;
        assert_eq!(seen(&store, |rows| rows.lease("serving")).await, Some(held));
    }
    assert_eq!(seen(&store, |rows| rows.lease("other")).await, None);
    let other = Lease { name: "another".into(), ..lease("south", 7) };
    let put = other.clone();
    kept(&store, move |unit| unit.put_lease(&put)).await;
    assert_eq!(seen(&store, |rows| rows.leases()).await, [other, lease("south", 2)]);
}

pub(crate) async fn of_many_who_take_a_lease_at_once_each_sees_the_one_before(store: Store) {
    let mut takers = JoinSet::new();
    for taker in 0..20 {
        let store = store.clone();
        takers.spawn(async move {
            kept(&store, move |unit| {
                let epoch = unit.lease("serving")?.map_or(0, |held| held.epoch) + 1;
                unit.put_lease(&lease(&format!("node {taker}"), epoch))?;
                Ok::<_, StoreError>(epoch)
            })
            .await
        });
    }
    let mut epochs = takers.join_all().await;
    epochs.sort_unstable();
    assert_eq!(epochs, (1..=20).collect::<Vec<u64>>());
}

fn node(name: &str, epoch: u64) -> StoredNode {
    StoredNode {
        name: name.into(),
        start: [epoch as u8; 16],
        epoch,
        roles: "air,jobs".into(),
        addresses: "air=127.0.0.1:5683".into(),
        carries: "coap=1280".into(),
        version: "0.1.0".into(),
        entered_at: MORNING,
        heard_at: MORNING.plus(1),
        until: MORNING.plus(epoch as i64),
        clock_apart: -3,
    }
}

pub(crate) async fn every_field_of_a_node_comes_back_and_its_name_has_one_until_it_is_forgotten(
    store: Store,
) {
    assert_eq!(seen(&store, |rows| rows.node("north")).await, None);
    for put in [node("south", 1), node("north", 2), node("south", 3)] {
        kept(&store, move |unit| unit.put_node(&put)).await;
    }
    assert_eq!(seen(&store, |rows| rows.node("south")).await, Some(node("south", 3)));
    assert_eq!(seen(&store, |rows| rows.nodes()).await, [node("north", 2), node("south", 3)]);
    assert_eq!(kept(&store, |unit| unit.forget_nodes(MORNING.plus(3))).await, 1);
    assert_eq!(seen(&store, |rows| rows.nodes()).await, [node("south", 3)]);
}

pub(crate) async fn the_database_s_clock_goes_on_while_a_unit_of_work_runs(store: Store) {
    let [first, second] = kept(&store, |unit| {
        let first = unit.database_clock()?;
        std::thread::sleep(std::time::Duration::from_millis(3));
        Ok::<_, StoreError>([first, unit.database_clock()?])
    })
    .await;
    assert!(second.since(first) >= 2, "{first:?} {second:?}");
    let here = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    assert!((here - second.0).abs() < 60_000, "{here} {second:?}");
}

pub(crate) async fn orders_that_changed_are_found_behind_a_number(store: Store) {
    assert_eq!(seen(&store, |rows| rows.newest_event()).await, 0);
    let (first, second) = (order(0, 1).order.id, order(1, 1).order.id);
    for order in [first, second, first] {
        let event = NewEvent { merchant: MerchantId(1), order, kind: "order.paid", at: MORNING };
        kept(&store, move |unit| unit.add_event(&event)).await;
    }
    let newest = seen(&store, |rows| rows.newest_event()).await;
    let all = seen(&store, |rows| rows.orders_changed_after(0, 9)).await;
    assert_eq!(all.iter().map(|(_, order)| *order).collect::<Vec<_>>(), [first, second, first]);
    assert_eq!(all[2].0, newest);
    let behind = all[0].0;
    assert_eq!(seen(&store, move |rows| rows.orders_changed_after(behind, 1)).await, [all[1]]);
    assert_eq!(seen(&store, move |rows| rows.orders_changed_after(newest, 9)).await, []);
}
