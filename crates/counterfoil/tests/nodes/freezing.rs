//! Nodes that stand still for longer than they may, and go on.

use serde_json::Value;

use crate::program::merchant::{Merchant, SMALL};
use crate::program::process::Program;
use crate::region::{Region, becomes, health, sees};

fn who_sweeps(health: &Value) -> Option<(String, u64)> {
    let duties = health["duties"].as_array().unwrap();
    let sweep = duties.iter().find(|duty| duty["job"] == "sweep")?;
    Some((sweep["node"].as_str().unwrap().to_owned(), sweep["epoch"].as_u64().unwrap()))
}

/// Orders that end by themselves soon.
async fn short_orders(merchant: &Merchant, card: &str, count: usize) {
    for _ in 0..count {
        let answer = merchant.ask_for(card, SMALL, None, 10).await.unwrap();
        assert_eq!(answer.status(), 201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_frozen_node_did_for_all_another_does_and_it_does_nothing_of_it_again_when_it_wakes() {
    const ORDERS: usize = 20;
    let mut region = Region::new();
    let (north, south) = (region.node("north"), region.node("south"));
    let merchant = north.merchant("Morning Market");
    let issued = north.card(&[]);
    north.fund(&issued.holder, 100_000);
    let north_serves = north.serve();
    becomes(&north, "its jobs", |health| who_sweeps(health) == Some(("north".into(), 1))).await;
    let south_serves = south.serve();
    sees(&south, 2).await;
    let at_south = merchant.at(south.http);

    // They end while nobody sweeps but a node that stands still.
    short_orders(&at_south, &issued.id, ORDERS).await;
    north_serves.freeze();
    becomes(&south, "north's jobs", |health| who_sweeps(health) == Some(("south".into(), 2))).await;
    let expired = "select count(*) from event where kind = 'order.expired'";
    region.says(expired, &ORDERS.to_string()).await;
    // Some end as it wakes.
    short_orders(&at_south, &issued.id, ORDERS).await;
    north_serves.signal("CONT");
    let woken = becomes(&north, "itself among the others", |health| health["epoch"] == 2).await;
    assert_eq!(woken["node"], "north");
    region.says(expired, &(2 * ORDERS).to_string()).await;
    assert_eq!(who_sweeps(&health(&north).await), Some(("south".into(), 2)), "it has not taken them back");
    let twice = "select count(*) from (select order_id from event where kind = 'order.expired' \
                 group by order_id having count(*) > 1) twice";
    assert_eq!(region.asks(twice), "0");

    // The one that goes leaves what it did to the other, at once.
    south_serves.signal("TERM");
    south_serves.ended().well();
    becomes(&north, "south's jobs", |health| who_sweeps(health) == Some(("north".into(), 3))).await;
    north.ledger();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_name_was_taken_while_it_stood_still_ends_by_name() {
    let mut region = Region::new();
    let (north, other) = (region.node("north"), region.node("north"));
    let frozen = north.serve();
    frozen.freeze();
    let serving = Program::start(&mut other.command(&["serve"]));
    let said = serving.says("Ctrl-C stops it");
    assert!(said.contains("Waiting up to 8 s to see whether it lives"), "{said}");
    frozen.signal("CONT");
    let why = frozen.ended().badly();
    assert!(why.contains("another node is north now (operations=127.0.0.1:"), "{why}");
    assert!(why.contains("taken for dead"), "{why}");
    assert_eq!(health(&other).await["epoch"], 2);
    serving.signal("TERM");
    serving.ended().well();
}
