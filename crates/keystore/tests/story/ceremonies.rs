//! Custodians bring keys in, move them through their life, and can read what they did.

use crypto::{
    CheckValue, IssuerMasterKey, PinVerificationKey, PurseMasterKey, TerminalRootKey, TransportKey,
};
use keystore::{
    Action, CeremonyError, Component, Custodian, EntropyFailed, KeyEvent, KeyRecord, KeyState, KeyUse,
    SealedFile,
};
use model::UnixMillis;
use zeroize::Zeroizing;

use crate::{Desk, NOW, counting, li, name, open};

fn check(key_use: KeyUse, bytes: &[u8]) -> CheckValue {
    match key_use {
        KeyUse::DeriveCardKeys => IssuerMasterKey::from_bytes(bytes.try_into().unwrap()).check_value(),
        KeyUse::WrapCardKeys => TransportKey::from_bytes(bytes.try_into().unwrap()).check_value(),
        KeyUse::LoadPurses | KeyUse::ProvePurses | KeyUse::BuyWithPurses | KeyUse::MaintainPurses => {
            PurseMasterKey::from_bytes(bytes.try_into().unwrap()).check_value()
        }
        KeyUse::DeriveTerminalKeys => TerminalRootKey::from_bytes(bytes.try_into().unwrap()).check_value(),
        KeyUse::VerifyPins => PinVerificationKey::from_bytes(bytes.try_into().unwrap()).check_value(),
        KeyUse::SealSecrets => crypto::DatabaseKey::from_bytes(bytes.try_into().unwrap()).check_value(),
    }
}

fn component(custodian: &Custodian, key_use: KeyUse, byte: u8) -> Component<'_> {
    let bytes = Zeroizing::new(vec![byte; key_use.key_length()]);
    Component { custodian, check_value: check(key_use, &bytes), bytes }
}

