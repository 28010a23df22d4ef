//! Webhooks are told by all nodes together: parts of the endpoints are shared out, and go from one to another.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cluster::Cluster;
use serde_json::Value;

use crate::program::merchant::{Merchant, SMALL};
use crate::program::platform::{Issued, Platform};
use crate::program::process::{PATIENCE, Program};
use crate::region::{Region, becomes, counted, health};
use crate::shop::{Endpoint, Shop};

const PARTS: usize = 8;

/// The parts that a node holds, as another or itself says.
fn parts_of(health: &Value, node: &str) -> BTreeSet<usize> {
    let duties = health["duties"].as_array().unwrap();
    let own = duties.iter().filter(|duty| duty["node"] == node);
    own.filter_map(|duty| duty["job"].as_str().unwrap().strip_prefix("webhooks/")?.parse().ok()).collect()
}

async fn holds(node: &Platform, who: &str, count: usize) -> BTreeSet<usize> {
    let what = format!("{count} parts of {who}");
    parts_of(&becomes(node, &what, |health| parts_of(health, who).len() == count).await, who)
}

/// Two nodes that serve, half of the parts each, and a merchant's server with endpoints in both halves.
struct Street {
    region: Region,
    north: Platform,
    south: Platform,
    serving: [Option<Program>; 2],
    merchant: Merchant,
    card: Issued,
    shop: Shop,
    norths: Vec<Endpoint>,
    souths: Vec<Endpoint>,
}

impl Street {
    async fn open() -> Self {
        let mut region = Region::new();
        let section = "\n[webhooks]\nallow_private = true\n";
        let (north, south) = (region.node_with("north", section), region.node_with("south", section));
        let merchant = north.merchant("Morning Market");
        let card = north.card(&[]);
        north.fund(&card.holder, 100_000);
        let north_serves = north.serve();
        assert_eq!(holds(&north, "north", PARTS).await.len(), PARTS, "one by itself has all");
        let south_serves = south.serve();
        let (own, others) =
            (holds(&south, "north", PARTS / 2).await, holds(&south, "south", PARTS / 2).await);
        let (shop, parts) = (Shop::open().await, [own, others]);
        let [own, others] = parts.each_ref().map(|parts| parts.iter().copied().collect::<Vec<_>>());
        let made = shop.endpoints(&merchant, &[&own, &others]).await;
        let (norths, souths) = made.into_iter().partition(|endpoint| own.contains(&endpoint.part()));
        let (merchant, serving) = (merchant.at(south.http), [Some(north_serves), Some(south_serves)]);
        Self { region, north, south, serving, merchant, card, shop, norths, souths }
    }

    fn all(&self) -> Vec<Endpoint> {
        [&self.norths[..], &self.souths[..]].concat()
    }

    async fn order(&self) -> String {
        self.merchant.order(&self.card.id, SMALL).await.id
    }

    /// Every message was delivered, and the log says of each that one attempt did it.
    async fn all_delivered(&self, messages: usize) {
        let deliveries = messages * self.all().len();
        let delivered = "select count(*) from webhook_delivery where state = 'delivered'";
        self.region.says(delivered, &deliveries.to_string()).await;
        for (sql, expected) in [
            ("select count(*) from webhook_message", messages),
            ("select count(*) from webhook_delivery", deliveries),
            ("select count(*) from webhook_delivery where attempts = 1", deliveries),
            ("select count(*) from webhook_attempt where status = 204", deliveries),
            ("select count(*) from webhook_attempt", deliveries),
            ("select count(*) from webhook_endpoint where failing_since is not null", 0),
            ("select count(*) from webhook_outbox", 0),
        ] {
            let attempts = "select string_agg(concat_ws(' ', encode(delivery, 'hex'), number, at, duration_ms, status, reason), '; ') \
                            from webhook_attempt";
            let found = self.region.asks(sql);
            assert_eq!(found, expected.to_string(), "{sql}: {}", self.region.asks(attempts));
        }
    }
}

/// Under which epochs parts are held.
fn epochs(health: &Value, parts: &BTreeSet<usize>) -> Vec<u64> {
    let duties = health["duties"].as_array().unwrap();
    let epoch = |part: &usize| {
        let job = format!("webhooks/{part}");
        duties.iter().find(|duty| duty["job"] == job.as_str()).unwrap()["epoch"].as_u64().unwrap()
    };
    parts.iter().map(epoch).collect()
}

