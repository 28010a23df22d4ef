//! A connection as the statements of [`crate::sql`] see it.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use tokio::runtime::{Handle, Runtime};
use tokio::time::timeout;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::error::Trouble;
use super::statement::words;
use crate::error::StoreError;
use crate::sql::{Arg, Columns, Session, Take, Value};

impl ToSql for Arg<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match *self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => match *ty {
                Type::INT8 => number.to_sql(ty, out),
                Type::INT4 => i32::try_from(number)?.to_sql(ty, out),
                _ => Err(format!("a number where the statement has {ty}").into()),
            },
            Self::Text(text) => text.to_sql(ty, out),
            Self::Blob(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::TEXT | Type::VARCHAR | Type::BYTEA)
    }

    to_sql_checked!();
}

impl Columns for tokio_postgres::Row {
    fn value(&self, place: usize) -> Result<Value<'_>, StoreError> {
        let column = self.columns().get(place).ok_or(StoreError::Malformed("a column that is not there"))?;
        let wrong = |_| StoreError::Malformed("a value that is not of its column's type");
        Ok(match *column.type_() {
            Type::INT8 => {
                self.try_get::<_, Option<i64>>(place).map_err(wrong)?.map_or(Value::Null, Value::Int)
            }
            Type::INT4 => self
                .try_get::<_, Option<i32>>(place)
                .map_err(wrong)?
                .map_or(Value::Null, |number| Value::Int(number.into())),
            Type::BOOL => self
                .try_get::<_, Option<bool>>(place)
                .map_err(wrong)?
                .map_or(Value::Null, |whether| Value::Int(whether.into())),
            Type::TEXT | Type::VARCHAR => {
                self.try_get::<_, Option<&str>>(place).map_err(wrong)?.map_or(Value::Null, Value::Text)
            }
            Type::BYTEA => {
                self.try_get::<_, Option<&[u8]>>(place).map_err(wrong)?.map_or(Value::Null, Value::Blob)
            }
            _ => return Err(StoreError::Malformed("a column of a type that the store does not have")),
        })
    }
}

/// Who drives a connection while somebody waits for it.
#[derive(Clone, Copy)]
pub(super) enum Drive<'c> {
    /// Whoever waits: a thread of its own, with no step to another between question and answer.
    Here(&'c Runtime),
    /// Another thread. This one may be anybody's.
    Elsewhere(&'c Handle),
}

impl Drive<'_> {
    pub(super) fn wait<T>(self, doing: impl Future<Output = T>) -> T {
        match self {
            Self::Here(runtime) => runtime.block_on(doing),
            Self::Elsewhere(network) => {
                let _inside = network.enter();
                // Not counted against the task that waits: it could be told to yield first, and cannot.
                pollster::block_on(tokio::task::unconstrained(doing))
            }
        }
    }

    /// Asks the server, and waits for its answer no longer than this.
    pub(super) fn ask<T>(
        self,
        longest: Duration,
        doing: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Trouble> {
        // A time to wait is made where there is a clock.
        match self.wait(async { timeout(longest, doing).await }) {
            Ok(answer) => answer.map_err(|error| Trouble::of(&error)),
            Err(_) => Err(Trouble::silence()),
        }
    }
}

/// A connection in a transaction. The first trouble ends it: what is asked afterwards is answered with the same.
pub(crate) struct Work<'c> {
    client: &'c ClientWrapper,
    drive: Drive<'c>,
    longest: Duration,
    trouble: RefCell<Option<Trouble>>,
    changes: Cell<u64>,
}

impl<'c> Work<'c> {
    /// No answer is waited for longer than `longest`.
    pub(super) fn on(client: &'c ClientWrapper, drive: Drive<'c>, longest: Duration) -> Self {
        Self { client, drive, longest, trouble: RefCell::new(None), changes: Cell::new(0) }
    }

    /// What has gone wrong so far.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.trouble.borrow().clone()
    }

    /// Rows changed so far.
    pub(super) fn changes(&self) -> u64 {
        self.changes.get()
    }

    pub(super) fn count(&self, changed: u64) {
        self.changes.set(self.changes.get().saturating_add(changed));
    }

    /// Runs one thing on the connection, unless it is in trouble.
    pub(super) fn run<T>(
        &self,
        doing: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        if let Some(trouble) = self.trouble() {
            return Err(trouble.into_error());
        }
        self.drive.ask(self.longest, doing).map_err(|trouble| {
            *self.trouble.borrow_mut() = Some(trouble.clone());
            trouble.into_error()
        })
    }

    /// Nothing of what was done is to be kept.
    pub(super) fn fail(&self, error: StoreError) -> StoreError {
        *self.trouble.borrow_mut() = Some(Trouble::Final(error.clone()));
        error
    }

    /// Undoes what was done, whatever the trouble.
    pub(super) fn undo(&self) -> Result<(), Trouble> {
        self.drive.ask(self.longest, self.client.batch_execute("rollback"))
    }

    pub(super) fn client(&self) -> &'c ClientWrapper {
        self.client
    }
}

/// The types that an argument can have are found out by the engine, and answered by [`Arg`].
pub(crate) fn slots<'a>(args: &'a [Arg<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    args.iter().map(|arg| arg as &(dyn ToSql + Sync)).collect()
}

impl Session for Work<'_> {
    fn rows(&self, sql: &'static str, args: &[Arg<'_>], take: &mut Take<'_>) -> Result<(), StoreError> {
        let found = self.run(async {
            let statement = self.client.prepare_cached(&words(sql).one).await?;
            self.client.query(&statement, &slots(args)).await
        })?;
        if !found.is_empty() && sql.starts_with("insert") {
            self.count(1);
        }
        for row in &found {
            if !take(row)? {
                break;
            }
        }
        Ok(())
    }

    fn run(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        let changed = self.run(async {
            let statement = self.client.prepare_cached(&words(sql).one).await?;
            self.client.execute(&statement, &slots(args)).await
        })?;
        self.count(changed);
        Ok(changed)
    }
}
