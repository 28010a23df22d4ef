//! A file's database moves to a server: every row or none, and each refusal by name.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use cluster::{Cluster, Database};
use payment::{AccountKind, TransferId};
use rusqlite::Connection;
use store::moving::{Copied, Progress, Source, copy, unpaired};
use store::{MoveError, Side, StoreError};
use tempfile::TempDir;

use crate::maker::ledger::{End, Refusal, assert_sound, end, fund, opened as account, reserve};
use crate::maker::{first_answer, kept, yuan};
use crate::{mark, marks, migrated, opened, refused, settings};

/// A file in a folder of its own, with money that moved, was set aside and came back, and rows of several kinds.
fn filled() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("counterfoil.db");
    let store = store::sqlite::open(&path).unwrap();
    for n in 0..40_i64 {
        let work = move |unit: &mut dyn store::Unit| {
            let holder = account(unit, AccountKind::Holder, n % 7)?.id;
            let merchant = account(unit, AccountKind::Merchant, n % 3)?.id;
            let id = u128::try_from(n).unwrap() * 2;
            fund(unit, TransferId(id), yuan(1_000), holder)?;
            reserve(unit, TransferId(id + 1), yuan(300 + n), [holder, merchant])?;
            match n % 3 {
                0 => end(unit, TransferId(id + 1), End::Post(None))?,
                1 => end(unit, TransferId(id + 1), End::Void)?,
                _ => {}
            }
            let answer = first_answer("{}", crate::MORNING);
            unit.add_idempotent(payment::MerchantId(1), "orders", &format!("键 {n}"), &answer)?;
            Ok::<_, Refusal>(mark(unit, &format!("mark {n}\t\\N\n"))?)
        };
        done(&store, work);
    }
    drop(store);
    let raw = Connection::open(&path).unwrap();
    // Messages that have gone: their numbers are never given again.
    raw.execute_batch(
        "insert into outgoing_sms values (4711, '1', 'x', 1, 0, 1); delete from outgoing_sms;
         insert into channel_group values (3, '北');
         insert into channel (id, registered_at, presence, group_id) values (x'01', 1, 1, 3), (x'02', 1, 0, null);",
    )
    .unwrap();
    (folder, path)
}

/// Runs a unit of work; copies wait on their own thread, and stories of them have no runtime.
fn done<T: Send + 'static>(
    store: &store::Store,
    work: impl FnMut(&mut dyn store::Unit) -> Result<T, Refusal> + Send + 'static,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(kept(store, work))
}

fn copied(file: &Path, from: Source, target: &Database) -> Result<Copied, MoveError> {
    copy(file, from, &settings(&target.url), &AtomicBool::new(false), &mut |_| ())
}

fn ask(target: &Database, sql: &str) -> String {
    Cluster::shared().ask(&target.name, sql).unwrap()
}

fn fresh() -> Database {
    Cluster::shared().fresh(None).unwrap()
}

#[test]
fn every_row_and_balance_is_at_the_server_and_it_goes_on_from_there() {
    let (_folder, file) = filled();
    let target = fresh();
    let mut told = Vec::new();
    let tell = &mut |progress: Progress<'_>| told.push((progress.done, progress.whole));
    let copied = copy(&file, Source::Moves, &settings(&target.url), &AtomicBool::new(false), tell).unwrap();
    let rows: u64 = copied.tables.iter().map(|(_, rows)| rows).sum();
    assert_eq!(told.last(), Some(&(2 * rows, 2 * rows)), "each is sent, and read again");
    assert_eq!(copied.books.fault(), None);
    assert_eq!(copied.books.transfers, [13, 54, 13, 0]);

    let before = {
        let copy = file.with_extension("copy");
        store::sqlite::backup(&file, &copy).unwrap();
        store::sqlite::open(&copy).unwrap()
    };
    let store = opened(&target.url);
    assert_sound(&store);
    assert_eq!(marks(&store), marks(&before));
    let totals = |store: &store::Store| store.peek(|rows| rows.totals()).unwrap();
    assert_eq!(totals(&store), totals(&before));
    let tally = |store: &store::Store| store.peek(|rows| rows.channel_tally()).unwrap();
    assert_eq!(tally(&store), tally(&before));
    // Numbers go on behind the highest that was ever given, and accounts behind theirs.
    assert_eq!(
        ask(
            &target,
            "insert into outgoing_sms (phone, text, next_at, attempts, expires_at) values ('1', 'y', 1, 0, 1) returning id"
        ),
        "4712"
    );
    done(&store, |unit| {
        let new = account(unit, AccountKind::Holder, 99)?.id;
        fund(unit, TransferId(1_000), yuan(5), new)?;
        Ok::<_, Refusal>(mark(unit, "after")?)
    });
    assert_sound(&store);
    // Triggers are as they were.
    let wiped = Cluster::shared().ask(&target.name, "delete from posting");
    assert!(wiped.unwrap_err().to_string().contains("immutable"));
    // And nobody begins on the file again.
    assert_eq!(store::sqlite::open(&file).err(), Some(StoreError::Moved));
}

