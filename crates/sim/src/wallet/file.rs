//! A wallet card as a file, replaced whole with every change.
//!
//! **This file is the card's secure element**, keys included, in clear: mode 0600, refused when others than
//! its owner have access, and never somebody's money.
//!
//! For: [`WalletFile`]. At any moment, and after a power cut, the file from before a command or the one after
//! it is there whole. Refuses: guessing. A damaged file, or one of a newer program, is refused by name and left
//! as it is, because a card whose counters go back would be credited twice. While a card is in use it holds
//! a lock beside the file: two processes cannot be the same card.
//! Next: `written.rs` for the form.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tap::card::WalletImage;
use zeroize::Zeroizing;

use super::WalletFileError;
use super::written::{self, FILE_LENGTH_MAX, Unreadable};
use crate::image::replace;

/// Where a wallet card keeps what it must not forget.
#[derive(Debug)]
pub enum WalletMedium {
    /// In a file, across restarts.
    File(WalletFile),
    /// Nowhere: for tests.
    Volatile(WalletImage),
}

impl WalletMedium {
    pub(super) fn image(&self) -> &WalletImage {
        match self {
            Self::File(file) => &file.image,
            Self::Volatile(image) => image,
        }
    }

    pub(super) fn store(&mut self, image: &WalletImage) -> Result<(), WalletFileError> {
        match self {
            Self::File(file) => file.store(image),
            Self::Volatile(held) => {
                *held = image.clone();
                Ok(())
            }
        }
    }
}

impl From<WalletFile> for WalletMedium {
    fn from(file: WalletFile) -> Self {
        Self::File(file)
    }
}

impl From<WalletImage> for WalletMedium {
    fn from(image: WalletImage) -> Self {
        Self::Volatile(image)
    }
}

/// A wallet card's file, opened and locked.
#[derive(Debug)]
pub struct WalletFile {
    path: PathBuf,
    image: WalletImage,
    /// Held, not read: its lock ends with it.
    _lock: File,
}

impl WalletFile {
    /// Writes a new card. One that is there stays.
    pub fn create(path: &Path, image: WalletImage) -> Result<Self, WalletFileError> {
        let lock = lock(path)?;
        if path.try_exists().map_err(failed("examine", path))? {
            return Err(WalletFileError::Exists { path: path.into() });
        }
        let mut created = Self { path: path.into(), image: image.clone(), _lock: lock };
        created.store(&image)?;
        Ok(created)
    }

    /// Opens a card for as long as this value lives.
    pub fn open(path: &Path) -> Result<Self, WalletFileError> {
        // Without a card there is nothing to lock.
        Self::peek(path)?;
        let lock = lock(path)?;
        Ok(Self { path: path.into(), image: Self::peek(path)?, _lock: lock })
    }

    /// What the file holds at this moment, without lock: for whoever examines a card.
    pub fn peek(path: &Path) -> Result<WalletImage, WalletFileError> {
        let damaged = |what: String| WalletFileError::Damaged { path: path.into(), what };
        let file = File::open(path).map_err(failed("open", path))?;
        let about = file.metadata().map_err(failed("examine", path))?;
        if !about.is_file() {
            return Err(damaged("it is not a file".into()));
        }
        let mode = about.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(WalletFileError::Exposed { path: path.into(), mode });
        }
        if about.len() > FILE_LENGTH_MAX {
            return Err(damaged("it is longer than any wallet card".into()));
        }
        // Room for all of it beforehand: a buffer that grows leaves copies of the keys behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_LENGTH_MAX as usize + 1));
        file.take(FILE_LENGTH_MAX).read_to_end(&mut bytes).map_err(failed("read", path))?;
        written::from_json(&bytes).map_err(|unreadable| match unreadable {
            Unreadable::Newer(format) => WalletFileError::Newer { path: path.into(), format },
            Unreadable::Damaged(what) => damaged(what),
        })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it.
    pub fn image(&self) -> &WalletImage {
        &self.image
    }

    /// Returns once the disk holds it. After an error the image is what the file holds: the new one may be in
    /// its place already, and not be durable.
    pub fn store(&mut self, image: &WalletImage) -> Result<(), WalletFileError> {
        let text = written::to_json(image).map_err(failed("encode", &self.path))?;
        let stored = replace(&self.path, &text).map_err(failed("write", &self.path));
        if stored.is_ok() {
            self.image = image.clone();
        } else if let Ok(there) = Self::peek(&self.path) {
            self.image = there;
        }
        stored
    }
}

/// The file itself is replaced with every change: what is locked stands beside it.
fn lock(path: &Path) -> Result<File, WalletFileError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(beside);
    let file = open.map_err(failed("lock", path))?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => WalletFileError::InUse { path: path.into() },
        TryLockError::Error(source) => failed("lock", path)(source),
    })?;
    Ok(file)
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WalletFileError {
    move |source| match source.kind() {
        io::ErrorKind::NotFound => WalletFileError::Missing { path: path.into() },
        _ => WalletFileError::System { what, path: path.into(), source },
    }
}
