//! Two nodes on one PostgreSQL server: one serves and the other stands by. What was acknowledged outlives the node that
//! acknowledged it, and cards pay on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Tests.

mod program;

use std::path::Path;
use std::time::{Duration, Instant};

use cluster::{Cluster, Durability};
use program::buyer::Buyers;
use program::merchant::SMALL;
use program::platform::Platform;
use program::process::Program;

const CARDS: usize = 4;

/// A second node: another folder and name, the same keys, and the addresses that cards and merchants know.
fn second(first: &Platform, folder: &Path, url: &str) -> Platform {
    let (data, config) = (folder.join("data"), folder.join("counterfoil.toml"));
    let text = std::fs::read_to_string(&first.config).unwrap();
    let text = text.replace(&first.data.display().to_string(), &data.display().to_string());
    std::fs::write(&config, text.replace("\"north\"", "\"south\"")).unwrap();
    std::fs::create_dir(&data).unwrap();
    std::fs::copy(first.data.join("keys.cfks"), data.join("keys.cfks")).unwrap();
    assert!(std::fs::read_to_string(&config).unwrap().contains(url));
    first.beside(data, config)
}

fn standing_by(node: &Platform) -> Program {
    let program = Program::start(&mut node.command(&["serve"]));
    program.says("Standing by");
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_or_stopped_is_followed_by_the_other_and_nothing_is_lost_or_doubled() {
    let mut cluster = Cluster::start(Durability::Full, &[]).unwrap();
    let database = cluster.fresh(None).unwrap();
    let north = Platform::bare();
    let section = format!("\n[database]\nurl = \"{}\"\nnode = \"north\"\n", database.url);
    let text = std::fs::read_to_string(&north.config).unwrap() + &section;
    std::fs::write(&north.config, text).unwrap();
    north.run(&["keys", "init"]).well();
    let folder = tempfile::tempdir().unwrap();
    let south = second(&north, folder.path(), &database.url);

    let merchant = north.merchant("Morning Market");
    let cards = north.cards(CARDS);
    north.fund(&cards[0].holder, 1_000_000);
    assert!(!north.database().exists(), "nothing is kept in a file");

    let serving = north.serve();
    let waiting = standing_by(&south);
    assert!(waiting.says("north serves").contains("Standing by"));
    let buyers = Buyers::begin(&north, &merchant, &cards).await;
    buyers.settled.reaches(CARDS).await;

    // Killed: the lease ends by itself.
    serving.kill();
    let began = Instant::now();
    waiting.says("Ctrl-C stops it");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    buyers.settled.reaches(buyers.settled.now() + CARDS).await;

    // Stopped: the other, which has come back, serves at once.
    let serving = waiting;
    let waiting = standing_by(&north);
    serving.signal("TERM");
    assert!(serving.ended().well().ends_with("Stopped.\n"));
    waiting.says("Ctrl-C stops it");
    buyers.settled.reaches(buyers.settled.now() + CARDS).await;

    // The database is killed under load, and comes back.
    cluster.kill().unwrap();
    cluster.resume().unwrap();
    buyers.settled.reaches(buyers.settled.now() + CARDS).await;

    let bought = buyers.finish().await;
    for bought in &bought {
        assert_eq!(merchant.read(&bought.order).await.state, "paid");
    }
    assert_eq!(merchant.balance().await, i64::from(SMALL) * i64::try_from(bought.len()).unwrap());
    south.ledger();

    // One that was taken for dead finds the other serving, and ends by name.
    waiting.signal("STOP");
    let follower = Program::start(&mut south.command(&["serve"]));
    follower.says("Standing by");
    // The frozen one holds the ports; the follower has the lease all the same, and cannot listen.
    let taken = cluster_says_other_than(&cluster, &database.name, "north").await;
    assert_eq!(taken, "south");
    waiting.signal("CONT");
    assert!(waiting.ended().badly().contains("south serves on this database now"));
}

async fn cluster_says_other_than(cluster: &Cluster, database: &str, node: &str) -> String {
    for _ in 0..200 {
        let holder = cluster.ask(database, "select node from lease where name = 'serving'").unwrap();
        if holder != node {
            return holder;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{node} keeps the lease");
}