#[test]
fn every_table_of_this_program_has_its_place_at_a_server_and_one_that_has_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counterfoil.db");
    drop(store::sqlite::open(&file).unwrap());
    let target = migrated();
    let known = unpaired(&file, &settings(&target.url)).unwrap();
    for table in ["orders", "posting", "account", "audit_head", "settlement"] {
        assert!(known.iter().any(|name| name == table), "{table}: {known:?}");
    }
    // What a later migration might forget at one of the two.
    let raw = Connection::open(&file).unwrap();
    let change = |sql: &str| raw.execute_batch(sql).unwrap();
    let named = || unpaired(&file, &settings(&target.url)).unwrap_err();
    change("create table webhook_of_tomorrow (id integer primary key)");
    assert_eq!(named(), MoveError::UnknownTable("webhook_of_tomorrow".into()));
    change("drop table webhook_of_tomorrow; alter table place add column colour text");
    assert_eq!(named(), MoveError::UnknownColumn { table: "place".into(), column: "colour".into() });
    ask(&target, "alter table place add column colour varchar(9)");
    assert_eq!(named(), MoveError::UnknownColumn { table: "place".into(), column: "colour".into() });
    ask(&target, "alter table place alter column colour type text");
    assert!(unpaired(&file, &settings(&target.url)).is_ok());
    ask(&target, "create table node_of_tomorrow (id bigint)");
    assert_eq!(named(), MoveError::UnknownTable("node_of_tomorrow".into()));
}

#[test]
fn a_target_that_is_used_served_or_of_a_newer_program_is_refused_and_left_as_it_is() {
    let (_folder, file) = filled();
    let unmarked = |target: &Database| {
        assert_eq!(ask(target, "select to_regclass('unfinished_copy') is null"), "t");
    };
    let target = migrated();
    ask(&target, "insert into merchant (name, created_at) values ('theirs', 1)");
    assert_eq!(copied(&file, Source::Stays, &target), Err(MoveError::NotEmpty("merchant".into())));
    unmarked(&target);
    assert_eq!(ask(&target, "select name from merchant"), "theirs");

    let target = migrated();
    let until = "(extract(epoch from now()) * 1000)::bigint + 60000";
    ask(&target, &format!("insert into lease values ('serving', 'north', 'x', 1, {until})"));
    assert_eq!(copied(&file, Source::Stays, &target), Err(MoveError::Served("north".into())));
    unmarked(&target);
    // A lease that has ended stands in nobody's way.
    ask(&target, "update lease set until = 1");
    copied(&file, Source::Stays, &target).unwrap();

    let target = migrated();
    ask(&target, "insert into refinery_schema_history values (99, 'later', '2030-01-01T00:00:00Z', '1')");
    let newer = copied(&file, Source::Stays, &target).unwrap_err();
    assert!(matches!(newer, MoveError::Store(StoreError::NewerVersion { found: 99, .. })), "{newer:?}");
    unmarked(&target);
}

#[test]
fn a_file_that_is_older_unsound_or_holds_what_a_server_does_not_take_is_refused_and_nothing_is_kept() {
    let (folder, file) = filled();
    let changed = |name: &str, sql: &str| {
        let other = folder.path().join(name);
        store::sqlite::backup(&file, &other).unwrap();
        Connection::open(&other).unwrap().execute_batch(sql).unwrap();
        other
    };
    let older = changed("older.db", "delete from refinery_schema_history where version > 3");
    let error = copied(&older, Source::Stays, &fresh()).unwrap_err();
    assert!(matches!(error, MoveError::Older { found: 3, .. }), "{error:?}");

    let unsound = changed("unsound.db", "update account set posted = posted + 1 where id = 1");
    let target = fresh();
    let error = copied(&unsound, Source::Moves, &target).unwrap_err();
    assert!(
        matches!(&error, MoveError::NotSound { side: Side::Source, fault } if fault.contains("account 1")),
        "{error:?}"
    );
    assert_eq!(ask(&target, "select count(*) from posting"), "0");
    // What was not moved is used as before.
    drop(store::sqlite::open(&unsound).unwrap());

    let zero = changed("zero.db", "insert into merchant values (9, 'nul' || char(0) || 'l', 1)");
    let target = fresh();
    let error = copied(&zero, Source::Stays, &target).unwrap_err();
    assert!(matches!(&error, MoveError::Row { table, .. } if table == "merchant"), "{error:?}");
    assert_eq!(ask(&target, "select count(*) from posting"), "0");

    let broken = changed("broken.db", "drop trigger audit_head_goes_on; update audit_head set seq = 5");
    let error = copied(&broken, Source::Stays, &fresh()).unwrap_err();
    assert!(
        matches!(&error, MoveError::NotSound { fault, .. } if fault.contains("audit chain")),
        "{error:?}"
    );
    let nowhere = copied(&folder.path().join("none.db"), Source::Stays, &fresh()).unwrap_err();
    assert_eq!(nowhere.code(), "database_unreachable");
}

