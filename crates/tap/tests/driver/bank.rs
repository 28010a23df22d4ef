//! A bank that does not answer, or says what does not belong here: what the end says about money.

use tap::Outcome;
use tap::driver::{Need, Report, read_end};
use tap::message::{Authorized, Body, Message, Reference, Transaction};

use crate::desk::*;

/// The transactions up to the moment when this message is with the bank.
fn at(moment: &str) -> Desk {
    let read = format!("{PUBLIC} 9000");
    let initialized = format!("{INITIALIZED} 9000");
    match moment {
        "authorize" => Desk::open(load()),
        "balance card" => {
            let mut desk = Desk::open(verified_balance());
            desk.card(&[SELECT, (READ, &read), ("80500002", &initialized)]);
            desk
        }
        "load card" => load_at_the_bank(),
        "load outputs" | "load outputs without tac" | "load outputs refused" => {
            let mut desk = load_at_the_bank();
            let answer = match moment {
                "load outputs" => format!("{TAC} 9000"),
                "load outputs without tac" => "9000".into(),
                _ => "9302".into(),
            };
            desk.bank(Transaction::Load, credit(1)).goes_on(&[(CREDIT, &answer)]);
            desk
        }
        "supplementary card" => supplementary_at_the_bank(),
        "supplementary outputs" => {
            let mut desk = supplementary_at_the_bank();
            desk.bank(Transaction::SupplementaryLoad, credit(2));
            desk.goes_on(&[(CREDIT, &format!("{TAC} 9000"))]);
            desk
        }
        "activation card" => {
            let mut desk = Desk::open(activation());
            desk.permits(Transaction::Activation);
            desk.card(&[SELECT, (READ, &read), ("0084", "11223344 9000")]);
            desk
        }
        _ => panic!("{moment}"),
    }
}

/// Moments, and what an end without the bank's word says then: no answer, no sense, canceled, too many rounds.
const MOMENTS: [(&str, [Outcome; 4]); 9] = {
    use Outcome::*;
    [
        ("authorize", [ServerAway, Malformed, Canceled, TooManyRounds]),
        ("balance card", [ServerAway, Malformed, Canceled, TooManyRounds]),
        ("activation card", [ServerAway, Malformed, Canceled, TooManyRounds]),
        ("load card", [Unanswered, Unanswered, Unanswered, TooManyRounds]),
        ("load outputs without tac", [Unanswered, Unanswered, Unanswered, TooManyRounds]),
        ("load outputs refused", [Unanswered, Unanswered, Unanswered, TooManyRounds]),
        ("load outputs", [LoadedReportPending; 4]),
        ("supplementary card", [Unanswered, Unanswered, Unanswered, TooManyRounds]),
        ("supplementary outputs", [LoadedReportPending; 4]),
    ]
};

#[test]
fn an_end_without_the_banks_word_never_says_that_nothing_was_paid_where_it_may_be() {
    for (moment, [unanswered, malformed, canceled, rounds]) in MOMENTS {
        let mut desk = at(moment);
        desk.driver.unanswered();
        assert_eq!(desk.outcome(), unanswered, "{moment}");

        let mut desk = at(moment);
        desk.driver.received("I01hello");
        assert_eq!(desk.outcome(), malformed, "{moment}");

        let mut desk = at(moment);
        desk.driver.stop(Outcome::Canceled);
        assert_eq!(desk.outcome(), canceled, "{moment}");

        let mut desk = at(moment);
        desk.driver.stop(Outcome::TooManyRounds);
        assert_eq!(desk.outcome(), rounds, "{moment}");
    }
}

#[test]
fn a_message_of_another_industry_transaction_or_step_is_not_obeyed() {
    for (moment, [_, malformed, ..]) in MOMENTS {
        let transaction = match at(moment).driver.need() {
            Need::Send { message, .. } => Message::parse(&message).unwrap().transaction,
            need => panic!("{need:?}"),
        };
        let other = match transaction {
            Transaction::Balance => Transaction::Load,
            _ => Transaction::Balance,
        };
        let industry_too = model::IndustryCode::new(102).unwrap();
        let wrong_step = match moment {
            "authorize" => credit(1),
            _ => Body::Authorized(Authorized { reference: Reference([4; 16]) }),
        };
        for foreign in [
            Message { industry: industry_too, transaction, body: credit(1) },
            Message { industry: industry(), transaction: other, body: credit(1) },
            Message { industry: industry(), transaction, body: wrong_step },
        ] {
            let mut desk = at(moment);
            desk.driver.received(&foreign.to_text());
            assert_eq!(desk.outcome(), malformed, "{moment}");
        }
    }
}

