//! A radio's key.

use zeroize::Zeroizing;

/// The key that a radio joins with (LoRaWAN 1.0.x `AppKey`): 16 bytes, written as 32 hexadecimal digits.
#[derive(Clone)]
#[cfg_attr(not(feature = "chirpstack-api"), expect(dead_code, reason = "only the interface sends it"))]
pub struct AppKey(Zeroizing<[u8; 16]>);

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppKeyError {
    /// Not 32 hexadecimal digits.
    #[error("a key is 32 hexadecimal digits")]
    Form,
    /// All bytes are the same: a placeholder, not a key.
    #[error("all bytes of the key are the same: that is a placeholder, not a key")]
    Placeholder,
}

impl std::str::FromStr for AppKey {
    type Err = AppKeyError;
    fn from_str(text: &str) -> Result<Self, AppKeyError> {
        let mut key = Zeroizing::new([0; 16]);
        hex::decode_to_slice(text, key.as_mut_slice()).map_err(|_| AppKeyError::Form)?;
        if key.iter().all(|byte| Some(byte) == key.first()) {
            return Err(AppKeyError::Placeholder);
        }
        Ok(Self(key))
    }
}

impl std::fmt::Debug for AppKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(feature = "chirpstack-api")]
impl AppKey {
    pub(crate) fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_digits_and_prints_none_of_them() {
        let key: AppKey = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
        assert_eq!(format!("{key:?}"), "[redacted]");
        let error = |text: &str| text.parse::<AppKey>().err();
        assert_eq!(error("0001"), Some(AppKeyError::Form));
        assert_eq!(error("zz0102030405060708090a0b0c0d0e0f"), Some(AppKeyError::Form));
        assert_eq!(error(&"00".repeat(16)), Some(AppKeyError::Placeholder));
    }
}
