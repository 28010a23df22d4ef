//! The bank's servers of wallet cards: loads, commands and injections under masters of purses.

use crypto::{
    KeyName, KeyStoreError, LoadOrder, LoadReceipt, LoadRequest, PurseCode, PurseKey, PurseKeys, PurseKind,
    PurseMasterKey, TransportKey,
};
use keystore::{KeyEvent, KeyUse, SealedFile};
use model::{Asn, Fen, OnlineCounter, PurseTime, TerminalId};

use crate::{Desk, NOW, counting, li, name, open};

const USES: [(&str, KeyUse); 4] = [
    ("purse-load", KeyUse::LoadPurses),
    ("purse-tac", KeyUse::ProvePurses),
    ("purse-buy", KeyUse::BuyWithPurses),
    ("purse-care", KeyUse::MaintainPurses),
];
const HEADER: [u8; 5] = [0x04, 0xd6, 0x95, 0x14, 0x0c];

fn asn() -> Asn {
    "00001000751234567890".parse().unwrap()
}

fn desk() -> Desk {
    let desk = Desk::new();
    for (key, key_use) in USES {
        desk.store.generate(name(key), key_use, &li(), NOW, &mut counting(key_use as u8)).unwrap();
        desk.store.set_state(name(key), KeyEvent::Activate, &li(), NOW).unwrap();
    }
    desk
}

/// A card's key: the test knows what `counting` made of the master.
fn card(key_use: KeyUse) -> PurseKey {
    let master = std::array::from_fn(|i| key_use as u8 + i as u8);
    PurseMasterKey::from_bytes(master).diversify(asn())
}

fn when() -> PurseTime {
    PurseTime::at(NOW)
}

fn request() -> LoadRequest {
    LoadRequest {
        balance: Fen(10_000),
        amount: Fen(5_000),
        kind: PurseKind::PurseLoad,
        terminal: TerminalId([0, 0, 1, 0, 0, 0x50]),
        counter: OnlineCounter(7),
        random: [0xa1, 0xb2, 0xc3, 0xd4],
    }
}

fn receipt() -> LoadReceipt {
    let LoadRequest { amount, kind, terminal, counter, .. } = request();
    LoadReceipt { balance_after: Fen(15_000), counter, amount, kind, terminal, when: when() }
}

fn mac1() -> PurseCode {
    let request = request();
    card(KeyUse::LoadPurses).load_session(request.random, request.counter).load_mac1(&request)
}

/// Each operation, with the key that it is done with.
type Attempt = fn(&SealedFile, KeyName) -> Result<(), KeyStoreError>;
const OPERATIONS: [(&str, Attempt); 5] = [
    ("purse-load", |store, key| store.verify_load_request(key, asn(), &request(), mac1())),
    ("purse-load", |store, key| store.load_order_code(key, asn(), &request(), when()).map(drop)),
    ("purse-tac", |store, key| {
        store.verify_load_receipt(key, asn(), &receipt(), card(KeyUse::ProvePurses).load_tac(&receipt()))
    }),
    ("purse-care", |store, key| store.protect_command(key, asn(), [1; 4], HEADER, &[2; 16]).map(drop)),
    ("purse-buy", |store, key| store.inject_purse_key(key, asn(), name("transport-1")).map(drop)),
];

#[test]
fn a_load_is_proven_ordered_and_proven_again() {
    let desk = desk();
    let (store, load) = (&desk.store, name("purse-load"));
    store.verify_load_request(load, asn(), &request(), mac1()).unwrap();

    let LoadRequest { amount, kind, terminal, counter, random, .. } = request();
    let mac2 = store.load_order_code(load, asn(), &request(), when()).unwrap();
    let order = LoadOrder { amount, kind, terminal, when: when() };
    assert_eq!(mac2, card(KeyUse::LoadPurses).load_session(random, counter).load_mac2(&order));

    let tac = card(KeyUse::ProvePurses).load_tac(&receipt());
    store.verify_load_receipt(name("purse-tac"), asn(), &receipt(), tac).unwrap();
    // What was written down is the same key tomorrow.
    open(&desk.path).unwrap().verify_load_request(load, asn(), &request(), mac1()).unwrap();
}

