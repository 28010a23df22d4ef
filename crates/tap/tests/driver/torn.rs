//! A card that is gone, at every moment: nothing that it said is lost.

use tap::Outcome;
use tap::driver::{CardNeed, Need};
use tap::message::{Body, ListEnding, Output, Transaction};

use crate::desk::*;

#[test]
fn a_card_that_leaves_before_card_was_sent_ends_it_and_nothing_happened() {
    let read = format!("{PUBLIC} 9000");
    let script = [SELECT, (READ, read.as_str()), (INITIALIZE, GONE)];
    for torn in 0..script.len() {
        let mut desk = Desk::open(load());
        desk.permits(Transaction::Load);
        let mut script = script;
        script[torn].1 = GONE;
        desk.card(&script[..=torn]);
        assert_eq!((desk.outcome(), desk.sent), (Outcome::CardGone, 1));
    }
    let mut desk = Desk::open(balance());
    desk.driver.card_gone();
    assert_eq!(desk.outcome(), Outcome::CardGone);
}

#[test]
fn a_card_put_on_anew_while_it_is_read_is_read_anew() {
    let mut desk = Desk::open(balance());
    desk.card(&[SELECT]);
    desk.driver.card_presented();
    desk.goes_on(&[SELECT, (READ, &format!("{PUBLIC} 9000"))]);
}

#[test]
fn a_card_that_leaves_while_a_list_runs_is_told_with_all_that_it_said() {
    for gone in [GONE, "", "90"] {
        let mut desk = supplementary_at_the_bank();
        desk.sends();
        let proofs = vec![
            command("805A0002020008 08", &[0x9000, 0x9406]),
            command("805A0002020007 08", &[0x9000, 0x9406]),
            command(&format!("{INITIALIZE} 10"), &[0x9000]),
        ];
        desk.bank(Transaction::SupplementaryLoad, commands(1, proofs));
        desk.goes_on(&[("805A0002020008", "9406"), ("805A0002020007", gone)]);
        let (outputs, card) = desk.reports();
        assert_eq!((outputs.ending, card), (ListEnding::CardGone, CardNeed::Done));
        let said = Output::Said { data: vec![], status: tap::apdu::StatusWord(0x9406) };
        assert_eq!(outputs.outputs, [said, Output::Gone]);
        desk.bank(Transaction::SupplementaryLoad, end(Outcome::PaidNotWritten));
        assert_eq!(desk.outcome(), Outcome::PaidNotWritten);
    }
}

#[test]
fn a_credit_without_an_answer_is_told_as_a_card_that_is_gone() {
    let mut desk = load_at_the_bank();
    desk.sends();
    desk.bank(Transaction::Load, credit(1)).goes_on(&[(CREDIT, GONE)]);
    let (outputs, _) = desk.reports();
    assert_eq!((outputs.outputs, outputs.ending), (vec![Output::Gone], ListEnding::CardGone));
    // Nobody answers that either: what was begun is finished at the next tap.
    desk.driver.unanswered();
    assert_eq!(desk.outcome(), Outcome::Unanswered);
}

#[test]
fn a_card_that_left_while_the_bank_decided_is_not_asked_and_the_bank_is_told() {
    let mut desk = load_at_the_bank();
    desk.sends();
    desk.driver.card_gone();
    assert!(matches!(desk.driver.need(), Need::Send { .. }), "the answer is still waited for");
    desk.bank(Transaction::Load, credit(1));
    let (outputs, card) = desk.reports();
    assert_eq!((outputs.outputs, card), (vec![Output::Gone], CardNeed::Done));
}

#[test]
fn another_card_put_on_while_the_bank_decides_gets_no_command_that_was_for_the_first() {
    let mut desk = load_at_the_bank();
    desk.sends();
    desk.driver.card_presented();
    desk.bank(Transaction::Load, credit(1));
    assert_eq!(desk.reports().0.ending, ListEnding::CardGone);
}

#[test]
fn a_list_that_is_canceled_is_told_first() {
    for why in [Outcome::Canceled, Outcome::ReaderGone] {
        let mut desk = load_at_the_bank();
        desk.sends();
        desk.bank(Transaction::Load, credit(1));
        desk.driver.stop(why);
        assert_eq!(desk.reports().0.ending, ListEnding::CardGone);
    }
}

#[test]
fn an_answer_that_is_not_allowed_ends_the_list_and_is_its_last_output() {
    let mut desk = load_at_the_bank();
    desk.sends();
    let list = vec![command(CREDIT, &[0x9000]), command("805C000204", &[0x9000])];
    desk.bank(Transaction::Load, commands(1, list)).goes_on(&[(CREDIT, "9302")]);
    let (body, card) = desk.sends();
    let Body::Outputs(outputs) = body else { panic!("{body:?}") };
    assert_eq!((outputs.ending, card), (ListEnding::Mismatch, CardNeed::Done));
    assert_eq!(outputs.outputs.len(), 1);
    desk.bank(Transaction::Load, end(Outcome::Mac2Refused));
    assert_eq!(desk.outcome(), Outcome::Mac2Refused);
}

#[test]
fn answers_that_no_message_could_carry_end_the_list_as_a_card_that_is_gone() {
    let mut desk = supplementary_at_the_bank();
    desk.sends();
    let list = (0..32).map(|_| command("00B0950000", &[0x9000])).collect();
    desk.bank(Transaction::SupplementaryLoad, commands(1, list));
    let long = format!("{} 9000", "5A".repeat(256));
    let mut runs = 0;
    while let Need::Transmit(_) = desk.driver.need() {
        desk.goes_on(&[("00B0950000", &long)]);
        runs += 1;
    }
    let (outputs, _) = desk.reports();
    assert_eq!((outputs.outputs.len(), outputs.ending), (runs, ListEnding::CardGone));
    assert!(runs > 28 && outputs.outputs.last() == Some(&Output::Gone), "{runs}");
}
