//! A card's key comes into a secure element and the store, works frames at both ends, and ends.

use crypto::{
    CardKey, CardKeyReference, CheckValue, Derivation, FrameCipher, FrameParameters, KeyOrigin, KeyStore,
    KeyStoreError, Suite, TransportKey, VerificationCode, WrappedCardKey,
};
use keystore::{KeyEvent, KeyState, SealedFile};
use model::{CardId, ChannelId, ChannelKind, KeyVersion, TimeFactor};

use crate::{Desk, NOW, counting, li, name, open};

const SUITES: [Suite; 3] = [Suite::Aes128Eax, Suite::Sm4Eax, Suite::Aes128Ccm];
const TEXT: &[u8] = b"twenty yuan";

/// The transport key as the personalisation machine has it: `counting(0xa0)` made it.
fn transport() -> TransportKey {
    TransportKey::from_bytes(std::array::from_fn(|i| 0xa0 + i as u8))
}

fn derived(id: u32, suite: Suite) -> CardKeyReference {
    let origin = KeyOrigin::Derived(name("issuer-1"));
    CardKeyReference { card_id: CardId(id), version: KeyVersion::FIRST, suite, origin }
}

fn imported(id: u32, suite: Suite) -> CardKeyReference {
    CardKeyReference { origin: KeyOrigin::Imported, ..derived(id, suite) }
}

fn frame(key: &CardKeyReference) -> FrameParameters<'static> {
    FrameParameters {
        derivation: Derivation {
            kind: 1,
            suite: key.suite,
            channel: ChannelId::new(ChannelKind::DevEui, [1; 8]).unwrap(),
            card_id: key.card_id,
            key_version: key.version,
            factor: TimeFactor::new(9).unwrap(),
        },
        associated_data: b"context",
    }
}

/// Wraps a card key as another issuer would.
fn foreign(byte: u8) -> (CardKey, WrappedCardKey, CheckValue) {
    let key = CardKey::from_bytes([byte; 16]);
    let (wrapped, check) = (transport().wrap(&key).unwrap(), key.check_value());
    (key, wrapped, check)
}

fn try_frame(store: &SealedFile, key: &CardKeyReference) -> Result<VerificationCode, KeyStoreError> {
    let mut text = TEXT.to_vec();
    let code = store.seal_frame(key, &frame(key), &mut text)?;
    store.open_frame(key, &frame(key), &mut text, &code)?;
    assert_eq!(text, TEXT);
    Ok(code)
}

/// The store and the secure element open what the other one seals, and nothing that was changed.
fn understand_each_other(store: &SealedFile, key: &CardKeyReference, element: &CardKey) {
    assert_eq!(store.card_key_check_value(key), Ok(element.check_value()));
    let mut text = TEXT.to_vec();
    let code = store.seal_frame(key, &frame(key), &mut text).unwrap();
    assert_ne!(text, TEXT);
    element.open(&frame(key), &mut text, &code).unwrap();
    assert_eq!(text, TEXT);

    let code = element.seal(&frame(key), &mut text).unwrap();
    let mut changed = text.clone();
    changed[3] ^= 1;
    assert_eq!(store.open_frame(key, &frame(key), &mut changed, &code), Err(KeyStoreError::WrongCode));
    store.open_frame(key, &frame(key), &mut text, &code).unwrap();
    assert_eq!(text, TEXT);
}

#[test]
fn an_injected_card_and_the_store_understand_each_other() {
    let desk = Desk::new();
    let again = open(&desk.path).unwrap();
    for suite in SUITES {
        let key = derived(7, suite);
        let (wrapped, check) = desk.store.inject_card_key(&key, name("transport-1")).unwrap();
        let element = transport().unwrap_key(&wrapped).unwrap();
        assert_eq!(element.check_value(), check);
        understand_each_other(&desk.store, &key, &element);
        understand_each_other(&again, &key, &element);
    }
}

