//! Why a sealed file or a ceremony was refused: a variant a rule, a text that says what to do.

use std::io;
use std::path::PathBuf;

use crypto::{CheckValue, KeyName};
use sealed::{Damage, HeaderError, OpenError, OutOfMemory, ReadError, VERSION};

use crate::contents::{LOG_MAX, NAMED_KEYS_MAX};
use crate::custodian::Custodian;
use crate::entropy::EntropyFailed;
use crate::environment::Environment;
use crate::place::FILE_LENGTH_MAX;
use crate::record::KeyUse;
use crate::state::ForbiddenTransition;

/// Why a sealed file was not created, opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum SealedFileError {
    /// Nothing stands at the path.
    #[error("there is no key store at {}; create one, or give the path of yours", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The folder that should hold the file is not there.
    #[error("there is no folder {}; make it, or give another path", path.display())]
    FolderMissing {
        /// The folder.
        path: PathBuf,
    },
    /// Something stands at the path of a store to be created.
    #[error("{} is there already; open it, or create the key store elsewhere", path.display())]
    AlreadyThere {
        /// What is there.
        path: PathBuf,
    },
    /// The file does not begin with `CFKS`, or is no file.
    #[error("{} is not a key store file; give the path of yours", path.display())]
    NotAKeyStore {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a later version.
    #[error(
        "{} has format {found}, this version reads {known}; use the version that wrote it, or a later one",
        path.display()
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u16,
        /// The latest format that this build reads.
        known: u16,
    },
    /// Others than the owner can read or write the file.
    #[error(
        "{} has mode {mode:04o}: others than its owner have access; run `chmod 600` on it, and if others may \
         have copied it, begin a new key store with another passphrase",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The header is whole, and the passphrase is not that of the file.
    #[error("the passphrase is not that of {}; give the right one", path.display())]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The file was changed or cut off.
    #[error("{} is damaged: {damage}; put back a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// In which way.
        damage: Damage,
    },
    /// A test store where a production store is wanted, or the other way round.
    #[error("{} is a {found} key store and a {wanted} one is wanted; they never mix", path.display())]
    WrongEnvironment {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: Environment,
        /// What it should be.
        wanted: Environment,
    },
    /// `Cost::Testing` for a production store.
    #[error("the testing cost guards no production key store; create it with the recommended cost")]
    CostTooLow,
    /// While open, the file was exchanged for another store's.
    #[error("{} was exchanged for another key store; put the right one back, or open it anew", path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// While open, the file was exchanged for an older one of the same store.
    #[error(
        "{} was exchanged for an older copy of itself, which may hold keys since destroyed; put the newer one \
         back, or open it anew if the older one is meant",
        path.display()
    )]
    RolledBack {
        /// The file.
        path: PathBuf,
    },
    /// Another process is changing the file and did not finish.
    #[error("another process holds {}; try again, and if it stays held end that process", path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
    },
    /// The file is, or would become, larger than a store may be.
    #[error("{} would be larger than {max} bytes; begin a second key store", path.display(), max = FILE_LENGTH_MAX)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The memory that the passphrase's stretching needs is not there.
    #[error("there is not enough free memory to stretch the passphrase; free some and try again")]
    OutOfMemory,
    /// No randomness for the salt.
    #[error(transparent)]
    Entropy(#[from] EntropyFailed),
    /// The operating system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    System {
        /// What was tried.
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Why a ceremony was refused. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// The name is in use, or was.
    #[error("a key named {name} is or was here, and names are not used again; choose another")]
    NameTaken {
        /// The name.
        name: KeyName,
    },
    /// No key has this name.
    #[error("there is no key named {name}; look at the list of keys")]
    NoSuchKey {
        /// The name.
        name: KeyName,
    },
    /// The key's state does not know the event.
    #[error("{name}: {refused}")]
    State {
        /// The key.
        name: KeyName,
        /// State, event and what can be done.
        refused: ForbiddenTransition,
    },
    /// One component is no division of knowledge; more than three are not foreseen.
    #[error("a key comes in 2 or 3 components, and {found} were given")]
    ComponentCount {
        /// How many there were.
        found: usize,
    },
    /// A component is not as long as the key.
    #[error("component {number} has {found} bytes, and a key to {key_use} has {needed}; enter it again")]
    ComponentLength {
        /// Which component, from 1.
        number: usize,
        /// The use.
        key_use: KeyUse,
        /// As many bytes it needs.
        needed: usize,
        /// As many it has.
        found: usize,
    },
    /// A component was mistyped, or is another one.
    #[error("component {number} has check value {found}, and {given} was given; enter it again")]
    ComponentCheckValue {
        /// Which component, from 1.
        number: usize,
        /// The check value given beside it.
        given: CheckValue,
        /// The one it has.
        found: CheckValue,
    },
    /// Each component is right and the whole is another key.
    #[error(
        "the whole key has check value {found}, and {given} was given; the components are not of one key"
    )]
    KeyCheckValue {
        /// The check value given for the whole.
        given: CheckValue,
        /// The one it has.
        found: CheckValue,
    },
    /// One custodian with two components.
    #[error("{custodian} gave two components; each custodian gives one, so that nobody knows two")]
    SameCustodian {
        /// Who.
        custodian: Custodian,
    },
    /// A component that was entered before: the two cancel out, and a third custodian would know the key.
    #[error("component {number} was entered before; each custodian enters a component of their own")]
    SameComponent {
        /// Which component, from 1.
        number: usize,
    },
    /// A component or the whole key is all zeros.
    #[error("a component or the whole key is all zeros; enter the components again, or make new ones")]
    ZeroKey,
    /// A master of wallet cards whose two halves are one key: single DES.
    #[error("the two halves of the whole key are one, which is no more than single DES; make a new key")]
    WeakKey,
    /// No randomness for the key.
    #[error(transparent)]
    Entropy(#[from] EntropyFailed),
    /// The store holds as many named keys as it can; destroyed names count.
    #[error("the store holds {max} named keys; begin a second key store", max = NAMED_KEYS_MAX)]
    StoreFull,
    /// The custodian log holds as many lines as it can.
    #[error("the custodian log holds {max} lines; begin a second key store", max = LOG_MAX)]
    LogFull,
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] SealedFileError),
}

impl SealedFileError {
    /// Why the first bytes of this file are no header of a key store's.
    pub(crate) fn header(refused: HeaderError, path: PathBuf) -> Self {
        match refused {
            HeaderError::OtherKind => Self::NotAKeyStore { path },
            HeaderError::Newer(found) => Self::NewerFormat { path, found, known: VERSION },
            HeaderError::Damaged(damage) => Self::Damaged { path, damage },
        }
    }

    /// Why there are no keys for this file.
    pub(crate) fn opening(refused: OpenError, path: PathBuf) -> Self {
        match refused {
            OpenError::WrongPassphrase => Self::WrongPassphrase { path },
            OpenError::OutOfMemory(OutOfMemory) => Self::OutOfMemory,
        }
    }

    /// Why this file was not read.
    pub(crate) fn reading(refused: ReadError, path: PathBuf) -> Self {
        match refused {
            ReadError::Missing => Self::Missing { path },
            ReadError::NotAFile => Self::NotAKeyStore { path },
            ReadError::Exposed { mode } => Self::Exposed { path, mode },
            ReadError::TooLarge => Self::TooLarge { path },
            ReadError::System(source) => Self::System { what: "read", path, source },
        }
    }
}
