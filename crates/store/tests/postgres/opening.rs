//! Databases that are refused, each by name and before anything in them is touched.

use std::time::{Duration, Instant};

use cluster::{Cluster, Durability};
use store::StoreError;
use store::postgres::{Settings, open};
use tokio_postgres::NoTls;

use crate::{migrated, opened, refused, settings, wait_for};

const PASSWORD: &str = "correct-horse-battery";

/// Who may come in, with which words: the newest rule first.
fn add_rules(cluster: &Cluster, rules: &str) {
    let file = cluster.folder().join("data/pg_hba.conf");
    let known = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{rules}\n{known}")).unwrap();
    cluster.ask("postgres", "select pg_reload_conf()").unwrap();
}

#[test]
fn a_server_that_is_away_is_told_as_that() {
    // A port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = refused(&settings(format!("postgres://postgres@127.0.0.1:{port}/counterfoil")));
    assert!(matches!(&error, StoreError::Away(reason) if reason.contains("refused")), "{error:?}");
    assert!(error.may_pass());
}

#[test]
fn a_server_that_takes_a_connection_and_says_nothing_is_away_and_does_not_stand_before_the_next() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let alone = std::thread::spawn(move || {
        let begun = Instant::now();
        let error = refused(&settings(format!("postgres://postgres@127.0.0.1:{port}/counterfoil")));
        assert!(matches!(error, StoreError::Away(_)), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    });
    let hosts = format!("127.0.0.1:{port},127.0.0.1:{}", Cluster::shared().port());
    drop(opened(&format!("postgres://postgres@{hosts}/{}", migrated().name)));
    alone.join().unwrap();
}

#[test]
fn no_such_user_password_or_database_is_not_let_in_and_no_password_is_repeated() {
    let cluster = Cluster::start(Durability::None, &[]).unwrap();
    cluster
        .ask("postgres", &format!("create role keeper login password '{PASSWORD}'"))
        .and_then(|_| cluster.ask("postgres", "create database kept owner keeper"))
        .unwrap();
    add_rules(&cluster, "host all keeper 127.0.0.1/32 scram-sha-256");
    let at = |user: &str, name: &str| format!("postgres://{user}@127.0.0.1:{}/{name}", cluster.port());
    // In the address, or beside it.
    let right = settings(at(&format!("keeper:{PASSWORD}"), "kept"));
    wait_for("the new rule", || open(&settings(at("keeper", "kept"))).is_err());
    drop(open(&right).unwrap());
    drop(open(&Settings { password: Some(PASSWORD.into()), ..settings(at("keeper", "kept")) }).unwrap());

    let wrong = "wrong-horse-battery";
    for (what, refused_at) in [
        ("a wrong password", settings(at(&format!("keeper:{wrong}"), "kept"))),
        ("another wrong one", Settings { password: Some(wrong.into()), ..settings(at("keeper", "kept")) }),
        ("no password", settings(at("keeper", "kept"))),
        ("nobody of this name", settings(at(&format!("nobody:{wrong}"), "kept"))),
        ("no database of this name", settings(at(&format!("keeper:{PASSWORD}"), "lost"))),
    ] {
        let error = refused(&refused_at);
        assert!(matches!(error, StoreError::NotLetIn(_)), "{what}: {error:?}");
        assert!(!error.may_pass(), "{what}");
        for said in [error.to_string(), format!("{error:?}"), format!("{refused_at:?}")] {
            assert!(!said.contains(wrong) && !said.contains(PASSWORD), "{what}: {said}");
        }
    }
}

#[test]
fn a_user_who_may_not_make_tables_is_told_so() {
    let cluster = Cluster::shared();
    let database = cluster.fresh(None).unwrap();
    cluster.ask("postgres", "create role guest login").unwrap();
    let url = database.url.replace("postgres@", "guest@");
    let error = refused(&settings(url));
    assert!(
        matches!(&error, StoreError::NotLetIn(reason) if reason.contains("permission denied")),
        "{error:?}"
    );
}

