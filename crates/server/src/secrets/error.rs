//! Why a secret was not sealed or opened: a variant a rule, a sentence that says what to do.

use crypto::{KeyStoreError, SecretKeyId};
use store::StoreError;

/// Why a secret of the database stays closed, or was not sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretRefused {
    /// The key store of this machine has no key for secrets at all.
    #[error(
        "the key store of this machine has no key that seals secrets; `counterfoil keys secrets` makes one, as the next start of \
         `counterfoil serve` does"
    )]
    NoKey,
    /// No key store was given.
    #[error(
        "a one-time code is checked with the key store, and there is none here: give a recovery code, or use the console"
    )]
    NoKeyStore,
    /// The database's secrets are sealed under a key that this machine's key store has not.
    #[error(
        "the database's secrets are sealed under the key {key}, which the key store of this machine does not have: copy the key \
         store of {} to this machine; if that key is lost for ever, `counterfoil keys secrets --renew --lost` begins with another",
        machine(node)
    )]
    KeyMissing {
        /// The key.
        key: SecretKeyId,
        /// The node that has it; empty where it has no name.
        node: String,
    },
    /// The key was stopped.
    #[error(
        "the key {key} of the database's secrets is suspended, retired or destroyed in the key store; `counterfoil keys list` shows it"
    )]
    KeyNotActive {
        /// The key.
        key: SecretKeyId,
    },
    /// A key that was in use before takes the place of no other.
    #[error(
        "the key {key} sealed the database's secrets before, and is not taken into use again; nothing has changed"
    )]
    UsedBefore {
        /// The key.
        key: SecretKeyId,
    },
    /// It was sealed for another row, or was changed.
    #[error(
        "the secret of {row} does not open in its row: it was sealed for another one, or was changed past the program; it is \
         not used. Make a new one"
    )]
    NotOfThisRow {
        /// The row.
        row: String,
    },
    /// Sealed in a form that this version does not read.
    #[error(
        "the secret of {row} stands in a form that this version does not read; use the version that sealed it"
    )]
    UnknownForm {
        /// The row.
        row: String,
    },
    /// The key store could not.
    #[error(transparent)]
    KeyStore(KeyStoreError),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The machine of a node, for a sentence.
fn machine(node: &str) -> String {
    if node.is_empty() { "the machine that made it".to_owned() } else { format!("the node {node:?}") }
}

impl SecretRefused {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoKey => "secret_key_none",
            Self::NoKeyStore => "no_key_store",
            Self::KeyMissing { .. } => "secret_key_missing",
            Self::KeyNotActive { .. } => "secret_key_not_active",
            Self::UsedBefore { .. } => "secret_key_used_before",
            Self::NotOfThisRow { .. } => "secret_not_of_this_row",
            Self::UnknownForm { .. } => "secret_form_unknown",
            Self::KeyStore(_) => "key_store_refused",
            Self::Store(error) => error.code(),
        }
    }

    /// Whether it is the key that is wrong, and not the secret: a key store that is copied here mends it.
    pub const fn is_of_the_key(&self) -> bool {
        match self {
            Self::NoKey | Self::NoKeyStore | Self::KeyMissing { .. } | Self::KeyNotActive { .. } => true,
            Self::UsedBefore { .. }
            | Self::NotOfThisRow { .. }
            | Self::UnknownForm { .. }
            | Self::KeyStore(_)
            | Self::Store(_) => false,
        }
    }
}
