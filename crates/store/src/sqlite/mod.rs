//! The embedded back end: one SQLite file, one writer thread, a few readers.
//!
//! The writer takes what has queued, commits it in one transaction and answers all: one `fsync` for up to
//! [`BATCH_MAX`] units of work, none of them waiting longer than the commit before theirs. WAL with
//! `synchronous=FULL`: what was answered survives `kill -9` and power loss.

mod backup;
mod commit;
pub(crate) mod connection;
mod floor;
pub(crate) mod migration;
pub(crate) mod moving;
#[cfg(test)]
mod plan;
pub(crate) mod session;
mod stand_in;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::error::StoreError;
use crate::handle::{Engine, Job, Queue, Store, Wiped};
use crate::sql::read::Rows;
use crate::unit::Reading;
use crate::writer::Writer;
use session::Moment;

pub use crate::writer::{BATCH_MAX, QUEUE_MAX};
pub use backup::{backup, check};
pub use floor::floor;
pub use migration::{plan, try_on};
pub use stand_in::{add_stand_ins, open_accounts, size};

/// Idle reading connections that are kept; more are opened under load and closed after it.
const READERS_KEPT: usize = 8;

/// How the file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long to wait for another process's transaction before [`StoreError::Locked`] is answered.
    pub busy_wait: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { busy_wait: Duration::from_secs(5) }
    }
}

/// Opens the file, migrates it, and starts the writer. The writer stops when the last handle is dropped.
pub fn open(path: &Path) -> Result<Store, StoreError> {
    open_with(path, Options::default())
}

/// [`open`], otherwise than by default.
pub fn open_with(path: &Path, options: Options) -> Result<Store, StoreError> {
    let connection = connection::ready(path, options.busy_wait)?;
    let engine = Sqlite {
        path: path.to_owned(),
        options,
        readers: Mutex::new(Vec::new()),
        writer: Writer::start(connection)?,
    };
    Ok(Store::new(Arc::new(engine)))
}

struct Sqlite {
    path: PathBuf,
    options: Options,
    readers: Mutex<Vec<Connection>>,
    writer: Writer,
}

impl Engine for Sqlite {
    fn submit(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        self.writer.submit(job)
    }

    fn read(&self, reading: &mut dyn FnMut(&dyn Reading)) -> Result<(), StoreError> {
        let kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match kept {
            Some(connection) => connection,
            None => connection::open_reading(&self.path, self.options.busy_wait)?,
        };
        // One transaction: all that a reading sees is of one moment, however many statements it takes.
        connection.prepare_cached("begin")?.execute([])?;
        reading(&Rows(&Moment(&connection)));
        // A connection that cannot end its moment is not kept: dropped here, it ends with it.
        connection.prepare_cached("commit")?.execute([])?;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS_KEPT {
            readers.push(connection);
        }
        Ok(())
    }

    fn queue(&self) -> Queue {
        self.writer.queue()
    }

    fn wipe(&self) -> Result<Wiped, StoreError> {
        connection::wipe(&self.path, self.options.busy_wait)
    }
}
