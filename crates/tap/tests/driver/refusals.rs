//! What ends a transaction before the bank is told of a card, and under which name.

use model::Fen;
use tap::Outcome;
use tap::driver::Opening;
use tap::message::{CardPin, Message, Transaction};

use crate::desk::*;

/// A load of a permitted holder, with this card.
fn load_with(script: &[(&str, &str)]) -> Desk {
    let mut desk = Desk::open(load());
    desk.permits(Transaction::Load);
    desk.card(script);
    desk
}

#[test]
fn a_card_that_refuses_select_has_no_wallet_or_is_locked() {
    for (answer, outcome) in [
        ("6A82", Outcome::NotAWallet),
        ("6D00", Outcome::NotAWallet),
        ("6E00", Outcome::NotAWallet),
        ("6F00 6283", Outcome::CardLocked),
        ("9303", Outcome::CardLocked),
        ("6A81", Outcome::CardLocked),
        ("6F00", Outcome::CardRefused),
        ("90", Outcome::CardGone),
        ("", Outcome::CardGone),
    ] {
        let mut desk = Desk::open(balance());
        desk.card(&[(SELECT.0, answer)]);
        assert_eq!(desk.outcome(), outcome, "{answer}");
    }
}

#[test]
fn a_card_without_a_readable_file_0015_is_no_wallet_of_this_kind() {
    let short = format!("{} 9000", &PUBLIC[..PUBLIC.len() - 2]);
    let letters = format!("{} 9000", PUBLIC.replace("00001000751234567890", "0000100075123456789A"));
    for (answer, outcome) in [
        ("6A82", Outcome::NotAWallet),
        ("9303", Outcome::CardLocked),
        ("6982", Outcome::CardRefused),
        (short.as_str(), Outcome::Malformed),
        (letters.as_str(), Outcome::Malformed),
    ] {
        let mut desk = Desk::open(balance());
        desk.card(&[SELECT, (READ, answer)]);
        assert_eq!(desk.outcome(), outcome, "{answer}");
    }
}

#[test]
fn another_card_than_the_openings_is_refused_before_anything_of_it_is_sent() {
    let other = PUBLIC.replace("1234567890", "1234567891");
    let read = format!("{other} 9000");
    let mut openings =
        vec![balance().of_card(asn()), verified_balance().of_card(asn()), supplementary().of_card(asn())];
    for opening in openings.drain(..) {
        let mut desk = Desk::open(opening);
        desk.card(&[SELECT, (READ, &read)]);
        assert_eq!((desk.outcome(), desk.sent), (Outcome::AnotherCard, 0));
    }
    for (opening, transaction) in [(load(), Transaction::Load), (activation(), Transaction::Activation)] {
        let mut desk = Desk::open(opening);
        desk.permits(transaction).card(&[SELECT, (READ, &read)]);
        assert_eq!((desk.outcome(), desk.sent), (Outcome::AnotherCard, 1));
    }
}

#[test]
fn a_refused_initialize_says_why() {
    let (active, blank) = (format!("{PUBLIC} 9000"), format!("{BLANK} 9000"));
    for (public, answer, outcome) in [
        (&blank, "6985", Outcome::NotActivated),
        (&blank, "6901", Outcome::NotActivated),
        (&active, "6985", Outcome::CardRefused),
        (&active, "9402", Outcome::CounterEnd),
        (&active, "9403", Outcome::CardRefused),
        (&active, "6982", Outcome::CardRefused),
        (&active, "6581", Outcome::CardRefused),
        (&active, "9303", Outcome::CardLocked),
        (&active, "6A81", Outcome::CardLocked),
        (&active, "6283", Outcome::CardLocked),
        (&active, "00002710 0007 9000", Outcome::Malformed),
    ] {
        let mut desk = load_with(&[SELECT, (READ, public), (INITIALIZE, answer)]);
        let report = desk.ends();
        assert_eq!(report.outcome(), Some(outcome), "{answer}");
        assert_eq!(report.end.asn, Some(asn()));
    }
}

