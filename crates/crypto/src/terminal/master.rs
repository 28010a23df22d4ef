//! The key that a terminal keeps.

use subtle::ConstantTimeEq;

use super::derivation::derive;
use super::message::MessageKey;
use super::suite::TerminalSuite;
use super::working::{WrappedWorkingKeys, WrappingKey};
use crate::key::check_value;
use crate::{CheckValue, PinKey, WrapError};

secret!(
    /// The one key that a terminal keeps, sealed under a passphrase: all it does with the security server comes
    /// from it.
    TerminalMasterKey,
    16
);

kept_by_a_key_store!(TerminalMasterKey);

impl TerminalMasterKey {
    /// The key under which working keys come to the terminal.
    pub fn wrapping(&self) -> WrappingKey {
        WrappingKey(derive(&self.0, b"CFTW", &[]))
    }

    /// The master message key: key id 0, always AES-128-GCM.
    pub fn message_key(&self) -> MessageKey {
        MessageKey::new(TerminalSuite::Aes128Gcm, derive(&self.0, b"CFT0", &[]), [0; 16])
    }

    /// The working keys that came wrapped, for the terminal's suite.
    pub fn unwrap_working(
        &self,
        wrapped: &WrappedWorkingKeys,
        suite: TerminalSuite,
    ) -> Result<(MessageKey, PinKey), WrapError> {
        let keys = self.wrapping().unwrap_keys(wrapped)?;
        Ok((keys.message_key(suite), keys.pin_key()))
    }

    /// The key's check value.
    pub fn check_value(&self) -> CheckValue {
        check_value(&self.0)
    }
}

impl PartialEq for TerminalMasterKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}
