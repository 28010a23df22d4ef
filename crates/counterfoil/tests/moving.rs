//! A platform's database is brought to this version, and moves to a server: nothing is lost, nobody pays twice, cards pay on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod program;

use std::path::Path;
use std::time::{Duration, Instant};

use cluster::{Cluster, Database};
use program::buyer::Buyers;
use program::merchant::SMALL;
use program::platform::Platform;
use program::process::{Ended, PATIENCE, Program};
use rusqlite::Connection;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn fresh() -> Database {
    Cluster::shared().fresh(None).unwrap()
}

/// The same platform on a server's database: what its operator adds to the configuration.
fn on_server(platform: &Platform, url: &str) {
    let section = format!("\n[database]\nurl = \"{url}\"\n");
    let config = std::fs::read_to_string(&platform.config).unwrap() + &section;
    std::fs::write(&platform.config, config).unwrap();
}

fn moved(platform: &Platform, file: &Path, to: &Database) -> Ended {
    platform.run(&["store", "copy", text(file), &to.url])
}

/// Looks again until it is so.
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_began_on_a_file_goes_on_at_a_server_and_everybody_finds_what_was() {
    let platform = Platform::new();
    let (morning, evening) = (platform.merchant("Morning Market"), platform.merchant("Evening Market"));
    platform.operator("li.wei", "administrator");
    let cards = platform.cards(2);
    platform.fund(&cards[0].holder, 1_000_000);
    let serving = platform.serve();
    let buyers = Buyers::begin(&platform, &morning, &cards).await;
    buyers.settled.reaches(4).await;
    let bought = buyers.finish().await;
    let paid = morning.paid().await;
    let earned = morning.balance().await;

    // While it serves, its file does not move.
    let target = fresh();
    assert!(
        moved(&platform, &platform.database(), &target)
            .badly()
            .contains("another Counterfoil platform is using")
    );
    serving.signal("TERM");
    serving.ended().well();
    let said = moved(&platform, &platform.database(), &target).well();
    assert!(
        said.contains("are at the server as they were in the file") && said.contains("CNY sums to 0"),
        "{said}"
    );
    assert!(said.contains("the audit log stands"), "{said}");
    assert!(platform.run(&["serve"]).badly().contains("this file was moved to a database server"));
    assert!(moved(&platform, &platform.database(), &target).badly().contains("has rows in"));

    on_server(&platform, &target.url);
    platform.ledger();
    platform.run(&["audit", "verify"]).well();
    let _serving = platform.serve();
    assert_eq!(morning.paid().await, paid);
    // Whoever repeats a request of before gets its first answer.
    for bought in &bought {
        let (order, _) = morning.order_at_last(&bought.card, &bought.idempotency_key).await;
        assert_eq!(order.id, bought.order);
    }
    // What was paid before can be given back, once.
    assert_eq!(morning.refund(&bought[0].order, SMALL).await, 201);
    assert_eq!(morning.refund(&bought[0].order, 1).await, 409);
    assert_eq!(morning.balance().await, earned - i64::from(SMALL));
    // And cards pay on.
    let buyers = Buyers::begin(&platform, &evening, &cards).await;
    buyers.settled.reaches(4).await;
    let later = buyers.finish().await;
    assert_eq!(evening.balance().await, i64::from(SMALL) * i64::try_from(later.len()).unwrap());
    platform.ledger();
}

#[test]
fn a_copy_that_is_killed_in_the_middle_leaves_nothing_and_is_begun_again() {
    let platform = Platform::new();
    platform.merchant("Morning Market");
    let file = platform.database();
    // Enough that it takes a while.
    let raw = Connection::open(&file).unwrap();
    raw.execute_batch(
        "with recursive n (n) as (select 1 union all select n + 1 from n where n < 300000)
         insert into frame (channel, at, bearer, upward, bytes, answer, outcome)
         select randomblob(9), n, 'coap', 1, randomblob(40), randomblob(40), 'taken' from n",
    )
    .unwrap();
    drop(raw);
    let target = fresh();
    let copying = Program::start(&mut platform.command(&["store", "copy", text(&file), &target.url]));
    let ask = |sql: &str| Cluster::shared().ask(&target.name, sql).unwrap();
    wait_for("rows on their way", || {
        ask(
            "select count(*) from pg_stat_progress_copy where datname = current_database() and bytes_processed > 0",
        ) == "1"
    });
    copying.kill();
    wait_for("the server to notice", || {
        ask(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
        ) == "0"
    });
    assert_eq!(ask("select (select count(*) from frame) + (select count(*) from merchant)"), "0");
    let beside = Platform::new();
    let on_target = ["serve", "--database", &target.url];
    assert!(beside.run(&on_target).badly().contains("a copy into this database was begun and has not ended"));

    // Ctrl-C does the same, and says so.
    let copying = Program::start(&mut platform.command(&["store", "copy", text(&file), &target.url]));
    wait_for("rows on their way", || {
        ask(
            "select count(*) from pg_stat_progress_copy where datname = current_database() and bytes_processed > 0",
        ) == "1"
    });
    copying.signal("INT");
    let stopped = copying.ended();
    assert_eq!(stopped.code, Some(130), "{stopped:?}");
    assert!(stopped.err.contains("nothing was kept"), "{stopped:?}");
    assert_eq!(ask("select count(*) from frame"), "0");

    let said = moved(&platform, &file, &target).well();
    assert!(said.contains("300000 rows"), "{said}");
    assert_eq!(ask("select count(*) from frame"), "300000");
    platform.run(&["ledger", "check", "--database", &target.url]).well();
    // There is a way back: a copy of the file is no file that has moved.
    let copy = platform.data.join("back.db");
    platform.run(&["store", "backup", text(&copy)]).well();
    let other = Platform::new();
    other.run(&["store", "restore", text(&copy)]).well();
    other.ledger();
}

