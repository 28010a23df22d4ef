//! Opening the file as it must be opened, and bringing it to this program's schema.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::moving::has_moved;
use crate::error::StoreError;
use crate::handle::Wiped;

mod migrations {
    refinery::embed_migrations!("migrations/sqlite");
}

/// The writer's connection to a file of this program's schema.
pub(crate) fn ready(path: &Path, busy_wait: Duration) -> Result<Connection, StoreError> {
    let ready = || {
        let mut connection = open_writing(path, busy_wait)?;
        if has_moved(&connection)? {
            return Err(StoreError::Moved);
        }
        migrate(&mut connection)?;
        Ok(connection)
    };
    ready().map_err(|error| match error {
        // SQLite says what is wrong and not with which file.
        StoreError::Damaged(reason) => StoreError::Damaged(format!("{}: {reason}", path.display())),
        other => other,
    })
}

fn open_writing(path: &Path, busy_wait: Duration) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let is_new = !path.exists();
    let connection = open(path, flags, busy_wait)?;
    if is_new && path.exists() {
        // Names and frames stand in it in clear: its owner alone may read it. The log takes the same mode.
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(path, private)
            .map_err(|error| StoreError::Unreachable { path: path.to_owned(), reason: error.to_string() })?;
    }
    let journal: String = connection.query_row("pragma journal_mode = wal", [], |row| row.get(0))?;
    if journal != "wal" {
        // A database in memory, a temporary one, or a file system without shared memory.
        let reason = format!("it cannot keep a write-ahead log, only {journal}");
        return Err(StoreError::Unreachable { path: path.to_owned(), reason });
    }
    // FULL: a commit is on the disk before it is answered. The log is folded back at 16 MiB.
    connection.execute_batch(
        "pragma synchronous = full;
         pragma foreign_keys = on;
         pragma wal_autocheckpoint = 4096;
         pragma journal_size_limit = 67108864;
         pragma temp_store = memory;
         pragma cache_size = -65536;",
    )?;
    Ok(connection)
}

/// Writes the whole file anew and folds the log into it: neither holds anything of rows that are changed or gone.
pub(super) fn wipe(path: &Path, busy_wait: Duration) -> Result<Wiped, StoreError> {
    let connection = open_writing(path, busy_wait)?;
    if is_held_back(&connection)? {
        return Ok(Wiped::StillSeen);
    }
    // The copy that is made meanwhile may be large; it holds what the file will hold.
    connection.execute_batch("pragma temp_store = file; vacuum")?;
    let busy: bool = connection.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0))?;
    // Somebody reads what stood there before.
    Ok(if busy { Wiped::StillSeen } else { Wiped::Clean })
}

/// How long is waited for those who read for a moment.
const MOMENT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);

/// Whether somebody reads what stood in the log a moment ago and before. Written anew nevertheless, the whole file would stay in the
/// log, and once more with each try. Nobody waits for this look.
fn is_held_back(connection: &Connection) -> Result<bool, StoreError> {
    let folded = || {
        let sql = "pragma wal_checkpoint(passive)";
        connection.query_row(sql, [], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
    };
    let (there, mut done) = folded()?;
    let began = Instant::now();
    while done < there {
        if began.elapsed() >= MOMENT {
            return Ok(true);
        }
        std::thread::sleep(PAUSE);
        let (now, further) = folded()?;
        // A log that begins anew has nothing of before.
        done = if now < there { there } else { further };
    }
    Ok(false)
}

pub(crate) fn open_reading(path: &Path, busy_wait: Duration) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags, busy_wait)?;
    connection.execute_batch("pragma query_only = on; pragma cache_size = -16384;")?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags, busy_wait: Duration) -> Result<Connection, StoreError> {
    let unreachable =
        |error: rusqlite::Error| StoreError::Unreachable { path: path.to_owned(), reason: error.to_string() };
    let connection = Connection::open_with_flags(path, flags).map_err(unreachable)?;
    connection.busy_timeout(busy_wait)?;
    // More than there are statements: none is prepared twice.
    connection.set_prepared_statement_cache_capacity(256);
    // Plans must not depend on bound values: otherwise SQLite prepares `waiting_orders` anew for each card.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// The version of a file's schema, 0 for one that has none; refuses one from the future before touching it.
pub(crate) fn version(connection: &Connection) -> Result<i64, StoreError> {
    let known = known_version();
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
    if found > known { Err(StoreError::NewerVersion { found, known }) } else { Ok(found) }
}

/// Every migration of this program.
pub(super) fn known_migrations() -> Vec<refinery::Migration> {
    migrations::migrations::runner().get_migrations().clone()
}

/// This program's version.
pub(crate) fn known_version() -> i64 {
    known_migrations().iter().map(|m| i64::from(m.version())).max().unwrap_or(0)
}

/// Brings a file to this version.
pub(super) fn migrate_to(path: &Path, busy_wait: Duration, version: i64) -> Result<(), StoreError> {
    let mut connection = open_writing(path, busy_wait)?;
    let version = i32::try_from(version).map_err(|_| StoreError::Malformed("a version that is none"))?;
    let runner = migrations::migrations::runner().set_target(refinery::Target::Version(version));
    runner.run(&mut connection).map_err(|error| unmigrated(&error))?;
    Ok(())
}

/// What the engine said beneath a migration that failed.
fn unmigrated(error: &refinery::Error) -> StoreError {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    StoreError::Engine(text)
}

/// Applies the migrations that the file has not seen.
fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    if version(connection)? < known_version() {
        let runner = migrations::migrations::runner();
        runner.run(connection).map_err(|error| unmigrated(&error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_is_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let connection = ready(&folder.path().join("counterfoil.db"), Duration::ZERO).unwrap();
        let number = |pragma| connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(number("pragma synchronous"), 2, "FULL: the log is synced with every commit");
        assert_eq!(number("pragma foreign_keys"), 1);
        let journal: String = connection.query_row("pragma journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(journal, "wal");
    }
}
