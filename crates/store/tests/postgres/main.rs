//! The back end for many nodes at its edges: servers that must be refused, servers that go away in the middle, answers to
//! commits that are lost, nodes that race, and a primary that dies. What every back end does is in `tests/conformance`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // Tests.

mod away;
mod dropping;
mod failover;
mod gathering;
mod layout;
#[path = "../maker/mod.rs"]
mod maker;
mod migrating;
mod moving;
mod nodes;
mod opening;
mod parts;
mod proxy;
mod signals;
mod standing;
mod tls;
mod unknown;
mod wiping;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cluster::{Cluster, Database};
use maker::MORNING;
use store::postgres::{PATIENCE, Settings, open};
use store::{Alarm, Reading, Store, StoreError, Unit};

/// A name for a writer that no other has.
fn writer() -> [u8; 16] {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    (u128::from(at) << 64 | u128::from(number)).to_be_bytes()
}

fn settings(url: impl Into<String>) -> Settings {
    Settings { url: url.into(), password: None, tls: None, writer: writer(), patience: PATIENCE }
}

/// A server that copies databases for other stories may not answer in time.
fn opened(url: &str) -> Store {
    let began = Instant::now();
    loop {
        match open(&settings(url)) {
            Err(StoreError::Away(_)) if began.elapsed() < Duration::from_secs(60) => {}
            answer => break answer.unwrap(),
        }
    }
}

/// A store that is patient for so long.
fn patient(url: &str, patience: Duration) -> Store {
    open(&Settings { patience, ..settings(url) }).unwrap()
}

fn refused(settings: &Settings) -> StoreError {
    match open(settings) {
        Ok(_) => panic!("{settings:?} was opened"),
        Err(error) => error,
    }
}

/// A migrated database on the server that the stories share.
fn migrated() -> Database {
    static LIKE: OnceLock<String> = OnceLock::new();
    let like = LIKE.get_or_init(|| {
        let database = Cluster::shared().fresh(None).unwrap();
        drop(opened(&database.url));
        wait_for("the store's connections to end", || {
            let sql = format!("select count(*) from pg_stat_activity where datname = '{}'", database.name);
            Cluster::shared().ask("postgres", &sql).unwrap() == "0"
        });
        database.name
    });
    Cluster::shared().fresh(Some(like)).unwrap()
}

/// Looks again until it is so.
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn mark(unit: &mut dyn Unit, kind: &str) -> Result<(), StoreError> {
    unit.add_alarm(&Alarm { card: None, subject: None, kind: kind.to_owned(), at: MORNING })
}

/// Every mark that is there, and how often.
fn marks(store: &Store) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for alarm in store.peek(|rows: &dyn Reading| rows.alarms(u32::MAX)).unwrap() {
        *found.entry(alarm.kind).or_default() += 1;
    }
    found
}