#[test]
fn a_request_or_receipt_of_anything_else_has_the_wrong_code() {
    let desk = desk();
    let wrong = Err(KeyStoreError::WrongCode);
    let base = request();
    let verify = |asn: Asn, request: &LoadRequest, mac1| {
        desk.store.verify_load_request(name("purse-load"), asn, request, mac1)
    };
    for other in [
        LoadRequest { balance: Fen(10_001), ..base },
        LoadRequest { amount: Fen(5_001), ..base },
        LoadRequest { kind: PurseKind::DepositLoad, ..base },
        LoadRequest { terminal: TerminalId([9; 6]), ..base },
        LoadRequest { counter: OnlineCounter(8), ..base },
        LoadRequest { random: [0; 4], ..base },
    ] {
        assert_eq!(verify(asn(), &other, mac1()), wrong, "{other:?}");
    }
    let another_card = "00001000751234567891".parse().unwrap();
    assert_eq!(verify(another_card, &base, mac1()), wrong);
    for bit in 0..32 {
        let mut code = mac1();
        code.0[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(verify(asn(), &base, code), wrong);
    }

    let tac = card(KeyUse::ProvePurses).load_tac(&receipt());
    let prove = |asn: Asn, receipt: &LoadReceipt| {
        desk.store.verify_load_receipt(name("purse-tac"), asn, receipt, tac)
    };
    assert_eq!(prove(another_card, &receipt()), wrong);
    assert_eq!(prove(asn(), &LoadReceipt { balance_after: Fen(15_001), ..receipt() }), wrong);
    assert_eq!(prove(asn(), &LoadReceipt { counter: OnlineCounter(8), ..receipt() }), wrong);
}

#[test]
fn a_protected_command_is_the_cards_own() {
    let desk = desk();
    let data = [0x20, 0x26, 0x11, 0x21, 0x20, 0x36, 0x11, 0x21];
    let mac = desk.store.protect_command(name("purse-care"), asn(), [1, 2, 3, 4], HEADER, &data);
    assert_eq!(mac, Ok(card(KeyUse::MaintainPurses).secure_message([1, 2, 3, 4], HEADER, &data)));
}

#[test]
fn each_purse_key_reaches_its_card_wrapped() {
    let desk = desk();
    let transport = TransportKey::from_bytes(std::array::from_fn(|i| 0xa0 + i as u8));
    for (master, key_use) in USES {
        let (wrapped, check) = desk.store.inject_purse_key(name(master), asn(), name("transport-1")).unwrap();
        let key = transport.unwrap_purse_key(&wrapped).unwrap();
        assert!(key == card(key_use), "{key_use}");
        assert_eq!(check, key.check_value());
        let again = desk.store.inject_purse_key(name(master), asn(), name("transport-1"));
        assert_eq!(again, Ok((wrapped, check)));
    }
}

#[test]
fn each_operation_is_done_with_a_key_of_its_use_only() {
    let desk = desk();
    for (own, attempt) in OPERATIONS {
        assert_eq!(attempt(&desk.store, name(own)), Ok(()), "{own}");
        assert_eq!(attempt(&desk.store, name("nobody")), Err(KeyStoreError::NoSuchKey));
        for other in ["issuer-1", "transport-1"].into_iter().chain(USES.map(|(other, _)| other)) {
            // A card is given keys of all four uses.
            if other != own && !(own == "purse-buy" && other.starts_with("purse-")) {
                assert_eq!(attempt(&desk.store, name(other)), Err(KeyStoreError::WrongUse), "{own}, {other}");
            }
        }
    }
    let by_purse = desk.store.inject_purse_key(name("purse-load"), asn(), name("purse-tac"));
    assert_eq!(by_purse, Err(KeyStoreError::WrongUse));
}

#[test]
fn a_suspended_master_does_nothing_and_a_retired_one_serves_the_cards_that_have_its_keys() {
    let desk = desk();
    let state = |key: &str, event| desk.store.set_state(name(key), event, &li(), NOW).unwrap();
    for (key, _) in USES {
        state(key, KeyEvent::Suspend);
    }
    for (key, attempt) in OPERATIONS {
        assert_eq!(attempt(&desk.store, name(key)), Err(KeyStoreError::NotActive), "{key}");
    }
    for (key, _) in USES {
        state(key, KeyEvent::Retire);
    }
    for (key, attempt) in OPERATIONS {
        let expected = if key == "purse-buy" { Err(KeyStoreError::NotActive) } else { Ok(()) };
        assert_eq!(attempt(&desk.store, name(key)), expected, "{key}");
    }
    for (key, _) in USES {
        state(key, KeyEvent::Destroy);
    }
    for (key, attempt) in OPERATIONS {
        assert_eq!(attempt(&desk.store, name(key)), Err(KeyStoreError::NotActive), "{key}");
    }
}

#[test]
fn a_suspended_transport_key_carries_no_purse_key() {
    let desk = desk();
    desk.store.set_state(name("transport-1"), KeyEvent::Suspend, &li(), NOW).unwrap();
    let injected = desk.store.inject_purse_key(name("purse-load"), asn(), name("transport-1"));
    assert_eq!(injected, Err(KeyStoreError::NotActive));
}
