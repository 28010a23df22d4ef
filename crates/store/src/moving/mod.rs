//! A whole database moves from a file to a server: every row, in one transaction, checked before it is kept.
//!
//! For: a platform that began on one machine and outgrows it. Rows are streamed, a few kilobytes in memory at a time; nothing is
//! kept at the server unless every row is there as it was, every balance is again the sum of its postings on both sides, every
//! currency sums to zero and the audit chain stands.
//! Refuses: a target with anything in it, one that a node serves on, a source of another version, tables that it does not know: each
//! by name. A target that a copy was begun into and has not ended is refused by [`crate::postgres::open`], and so is a file that
//! was moved by [`crate::sqlite::open`].
//! Next: [`copy`]; `pairing` for which table goes where, `rows` for the stream and its sums. The other way is not offered: see
//! `docs/decisions`.

mod pairing;
mod rows;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

pub use pairing::unpaired;

use crate::books::Books;
use crate::error::{MoveError, Side};
use crate::postgres::alone::Alone;
use crate::postgres::migration::{holder, migrate_for_copy};
use crate::postgres::{Settings, plan};
use crate::sql::read::Rows;
use crate::sqlite::moving as file;
use crate::sqlite::session::Moment;
use pairing::{Pair, RULES, SEEDED, pairs};
use rows::{Sum, send, sum_of};

/// Rows between two looks at whether to go on, and two tellings of how far it is.
pub(crate) const ROWS_A_LOOK: u64 = 1_000;

/// What is to become of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Its platform goes on at the server: nobody else writes to the file meanwhile, and nobody opens it afterwards.
    Moves,
    /// It is a copy already: it stays as it is, and only its own moment is read.
    Stays,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'p> {
    /// The table in hand.
    pub table: &'p str,
    /// Rows sent, and read again to be compared, of all tables.
    pub done: u64,
    /// What that will be at the end.
    pub whole: u64,
}

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Each table at the server with its rows.
    pub tables: Vec<(String, u64)>,
    /// The books, which are the same on both sides.
    pub books: Books,
}

/// Copies every row of a file into a server's empty database, and checks it, all or nothing. Waits on this thread, which must
/// not be one that drives a runtime's tasks.
///
/// # Errors
/// [`MoveError`] names the rule; then nothing was kept at the server but the mark of a copy that has not ended, if it was begun.
pub fn copy(
    source: &Path,
    from: Source,
    target: &Settings,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Copied, MoveError> {
    let connection = file::open(source, from)?;
    let alone = Alone::connect(target)?;
    // Released with the connection, however this ends.
    let free = "select case when pg_try_advisory_lock(4848765432) then 1 else 0 end::bigint";
    if alone.number(free)? == 0 {
        return Err(MoveError::UnderWay);
    }
    plan(target)?;
    if let Some(node) = holder(&alone)? {
        return Err(MoveError::Served(node));
    }
    refuse_rows(&alone)?;
    // From here on, until the whole is kept, nobody begins on the target.
    alone
        .batch("create table if not exists unfinished_copy (begun_at timestamptz not null default now())")?;
    migrate_for_copy(target)?;
    let pairs = pairs(&connection, &alone)?;
    let mut telling = Telling { done: 0, whole: 0, stop, tell };
    telling.whole = pairs.iter().map(|pair| pair.rows).sum::<u64>().saturating_mul(2);

    alone.batch("begin isolation level repeatable read")?;
    let result = fill(&connection, &alone, &pairs, &mut telling);
    match result {
        Ok(copied) => keep(&connection, from, &alone).map(|()| copied),
        Err(error) => {
            // The server does so by itself where the connection is gone.
            let _ = alone.batch("rollback");
            Err(error)
        }
    }
}

/// Who is told how far it is, and asked whether to go on.
pub(crate) struct Telling<'t> {
    done: u64,
    whole: u64,
    stop: &'t AtomicBool,
    tell: &'t mut dyn FnMut(Progress<'_>),
}