#[test]
fn an_imported_card_and_the_store_understand_each_other() {
    let desk = Desk::new();
    for (id, suite) in (1..).zip(SUITES) {
        let key = imported(id, suite);
        let (element, wrapped, check) = foreign(0x30 + suite.number());
        desk.store.import_card_key(&key, &wrapped, name("transport-1"), check).unwrap();
        understand_each_other(&desk.store, &key, &element);
        understand_each_other(&open(&desk.path).unwrap(), &key, &element);
        // A lost card is made again from what was imported.
        let (wrapped, _) = desk.store.inject_card_key(&key, name("transport-1")).unwrap();
        assert!(transport().unwrap_key(&wrapped).unwrap() == element);
    }
}

#[test]
fn an_import_that_is_not_what_it_says_is_refused() {
    let desk = Desk::new();
    let key = imported(7, Suite::Aes128Eax);
    let (_, wrapped, check) = foreign(0x31);
    let import = |key: &CardKeyReference, wrapped: &WrappedCardKey, transport: &str, check| {
        desk.store.import_card_key(key, wrapped, name(transport), check)
    };
    let mut changed = wrapped;
    changed.0[9] ^= 1;
    assert_eq!(import(&key, &changed, "transport-1", check), Err(KeyStoreError::WrappedKeyRefused));
    assert_eq!(
        import(&key, &wrapped, "transport-1", CheckValue([0; 3])),
        Err(KeyStoreError::WrongCheckValue)
    );
    assert_eq!(import(&key, &wrapped, "issuer-1", check), Err(KeyStoreError::WrongUse));
    assert_eq!(import(&key, &wrapped, "transport-2", check), Err(KeyStoreError::NoSuchKey));
    let not_imported = derived(7, Suite::Aes128Eax);
    assert_eq!(import(&not_imported, &wrapped, "transport-1", check), Err(KeyStoreError::WrongUse));
    assert_eq!(desk.store.card_key_check_value(&key), Err(KeyStoreError::NoSuchKey));

    import(&key, &wrapped, "transport-1", check).unwrap();
    assert_eq!(import(&key, &wrapped, "transport-1", check), Err(KeyStoreError::Exists));
    let other_suite = imported(7, Suite::Sm4Eax);
    assert_eq!(import(&other_suite, &wrapped, "transport-1", check), Err(KeyStoreError::Exists));
    assert_eq!(try_frame(&desk.store, &other_suite), Err(KeyStoreError::NoSuchKey));
    let derived_too = desk.store.inject_card_key(&not_imported, name("transport-1"));
    assert_eq!(derived_too, Err(KeyStoreError::Exists));
}

#[test]
fn keys_of_the_wrong_use_do_nothing() {
    let desk = Desk::new();
    let key = derived(7, Suite::Aes128Eax);
    assert_eq!(desk.store.inject_card_key(&key, name("issuer-1")), Err(KeyStoreError::WrongUse));
    let by_transport = CardKeyReference { origin: KeyOrigin::Derived(name("transport-1")), ..key };
    assert_eq!(try_frame(&desk.store, &by_transport), Err(KeyStoreError::WrongUse));
    assert_eq!(desk.store.destroy_card_key(&by_transport), Err(KeyStoreError::WrongUse));
    let by_nobody = CardKeyReference { origin: KeyOrigin::Derived(name("issuer-7")), ..key };
    assert_eq!(try_frame(&desk.store, &by_nobody), Err(KeyStoreError::NoSuchKey));
    assert_eq!(desk.store.destroy_card_key(&by_nobody), Err(KeyStoreError::NoSuchKey));
}

#[test]
fn each_state_of_a_master_key_allows_what_it_says() {
    // A state, how it is reached, whether it injects, whether it works frames.
    use KeyEvent::{Activate, Destroy, Retire, Suspend};
    let table: [(KeyState, &[KeyEvent], bool, bool); 5] = [
        (KeyState::PreActive, &[], false, false),
        (KeyState::Active, &[Activate], true, true),
        (KeyState::Suspended, &[Activate, Suspend], false, false),
        (KeyState::Retired, &[Activate, Retire], false, true),
        (KeyState::Destroyed, &[Destroy], false, false),
    ];
    for (state, events, injects, works) in table {
        let desk = Desk::new();
        let master = name("issuer-2");
        let key_use = keystore::KeyUse::DeriveCardKeys;
        desk.store.generate(master, key_use, &li(), NOW, &mut counting(0x40)).unwrap();
        for event in events {
            desk.store.set_state(master, *event, &li(), NOW).unwrap();
        }
        assert_eq!(desk.store.key(master).unwrap().state, state);
        let key = CardKeyReference { origin: KeyOrigin::Derived(master), ..derived(7, Suite::Aes128Eax) };
        let injected = desk.store.inject_card_key(&key, name("transport-1")).map(|_| ());
        let expected = |allowed: bool| {
            if allowed { Ok(()) } else { Err(KeyStoreError::NotActive) }
        };
        assert_eq!(injected, expected(injects), "{state}");
        assert_eq!(try_frame(&desk.store, &key).map(|_| ()), expected(works), "{state}");
        assert_eq!(desk.store.card_key_check_value(&key).map(|_| ()), expected(works), "{state}");
        // Stopping a card never waits for its master key.
        assert_eq!(desk.store.destroy_card_key(&key), Ok(()), "{state}");
    }
}