/// Attempts of a node that nobody took.
async fn in_vain(node: &Platform) -> u64 {
    let mut attempts = 0;
    for outcome in ["refused", "timed_out", "unreachable"] {
        let series = format!("counterfoil_webhook_attempts_total{{outcome=\"{outcome}\"}} ");
        attempts += counted(node, &series).await;
    }
    attempts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_joins_has_its_share_of_the_webhooks_while_the_other_serves_and_gives_it_back_when_it_goes()
 {
    let mut street = Street::open().await;
    assert_eq!(holds(&street.north, "north", PARTS / 2).await, BTreeSet::from([0, 1, 2, 3]));
    assert_eq!(holds(&street.north, "south", PARTS / 2).await, BTreeSet::from([4, 5, 6, 7]));
    let starts = "select count(*) from lease join node on node.name = lease.node and node.start = lease.start \
                  where lease.name like 'webhooks/%'";
    assert_eq!(
        street.region.asks(starts),
        PARTS.to_string(),
        "each in the name and with the start of a node"
    );

    let order = street.order().await;
    street.shop.hears_of(&street.all(), &order, 1).await;
    street.all_delivered(1).await;
    // Each told of its own.
    for (node, own) in [(&street.north, &street.norths), (&street.south, &street.souths)] {
        let told = counted(node, "counterfoil_webhook_attempts_total{outcome=\"delivered\"} ").await;
        assert_eq!(told, own.len() as u64);
    }

    // The one that goes gives its parts back.
    let south = street.serving[1].take().unwrap();
    south.signal("TERM");
    south.ended().well();
    let told = becomes(&street.north, "all parts", |health| parts_of(health, "north").len() == PARTS).await;
    assert_eq!(epochs(&told, &BTreeSet::from([0, 1, 2, 3])), [1; 4]);
    assert_eq!(epochs(&told, &BTreeSet::from([4, 5, 6, 7])), [3; 4]);
    street.merchant = street.merchant.at(street.north.http);
    let order = street.order().await;
    street.shop.hears_of(&street.all(), &order, 1).await;
    street.all_delivered(2).await;
    let once = |endpoint| street.shop.heard_of(endpoint, &order).values().all(|heard| heard.times == 1);
    assert!(street.all().iter().all(once), "nothing was told twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_was_telling_when_it_was_killed_another_tells_under_the_same_id() {
    let mut street = Street::open().await;
    street.norths.iter().for_each(|endpoint| street.shop.hold(endpoint));
    let order = street.order().await;
    street.shop.hears_of(&street.all(), &order, 1).await;
    let before = health(&street.south).await;
    let norths = parts_of(&before, "north");
    street.serving[0].take().unwrap().kill();
    // What it was answered nobody hears.
    street.norths.iter().for_each(|endpoint| street.shop.release(endpoint, 204));
    let after =
        becomes(&street.south, "the dead one's parts", |health| parts_of(health, "south").len() == PARTS);
    let after = epochs(&after.await, &norths);
    assert_eq!(after, epochs(&before, &norths).iter().map(|epoch| epoch + 1).collect::<Vec<_>>());
    street.shop.hears_of(&street.norths, &order, 2).await;
    for endpoint in street.all() {
        assert_eq!(street.shop.heard_of(&endpoint, &order).len(), 1, "one message, under one id");
    }
    // The log says what was kept: one attempt each, which succeeded.
    street.all_delivered(1).await;
    // What was made meanwhile waits for nobody.
    let order = street.order().await;
    street.shop.hears_of(&street.all(), &order, 1).await;
    street.all_delivered(2).await;
    street.south.ledger();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_to_a_frozen_node_after_another_took_its_parts_changes_nothing() {
    let street = Street::open().await;
    street.norths.iter().for_each(|endpoint| street.shop.hold(endpoint));
    let order = street.order().await;
    street.shop.hears_of(&street.all(), &order, 1).await;
    let frozen = street.serving[0].as_ref().unwrap();
    frozen.freeze();
    // It would write that all of them failed.
    street.norths.iter().for_each(|endpoint| street.shop.release(endpoint, 500));
    street.shop.hears_of(&street.norths, &order, 2).await;
    street.all_delivered(1).await;

    frozen.signal("CONT");
    let own = PARTS / 2;
    let told = becomes(&street.north, "its share again", |health| {
        health["epoch"] == 2
            && parts_of(health, "north").len() == own
            && parts_of(health, "south").len() == own
    });
    let told = told.await;
    let norths = parts_of(&told, "north");
    assert!(epochs(&told, &norths).iter().all(|epoch| *epoch == 3), "{told}");
    let late = street.norths.len() as u64;
    let until = Instant::now() + PATIENCE;
    while in_vain(&street.north).await < late {
        assert!(Instant::now() < until, "what came late was never taken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What it tells now is kept, in units of work after those of what came late.
    let order = street.order().await;
    street.shop.hears_of(&street.all(), &order, 1).await;
    street.all_delivered(2).await;
    assert_eq!(in_vain(&street.north).await, late, "it told nothing else in vain");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_test_mode_s_webhooks_are_shared_out_by_themselves_among_the_nodes_that_have_it() {
    let mut region = Region::new();
    let tests = Cluster::shared().fresh(None).unwrap();
    let section = format!("\n[test_mode]\ndatabase = \"{}\"\n", tests.url);
    let (north, south) = (region.node_with("north", &section), region.node_with("south", &section));
    // The first command that needs them makes the test mode's keys; every node has the same.
    north.run(&["merchant", "add", "Morning Market"]).well();
    for name in ["test-keys.cfks", "test-keys.passphrase"] {
        std::fs::copy(north.data.join(name), south.data.join(name)).unwrap();
    }
    // It has jobs and no test mode: it has no part in that one's.
    let east = region.node("east");
    let serving = [north.serve(), south.serve(), east.serve()];
    let held = |name: &str| {
        let sql = format!(
            "select count(*) from lease where node = '{name}' and name like 'webhooks/%' \
             and until > (select at from database_clock)"
        );
        Cluster::shared().ask(&tests.name, &sql).unwrap()
    };
    let until = Instant::now() + PATIENCE;
    while (held("north"), held("south"), held("east")) != ("4".into(), "4".into(), "0".into()) {
        assert!(Instant::now() < until, "{} {} {}", held("north"), held("south"), held("east"));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // In the order of their names, the first have one more.
    for (node, count) in [("east", 3), ("north", 3), ("south", 2)] {
        holds(&east, node, count).await;
    }
    for node in serving {
        node.signal("TERM");
        assert!(node.ended().well().ends_with("Stopped.\n"));
    }
    assert_eq!((held("north"), held("south")), ("0".into(), "0".into()));
}
