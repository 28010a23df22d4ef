//! `vectors/pboc.json`: keys, MACs and TACs of purses, from where each says; those that are `computed` were made by
//! another implementation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use crypto::{
    LoadOrder, LoadReceipt, LoadRequest, PurchaseReceipt, PurchaseRequest, PurseCode, PurseKey, PurseKind,
    PurseMasterKey, PurseSession,
};
use model::{Fen, OnlineCounter, PurseTime, TerminalId};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    des: Vec<Block>,
    diversifications: Vec<Diversification>,
    loads: Vec<Load>,
    purchases: Vec<Purchase>,
    authentications: Vec<Authentication>,
    secure_messages: Vec<SecureMessage>,
}

#[derive(Deserialize)]
struct Block {
    source: String,
    key: String,
    block: String,
    encrypted: String,
}

#[derive(Deserialize)]
struct Diversification {
    source: String,
    master: String,
    asn: String,
    key: String,
}

#[derive(Deserialize)]
struct Load {
    source: String,
    load_key: Option<String>,
    session: String,
    random: String,
    counter: u16,
    balance: String,
    amount: String,
    kind: u8,
    terminal: String,
    when: String,
    mac1: String,
    mac2: String,
    tac_key: Option<String>,
    /// The halves of the TAC key XORed: all that the TAC depends on.
    tac_key_folded: Option<String>,
    balance_after: Option<String>,
    tac: Option<String>,
}

#[derive(Deserialize)]
struct Purchase {
    source: String,
    purchase_key: String,
    session: String,
    random: String,
    offline_counter: u16,
    terminal_sequence: String,
    amount: String,
    kind: u8,
    terminal: String,
    when: String,
    mac1: String,
    mac2: String,
    tac_key: String,
    tac: String,
}

#[derive(Deserialize)]
struct Authentication {
    source: String,
    key: String,
    challenge: String,
    answer: String,
}

#[derive(Deserialize)]
struct SecureMessage {
    source: String,
    key: String,
    challenge: String,
    header: String,
    data: String,
    mac: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../vectors/pboc.json")).expect("the vectors are JSON")
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn key(text: &str) -> PurseKey {
    PurseKey::from_bytes(bytes(text))
}

fn code(text: &str) -> PurseCode {
    PurseCode(bytes(text))
}

fn fen(text: &str) -> Fen {
    Fen(u32::from_be_bytes(bytes(text)))
}

fn kind(number: u8) -> PurseKind {
    PurseKind::from_number(number).unwrap()
}

fn when(text: &str) -> PurseTime {
    PurseTime::from_bytes(bytes(text))
}

/// A session does not show its bytes; that it is the expected one is shown by its code.
fn same_session(found: &PurseSession, expected: &str, source: &str) {
    let expected = PurseSession::from_bytes(bytes(expected));
    for amount in [Fen(0), Fen(u32::MAX)] {
        assert_eq!(found.purchase_mac2(amount), expected.purchase_mac2(amount), "{source}");
    }
}

#[test]
fn one_block_is_encrypted_as_published() {
    for vector in vectors().des {
        // Where both halves are one, two-key 3DES is DES.
        let both = key(&format!("{0}{0}", vector.key));
        assert_eq!(both.authenticate(bytes(&vector.block)), bytes(&vector.encrypted), "{}", vector.source);
    }
}

#[test]
fn a_card_has_the_key_that_its_master_and_serial_number_give() {
    for vector in vectors().diversifications {
        let master = PurseMasterKey::from_bytes(bytes(&vector.master));
        let derived = master.diversify(vector.asn.parse().unwrap());
        assert!(derived == key(&vector.key), "{}", vector.source);
        assert_eq!(derived.check_value(), key(&vector.key).check_value());
    }
}

#[test]
fn the_codes_of_a_load_are_those_of_cards() {
    for vector in vectors().loads {
        let source = vector.source.as_str();
        let session = PurseSession::from_bytes(bytes(&vector.session));
        let (amount, kind) = (fen(&vector.amount), kind(vector.kind));
        let (terminal, when) = (TerminalId(bytes(&vector.terminal)), when(&vector.when));
        let request = LoadRequest {
            balance: fen(&vector.balance),
            amount,
            kind,
            terminal,
            counter: OnlineCounter(vector.counter),
            random: bytes(&vector.random),
        };
        if let Some(load_key) = &vector.load_key {
            let derived = key(load_key).load_session(request.random, request.counter);
            same_session(&derived, &vector.session, source);
        }
        assert_eq!(session.load_mac1(&request), code(&vector.mac1), "{source}");
        let order = LoadOrder { amount, kind, terminal, when };
        assert_eq!(session.load_mac2(&order), code(&vector.mac2), "{source}");

        let Some(tac) = &vector.tac else { continue };
        let receipt = LoadReceipt {
            balance_after: fen(vector.balance_after.as_ref().unwrap()),
            counter: request.counter,
            amount,
            kind,
            terminal,
            when,
        };
        let folded = vector.tac_key_folded.as_ref().unwrap();
        assert_eq!(key(&format!("{folded}0000000000000000")).load_tac(&receipt), code(tac), "{source}");
        if let Some(tac_key) = &vector.tac_key {
            assert_eq!(key(tac_key).load_tac(&receipt), code(tac), "{source}");
        }
    }
}

#[test]
fn the_codes_of_a_purchase_are_those_of_the_standard() {
    for vector in vectors().purchases {
        let source = vector.source.as_str();
        let terminal_sequence: [u8; 4] = bytes(&vector.terminal_sequence);
        let [_, _, low @ ..] = terminal_sequence;
        let session =
            key(&vector.purchase_key).purchase_session(bytes(&vector.random), vector.offline_counter, low);
        same_session(&session, &vector.session, source);
        let (amount, kind) = (fen(&vector.amount), kind(vector.kind));
        let (terminal, when) = (TerminalId(bytes(&vector.terminal)), when(&vector.when));
        let request = PurchaseRequest { amount, kind, terminal, when };
        assert_eq!(session.purchase_mac1(&request), code(&vector.mac1), "{source}");
        assert_eq!(session.purchase_mac2(amount), code(&vector.mac2), "{source}");
        let receipt = PurchaseReceipt { amount, kind, terminal, terminal_sequence, when };
        assert_eq!(key(&vector.tac_key).purchase_tac(&receipt), code(&vector.tac), "{source}");
    }
}

#[test]
fn a_challenge_is_answered_as_cards_expect() {
    for vector in vectors().authentications {
        let answer = key(&vector.key).authenticate(bytes(&vector.challenge));
        assert_eq!(answer, bytes(&vector.answer), "{}", vector.source);
    }
}

#[test]
fn a_command_is_protected_as_the_standard_says() {
    for vector in vectors().secure_messages {
        let mac = key(&vector.key).secure_message(
            bytes(&vector.challenge),
            bytes(&vector.header),
            &hex::decode(&vector.data).unwrap(),
        );
        assert_eq!(mac, code(&vector.mac), "{}", vector.source);
    }
}
