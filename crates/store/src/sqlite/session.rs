//! A connection as the statements of [`crate::sql`] see it, and the writer's transaction.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, TransactionBehavior, params_from_iter};

use crate::error::StoreError;
use crate::sql::{Arg, Columns, Session, Take, Value};

impl ToSql for Arg<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Columns for rusqlite::Row<'_> {
    fn value(&self, place: usize) -> Result<Value<'_>, StoreError> {
        Ok(match self.get_ref(place)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Text(text) => Value::Text(
                str::from_utf8(text).map_err(|_| StoreError::Malformed("text that is not UTF-8"))?,
            ),
            ValueRef::Blob(bytes) => Value::Blob(bytes),
            ValueRef::Real(_) => return Err(StoreError::Malformed("a number with a fraction")),
        })
    }
}

fn rows(connection: &Connection, sql: &str, args: &[Arg<'_>], take: &mut Take<'_>) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(args))?;
    while let Some(row) = rows.next()? {
        if !take(row)? {
            break;
        }
    }
    Ok(())
}

/// A connection in a moment of reading.
pub(crate) struct Moment<'c>(pub(crate) &'c Connection);

impl Session for Moment<'_> {
    fn rows(&self, sql: &'static str, args: &[Arg<'_>], take: &mut Take<'_>) -> Result<(), StoreError> {
        rows(self.0, sql, args, take)
    }

    /// Whoever only reads has no way to call this; the connection would refuse it, too.
    fn run(&self, _: &'static str, _: &[Arg<'_>]) -> Result<u64, StoreError> {
        Err(StoreError::Engine("this connection only reads".into()))
    }
}

/// A transaction of the writer's. Dropped without commit, it is rolled back.
pub(super) struct Transaction<'c>(rusqlite::Transaction<'c>);

impl<'c> Transaction<'c> {
    pub(super) fn begin(connection: &'c mut Connection) -> Result<Self, StoreError> {
        Ok(Self(connection.transaction_with_behavior(TransactionBehavior::Immediate)?))
    }

    pub(super) fn commit(self) -> Result<(), StoreError> {
        self.still_open()?;
        Ok(self.0.commit()?)
    }

    /// Whether it can still be committed. A full or failing disk makes SQLite roll back by itself, in the
    /// middle: from then on each statement would be a transaction of its own, kept whatever is answered.
    pub(super) fn still_open(&self) -> Result<(), StoreError> {
        if self.0.is_autocommit() {
            return Err(StoreError::Engine("an error ended the transaction before its commit".into()));
        }
        Ok(())
    }

    /// Rows changed so far on this connection.
    pub(super) fn changes(&self) -> u64 {
        self.0.total_changes()
    }
}

impl Session for Transaction<'_> {
    fn rows(&self, sql: &'static str, args: &[Arg<'_>], take: &mut Take<'_>) -> Result<(), StoreError> {
        // Some statements change a row and hand it over.
        self.still_open()?;
        rows(&self.0, sql, args, take)
    }

    fn run(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        self.still_open()?;
        let changed = self.0.prepare_cached(sql)?.execute(params_from_iter(args))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }
}
