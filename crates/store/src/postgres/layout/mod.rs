//! How the tables lie: whole on one server, in hash partitions, or spread over many servers by an engine made for that.
//!
//! For: [`KEYS`], the one place that says by which column each table goes; [`faults`], which holds a database's rules to it;
//! [`partition`], which lays an empty database out in hash partitions by those columns; [`for_citus`], the same said to Citus.
//! Refuses: a table with rows, a database that a node serves on, a schema whose rules contradict the keys: each by name.
//! Next: `key` for the keys, `shape` for what of a table has to be made again. What a payment touches is in `docs/scale.md`.

mod key;
mod shape;
#[cfg(test)]
mod touched;

use std::collections::BTreeSet;

pub use key::{KEYS, Key, TableKey};

use super::Settings;
use super::alone::Alone;
use super::connection::MIGRATION_LOCK_TO_END;
use super::migration::{holder, migrate};
use crate::error::{LayoutError, StoreError};
use shape::{Reference, Shape, references, unique_rules, views, wholes};

/// A number of hash partitions of each table that has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partitions(u16);

impl Partitions {
    /// The fewest: one would be the whole.
    pub const MIN: u16 = 2;
    /// The most. All are made in one transaction, which holds a lock for each part and each of its indexes: a server as it is
    /// installed has room for these.
    pub const MAX: u16 = 32;

    /// So many, if it is from [`Partitions::MIN`] to [`Partitions::MAX`].
    pub const fn new(number: u16) -> Option<Self> {
        if number >= Self::MIN && number <= Self::MAX { Some(Self(number)) } else { None }
    }

    /// How many.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// Where a database's schema and [`KEYS`] contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Fault {
    /// A table that nobody has said a key of.
    #[error("the table {0} has no key")]
    NoKey(String),
    /// A key of a table, or of a column, that is not there.
    #[error("the table {0} has a key, and is not there or has no such column")]
    NoTable(String),
    /// A unique rule that holds across keys: in parts or on several servers nobody could hold it.
    #[error("the unique rule {rule} of {table} leaves the key {key} out")]
    AcrossKeys {
        /// The table.
        table: String,
        /// The index.
        rule: String,
        /// The key's column.
        key: String,
    },
    /// A foreign key to a row that may lie elsewhere.
    #[error("the foreign key {rule} of {table} refers to a row that lies by another key")]
    Refers {
        /// The table.
        table: String,
        /// The constraint.
        rule: String,
    },
}

/// Every contradiction between a database's schema and [`KEYS`], in order; none in one of this program's version.
///
/// # Errors
/// Whatever keeps the database from being asked.
pub fn faults(settings: &Settings) -> Result<Vec<Fault>, StoreError> {
    faults_on(&Alone::connect(settings)?)
}

fn faults_on(alone: &Alone) -> Result<Vec<Fault>, StoreError> {
    let mut found = BTreeSet::new();
    let there = super::migration::tables(alone)?;
    for table in &there {
        if TableKey::of(table).is_none() {
            found.insert(Fault::NoKey(table.clone()));
        }
    }
    for TableKey { table, key } in KEYS {
        let Key::By { column, .. } = key else { continue };
        let has_column = format!(
            "select count(*) from pg_attribute where attrelid = to_regclass('\"{table}\"') and attname = '{column}'"
        );
        if alone.number(&has_column)? == 0 {
            found.insert(Fault::NoTable((*table).to_owned()));
        }
    }
    for (table, rule, columns) in unique_rules(alone)? {
        if let Some(TableKey { key: Key::By { column, .. }, .. }) = TableKey::of(&table)
            && !columns.iter().any(|named| named == column)
        {
            found.insert(Fault::AcrossKeys { table, rule, key: (*column).to_owned() });
        }
    }
    for reference in references(alone)? {
        if !is_of_one_place(&reference) {
            found.insert(Fault::Refers { table: reference.from, rule: reference.name });
        }
    }
    Ok(found.into_iter().collect())
}

/// Whether a row and what it refers to lie together, or what it refers to is everywhere.
fn is_of_one_place(reference: &Reference) -> bool {
    let key = |table: &str| TableKey::of(table).map(|known| known.key);
    match (key(&reference.from), key(&reference.to)) {
        (Some(_), Some(Key::Everywhere)) => true,
        (Some(Key::By { column: here, of }), Some(Key::By { column: there, of: as_well })) => {
            of == as_well && reference.columns.iter().any(|(from, to)| from == here && to == there)
        }
        (Some(Key::Everywhere), Some(Key::By { .. })) | (None, _) | (_, None) => false,
    }
}

/// What became of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Laid {
    /// The tables that lie in parts now and did not before, in order.
    pub tables: Vec<&'static str>,
}

