//! Where a sealed file stands: reading it, keeping others out, and writing it so that it is never half there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::error::ReadError;
use crate::header::Kind;

/// So long after a try the next one follows, where another process holds a lock.
const LOCK_STEP: Duration = Duration::from_millis(20);

/// A lock file that no other process, and nobody else in this one, has as long as this lives. It ends with the
/// process, however that ends.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "the lock is held as long as the file is open")] File);

impl Held {
    /// Takes the lock, waiting for whoever has it; `None` where they still have it after this time.
    pub fn take(lock: &Path, wait: Duration) -> io::Result<Option<Self>> {
        let file = private(OpenOptions::new().create(true).truncate(false)).open(lock)?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self(file))),
                Err(TryLockError::WouldBlock) if waited < wait => thread::sleep(LOCK_STEP),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => return Err(source),
            }
            waited += LOCK_STEP;
        }
    }
}

/// The whole file, where only its owner has access to it and it is no longer than any of its kind.
pub fn read(path: &Path, kind: Kind) -> Result<Vec<u8>, ReadError> {
    let file = File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ReadError::Missing,
        _ => ReadError::System(source),
    })?;
    let about = file.metadata().map_err(ReadError::System)?;
    if !about.is_file() {
        return Err(ReadError::NotAFile);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = about.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(ReadError::Exposed { mode });
        }
    }
    let mut bytes = Vec::new();
    // One byte more than there may be: a file that grows meanwhile is found too.
    file.take(kind.length_max.saturating_add(1)).read_to_end(&mut bytes).map_err(ReadError::System)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= kind.length_max => Ok(bytes),
        Ok(_) | Err(_) => Err(ReadError::TooLarge),
    }
}

/// Puts a whole new file in the place of an old one, for its owner only: at any moment, and after a power cut, the
/// one or the other is there. What a killed process left half written is taken away first.
///
/// While it is written it stands beside with `.new` at its end: two must not write one file at once ([`Held`]).
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = path.to_path_buf().into_os_string();
    new.push(".new");
    let new = PathBuf::from(new);
    let written = write_beside(path, &new, bytes);
    if written.is_err() {
        // The old file is whole; a leftover that cannot be removed harms nobody.
        let _ = fs::remove_file(&new);
    }
    written
}

fn write_beside(path: &Path, new: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = private(OpenOptions::new().create_new(true)).open(new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, path)?;
    sync_folder_of(path)
}

/// Makes what was renamed or removed here lasting: it is in the folder, and without this a power cut may undo it.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// For writing, and for the owner only.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.write(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { magic: *b"TEST", length_max: 8 };

    #[test]
    fn what_is_replaced_is_read_back_and_no_leftover_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(matches!(read(&path, KIND), Err(ReadError::Missing)));
        fs::write(folder.path().join("file.new"), "half").unwrap();
        for bytes in [b"one", b"two"] {
            replace(&path, bytes).unwrap();
            assert_eq!(read(&path, KIND).unwrap(), bytes);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(matches!(read(folder.path(), KIND), Err(ReadError::NotAFile)));
        replace(&path, b"too long.").unwrap();
        assert!(matches!(read(&path, KIND), Err(ReadError::TooLarge)));
    }

    #[test]
    fn a_file_that_cannot_be_replaced_stays_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace(&path, b"one").unwrap();
        fs::create_dir(folder.path().join("file.new")).unwrap();
        assert!(replace(&path, b"two").is_err());
        assert_eq!(read(&path, KIND).unwrap(), b"one");
        assert!(replace(&folder.path().join("no/file"), b"one").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        for mode in [0o640, 0o604, 0o610, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = read(&path, KIND);
            assert!(matches!(refused, Err(ReadError::Exposed { mode: found }) if found == mode), "{mode:o}");
        }
    }

    #[test]
    fn a_lock_is_one_holders_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("file.lock");
        let held = Held::take(&lock, Duration::ZERO).unwrap();
        assert!(held.is_some());
        assert!(Held::take(&lock, LOCK_STEP * 2).unwrap().is_none());
        drop(held);
        assert!(Held::take(&lock, Duration::ZERO).unwrap().is_some());
        assert!(Held::take(&folder.path().join("no/file.lock"), Duration::ZERO).is_err());
    }
}
