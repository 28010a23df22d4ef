//! The embedded back end: one SQLite file, one writer thread, a few readers.
//!
//! The writer takes what has queued, commits it in one transaction and answers all: one `fsync` for up to
//! [`BATCH_MAX`] units of work, none of them waiting longer than the commit before theirs. WAL with
//! `synchronous=FULL`: what was answered survives `kill -9` and power loss.

mod connection;
mod read;
mod row;
mod write;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::error::StoreError;
use crate::handle::{Engine, Job, Queue, Store};
use crate::unit::Reading;
use writer::Writer;

/// The most units of work in one commit.
pub const BATCH_MAX: usize = 256;

/// The most units of work that wait; one more is refused by name.
pub const QUEUE_MAX: usize = 8192;

/// Idle reading connections that are kept; more are opened under load and closed after it.
const READERS_KEPT: usize = 8;

/// Opens the file, migrates it, and starts the writer. The writer stops when the last handle is dropped.
pub fn open(path: &Path) -> Result<Store, StoreError> {
    let mut connection = connection::open_writing(path)?;
    connection::migrate(&mut connection)?;
    let engine = Sqlite {
        path: path.to_owned(),
        readers: Mutex::new(Vec::new()),
        writer: Writer::start(connection)?,
    };
    Ok(Store::new(Arc::new(engine)))
}

/// Durable two-posting transfers on this file, at `batch` a commit, for `commits` commits, without anything
/// around them: the floor that a benchmark measures itself against. Transfers made.
pub fn floor(path: &Path, batch: u32, commits: u32) -> Result<u64, StoreError> {
    let mut connection = connection::open_writing(path)?;
    connection::migrate(&mut connection)?;
    write::floor(&mut connection, batch, commits)
}

struct Sqlite {
    path: PathBuf,
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
            None => connection::open_reading(&self.path)?,
        };
        reading(&read::Rows(&connection));
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS_KEPT {
            readers.push(connection);
        }
        Ok(())
    }

    fn queue(&self) -> Queue {
        self.writer.queue()
    }
}
