//! The sealed file's stories: its life on the disk, the custodians' ceremonies, the keys of cards, wallet cards and
//! terminals, its secrets.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod bank;
mod cards;
mod ceremonies;
mod databases;
mod earlier;
mod file;
mod processes;
mod secrets;
mod terminals;

use std::path::{Path, PathBuf};

use crypto::KeyName;
use keystore::{Cost, Custodian, EntropyFailed, Environment, KeyEvent, KeyUse, Passphrase, SealedFile};
use model::UnixMillis;
use tempfile::TempDir;

const NOW: UnixMillis = UnixMillis(1_795_199_488_000);

fn name(name: &str) -> KeyName {
    KeyName::new(name).unwrap()
}

fn li() -> Custodian {
    Custodian::new("Li Na").unwrap()
}

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery staple".into()).unwrap()
}

/// Counts up from `next`: every key of a test is known.
fn counting(mut next: u8) -> impl FnMut(&mut [u8]) -> Result<(), EntropyFailed> {
    move |bytes| {
        for byte in bytes {
            *byte = next;
            next = next.wrapping_add(1);
        }
        Ok(())
    }
}

/// A folder with a store in it: `issuer-1` and `transport-1`, both active.
struct Desk {
    _folder: TempDir,
    path: PathBuf,
    store: SealedFile,
}

impl Desk {
    fn new() -> Self {
        let desk = Self::empty();
        for (key, key_use) in [("issuer-1", KeyUse::DeriveCardKeys), ("transport-1", KeyUse::WrapCardKeys)] {
            desk.store.generate(name(key), key_use, &li(), NOW, &mut counting(0xa0)).unwrap();
            desk.store.set_state(name(key), KeyEvent::Activate, &li(), NOW).unwrap();
        }
        desk
    }

    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let store =
            SealedFile::create(&path, &passphrase(), Environment::Test, Cost::Testing, &mut counting(1));
        Self { store: store.unwrap(), path, _folder: folder }
    }
}

fn open(path: &Path) -> Result<SealedFile, keystore::SealedFileError> {
    SealedFile::open(path, &passphrase(), Environment::Test)
}