#[test]
fn a_migration_is_told_tried_on_a_copy_and_done() {
    let platform = Platform::new();
    let file = platform.database();
    assert!(platform.run(&["store", "migrate"]).badly().contains("there is no database"));
    platform.merchant("Morning Market");
    assert!(platform.run(&["store", "migrate"]).well().contains("Nothing is to be done"));

    // As an earlier program left it.
    std::fs::remove_file(&file).unwrap();
    let raw = Connection::open(&file).unwrap();
    raw.execute_batch(
        "create table refinery_schema_history (
            version int4 primary key, name varchar(255), applied_on varchar(255), checksum varchar(255)
        );
        insert into refinery_schema_history values (1, 'begin', '2026-11-20T18:31:28Z', '17657208774858686263');",
    )
    .unwrap();
    raw.execute_batch(include_str!("../../store/migrations/sqlite/V1__begin.sql")).unwrap();
    raw.execute_batch(
        "insert into card values (1, 1, 1, 1, 2, 'issued', null, 4102444800000, 1, 0, 1, 1, null, x'000000', x'0102');",
    )
    .unwrap();
    drop(raw);
    let before = std::fs::read(&file).unwrap();
    let said = platform.run(&["store", "migrate", "--dry-run"]).well();
    for part in [
        "of version 1, this program of version",
        "3 fleet",
        "new table channel\n",
        "channel: new, 1 rows",
        "as it was",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), before, "byte for byte");
    let left = std::fs::read_dir(&platform.data).unwrap().filter_map(Result::ok);
    assert!(!left.map(|entry| entry.file_name()).any(|name| text(Path::new(&name)).starts_with("trial")));

    // One whose books are not sound is not recommended.
    let raw = Connection::open(&file).unwrap();
    raw.execute_batch("insert into account values (5, 'holder', 1, 156, 7, 0, 0)").unwrap();
    let unsound = platform.run(&["store", "migrate", "--dry-run"]).badly();
    assert!(unsound.contains("account 5") && unsound.contains("as it was"), "{unsound}");
    raw.execute_batch("delete from account").unwrap();
    drop(raw);

    let said = platform.run(&["store", "migrate"]).well();
    assert!(said.contains("The database is of version"), "{said}");
    platform.ledger();
    assert!(platform.run(&["store", "migrate"]).well().contains("Nothing is to be done"));
    let future = Connection::open(&file).unwrap();
    future
        .execute("insert into refinery_schema_history values (99, 'later', '2030-01-01T00:00:00Z', '1')", [])
        .unwrap();
    assert!(platform.run(&["store", "migrate", "--dry-run"]).badly().contains("version 99"));
}

#[test]
fn on_a_server_a_trial_is_undone_and_none_is_made_while_a_node_serves() {
    let target = fresh();
    let ask = |sql: &str| Cluster::shared().ask(&target.name, sql).unwrap();
    let platform = Platform::new();
    on_server(&platform, &target.url);
    let said = platform.run(&["store", "migrate", "--dry-run"]).well();
    assert!(
        said.contains("of version 0, this program of version") && said.contains("holds up nothing"),
        "{said}"
    );
    assert_eq!(ask("select count(*) from pg_tables where schemaname = 'public'"), "0");
    platform.run(&["store", "migrate"]).well();

    // As if this version brought one more.
    ask(
        "delete from refinery_schema_history where version = (select max(version) from refinery_schema_history)",
    );
    let until = "(extract(epoch from now()) * 1000)::bigint + 60000";
    ask(&format!("insert into lease values ('serving', 'north', 'x', 1, {until})"));
    for options in [&["store", "migrate", "--dry-run"][..], &["store", "migrate"]] {
        let error = platform.run(options).badly();
        assert!(error.contains("north serves on this database"), "{error}");
    }
}