#[test]
fn a_wrong_pin_of_the_card_tells_the_tries_that_are_left() {
    let pin = || CardPin::new(&bytes("1234")).unwrap();
    for (answer, outcome, tries) in [
        ("63C2", Outcome::CardPinWrong, Some(2)),
        ("63C1", Outcome::CardPinWrong, Some(1)),
        ("63C0", Outcome::CardPinBlocked, None),
        ("6983", Outcome::CardPinBlocked, None),
        ("9303", Outcome::CardLocked, None),
        ("6A88", Outcome::CardRefused, None),
    ] {
        for opening in [load(), verified_balance(), supplementary()] {
            let mut pack = pack();
            pack.card_pin = true;
            let mut desk = Desk::open_with(pack, opening.with_card_pin(pin()));
            if !matches!(desk.driver.need(), tap::driver::Need::PresentCard) {
                desk.permits(Transaction::Load);
            }
            desk.card(&[SELECT, (READ, &format!("{PUBLIC} 9000")), ("0020000002 1234", answer)]);
            let end = desk.ends().end;
            assert_eq!((end.known(), end.tries_left), (Some(outcome), tries), "{answer}");
        }
    }
}

#[test]
fn what_the_pack_does_not_allow_is_refused_without_the_bank() {
    for amount in [0, 50_001] {
        let mut desk = Desk::open(load_of(Fen(amount)));
        assert_eq!((desk.outcome(), desk.sent), (Outcome::AmountRefused, 0));
    }
    // 950.01 yuan and 50 yuan are more than 1000 yuan.
    let over = "00017319 0007 01 00 A1B2C3D4 DA8AD9E6 9000";
    let read = format!("{PUBLIC} 9000");
    let mut desk = load_with(&[SELECT, (READ, &read), (INITIALIZE, over)]);
    assert_eq!((desk.outcome(), desk.sent), (Outcome::BalanceOverLimit, 1));
    let mut desk = load_with(&[SELECT, (READ, &read), (INITIALIZE, &over.replace("7319", "7318"))]);
    desk.sends();
}

#[test]
fn refused_commands_of_balance_and_activation_say_why() {
    let read = format!("{PUBLIC} 9000");
    for (answer, outcome) in [
        ("9303", Outcome::CardLocked),
        ("6985", Outcome::CardRefused),
        ("001C37 9000", Outcome::Malformed),
        ("00001C3700 9000", Outcome::Malformed),
    ] {
        let mut desk = Desk::open(balance());
        desk.card(&[SELECT, (READ, &read), ("805C0002", answer)]);
        assert_eq!(desk.outcome(), outcome, "{answer}");
        let mut desk = Desk::open(activation());
        desk.permits(Transaction::Activation);
        desk.card(&[SELECT, (READ, &read), ("00840000", answer)]);
        assert_eq!(desk.outcome(), outcome, "{answer}");
    }
}

#[test]
fn an_opening_that_is_none_or_lacks_what_its_transaction_needs_is_malformed() {
    let foreign = Opening::balance(model::IndustryCode::new(102).unwrap(), terminal()).to_text();
    let text = |body| Message { industry: industry(), transaction: Transaction::Load, body }.to_text();
    let no_opening = text(end(Outcome::Loaded));
    let as_load = |opening: Opening| {
        let text = opening.to_text();
        format!("{}02{}", &text[..7], &text[9..])
    };
    assert!(matches!(Message::parse(&as_load(balance())).unwrap().transaction, Transaction::Load));
    for wrong in [
        String::new(),
        "A".into(),
        "hello".into(),
        foreign,
        no_opening,
        text(credit(1)),
        // A balance's fields under the name of a load.
        as_load(balance()),
        as_load(balance().of_card(asn())),
    ] {
        let mut driver = tap::driver::Driver::new(std::sync::Arc::new(pack()));
        driver.open(&wrong);
        let mut desk = Desk { driver, in_field: 0, sent: 0 };
        assert_eq!(desk.outcome(), Outcome::Malformed, "{wrong}");
    }
    let mut pack = pack();
    pack.card_pin = true;
    for opening in [load(), verified_balance()] {
        let mut desk = Desk::open_with(pack.clone(), opening);
        assert_eq!(desk.outcome(), Outcome::Malformed, "the face did not ask for the card's PIN");
    }
    let mut driver = tap::driver::Driver::new(std::sync::Arc::new(pack));
    driver.card_presented();
    let mut desk = Desk { driver, in_field: 0, sent: 0 };
    assert_eq!(desk.outcome(), Outcome::Malformed, "nothing was opened");
}