#[test]
fn a_copy_that_was_stopped_leaves_no_row_and_a_mark_that_keeps_platforms_out_until_it_is_whole() {
    let (_folder, file) = filled();
    let target = fresh();
    let stop = AtomicBool::new(false);
    let tell = &mut |progress: Progress<'_>| stop.store(progress.done > 20, Ordering::Relaxed);
    let stopped = copy(&file, Source::Moves, &settings(&target.url), &stop, tell);
    assert_eq!(stopped, Err(MoveError::Stopped));
    assert_eq!(refused(&settings(&target.url)), StoreError::UnfinishedCopy);
    assert_eq!(ask(&target, "select count(*) from alarm"), "0");
    // The file goes on, or is copied again.
    drop(store::sqlite::open(&file).unwrap());
    copied(&file, Source::Moves, &target).unwrap();
    assert_sound(&opened(&target.url));
}

#[test]
fn of_two_copies_into_one_database_one_is_refused_and_a_file_that_moves_is_held() {
    let (_folder, file) = filled();
    let target = fresh();
    let (url, other) = (target.url.clone(), file.clone());
    let mut seen = None;
    let tell = &mut |_: Progress<'_>| {
        if seen.is_none() {
            let second = std::thread::scope(|scope| {
                let second = scope.spawn(|| {
                    copy(&other, Source::Stays, &settings(&url), &AtomicBool::new(false), &mut |_| ())
                });
                second.join().unwrap()
            });
            let raw = Connection::open(&other).unwrap();
            let written = raw.execute("insert into merchant values (9, 'late', 1)", []);
            seen = Some((second, written.unwrap_err().sqlite_error_code()));
        }
    };
    copy(&file, Source::Moves, &settings(&target.url), &AtomicBool::new(false), tell).unwrap();
    assert_eq!(seen, Some((Err(MoveError::UnderWay), Some(rusqlite::ErrorCode::DatabaseBusy))));
}

/// A row in a table that has none, made by its columns' types: every number is 1, every text and digest the same, so that what refers to
/// another table's row finds one.
fn add_a_row(raw: &Connection, table: &str) {
    add(raw, table, "hidden = 0");
    // A rule of the table may allow a value only in some states: then without what may be left out.
    add(raw, table, "hidden = 0 and (\"notnull\" or pk > 0)");
}

fn add(raw: &Connection, table: &str, wanted: &str) {
    let rows = format!("select count(*) from \"{table}\"");
    if raw.query_row(&rows, [], |row| row.get::<_, i64>(0)).unwrap() > 0 {
        return;
    }
    let sql = format!("select name, lower(type) from pragma_table_xinfo(?) where {wanted}");
    let mut columns = raw.prepare(&sql).unwrap();
    let columns: Vec<(String, String)> = columns
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let names: Vec<String> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let values: Vec<&str> = columns
        .iter()
        .map(|(_, kind)| match kind.as_str() {
            "integer" => "1",
            "text" => "'七\t\\N'",
            _ => "x'0000000000000000000000000000ff07'",
        })
        .collect();
    let sql =
        format!("insert or ignore into \"{table}\" ({}) values ({})", names.join(", "), values.join(", "));
    raw.execute(&sql, []).unwrap_or_else(|error| panic!("{table}: {error}"));
}

#[test]
fn a_row_of_every_table_arrives_as_it_was() {
    let (_folder, file) = filled();
    let tables = unpaired(&file, &settings(&migrated().url)).unwrap();
    let raw = Connection::open(&file).unwrap();
    raw.execute_batch("pragma foreign_keys = off").unwrap();
    // The books have their rows, and must stay sound; the chain has its end.
    let books = ["account", "transfer", "posting", "audit_entry", "audit_head", "channel_tally"];
    for table in tables.iter().filter(|table| !books.contains(&table.as_str())) {
        add_a_row(&raw, table);
    }
    drop(raw);
    let target = fresh();
    let copied = copied(&file, Source::Moves, &target).unwrap();
    assert_eq!(copied.tables.len(), tables.len());
    for (table, rows) in &copied.tables {
        assert!(*rows > 0 || table == "audit_entry", "{table} has no row");
        assert_eq!(ask(&target, &format!("select count(*) from \"{table}\"")), rows.to_string());
    }
    assert_eq!(
        ask(&target, "select name || ':' || encode(document_digest, 'hex') from holder"),
        "七\t\\N:0000000000000000000000000000ff07"
    );
}
