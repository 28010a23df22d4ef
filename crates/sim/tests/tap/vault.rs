//! The custodians' ceremony: a sealed key store with the bank's keys and those of every product.

use std::path::Path;

use crypto::{KeyName, TransportKey};
use keystore::{Component, Cost, Custodian, Environment, KeyEvent, KeyUse, Passphrase, SealedFile};
use packs::Industries;
use server::bank::BankKeyNames;

use crate::counter::MORNING;

/// What the two custodians brought.
const PARTS: [[u8; 32]; 2] = [[0x5a; 32], [0x33; 32]];

pub(crate) fn names() -> BankKeyNames {
    BankKeyNames {
        terminal_root: root(),
        pin_verification: name("pin-verification-1"),
        transport: name("transport-1"),
    }
}

pub(crate) fn root() -> KeyName {
    name("terminal-root-1")
}

/// The key that the card maker got from the custodians.
pub(crate) fn card_makers_key() -> TransportKey {
    TransportKey::from_components(&PARTS)
}

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

pub(crate) fn make_keys(path: &Path, industries: &Industries) -> SealedFile {
    let mut next = 7_u8;
    let mut entropy = |bytes: &mut [u8]| {
        for byte in bytes {
            next = next.wrapping_mul(5).wrapping_add(3);
            *byte = next;
        }
        Ok(())
    };
    let passphrase = Passphrase::new("eight horses at the gate".into()).unwrap();
    let store =
        SealedFile::create(path, &passphrase, Environment::Test, Cost::Testing, &mut entropy).unwrap();
    let custodians = ["li", "wang"].map(|name| Custodian::new(name).unwrap());
    let components = [0, 1].map(|i| Component {
        custodian: &custodians[i],
        bytes: zeroize::Zeroizing::new(PARTS[i].to_vec()),
        check_value: TransportKey::from_bytes(PARTS[i]).check_value(),
    });
    let transport = names().transport;
    let check = card_makers_key().check_value();
    store.import_components(transport, KeyUse::WrapCardKeys, &components, check, MORNING).unwrap();
    store.set_state(transport, KeyEvent::Activate, &custodians[1], MORNING).unwrap();
    let mut wanted =
        vec![(root(), KeyUse::DeriveTerminalKeys), (names().pin_verification, KeyUse::VerifyPins)];
    for industry in industries.all() {
        let keys = industry.product.keys;
        wanted.extend([
            (keys.load, KeyUse::LoadPurses),
            (keys.tac, KeyUse::ProvePurses),
            (keys.purchase, KeyUse::BuyWithPurses),
            (keys.maintenance, KeyUse::MaintainPurses),
        ]);
    }
    // Authenticators of those who work at the counter.
    wanted.push((name("secrets-1"), KeyUse::SealSecrets));
    for (name, key_use) in wanted {
        store.generate(name, key_use, &custodians[0], MORNING, &mut entropy).unwrap();
        store.set_state(name, KeyEvent::Activate, &custodians[1], MORNING).unwrap();
    }
    store
}
