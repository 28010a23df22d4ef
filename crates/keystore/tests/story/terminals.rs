//! The bank's servers of terminals: enrolment, working keys, messages and PINs under a root.

use crypto::{
    ActivationSecret, Direction, KeyName, KeyStoreError, MessageKey, Pin, PinBlock, PinKey, PinKeys,
    PinReference, TerminalKeyReference, TerminalKeys, TerminalMasterKey, TerminalSuite,
};
use keystore::{KeyEvent, KeyUse, SealedFile};
use model::{Asn, TerminalId};

use crate::{Desk, NOW, counting, li, name, open};

const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);
const ACCOUNT: &str = "6222020200112233445";
const HEADER: [u8; 20] = [7; 20];
const NONCE: [u8; 12] = [9; 12];

fn asn() -> Asn {
    "00001000751234567890".parse().unwrap()
}

fn pin(digits: &str) -> Pin {
    digits.parse().unwrap()
}

fn desk() -> Desk {
    let desk = Desk::new();
    for (key, key_use) in [("root-1", KeyUse::DeriveTerminalKeys), ("pins-1", KeyUse::VerifyPins)] {
        desk.store.generate(name(key), key_use, &li(), NOW, &mut counting(key_use as u8)).unwrap();
        desk.store.set_state(name(key), KeyEvent::Activate, &li(), NOW).unwrap();
    }
    desk
}

fn code() -> ActivationSecret {
    ActivationSecret::from_bytes([0x1d; 16])
}

fn reference(key_id: u32) -> TerminalKeyReference {
    TerminalKeyReference {
        root: name("root-1"),
        terminal: TERMINAL,
        master_version: 1,
        key_id,
        suite: TerminalSuite::Aes128Gcm,
    }
}

/// What a terminal has after its enrolment.
fn enrolled(store: &SealedFile) -> TerminalMasterKey {
    let (wrapped, check) = store.wrap_terminal_master(name("root-1"), TERMINAL, 1, &code()).unwrap();
    let master = code().unwrap(TERMINAL, &wrapped).unwrap();
    assert_eq!(master.check_value(), check);
    master
}

/// What a terminal has after it asked for a working key.
fn working(store: &SealedFile, key: &TerminalKeyReference) -> (MessageKey, PinKey) {
    let (wrapped, check) = store.wrap_working_keys(key).unwrap();
    let (message, pin) = enrolled(store).unwrap_working(&wrapped, key.suite).unwrap();
    assert_eq!(message.check_value(), check);
    (message, pin)
}

fn pin_block(store: &SealedFile, digits: &str) -> PinBlock {
    working(store, &reference(5)).1.format4(&pin(digits), asn(), [3; 8])
}

#[test]
fn a_terminal_and_the_bank_understand_each_other() {
    let desk = desk();
    let sm4 = TerminalKeyReference { suite: TerminalSuite::Sm4Gcm, ..reference(5) };
    for key in [reference(0), reference(5), reference(u32::MAX), sm4] {
        let terminal = match key.key_id {
            0 => enrolled(&desk.store).message_key(),
            _ => working(&desk.store, &key).0,
        };
        let mut text = b"I01000202...".to_vec();
        terminal.seal(Direction::ToBank, &HEADER, &NONCE, &mut text).unwrap();
        open(&desk.path).unwrap().open_message(&key, &HEADER, &NONCE, &mut text.clone()).unwrap();
        desk.store.open_message(&key, &HEADER, &NONCE, &mut text).unwrap();
        assert_eq!(text, b"I01000202...");
        desk.store.seal_message(&key, &HEADER, &NONCE, &mut text).unwrap();
        terminal.open(Direction::ToTerminal, &HEADER, &NONCE, &mut text).unwrap();
        assert_eq!(text, b"I01000202...");
    }
}

#[test]
fn the_master_message_key_is_of_the_first_suite_whatever_the_terminals() {
    let desk = desk();
    let key = TerminalKeyReference { suite: TerminalSuite::TripleDes, ..reference(0) };
    let mut text = b"{}".to_vec();
    desk.store.seal_message(&key, &HEADER, &NONCE, &mut text).unwrap();
    enrolled(&desk.store).message_key().open(Direction::ToTerminal, &HEADER, &NONCE, &mut text).unwrap();
}

