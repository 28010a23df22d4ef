//! A purse key on its way to where a wallet card is personalised: RFC 3394 under a transport key.

use aes_kw::{KeyInit, KwAes256};

use super::PurseKey;
use crate::{TransportKey, WrapError};

/// A purse key wrapped under a transport key: 24 bytes that anybody may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrappedPurseKey(pub [u8; 24]);

impl TransportKey {
    /// Wraps a purse key (RFC 3394, 16 bytes in, 24 out).
    pub fn wrap_purse_key(&self, key: &PurseKey) -> Result<WrappedPurseKey, WrapError> {
        let mut out = [0; 24];
        KwAes256::new(&self.0.into()).wrap_key(&key.0, &mut out).map_err(|_| WrapError)?;
        Ok(WrappedPurseKey(out))
    }

    /// Unwraps a purse key; refuses one that was changed or wrapped elsewhere.
    pub fn unwrap_purse_key(&self, wrapped: &WrappedPurseKey) -> Result<PurseKey, WrapError> {
        let mut key = PurseKey([0; 16]);
        KwAes256::new(&self.0.into()).unwrap_key(&wrapped.0, &mut key.0).map_err(|_| WrapError)?;
        Ok(key)
    }
}
