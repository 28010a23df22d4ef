//! Secrets that stand in the database, sealed under a key of the key store: authenticators' and webhooks'.
//!
//! For: sealing each for its row, opening it where it is used, and bringing all that stands there under the key of today
//! (`pass`). A key is known by name and check value; which one new secrets are sealed under stands in the database, so that
//! nodes with key stores of their own agree, or say by name what they lack.
//! Refuses: a secret that was moved to another row or changed; sealing where the key is not; writing one in clear, ever. What an
//! earlier version left in clear is opened, and sealed by the next pass.
//! Next: `pass` for what a start does; `wipe` for what files may still hold; `error` for what is refused; `crypto::SealedSecret` for the form.

mod error;
mod pass;
mod wipe;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use ::operator::{OperatorName, TotpSecret};
use ::webhook::{EndpointId, Secret, SecretList};
use crypto::{KeyStore, KeyStoreError, SealedSecret, SecretKeyId, SecretPlace};
use model::UnixMillis;
use store::{KeptSecret, Reading, StoreError, StoredSecret, StoredSecretKey, Unit};
use zeroize::Zeroizing;

use crate::app::Chance;

pub use error::SecretRefused;
pub use pass::{Passed, SEALED_AT_ONCE};
pub use wipe::{WIPE_PAUSE, Wiping};

const TOTP: &str = "console_operator.totp_secret";
const WEBHOOK: &str = "webhook_secret.secret";

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    keys: Arc<dyn KeyStore>,
    chance: Arc<dyn Chance>,
    /// Whose key store it is; empty where it has no name.
    node: Arc<str>,
    /// When the database was last written anew in vain.
    failed: Arc<Mutex<Option<Instant>>>,
}

fn totp_place(name: &OperatorName) -> SecretPlace<'_> {
    // A name is given once and never changes, unlike a number that a copy of the database might give anew.
    SecretPlace { table: TOTP, owner: name.as_str().as_bytes(), number: 0 }
}

fn webhook_place(owner: &[u8; 16], number: u32) -> SecretPlace<'_> {
    SecretPlace { table: WEBHOOK, owner, number }
}

fn totp_row(name: &OperatorName) -> String {
    format!("the operator {name}'s authenticator")
}

fn webhook_row(endpoint: EndpointId, number: u32) -> String {
    format!("the webhook endpoint {endpoint}, number {number},")
}

impl Secrets {
    /// Over a key store.
    pub fn new(keys: Arc<dyn KeyStore>, chance: Arc<dyn Chance>) -> Self {
        Self { keys, chance, node: "".into(), failed: Arc::default() }
    }

    /// The same, by the name that other nodes know this one by.
    #[must_use]
    pub fn of_node(self, node: &str) -> Self {
        Self { node: node.into(), ..self }
    }

    /// The key that new secrets are sealed under. The first time it is the newest of the key store, and is kept as that.
    fn current(&self, unit: &mut dyn Unit, now: UnixMillis) -> Result<SecretKeyId, SecretRefused> {
        if let Some(current) = unit.secret_keys()?.first() {
            return self.able(current);
        }
        let id = self.keys.newest_secret_key().ok_or(SecretRefused::NoKey)?;
        let node = self.node.to_string();
        unit.add_secret_key(&StoredSecretKey { number: 1, id, node, at: now })?;
        Ok(id)
    }

    /// The key of a record, where it is here and may seal.
    fn able(&self, key: &StoredSecretKey) -> Result<SecretKeyId, SecretRefused> {
        match self.keys.may_seal(&key.id) {
            Ok(()) => Ok(key.id),
            Err(error) => Err(of_key(error, key.id, &key.node)),
        }
    }

    /// Whether this machine can work with the database's secrets now: nothing, or what it lacks.
    pub fn lacks(&self, rows: &dyn Reading) -> Result<Option<SecretRefused>, StoreError> {
        let keys = rows.secret_keys()?;
        Ok(keys.first().and_then(|current| self.able(current).err()))
    }

    fn seal(
        &self,
        key: SecretKeyId,
        place: &SecretPlace<'_>,
        text: &[u8],
    ) -> Result<SealedSecret, SecretRefused> {
        let nonce = self.chance.draw().to_be_bytes();
        self.keys.seal_secret(&key, place, nonce, text).map_err(|error| of_key(error, key, ""))
    }

