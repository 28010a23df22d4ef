//! The embedded back end at its edges: files that it must refuse, a queue without room, and what the file itself promises. What
//! every back end does is in `tests/conformance`; disks without room are in `tests/sqlite_disk.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod maker;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ::fleet::AlertKind;
use maker::gate::Gate;
use maker::ledger::{Refusal, assert_sound, fund, opened};
use maker::{MORNING, card, channel, fleet, holder, kept, order, question, tap, yuan};
use model::{CardId, Currency, UnixMillis};
use payment::{AccountKind, MerchantId, TransferId};
use rusqlite::Connection;
use store::sqlite::{Options, QUEUE_MAX, open, open_with};
use store::{Alarm, ChannelFilter, Reading, Store, StoreError, Unit, WriteError};
use tempfile::TempDir;

/// Does not wait for others: what is locked is told at once.
const AT_ONCE: Options = Options { busy_wait: Duration::ZERO };

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counterfoil.db");
    (folder, file)
}

fn refused(path: &Path) -> StoreError {
    match open_with(path, AT_ONCE) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

fn mark(unit: &mut dyn Unit, kind: &str) -> Result<(), StoreError> {
    unit.add_alarm(&Alarm { card: None, subject: None, kind: kind.to_owned(), at: MORNING })
}

fn marks(rows: &dyn Reading) -> Result<Vec<String>, StoreError> {
    Ok(rows.alarms(u32::MAX)?.into_iter().rev().map(|alarm| alarm.kind).collect())
}

#[test]
fn a_file_of_a_newer_program_is_refused_by_its_version() {
    let (_folder, file) = place();
    drop(open(&file).unwrap());
    let raw = Connection::open(&file).unwrap();
    raw.execute("insert into refinery_schema_history values (99, 'later', '2030-01-01T00:00:00Z', '1')", [])
        .unwrap();
    let error = refused(&file);
    assert!(matches!(error, StoreError::NewerVersion { found: 99, known: 6.. }), "{error}");
    assert!(error.to_string().contains("version 99"), "{error}");
}

/// The schema of version 1, which no file that has it sees change.
const V1: &str = include_str!("../migrations/sqlite/V1__begin.sql");

/// A database as the program of version 1 left it. The checksum in its history is of every byte of V1.
fn made_by_version_1(file: &Path) -> Connection {
    let raw = Connection::open(file).unwrap();
    let history = "create table refinery_schema_history (
            version int4 primary key, name varchar(255), applied_on varchar(255), checksum varchar(255)
        );
        insert into refinery_schema_history values (1, 'begin', '2026-11-20T18:31:28Z', '17657208774858686263');";
    raw.execute_batch(&format!("pragma journal_mode = wal; {V1} {history}")).unwrap();
    raw
}

