//! A terminal's folder: what stands where, who holds it, and writing files so that none is ever half there.
//!
//! ```text
//! terminal.cft    the sealed file             packs/      driver packs
//! terminal.lock   held while a process runs   reports/    outputs that the bank did not answer yet
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::StateError;

/// A terminal's folder, which no other process has as long as this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The lock ends with the process, however that ends.
    _held: File,
}

/// What stands in a terminal's folder.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// The sealed file.
    Sealed,
    /// Driver packs.
    Packs,
    /// Outputs that the bank did not answer yet.
    Reports,
    Lock,
}

impl Place {
    const fn name(self) -> &'static str {
        match self {
            Self::Sealed => "terminal.cft",
            Self::Packs => "packs",
            Self::Reports => "reports",
            Self::Lock => "terminal.lock",
        }
    }

    pub(crate) fn under(self, folder: &Path) -> PathBuf {
        folder.join(self.name())
    }
}

impl Folder {
    /// Takes a folder that is there.
    pub(crate) fn hold(path: &Path) -> Result<Self, StateError> {
        let lock = Place::Lock.under(path);
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => StateError::Missing { path: path.into() },
            _ => StateError::System { what: "lock", path: lock.clone(), source },
        };
        let file = private(OpenOptions::new().create(true).truncate(false)).open(&lock).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path: path.into(), _held: file }),
            Err(TryLockError::WouldBlock) => Err(StateError::Running { path: path.into() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    pub(crate) fn place(&self, place: Place) -> PathBuf {
        place.under(&self.path)
    }

    /// The whole sealed file, where only its owner has access to it.
    pub(crate) fn read_sealed(&self, length_max: u64) -> Result<Vec<u8>, StateError> {
        let path = self.place(Place::Sealed);
        let failed = |source| StateError::System { what: "read", path: path.clone(), source };
        let file = File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StateError::Missing { path: self.path.clone() },
            _ => failed(source),
        })?;
        let about = file.metadata().map_err(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = about.permissions().mode() & 0o7777;
            if mode & 0o077 != 0 {
                return Err(StateError::Exposed { path, mode });
            }
        }
        if !about.is_file() || about.len() > length_max {
            return Err(StateError::NotATerminal { path });
        }
        let mut bytes = Vec::new();
        file.take(length_max).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    pub(crate) fn write_sealed(&self, bytes: &[u8]) -> Result<(), StateError> {
        let path = self.place(Place::Sealed);
        write_whole(&path, bytes).map_err(|source| StateError::System { what: "write", path, source })
    }
}

/// Makes a folder that only its owner can look into; whether it was not there.
pub(crate) fn make_folder(path: &Path) -> Result<bool, StateError> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    match builder.create(path) {
        Ok(()) => Ok(true),
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
        Err(source) => Err(StateError::System { what: "make", path: path.into(), source }),
    }
}

/// Puts a whole new file in the place of an old one, for its owner only: at any moment, and after a power cut, the
/// one or the other is there. What a killed process left half written is taken away first.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
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

/// A rename or removal is in the folder; without this a power cut may undo it.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
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