    fn open(
        &self,
        rows: &dyn Reading,
        place: &SecretPlace<'_>,
        kept: &KeptSecret,
        row: impl Fn() -> String,
    ) -> Result<Zeroizing<Vec<u8>>, SecretRefused> {
        let sealed = match kept {
            KeptSecret::Clear(bytes) => return Ok(bytes.clone()),
            KeptSecret::Sealed(sealed) => sealed,
            KeptSecret::Unread { .. } => return Err(SecretRefused::UnknownForm { row: row() }),
        };
        match self.keys.open_secret(place, sealed) {
            Ok(text) => Ok(text),
            Err(KeyStoreError::WrongCode) => Err(SecretRefused::NotOfThisRow { row: row() }),
            Err(error) => {
                let keys = rows.secret_keys()?;
                let node = keys.iter().find(|key| key.id == sealed.key()).map_or("", |key| &key.node);
                Err(of_key(error, sealed.key(), node))
            }
        }
    }

    /// Seals what an operator's authenticator shares, in the unit of work that keeps it.
    pub(crate) fn seal_totp(
        &self,
        unit: &mut dyn Unit,
        now: UnixMillis,
        name: &OperatorName,
        totp: &TotpSecret,
    ) -> Result<SealedSecret, SecretRefused> {
        let key = self.current(unit, now)?;
        self.seal(key, &totp_place(name), totp.expose_to_key_store())
    }

    /// Opens it, for one login.
    pub(crate) fn open_totp(
        &self,
        rows: &dyn Reading,
        name: &OperatorName,
        kept: &KeptSecret,
    ) -> Result<TotpSecret, SecretRefused> {
        let row = || totp_row(name);
        let text = self.open(rows, &totp_place(name), kept, row)?;
        let bytes = Zeroizing::new(
            <[u8; TotpSecret::LENGTH]>::try_from(text.as_slice())
                .map_err(|_| SecretRefused::UnknownForm { row: row() })?,
        );
        Ok(TotpSecret::new(*bytes))
    }

    /// Seals a webhook's secret, in the unit of work that keeps it.
    pub(crate) fn seal_webhook(
        &self,
        unit: &mut dyn Unit,
        now: UnixMillis,
        endpoint: EndpointId,
        number: u32,
        secret: &Secret,
    ) -> Result<KeptSecret, SecretRefused> {
        let key = self.current(unit, now)?;
        let owner = endpoint.0.to_be_bytes();
        Ok(self.seal(key, &webhook_place(&owner, number), secret.expose_to_key_store())?.into())
    }

    /// Opens it.
    pub(crate) fn open_webhook(
        &self,
        rows: &dyn Reading,
        endpoint: EndpointId,
        stored: &StoredSecret,
    ) -> Result<Secret, SecretRefused> {
        let row = || webhook_row(endpoint, stored.number);
        let owner = endpoint.0.to_be_bytes();
        let text = self.open(rows, &webhook_place(&owner, stored.number), &stored.secret, row)?;
        Secret::from_bytes(&text).map_err(|_| SecretRefused::UnknownForm { row: row() })
    }

    /// An endpoint's secrets as those that sign now. The current one must open; an earlier one that does not is left out.
    pub(crate) fn signing(
        &self,
        rows: &dyn Reading,
        endpoint: EndpointId,
        stored: &[StoredSecret],
        now: UnixMillis,
    ) -> Result<SecretList, SecretRefused> {
        let wrong = || SecretRefused::UnknownForm { row: format!("the webhook endpoint {endpoint}") };
        let (current, earlier) = stored.split_first().ok_or_else(wrong)?;
        let current = self.open_webhook(rows, endpoint, current)?;
        let mut opened = Vec::new();
        for stored in earlier {
            let until = stored.until.ok_or_else(wrong)?;
            if until <= now {
                continue;
            }
            match self.open_webhook(rows, endpoint, stored) {
                Ok(secret) => opened.push((secret, until)),
                Err(SecretRefused::Store(error)) => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(%error, code = error.code(), "an earlier webhook secret does not sign");
                }
            }
        }
        SecretList::from_stored(current, opened).map_err(|_| wrong())
    }
}

/// What a key store's refusal means for a key of secrets.
fn of_key(error: KeyStoreError, key: SecretKeyId, node: &str) -> SecretRefused {
    match error {
        KeyStoreError::NoSuchKey | KeyStoreError::WrongUse => {
            SecretRefused::KeyMissing { key, node: node.to_owned() }
        }
        KeyStoreError::NotActive => SecretRefused::KeyNotActive { key },
        KeyStoreError::WrongCode
        | KeyStoreError::Exists
        | KeyStoreError::WrappedKeyRefused
        | KeyStoreError::WrongCheckValue
        | KeyStoreError::SuiteNotBuilt
        | KeyStoreError::Unavailable => SecretRefused::KeyStore(error),
    }
}