#[test]
fn a_list_under_another_reference_than_the_first_is_not_run() {
    let mut desk = supplementary_at_the_bank();
    let initialize = vec![command(&format!("{INITIALIZE} 10"), &[0x9000])];
    desk.bank(Transaction::SupplementaryLoad, commands(1, initialize));
    desk.goes_on(&[(INITIALIZE, &format!("{INITIALIZED} 9000"))]);
    let Body::Commands(mut list) = credit(2) else { panic!() };
    list.reference = Reference([0xe; 16]);
    desk.bank(Transaction::SupplementaryLoad, Body::Commands(list));
    let end = desk.ends().end;
    assert_eq!((end.known(), end.reference), (Some(Outcome::Unanswered), Some(reference())));
}

#[test]
fn a_report_that_waits_says_what_is_on_the_card_now() {
    let mut desk = at("load outputs");
    desk.driver.unanswered();
    let report = desk.ends();
    assert_eq!(report.end.balance, Some(model::Fen(15_000)));
    assert_eq!(report.end.amount, Some(model::Fen(5_000)));
    assert_eq!(report.end.reference, Some(reference()));
    assert_eq!(report.money(), tap::outcome::Money::Done);
    assert_eq!(report.english(), Outcome::LoadedReportPending.english());
    assert_eq!(report.chinese(), Outcome::LoadedReportPending.chinese());
}

#[test]
fn a_refusal_of_the_bank_is_shown_as_it_stands() {
    let mut desk = at("authorize");
    let mut refusal = tap::message::End::of(Outcome::PinWrong);
    refusal.tries_left = Some(2);
    let text =
        Message { industry: industry(), transaction: Transaction::Load, body: Body::End(refusal.clone()) }
            .to_text();
    desk.driver.received(&text);
    assert_eq!(desk.driver.need(), Need::End(text.clone()));
    assert_eq!(read_end(&text).unwrap(), refusal);
    assert!(read_end(&balance().to_text()).is_err(), "an opening is no end, whatever its letter");
    assert!(Report::read("hello").is_err());
}

#[test]
fn what_comes_late_or_twice_changes_nothing() {
    let mut desk = at("load card");
    let waits = desk.driver.need();
    desk.driver.answered(&bytes("9000"));
    desk.driver.open(&balance().to_text());
    assert_eq!(desk.driver.need(), waits);
    desk.bank(Transaction::Load, credit(1));
    let runs = desk.driver.need();
    desk.bank(Transaction::Load, credit(2));
    desk.driver.unanswered();
    assert_eq!(desk.driver.need(), runs);
    desk.goes_on(&[(CREDIT, &format!("{TAC} 9000"))]);
    desk.bank(Transaction::Load, end(Outcome::Loaded));
    let ended = desk.driver.need();
    desk.driver.card_gone();
    desk.driver.card_presented();
    desk.driver.unanswered();
    desk.driver.stop(Outcome::Canceled);
    desk.bank(Transaction::Load, credit(3));
    assert_eq!(desk.driver.need(), ended);
}

#[test]
fn nothing_that_a_need_prints_is_a_secret() {
    let pin = tap::message::CardPin::new(&bytes("987654")).unwrap();
    let mut pack = pack();
    pack.card_pin = true;
    let mut desk = Desk::open_with(pack, load().with_card_pin(pin));
    let printed = format!("{:?}", desk.driver);
    assert!(!printed.contains("271828") && !printed.contains(&hex::encode("271828")), "{printed}");
    desk.permits(Transaction::Load);
    desk.card(&[SELECT, (READ, &format!("{PUBLIC} 9000"))]);
    let need = desk.driver.need();
    assert!(matches!(&need, Need::Transmit(apdu) if apdu.ends_with(&bytes("987654"))));
    for printed in [format!("{:02x?}", desk.driver), format!("{need:02x?}")] {
        assert!(printed.contains("00, 20, 00, 00") && !printed.contains("98, 76"), "{printed}");
    }
}
