//! What a server's database needs to be of this program's schema: told, tried and undone, done.

use cluster::{Cluster, Database};
use store::StoreError;
use store::postgres::{migrate, plan, served_by, try_on};

use crate::{opened, settings};

const V1: &str = include_str!("../../migrations/postgres/V1__begin.sql");

/// A database as the program of the first version left it, with an order that was paid.
fn of_version_1() -> Database {
    // Its history is what this program would have written of it.
    let whole = Cluster::shared().fresh(None).unwrap();
    drop(opened(&whole.url));
    let first = "select checksum from refinery_schema_history where version = 1";
    let checksum = Cluster::shared().ask(&whole.name, first).unwrap();
    let database = Cluster::shared().fresh(None).unwrap();
    let history = format!(
        "create table refinery_schema_history (version int4 primary key, name varchar(255), applied_on varchar(255), \
         checksum varchar(255)); insert into refinery_schema_history values (1, 'begin', '2026-11-20T18:31:28Z', '{checksum}');"
    );
    let rows = "insert into account_base values (7, 'holder', 1, 156, -500, 0, 0), (8, 'merchant', 1, 156, 500, 0, 0);
        insert into transfer values ('\\x00000000000000000000000000000001', 7, 8, 156, 500, 500, 1, 'payment', null, 1, 2);
        insert into posting values (1, '\\x00000000000000000000000000000001', 7, -500, 2),
            (2, '\\x00000000000000000000000000000001', 8, 500, 2);";
    Cluster::shared().ask(&database.name, &format!("{V1} {history} {rows}")).unwrap();
    database
}

/// Every table, column, index, trigger and function, and every row that is counted in a table's size.
fn catalogue(database: &Database) -> String {
    let sql = "select string_agg(line, e'\\n' order by line) from (
        select 'column ' || table_name || column_name || data_type as line from information_schema.columns
            where table_schema = 'public'
        union all select 'index ' || indexdef from pg_indexes where schemaname = 'public'
        union all select 'trigger ' || tgname from pg_trigger
        union all select 'function ' || proname from pg_proc where pronamespace = 'public'::regnamespace
        union all select 'history ' || version from refinery_schema_history
        union all select 'transfer ' || coalesce(linked::text, 'null') from transfer) as it";
    Cluster::shared().ask(&database.name, sql).unwrap()
}

#[test]
fn a_trial_says_what_would_come_out_and_leaves_the_catalogue_as_it_was() {
    let database = of_version_1();
    let to = settings(&database.url);
    let told = plan(&to).unwrap();
    assert_eq!((told.found, told.steps[0].number), (1, 2));
    assert_eq!(told.steps.last().unwrap().number, told.known);
    // What is read or changed of the tables that are there.
    assert_eq!((told.rows.get("posting"), told.rows.get("transfer")), (Some(&2), Some(&1)));
    let said: Vec<String> = told.steps[0].changes.iter().map(ToString::to_string).collect();
    for change in ["new index posting_by_account on posting", "changes rows of transfer", "new table refund"]
    {
        assert!(said.iter().any(|it| it == change), "{change}: {said:?}");
    }
    let before = catalogue(&database);
    let tried = try_on(&to).unwrap();
    assert_eq!(tried.took.len(), told.steps.len());
    assert_eq!(tried.tables.get("refund"), Some(&(None, Some(0))));
    assert_eq!(tried.tables.get("posting"), Some(&(Some(2), Some(2))));
    assert_eq!((tried.books.fault(), tried.books.transfers), (None, [0, 1, 0, 0]));
    assert_eq!(catalogue(&database), before);

    migrate(&to).unwrap();
    assert_ne!(catalogue(&database), before);
    assert_eq!(plan(&to).unwrap().steps, []);
}

#[test]
fn what_a_trial_finds_is_undone_as_well() {
    let database = of_version_1();
    // A table in the way of a later migration.
    Cluster::shared().ask(&database.name, "create table settlement (of_somebody_else text)").unwrap();
    let before = catalogue(&database);
    let error = try_on(&settings(&database.url)).unwrap_err();
    assert!(
        matches!(&error, StoreError::Engine(text) if text.contains("\"settlement\" already exists")),
        "{error:?}"
    );
    assert_eq!(catalogue(&database), before);
    let ask = |sql: &str| Cluster::shared().ask(&database.name, sql).unwrap();
    ask("drop table settlement; update account_base set posted = 501 where id = 8");
    let fault = try_on(&settings(&database.url)).unwrap().books.fault().unwrap();
    assert!(fault.contains("account 8"), "{fault}");
}

#[test]
fn a_plan_for_a_newer_database_is_refused_and_one_for_an_empty_one_is_all_there_is() {
    let database = Cluster::shared().fresh(None).unwrap();
    let to = settings(&database.url);
    let whole = plan(&to).unwrap();
    assert_eq!((whole.found, whole.steps.len()), (0, usize::try_from(whole.known).unwrap()));
    assert_eq!(served_by(&to), Ok(None));
    migrate(&to).unwrap();
    let later = "insert into refinery_schema_history values (99, 'later', '2030-01-01T00:00:00Z', '1')";
    Cluster::shared().ask(&database.name, later).unwrap();
    for refused in [plan(&to).map(|_| ()), migrate(&to), try_on(&to).map(|_| ())] {
        assert_eq!(refused, Err(StoreError::NewerVersion { found: 99, known: whole.known }));
    }
}

#[test]
fn a_database_of_an_earlier_version_that_a_node_serves_on_is_left_to_it() {
    let database = Cluster::shared().fresh(None).unwrap();
    let to = settings(&database.url);
    migrate(&to).unwrap();
    let ask = |sql: &str| Cluster::shared().ask(&database.name, sql).unwrap();
    let newest = plan(&to).unwrap().known;
    ask(&format!("delete from refinery_schema_history where version = {newest}"));
    ask(
        "insert into lease (name, node, start, epoch, until) values ('lapse', 'north', '\\x00', 1, 99999999999999)",
    );
    let before = catalogue(&database);
    let served = Err(StoreError::Served { node: "north".into() });
    assert_eq!(migrate(&to), served);
    assert_eq!(store::postgres::open(&to).map(|_| ()), served, "whoever opens it first");
    assert_eq!(catalogue(&database), before);
}