fn import(
    store: &SealedFile,
    components: &[Component<'_>],
    check_value: CheckValue,
) -> Result<KeyRecord, CeremonyError> {
    store.import_components(name("transport-9"), KeyUse::WrapCardKeys, components, check_value, NOW)
}

#[test]
fn check_values_are_those_that_another_library_computes() {
    // Python's `cryptography`: the CMAC of a zero block under 07 07 …
    assert_eq!(check(KeyUse::DeriveCardKeys, &[7; 16]).to_string(), "F7E4BF");
    assert_eq!(check(KeyUse::WrapCardKeys, &[7; 32]).to_string(), "44D4A7");
}

#[test]
fn three_custodians_make_a_key_that_none_of_them_knows() {
    let desk = Desk::empty();
    let custodians = ["Li Na", "Wang Fang", "Zhao Lei"].map(|name| Custodian::new(name).unwrap());
    let bytes = [0x11, 0x22, 0x34];
    let whole = check(KeyUse::WrapCardKeys, &[0x11 ^ 0x22 ^ 0x34; 32]);
    let components: Vec<_> =
        custodians.iter().zip(bytes).map(|(c, byte)| component(c, KeyUse::WrapCardKeys, byte)).collect();
    let record = import(&desk.store, &components, whole).unwrap();
    assert_eq!((record.check_value, record.state), (whole, KeyState::PreActive));
    let log = open(&desk.path).unwrap().custodian_log();
    assert_eq!(log.len(), 3);
    for (entry, component) in log.iter().zip(&components) {
        assert_eq!((entry.action, entry.key, entry.at), (Action::GaveComponent, name("transport-9"), NOW));
        assert_eq!(&entry.custodian, component.custodian);
        assert_eq!(entry.check_value, component.check_value);
    }
}

#[test]
fn a_ceremony_that_goes_wrong_says_where_and_changes_nothing() {
    let desk = Desk::empty();
    let (li, wang, zhao) = (li(), Custodian::new("Wang Fang").unwrap(), Custodian::new("Zhao Lei").unwrap());
    let one = || component(&li, KeyUse::WrapCardKeys, 1);
    let two = || component(&wang, KeyUse::WrapCardKeys, 2);
    let three = || component(&zhao, KeyUse::WrapCardKeys, 3);
    let right = check(KeyUse::WrapCardKeys, &[3; 32]);
    let wrong = CheckValue([0; 3]);
    let says = |components: &[Component<'_>], check_value| {
        import(&desk.store, components, check_value).unwrap_err().to_string()
    };

    assert!(says(&[one()], right).starts_with("a key comes in 2 or 3 components, and 1 were given"));
    assert!(says(&[one(), two(), three(), three()], right).contains("and 4 were given"));
    let mistyped = Component { check_value: wrong, ..two() };
    assert!(says(&[one(), mistyped], right).starts_with("component 2 has check value"));
    let short = Component { bytes: Zeroizing::new(vec![2; 16]), ..two() };
    assert!(says(&[one(), short], right).starts_with("component 2 has 16 bytes"));
    let again = Custodian::new("LI NA").unwrap();
    let twice = Component { custodian: &again, ..two() };
    assert!(says(&[one(), twice], right).starts_with("LI NA gave two components"));
    let same = component(&wang, KeyUse::WrapCardKeys, 1);
    assert!(says(&[one(), same, three()], right).starts_with("component 2 was entered before"));
    assert!(says(&[one(), two(), three()], right).contains("all zeros"));
    assert!(says(&[one(), component(&wang, KeyUse::WrapCardKeys, 0)], right).contains("all zeros"));
    assert!(says(&[one(), two()], wrong).starts_with("the whole key has check value"));
    assert!(desk.store.keys().is_empty() && desk.store.custodian_log().is_empty());

    import(&desk.store, &[one(), two()], right).unwrap();
    assert!(says(&[one(), two()], right).contains("names are not used again"));
}

#[test]
fn without_randomness_there_is_no_key() {
    let desk = Desk::empty();
    let generate = |entropy: &mut keystore::Entropy<'_>| {
        desk.store.generate(name("issuer-1"), KeyUse::DeriveCardKeys, &li(), NOW, entropy)
    };
    assert!(matches!(generate(&mut |_| Err(EntropyFailed)), Err(CeremonyError::Entropy(EntropyFailed))));
    let broken: &mut keystore::Entropy<'_> = &mut |bytes| {
        bytes.fill(0);
        Ok(())
    };
    assert!(matches!(generate(broken), Err(CeremonyError::ZeroKey)));
    generate(&mut keystore::system_entropy).unwrap();
}

#[test]
fn a_successor_takes_over_in_one_act() {
    let desk = Desk::new();
    let later = UnixMillis(NOW.0 + 1);
    desk.store.rotate(name("issuer-1"), name("issuer-2"), &li(), later, &mut counting(0xb0)).unwrap();
    let states: Vec<_> = desk.store.keys().iter().map(|key| (key.name, key.state, key.created)).collect();
    assert_eq!(
        states,
        [
            (name("issuer-1"), KeyState::Retired, NOW),
            (name("issuer-2"), KeyState::Active, later),
            (name("transport-1"), KeyState::Active, NOW),
        ]
    );
    let log = desk.store.custodian_log();
    let acts: Vec<_> = log.iter().filter(|entry| entry.at == later).map(|e| (e.key, e.action)).collect();
    assert_eq!(
        acts,
        [
            (name("issuer-1"), Action::Retired),
            (name("issuer-2"), Action::Generated),
            (name("issuer-2"), Action::Activated),
        ]
    );
    // A retired key has no second successor, and a name no second key.
    let refused = desk.store.rotate(name("issuer-1"), name("issuer-3"), &li(), later, &mut counting(1));
    assert!(matches!(refused, Err(CeremonyError::State { .. })));
    let refused = desk.store.rotate(name("issuer-2"), name("issuer-1"), &li(), later, &mut counting(1));
    assert!(matches!(refused, Err(CeremonyError::NameTaken { .. })));
    assert_eq!(desk.store.key(name("issuer-2")).unwrap().state, KeyState::Active);
}

