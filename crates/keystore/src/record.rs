//! A key as everybody may see it.

use std::fmt;

use crypto::{CheckValue, IssuerMasterKey, KeyName, TransportKey};
use model::UnixMillis;
use zeroize::Zeroizing;

use crate::state::{KeyState, Operation};

/// The one thing a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum KeyUse {
    /// An issuer master key (AES-128): derives card keys.
    DeriveCardKeys = 1,
    /// A transport key (AES-256): wraps card keys on their way into a secure element.
    WrapCardKeys = 2,
}

impl KeyUse {
    /// The length of such a key, and of each component of it, in bytes.
    pub const fn key_length(self) -> usize {
        match self {
            Self::DeriveCardKeys => IssuerMasterKey::LENGTH,
            Self::WrapCardKeys => TransportKey::LENGTH,
        }
    }

    pub(crate) const fn of(operation: Operation) -> Self {
        match operation {
            Operation::InjectCardKey | Operation::WorkFrame => Self::DeriveCardKeys,
            Operation::WrapCardKey | Operation::UnwrapCardKey => Self::WrapCardKeys,
        }
    }

    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::DeriveCardKeys),
            2 => Some(Self::WrapCardKeys),
            _ => None,
        }
    }
}

impl fmt::Display for KeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeriveCardKeys => "derive card keys",
            Self::WrapCardKeys => "wrap card keys",
        })
    }
}

/// What may be known of a key by name: all but its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The name; never used again for another key.
    pub name: KeyName,
    /// What it is for.
    pub key_use: KeyUse,
    /// Where it is in its life.
    pub state: KeyState,
    /// The first 3 bytes of the CMAC of a zero block.
    pub check_value: CheckValue,
    /// When it came into the store.
    pub created: UnixMillis,
}

/// The bytes of a key by name. On the heap, so that moving its record leaves no copy behind.
pub(crate) enum Material {
    Issuer(Box<IssuerMasterKey>),
    Transport(Box<TransportKey>),
}

impl Material {
    /// The key of these bytes; `None` where their number is not that of the use.
    pub(crate) fn new(key_use: KeyUse, bytes: &[u8]) -> Option<Self> {
        match key_use {
            KeyUse::DeriveCardKeys => {
                let bytes = Zeroizing::new(<[u8; IssuerMasterKey::LENGTH]>::try_from(bytes).ok()?);
                Some(Self::Issuer(Box::new(IssuerMasterKey::from_bytes(*bytes))))
            }
            KeyUse::WrapCardKeys => {
                let bytes = Zeroizing::new(<[u8; TransportKey::LENGTH]>::try_from(bytes).ok()?);
                Some(Self::Transport(Box::new(TransportKey::from_bytes(*bytes))))
            }
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Issuer(key) => key.expose_to_key_store(),
            Self::Transport(key) => key.expose_to_key_store(),
        }
    }

    pub(crate) fn check_value(&self) -> CheckValue {
        match self {
            Self::Issuer(key) => key.check_value(),
            Self::Transport(key) => key.check_value(),
        }
    }
}