#[test]
fn a_message_of_anything_else_has_the_wrong_code_and_stays_sealed() {
    let desk = desk();
    let mut sealed = b"I01000202...".to_vec();
    working(&desk.store, &reference(5)).0.seal(Direction::ToBank, &HEADER, &NONCE, &mut sealed).unwrap();
    let refused = |key: TerminalKeyReference, header: &[u8; 20], nonce: &[u8], sealed: &[u8]| {
        let mut text = sealed.to_vec();
        let opened = desk.store.open_message(&key, header, nonce, &mut text);
        assert_eq!(opened, Err(KeyStoreError::WrongCode), "{key:?}");
        assert_eq!(text, sealed);
    };
    let key = reference(5);
    refused(reference(0), &HEADER, &NONCE, &sealed);
    refused(reference(6), &HEADER, &NONCE, &sealed);
    refused(TerminalKeyReference { terminal: TerminalId([1; 6]), ..key }, &HEADER, &NONCE, &sealed);
    refused(TerminalKeyReference { suite: TerminalSuite::Sm4Gcm, ..key }, &HEADER, &NONCE, &sealed);
    refused(key, &[8; 20], &NONCE, &sealed);
    refused(key, &HEADER, &[8; 12], &sealed);
    refused(key, &HEADER, &NONCE[..8], &sealed);
    refused(key, &HEADER, &NONCE, &sealed[1..]);
    refused(key, &HEADER, &NONCE, &sealed[..15]);
    refused(key, &HEADER, &NONCE, &[]);
    // What the bank sealed cannot be sent back to it.
    let mut answer = b"I01000204...".to_vec();
    desk.store.seal_message(&key, &HEADER, &NONCE, &mut answer).unwrap();
    refused(key, &HEADER, &NONCE, &answer);
    let mut text = b"text".to_vec();
    assert_eq!(desk.store.seal_message(&key, &HEADER, &[9; 8], &mut text), Err(KeyStoreError::Unavailable));
}

#[test]
fn legacy_suites_are_spoken_where_they_are_built() {
    let desk = desk();
    for suite in [TerminalSuite::Des, TerminalSuite::TripleDes] {
        let key = TerminalKeyReference { suite, ..reference(5) };
        let mut text = b"I01000204...".to_vec();
        let sealed = desk.store.seal_message(&key, &HEADER, &[9; 8], &mut text);
        if suite.is_built() {
            sealed.unwrap();
            let terminal = working(&desk.store, &key).0;
            terminal.open(Direction::ToTerminal, &HEADER, &[9; 8], &mut text).unwrap();
            assert_eq!(text, b"I01000204...");
        } else {
            assert_eq!(sealed, Err(KeyStoreError::SuiteNotBuilt));
            let opened = desk.store.open_message(&key, &HEADER, &[9; 8], &mut text);
            assert_eq!(opened, Err(KeyStoreError::SuiteNotBuilt));
        }
    }
}

#[test]
fn a_code_opens_the_master_key_of_its_terminal_and_version() {
    let desk = desk();
    let (first, check) = desk.store.wrap_terminal_master(name("root-1"), TERMINAL, 1, &code()).unwrap();
    let (second, other) = desk.store.wrap_terminal_master(name("root-1"), TERMINAL, 2, &code()).unwrap();
    assert_ne!(check, other);
    assert!(code().unwrap(TERMINAL, &second).unwrap() != code().unwrap(TERMINAL, &first).unwrap());
    assert!(code().unwrap(TerminalId([1; 6]), &first).is_err());
    assert!(ActivationSecret::from_bytes([0x1e; 16]).unwrap(TERMINAL, &first).is_err());
    // Working keys of another enrolment do not open under this one's master.
    let renewed = TerminalKeyReference { master_version: 2, ..reference(5) };
    let (wrapped, _) = desk.store.wrap_working_keys(&renewed).unwrap();
    assert!(enrolled(&desk.store).unwrap_working(&wrapped, TerminalSuite::Aes128Gcm).is_err());
}

#[test]
fn key_id_zero_has_neither_working_keys_nor_a_pin_key() {
    let desk = desk();
    let no_key = KeyStoreError::NoSuchKey;
    assert_eq!(desk.store.wrap_working_keys(&reference(0)), Err(no_key));
    let block = pin_block(&desk.store, "123456");
    let verified =
        desk.store.verify_pin(&reference(0), &block, asn(), name("pins-1"), ACCOUNT, &PinReference([0; 16]));
    assert_eq!(verified, Err(no_key));
}

