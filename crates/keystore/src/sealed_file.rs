//! The life of a sealed file: created, opened, changed under its lock, read again when others changed it.

use std::fmt;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use sealed::{Cost, Damage, FileKeys, Held, OutOfMemory, Passphrase, TooLarge, Unopened};

use crate::contents::Contents;
use crate::entropy::Entropy;
use crate::environment::Environment;
use crate::error::SealedFileError;
use crate::place::{KEY_STORE, Place};

/// Keys in one file, sealed with a key from a passphrase.
///
/// Share it by reference or `Arc`; all its methods take `&self`. Several processes may have one file open:
/// a change is made to what stands in the file, under a lock, so that none is lost; [`SealedFile::refresh`]
/// takes over what others changed.
pub struct SealedFile {
    place: Place,
    environment: Environment,
    file_keys: FileKeys,
    contents: RwLock<Contents>,
}

impl SealedFile {
    /// Creates a store without keys at a path where nothing stands, for one environment for ever.
    ///
    /// `entropy` gives the salt: [`crate::system_entropy`], but in a simulation.
    pub fn create(
        path: &Path,
        passphrase: &Passphrase,
        environment: Environment,
        cost: Cost,
        entropy: &mut Entropy<'_>,
    ) -> Result<Self, SealedFileError> {
        match (environment, cost) {
            (Environment::Production, Cost::Testing) => return Err(SealedFileError::CostTooLow),
            (Environment::Production, Cost::Recommended)
            | (Environment::Test, Cost::Recommended | Cost::Testing) => {}
        }
        let place = Place::new(path)?;
        let mut salt = [0; 16];
        entropy(&mut salt)?;
        let file_keys = FileKeys::create(KEY_STORE, environment.label(), passphrase, cost, salt)
            .map_err(|OutOfMemory| SealedFileError::OutOfMemory)?;
        let held = place.hold()?;
        if place.is_taken() {
            return Err(SealedFileError::AlreadyThere { path: place.path() });
        }
        let store = Self { place, environment, file_keys, contents: RwLock::default() };
        store.write(&held, Contents::default())?;
        Ok(store)
    }

    /// Opens a store that is there, where it is of the environment that the caller works in.
    pub fn open(
        path: &Path,
        passphrase: &Passphrase,
        environment: Environment,
    ) -> Result<Self, SealedFileError> {
        let place = Place::new(path)?;
        let file = place.read()?;
        let found = Environment::of(file.label())
            .map_err(|damage| SealedFileError::Damaged { path: place.path(), damage })?;
        if found != environment {
            let wanted = environment;
            return Err(SealedFileError::WrongEnvironment { path: place.path(), found, wanted });
        }
        let file_keys = FileKeys::open(passphrase, &file)
            .map_err(|refused| SealedFileError::opening(refused, place.path()))?;
        let store = Self { place, environment, file_keys, contents: RwLock::default() };
        let contents = store.unseal(file)?;
        store.exchange(contents);
        Ok(store)
    }

    /// Whether its keys are for tests or for money.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// Takes over what other processes changed in the file; says whether there was anything.
    ///
    /// A server whose keys are managed from a command line calls it now and then, and when told to: until
    /// then a key suspended there goes on here.
    pub fn refresh(&self) -> Result<bool, SealedFileError> {
        // Under the lock, so that the snapshot never goes back behind a change of this process.
        let _held = self.place.hold()?;
        let contents = self.read()?;
        let changed = contents.generation != self.contents().generation;
        if changed {
            self.exchange(contents);
        }
        Ok(changed)
    }

    /// The snapshot, shared with all who read.
    pub(crate) fn contents(&self) -> RwLockReadGuard<'_, Contents> {
        // Nothing panics while writing: the write side exchanges two values. Poison has no meaning here.
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file, changes what it says, writes it, and makes that the snapshot; all under the lock.
    /// Where the change is refused nothing is written.
    pub(crate) fn change<T, E>(
        &self,
        change: impl FnOnce(&mut Contents) -> Result<T, E>,
    ) -> Result<Result<T, E>, SealedFileError> {
        let held = self.place.hold()?;
        let mut contents = self.read()?;
        let changed = change(&mut contents);
        if changed.is_ok() {
            self.write(&held, contents)?;
        }
        Ok(changed)
    }

    fn read(&self) -> Result<Contents, SealedFileError> {
        let file = self.place.read()?;
        let contents = self.unseal(file)?;
        if contents.generation < self.contents().generation {
            return Err(SealedFileError::RolledBack { path: self.place.path() });
        }
        Ok(contents)
    }

    fn unseal(&self, file: Unopened) -> Result<Contents, SealedFileError> {
        let damaged = |damage| SealedFileError::Damaged { path: self.place.path(), damage };
        let body = self.file_keys.unseal(file).map_err(damaged)?;
        let body = body.ok_or_else(|| SealedFileError::Replaced { path: self.place.path() })?;
        Contents::decode(&body).map_err(|_| damaged(Damage::Contents))
    }

    fn write(&self, held: &Held, mut contents: Contents) -> Result<(), SealedFileError> {
        contents.generation = contents.generation.saturating_add(1);
        let file = self
            .file_keys
            .seal(contents.encode(0))
            .map_err(|TooLarge| SealedFileError::TooLarge { path: self.place.path() })?;
        self.place.write(held, &file)?;
        self.exchange(contents);
        Ok(())
    }

    /// Waits for the frames that are being worked, and has all later ones worked with these contents.
    fn exchange(&self, mut contents: Contents) {
        let mut snapshot = self.contents.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut *snapshot, &mut contents);
        drop(snapshot);
        // The old contents are zeroised here, outside the lock.
        drop(contents);
    }
}

impl fmt::Debug for SealedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("SealedFile");
        f.field("path", &self.place.path()).field("environment", &self.environment());
        f.field("keys", &"[redacted]").finish()
    }
}
