//! The packs of a terminal: a folder, read at start and added to while the terminal runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use model::IndustryCode;
use tap::pack::DriverPack;

use crate::error::{InstallError, PackError};
use crate::examples::{example_signer, examples};
use crate::key::VerifyingKey;
use crate::pack::{PACK_LENGTH_MAX, SignedPack};
use crate::place::{self, BadFile, FolderError};

/// How a pack's file name ends.
pub(crate) const ENDING: &str = ".pack.toml";
/// The most industries of one folder.
pub const PACKS_MAX: usize = 64;

/// Every good pack by its industry code. Shared between threads; a pack that is in use stays what it was.
#[derive(Debug)]
pub struct Packs {
    /// `None`: in memory only.
    folder: Option<PathBuf>,
    contents: RwLock<Contents>,
    /// One installation at a time: two must not both find themselves the newest.
    installing: Mutex<()>,
}

#[derive(Debug, Default)]
pub(crate) struct Contents {
    trusted: Vec<VerifyingKey>,
    pub(crate) by_code: BTreeMap<IndustryCode, Arc<DriverPack>>,
    pub(crate) bad: Vec<BadFile>,
}

impl Packs {
    /// Reads a folder; one that is not there is made. A bad file is listed and stops no other.
    pub fn load(folder: &Path, trusted: &[VerifyingKey]) -> Result<Self, FolderError> {
        let contents = Contents::read(folder, trusted)?;
        Ok(Self { folder: Some(folder.into()), contents: RwLock::new(contents), installing: Mutex::new(()) })
    }

    /// The example industries, without a folder: for demonstrations and tests.
    pub fn examples() -> Self {
        let mut contents = Contents::trusting(&[example_signer()]);
        for example in examples() {
            contents.take(example.pack_file.to_owned(), example.pack.as_bytes());
        }
        Self { folder: None, contents: RwLock::new(contents), installing: Mutex::new(()) }
    }

    /// The pack of an industry.
    pub fn get(&self, code: IndustryCode) -> Option<Arc<DriverPack>> {
        self.with(|contents| contents.by_code.get(&code).cloned())
    }

    /// All good packs, by industry code.
    pub fn all(&self) -> Vec<Arc<DriverPack>> {
        self.with(|contents| contents.by_code.values().cloned().collect())
    }

    /// The files that are not used, each with its reason.
    pub fn bad_files(&self) -> Vec<BadFile> {
        self.with(|contents| contents.bad.clone())
    }

    /// Whom this terminal trusts.
    pub fn trusted(&self) -> Vec<VerifyingKey> {
        self.with(|contents| contents.trusted.clone())
    }

    /// Trusts these signers and no others, and reads the folder anew under them. On an error nothing changes.
    pub fn trust(&self, trusted: &[VerifyingKey]) -> Result<(), FolderError> {
        let _one_at_a_time = self.installing.lock().unwrap_or_else(PoisonError::into_inner);
        let contents = match &self.folder {
            Some(folder) => Contents::read(folder, trusted)?,
            None => Contents::trusting(trusted),
        };
        *self.contents.write().unwrap_or_else(PoisonError::into_inner) = contents;
        Ok(())
    }

    /// Takes a new pack into the folder and into use, in one act. The same bytes again are no change.
    pub fn install(&self, bytes: &[u8]) -> Result<Arc<DriverPack>, InstallError> {
        let _one_at_a_time = self.installing.lock().unwrap_or_else(PoisonError::into_inner);
        let pack = Arc::new(SignedPack::open(bytes, &self.trusted())?);
        let (code, offered) = (pack.code, pack.version);
        if let Some(installed) = self.get(code) {
            if installed.version > offered {
                return Err(InstallError::Older { code, installed: installed.version, offered });
            }
            if installed.version == offered {
                let same = *installed == *pack;
                return if same {
                    Ok(installed)
                } else {
                    Err(InstallError::SameVersion { code, version: offered })
                };
            }
        } else if self.with(|contents| contents.by_code.len()) >= PACKS_MAX {
            return Err(InstallError::Full { max: PACKS_MAX });
        }
        // A name that no hand-made file of another industry has.
        let name = format!("installed-{code}{ENDING}");
        if let Some(folder) = &self.folder {
            place::write(folder, &name, bytes)
                .map_err(|source| InstallError::Write { path: folder.join(&name), source })?;
        }
        let mut contents = self.contents.write().unwrap_or_else(PoisonError::into_inner);
        contents.by_code.insert(code, Arc::clone(&pack));
        contents.bad.retain(|bad| bad.name != name);
        Ok(pack)
    }

    fn with<T>(&self, read: impl FnOnce(&Contents) -> T) -> T {
        read(&self.contents.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Contents {
    pub(crate) fn trusting(trusted: &[VerifyingKey]) -> Self {
        Self { trusted: trusted.to_vec(), ..Self::default() }
    }

    pub(crate) fn read(folder: &Path, trusted: &[VerifyingKey]) -> Result<Self, FolderError> {
        let mut contents = Self::trusting(trusted);
        for (name, bytes) in place::files(folder, ENDING, PACK_LENGTH_MAX)? {
            match bytes {
                Ok(bytes) => contents.take(name, &bytes),
                Err(error) => contents.bad.push(place::unreadable(name, &error)),
            }
        }
        Ok(contents)
    }

    /// Of one industry the highest version is used, whatever its file is called. Of two of one version the first
    /// by name is, and the other listed: what a folder gives must not hang on the order of its files.
    pub(crate) fn take(&mut self, name: String, bytes: &[u8]) {
        match SignedPack::open(bytes, &self.trusted) {
            Ok(pack) => match self.by_code.get(&pack.code) {
                Some(other) if other.version == pack.version && **other != pack => {
                    let error = InstallError::SameVersion { code: pack.code, version: pack.version };
                    self.bad.push(BadFile { name, code: error.code(), reason: error.to_string() });
                }
                Some(other) if other.version >= pack.version => {}
                None if self.by_code.len() >= PACKS_MAX => {
                    let error = InstallError::Full { max: PACKS_MAX };
                    self.bad.push(BadFile { name, code: error.code(), reason: error.to_string() });
                }
                Some(_) | None => {
                    self.by_code.insert(pack.code, Arc::new(pack));
                }
            },
            Err(error) => self.refuse(name, &error),
        }
    }

    fn refuse(&mut self, name: String, error: &PackError) {
        self.bad.push(BadFile { name, code: error.code(), reason: error.to_string() });
    }
}