#[test]
fn a_destroyed_key_is_gone_and_its_name_with_it() {
    let desk = Desk::new();
    let key = name("issuer-1");
    assert!(matches!(desk.store.destroy(key, &li(), NOW), Err(CeremonyError::State { .. })));
    desk.store.set_state(key, KeyEvent::Suspend, &li(), NOW).unwrap();
    let before = std::fs::metadata(&desk.path).unwrap().len();
    desk.store.destroy(key, &li(), NOW).unwrap();
    // The 16 bytes left; a line of the log came: 8 + 1 + 1 + "issuer-1" + 3 + 1 + "Li Na".
    assert_eq!(std::fs::metadata(&desk.path).unwrap().len(), before - 16 + 27);

    let again = open(&desk.path).unwrap();
    assert_eq!(again.key(key).unwrap().state, KeyState::Destroyed);
    for event in KeyEvent::ALL {
        assert!(matches!(again.set_state(key, event, &li(), NOW), Err(CeremonyError::State { .. })));
    }
    let reused = again.generate(key, KeyUse::DeriveCardKeys, &li(), NOW, &mut counting(9));
    assert!(matches!(reused, Err(CeremonyError::NameTaken { .. })));
}

#[test]
fn a_key_that_is_not_there_is_named() {
    let desk = Desk::new();
    let missing = desk.store.set_state(name("issuer-7"), KeyEvent::Suspend, &li(), NOW).unwrap_err();
    assert_eq!(missing.to_string(), "there is no key named issuer-7; look at the list of keys");
}

#[test]
fn keys_of_every_use_come_in_and_read_back() {
    let desk = Desk::empty();
    let (li, wang) = (li(), Custodian::new("Wang Fang").unwrap());
    for key_use in KeyUse::ALL {
        let made = name(&format!("made-{}", key_use as u8));
        let record = desk.store.generate(made, key_use, &li, NOW, &mut counting(key_use as u8)).unwrap();
        let bytes: Vec<u8> = (key_use as u8..).take(key_use.key_length()).collect();
        assert_eq!(record.check_value, check(key_use, &bytes), "{key_use}");

        let brought = name(&format!("brought-{}", key_use as u8));
        let given = |custodian, bytes: Vec<u8>| Component {
            custodian,
            check_value: check(key_use, &bytes),
            bytes: Zeroizing::new(bytes),
        };
        let whole: Vec<u8> = bytes.iter().map(|byte| byte ^ 0x5a).collect();
        let components = [given(&li, bytes), given(&wang, vec![0x5a; key_use.key_length()])];
        let right = check(key_use, &whole);
        let record = desk.store.import_components(brought, key_use, &components, right, NOW).unwrap();
        assert_eq!((record.check_value, record.key_use), (right, key_use));
    }
    assert_eq!(open(&desk.path).unwrap().keys(), desk.store.keys());
    assert_eq!(desk.store.keys().len(), 2 * KeyUse::ALL.len());
}

#[test]
fn a_master_of_purses_that_is_single_des_does_not_come_in() {
    let desk = Desk::empty();
    let (li, wang) = (li(), Custodian::new("Wang Fang").unwrap());
    // The halves differ in parity bits alone, which DES ignores.
    let mut second = vec![0x41; 16];
    second[9] ^= 1;
    let mut whole = second.clone();
    whole.iter_mut().for_each(|byte| *byte ^= 0x22);
    let right = check(KeyUse::LoadPurses, &whole);
    let components = [
        component(&li, KeyUse::LoadPurses, 0x22),
        Component {
            custodian: &wang,
            check_value: check(KeyUse::LoadPurses, &second),
            bytes: Zeroizing::new(second),
        },
    ];
    let refused = desk
        .store
        .import_components(name("purse-9"), KeyUse::LoadPurses, &components, right, NOW)
        .unwrap_err();
    assert!(matches!(refused, CeremonyError::WeakKey), "{refused}");
    assert!(refused.to_string().contains("make a new key"));
    assert!(desk.store.keys().is_empty());
}
