//! The town's key store: a sealed file with one issuer master key and one transport key.

use std::path::Path;

use crypto::{KeyName, TransportKey};
use keystore::{Component, Cost, Custodian, Environment, KeyEvent, KeyUse, Passphrase, SealedFile};
use model::UnixMillis;
use zeroize::Zeroizing;

pub(crate) fn master() -> KeyName {
    KeyName::new("issuer-1").unwrap()
}

pub(crate) fn transport() -> KeyName {
    KeyName::new("transport-1").unwrap()
}

const PARTS: [[u8; 32]; 2] = [[0x5a; 32], [0x33; 32]];

pub(crate) fn transport_key() -> TransportKey {
    TransportKey::from_components(&PARTS)
}

pub(crate) fn passphrase() -> Passphrase {
    Passphrase::new("eight horses at the gate".into()).unwrap()
}

/// The custodians' ceremony: an issuer master key that nobody knows, and a transport key of two parts.
pub(crate) fn make_keys(path: &Path, now: UnixMillis) {
    let mut next = 7_u8;
    let mut entropy = |bytes: &mut [u8]| {
        for byte in bytes {
            next = next.wrapping_mul(5).wrapping_add(3);
            *byte = next;
        }
        Ok(())
    };
    let store =
        SealedFile::create(path, &passphrase(), Environment::Test, Cost::Testing, &mut entropy).unwrap();
    let custodians = ["li", "wang"].map(|name| Custodian::new(name).unwrap());
    store.generate(master(), KeyUse::DeriveCardKeys, &custodians[0], now, &mut entropy).unwrap();
    let components = [0, 1].map(|i| Component {
        custodian: &custodians[i],
        bytes: Zeroizing::new(PARTS[i].to_vec()),
        check_value: TransportKey::from_bytes(PARTS[i]).check_value(),
    });
    let check = transport_key().check_value();
    store.import_components(transport(), KeyUse::WrapCardKeys, &components, check, now).unwrap();
    for name in [master(), transport()] {
        store.set_state(name, KeyEvent::Activate, &custodians[1], now).unwrap();
    }
}

/// The issuer's next master key, in use; the one before is suspended, as after a theft.
pub(crate) fn next_master(store: &SealedFile, now: UnixMillis) -> KeyName {
    let next = KeyName::new("issuer-2").unwrap();
    let custodians = ["li", "wang"].map(|name| Custodian::new(name).unwrap());
    let mut entropy = |bytes: &mut [u8]| {
        bytes.fill(0x2b);
        Ok(())
    };
    store.generate(next, KeyUse::DeriveCardKeys, &custodians[0], now, &mut entropy).unwrap();
    store.set_state(next, KeyEvent::Activate, &custodians[1], now).unwrap();
    store.set_state(master(), KeyEvent::Suspend, &custodians[1], now).unwrap();
    next
}