#[test]
fn a_database_of_a_newer_program_is_refused_by_its_version_and_left_as_it_is() {
    let database = migrated();
    let cluster = Cluster::shared();
    let later = "insert into refinery_schema_history values (99, 'later', '2030-01-01T00:00:00Z', '1')";
    cluster.ask(&database.name, later).unwrap();
    cluster.ask(&database.name, "drop table alarm; create table alarm (of_a_later_kind text)").unwrap();
    let error = refused(&settings(&database.url));
    let StoreError::NewerVersion { found: 99, known } = error else { panic!("{error:?}") };
    let count = cluster.ask(&database.name, "select count(*) from refinery_schema_history").unwrap();
    assert_eq!(count, (known + 1).to_string());
    let column = "select column_name from information_schema.columns where table_name = 'alarm'";
    assert_eq!(cluster.ask(&database.name, column).unwrap(), "of_a_later_kind");
}

#[test]
fn a_database_that_holds_text_otherwise_is_refused_and_left_empty() {
    let cluster = Cluster::shared();
    let make = "create database old_words template template0 encoding 'SQL_ASCII' locale 'C'";
    cluster.ask("postgres", make).unwrap();
    let error = refused(&settings(cluster.url("old_words")));
    assert!(matches!(&error, StoreError::Settings(text) if text.contains("SQL_ASCII")), "{error:?}");
    let tables = "select count(*) from pg_tables where schemaname = 'public'";
    assert_eq!(cluster.ask("old_words", tables).unwrap(), "0");
}

#[test]
fn an_address_that_cannot_be_one_is_refused_and_not_repeated() {
    let secret = "correct-horse";
    for address in [
        format!("postgres://keeper:{secret}@127.0.0.1:5432"),
        format!("postgres://keeper:{secret}@127.0.0.1:5432/"),
        format!("postgres://keeper:{secret}@/counterfoil"),
        format!("postgres://keeper:{secret}@127.0.0.1:port/counterfoil"),
        format!("postgres://keeper:{secret}@127.0.0.1:5432/counterfoil?{secret}=1"),
        format!("postgres://keeper:{secret}@127.0.0.1:5432/counterfoil?sslmode={secret}"),
        format!("postgres//keeper:{secret}=@127.0.0.1/counterfoil"),
        secret.to_owned(),
        String::new(),
        format!("host=127.0.0.1,127.0.0.2 port=1,2,3 user=keeper password={secret} dbname=counterfoil"),
        // TLS, and nobody to believe.
        format!("postgres://keeper:{secret}@127.0.0.1:1/counterfoil?sslmode=require"),
    ] {
        let refused_at = settings(&address);
        let error = refused(&refused_at);
        assert!(matches!(error, StoreError::Settings(_)), "{address}: {error:?}");
        for said in [error.to_string(), format!("{error:?}"), format!("{refused_at:?}")] {
            assert!(!said.contains(secret), "{address}: {said}");
        }
    }
}

#[test]
fn programs_that_begin_at_the_same_moment_migrate_one_after_the_other() {
    let database = Cluster::shared().fresh(None).unwrap();
    let beginning: Vec<_> = (0..6)
        .map(|_| {
            let url = database.url.clone();
            std::thread::spawn(move || open(&settings(url)).map(drop))
        })
        .collect();
    for begun in beginning {
        assert_eq!(begun.join().unwrap(), Ok(()));
    }
    let versions = "select count(*) = max(version) and count(*) > 0 from refinery_schema_history";
    assert_eq!(Cluster::shared().ask(&database.name, versions).unwrap(), "t");
}

#[test]
fn a_database_that_takes_no_changes_is_told_as_that() {
    let database = migrated();
    let set = |to: &str| {
        let sql = format!("alter database {} set default_transaction_read_only = {to}", database.name);
        Cluster::shared().ask("postgres", &sql).unwrap();
    };
    set("on");
    assert_eq!(refused(&settings(&database.url)), StoreError::ReadOnly);
    set("off");
    drop(opened(&database.url));
}

#[tokio::test]
async fn a_server_without_a_connection_left_is_told_as_that_and_is_opened_when_there_is_one() {
    let cluster = Cluster::start(Durability::None, &["max_connections = 5"]).unwrap();
    cluster.ask("postgres", "create role keeper login").unwrap();
    cluster.ask("postgres", "create database kept owner keeper").unwrap();
    let url = cluster.url("kept").replace("postgres@", "keeper@");
    // Three of the five are kept for administrators.
    let mut others = Vec::new();
    for _ in 0..2 {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        others.push(client);
    }
    let error = refused(&settings(&url));
    assert_eq!(error, StoreError::TooManyConnections);
    assert!(error.may_pass());
    drop(others);
    let at = url.clone();
    tokio::task::spawn_blocking(move || wait_for("a connection", || open(&settings(&at)).is_ok()))
        .await
        .unwrap();
}
