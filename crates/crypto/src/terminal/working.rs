//! The keys of half a day, and how they come to a terminal.

use core::fmt;

use aes_kw::{KeyInit, KwAes128};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::message::MessageKey;
use super::suite::TerminalSuite;
use crate::key::check_value;
use crate::{CheckValue, PinKey, WrapError};

/// What a terminal works with for half a day.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct WorkingKeys {
    pub(super) message: [u8; 16],
    pub(super) mac: [u8; 16],
    pub(super) pin: PinKey,
}

impl WorkingKeys {
    /// The key of messages in a suite.
    pub fn message_key(&self, suite: TerminalSuite) -> MessageKey {
        MessageKey::new(suite, self.message, self.mac)
    }

    /// The key of PIN blocks.
    pub fn pin_key(&self) -> PinKey {
        self.pin.clone()
    }

    /// The check value of the message key.
    pub fn check_value(&self) -> CheckValue {
        check_value(&self.message)
    }
}

impl fmt::Debug for WorkingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WorkingKeys([redacted])")
    }
}

secret!(
    /// Wraps a terminal's working keys and does nothing else (AES-128).
    WrappingKey,
    16
);

/// Working keys wrapped under a terminal's wrapping key: 56 bytes that anybody may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrappedWorkingKeys(pub [u8; 56]);

impl WrappingKey {
    /// Wraps working keys: message, MAC and PIN key (RFC 3394, 48 bytes in, 56 out).
    pub fn wrap_keys(&self, keys: &WorkingKeys) -> Result<WrappedWorkingKeys, WrapError> {
        let mut clear = Zeroizing::new([0; 48]);
        clear[..16].copy_from_slice(&keys.message);
        clear[16..32].copy_from_slice(&keys.mac);
        clear[32..].copy_from_slice(&keys.pin.0);
        let mut out = [0; 56];
        KwAes128::new(&self.0.into()).wrap_key(&*clear, &mut out).map_err(|_| WrapError)?;
        Ok(WrappedWorkingKeys(out))
    }

    /// Unwraps working keys; refuses those that were changed or wrapped elsewhere.
    pub fn unwrap_keys(&self, wrapped: &WrappedWorkingKeys) -> Result<WorkingKeys, WrapError> {
        let mut clear = Zeroizing::new([0; 48]);
        KwAes128::new(&self.0.into()).unwrap_key(&wrapped.0, &mut *clear).map_err(|_| WrapError)?;
        let mut keys = WorkingKeys { message: [0; 16], mac: [0; 16], pin: PinKey([0; 16]) };
        keys.message.copy_from_slice(&clear[..16]);
        keys.mac.copy_from_slice(&clear[16..32]);
        keys.pin.0.copy_from_slice(&clear[32..]);
        Ok(keys)
    }
}
