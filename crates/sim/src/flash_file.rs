//! The durable memory of a software card: two banks in one file.
//!
//! For: making [`air::card::Action::Store`] durable before anything is sent. Each write goes to the bank
//! that is not the newest, with a sequence number and a check sum, and is synced: a power cut in the middle
//! leaves the other bank, which is the state before an action that then never happened.
//! Refuses: guessing. Without a readable bank, or with the memory of another card, it gives a named error
//! and no blank memory, because a card that lost its marks would use time factors twice. A memory of an
//! earlier key version is a blank one: marks belong to a key version.
//! A running card holds the file's lock; two processes cannot be the same card.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use air::Link;
use air::card::Flash;

use crate::FlashFileError;
use crate::image::sync_folder;

/// Banks lie in sectors of their own: a torn write harms one.
const BANK: usize = 512;
const MAGIC: [u8; 4] = *b"CFM1";
/// Magic 4, check sum 4, sequence 8, card id 4, key version 1, length 1.
const HEAD: usize = 22;

/// Where a card keeps its memory.
#[derive(Debug)]
pub enum FlashMedium {
    /// In a file, across restarts.
    File(FlashFile),
    /// Nowhere: for tests and load. A restart is a new key version.
    Volatile(Flash),
}

impl FlashMedium {
    /// The blank memory of a new card that is never restarted.
    pub fn blank() -> Self {
        Self::Volatile(Flash::default())
    }

    /// What is in it.
    pub fn content(&self) -> &Flash {
        match self {
            Self::File(file) => &file.content,
            Self::Volatile(flash) => flash,
        }
    }

    /// Makes it durable; for a file this waits for the disk.
    pub fn store(&mut self, flash: Flash) -> Result<(), FlashFileError> {
        match self {
            Self::File(file) => file.store(flash),
            Self::Volatile(held) => {
                *held = flash;
                Ok(())
            }
        }
    }
}

impl From<FlashFile> for FlashMedium {
    fn from(file: FlashFile) -> Self {
        Self::File(file)
    }
}

/// A card's memory in a file, opened and locked.
#[derive(Debug)]
pub struct FlashFile {
    path: PathBuf,
    file: File,
    link: Link,
    sequence: u64,
    content: Flash,
}

impl FlashFile {
    /// Writes a blank memory for a card that was just injected. One that is there is kept if it is this
    /// card's under this key version (injecting twice must not blank the marks), and replaced if it is from
    /// an earlier one.
    pub fn create(path: &Path, link: &Link) -> Result<Self, FlashFileError> {
        match Self::open(path, link) {
            Err(FlashFileError::Missing { .. }) => {}
            known => return known,
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(failed("create", path))?;
        let mut created =
            Self { path: path.into(), file, link: *link, sequence: 0, content: Flash::default() };
        created.lock()?;
        created.store(Flash::default())?;
        sync_folder(path).map_err(failed("create", path))?;
        Ok(created)
    }

    /// Opens a card's memory and locks it for as long as this value lives.
    pub fn open(path: &Path, link: &Link) -> Result<Self, FlashFileError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed("open", path))?;
        let mut opened =
            Self { path: path.into(), file, link: *link, sequence: 0, content: Flash::default() };
        opened.lock()?;
        let newest = newest(&opened.file, path)?;
        opened.sequence = newest.sequence;
        opened.content = newest.belonging_to(link, path)?;
        Ok(opened)
    }

    /// What the file holds at this moment, without lock: for whoever examines a card.
    pub fn peek(path: &Path, link: &Link) -> Result<Flash, FlashFileError> {
        let file = File::open(path).map_err(failed("open", path))?;
        newest(&file, path)?.belonging_to(link, path)
    }

    /// What is in it.
    pub fn content(&self) -> &Flash {
        &self.content
    }

    /// Returns once the disk holds it.
    pub fn store(&mut self, flash: Flash) -> Result<(), FlashFileError> {
        let sequence = self.sequence + 1;
        let bank = encode(sequence, &self.link, &flash);
        let offset = if sequence.is_multiple_of(2) { 0 } else { BANK as u64 };
        self.file
            .write_all_at(&bank, offset)
            .and_then(|()| self.file.sync_data())
            .map_err(failed("write", &self.path))?;
        self.sequence = sequence;
        self.content = flash;
        Ok(())
    }

    /// A memory whose medium takes no write.
    #[cfg(test)]
    pub(crate) fn worn_out(path: &Path, link: &Link) -> Result<Self, FlashFileError> {
        let mut file = Self::create(path, link)?;
        file.file = File::open(path).map_err(failed("open", path))?;
        Ok(file)
    }

    fn lock(&self) -> Result<(), FlashFileError> {
        self.file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => FlashFileError::InUse { path: self.path.clone() },
            TryLockError::Error(source) => failed("lock", &self.path)(source),
        })
    }
}

/// A bank that was read whole.
struct Bank {
    sequence: u64,
    card_id: u32,
    key_version: u8,
    flash: Flash,
}

