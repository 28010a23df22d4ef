//! Merchants and their API keys: made, listed, revoked. A key is shown once; what is kept is its digest.

use ::operator::AuditAction;
use model::UnixMillis;
use payment::MerchantId;
use sha2::{Digest, Sha256};
use store::{ApiKey, ApiKeyId, ApiScope, StoreError, StoredApiKey, Unit};

use super::{App, Mode};
use crate::operators::Actor;

/// The most keys of a merchant, those that were revoked with them.
pub const API_KEYS_MAX: u32 = 100;
/// The longest name of a key, in characters.
pub const API_KEY_NAME_CHARS_MAX: usize = 40;

/// An API key in clear, shown once.
pub struct ApiKeySecret(String);

impl ApiKeySecret {
    /// The key, for the one time that it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKeySecret([redacted])")
    }
}

/// Why a key was not made or revoked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// No such merchant.
    #[error("there is no {0}")]
    NoSuchMerchant(MerchantId),
    /// No such key.
    #[error("there is no API key {0}; `counterfoil merchant key list` shows those that there are")]
    NoSuchKey(ApiKeyId),
    /// It is refused already.
    #[error("{0} was revoked already")]
    AlreadyRevoked(ApiKeyId),
    /// Too many.
    #[error("{0} has {API_KEYS_MAX} API keys: no more are made")]
    TooMany(MerchantId),
    /// What it is called.
    #[error("a key's name is 1 to {API_KEY_NAME_CHARS_MAX} characters, none of them a control character")]
    Name,
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ApiKeyError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchMerchant(_) => "no_such_merchant",
            Self::NoSuchKey(_) => "no_such_api_key",
            Self::AlreadyRevoked(_) => "api_key_already_revoked",
            Self::TooMany(_) => "too_many_api_keys",
            Self::Name => "invalid_api_key_name",
            Self::Store(error) => error.code(),
        }
    }
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Whose.
    pub merchant: MerchantId,
    /// What it is called.
    pub name: String,
    /// What it may.
    pub scope: ApiScope,
}

/// SHA-256 of a key: what is stored. The key has 256 random bits, so that no slow hash is needed.
pub fn digest_of(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

impl App {
    /// Adds a merchant and its first key, which is of this platform's mode.
    pub async fn add_merchant(&self, name: &str) -> Result<(MerchantId, ApiKeySecret), StoreError> {
        let (name, now) = (name.to_owned(), self.now());
        let (secret, digest) = self.new_key();
        let (hint, live) = (hint_of(&secret), self.mode() == Mode::Live);
        let merchant = self
            .write::<_, StoreError>(move |unit| {
                let merchant = unit.add_merchant(&name, now)?;
                let (hint, name, scope) = (hint.clone(), String::new(), ApiScope::All);
                unit.add_api_key(&ApiKey { merchant, digest, hint, live, name, scope }, now)?;
                Ok(merchant)
            })
            .await?;
        Ok((merchant, secret))
    }

    fn new_key(&self) -> (ApiKeySecret, [u8; 32]) {
        let prefix = self.mode().key_prefix();
        let secret = ApiKeySecret(format!("{prefix}{:032x}{:032x}", self.random(), self.random()));
        let digest = digest_of(&secret.0);
        (secret, digest)
    }

    /// Gives a merchant that is there one more key, which nobody by name asked for: the test mode, the demonstration.
    ///
    /// # Errors
    /// [`ApiKeyError::TooMany`], or the store's.
    pub async fn add_key(&self, merchant: MerchantId) -> Result<ApiKeySecret, ApiKeyError> {
        let (now, (secret, digest)) = (self.now(), self.new_key());
        let (hint, live) = (hint_of(&secret), self.mode() == Mode::Live);
        let key = ApiKey { merchant, digest, hint, live, name: String::new(), scope: ApiScope::All };
        let added = self.write::<_, ApiKeyError>(move |unit| {
            room(unit, merchant)?;
            Ok(unit.add_api_key(&key, now)?)
        });
        added.await?;
        Ok(secret)
    }

    /// Adds a key to a merchant.
    ///
    /// # Errors
    /// The rule that is broken; nothing is kept then.
    pub async fn add_api_key(
        &self,
        by: Actor,
        new: NewApiKey,
    ) -> Result<(ApiKeyId, ApiKeySecret), ApiKeyError> {
        let NewApiKey { merchant, name, scope } = new;
        let name = name.trim().to_owned();
        let fits = (1..=API_KEY_NAME_CHARS_MAX).contains(&name.chars().count());
        if !fits || name.chars().any(char::is_control) {
            return Err(ApiKeyError::Name);
        }
        let now = self.now();
        let (secret, digest) = self.new_key();
        let live = self.mode() == Mode::Live;
        let key = ApiKey { merchant, digest, hint: hint_of(&secret), live, name, scope };
        let id = key.id();
        self.write::<_, ApiKeyError>(move |unit| {
            if unit.merchant(merchant)?.is_none() {
                return Err(ApiKeyError::NoSuchMerchant(merchant));
            }
            room(unit, merchant)?;
            unit.add_api_key(&key, now)?;
            let what = format!("{id} of {merchant} {}", scope.name());
            Ok(by.enter(unit, now, AuditAction::ApiKeyAdd, &what, "done")?)
        })
        .await?;
        Ok((id, secret))
    }

    /// Revokes a key: no request that begins after this has returned is answered under it, on any node.
    ///
    /// # Errors
    /// The rule that is broken; nothing is kept then.
    pub async fn revoke_api_key(&self, by: Actor, id: ApiKeyId) -> Result<StoredApiKey, ApiKeyError> {
        let now = self.now();
        self.write::<_, ApiKeyError>(move |unit| {
            let mut stored = unit.api_key_of_id(id)?.ok_or(ApiKeyError::NoSuchKey(id))?;
            if !unit.revoke_api_key(id, now)? {
                return Err(ApiKeyError::AlreadyRevoked(id));
            }
            stored.revoked_at = Some(now);
            let what = format!("{id} of {}", stored.key.merchant);
            by.enter(unit, now, AuditAction::ApiKeyRevoke, &what, "done")?;
            Ok(stored)
        })
        .await
    }

    /// Whose key it is, if it is anybody's. A key of the other mode is nobody's, and is not looked up.
    pub fn merchant_of_key(&self, key: &str) -> Result<Option<ApiKey>, StoreError> {
        if Mode::of_key(key) != Some(self.mode()) {
            return Ok(None);
        }
        let digest = digest_of(key);
        self.inner.store.peek(|rows| rows.api_key(&digest))
    }

    /// Notes that a key is used, without waiting for it. What is lost at an end is one minute.
    pub(crate) fn key_used(&self, digest: [u8; 32], now: UnixMillis) {
        let work = move |unit: &mut dyn Unit| unit.touch_api_key(&digest, now).map(|_| ());
        drop(self.inner.store.queue_write::<_, StoreError, _>(work));
    }
}

/// Whether a merchant may have one key more.
fn room(unit: &dyn Unit, merchant: MerchantId) -> Result<(), ApiKeyError> {
    let there = unit.api_keys_of(merchant, API_KEYS_MAX)?.len();
    if u32::try_from(there).unwrap_or(u32::MAX) < API_KEYS_MAX {
        Ok(())
    } else {
        Err(ApiKeyError::TooMany(merchant))
    }
}

fn hint_of(secret: &ApiKeySecret) -> String {
    secret.0.chars().take(12).collect()
}
