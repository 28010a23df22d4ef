//! The statements of the store, said once for every engine that speaks SQL.
//!
//! For: [`Reading`](crate::Reading) and [`Unit`](crate::Unit) over any [`Session`]. A statement is the common part of SQLite's
//! and PostgreSQL's languages, with `?` (or `?1`) where an argument goes; integers are 64 bits, ids are bytes.
//! Refuses: knowing an engine. Connections, transactions, migrations and errors are in [`crate::sqlite`] and
//! [`crate::postgres`].
//! Next: [`read`] and [`write`](mod@write) for the first rail, `tap_…` for the second, `fleet_…` for channels, `money_…` for refunds, settlements
//! and banks' files, `operator_…` for operators, `webhook_…` for what merchants' servers are told, `secret` for sealed secrets, `test_mode` for the test mode;
//! `row` files for what is stored how.

pub(crate) mod ahead;
mod arg;
mod fleet_read;
mod fleet_row;
mod fleet_write;
mod lease;
mod money_read;
mod money_row;
mod money_write;
mod operator_read;
mod operator_row;
mod operator_write;
pub(crate) mod read;
mod reversal;
pub(crate) mod row;
mod secret;
pub(crate) mod stand_in;
mod tap_read;
mod tap_row;
mod tap_write;
mod test_mode;
mod value;
mod webhook_read;
mod webhook_row;
mod webhook_write;
pub(crate) mod write;

pub(crate) use ahead::{About, Ask, Asked};
pub(crate) use arg::{Arg, Args, Owned, ToArg, params};
pub(crate) use value::{Columns, Row, Value};

use model::Currency;
use payment::{Account, AccountId, AccountKind};

use crate::error::StoreError;

/// Takes a row; whether it wants another.
pub(crate) type Take<'t> = dyn FnMut(&Row<'_>) -> Result<bool, StoreError> + 't;

/// A connection, inside a transaction or a moment of reading.
pub(crate) trait Session {
    /// Hands over the rows of a statement, one after the other.
    fn rows(&self, sql: &'static str, args: &[Arg<'_>], take: &mut Take<'_>) -> Result<(), StoreError>;
    /// Runs a statement that changes rows; how many it changed.
    fn run(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, StoreError>;
    /// [`Session::rows`] of what may have been read ahead, because it is known what it is about.
    fn rows_about(
        &self,
        _about: About,
        sql: &'static str,
        args: &[Arg<'_>],
        take: &mut Take<'_>,
    ) -> Result<(), StoreError> {
        self.rows(sql, args, take)
    }
    /// Runs a statement whose answer nobody waits for: at the latest before what it is about is read, and before the commit.
    /// With `one`, the name of a table, it changes exactly one row, or nothing is kept.
    fn later(
        &self,
        _about: &[About],
        one: Option<&'static str>,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<(), StoreError> {
        match (self.run(sql, args)?, one) {
            (1, _) | (_, None) => Ok(()),
            (_, Some(what)) => Err(StoreError::Malformed(what)),
        }
    }
    /// Whether a unique rule across the keys of a table is a table of its own, which is written beside it. Else the table's own
    /// index holds the rule, and a view stands for that table.
    fn has_rules_apart(&self) -> bool {
        false
    }
    /// Where accounts are while units of work change them, if not in their table.
    fn desk(&self) -> Option<&dyn Desk> {
        None
    }
}

/// Accounts that are read once and written once in a transaction, however many units of work change them.
pub(crate) trait Desk {
    fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError>;
    fn account_of(
        &self,
        kind: AccountKind,
        owner: i64,
        currency: Currency,
    ) -> Result<Option<Account>, StoreError>;
    fn open(&self, kind: AccountKind, owner: i64, currency: Currency) -> Result<Account, StoreError>;
    fn put(&self, account: &Account) -> Result<(), StoreError>;
    /// Writes what has changed, for whoever reads the table.
    fn write(&self) -> Result<(), StoreError>;
}
