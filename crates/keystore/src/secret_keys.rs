//! The key store's contract with a database that holds secrets, done with the sealed file's contents.

use crypto::{KeyStoreError, SealedSecret, SecretKeyId, SecretKeys, SecretPlace};
use zeroize::Zeroizing;

use crate::contents::Contents;
use crate::record::KeyUse;
use crate::sealed_file::SealedFile;
use crate::state::{KeyState, Operation};

impl Contents {
    fn database_key(
        &self,
        key: &SecretKeyId,
        operation: Operation,
    ) -> Result<&crypto::DatabaseKey, KeyStoreError> {
        let record = self.keys.get(&key.name).ok_or(KeyStoreError::NoSuchKey)?.record;
        if record.check_value != key.check_value {
            return Err(KeyStoreError::NoSuchKey);
        }
        self.database(key.name, operation)
    }
}

impl SecretKeys for SealedFile {
    fn newest_secret_key(&self) -> Option<SecretKeyId> {
        let contents = self.contents();
        let ready = contents
            .keys
            .values()
            .map(|key| key.record)
            .filter(|record| record.key_use == KeyUse::SealSecrets && record.state == KeyState::Active);
        let newest = ready.max_by_key(|record| (record.created, record.name))?;
        Some(SecretKeyId { name: newest.name, check_value: newest.check_value })
    }

    fn may_seal(&self, key: &SecretKeyId) -> Result<(), KeyStoreError> {
        self.contents().database_key(key, Operation::SealSecret).map(|_| ())
    }

    fn seal_secret(
        &self,
        key: &SecretKeyId,
        place: &SecretPlace<'_>,
        nonce: [u8; 16],
        text: &[u8],
    ) -> Result<SealedSecret, KeyStoreError> {
        let contents = self.contents();
        let sealed = contents.database_key(key, Operation::SealSecret)?.seal(key.name, place, nonce, text);
        sealed.map_err(|error| {
            // Whoever calls chose the text; the operator finds in the log that it went wrong.
            tracing::error!(%error, table = place.table, "a secret was not sealed");
            KeyStoreError::Unavailable
        })
    }

    fn open_secret(
        &self,
        place: &SecretPlace<'_>,
        sealed: &SealedSecret,
    ) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        self.contents().database_key(&sealed.key(), Operation::OpenSecret)?.open(place, sealed)
    }
}
