//! Where a sealed file stands: reading it, locking it, and writing it so that it is never half there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::error::SealedFileError;

/// The largest file. Holds a million imported cards, as many barred ones, and a full log.
pub(crate) const FILE_LENGTH_MAX: u64 = 64 * 1024 * 1024;

/// How often, 20 ms apart, a lock that another process holds is tried.
const LOCK_TRIES: u32 = 500;

/// The paths of one store: `keys`, and beside it `keys.lock` and, while it is written, `keys.new`.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    folder: PathBuf,
}

/// Held while the file is read, changed and written. It ends with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Held(#[expect(dead_code, reason = "the lock is held as long as the file is open")] File);

impl Place {
    /// The place of a file that is there, or whose folder is there. Links are followed once, here: a
    /// rewrite replaces the file they lead to, not the link.
    pub(crate) fn new(path: &Path) -> Result<Self, SealedFileError> {
        let name = path.file_name().ok_or_else(|| SealedFileError::NotAKeyStore { path: path.into() })?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new("."));
        let folder = fs::canonicalize(folder).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => SealedFileError::FolderMissing { path: folder.into() },
            _ => SealedFileError::System { what: "find", path: folder.into(), source },
        })?;
        let path = folder.join(name);
        match fs::canonicalize(&path) {
            Ok(path) => Ok(Self { folder: path.parent().map_or(folder, Path::to_path_buf), path }),
            Err(_) => Ok(Self { path, folder }),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.path.clone()
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(ending);
        path.into()
    }

    pub(crate) fn is_taken(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }

    /// Waits up to ten seconds for other processes, and other threads of this one.
    pub(crate) fn hold(&self) -> Result<Held, SealedFileError> {
        let path = self.beside(".lock");
        let failed = |source| SealedFileError::System { what: "lock", path: path.clone(), source };
        let file = private(OpenOptions::new().create(true).truncate(false)).open(&path).map_err(failed)?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(Held(file)),
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(20)),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        Err(SealedFileError::Busy { path })
    }

    /// The whole file, where only its owner has access to it.
    pub(crate) fn read(&self) -> Result<Vec<u8>, SealedFileError> {
        let path = || self.path.clone();
        let failed = |source| SealedFileError::System { what: "read", path: path(), source };
        let file = File::open(&self.path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => SealedFileError::Missing { path: path() },
            _ => failed(source),
        })?;
        let about = file.metadata().map_err(failed)?;
        if !about.is_file() {
            return Err(SealedFileError::NotAKeyStore { path: path() });
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = about.permissions().mode() & 0o7777;
            if mode & 0o077 != 0 {
                return Err(SealedFileError::Exposed { path: path(), mode });
            }
        }
        let mut bytes = Vec::new();
        file.take(FILE_LENGTH_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
        if is_too_large(&bytes) { Err(SealedFileError::TooLarge { path: path() }) } else { Ok(bytes) }
    }

    /// Puts a whole new file in the place of the old one: at any moment, and after a power cut, the one or
    /// the other is there. What a killed process left half written is taken away first.
    pub(crate) fn write(&self, _held: &Held, bytes: &[u8]) -> Result<(), SealedFileError> {
        if is_too_large(bytes) {
            return Err(SealedFileError::TooLarge { path: self.path() });
        }
        let new = self.beside(".new");
        let written = self.write_beside(&new, bytes);
        if written.is_err() {
            // The old file is whole; a leftover that cannot be removed harms nobody.
            let _ = fs::remove_file(&new);
        }
        written.map_err(|source| SealedFileError::System { what: "write", path: self.path(), source })
    }

    fn write_beside(&self, new: &Path, bytes: &[u8]) -> io::Result<()> {
        match fs::remove_file(new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = private(OpenOptions::new().create_new(true)).open(new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(new, &self.path)?;
        // The rename is in the folder; without this a power cut may undo it.
        #[cfg(unix)]
        File::open(&self.folder)?.sync_all()?;
        Ok(())
    }
}

fn is_too_large(bytes: &[u8]) -> bool {
    u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_LENGTH_MAX)
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
