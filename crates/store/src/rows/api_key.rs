//! API keys of merchants: never a key, only its digest.

use std::fmt;
use std::str::FromStr;

use model::UnixMillis;
use payment::MerchantId;

/// What a key may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApiScope {
    /// Everything.
    All,
    /// Look, and change nothing.
    Read,
}

impl ApiScope {
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::All, Self::Read];

    /// The word for tables, pages and the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Read => "read",
        }
    }

    /// The scope of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// What a key is known by: the first 8 bytes of its digest. Written `key_` and 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiKeyId(pub [u8; 8]);

/// A text is not a key's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an API key's id is `key_` and 16 hexadecimal digits; `counterfoil merchant key list` shows it")]
pub struct ApiKeyIdError;

impl ApiKeyId {
    /// The lowest and the highest digest that begin so.
    pub(crate) fn digests(self) -> ([u8; 32], [u8; 32]) {
        let beginning = |rest| {
            let mut digest = [rest; 32];
            digest[..8].copy_from_slice(&self.0);
            digest
        };
        (beginning(0), beginning(0xff))
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key_{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ApiKeyId {
    type Err = ApiKeyIdError;
    fn from_str(text: &str) -> Result<Self, ApiKeyIdError> {
        let digits = text.strip_prefix("key_").ok_or(ApiKeyIdError)?;
        if digits.len() != 16 || !digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(ApiKeyIdError);
        }
        let number = u64::from_str_radix(digits, 16).map_err(|_| ApiKeyIdError)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// An API key: never the key, only its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Whose.
    pub merchant: MerchantId,
    /// SHA-256 of the key.
    pub digest: [u8; 32],
    /// Its first letters, to recognise it by.
    pub hint: String,
    /// For real money.
    pub live: bool,
    /// What it is called; empty for a merchant's first.
    pub name: String,
    /// What it may.
    pub scope: ApiScope,
}

impl ApiKey {
    /// What it is known by.
    pub fn id(&self) -> ApiKeyId {
        let [a, b, c, d, e, f, g, h, ..] = self.digest;
        ApiKeyId([a, b, c, d, e, f, g, h])
    }
}

/// An API key with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredApiKey {
    /// The key.
    pub key: ApiKey,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last used, to the minute.
    pub used_at: Option<UnixMillis>,
    /// Since when it is refused.
    pub revoked_at: Option<UnixMillis>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_the_beginning_of_its_digest() {
        let mut digest = [0xab; 32];
        digest[0] = 0;
        let key = ApiKey {
            merchant: MerchantId(1),
            digest,
            hint: "cf_test_1234".into(),
            live: false,
            name: String::new(),
            scope: ApiScope::All,
        };
        assert_eq!(key.id().to_string(), "key_00ababababababab");
        assert_eq!("key_00ababababababab".parse(), Ok(key.id()));
        for bad in ["", "key_", "key_00ABABABABABABAB", "key_0", "cf_test_1234", "key_+0ababababababab"] {
            assert_eq!(bad.parse::<ApiKeyId>(), Err(ApiKeyIdError), "{bad}");
        }
        for scope in ApiScope::ALL {
            assert_eq!(ApiScope::from_name(scope.name()), Some(scope));
        }
    }
}