#[tokio::test]
async fn a_database_of_version_1_is_brought_to_version_2_with_its_rows_as_they_were() {
    let (_folder, file) = place();
    let raw = made_by_version_1(&file);
    raw.execute_batch(
        "insert into merchant values (1, 'Café', 1);
         insert into holder values (-2, '持有人 1', zeroblob(32), 1);
         insert into account values (7, 'holder', -2, 156, 500, 0, 0);
         insert into account values (8, 'settlement', 0, 156, -500, 0, 0);
         insert into transfer values (x'01', 8, 7, 156, 500, 500, 1, 'fund', null, 1, 2);
         insert into posting values (1, x'01', 8, -500, 2), (2, x'01', 7, 500, 2);
         insert into alarm (card, kind, at) values (4294967295, 'not_me', 3), (null, 'drift', 4);",
    )
    .unwrap();
    drop(raw);
    // Once to migrate it, once as it is from then on.
    for _ in 0..2 {
        let store = open(&file).unwrap();
        assert_sound(&store);
        let alarm =
            |card, kind: &str, at| Alarm { card, subject: None, kind: kind.into(), at: UnixMillis(at) };
        let alarms = [alarm(None, "drift", 4), alarm(Some(CardId(u32::MAX)), "not_me", 3)];
        assert_eq!(store.peek(|rows| rows.alarms(9)), Ok(alarms.to_vec()));
        let known = holder(1).reference;
        let (name, account) = store
            .peek(|rows| {
                let name = rows.holder(known)?.map(|holder| holder.name);
                Ok((name, rows.account_of(AccountKind::Holder, known.0.cast_signed(), Currency::CNY)?))
            })
            .unwrap();
        assert_eq!((name.as_deref(), account.map(|it| it.posted)), (Some("持有人 1"), Some(500)));
        assert_eq!(store.peek(|rows| rows.merchant(MerchantId(1))).unwrap().unwrap().name, "Café");
    }
    // The next alarm and the first wallet card join them.
    let store = open(&file).unwrap();
    kept(&store, |unit| {
        unit.add_alarm(&Alarm {
            card: None,
            subject: Some("ff0000000001".into()),
            kind: "k".into(),
            at: MORNING,
        })?;
        unit.add_bank_card(&tap::bank_card(1))?;
        unit.add_wallet(&tap::wallet(1))
    })
    .await;
    let subjects = store.peek(|rows| rows.alarms(9)).unwrap().into_iter().map(|alarm| alarm.subject);
    assert_eq!(subjects.collect::<Vec<_>>(), [Some("ff0000000001".to_owned()), None, None]);
    drop(store);
    // Its schema is that of a file that began with version 2, word for word.
    let (_folder, new) = place();
    drop(open(&new).unwrap());
    let [migrated, begun] = [&file, &new].map(|path| {
        let raw = Connection::open(path).unwrap();
        let mut schema = raw
            .prepare(
                "select name, sql from sqlite_master where name <> 'refinery_schema_history' order by name",
            )
            .unwrap();
        let rows = schema.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<Vec<(String, Option<String>)>, _>>().unwrap()
    });
    assert_eq!(migrated, begun);
}

