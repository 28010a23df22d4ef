//! A file that moves to a server: held while it is read, and marked when it has moved.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::connection::{known_version, open_reading, version};
use crate::error::{MoveError, StoreError};
use crate::moving::Source;

/// How long another process's transaction is waited for.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// What stands in the file's header when it has moved ("MOVD"); 0 in every other.
const MOVED: i64 = 0x4d4f_5644;

/// Opens a file of this program's version, in one moment that lasts until it is dropped. One that moves is held: whoever else
/// wants to change it is told that it is locked.
pub(crate) fn open(path: &Path, source: Source) -> Result<Connection, MoveError> {
    if !path.exists() {
        return Err(MoveError::Store(StoreError::Unreachable {
            path: path.to_owned(),
            reason: "it is not there".into(),
        }));
    }
    super::check(path)?;
    let connection = match source {
        Source::Stays => open_reading(path, BUSY_WAIT)?,
        Source::Moves => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags).map_err(StoreError::from)?;
            connection.busy_timeout(BUSY_WAIT).map_err(StoreError::from)?;
            connection
        }
    };
    let (found, known) = (version(&connection)?, known_version());
    if found < known {
        return Err(MoveError::Older { found, known });
    }
    let begin = match source {
        Source::Stays => "begin",
        Source::Moves => "begin immediate",
    };
    connection.execute_batch(begin).map_err(StoreError::from)?;
    Ok(connection)
}

/// The highest number that a column ever gave, also of rows that are gone, where the file knows.
pub(crate) fn highest(connection: &Connection, table: &str, column: &str) -> Result<i64, StoreError> {
    let there: i64 = connection.query_row(
        &format!("select coalesce(max(\"{column}\"), 0) from \"{table}\""),
        [],
        |row| row.get(0),
    )?;
    let counts: bool = connection.query_row(
        "select count(*) > 0 from sqlite_master where name = 'sqlite_sequence'",
        [],
        |row| row.get(0),
    )?;
    if !counts {
        return Ok(there);
    }
    let given: i64 = connection.query_row(
        "select coalesce(max(seq), 0) from sqlite_sequence where name = ?",
        [table],
        |row| row.get(0),
    )?;
    Ok(there.max(given))
}

/// Marks the file, or takes the mark away, and lets it go.
pub(crate) fn mark(connection: &Connection, moved: bool) -> Result<(), StoreError> {
    let mark = if moved { MOVED } else { 0 };
    connection.execute_batch(&format!("pragma user_version = {mark}"))?;
    if !connection.is_autocommit() {
        connection.execute_batch("commit")?;
    }
    Ok(())
}

/// Whether the file has moved.
pub(crate) fn has_moved(connection: &Connection) -> Result<bool, StoreError> {
    let mark: i64 = connection.query_row("pragma user_version", [], |row| row.get(0))?;
    Ok(mark == MOVED)
}
