//! Keys that seal secrets of a database: what each state allows, and which of several is for new secrets.

use crypto::{DatabaseKey, KeyStoreError, SecretKeyId, SecretKeys as _, SecretPlace};
use keystore::{KeyEvent, KeyUse, SealedFile};
use model::UnixMillis;

use crate::{Desk, NOW, counting, li, name};

const PLACE: SecretPlace<'static> = SecretPlace { table: "table.column", owner: b"li.wei", number: 0 };

fn made(store: &SealedFile, key: &str, first: u8, at: UnixMillis) -> SecretKeyId {
    let record = store.generate(name(key), KeyUse::SealSecrets, &li(), at, &mut counting(first)).unwrap();
    store.set_state(name(key), KeyEvent::Activate, &li(), at).unwrap();
    SecretKeyId { name: record.name, check_value: record.check_value }
}

#[test]
fn what_a_store_sealed_another_program_opens_that_has_the_key() {
    let desk = Desk::new();
    let id = made(&desk.store, "secrets-1", 0, NOW);
    let sealed = desk.store.seal_secret(&id, &PLACE, [7; 16], b"authenticator's own!").unwrap();
    assert_eq!(sealed.key(), id);
    assert_eq!(desk.store.open_secret(&PLACE, &sealed).unwrap().as_slice(), b"authenticator's own!");
    let key = DatabaseKey::from_bytes(std::array::from_fn(|byte| byte as u8));
    assert_eq!(key.open(&PLACE, &sealed).unwrap().as_slice(), b"authenticator's own!");
    let elsewhere = SecretPlace { owner: b"li.wen", ..PLACE };
    assert_eq!(desk.store.open_secret(&elsewhere, &sealed).err(), Some(KeyStoreError::WrongCode));
    // Longer than any secret is: named in the log, and nothing is sealed.
    let refused = desk.store.seal_secret(&id, &PLACE, [7; 16], &[0; 65]);
    assert_eq!(refused, Err(KeyStoreError::Unavailable));
}

#[test]
fn a_retired_key_opens_and_seals_no_more_and_a_suspended_one_does_neither() {
    let desk = Desk::new();
    let id = made(&desk.store, "secrets-1", 0, NOW);
    let sealed = desk.store.seal_secret(&id, &PLACE, [7; 16], &[1; 20]).unwrap();
    let able = || {
        let seals = desk.store.seal_secret(&id, &PLACE, [8; 16], &[1; 20]).map(|_| ());
        assert_eq!(seals, desk.store.may_seal(&id));
        (seals.err(), desk.store.open_secret(&PLACE, &sealed).err())
    };
    let no = Some(KeyStoreError::NotActive);
    assert_eq!(able(), (None, None));
    for (event, expected) in [
        (KeyEvent::Suspend, (no, no)),
        (KeyEvent::Resume, (None, None)),
        (KeyEvent::Retire, (no, None)),
        (KeyEvent::Destroy, (no, no)),
    ] {
        desk.store.set_state(id.name, event, &li(), NOW).unwrap();
        assert_eq!(able(), expected, "{event}");
    }
}

#[test]
fn the_newest_active_key_is_for_new_secrets_and_a_key_of_that_name_elsewhere_is_another() {
    let desk = Desk::new();
    assert_eq!(desk.store.newest_secret_key(), None, "keys of other uses are no keys for this");
    let first = made(&desk.store, "secrets-2", 0, NOW);
    let second = made(&desk.store, "secrets-1", 9, NOW.plus(1));
    assert_eq!(desk.store.newest_secret_key(), Some(second));
    desk.store.set_state(second.name, KeyEvent::Suspend, &li(), NOW).unwrap();
    assert_eq!(desk.store.newest_secret_key(), Some(first));

    let other = Desk::new();
    let theirs = made(&other.store, "secrets-2", 100, NOW);
    assert_ne!(theirs, first);
    let sealed = desk.store.seal_secret(&first, &PLACE, [7; 16], &[1; 20]).unwrap();
    assert_eq!(other.store.open_secret(&PLACE, &sealed).err(), Some(KeyStoreError::NoSuchKey));
    assert_eq!(other.store.may_seal(&first), Err(KeyStoreError::NoSuchKey));
    let issuer = SecretKeyId { name: name("issuer-1"), ..first };
    assert_eq!(desk.store.may_seal(&issuer), Err(KeyStoreError::NoSuchKey));
}
