//! Merchants and their API keys.

use model::UnixMillis;
use payment::MerchantId;
use sha2::{Digest, Sha256};
use store::{ApiKey, StoreError};

use super::App;

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
    /// Adds a merchant and its first key.
    pub async fn add_merchant(
        &self,
        name: &str,
        live: bool,
    ) -> Result<(MerchantId, ApiKeySecret), StoreError> {
        let (name, now) = (name.to_owned(), self.now());
        let merchant = self.write::<_, StoreError>(move |unit| unit.add_merchant(&name, now)).await?;
        let key = self.add_api_key(merchant, live, now).await?;
        Ok((merchant, key))
    }

    /// Adds a key to a merchant.
    async fn add_api_key(
        &self,
        merchant: MerchantId,
        live: bool,
        now: UnixMillis,
    ) -> Result<ApiKeySecret, StoreError> {
        let kind = if live { "live" } else { "test" };
        let secret = ApiKeySecret(format!("cf_{kind}_{:032x}{:032x}", self.random(), self.random()));
        let hint: String = secret.0.chars().take(12).collect();
        let key = ApiKey { merchant, digest: digest_of(&secret.0), hint, live };
        self.write::<_, StoreError>(move |unit| unit.add_api_key(&key, now)).await?;
        Ok(secret)
    }

    /// Whose key it is, if it is anybody's.
    pub fn merchant_of_key(&self, key: &str) -> Result<Option<ApiKey>, StoreError> {
        let digest = digest_of(key);
        self.inner.store.peek(|rows| rows.api_key(&digest))
    }
}
