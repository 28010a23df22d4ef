//! A key store in memory: one issuer master key, one transport key, and a switch that takes it away.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crypto::{
    CardKey, CardKeyReference, CheckValue, DatabaseKey, FrameCipher as _, FrameParameters, IssuerMasterKey,
    KeyName, KeyStore, KeyStoreError, OpenError, SealedSecret, SecretKeyId, SecretKeys, SecretPlace,
    TransportKey, VerificationCode, WrappedCardKey,
};
use zeroize::Zeroizing;

/// What the transport key is made of: also the card maker has it.
const TRANSPORT: [u8; 32] = [0x77; 32];
/// What every card key comes from: it must never be seen anywhere.
pub(crate) const MASTER: [u8; 16] = *b"issuer's own key";

pub(crate) fn master() -> KeyName {
    KeyName::new("issuer").unwrap()
}

pub(crate) fn transport() -> KeyName {
    KeyName::new("transport").unwrap()
}

/// The card maker's end of S0.
pub(crate) fn unwrapped(wrapped: &WrappedCardKey) -> CardKey {
    TransportKey::from_bytes(TRANSPORT).unwrap_key(wrapped).unwrap()
}

/// The key store.
pub(crate) struct Keys {
    pub(crate) away: AtomicBool,
    /// Keys of the database's secrets, all active, the newest last: what another machine has, a story changes.
    pub(crate) databases: RwLock<Vec<(KeyName, DatabaseKey)>>,
}

/// A key of the database's secrets by its number.
pub(crate) fn database_key(number: u8) -> (KeyName, DatabaseKey) {
    (KeyName::new(&format!("secrets-{number}")).unwrap(), DatabaseKey::from_bytes([number; 32]))
}

impl Default for Keys {
    fn default() -> Self {
        Self { away: AtomicBool::default(), databases: RwLock::new(vec![database_key(1)]) }
    }
}

impl SecretKeys for Keys {
    fn newest_secret_key(&self) -> Option<SecretKeyId> {
        let databases = self.databases.read().unwrap();
        databases.last().map(|(name, key)| SecretKeyId { name: *name, check_value: key.check_value() })
    }

    fn may_seal(&self, id: &SecretKeyId) -> Result<(), KeyStoreError> {
        self.database(id).map(|_| ())
    }

    fn seal_secret(
        &self,
        id: &SecretKeyId,
        place: &SecretPlace<'_>,
        nonce: [u8; 16],
        text: &[u8],
    ) -> Result<SealedSecret, KeyStoreError> {
        self.database(id)?.seal(id.name, place, nonce, text).map_err(|_| KeyStoreError::Unavailable)
    }

    fn open_secret(
        &self,
        place: &SecretPlace<'_>,
        sealed: &SealedSecret,
    ) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        self.database(&sealed.key())?.open(place, sealed)
    }
}

impl Keys {
    fn database(&self, id: &SecretKeyId) -> Result<DatabaseKey, KeyStoreError> {
        let databases = self.databases.read().unwrap();
        let found =
            databases.iter().find(|(name, key)| *name == id.name && key.check_value() == id.check_value);
        found.map(|(_, key)| key.clone()).ok_or(KeyStoreError::NoSuchKey)
    }

    fn key(&self, key: &CardKeyReference) -> Result<CardKey, KeyStoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(KeyStoreError::Unavailable);
        }
        Ok(IssuerMasterKey::from_bytes(MASTER).card_key(key.card_id, key.version, key.suite))
    }
}

fn refused(error: OpenError) -> KeyStoreError {
    match error {
        OpenError::WrongCode => KeyStoreError::WrongCode,
        OpenError::KeyUnavailable => KeyStoreError::Unavailable,
    }
}

impl KeyStore for Keys {
    fn seal_frame(
        &self,
        key: &CardKeyReference,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
    ) -> Result<VerificationCode, KeyStoreError> {
        self.key(key)?.seal(frame, text).map_err(refused)
    }

    fn open_frame(
        &self,
        key: &CardKeyReference,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
        code: &VerificationCode,
    ) -> Result<(), KeyStoreError> {
        self.key(key)?.open(frame, text, code).map_err(refused)
    }

    fn inject_card_key(
        &self,
        key: &CardKeyReference,
        _transport: KeyName,
    ) -> Result<(WrappedCardKey, CheckValue), KeyStoreError> {
        let key = self.key(key)?;
        let wrapped = TransportKey::from_bytes(TRANSPORT).wrap(&key);
        Ok((wrapped.map_err(|_| KeyStoreError::Unavailable)?, key.check_value()))
    }

    fn import_card_key(
        &self,
        _key: &CardKeyReference,
        _wrapped: &WrappedCardKey,
        _transport: KeyName,
        _check: CheckValue,
    ) -> Result<(), KeyStoreError> {
        Err(KeyStoreError::Unavailable)
    }

    fn card_key_check_value(&self, key: &CardKeyReference) -> Result<CheckValue, KeyStoreError> {
        Ok(self.key(key)?.check_value())
    }

    fn destroy_card_key(&self, _key: &CardKeyReference) -> Result<(), KeyStoreError> {
        Err(KeyStoreError::Unavailable)
    }
}