impl Telling<'_> {
    pub(crate) fn done(&mut self, table: &str, rows: u64) -> Result<(), MoveError> {
        self.done = self.done.saturating_add(rows);
        (self.tell)(Progress { table, done: self.done, whole: self.whole });
        if self.stop.load(Ordering::Relaxed) { Err(MoveError::Stopped) } else { Ok(()) }
    }
}

/// A target that has been used is no target, whatever version it is of.
fn refuse_rows(alone: &Alone) -> Result<(), MoveError> {
    for table in crate::postgres::migration::tables(alone)? {
        let seed = SEEDED.iter().find(|(name, _)| *name == table).map_or("false", |(_, seed)| seed);
        if pairing::is_the_servers(&table) {
            continue;
        }
        let there = alone.number(&format!(
            "select count(*) from (select 1 from \"{table}\" where not ({seed}) limit 1) as t"
        ))?;
        if there > 0 {
            return Err(MoveError::NotEmpty(table));
        }
    }
    Ok(())
}

fn fill(
    connection: &Connection,
    alone: &Alone,
    pairs: &[Pair],
    telling: &mut Telling<'_>,
) -> Result<Copied, MoveError> {
    let names: Vec<String> = pairs.iter().map(|pair| format!("\"{}\"", pair.to)).collect();
    alone.batch(&format!("lock table {} in access exclusive mode", names.join(", ")))?;
    // Somebody may have been between the first look and the lock.
    refuse_rows(alone)?;
    for pair in pairs {
        // What triggers would add is copied, or counted, itself.
        alone.batch(&format!("alter table \"{}\" disable trigger user; delete from \"{0}\"", pair.to))?;
    }
    let mut sent: Vec<Sum> = Vec::new();
    for pair in pairs {
        sent.push(send(connection, alone, pair, telling)?);
    }
    for pair in pairs {
        alone.batch(&format!("alter table \"{}\" enable trigger user", pair.to))?;
        for column in &pair.identities {
            let highest = file::highest(connection, &pair.from, column)?;
            alone.batch(&format!(
                "select setval(pg_get_serial_sequence('\"{}\"', '{column}'), {}, {})",
                pair.to,
                highest.max(1),
                highest > 0
            ))?;
        }
    }
    for (rule, from) in RULES {
        alone.batch(&format!("delete from \"{rule}\"; insert into \"{rule}\" {from}"))?;
    }
    for (pair, sent) in pairs.iter().zip(&sent) {
        let kept = sum_of(alone, pair, telling)?;
        if kept.rows != sent.rows || sent.rows != pair.rows {
            let (table, file, server) = (pair.to.clone(), pair.rows, kept.rows);
            return Err(MoveError::CountDiffers { table, file, server });
        }
        if kept != *sent {
            return Err(MoveError::RowsDiffer(pair.to.clone()));
        }
    }
    let ours = Books::of(&Rows(&Moment(connection)))?;
    let theirs = Books::of(&Rows(&alone.work()))?;
    for (side, books) in [(Side::Source, &ours), (Side::Target, &theirs)] {
        if let Some(fault) = books.fault() {
            return Err(MoveError::NotSound { side, fault });
        }
    }
    if ours != theirs {
        return Err(MoveError::BooksDiffer);
    }
    alone.batch("drop table unfinished_copy; analyze")?;
    let tables = pairs.iter().map(|pair| (pair.to.clone(), pair.rows)).collect();
    Ok(Copied { tables, books: theirs })
}

/// The file is marked before the server keeps the copy: whatever ends the program between the two, there are never two
/// databases that go on from one moment, which would spend the same money, and seal two texts under one B.
fn keep(connection: &Connection, from: Source, alone: &Alone) -> Result<(), MoveError> {
    if from == Source::Moves {
        file::mark(connection, true)?;
    }
    let Err(error) = alone.batch("commit") else { return Ok(()) };
    if error.may_pass() {
        // The answer was lost: perhaps it is kept.
        return Err(MoveError::Unresolved);
    }
    if from == Source::Moves {
        file::mark(connection, false)?;
    }
    Err(error.into())
}