#[test]
fn what_is_no_database_is_refused_by_name_and_left_as_it_is() {
    let (_folder, file) = place();
    let text = "a letter to a friend. ".repeat(400);
    std::fs::write(&file, &text).unwrap();
    let error = refused(&file);
    assert!(
        matches!(&error, StoreError::Damaged(reason) if reason.contains(file.to_str().unwrap())),
        "{error:?}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_place_where_no_file_can_be_is_refused_by_name() {
    let (folder, _) = place();
    let nowhere = folder.path().join("no such folder").join("counterfoil.db");
    for path in [&nowhere, folder.path()] {
        let error = refused(path);
        assert!(matches!(&error, StoreError::Unreachable { path: named, .. } if named == path), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
    // SQLite takes these for databases that nobody ever finds again.
    for forgetful in [":memory:", ""] {
        let error = refused(Path::new(forgetful));
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_database_that_another_process_writes_to_is_locked_until_it_has_ended() {
    let (_folder, file) = place();
    let store = open_with(&file, AT_ONCE).unwrap();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("begin exclusive").unwrap();
    assert_eq!(
        store.write(|unit| mark(unit, "locked out")).await,
        Err(WriteError::Store(StoreError::Locked))
    );
    // Reading goes on.
    assert_eq!(store.peek(marks), Ok(vec![]));
    other.execute_batch("commit").unwrap();
    kept(&store, |unit| mark(unit, "in again")).await;
    assert_eq!(store.peek(marks), Ok(vec!["in again".to_owned()]));
}

#[test]
fn a_database_that_another_process_keeps_to_itself_is_not_opened() {
    let (_folder, file) = place();
    // Once a file that is to become a database, once one that is.
    for _ in 0..2 {
        let other = Connection::open(&file).unwrap();
        other.execute_batch("pragma locking_mode = exclusive; begin exclusive; create table t (x)").unwrap();
        assert_eq!(refused(&file), StoreError::Locked);
        drop(other);
        drop(open_with(&file, AT_ONCE).unwrap());
    }
}

#[tokio::test]
async fn one_more_than_the_queue_holds_is_refused_by_name_and_the_rest_is_written() {
    let (_folder, file) = place();
    let store = open(&file).unwrap();
    let gate = Gate::shut(&store).await;
    let mut queued = Vec::new();
    for _ in 0..QUEUE_MAX {
        let store = store.clone();
        queued.push(tokio::spawn(async move { store.write(|unit| mark(unit, "queued")).await }));
    }
    while store.queue().waiting < QUEUE_MAX {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.queue().limit, QUEUE_MAX);
    let full = StoreError::QueueFull { limit: QUEUE_MAX };
    assert!(full.to_string().contains("8192"), "{full}");
    assert_eq!(store.write(|unit| mark(unit, "one more")).await, Err(WriteError::Store(full)));
    gate.open_when_waiting(&store, QUEUE_MAX).await;
    for written in queued {
        assert_eq!(written.await.unwrap(), Ok(()));
    }
    assert_eq!(store.peek(marks).map(|marks| marks.len()), Ok(QUEUE_MAX));
}

#[tokio::test]
async fn dropping_the_last_handle_finishes_what_was_queued() {
    let (_folder, file) = place();
    let store = open(&file).unwrap();
    let gate = Gate::shut(&store).await;
    for n in 0..100 {
        let leaving = store.clone();
        let asked = tokio::spawn(async move { leaving.write(|unit| mark(unit, "queued")).await });
        while store.queue().waiting <= n {
            tokio::task::yield_now().await;
        }
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
    }
    let opener = gate.into_opener().await;
    let dropping = std::thread::spawn(move || drop(store));
    opener.send(()).unwrap();
    dropping.join().unwrap();
    assert_eq!(open(&file).unwrap().peek(marks).map(|marks| marks.len()), Ok(100));
    // The log was folded back: the file alone is the whole database.
    assert!(!file.with_extension("db-wal").exists());
}

#[tokio::test]
async fn what_was_kept_is_found_when_the_file_is_opened_again() {
    let (_folder, file) = place();
    let store = open(&file).unwrap();
    let read = |store: &Store| {
        store
            .peek(|rows| {
                Ok((
                    rows.card(CardId(1))?,
                    rows.order(order(0, 1).order.id)?,
                    rows.open_authorization(CardId(1))?,
                    rows.totals()?,
                    rows.alarms(9)?,
                ))
            })
            .unwrap()
    };
    kept(&store, |unit| {
        unit.add_card(&card(1))?;
        unit.add_order(&order(0, 1))?;
        unit.add_authorization(&question(1, 1))?;
        let holder = opened(unit, AccountKind::Holder, 1)?.id;
        fund(unit, TransferId(1), yuan(5), holder)?;
        mark(unit, "kept")?;
        Ok::<(), Refusal>(())
    })
    .await;
    let before = read(&store);
    assert_eq!(before.0, Some(card(1)));
    drop(store);
    let store = open(&file).unwrap();
    assert_eq!(read(&store), before);
    assert_sound(&store);
}

#[tokio::test]
async fn the_file_keeps_a_write_ahead_log_and_its_postings_for_ever() {
    let (_folder, file) = place();
    let store = open(&file).unwrap();
    kept(&store, |unit| {
        let holder = opened(unit, AccountKind::Holder, 1)?.id;
        fund(unit, TransferId(1), yuan(5), holder)
    })
    .await;
    let raw = Connection::open(&file).unwrap();
    let mode: String = raw.query_row("pragma journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    for sql in ["update posting set units = units + 1", "update posting set at = 0", "delete from posting"] {
        let error = raw.execute(sql, []).unwrap_err();
        assert!(error.to_string().contains("immutable"), "{error}");
    }
    assert_sound(&store);
}

#[tokio::test]
async fn attempts_to_write_a_load_are_kept_for_ever() {
    let (_folder, file) = place();
    let store = open(&file).unwrap();
    kept(&store, |unit| unit.add_attempt(&tap::attempt(&tap::load(0, 1, 0), 1))).await;
    let raw = Connection::open(&file).unwrap();
    for sql in [
        "update load_attempt set mac2 = x'00000000'",
        "update load_attempt set number = 2",
        "delete from load_attempt",
    ] {
        let error = raw.execute(sql, []).unwrap_err();
        assert!(error.to_string().contains("immutable"), "{error}");
    }
}

#[tokio::test]
async fn an_error_that_ends_the_transaction_costs_only_the_unit_of_work_that_met_it() {
    let (_folder, file) = place();
    let store = open(&file).unwrap();
    // As a full disk or a failing one does it: SQLite undoes the whole transaction by itself, and every
    // later statement would be a transaction of its own.
    let poison = "create trigger poison before insert on alarm when new.kind = 'poison'
                  begin select raise(rollback, 'the disk failed'); end";
    Connection::open(&file).unwrap().execute_batch(poison).unwrap();
    let gate = Gate::shut(&store).await;
    let mut batch = Vec::new();
    for n in 0..4 {
        let store = store.clone();
        batch.push(tokio::spawn(async move {
            let work = move |unit: &mut dyn Unit| {
                match n {
                    1 => mark(unit, "poison"),
                    2 => {
                        // Does not care, and goes on.
                        let _ = (mark(unit, "poison"), mark(unit, "kept without the rest"));
                        Ok(())
                    }
                    _ => mark(unit, &n.to_string()),
                }
            };
            store.write(work).await
        }));
    }
    gate.open_when_waiting(&store, batch.len()).await;
    for (n, answer) in batch.into_iter().enumerate() {
        let answer = answer.await.unwrap();
        match n {
            1 => assert!(matches!(answer, Err(WriteError::Refused(StoreError::Constraint(_)))), "{answer:?}"),
            2 => assert!(matches!(answer, Err(WriteError::Store(StoreError::Engine(_)))), "{answer:?}"),
            _ => assert_eq!(answer, Ok(())),
        }
    }
    assert_eq!(store.peek(marks), Ok(vec!["0".to_owned(), "3".to_owned()]));
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_named_and_not_guessed_at() {
    let (_folder, file) = place();
    let store = open(&file).unwrap();
    kept(&store, |unit| {
        unit.add_card(&card(1))?;
        unit.add_order(&order(0, 1))?;
        unit.add_authorization(&question(1, 1))
    })
    .await;
    let raw = Connection::open(&file).unwrap();
    let card = |rows: &dyn Reading| rows.card(CardId(1)).map(drop);
    let order = |rows: &dyn Reading| rows.order(order(0, 1).order.id).map(drop);
    let question = |rows: &dyn Reading| rows.open_authorization(CardId(1)).map(drop);
    type Look = fn(&dyn Reading) -> Result<(), StoreError>;
    let cases: [(&str, Look, &str); 6] = [
        ("update card set life_cycle = 'gone'", card, "card.life_cycle"),
        ("update orders set state = 'declined'", order, "orders.state"),
        ("update orders set amount = 0", order, "amount"),
        ("update orders set amount = 1, state = 'paid', presses = 9", order, "orders.presses"),
        ("update authorization set answering = -1", question, "answering"),
        ("update authorization set answering = 0, number = 1", question, "authorization.number"),
    ];
    for (sql, look, what) in cases {
        raw.execute(sql, []).unwrap();
        assert_eq!(store.peek(look), Err(StoreError::Malformed(what)), "{sql}");
    }
}

#[tokio::test]
async fn a_row_of_the_tap_that_makes_no_sense_is_named_and_not_guessed_at() {
    let (_folder, file) = place();
    let store = open(&file).unwrap();
    kept(&store, |unit| {
        tap::with_bank_card(unit, 1)?;
        unit.add_wallet(&tap::wallet(1))?;
        unit.add_terminal(&tap::terminal(1))?;
        unit.add_load(&tap::load(0, 1, 0))?;
        unit.add_sms_code(&tap::sms_code(1, 1, 0))
    })
    .await;
    let raw = Connection::open(&file).unwrap();
    type Look = fn(&dyn Reading) -> Result<(), StoreError>;
    let terminal: Look = |rows| rows.terminal(tap::terminal_id(1)).map(drop);
    let wallets: Look = |rows| rows.wallets_after(None, 9).map(drop);
    let load: Look = |rows| rows.loads_before(None, None, 9).map(drop);
    let counts: Look = |rows| rows.load_counts().map(drop);
    let sms_code: Look = |rows| rows.sms_code([1; 16]).map(drop);
    let cases = [
        ("update terminal set state = 'lost'", terminal, "terminal.state"),
        ("update terminal set state = 'active', suite = 5", terminal, "terminal.suite"),
        ("update terminal set suite = 1, key_id = -1", terminal, "key_id"),
        ("update wallet set state = 'open'", wallets, "wallet.state"),
        ("update wallet set state = 'active', industry = 10000", wallets, "industry"),
        ("update wallet set industry = 1, counter = 65536", wallets, "counter"),
        ("update wallet set counter = 1, asn = x'0a000000000000000000'", wallets, "asn"),
        ("update load set amount = 4294967296", load, "amount"),
        ("update load set amount = 1, state = 'paid'", load, "load.state"),
        ("update load set updated_at = 0", counts, "load.state"),
        ("update sms_code set state = 'sent'", sms_code, "sms_code.state"),
        ("update sms_code set state = 'used', amount = -1", sms_code, "amount"),
    ];
    for (sql, look, what) in cases {
        raw.execute(sql, []).unwrap();
        assert_eq!(store.peek(look), Err(StoreError::Malformed(what)), "{sql}");
    }
}

#[tokio::test]
async fn a_row_of_the_fleet_that_makes_no_sense_is_named_and_not_guessed_at() {
    let (_folder, file) = place();
    let store = open(&file).unwrap();
    kept(&store, |unit| {
        unit.know_channel(channel(1), MORNING)?;
        unit.add_downlink(&fleet::downlink(0, 1))?;
        unit.raise_alert(channel(1), AlertKind::Silent, None, MORNING)
    })
    .await;
    let raw = Connection::open(&file).unwrap();
    type Look = fn(&dyn Reading) -> Result<(), StoreError>;
    let known: Look = |rows| rows.channel(channel(1)).map(drop);
    let listed: Look = |rows| rows.channels_after(&ChannelFilter::default(), None, 9).map(drop);
    let tally: Look = |rows| rows.channel_tally().map(drop);
    let downlink: Look = |rows| rows.downlink(fleet::downlink(0, 1).id).map(drop);
    let waiting: Look = |rows| rows.waiting_downlinks(None, 9).map(drop);
    let alerts: Look = |rows| rows.alerts_before(false, None, 9).map(drop);
    let cases = [
        ("update channel set listening = 11161", known, "channel.listening"),
        ("update channel set listening = -2", known, "channel.listening"),
        ("update channel set listening = null, presence = 3", known, "presence"),
        ("update channel set presence = -1", listed, "presence"),
        ("insert into channel_tally values (0, 9, 1)", tally, "presence"),
        ("update channel set presence = 0, id = x'0900000000000000ff'", listed, "id"),
        ("update downlink set state = 'failed'", downlink, "downlink.state"),
        ("update downlink set reason = 'bad luck'", downlink, "downlink.reason"),
        ("update downlink set state = 'queued', reason = 'refused'", waiting, "downlink.state"),
        ("update downlink set reason = null, priority = 3", waiting, "downlink.priority"),
        ("update downlink set priority = 1, card = 4294967296", waiting, "card"),
        ("update downlink set card = 1, channel = x'0300038d7ea4c68000'", waiting, "channel"),
        ("update alert set kind = 5", alerts, "alert.kind"),
        ("update alert set kind = 256", alerts, "kind"),
    ];
    for (sql, look, what) in cases {
        raw.execute(sql, []).unwrap();
        assert_eq!(store.peek(look), Err(StoreError::Malformed(what)), "{sql}");
    }
}

#[test]
fn the_floor_that_benches_measure_keeps_the_books() {
    let (_folder, file) = place();
    assert_eq!(store::sqlite::floor(&file, 50, 3), Ok(150));
    assert_sound(&open(&file).unwrap());
}
