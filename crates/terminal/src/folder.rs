//! A terminal's folder: what stands where, and who holds it.
//!
//! ```text
//! terminal.cft    the sealed file             packs/      driver packs
//! terminal.lock   held while a process runs   reports/    outputs that the bank did not answer yet
//! ```

use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sealed::{Held, Kind, ReadError, Unopened};

use crate::error::StateError;

/// A terminal's file among the sealed files; an authority's certificates are the most of it.
pub(crate) const TERMINAL: Kind = Kind { magic: *b"CFTE", length_max: 256 * 1024 };

/// A terminal's folder, which no other process has as long as this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _held: Held,
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
        // Whoever has it has it for as long as it runs: waiting helps nobody.
        match Held::take(&lock, Duration::ZERO).map_err(failed)? {
            Some(held) => Ok(Self { path: path.into(), _held: held }),
            None => Err(StateError::Running { path: path.into() }),
        }
    }

    pub(crate) fn place(&self, place: Place) -> PathBuf {
        place.under(&self.path)
    }

    /// The whole sealed file, where only its owner has access to it, with its header read.
    pub(crate) fn read_sealed(&self) -> Result<Unopened, StateError> {
        let path = self.place(Place::Sealed);
        let file = match sealed::read(&path, TERMINAL) {
            Ok(file) => file,
            Err(ReadError::Missing) => return Err(StateError::Missing { path: self.path.clone() }),
            Err(ReadError::Exposed { mode }) => return Err(StateError::Exposed { path, mode }),
            Err(ReadError::NotAFile | ReadError::TooLarge) => return Err(StateError::NotATerminal { path }),
            Err(ReadError::System(source)) => return Err(StateError::System { what: "read", path, source }),
        };
        Unopened::new(TERMINAL, file).map_err(|refused| StateError::header(refused, path))
    }

    pub(crate) fn write_sealed(&self, bytes: &[u8]) -> Result<(), StateError> {
        let path = self.place(Place::Sealed);
        sealed::replace(&path, bytes).map_err(|source| StateError::System { what: "write", path, source })
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
