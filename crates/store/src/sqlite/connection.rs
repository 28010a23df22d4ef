//! Opening the file as it must be opened, and bringing it to this program's schema.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;

mod migrations {
    refinery::embed_migrations!("migrations/sqlite");
}

/// How long to wait for another process's transaction.
const BUSY_WAIT: Duration = Duration::from_secs(5);

pub(super) fn open_writing(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags)?;
    // FULL: a commit is on the disk before it is answered. The log is folded back at 16 MiB.
    connection.execute_batch(
        "pragma journal_mode = wal;
         pragma synchronous = full;
         pragma foreign_keys = on;
         pragma wal_autocheckpoint = 4096;
         pragma journal_size_limit = 67108864;
         pragma temp_store = memory;
         pragma cache_size = -65536;",
    )?;
    Ok(connection)
}

pub(super) fn open_reading(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.execute_batch("pragma query_only = on; pragma cache_size = -16384;")?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let unreachable =
        |error: rusqlite::Error| StoreError::Unreachable { path: path.to_owned(), reason: error.to_string() };
    let connection = Connection::open_with_flags(path, flags).map_err(unreachable)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Applies the migrations that the file has not seen; refuses a file from the future before touching it.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let runner = migrations::migrations::runner();
    let known = runner.get_migrations().iter().map(|m| i64::from(m.version())).max().unwrap_or(0);
    let has_history: bool = connection.query_row(
        "select count(*) > 0 from sqlite_master where name = 'refinery_schema_history'",
        [],
        |row| row.get(0),
    )?;
    let found: i64 = if has_history {
        connection.query_row("select coalesce(max(version), 0) from refinery_schema_history", [], |row| {
            row.get(0)
        })?
    } else {
        0
    };
    if found > known {
        return Err(StoreError::NewerVersion { found, known });
    }
    if found < known {
        runner.run(connection).map_err(|error| StoreError::Engine(error.to_string()))?;
    }
    Ok(())
}
