//! What a database needs to be of this program's schema, doing it, and a trial that is undone. All of it waits on the caller's
//! thread, which must not be one that drives a runtime's tasks.

use std::collections::BTreeMap;
use std::time::Instant;

use tokio_postgres::Client;

use super::Settings;
use super::alone::Alone;
use super::connection::{Address, Whole, known_migrations};
use crate::books::Books;
use crate::error::StoreError;
use crate::migration::{Change, Plan, Trial, beside};
use crate::sql::read::Rows;

/// Which node lives, or holds a lease that has not ended, if the database knows of such things at all.
const HAS_NODES: &str = "select count(*) from pg_class where oid = to_regclass('node')";
const LIVING_NODE: &str =
    "select name from node where until > (select at from database_clock) order by until desc limit 1";
const HAS_LEASES: &str = "select count(*) from pg_class where oid = to_regclass('lease')";
const LEASE_HOLDER: &str = "select node from lease where until > (extract(epoch from clock_timestamp()) * 1000)::bigint \
     order by until desc limit 1";

/// The migrations that a database has not seen, with the rows of the tables that they read or change. Changes nothing.
///
/// # Errors
/// [`StoreError::NewerVersion`], and whatever keeps the database from being reached.
pub fn plan(settings: &Settings) -> Result<Plan, StoreError> {
    plan_on(&Alone::connect(settings)?)
}

fn plan_on(alone: &Alone) -> Result<Plan, StoreError> {
    let mut plan = Plan::of(version(alone)?, &known_migrations());
    if plan.found > plan.known {
        return Err(StoreError::NewerVersion { found: plan.found, known: plan.known });
    }
    let counted = rows_of(alone)?;
    let wanted: Vec<String> = plan.tables().into_iter().map(str::to_owned).collect();
    plan.rows = counted.into_iter().filter(|(table, _)| wanted.contains(table)).collect();
    Ok(plan)
}

/// Brings the database to this program's schema.
///
/// # Errors
/// As [`plan`]; what the server says of a migration that cannot be done.
pub fn migrate(settings: &Settings) -> Result<(), StoreError> {
    make_ready(settings, Whole::Asked)
}

/// The same, also where a copy into it has not ended.
pub(crate) fn migrate_for_copy(settings: &Settings) -> Result<(), StoreError> {
    make_ready(settings, Whole::NotAsked)
}

fn make_ready(settings: &Settings, of: Whole) -> Result<(), StoreError> {
    let address = Address::of(settings)?;
    Alone::connect(settings)?.drive(address.make_ready(of))
}

/// The node that serves on the database now, if one does.
///
/// # Errors
/// Whatever keeps the database from being asked.
pub fn served_by(settings: &Settings) -> Result<Option<String>, StoreError> {
    holder(&Alone::connect(settings)?)
}

pub(crate) fn holder(alone: &Alone) -> Result<Option<String>, StoreError> {
    alone.run(living(alone.client()))
}

/// The node that lives, or holds a lease that has not ended.
pub(super) async fn living(client: &Client) -> Result<Option<String>, tokio_postgres::Error> {
    for (known, asked) in [(HAS_NODES, LIVING_NODE), (HAS_LEASES, LEASE_HOLDER)] {
        if client.query_one(known, &[]).await?.try_get::<_, i64>(0)? == 0 {
            continue;
        }
        if let Some(row) = client.query_opt(asked, &[]).await? {
            return row.try_get(0).map(Some);
        }
    }
    Ok(None)
}

/// Does the migrations in one transaction, reckons the books again, and undoes it all. Tables are held meanwhile: nobody pays.
///
/// # Errors
/// [`StoreError::Settings`] where a statement cannot be undone; what the server says of a migration that cannot be done.
pub fn try_on(settings: &Settings) -> Result<Trial, StoreError> {
    let alone = Alone::connect(settings)?;
    let plan = plan_on(&alone)?;
    for step in &plan.steps {
        if let Some(change) = step.changes.iter().find(|change| Change::is_for_ever(change)) {
            return Err(StoreError::Settings(format!(
                "migration {} cannot be tried: {change} is not made inside a transaction; try it on a copy of the database",
                step.number
            )));
        }
    }
    let before = rows_of(&alone)?;
    // Dropped with an error in hand, the connection ends, and the server undoes what was done.
    alone.batch("begin isolation level repeatable read")?;
    let mut took = Vec::new();
    for step in &plan.steps {
        let began = Instant::now();
        alone.batch(&step.sql)?;
        took.push((step.number, began.elapsed()));
    }
    let work = alone.work();
    let books = Books::of(&Rows(&work))?;
    let after = rows_of(&alone)?;
    alone.batch("rollback")?;
    Ok(Trial { took, tables: beside(before, after), books })
}

/// The version of the database's schema, 0 for one that has none.
fn version(alone: &Alone) -> Result<i64, StoreError> {
    if alone.number("select count(*) from pg_class where oid = to_regclass('refinery_schema_history')")? == 0
    {
        return Ok(0);
    }
    alone.number("select coalesce(max(version), 0)::bigint from refinery_schema_history")
}

/// Every table of ours, and how many rows it has.
pub(crate) fn rows_of(alone: &Alone) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut rows = BTreeMap::new();
    for table in tables(alone)? {
        let count = alone.number(&format!("select count(*) from \"{table}\""))?;
        rows.insert(table, u64::try_from(count).unwrap_or(0));
    }
    Ok(rows)
}

/// The names of our tables.
pub(crate) fn tables(alone: &Alone) -> Result<Vec<String>, StoreError> {
    // A part of a table is none of them.
    let sql = "select relname::text from pg_class where relnamespace = current_schema()::regnamespace \
               and relkind in ('r', 'p') and not relispartition \
               and relname not in ('refinery_schema_history', 'unfinished_copy') order by 1";
    let found = alone.run(alone.client().query(sql, &[]))?;
    let name =
        |row: &tokio_postgres::Row| row.try_get(0).map_err(|_| StoreError::Malformed("a table's name"));
    found.iter().map(name).collect()
}
