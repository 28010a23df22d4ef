//! Where things are in a data folder, and the lock that keeps two platforms apart.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A data folder.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    folder: PathBuf,
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlacesError {
    #[error("the data folder {folder} cannot be made: {reason}")]
    Folder { folder: PathBuf, reason: io::Error },
    #[error(
        "another Counterfoil platform is using {folder}; stop it first, or use another data folder: `data` in the configuration, \
         --data of a demonstration"
    )]
    InUse { folder: PathBuf },
    #[error(
        "{there} is there: a bench makes keys, cards and money of its own and leaves them; give it an empty folder, or leave --data out"
    )]
    Used { there: PathBuf },
    #[error("{path} cannot be written: {reason}")]
    Write { path: PathBuf, reason: io::Error },
    #[error("{path} cannot be read: {reason}")]
    Read { path: PathBuf, reason: io::Error },
}

/// Held while a platform runs on a folder.
pub(crate) struct FolderLock {
    _file: File,
}

impl Places {
    /// Takes a folder, and makes it if it is new: readable by its owner only.
    pub(crate) fn at(folder: &Path) -> Result<Self, PlacesError> {
        let failed = |reason| PlacesError::Folder { folder: folder.to_owned(), reason };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder.join("cards")).map_err(failed)?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder.join("wallets")).map_err(failed)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The same for a bench, which makes keys, cards and money there and leaves them: a folder that holds none.
    pub(crate) fn unused(folder: &Path) -> Result<Self, PlacesError> {
        let places = Self { folder: folder.to_owned() };
        match [places.database(), places.key_store()].into_iter().find(|path| path.exists()) {
            Some(there) => Err(PlacesError::Used { there }),
            None => Self::at(folder),
        }
    }

    /// Keeps every other platform out.
    pub(crate) fn lock(&self) -> Result<FolderLock, PlacesError> {
        let path = self.folder.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|reason| PlacesError::Write { path: path.clone(), reason })?;
        match file.try_lock() {
            Ok(()) => Ok(FolderLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(PlacesError::InUse { folder: self.folder.clone() }),
            Err(TryLockError::Error(reason)) => Err(PlacesError::Write { path, reason }),
        }
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("counterfoil.db")
    }

    /// The test mode's database.
    pub(crate) fn test_database(&self) -> PathBuf {
        self.folder.join("test.db")
    }

    /// The test mode's key store, and the passphrase that it alone has: its keys are worth nothing.
    pub(crate) fn test_key_store(&self) -> PathBuf {
        self.folder.join("test-keys.cfks")
    }

    pub(crate) fn test_passphrase(&self) -> PathBuf {
        self.folder.join("test-keys.passphrase")
    }

    pub(crate) fn key_store(&self) -> PathBuf {
        self.folder.join("keys.cfks")
    }

    /// The card maker's copy of the transport key: what wraps card keys on their way into a secure element.
    pub(crate) fn card_maker_key(&self) -> PathBuf {
        self.folder.join("card-maker.key")
    }

    /// Driver packs and products, unless the configuration names another folder.
    pub(crate) fn industries(&self) -> PathBuf {
        self.folder.join("industries")
    }

    /// Certificates that `tls dev` makes.
    pub(crate) fn tls(&self) -> PathBuf {
        self.folder.join("tls")
    }

    /// A terminal's own folder, for a demonstration: a real terminal is another machine.
    pub(crate) fn terminal(&self) -> PathBuf {
        self.folder.join("terminal")
    }

    /// Where a software wallet card is kept.
    pub(crate) fn wallet(&self, asn: model::Asn) -> PathBuf {
        self.folder.join("wallets").join(format!("{asn}.json"))
    }

    /// Where a software card is kept.
    pub(crate) fn card(&self, id: model::CardId) -> PathBuf {
        self.folder.join("cards").join(format!("{id}.json"))
    }

    /// A demonstration's own notes: passphrase, API key, which cards it made.
    pub(crate) fn demo_notes(&self) -> PathBuf {
        self.folder.join("demo.json")
    }
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), PlacesError> {
    let failed = |reason| PlacesError::Write { path: path.to_owned(), reason };
    let partial = path.with_extension("new");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&partial)
        .map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&partial, path).map_err(failed)
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, PlacesError> {
    fs::read(path).map_err(|reason| PlacesError::Read { path: path.to_owned(), reason })
}
