//! Merchants and their API keys.

use model::UnixMillis;
use payment::MerchantId;
use sha2::{Digest, Sha256};
use store::{ApiKey, StoreError};

use super::{App, Mode};

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

/// SHA-256 of a key: what is stored. The key has 256 random bits, so that no slow hash is needed.
pub fn digest_of(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

impl App {
    /// Adds a merchant and its first key, which is of this platform's mode.
    pub async fn add_merchant(&self, name: &str) -> Result<(MerchantId, ApiKeySecret), StoreError> {
        let (name, now) = (name.to_owned(), self.now());
        let merchant = self.write::<_, StoreError>(move |unit| unit.add_merchant(&name, now)).await?;
        let key = self.add_api_key(merchant, now).await?;
        Ok((merchant, key))
    }

    /// Gives a merchant that is there one more key.
    pub async fn add_key(&self, merchant: MerchantId) -> Result<ApiKeySecret, StoreError> {
        self.add_api_key(merchant, self.now()).await
    }

    /// Adds a key to a merchant.
    pub(crate) async fn add_api_key(
        &self,
        merchant: MerchantId,
        now: UnixMillis,
    ) -> Result<ApiKeySecret, StoreError> {
        let (mode, live) = (self.mode(), self.mode() == Mode::Live);
        let secret =
            ApiKeySecret(format!("{}{:032x}{:032x}", mode.key_prefix(), self.random(), self.random()));
        let hint: String = secret.0.chars().take(12).collect();
        let key = ApiKey { merchant, digest: digest_of(&secret.0), hint, live };
        self.write::<_, StoreError>(move |unit| unit.add_api_key(&key, now)).await?;
        Ok(secret)
    }

    /// Whose key it is, if it is anybody's. A key of the other mode is nobody's, and is not looked up.
    pub fn merchant_of_key(&self, key: &str) -> Result<Option<ApiKey>, StoreError> {
        if Mode::of_key(key) != Some(self.mode()) {
            return Ok(None);
        }
        let digest = digest_of(key);
        self.inner.store.peek(|rows| rows.api_key(&digest))
    }
}
