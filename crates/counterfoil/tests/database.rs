//! A database server that is away, read-only, full of others, of another version, or does not know us: what an operator is told at
//! the command line, and that a platform goes on by itself when it has passed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod program;

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use cluster::{Cluster, Durability};
use program::buyer::Buyers;
use program::platform::Platform;
use program::process::{PATIENCE, Program};

/// A platform whose database is at this address.
fn at(url: &str) -> Platform {
    let platform = Platform::bare();
    let section = format!("\n[database]\nurl = \"{url}\"\n");
    let config = std::fs::read_to_string(&platform.config).unwrap() + &section;
    std::fs::write(&platform.config, config).unwrap();
    platform.run(&["keys", "init"]).well();
    platform
}

/// Why a command fails on it.
#[track_caller]
fn refused(platform: &Platform, says: &str) {
    let error = platform.run(&["ledger", "check"]).badly();
    assert!(error.contains(says), "{error}");
}

/// Asks for `/readyz` until it says this.
async fn ready_says(platform: &Platform, says: &str) {
    let url = format!("http://127.0.0.1:{}/readyz", platform.operations);
    let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
    let until = Instant::now() + PATIENCE;
    loop {
        let text = match http.get(&url).send().await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        if text.contains(says) {
            return;
        }
        assert!(Instant::now() < until, "/readyz never said {says}: {text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_at_the_start_or_goes_away_is_waited_for_and_payments_go_on() {
    let mut cluster = Cluster::start(Durability::Full, &[]).unwrap();
    let platform = at(&cluster.fresh(None).unwrap().url);
    let merchant = platform.merchant("Morning Market");
    let cards = platform.cards(2);
    platform.fund(&cards[0].holder, 1_000_000);

    cluster.stop().unwrap();
    refused(&platform, "the database cannot be reached");
    let serving = Program::start(&mut platform.command(&["serve"]));
    serving.asks("waiting for the database");
    cluster.resume().unwrap();
    serving.says("Ctrl-C stops it");
    ready_says(&platform, "ready").await;
    let buyers = Buyers::begin(&platform, &merchant, &cards).await;
    buyers.settled.reaches(2).await;

    cluster.kill().unwrap();
    ready_says(&platform, "database_away").await;
    cluster.resume().unwrap();
    ready_says(&platform, "ready").await;
    buyers.settled.reaches(buyers.settled.now() + 2).await;
    let bought = buyers.finish().await;
    assert_eq!(merchant.paid().await.len(), bought.len());
    platform.ledger();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_changes_is_named_and_payments_go_on_when_it_takes_them_again() {
    let cluster = Cluster::start(Durability::None, &[]).unwrap();
    let platform = at(&cluster.fresh(None).unwrap().url);
    let merchant = platform.merchant("Morning Market");
    let cards = platform.cards(1);
    platform.fund(&cards[0].holder, 1_000_000);
    let set = |to: &str| {
        cluster.ask("postgres", &format!("alter system set default_transaction_read_only = {to}")).unwrap();
        cluster.ask("postgres", "select pg_reload_conf()").unwrap();
    };
    set("on");
    let until = Instant::now() + PATIENCE;
    while platform.run(&["ledger", "check"]).code == Some(0) {
        assert!(Instant::now() < until, "the server still takes changes");
    }
    refused(&platform, "takes no changes at the moment: it is a standby or was set read-only");
    let serving = Program::start(&mut platform.command(&["serve"]));
    serving.asks("takes no changes");
    set("off");
    serving.says("Ctrl-C stops it");
    let buyers = Buyers::begin(&platform, &merchant, &cards).await;
    buyers.settled.reaches(1).await;

    // While it serves: it comes back as a standby would.
    set("on");
    let until = Instant::now() + PATIENCE;
    while merchant.ask(&cards[0].id, 100, None).await.unwrap().status() != 503 {
        assert!(Instant::now() < until, "orders are still taken");
    }
    set("off");
    buyers.settled.reaches(buyers.settled.now() + 1).await;
    buyers.finish().await;
    platform.ledger();
}

#[test]
fn a_server_without_a_connection_left_is_named_with_what_to_do() {
    let cluster = Cluster::start(Durability::None, &["max_connections = 5"]).unwrap();
    cluster.ask("postgres", "create role keeper login").unwrap();
    cluster.ask("postgres", "create database kept owner keeper").unwrap();
    let platform = at(&cluster.url("kept").replace("postgres@", "keeper@"));
    // Three of the five are kept for administrators; who looks is one of them for a moment, and others come again.
    let come = || {
        let mut psql = cluster.client("psql", "kept").unwrap();
        psql.args(["-U", "keeper", "-c", "select pg_sleep(600)"]).stdout(Stdio::null()).stderr(Stdio::null());
        psql.spawn().unwrap()
    };
    let mut others: Vec<Child> = vec![come(), come()];
    let there = "select count(*) from pg_stat_activity where usename = 'keeper' and state = 'active'";
    let until = Instant::now() + PATIENCE;
    while cluster.ask("postgres", there).unwrap() != "2" {
        assert!(Instant::now() < until, "the others do not come");
        for other in &mut others {
            if other.try_wait().unwrap().is_some() {
                *other = come();
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    refused(&platform, "no connection left: raise its max_connections, or run fewer nodes");
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'keeper'";
    cluster.ask("postgres", end).unwrap();
    for other in &mut others {
        other.wait().unwrap();
    }
    let until = Instant::now() + PATIENCE;
    while platform.run(&["merchant", "add", "Morning Market"]).code != Some(0) {
        assert!(Instant::now() < until, "there is room again");
    }
}

#[test]
fn a_database_of_another_version_or_that_does_not_know_us_is_named() {
    let cluster = Cluster::shared();
    let database = cluster.fresh(None).unwrap();
    let platform = at(&database.url);
    platform.run(&["merchant", "add", "Morning Market"]).well();
    let later = "insert into refinery_schema_history values (99, 'later', '2030-01-01T00:00:00Z', '1')";
    cluster.ask(&database.name, later).unwrap();
    for command in
        [&["serve"][..], &["ledger", "check"], &["store", "migrate"], &["store", "migrate", "--dry-run"]]
    {
        let error = platform.run(command).badly();
        assert!(
            error.contains("schema version 99, newer than") && error.contains("use the newer program"),
            "{error}"
        );
    }
    let lost = at(&cluster.url("no_such_database"));
    refused(&lost, "the database does not let us in");
    let wrong = at("postgres://keeper@127.0.0.1/");
    refused(&wrong, "names no database");
    let odd = platform.run(&["ledger", "check", "--database", "mysql://127.0.0.1/counterfoil"]).badly();
    assert!(odd.contains("give postgres://USER@HOST/NAME"), "{odd}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_pays_on_tables_that_lie_in_partitions_by_the_keys_that_are_told() {
    let database = Cluster::shared().fresh(None).unwrap();
    let platform = at(&database.url);
    let told = platform.run(&["store", "layout"]).well();
    for line in ["orders", "authorization", "posting", "merchant"] {
        assert!(told.lines().any(|told| told.split(' ').next() == Some(line)), "{line}: {told}");
    }
    let said = platform.run(&["store", "layout", "--engine", "citus"]).well();
    assert!(
        said.contains("select create_distributed_table('orders', 'card', colocate_with => 'card');\n"),
        "{said}"
    );
    assert!(said.contains("select create_reference_table('merchant');\n"), "{said}");
    for wrong in ["1", "33", "many"] {
        assert_eq!(platform.run(&["store", "layout", "--partitions", wrong]).code, Some(2), "{wrong}");
    }
    let laid = platform.run(&["store", "layout", "--partitions", "4"]).well();
    assert!(laid.contains("tables lie in 4 hash partitions each"), "{laid}");

    let merchant = platform.merchant("Morning Market");
    let cards = platform.cards(4);
    for card in &cards {
        platform.fund(&card.holder, 1_000_000);
    }
    let serving = Program::start(&mut platform.command(&["serve"]));
    serving.says("Ctrl-C stops it");
    let buyers = Buyers::begin(&platform, &merchant, &cards).await;
    buyers.settled.reaches(12).await;
    let bought = buyers.finish().await;
    assert_eq!(merchant.paid().await.len(), bought.len());
    drop(serving);
    platform.ledger();
    let parts = "select count(distinct tableoid) from orders";
    assert!(Cluster::shared().ask(&database.name, parts).unwrap().parse::<u32>().unwrap() > 1);
    // It is laid out once, and not with rows in it.
    let again = platform.run(&["store", "layout", "--partitions", "8"]).well();
    assert!(again.contains("lies in parts already"), "{again}");
}
