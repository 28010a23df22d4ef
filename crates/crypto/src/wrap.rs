//! A card key on its way into a secure element: RFC 3394 AES key wrap under a transport key.

use aes_kw::{KeyInit, KwAes256};

use crate::{CardKey, TransportKey};

/// A card key wrapped under a transport key: 24 bytes that anybody may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrappedCardKey(pub [u8; 24]);

/// The wrapped key was not made under this transport key, or was changed on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the wrapped key does not open under this transport key")]
pub struct WrapError;

impl TransportKey {
    /// Wraps a card key (RFC 3394, 16 bytes in, 24 out).
    pub fn wrap(&self, key: &CardKey) -> Result<WrappedCardKey, WrapError> {
        let mut out = [0; 24];
        KwAes256::new(&self.0.into()).wrap_key(&key.0, &mut out).map_err(|_| WrapError)?;
        Ok(WrappedCardKey(out))
    }

    /// Unwraps a card key; refuses one that was changed or wrapped elsewhere.
    pub fn unwrap_key(&self, wrapped: &WrappedCardKey) -> Result<CardKey, WrapError> {
        let mut key = CardKey::from_bytes([0; 16]);
        KwAes256::new(&self.0.into()).unwrap_key(&wrapped.0, &mut key.0).map_err(|_| WrapError)?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrap_is_that_of_rfc_3394() {
        // Section 4.3: 128 bits of key data with a 256-bit key-encryption key.
        let mut transport = [0; 32];
        hex::decode_to_slice(
            "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
            &mut transport,
        )
        .unwrap();
        let mut key = [0; 16];
        hex::decode_to_slice("00112233445566778899AABBCCDDEEFF", &mut key).unwrap();
        let mut wrapped = [0; 24];
        hex::decode_to_slice("64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7", &mut wrapped).unwrap();
        let transport = TransportKey::from_bytes(transport);
        assert_eq!(transport.wrap(&CardKey::from_bytes(key)), Ok(WrappedCardKey(wrapped)));
        assert!(transport.unwrap_key(&WrappedCardKey(wrapped)) == Ok(CardKey::from_bytes(key)));
        wrapped[5] ^= 1;
        assert!(transport.unwrap_key(&WrappedCardKey(wrapped)) == Err(WrapError));
    }
}
