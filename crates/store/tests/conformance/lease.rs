//! Leases: kept under their names, and of two who take one at once, one is first.

use store::{Lease, Store, StoreError};
use tokio::task::JoinSet;

use crate::maker::{MORNING, kept, seen};

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
