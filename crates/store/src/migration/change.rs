//! What one statement of a migration changes, and what that holds up meanwhile.

use core::fmt;

/// A statement, as far as an operator wants to know it. Names are as the statement writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A table that was not there.
    Table(String),
    /// A view, function or trigger.
    Rule {
        /// `view`, `function` or `trigger`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// An index on a table.
    Index {
        /// Its name.
        name: String,
        /// The table.
        table: String,
        /// It is made beside writers, and never inside a transaction.
        beside_writers: bool,
    },
    /// A column that a table did not have.
    Column {
        /// The table.
        table: String,
        /// Its name.
        name: String,
    },
    /// Another change of a table's shape.
    Shape(String),
    /// New rows.
    Filled(String),
    /// Rows that are changed.
    Rewritten(String),
    /// Rows, or something else, that goes.
    Removed {
        /// `rows`, `table`, `index`, …
        kind: String,
        /// Of what, or its name.
        name: String,
    },
    /// Anything else, by its first words.
    Other(String),
}

impl Change {
    /// Reads a statement.
    pub(super) fn of(statement: &str) -> Self {
        let words: Vec<String> = statement
            .replace(['(', ')', ','], " ")
            .split_whitespace()
            .map(|word| word.trim_matches('"').to_ascii_lowercase())
            .filter(|word| !matches!(word.as_str(), "if" | "not" | "exists" | "only" | "unique"))
            .collect();
        let word = |place: usize| words.get(place).map_or("", String::as_str);
        let after = |what: &str| {
            let place = words.iter().position(|word| word == what);
            place.and_then(|place| words.get(place.saturating_add(1))).cloned().unwrap_or_default()
        };
        let name = word(2).to_owned();
        match (word(0), word(1)) {
            ("create", "table") => Self::Table(name),
            ("create", "view") => Self::Rule { kind: "view", name },
            ("create", "function") => Self::Rule { kind: "function", name },
            ("create", "trigger") => Self::Rule { kind: "trigger", name },
            ("create", "index") => {
                let beside_writers = name == "concurrently";
                let name = if beside_writers { word(3).to_owned() } else { name };
                Self::Index { name, table: after("on"), beside_writers }
            }
            ("alter", "table") if word(3) == "add" && word(4) == "column" => {
                Self::Column { table: name, name: word(5).to_owned() }
            }
            ("alter", "table") => Self::Shape(name),
            ("insert", _) => Self::Filled(after("into")),
            ("update", table) => Self::Rewritten(table.to_owned()),
            ("delete", _) => Self::Removed { kind: "rows".into(), name: after("from") },
            ("drop", kind) => Self::Removed { kind: kind.to_owned(), name },
            _ => Self::Other(words.iter().take(4).cloned().collect::<Vec<_>>().join(" ")),
        }
    }

    /// The table whose rows it reads or changes, if it was there before.
    pub fn table(&self) -> Option<&str> {
        match self {
            Self::Index { table, .. } | Self::Column { table, .. } => Some(table),
            Self::Shape(table) | Self::Filled(table) | Self::Rewritten(table) => Some(table),
            Self::Removed { kind, name } if kind == "rows" || kind == "table" => Some(name),
            Self::Table(_) | Self::Rule { .. } | Self::Removed { .. } | Self::Other(_) => None,
        }
    }

    /// What a server holds up while it runs; an embedded file takes no writes at all meanwhile.
    pub const fn holds(&self) -> &'static str {
        match self {
            Self::Table(_) | Self::Rule { .. } => "nothing",
            Self::Index { beside_writers: true, .. } => "nothing; reads every row twice",
            Self::Index { .. } => "writes to the table, while every row is read",
            Self::Column { .. } => "the table, for a moment: rows stay as they are",
            Self::Shape(_) => "the table, perhaps while it is written anew",
            Self::Filled(_) => "nothing; writes new rows",
            Self::Rewritten(_) => "the rows that it changes; reads the whole table",
            Self::Removed { .. } => "the table, for a moment",
            Self::Other(_) => "not known",
        }
    }

    /// Whether a server refuses it inside a transaction: then it cannot be tried and undone.
    pub const fn is_for_ever(&self) -> bool {
        matches!(self, Self::Index { beside_writers: true, .. })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(name) => write!(f, "new table {name}"),
            Self::Rule { kind, name } => write!(f, "new {kind} {name}"),
            Self::Index { name, table, .. } => write!(f, "new index {name} on {table}"),
            Self::Column { table, name } => write!(f, "new column {table}.{name}"),
            Self::Shape(table) => write!(f, "changes {table}"),
            Self::Filled(table) => write!(f, "adds rows to {table}"),
            Self::Rewritten(table) => write!(f, "changes rows of {table}"),
            Self::Removed { kind, name } => write!(f, "removes {kind} {name}"),
            Self::Other(words) => write!(f, "{words} …"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_by_what_they_change() {
        let cases = [
            ("create table a (b text)", "new table a", None),
            (
                "create unique index i on orders (card) where state = 0",
                "new index i on orders",
                Some("orders"),
            ),
            ("create index concurrently i on orders(card)", "new index i on orders", Some("orders")),
            ("create trigger t before update on a begin select 1; end", "new trigger t", None),
            ("create function f() returns void language sql as $$ $$", "new function f", None),
            ("create view v as select 1", "new view v", None),
            ("alter table alarm add column subject text", "new column alarm.subject", Some("alarm")),
            ("alter table alarm drop column subject", "changes alarm", Some("alarm")),
            ("insert into audit_head values (1)", "adds rows to audit_head", Some("audit_head")),
            ("update transfer set linked = 1", "changes rows of transfer", Some("transfer")),
            ("delete from frame", "removes rows frame", Some("frame")),
            ("drop table if exists frame", "removes table frame", Some("frame")),
            ("drop index i", "removes index i", None),
            ("pragma foreign_keys = on", "pragma foreign_keys = on …", None),
        ];
        for (statement, said, table) in cases {
            let change = Change::of(statement);
            assert_eq!((change.to_string().as_str(), change.table()), (said, table), "{statement}");
        }
        assert!(Change::of("create index concurrently i on orders (card)").is_for_ever());
        assert!(!Change::of("create index i on orders (card)").is_for_ever());
    }
}