#[test]
fn a_retired_transport_key_opens_and_no_longer_wraps() {
    let desk = Desk::new();
    desk.store.set_state(name("transport-1"), KeyEvent::Retire, &li(), NOW).unwrap();
    let (_, wrapped, check) = foreign(0x31);
    desk.store.import_card_key(&imported(1, Suite::Aes128Eax), &wrapped, name("transport-1"), check).unwrap();
    let injected = desk.store.inject_card_key(&derived(2, Suite::Aes128Eax), name("transport-1"));
    assert_eq!(injected, Err(KeyStoreError::NotActive));
}

#[test]
fn a_destroyed_card_key_never_comes_back() {
    let desk = Desk::new();
    let second = KeyVersion::new(2).unwrap();
    let (_, wrapped, check) = foreign(0x31);
    let import = |store: &SealedFile, key: &CardKeyReference| {
        store.import_card_key(key, &wrapped, name("transport-1"), check)
    };
    let keys = [derived(1, Suite::Aes128Eax), imported(2, Suite::Aes128Eax)];
    import(&desk.store, &keys[1]).unwrap();
    for key in keys {
        try_frame(&desk.store, &key).unwrap();
        desk.store.destroy_card_key(&key).unwrap();
        desk.store.destroy_card_key(&key).unwrap();
    }
    for store in [&desk.store, &open(&desk.path).unwrap()] {
        for key in keys {
            assert_eq!(try_frame(store, &key), Err(KeyStoreError::NotActive));
            assert_eq!(store.card_key_check_value(&key), Err(KeyStoreError::NotActive));
            let injected = store.inject_card_key(&key, name("transport-1"));
            assert_eq!(injected, Err(KeyStoreError::NotActive));
            // Neither by another way, nor with another suite.
            for other in [derived, imported] {
                let CardId(id) = key.card_id;
                assert_eq!(try_frame(store, &other(id, Suite::Sm4Eax)), Err(KeyStoreError::NotActive));
            }
            let again = CardKeyReference { origin: KeyOrigin::Imported, ..key };
            assert_eq!(import(store, &again), Err(KeyStoreError::NotActive));
        }
        // The card's next version has another key, and works.
        try_frame(store, &CardKeyReference { version: second, ..keys[0] }).unwrap();
    }
    import(&desk.store, &CardKeyReference { version: second, ..keys[1] }).unwrap();
    let never = imported(3, Suite::Aes128Eax);
    assert_eq!(desk.store.destroy_card_key(&never), Err(KeyStoreError::NoSuchKey));
}

#[test]
fn a_lost_file_stops_changes_and_no_frames() {
    let desk = Desk::new();
    std::fs::remove_file(&desk.path).unwrap();
    let key = derived(1, Suite::Aes128Eax);
    try_frame(&desk.store, &key).unwrap();
    assert_eq!(desk.store.destroy_card_key(&key), Err(KeyStoreError::Unavailable));
    try_frame(&desk.store, &key).unwrap();
}

#[test]
fn frames_are_worked_while_keys_change() {
    let desk = Desk::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    (0..2000).for_each(|_| {
                        try_frame(&desk.store, &derived(1, Suite::Aes128Eax)).unwrap();
                    })
                })
            })
            .collect();
        for id in 100..110 {
            desk.store.destroy_card_key(&derived(id, Suite::Aes128Eax)).unwrap();
        }
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}