#[test]
fn a_right_pin_is_right_and_whatever_is_wrong_is_a_wrong_code() {
    let desk = desk();
    let store = &desk.store;
    let good = store.pin_reference(name("pins-1"), ACCOUNT, &pin("123456")).unwrap();
    let block = pin_block(store, "123456");
    let verify = |key: &TerminalKeyReference, block: &PinBlock, asn, account: &str, reference| {
        store.verify_pin(key, block, asn, name("pins-1"), account, reference)
    };
    let key = reference(5);
    assert_eq!(verify(&key, &block, asn(), ACCOUNT, &good), Ok(()));
    let wrong = Err(KeyStoreError::WrongCode);
    assert_eq!(verify(&key, &pin_block(store, "123457"), asn(), ACCOUNT, &good), wrong);
    assert_eq!(verify(&key, &pin_block(store, "1234567"), asn(), ACCOUNT, &good), wrong);
    assert_eq!(verify(&key, &block, "00001000751234567891".parse().unwrap(), ACCOUNT, &good), wrong);
    assert_eq!(verify(&reference(6), &block, asn(), ACCOUNT, &good), wrong);
    assert_eq!(verify(&key, &block, asn(), "6222020200112233446", &good), wrong);
    assert_eq!(verify(&key, &block, asn(), ACCOUNT, &PinReference([0; 16])), wrong);
    for bit in 0..128 {
        let mut changed = block;
        changed.0[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(verify(&key, &changed, asn(), ACCOUNT, &good), wrong, "bit {bit}");
    }
}

/// Each operation by the key that may be of the wrong use or state: a root, then a key for PINs.
type Attempt = fn(&SealedFile, KeyName, KeyName) -> Result<(), KeyStoreError>;
const OF_A_ROOT: [(&str, Attempt); 5] = [
    ("enrol", |store, root, _| store.wrap_terminal_master(root, TERMINAL, 1, &code()).map(drop)),
    ("give", |store, root, _| {
        store.wrap_working_keys(&TerminalKeyReference { root, ..reference(5) }).map(drop)
    }),
    ("seal", |store, root, _| {
        let key = TerminalKeyReference { root, ..reference(5) };
        store.seal_message(&key, &HEADER, &NONCE, &mut b"text".to_vec())
    }),
    ("open", |store, root, _| {
        let key = TerminalKeyReference { root, ..reference(0) };
        store.open_message(&key, &HEADER, &NONCE, &mut vec![0; 32])
    }),
    ("verify", verify),
];
const OF_PINS: [(&str, Attempt); 2] = [
    ("verify", verify),
    ("refer", |store, _, pins| store.pin_reference(pins, ACCOUNT, &pin("123456")).map(drop)),
];

fn verify(store: &SealedFile, root: KeyName, pins: KeyName) -> Result<(), KeyStoreError> {
    let key = TerminalKeyReference { root, ..reference(5) };
    store.verify_pin(&key, &PinBlock([0; 16]), asn(), pins, ACCOUNT, &PinReference([0; 16]))
}

/// The message and the PIN block of the attempts are made up: done with a key that may do it, they are wrong.
fn done(attempt: &str) -> Result<(), KeyStoreError> {
    if matches!(attempt, "open" | "verify") { Err(KeyStoreError::WrongCode) } else { Ok(()) }
}

#[test]
fn each_operation_is_done_with_a_key_of_its_use_only() {
    let desk = desk();
    let (root, pins) = (name("root-1"), name("pins-1"));
    for (what, attempt) in OF_A_ROOT {
        assert_eq!(attempt(&desk.store, root, pins), done(what), "{what}");
        assert_eq!(attempt(&desk.store, name("nobody"), pins), Err(KeyStoreError::NoSuchKey), "{what}");
        for other in ["issuer-1", "transport-1", "pins-1"] {
            assert_eq!(attempt(&desk.store, name(other), pins), Err(KeyStoreError::WrongUse), "{what}");
        }
    }
    for (what, attempt) in OF_PINS {
        assert_eq!(attempt(&desk.store, root, pins), done(what), "{what}");
        assert_eq!(attempt(&desk.store, root, name("nobody")), Err(KeyStoreError::NoSuchKey), "{what}");
        for other in ["issuer-1", "transport-1", "root-1"] {
            assert_eq!(attempt(&desk.store, root, name(other)), Err(KeyStoreError::WrongUse), "{what}");
        }
    }
}

#[test]
fn a_suspended_key_does_nothing_and_a_retired_one_serves_whom_it_served() {
    for (key, attempts) in [("root-1", &OF_A_ROOT[..]), ("pins-1", &OF_PINS[..])] {
        let desk = desk();
        let state = |event| desk.store.set_state(name(key), event, &li(), NOW).unwrap();
        let attempt_all = |expected: fn(&str) -> Result<(), KeyStoreError>| {
            for (what, attempt) in attempts {
                assert_eq!(attempt(&desk.store, name("root-1"), name("pins-1")), expected(what), "{what}");
            }
        };
        state(KeyEvent::Suspend);
        attempt_all(|_| Err(KeyStoreError::NotActive));
        state(KeyEvent::Retire);
        attempt_all(|what| {
            if matches!(what, "enrol" | "refer") { Err(KeyStoreError::NotActive) } else { done(what) }
        });
        state(KeyEvent::Destroy);
        attempt_all(|_| Err(KeyStoreError::NotActive));
    }
}

#[test]
fn nothing_of_a_terminal_or_a_pin_prints_itself() {
    let desk = desk();
    let master = enrolled(&desk.store);
    let (message, pin_key) = working(&desk.store, &reference(5));
    let reference = desk.store.pin_reference(name("pins-1"), ACCOUNT, &pin("859274")).unwrap();
    let block = pin_block(&desk.store, "859274");
    let printed = format!(
        "{:?} {:?} {master:?} {message:?} {pin_key:?} {:?} {:?} {block:?} {reference:?}",
        desk.store,
        desk.store.keys(),
        code(),
        pin("859274"),
    );
    assert_eq!(printed.matches("[redacted]").count(), 8);
    let root = hex::encode([7, 8, 9, 10]);
    let pins = hex::encode([8, 9, 10, 11]);
    for secret in ["859274", "1d1d", "29, 29", &root, &pins, "7, 8, 9", "8, 9, 10", "CAIREE", "DUOR"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
    let _: &dyn crypto::BankKeys = &desk.store;
}
