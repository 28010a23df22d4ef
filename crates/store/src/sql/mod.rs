//! The statements of the store, said once for every engine that speaks SQL.
//!
//! For: [`Reading`](crate::Reading) and [`Unit`](crate::Unit) over any [`Session`]. A statement is the common part of SQLite's
//! and PostgreSQL's languages, with `?` (or `?1`) where an argument goes; integers are 64 bits, ids are bytes.
//! Refuses: knowing an engine. Connections, transactions, migrations and errors are in [`crate::sqlite`] and
//! [`crate::postgres`].
//! Next: [`read`] and [`write`](mod@write) for the first rail, `tap_…` for the second, `fleet_…` for channels; `row` files for what is stored how.

mod arg;
mod fleet_read;
mod fleet_row;
mod fleet_write;
pub(crate) mod read;
mod row;
mod tap_read;
mod tap_row;
mod tap_write;
mod value;
pub(crate) mod write;

pub(crate) use arg::{Arg, Args, ToArg, params};
pub(crate) use value::{Columns, Row, Value};

use crate::error::StoreError;

/// Takes a row; whether it wants another.
pub(crate) type Take<'t> = dyn FnMut(&Row<'_>) -> Result<bool, StoreError> + 't;

/// A connection, inside a transaction or a moment of reading.
pub(crate) trait Session {
    /// Hands over the rows of a statement, one after the other.
    fn rows(&self, sql: &'static str, args: &[Arg<'_>], take: &mut Take<'_>) -> Result<(), StoreError>;
    /// Runs a statement that changes rows; how many it changed.
    fn run(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, StoreError>;
}
