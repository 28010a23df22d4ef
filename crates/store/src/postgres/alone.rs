//! One connection for a command that does one long thing: a migration, a trial, a copy.

use std::time::Duration;

use deadpool_postgres::Object;
use tokio::runtime::Runtime;

use super::Settings;
use super::connection::{Address, Asks};
use super::error::{Trouble, unconnected};
use super::session::{Drive, Work};
use crate::error::StoreError;

/// How long one statement may take: days, rather than for ever.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);

/// A statement of a node is ended after a minute; these may take hours. A table that somebody holds is waited for as long as a
/// row is.
const UNHURRIED: &str =
    "set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set lock_timeout = '5s'";

/// A connection, and the thread that drives it: whoever waits.
pub(crate) struct Alone {
    // Dropped before the runtime that drives it.
    connection: Object,
    runtime: Runtime,
}

impl Alone {
    /// Connects; changes nothing.
    pub(crate) fn connect(settings: &Settings) -> Result<Self, StoreError> {
        let address = Address::of(settings)?.unhurried();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::Engine(error.to_string()))?;
        let pool = address.pool(Asks::Anything, 1, Duration::from_secs(5))?;
        let connection = runtime.block_on(pool.get()).map_err(|error| unconnected(&error).into_error())?;
        let alone = Self { connection, runtime };
        alone.run(alone.connection.batch_execute(UNHURRIED))?;
        Ok(alone)
    }

    pub(crate) fn client(&self) -> &tokio_postgres::Client {
        &self.connection
    }

    /// Waits for something on the connection.
    pub(crate) fn run<T>(
        &self,
        doing: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        self.runtime.block_on(doing).map_err(|error| Trouble::of(&error).into_error())
    }

    /// The same for what has errors of its own.
    pub(crate) fn drive<T>(&self, doing: impl Future<Output = T>) -> T {
        self.runtime.block_on(doing)
    }

    /// Statements one after the other, without arguments.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.run(self.connection.batch_execute(sql))
    }

    /// One number.
    pub(crate) fn number(&self, sql: &str) -> Result<i64, StoreError> {
        self.run(self.connection.query_one(sql, &[]))?
            .try_get(0)
            .map_err(|_| StoreError::Malformed("a number that is none"))
    }

    /// The connection as the statements of the store see it.
    pub(crate) fn work(&self) -> Work<'_> {
        Work::on(&self.connection, Drive::Here(&self.runtime), LONGEST)
    }
}

/// An error of the connection, as the store tells it.
pub(crate) fn told(error: &tokio_postgres::Error) -> StoreError {
    Trouble::of(error).into_error()
}
