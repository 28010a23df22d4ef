//! Where a key store's file stands, and what stands beside it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sealed::{Held, Kind, Unopened};

use crate::error::SealedFileError;

/// The largest file. Holds a million imported cards, as many barred ones, and a full log.
pub(crate) const FILE_LENGTH_MAX: u64 = 64 * 1024 * 1024;

/// A key store among the sealed files.
pub(crate) const KEY_STORE: Kind = Kind { magic: *b"CFKS", length_max: FILE_LENGTH_MAX };

/// How long other processes, and other threads of this one, may take to change the file.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// The paths of one store: `keys`, and beside it `keys.lock` and, while it is written, `keys.new`.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
}

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
        Ok(Self { path: fs::canonicalize(&path).unwrap_or(path) })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.path.clone()
    }

    pub(crate) fn is_taken(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }

    /// Held while the file is read, changed and written.
    pub(crate) fn hold(&self) -> Result<Held, SealedFileError> {
        let mut lock = self.path.clone().into_os_string();
        lock.push(".lock");
        let path = PathBuf::from(lock);
        match Held::take(&path, LOCK_WAIT) {
            Ok(Some(held)) => Ok(held),
            Ok(None) => Err(SealedFileError::Busy { path }),
            Err(source) => Err(SealedFileError::System { what: "lock", path, source }),
        }
    }

    /// The whole file, where only its owner has access to it, with its header read.
    pub(crate) fn read(&self) -> Result<Unopened, SealedFileError> {
        let file = sealed::read(&self.path, KEY_STORE)
            .map_err(|refused| SealedFileError::reading(refused, self.path()))?;
        Unopened::new(KEY_STORE, file).map_err(|refused| SealedFileError::header(refused, self.path()))
    }

    /// Puts a whole new file in the place of the old one.
    pub(crate) fn write(&self, _held: &Held, bytes: &[u8]) -> Result<(), SealedFileError> {
        sealed::replace(&self.path, bytes).map_err(|source| SealedFileError::System {
            what: "write",
            path: self.path(),
            source,
        })
    }
}
