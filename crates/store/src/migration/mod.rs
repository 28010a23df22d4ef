//! What stands between a database and this program's schema, and what came of trying it.
//!
//! For: an operator who wants to know before a version is started what it will do to the tables, how long that takes, and that the
//! books stand afterwards.
//! Refuses: a database of a newer program, by both versions.
//! Next: [`crate::sqlite::plan`] and [`crate::postgres::plan`] read it from a database; `change` for what one statement does.

mod change;
mod script;

use std::collections::BTreeMap;
use std::time::Duration;

pub use change::Change;

use crate::books::Books;

/// The way from a database's schema to this program's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The database's version; 0 for one that has no tables.
    pub found: i64,
    /// This program's.
    pub known: i64,
    /// What is to be done, in order; nothing when the two are equal.
    pub steps: Vec<Step>,
    /// Rows of the tables that are read or changed, of those that are there.
    pub rows: BTreeMap<String, u64>,
}

/// One migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// What it changes, in order.
    pub changes: Vec<Change>,
    /// Its text.
    pub(crate) sql: String,
}

/// What a trial came to. Nothing of it is in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// How long each migration took.
    pub took: Vec<(i64, Duration)>,
    /// Rows of each table before, if it was there, and afterwards, if it is.
    pub tables: BTreeMap<String, (Option<u64>, Option<u64>)>,
    /// The books afterwards.
    pub books: Books,
}

impl Plan {
    /// Of what a program carries, what a database of this version has not seen. Rows are not counted yet.
    pub(crate) fn of(found: i64, migrations: &[refinery::Migration]) -> Self {
        let mut steps: Vec<Step> = migrations.iter().map(Step::of).collect();
        steps.sort_by_key(|step| step.number);
        let known = steps.last().map_or(0, |step| step.number);
        steps.retain(|step| step.number > found);
        Self { found, known, steps, rows: BTreeMap::new() }
    }

    /// The tables that are read or changed, each once.
    pub(crate) fn tables(&self) -> Vec<&str> {
        let changes = self.steps.iter().flat_map(|step| &step.changes);
        let mut tables: Vec<&str> = changes.filter_map(Change::table).collect();
        tables.sort_unstable();
        tables.dedup();
        tables
    }
}

impl Step {
    fn of(migration: &refinery::Migration) -> Self {
        let sql = migration.sql().unwrap_or_default().to_owned();
        let changes = script::statements(&sql).iter().map(|statement| Change::of(statement)).collect();
        Self { number: i64::from(migration.version()), name: migration.name().to_owned(), changes, sql }
    }
}

/// Rows of each table on both sides of a trial.
pub(crate) fn beside(
    before: BTreeMap<String, u64>,
    after: BTreeMap<String, u64>,
) -> BTreeMap<String, (Option<u64>, Option<u64>)> {
    let mut tables: BTreeMap<String, (Option<u64>, Option<u64>)> = BTreeMap::new();
    for (table, rows) in before {
        tables.entry(table).or_default().0 = Some(rows);
    }
    for (table, rows) in after {
        tables.entry(table).or_default().1 = Some(rows);
    }
    tables
}