impl Bank {
    fn belonging_to(self, link: &Link, path: &Path) -> Result<Flash, FlashFileError> {
        let version = link.key_version.get();
        if self.card_id != link.card_id.0 || self.key_version > version {
            return Err(FlashFileError::OtherCard { path: path.into() });
        }
        if self.key_version < version {
            return Ok(Flash::default());
        }
        Ok(self.flash)
    }
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FlashFileError {
    move |source| match source.kind() {
        io::ErrorKind::NotFound => FlashFileError::Missing { path: path.into() },
        _ => FlashFileError::System { what, path: path.into(), source },
    }
}

fn newest(file: &File, path: &Path) -> Result<Bank, FlashFileError> {
    let read = |offset: u64| -> Result<Option<Bank>, FlashFileError> {
        let mut bytes = [0; BANK];
        let mut filled = 0;
        while filled < BANK {
            let at = offset + filled as u64;
            match file.read_at(&mut bytes[filled..], at) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed("read", path)(error)),
            }
        }
        Ok(decode(&bytes))
    };
    [read(0)?, read(BANK as u64)?]
        .into_iter()
        .flatten()
        .max_by_key(|bank| bank.sequence)
        .ok_or_else(|| FlashFileError::Damaged { path: path.into() })
}

fn encode(sequence: u64, link: &Link, flash: &Flash) -> [u8; BANK] {
    let image = flash.to_bytes();
    let mut bank = [0; BANK];
    bank[..4].copy_from_slice(&MAGIC);
    bank[8..16].copy_from_slice(&sequence.to_be_bytes());
    bank[16..20].copy_from_slice(&link.card_id.0.to_be_bytes());
    bank[20] = link.key_version.get();
    // An image has at most 79 bytes.
    bank[21] = image.len() as u8;
    bank[HEAD..HEAD + image.len()].copy_from_slice(&image);
    let sum = check_sum(&bank[8..]);
    bank[4..8].copy_from_slice(&sum.to_be_bytes());
    bank
}

fn decode(bank: &[u8; BANK]) -> Option<Bank> {
    let magic = bank.first_chunk::<4>()?;
    let (sum, rest) = bank.get(4..)?.split_first_chunk::<4>()?;
    if *magic != MAGIC || u32::from_be_bytes(*sum) != check_sum(rest) {
        return None;
    }
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let (card_id, rest) = rest.split_first_chunk::<4>()?;
    let (&[key_version, length], rest) = rest.split_first_chunk::<2>()?;
    Some(Bank {
        sequence: u64::from_be_bytes(*sequence),
        card_id: u32::from_be_bytes(*card_id),
        key_version,
        flash: Flash::from_bytes(rest.get(..usize::from(length))?).ok()?,
    })
}

/// CRC-32 (IEEE 802.3): tells a torn or decayed bank, keeps nobody out.
pub(crate) fn check_sum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            let carry = if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
            sum >> 1 ^ carry
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use model::{KeyVersion, TimeFactor};

    fn flash(mark: u32) -> Flash {
        Flash { uplink_mark: TimeFactor::new(mark), introduced: true, ..Flash::default() }
    }

    #[test]
    fn the_check_sum_is_that_of_ieee_802_3() {
        assert_eq!(check_sum(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_torn_write_leaves_the_state_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("lin.flash"), sample::link(1));
        let mut file = FlashFile::create(&path, &link).unwrap();
        assert!(matches!(FlashFile::open(&path, &link), Err(FlashFileError::InUse { .. })));
        for mark in 1..=7 {
            file.store(flash(mark)).unwrap();
            assert_eq!(FlashFile::peek(&path, &link).unwrap(), flash(mark));
        }
        drop(file);
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(whole.len(), 2 * BANK);
        let mut seen = Vec::new();
        for (bank, byte) in [(0, 40), (0, 5), (1, 40), (1, 10)] {
            let mut torn = whole.clone();
            torn[bank * BANK + byte] ^= 0x10;
            std::fs::write(&path, torn).unwrap();
            let opened = FlashFile::open(&path, &link).unwrap();
            seen.push(opened.content().uplink_mark.map(TimeFactor::seconds));
        }
        assert_eq!(seen, [Some(6), Some(6), Some(7), Some(7)]);
    }

    #[test]
    fn lost_damaged_and_foreign_memories_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("lin.flash"), sample::link(1));
        let missing = FlashFile::open(&path, &link).unwrap_err();
        assert!(matches!(missing, FlashFileError::Missing { .. }));
        FlashFile::create(&path, &link).unwrap().store(flash(9)).unwrap();
        // Injecting again under the same version keeps the marks.
        assert_eq!(FlashFile::create(&path, &link).unwrap().content(), &flash(9));
        let foreign = FlashFile::open(&path, &sample::link(2)).unwrap_err();
        assert!(matches!(foreign, FlashFileError::OtherCard { .. }));
        let next = Link { key_version: KeyVersion::new(2).unwrap(), ..link };
        let mut renewed = FlashFile::open(&path, &next).unwrap();
        assert_eq!(renewed.content(), &Flash::default());
        renewed.store(flash(10)).unwrap();
        drop(renewed);
        let older = FlashFile::open(&path, &link).unwrap_err();
        assert!(matches!(older, FlashFileError::OtherCard { .. }));
        std::fs::write(&path, [0x5a; 100]).unwrap();
        let damaged = FlashFile::create(&path, &link).unwrap_err();
        assert!(matches!(damaged, FlashFileError::Damaged { .. }));
    }
}
