//! A file that the first version made: `fixtures/v1.cfks`. Whatever changes here, it opens, and the same acts with the
//! same randomness make it again, byte for byte.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crypto::{CardKey, CardKeyReference, KeyOrigin, KeyStore, KeyStoreError, Suite, TransportKey};
use keystore::{Action, Cost, Environment, KeyEvent, KeyState, KeyUse, Passphrase, SealedFile};
use model::{CardId, KeyVersion, UnixMillis};

use crate::{NOW, counting, li, name};

const FILE: &[u8] = include_bytes!("../fixtures/v1.cfks");

fn passphrase() -> Passphrase {
    Passphrase::new("a passphrase of the first version".into()).unwrap()
}

/// Every use with its name, its state and its check value, as the first version showed them.
const KEYS: [(&str, KeyUse, KeyState, &str); 8] = [
    ("issuer-1", KeyUse::DeriveCardKeys, KeyState::Active, "3E451E"),
    ("transport-1", KeyUse::WrapCardKeys, KeyState::Active, "8210D0"),
    ("load-1", KeyUse::LoadPurses, KeyState::Active, "B73D56"),
    ("tac-1", KeyUse::ProvePurses, KeyState::Suspended, "8BAF47"),
    ("purchase-1", KeyUse::BuyWithPurses, KeyState::Retired, "A4B7D6"),
    ("maintenance-1", KeyUse::MaintainPurses, KeyState::Destroyed, "9DCB14"),
    ("terminal-root-1", KeyUse::DeriveTerminalKeys, KeyState::Active, "48AF59"),
    ("pin-verification-1", KeyUse::VerifyPins, KeyState::PreActive, "E93B13"),
];

fn card(id: u32, origin: KeyOrigin) -> CardKeyReference {
    CardKeyReference { card_id: CardId(id), version: KeyVersion::FIRST, suite: Suite::Sm4Eax, origin }
}

/// The acts that made the file.
fn made_at(path: &Path) -> SealedFile {
    let create = SealedFile::create(path, &passphrase(), Environment::Test, Cost::Testing, &mut counting(1));
    let store = create.unwrap();
    for (number, (key, key_use, state, _)) in (1..).zip(KEYS) {
        store.generate(name(key), key_use, &li(), NOW, &mut counting(number * 16)).unwrap();
        let events: &[KeyEvent] = match state {
            KeyState::PreActive => &[],
            KeyState::Active => &[KeyEvent::Activate],
            KeyState::Suspended => &[KeyEvent::Activate, KeyEvent::Suspend],
            KeyState::Retired => &[KeyEvent::Activate, KeyEvent::Retire],
            KeyState::Destroyed => &[KeyEvent::Activate, KeyEvent::Retire, KeyEvent::Destroy],
        };
        for (later, event) in (1..).zip(events) {
            store.set_state(name(key), *event, &li(), UnixMillis(NOW.0 + later)).unwrap();
        }
    }
    let transport = TransportKey::from_bytes(std::array::from_fn(|at| 32 + at as u8));
    let imported = CardKey::from_bytes([0x5a; 16]);
    let wrapped = transport.wrap(&imported).unwrap();
    let reference = card(7, KeyOrigin::Imported);
    store.import_card_key(&reference, &wrapped, name("transport-1"), imported.check_value()).unwrap();
    store.destroy_card_key(&card(8, KeyOrigin::Derived(name("issuer-1")))).unwrap();
    store
}

#[test]
fn a_file_of_the_first_version_opens_with_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.cfks");
    fs::write(&path, FILE).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();

    let store = SealedFile::open(&path, &passphrase(), Environment::Test).unwrap();
    assert_eq!(store.keys().len(), KEYS.len());
    for (key, key_use, state, check_value) in KEYS {
        let record = store.key(name(key)).unwrap();
        assert_eq!((record.key_use, record.state, record.created), (key_use, state, NOW), "{key}");
        assert_eq!(record.check_value.to_string(), check_value, "{key}");
    }
    assert_eq!(store.custodian_log().len(), 19);
    assert!(store.custodian_log().iter().all(|entry| entry.custodian == li()));
    assert_eq!(store.custodian_log()[0].action, Action::Generated);
    let imported = store.card_key_check_value(&card(7, KeyOrigin::Imported));
    assert_eq!(imported, Ok(CardKey::from_bytes([0x5a; 16]).check_value()));
    let derived = |id| store.card_key_check_value(&card(id, KeyOrigin::Derived(name("issuer-1"))));
    assert_eq!(derived(8), Err(KeyStoreError::NotActive));
    assert_eq!(derived(9).unwrap().to_string(), "F541AB");
    // It is not only read: a change of it is kept.
    store.set_state(name("tac-1"), KeyEvent::Resume, &li(), NOW).unwrap();
    let again = SealedFile::open(&path, &passphrase(), Environment::Test).unwrap();
    assert_eq!(again.key(name("tac-1")).unwrap().state, KeyState::Active);
}

#[test]
fn the_same_acts_make_the_same_file_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.cfks");
    made_at(&path);
    assert!(fs::read(&path).unwrap() == FILE);
}
