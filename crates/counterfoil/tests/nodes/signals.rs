//! Signals are hints: without them nodes find what concerns them by looking.

use std::time::{Duration, Instant};

use cluster::Cluster;

use crate::crossing::{agrees, is_paid, pays, says_hello, switched_on};
use crate::program::merchant::SMALL;
use crate::program::process::PATIENCE;
use crate::region::{Region, counted, sees};

/// How often nodes were told something, and how often they noticed that they may have missed something.
const HEARD: &str = "counterfoil_signals_total{outcome=\"heard\"} ";
const MISSED: &str = "counterfoil_signals_total{outcome=\"missed\"} ";

#[tokio::test(flavor = "multi_thread")]
async fn an_order_lights_a_card_at_another_node_when_no_signal_comes_through() {
    let mut region = Region::new();
    let (north, south) = (region.node("north"), region.node("south"));
    let merchant = north.merchant("Morning Market");
    let issued = north.card(&["--listens"]);
    north.fund(&issued.holder, 100_000);
    let _serving = (north.serve(), south.serve());
    sees(&north, 2).await;
    sees(&south, 2).await;
    let (at_north, at_south) = (merchant.at(north.http), merchant.at(south.http));
    // Everything has its connections.
    let card = switched_on(&issued, &north).await;
    let order = at_south.order(&issued.id, SMALL).await;
    pays(&card).await;
    is_paid(&at_south, &order.id).await;
    says_hello(&card).await;

    // Nobody gets a new connection, and those that nodes hear each other by are cut.
    let name = &region.database.name;
    let server = |sql: String| Cluster::shared().ask("postgres", &sql).unwrap();
    server(format!("alter database {name} allow_connections false"));
    let cut = server(format!(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity \
         where datname = '{name}' and query like '%counterfoil_node%'"
    ));
    assert_eq!(cut, "2");
    let before = [counted(&north, HEARD).await, counted(&north, MISSED).await];

    let (order, _) = at_south.order_at_last(&issued.id, "silent").await;
    let follower = tokio::spawn({
        let (at_south, id) = (at_south.clone(), order.id.clone());
        async move { at_south.events(&id).await }
    });
    agrees(&card).await;
    // Whoever follows it at south sees what happened at north as well.
    let events = follower.await.unwrap();
    assert!(events.ends_with(&["order.paid".to_owned()]), "{events:?}");
    let after = [counted(&north, HEARD).await, counted(&north, MISSED).await];
    assert_eq!(before, after, "no signal came, and no connection either");

    server(format!("alter database {name} allow_connections true"));
    let until = Instant::now() + PATIENCE;
    while counted(&north, MISSED).await == before[1] || counted(&south, MISSED).await < 2 {
        assert!(Instant::now() < until, "they never hear each other again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    says_hello(&card).await;
    let order = at_south.order(&issued.id, SMALL).await;
    agrees(&card).await;
    is_paid(&at_north, &order.id).await;
    assert!(counted(&north, HEARD).await > before[0]);
    card.stop().await;
    north.ledger();
}
