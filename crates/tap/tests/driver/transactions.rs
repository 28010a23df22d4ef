//! The four transactions as section 3 of the protocol says them.

use model::Fen;
use tap::Outcome;
use tap::driver::CardNeed;
use tap::message::{Body, CardPin, ListEnding, Output, Reference, Transaction};

use crate::desk::*;

#[test]
fn a_balance_asks_the_card_and_nobody_else() {
    let mut desk = Desk::open(balance());
    desk.card(&[
        SELECT,
        (READ, &format!("{PUBLIC} 9000")),
        ("805C000204", "00001C37 9000"),
        ("00B201C417", "0009 000000 000000C8 06 112233445566 20261121093045 9000"),
        ("00B202C417", "0008 000000 000001F4 06 112233445566 20261120080000 9000"),
        ("00B203C417", "6A83"),
    ]);
    let end = desk.ends().end;
    assert_eq!((end.known(), end.asn), (Some(Outcome::BalanceRead), Some(asn())));
    assert_eq!((end.balance, end.verified), (Some(Fen(0x1c37)), false));
    let records: Vec<_> = end.records.iter().map(|record| (record.sequence, record.amount)).collect();
    assert_eq!(records, [(9, Fen(200)), (8, Fen(500))]);
    assert_eq!(end.records[0].when, moment());
    assert_eq!((desk.sent, desk.in_field), (0, 0));
}

#[test]
fn a_balance_shows_ten_records_and_no_more_and_is_shown_without_any() {
    let record = "0009 000000 000000C8 06 112233445566 20261121093045 9000";
    let begin = [SELECT, (READ, &*format!("{PUBLIC} 9000")), ("805C000204", "00000000 9000")];
    let mut desk = Desk::open(balance());
    desk.card(&begin);
    for number in 1..=10 {
        desk.goes_on(&[(&format!("00B2{number:02X}C4"), record)]);
    }
    assert_eq!(desk.ends().end.records.len(), 10);
    for no_record in ["6A83", "6A82", "6982", "AABB 9000"] {
        let mut desk = Desk::open(balance());
        desk.card(&begin).goes_on(&[("00B201C4", no_record)]);
        let end = desk.ends().end;
        assert_eq!((end.known(), end.balance), (Some(Outcome::BalanceRead), Some(Fen(0))));
        assert_eq!(end.records, []);
    }
}

#[test]
fn a_verified_balance_is_proven_by_the_card_in_one_round_trip_and_shown_as_the_bank_says_it() {
    let mut desk = Desk::open(verified_balance());
    desk.card(&[
        SELECT,
        (READ, &format!("{PUBLIC} 9000")),
        ("805000020B 01 00000001 000001000050", &format!("{INITIALIZED} 9000")),
    ]);
    let (body, card) = desk.sends();
    let Body::Card(reading) = body else { panic!("{body:?}") };
    assert_eq!((reading.asn, reading.amount, card), (asn(), Some(Fen(1)), CardNeed::Waits));
    assert_eq!(reading.public_data.to_vec(), bytes(PUBLIC));
    assert_eq!(reading.initialized.unwrap().mac1, mac1());
    assert_eq!((reading.terminal, reading.pack_version), (terminal(), 3));
    desk.bank(Transaction::Balance, end(Outcome::BalanceRead));
    assert_eq!(desk.outcome(), Outcome::BalanceRead);
    assert_eq!(desk.in_field, 1);
}

#[test]
fn a_load_is_permitted_before_the_tap_and_takes_one_round_trip_in_the_field() {
    let mut desk = Desk::open(load());
    let (body, card) = desk.sends();
    let Body::Authorize(authorize) = body else { panic!("{body:?}") };
    assert_eq!((authorize.asn, authorize.amount, card), (asn(), Some(Fen(5_000)), CardNeed::NotYet));
    assert_eq!(authorize.sms.unwrap().reference, [5; 16]);
    assert_eq!(authorize.pin.0, [9; 16]);

    let mut desk = load_at_the_bank();
    let (body, card) = desk.sends();
    let Body::Card(reading) = body else { panic!("{body:?}") };
    assert_eq!(card, CardNeed::Waits);
    assert_eq!(reading.authorization, Some(Reference([4; 16])));
    assert_eq!((reading.amount, reading.terminal), (Some(Fen(5_000)), terminal()));
    let initialized = reading.initialized.unwrap();
    assert_eq!((initialized.balance, initialized.counter.0), (Fen(10_000), 7));

    desk.bank(Transaction::Load, credit(1)).goes_on(&[(CREDIT, &format!("{TAC} 9000"))]);
    let (outputs, card) = desk.reports();
    assert_eq!((outputs.reference, outputs.list, outputs.ending), (reference(), 1, ListEnding::Done));
    assert_eq!(outputs.outputs, [Output::Said { data: bytes(TAC), status: tap::apdu::StatusWord(0x9000) }]);
    assert_eq!(card, CardNeed::Done, "the card may go: the report does not need it");
    desk.bank(Transaction::Load, end(Outcome::Loaded));
    assert_eq!(desk.outcome(), Outcome::Loaded);
    assert_eq!((desk.sent, desk.in_field), (3, 1));
}

