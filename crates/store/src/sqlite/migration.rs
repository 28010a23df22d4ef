//! What a file needs to be of this program's schema, and a trial on a copy of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::connection::{self, known_migrations, open_reading};
use super::session::Moment;
use crate::books::Books;
use crate::error::StoreError;
use crate::migration::{Plan, Trial, beside};
use crate::sql::read::Rows;

/// How long another process's transaction is waited for.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// The migrations that a file has not seen. Changes nothing.
///
/// # Errors
/// [`StoreError::NewerVersion`]; [`StoreError::Unreachable`] and [`StoreError::Damaged`] where it is no database.
pub fn plan(path: &Path) -> Result<Plan, StoreError> {
    let connection = open_reading(path, BUSY_WAIT)?;
    let mut plan = Plan::of(connection::version(&connection)?, &known_migrations());
    let counted = rows_of(&connection)?;
    let wanted: Vec<String> = plan.tables().into_iter().map(str::to_owned).collect();
    plan.rows = counted.into_iter().filter(|(table, _)| wanted.contains(table)).collect();
    Ok(plan)
}

/// Brings a copy to this program's schema and reckons its books again. The copy is changed; give it one that nobody needs.
///
/// # Errors
/// What the engine says of a migration that cannot be done.
pub fn try_on(copy: &Path) -> Result<Trial, StoreError> {
    let plan = plan(copy)?;
    let before = rows_of(&open_reading(copy, BUSY_WAIT)?)?;
    let mut took = Vec::new();
    for step in &plan.steps {
        let began = Instant::now();
        connection::migrate_to(copy, BUSY_WAIT, step.number)?;
        took.push((step.number, began.elapsed()));
    }
    let connection = open_reading(copy, BUSY_WAIT)?;
    let books = Books::of(&Rows(&Moment(&connection)))?;
    Ok(Trial { took, tables: beside(before, rows_of(&connection)?), books })
}

/// Every table of ours, and how many rows it has.
pub(crate) fn rows_of(connection: &Connection) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut names = connection.prepare(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\' \
         and name <> 'refinery_schema_history'",
    )?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut rows = BTreeMap::new();
    for name in names {
        let count: i64 =
            connection.query_row(&format!("select count(*) from \"{name}\""), [], |row| row.get(0))?;
        rows.insert(name, u64::try_from(count).unwrap_or(0));
    }
    Ok(rows)
}