/// Brings an empty database to this program's schema, and lays every table that has a key and is not yet in parts out in hash
/// partitions by it, all or nothing. Tables that are everywhere stay whole. Waits on this thread, which must not be one that
/// drives a runtime's tasks.
///
/// # Errors
/// [`LayoutError`] names the rule; then nothing was laid out.
pub fn partition(settings: &Settings, partitions: Partitions) -> Result<Laid, LayoutError> {
    migrate(settings)?;
    let alone = Alone::connect(settings)?;
    if let Some(fault) = faults_on(&alone)?.into_iter().next() {
        return Err(LayoutError::Contradicted(fault));
    }
    if still_whole(&alone)?.is_empty() {
        return Ok(Laid { tables: Vec::new() });
    }
    if let Some(node) = holder(&alone)? {
        return Err(LayoutError::Served(node));
    }
    // Dropped with an error in hand, the connection ends, and the server undoes what was done.
    alone.batch(&format!("begin isolation level read committed; {MIGRATION_LOCK_TO_END}"))?;
    let tables = still_whole(&alone)?;
    for table in &tables {
        alone.batch(&format!("lock table \"{table}\" in access exclusive mode"))?;
        if alone.number(&format!("select count(*) from (select 1 from \"{table}\" limit 1) as t"))? > 0 {
            return Err(LayoutError::NotEmpty((*table).to_owned()));
        }
    }
    for statement in statements(&alone, &tables, partitions)? {
        alone.batch(&statement)?;
    }
    alone.batch("commit")?;
    Ok(Laid { tables })
}

/// The tables that have a key and are not in parts.
fn still_whole(alone: &Alone) -> Result<Vec<&'static str>, StoreError> {
    let whole = wholes(alone)?;
    let keyed = KEYS.iter().filter(|known| known.key != Key::Everywhere).map(|known| known.table);
    Ok(keyed.filter(|table| whole.iter().any(|name| name == table)).collect())
}

/// What takes whole tables away and makes them again in parts, with all that hung on them.
fn statements(
    alone: &Alone,
    tables: &[&'static str],
    partitions: Partitions,
) -> Result<Vec<String>, StoreError> {
    let views = views(alone)?;
    let references = references(alone)?;
    let mut all: Vec<String> = views.iter().rev().map(|(name, _)| format!("drop view \"{name}\"")).collect();
    for known in KEYS.iter().filter(|known| tables.contains(&known.table)) {
        if let Key::By { column, .. } = known.key {
            all.extend(Shape::of(alone, known.table)?.in_parts(column, partitions.get()));
        }
    }
    // What referred to a table, or was in it, went with it.
    let went = |reference: &&Reference| {
        tables.iter().any(|table| *table == reference.from || *table == reference.to)
    };
    all.extend(references.iter().filter(went).map(Reference::again));
    all.extend(views.iter().map(|(name, said)| format!("create view \"{name}\" as {said}")));
    Ok(all)
}

/// The statements that spread the tables of a migrated database over the servers of a Citus cluster, in order. Rows that are there
/// already go with them.
pub fn for_citus() -> Vec<String> {
    // Triggers that only refuse are safe anywhere; Citus takes none unless it is told so.
    let mut all = vec!["set citus.enable_unsafe_triggers = on".to_owned()];
    let mut groups: Vec<(&str, &str)> = Vec::new();
    let everywhere = KEYS.iter().filter(|known| known.key == Key::Everywhere);
    all.extend(everywhere.map(|known| format!("select create_reference_table('{}')", known.table)));
    for TableKey { table, key } in KEYS {
        let Key::By { column, of } = key else { continue };
        let beside = groups.iter().find(|(group, _)| group == of).map_or("none", |(_, first)| first);
        if beside == "none" {
            groups.push((of, table));
        }
        all.push(format!(
            "select create_distributed_table('{}', '{column}', colocate_with => '{beside}')",
            quoted(table)
        ));
    }
    all
}

/// A name that the language keeps for itself is quoted.
fn quoted(table: &str) -> String {
    if table == "authorization" { format!("\"{table}\"") } else { table.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_from_two_to_thirty_two_partitions() {
        let taken = [0, 1, 2, 32, 33, u16::MAX].map(|number| Partitions::new(number).map(Partitions::get));
        assert_eq!(taken, [None, None, Some(2), Some(32), None, None]);
    }

    #[test]
    fn a_table_has_one_key() {
        let tables: BTreeSet<&str> = KEYS.iter().map(|known| known.table).collect();
        assert_eq!(tables.len(), KEYS.len());
    }

    #[test]
    fn citus_is_told_of_every_table_once_and_which_lie_together() {
        let all = for_citus();
        assert_eq!(all.len(), KEYS.len() + 1);
        for said in [
            "select create_reference_table('merchant')",
            "select create_distributed_table('card', 'id', colocate_with => 'none')",
            "select create_distributed_table('\"authorization\"', 'card', colocate_with => 'card')",
            "select create_distributed_table('posting', 'transfer', colocate_with => 'transfer')",
        ] {
            assert!(all.iter().any(|statement| statement == said), "{said} is not in {all:#?}");
        }
    }

    #[test]
    fn a_row_refers_to_one_of_its_own_place_or_of_everywhere() {
        let reference = |from: &str, to: &str, columns: &[(&str, &str)]| Reference {
            name: "rule".into(),
            from: from.into(),
            to: to.into(),
            columns: columns.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect(),
            said: String::new(),
        };
        for (from, to, columns, fits) in [
            ("place", "merchant", [("merchant", "id")].as_slice(), true),
            ("load_reversal", "load", &[("load", "id"), ("asn", "asn")], true),
            // The same two tables, and the row could lie anywhere.
            ("load_reversal", "load", &[("load", "id")], false),
            ("card", "holder", &[("bound_to", "reference")], false),
            ("audit_entry", "card", &[("subject", "id")], false),
            ("unheard_of", "merchant", &[("merchant", "id")], false),
        ] {
            assert_eq!(is_of_one_place(&reference(from, to, columns)), fits, "{from} to {to}");
        }
    }
}
