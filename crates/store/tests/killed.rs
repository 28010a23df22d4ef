//! `kill -9` at any moment: what was acknowledged is there, exactly once, and nothing is there by half.
//!
//! The child is this very test binary. It tells on its standard output what the store has answered; the
//! parent kills it there and then, opens the file, and compares.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod maker;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use maker::ledger::{End, Refusal, assert_sound, end, fund, opened, reserve};
use maker::random::Random;
use maker::{MORNING, order, yuan};
use payment::{AccountKind, MerchantId, OrderId, OrderState, TransferId, TransferState};
use store::{NewEvent, Store, Unit};

/// Where the child finds its file and its round.
const FILE: &str = "COUNTERFOIL_TEST_KILLED_FILE";
const ROUND: &str = "COUNTERFOIL_TEST_KILLED_ROUND";

const ROUNDS: u32 = 15;

/// Writers in the child: enough that a kill meets commits of many units of work.
const WRITERS: u32 = 16;

fn event(unit: &mut dyn Unit, order: OrderId, kind: &'static str) -> Result<(), Refusal> {
    Ok(unit.add_event(&NewEvent { merchant: MerchantId(1), order, kind, at: MORNING })?)
}

/// Money comes in, is set aside, and the order is told of.
fn make(unit: &mut dyn Unit, n: i64, card: u32) -> Result<OrderId, Refusal> {
    let mut stored = order(n, card);
    let id = stored.order.id;
    stored.order.reservation = TransferId(id.0);
    let holder = opened(unit, AccountKind::Holder, card.into())?.id;
    let merchant = opened(unit, AccountKind::Merchant, 1)?.id;
    fund(unit, TransferId(!id.0), yuan(2_000), holder)?;
    reserve(unit, TransferId(id.0), yuan(2_000), [holder, merchant])?;
    unit.add_order(&stored)?;
    event(unit, id, "order.awaiting_card")?;
    Ok(id)
}

fn pay(unit: &mut dyn Unit, id: OrderId) -> Result<(), Refusal> {
    let mut stored = unit.order(id)?.ok_or(store::StoreError::Malformed("acknowledged and gone"))?;
    stored.order.state = OrderState::Paid;
    unit.put_order_state(&stored)?;
    end(unit, TransferId(id.0), End::Post(None))?;
    event(unit, id, "order.paid")
}

/// One line, in one write: the parent never reads half of it as a whole.
fn tell(word: &str, id: u128) {
    let line = format!("\n{word} {id:032x}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap();
}

async fn write_on(store: Store, card: u32) {
    for n in 0.. {
        let id = store.write(move |unit| make(unit, n, card)).await.unwrap();
        tell("made", id.0);
        store.write(move |unit| pay(unit, id)).await.unwrap();
        tell("paid", id.0);
    }
}

/// The child. Run by itself, without a file to write to, it has nothing to do.
#[tokio::test]
async fn writes_until_it_is_killed() {
    let (Ok(file), Ok(round)) = (std::env::var(FILE), std::env::var(ROUND)) else { return };
    tell("opening", 0);
    let store = store::sqlite::open(Path::new(&file)).unwrap();
    let round: u32 = round.parse().unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write_on(store.clone(), round * WRITERS + writer));
    }
    writers.join_all().await;
}

/// Runs the child until it has told this many lines, kills it, and takes down all that it told.
fn run_and_kill(file: &Path, round: u32, lines: usize, told: &mut BTreeMap<u128, &'static str>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writes_until_it_is_killed", "--nocapture"])
        .env(FILE, file)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (mut line, mut heard) = (String::new(), 0);
    loop {
        if heard == lines {
            child.kill().unwrap();
        }
        line.clear();
        // What stood in the pipe when the child died was told as well.
        if out.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
            break;
        }
        let Some((word, id)) = line.trim_end().split_once(' ') else { continue };
        let word = match word {
            "opening" => "opening",
            "made" => "made",
            "paid" => "paid",
            _ => continue,
        };
        heard += 1;
        if word != "opening" {
            told.insert(u128::from_str_radix(id, 16).unwrap(), word);
        }
    }
    let status = child.wait().unwrap();
    assert!(!status.success() && status.code().is_none(), "the child ended by itself: {status}");
    assert!(heard >= lines);
}

fn assert_kept(file: &Path, told: &BTreeMap<u128, &'static str>) {
    let store = store::sqlite::open(file).unwrap();
    assert_sound(&store);
    for (id, word) in told {
        let order = store.peek(|rows| rows.order(OrderId(*id))).unwrap().expect("acknowledged and gone");
        let transfer =
            store.peek(|rows| rows.transfer(TransferId(*id))).unwrap().expect("acknowledged and gone");
        let events = store.peek(|rows| rows.events_of_order(OrderId(*id), 0)).unwrap();
        // An order that was only told as made may have been paid before the kill; a paid one was paid once.
        let paid = order.order.state == OrderState::Paid;
        assert!(paid || *word == "made", "{id:032x}");
        assert_eq!(transfer.state == TransferState::Posted, paid);
        let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(
            kinds,
            if paid { &["order.awaiting_card", "order.paid"][..] } else { &["order.awaiting_card"] }
        );
    }
    drop(store);
    // Of what was not acknowledged: all of it is there, or nothing.
    let raw = rusqlite::Connection::open(file).unwrap();
    let count = |sql: &str| raw.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let orders = count("select count(*) from orders");
    let paid = count("select count(*) from orders where state = 'paid'");
    assert_eq!(count("select count(*) from transfer"), 2 * orders);
    assert_eq!(count("select count(*) from transfer where state = 1"), orders + paid);
    assert_eq!(count("select count(*) from posting"), 2 * (orders + paid));
    assert_eq!(
        count(
            "select count(*) from (select 1 from posting group by transfer having count(*) <> 2 or sum(units) <> 0)"
        ),
        0
    );
    assert_eq!(count("select count(*) from event"), orders + paid);
    assert!(orders >= i64::try_from(told.len()).unwrap());
    let verdict: String = raw.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

#[test]
fn what_was_acknowledged_survives_being_killed_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counterfoil.db");
    let (mut told, mut random) = (BTreeMap::new(), Random(9));
    for round in 0..ROUNDS {
        // The first is killed while it makes the file, one more while it opens it; the others in full flight.
        let lines = if matches!(round, 0 | 7) { 1 } else { 2 + random.below(400) };
        run_and_kill(&file, round, lines, &mut told);
        assert_kept(&file, &told);
    }
    assert!(told.len() > 500, "{}", told.len());
}
