//! What a unit of work can see and change of secrets and the keys that they are sealed under.
//!
//! For: keeping [`Reading`](crate::Reading) and [`Unit`](crate::Unit) readable; both include these. A secret is carried as it
//! stands: sealed, or in clear where an earlier version left it.
//! Refuses: sealing and opening, which take a key store (`server::secrets`). What is guarded here holds when everything above
//! fails: a key's record never changes, and of two keys that would be the next, one is.
//! Next: [`crate::rows`] for the values.

use ::operator::OperatorName;
use ::webhook::EndpointId;
use crypto::{KeyName, SealedSecret};

use crate::StoreError;
use crate::rows::{KeptSecret, Residue, StoredSecretKey};

type Listed<T> = Result<Vec<T>, StoreError>;

/// What can be read of secrets.
pub trait SecretReading {
    /// The keys that secrets were and are sealed under, the newest first: it is the one for new ones.
    fn secret_keys(&self) -> Listed<StoredSecretKey>;
    /// Operators whose secret is sealed under a key, or in clear, by name, above a name.
    fn totp_secrets_under(
        &self,
        key: Option<KeyName>,
        after: Option<&OperatorName>,
        limit: u32,
    ) -> Listed<(OperatorName, KeptSecret)>;
    /// Webhooks' secrets that are sealed under a key, or in clear, by endpoint and number, above one of them.
    fn webhook_secrets_under(
        &self,
        key: Option<KeyName>,
        after: Option<(EndpointId, u32)>,
        limit: u32,
    ) -> Listed<(EndpointId, u32, KeptSecret)>;
    /// The mark that the disk may still hold secrets in clear, of rows that are sealed or gone.
    fn residue(&self) -> Result<Option<Residue>, StoreError>;
}

/// What can be changed of secrets.
pub trait SecretUnit: SecretReading {
    /// Adds a key's record: new secrets are sealed under it.
    fn add_secret_key(&mut self, key: &StoredSecretKey) -> Result<(), StoreError>;
    /// Seals an operator's secret where it still stands as it was read; whether it did.
    fn seal_totp_secret(
        &mut self,
        operator: &OperatorName,
        was: &KeptSecret,
        sealed: &SealedSecret,
    ) -> Result<bool, StoreError>;
    /// Seals a webhook's secret where it still stands as it was read; whether it did.
    fn seal_webhook_secret(
        &mut self,
        endpoint: EndpointId,
        number: u32,
        was: &KeptSecret,
        sealed: &SealedSecret,
    ) -> Result<bool, StoreError>;
    /// Marks that the disk may hold secrets in clear from this unit of work on. It takes the place of a mark before it.
    fn mark_residue(&mut self, mark: &Residue) -> Result<(), StoreError>;
    /// Takes a mark away if it is still the one that stands there; whether it was.
    fn clear_residue(&mut self, seen: &Residue) -> Result<bool, StoreError>;
}