#[test]
fn a_supplementary_load_that_the_card_did_not_take_is_credited_in_two_round_trips() {
    let mut desk = supplementary_at_the_bank();
    let (body, card) = desk.sends();
    let Body::Card(reading) = body else { panic!("{body:?}") };
    assert_eq!((reading.asn, reading.initialized, card), (asn(), None, CardNeed::Waits));
    let proofs = vec![
        command("805A00020200 08 08", &[0x9000, 0x9406]),
        command("805A00020200 07 08", &[0x9000, 0x9406]),
        command(&format!("{INITIALIZE} 10"), &[0x9000]),
    ];
    desk.bank(Transaction::SupplementaryLoad, commands(1, proofs));
    desk.goes_on(&[
        ("805A0002020008", "9406"),
        ("805A0002020007", "9406"),
        (INITIALIZE, &format!("{INITIALIZED} 9000")),
    ]);
    let (outputs, card) = desk.reports();
    assert_eq!((outputs.list, outputs.ending, outputs.outputs.len()), (1, ListEnding::Done, 3));
    assert_eq!(card, CardNeed::Waits, "what INITIALIZE began is for the next list");
    desk.bank(Transaction::SupplementaryLoad, credit(2)).goes_on(&[(CREDIT, &format!("{TAC} 9000"))]);
    let (outputs, card) = desk.reports();
    assert_eq!((outputs.list, card), (2, CardNeed::Done));
    desk.bank(Transaction::SupplementaryLoad, end(Outcome::Loaded));
    assert_eq!(desk.outcome(), Outcome::Loaded);
    assert_eq!((desk.sent, desk.in_field), (3, 2));
}

#[test]
fn a_card_that_cannot_tell_is_asked_for_its_load_log_and_is_not_held_for_the_answer() {
    let mut desk = supplementary_at_the_bank();
    desk.sends();
    let initialize = vec![command(&format!("{INITIALIZE} 10"), &[0x9000])];
    desk.bank(Transaction::SupplementaryLoad, commands(1, initialize));
    desk.goes_on(&[(INITIALIZE, &format!("{INITIALIZED} 9000"))]).reports();
    let log = (1..=10).map(|number| command(&format!("00B2{number:02X}D417"), &[0x9000])).collect();
    desk.bank(Transaction::SupplementaryLoad, commands(3, log));
    let record = "0009 000000 000000C8 02 112233445566 20261121093045 9000";
    desk.goes_on(&[("00B201D417", record), ("00B202D417", "6A83")]);
    let (outputs, card) = desk.reports();
    assert_eq!((outputs.outputs.len(), outputs.ending), (2, ListEnding::Mismatch));
    assert_eq!(card, CardNeed::Done);
    assert_eq!(desk.in_field, 2);
    desk.bank(Transaction::SupplementaryLoad, end(Outcome::InDoubt));
    assert_eq!(desk.outcome(), Outcome::InDoubt);
}

#[test]
fn an_activation_brings_a_challenge_and_takes_one_round_trip_in_the_field() {
    let mut desk = Desk::open(activation());
    desk.permits(Transaction::Activation);
    desk.card(&[SELECT, (READ, &format!("{BLANK} 9000")), ("0084000004", "11223344 9000")]);
    let (body, card) = desk.sends();
    let Body::Card(reading) = body else { panic!("{body:?}") };
    assert_eq!((reading.challenge, card), (Some([0x11, 0x22, 0x33, 0x44]), CardNeed::Waits));
    assert_eq!((reading.authorization, reading.amount), (Some(Reference([4; 16])), None));
    let update = "04D695140C 20261121 20361121 AABBCCDD";
    desk.bank(Transaction::Activation, commands(1, vec![command(update, &[0x9000])]));
    desk.goes_on(&[(update, "9000")]);
    let (outputs, card) = desk.reports();
    assert_eq!((outputs.ending, card), (ListEnding::Done, CardNeed::Done));
    desk.bank(Transaction::Activation, end(Outcome::Activated));
    assert_eq!(desk.outcome(), Outcome::Activated);
    assert_eq!((desk.sent, desk.in_field), (3, 1));
}

#[test]
fn a_pack_that_wants_the_cards_pin_has_it_verified_before_initialize() {
    let mut pack = pack();
    pack.card_pin = true;
    let opening = load().with_card_pin(CardPin::new(&bytes("12345F")).unwrap());
    let mut desk = Desk::open_with(pack, opening);
    desk.permits(Transaction::Load);
    desk.card(&[
        SELECT,
        (READ, &format!("{PUBLIC} 9000")),
        ("0020000003 12345F", "9000"),
        (INITIALIZE, &format!("{INITIALIZED} 9000")),
    ]);
    let (body, _) = desk.sends();
    assert!(matches!(body, Body::Card(_)));
}

#[test]
fn answers_that_wait_are_fetched_and_lengths_corrected_as_a_contact_reader_needs_it() {
    let mut desk = Desk::open(load());
    desk.permits(Transaction::Load);
    desk.card(&[
        (SELECT.0, "6110"),
        ("00C0000010", "6F00 9000"),
        (READ, "6C1E"),
        ("00B095001E", &format!("{PUBLIC} 9000")),
        (INITIALIZE, "6110"),
        ("00C0000010", &format!("{INITIALIZED} 9000")),
    ]);
    desk.sends();
    desk.bank(Transaction::Load, credit(1));
    desk.goes_on(&[(CREDIT, "6104"), ("00C0000004", &format!("{TAC} 9000"))]);
    let (outputs, _) = desk.reports();
    assert_eq!(outputs.ending, ListEnding::Done);
    assert_eq!(outputs.outputs, [Output::Said { data: bytes(TAC), status: tap::apdu::StatusWord(0x9000) }]);
}
