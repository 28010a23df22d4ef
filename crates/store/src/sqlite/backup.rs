//! A copy of the file while it is in use, and whether a copy is whole.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{connection, moving};
use crate::error::StoreError;

/// How long another process's transaction is waited for.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Copies the database of one moment into a new file, which is on the disk when this returns, and whole: until then it has another
/// name. Whoever writes meanwhile is not held up.
///
/// # Errors
/// [`StoreError::Unreachable`] where `to` is there already or cannot be written; what the engine says otherwise.
pub fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    let unreachable = |path: &Path, reason: String| StoreError::Unreachable { path: path.to_owned(), reason };
    if to.exists() {
        return Err(unreachable(to, "it is there already; a backup never replaces one".into()));
    }
    let partial = partial_of(to);
    let io = |error: std::io::Error| unreachable(&partial, error.to_string());
    // Its owner's alone from the first byte, and empty: what an earlier attempt left is no part of it.
    let file =
        OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&partial).map_err(io)?;
    let source = connection::open_reading(from, BUSY_WAIT)?;
    // The connection refuses to change its own file; into another it may copy.
    source.execute_batch("pragma query_only = off")?;
    source.execute("vacuum into ?", [partial.to_string_lossy()])?;
    // A copy is no file that has moved: it is the way back, for whoever wants one.
    let copy = rusqlite::Connection::open(&partial)?;
    if moving::has_moved(&copy)? {
        moving::mark(&copy, false)?;
    }
    drop(copy);
    file.sync_all().map_err(io)?;
    check(&partial)?;
    std::fs::rename(&partial, to).map_err(io)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

/// The name of a copy that is not whole yet.
fn partial_of(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// Whether a file is a database of this program or an earlier one, and every page and index of it is in order. Changes nothing.
pub fn check(path: &Path) -> Result<(), StoreError> {
    let connection = connection::open_reading(path, BUSY_WAIT)?;
    let named = |reason: String| StoreError::Damaged(format!("{}: {reason}", path.display()));
    let version = connection::version(&connection).map_err(|error| match error {
        StoreError::Damaged(reason) => named(reason),
        other => other,
    })?;
    if version == 0 {
        return Err(named("it is no database of Counterfoil".into()));
    }
    let told: String = connection.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    if told == "ok" { Ok(()) } else { Err(named(told)) }
}
