//! The root of all terminals' keys.

use model::TerminalId;

use super::derivation::derive;
use super::master::TerminalMasterKey;
use super::working::WorkingKeys;
use crate::key::check_value;
use crate::{CheckValue, PinKey};

secret!(
    /// Gives terminals their keys and does nothing else (AES-128). It stays in the key store.
    TerminalRootKey,
    16
);

kept_by_a_key_store!(TerminalRootKey);

impl TerminalRootKey {
    /// The master key of one enrolment of a terminal.
    pub fn master_key(&self, terminal: TerminalId, version: u8) -> TerminalMasterKey {
        TerminalMasterKey(derive(&self.0, b"CFTM", &[&terminal.0, &[version]]))
    }

    /// The working keys of a key id. They come from the root and not from the master key: who has a terminal's
    /// master key still has to be given each of them.
    pub fn working_keys(&self, terminal: TerminalId, key_id: u32) -> WorkingKeys {
        let key = |part: u8| derive(&self.0, b"CFTK", &[&terminal.0, &key_id.to_be_bytes(), &[part]]);
        WorkingKeys { message: key(1), mac: key(2), pin: PinKey(key(3)) }
    }

    /// The key's check value.
    pub fn check_value(&self) -> CheckValue {
        check_value(&self.0)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::{ActivationSecret, TerminalSuite, WrapError, WrappedTerminalMaster, WrappedWorkingKeys};
    use std::format;
    use std::string::ToString;

    const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);

    fn root() -> TerminalRootKey {
        TerminalRootKey::from_bytes(core::array::from_fn(|i| i as u8))
    }

    fn code() -> ActivationSecret {
        ActivationSecret::from_bytes(core::array::from_fn(|i| 16 + i as u8))
    }

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn all_keys_are_those_that_another_library_derives() {
        // Python's `cryptography`: CMAC and AES key wrap over the inputs of the protocol.
        let master = root().master_key(TERMINAL, 1);
        assert_eq!(hex::encode(master.0), "f6b7f47725f392e19978b900eef0a18d");
        assert_eq!(hex::encode(master.wrapping().0), "7f63d24cbb17f21965847024588f4121");
        assert_eq!(master.check_value().to_string(), "77BC54");
        assert_eq!(master.message_key().check_value().to_string(), "C0D527");
        assert_eq!(master.message_key().suite(), TerminalSuite::Aes128Gcm);
        let working = root().working_keys(TERMINAL, 7);
        assert_eq!(hex::encode(working.message), "20e3f16a0e25bce77687fb53492b93f5");
        assert_eq!(hex::encode(working.mac), "e002f5bf9a1f62625e6098b5f42fbb50");
        assert_eq!(hex::encode(working.pin.0), "f9a4d6e787a935e4aec78db742c3498d");
        assert_eq!(working.check_value().to_string(), "04E161");
        assert_eq!(hex::encode(code().claim()), "1b911da32dbc0ebcc91e91ad3d6ece26");
    }

    #[test]
    fn what_is_wrapped_for_a_terminal_is_what_another_library_wraps() {
        let master = root().master_key(TERMINAL, 1);
        let wrapped = master.wrapping().wrap_keys(&root().working_keys(TERMINAL, 7)).unwrap();
        let expected = "358caae59db538bf64e71b3167e76737d74ba71722384c57bbac41020df21c299a6235047b43b64340ad9ae62\
                        c7e0742513eaa3e761a245c";
        assert_eq!(wrapped, WrappedWorkingKeys(bytes(expected)));
        let (message, pin) = master.unwrap_working(&wrapped, TerminalSuite::Sm4Gcm).unwrap();
        assert_eq!(
            (message.check_value().to_string(), message.suite()),
            ("04E161".into(), TerminalSuite::Sm4Gcm)
        );
        assert_eq!(hex::encode(pin.0), "f9a4d6e787a935e4aec78db742c3498d");

        let wrapped = code().wrap(TERMINAL, &master).unwrap();
        assert_eq!(wrapped, WrappedTerminalMaster(bytes("52dbe0f64d863bca528290b138a1cfd20177cddae6e9ce3e")));
        assert!(code().unwrap(TERMINAL, &wrapped) == Ok(master));
    }

    #[test]
    fn what_was_wrapped_for_another_does_not_open() {
        let master = root().master_key(TERMINAL, 1);
        let wrapped = code().wrap(TERMINAL, &master).unwrap();
        assert!(code().unwrap(TerminalId([9; 6]), &wrapped) == Err(WrapError));
        assert!(ActivationSecret::from_bytes([0; 16]).unwrap(TERMINAL, &wrapped) == Err(WrapError));
        let working = master.wrapping().wrap_keys(&root().working_keys(TERMINAL, 7)).unwrap();
        for index in 0..working.0.len() {
            let mut changed = working;
            changed.0[index] ^= 1;
            assert!(master.unwrap_working(&changed, TerminalSuite::Aes128Gcm).is_err());
        }
        let renewed = root().master_key(TERMINAL, 2);
        assert!(renewed.unwrap_working(&working, TerminalSuite::Aes128Gcm).is_err());
    }

    #[test]
    fn each_terminal_version_and_key_id_has_keys_of_its_own() {
        let master = root().master_key(TERMINAL, 1);
        assert!(master != root().master_key(TERMINAL, 2));
        assert!(master != root().master_key(TerminalId([1; 6]), 1));
        let working = root().working_keys(TERMINAL, 1);
        for other in [root().working_keys(TERMINAL, 2), root().working_keys(TerminalId([1; 6]), 1)] {
            assert_ne!(other.message, working.message);
            assert_ne!(other.mac, working.mac);
            assert_ne!(other.pin.0, working.pin.0);
        }
        assert_ne!(working.message, working.mac);
        assert_ne!(working.message, working.pin.0);
    }

    #[test]
    fn no_key_of_a_terminal_prints_itself() {
        let master = root().master_key(TERMINAL, 1);
        assert_eq!(format!("{:?}", root()), "TerminalRootKey([redacted])");
        assert_eq!(
            format!("{:?} {:?}", master, master.wrapping()),
            "TerminalMasterKey([redacted]) WrappingKey([redacted])"
        );
        assert_eq!(format!("{:?}", root().working_keys(TERMINAL, 1)), "WorkingKeys([redacted])");
        assert_eq!(format!("{:?}", code()), "ActivationSecret([redacted])");
    }
}
