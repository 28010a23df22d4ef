//! Nodes that are stopped, killed and started again under load.

use std::collections::BTreeSet;

use crate::balancer::Balancer;
use crate::crossing::{is_paid, pays, says_hello, switched_on};
use crate::program::buyer::Buyers;
use crate::program::merchant::SMALL;
use crate::program::platform::Platform;
use crate::program::process::Program;
use crate::region::{Region, sees};

const CARDS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_are_restarted_in_turn_and_one_is_killed_and_no_order_is_refused_lost_or_paid_twice() {
    let mut region = Region::new();
    let nodes = ["north", "east", "south"].map(|name| region.node(name));
    let merchant = nodes[0].merchant("Morning Market");
    let cards = nodes[0].cards(CARDS);
    nodes[0].fund(&cards[0].holder, 1_000_000);
    let mut serving: Vec<Option<Program>> = nodes.iter().map(|node| Some(node.serve())).collect();
    sees(&nodes[0], nodes.len()).await;

    let balancer = Balancer::before(&nodes).await;
    let front = Platform::in_front(balancer.air, balancer.http);
    let merchant = merchant.at(front.http);
    let buyers = Buyers::begin(&front, &merchant, &cards).await;
    buyers.settled.reaches(CARDS).await;
    for (place, node) in nodes.iter().enumerate() {
        balancer.set(place, false);
        let stopping = serving[place].take().unwrap();
        stopping.signal("TERM");
        assert!(stopping.ended().well().ends_with("Stopped.\n"));
        buyers.settled.reaches(buyers.settled.now() + CARDS).await;
        serving[place] = Some(node.serve());
        balancer.set(place, true);
    }
    assert_eq!(merchant.refusals(), Vec::<String>::new());

    // One dies in the middle of everything; all cards are near it by now.
    serving[0].take().unwrap().kill();
    balancer.set(0, false);
    buyers.settled.reaches(buyers.settled.now() + CARDS).await;

    let bought = buyers.finish().await;
    assert_eq!(merchant.refusals(), Vec::<String>::new());
    let orders: BTreeSet<String> = bought.iter().map(|bought| bought.order.clone()).collect();
    assert_eq!(orders.len(), bought.len());
    assert_eq!(merchant.all().await, orders, "every order that was made, and no other");
    assert_eq!(merchant.paid().await, orders);
    assert_eq!(merchant.balance().await, i64::from(SMALL) * i64::try_from(bought.len()).unwrap());
    let payments = "select count(*) from event where kind = 'order.paid'";
    assert_eq!(region.asks(payments), bought.len().to_string());
    nodes[1].ledger();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_for_a_card_of_a_node_that_died_is_paid_where_the_card_is_heard_next() {
    let mut region = Region::new();
    let (north, south) = (region.node("north"), region.node("south"));
    let merchant = south.merchant("Morning Market");
    let issued = north.card(&["--listens"]);
    north.fund(&issued.holder, 100_000);
    let (north_serves, _south_serves) = (north.serve(), south.serve());
    sees(&south, 2).await;
    let card = switched_on(&issued, &north).await;
    merchant.order(&issued.id, SMALL).await;
    pays(&card).await;
    says_hello(&card).await;

    north_serves.kill();
    card.stop().await;
    // South does not know yet that north is dead: what it asks waits for north.
    let order = merchant.order(&issued.id, SMALL).await;
    let waits = "select count(*) from downlink where state = 'queued' and address like 'coap:%@north'";
    assert_eq!(region.asks(waits), "1");
    let card = switched_on(&issued, &south).await;
    pays(&card).await;
    is_paid(&merchant, &order.id).await;
    assert_eq!(region.asks(waits), "0");
    card.stop().await;
    south.ledger();
}
