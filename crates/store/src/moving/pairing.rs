//! Which table of a file goes into which of a server.
//!
//! Found in the two schemas, so that a table that a migration adds is copied without being named here; a table or column that has no
//! counterpart is refused, and a test looks for one.

use rusqlite::Connection;
use tokio_postgres::types::Type;

use crate::error::{MoveError, StoreError};
use crate::postgres::alone::Alone;

/// Tables that have another name at a server, where sums are a base and parts.
const RENAMED: [(&str, &str); 2] = [("account", "account_base"), ("channel_tally", "channel_tally_base")];

/// What a platform that runs on the file holds, and nobody else wants to know.
const LEFT: [&str; 3] = ["lease", "node", "refinery_schema_history"];

/// Rules of a file's tables that are tables at a server, and what fills each from the rows that were copied.
pub(super) const RULES: [(&str, &str); 4] = [
    ("account_owner", "select kind, owner, currency, id from account_base"),
    ("card_channel", "select channel, id from card where life_cycle <> 'closed'"),
    ("card_number", "select number, id from card"),
    (
        "channel_device",
        "select bearer, device, id from channel where bearer is not null and device is not null",
    ),
];

/// What a server has for itself: parts that are not yet added, marks of commits, nodes and leases.
const SERVERS: [&str; 7] = [
    "account_part",
    "channel_tally_part",
    "commit_mark",
    "lease",
    "node",
    "refinery_schema_history",
    "unfinished_copy",
];

/// Rows that migrations make, which are not what makes a target used.
pub(super) const SEEDED: [(&str, &str); 1] = [("audit_head", "seq = 0")];

/// A table of the file and its place at the server.
pub(super) struct Pair {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) columns: Vec<(String, Type)>,
    /// Columns whose next value the server counts.
    pub(super) identities: Vec<String>,
    /// Rows in the file.
    pub(super) rows: u64,
}

impl Pair {
    /// The columns, as both languages write them.
    pub(super) fn names(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        names.join(", ")
    }
}

/// Whether a table at the server has no counterpart and needs none.
pub(super) fn is_the_servers(table: &str) -> bool {
    SERVERS.contains(&table) || RULES.iter().any(|(rule, _)| *rule == table)
}

/// Every table that is copied, those that others refer to first.
pub(super) fn pairs(file: &Connection, server: &Alone) -> Result<Vec<Pair>, MoveError> {
    let mut there = crate::postgres::migration::tables(server)?;
    let mut pairs = Vec::new();
    for (from, rows) in in_order(file)? {
        let to =
            RENAMED.iter().find(|(name, _)| *name == from).map_or(from.as_str(), |(_, to)| to).to_owned();
        let Some(place) = there.iter().position(|name| *name == to) else {
            return Err(MoveError::UnknownTable(from));
        };
        there.remove(place);
        let (columns, identities) = columns(file, server, &from, &to)?;
        pairs.push(Pair { from, to, columns, identities, rows });
    }
    match there.into_iter().find(|table| !is_the_servers(table)) {
        Some(table) => Err(MoveError::UnknownTable(table)),
        None => Ok(pairs),
    }
}

/// What keeps a file and a server of the same program from being copied: nothing, if every table and column has its place.
///
/// # Errors
/// [`MoveError::UnknownTable`], [`MoveError::UnknownColumn`], or what the engines say.
pub fn unpaired(
    file: &std::path::Path,
    server: &crate::postgres::Settings,
) -> Result<Vec<String>, MoveError> {
    let file = crate::sqlite::moving::open(file, super::Source::Stays)?;
    let pairs = pairs(&file, &Alone::connect(server)?)?;
    Ok(pairs.into_iter().map(|pair| pair.from).collect())
}

/// The file's tables with their rows, each behind those that it refers to.
fn in_order(file: &Connection) -> Result<Vec<(String, u64)>, MoveError> {
    let mut waiting: Vec<(String, u64)> = crate::sqlite::migration::rows_of(file)?
        .into_iter()
        .filter(|(table, _)| !LEFT.contains(&table.as_str()))
        .collect();
    let mut ordered: Vec<(String, u64)> = Vec::new();
    while !waiting.is_empty() {
        let mut left = Vec::new();
        let before = ordered.len();
        for (table, rows) in waiting {
            let needed = referred_to(file, &table)?;
            let is_there = |name: &String| *name == table || ordered.iter().any(|(done, _)| done == name);
            if needed.iter().all(is_there) {
                ordered.push((table, rows));
            } else {
                left.push((table, rows));
            }
        }
        if ordered.len() == before {
            let (table, _) = left.swap_remove(0);
            return Err(MoveError::UnknownTable(table));
        }
        waiting = left;
    }
    Ok(ordered)
}

fn referred_to(file: &Connection, table: &str) -> Result<Vec<String>, StoreError> {
    let mut keys = file.prepare("select \"table\" from pragma_foreign_key_list(?)")?;
    Ok(keys.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

type Columns = (Vec<(String, Type)>, Vec<String>);

fn columns(file: &Connection, server: &Alone, from: &str, to: &str) -> Result<Columns, MoveError> {
    let unknown =
        |column: &str| MoveError::UnknownColumn { table: from.to_owned(), column: column.to_owned() };
    // Those that are reckoned from others (`hidden` 2 and 3) the server reckons as well.
    let mut names =
        file.prepare("select name from pragma_table_xinfo(?) where hidden = 0").map_err(StoreError::from)?;
    let names: Vec<String> =
        names.query_map([from], |row| row.get(0)).and_then(Iterator::collect).map_err(StoreError::from)?;
    let sql = "select column_name::text, udt_name::text, is_identity = 'YES' from information_schema.columns \
               where table_schema = current_schema() and table_name = $1 and is_generated = 'NEVER'";
    let found = server.run(server.client().query(sql, &[&to]))?;
    let (mut columns, mut identities) = (Vec::new(), Vec::new());
    let mut theirs: Vec<(String, String, bool)> =
        found.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    for name in names {
        let place = theirs.iter().position(|(theirs, ..)| *theirs == name).ok_or_else(|| unknown(&name))?;
        let (name, kind, is_identity) = theirs.swap_remove(place);
        let kind = match kind.as_str() {
            "int8" => Type::INT8,
            "text" => Type::TEXT,
            "bytea" => Type::BYTEA,
            _ => return Err(unknown(&name)),
        };
        if is_identity {
            identities.push(name.clone());
        }
        columns.push((name, kind));
    }
    match theirs.first() {
        Some((name, ..)) => Err(unknown(name)),
        None => Ok((columns, identities)),
    }
}
