//! S7 and the losses around it: the latched decision, its repeats, its receipt.

use air::card::{Action, Ignored, Light, Shown};
use air::platform::DownlinkForm;
use air::{Answering, Decision, Outcome};

use crate::desk::Desk;
use crate::maker::{self, breakfast, order};

#[test]
fn each_outcome_is_shown_as_the_receipt_says() {
    for (outcome, light) in [
        (Outcome::Settled, Light::Green),
        (Outcome::TooLate, Light::Red),
        (Outcome::Refused, Light::Red),
        (Outcome::ByPlatform, Light::Red),
        (Outcome::WrongPresses, Light::Red),
    ] {
        let (mut desk, sent, result) = Desk::agreed();
        let result = desk.platform.open_result(&result, &sent);
        let receipt = desk.platform.receipt(&result, outcome);
        desk.hear(&receipt).unwrap();
        assert_eq!((desk.shown(), desk.card.light()), (Some(Shown::Receipt(outcome)), light));
        desk.after(6_000);
        assert_eq!(desk.card.light(), Light::Off);
        desk.after(600_000);
        assert!(desk.sends_nothing(), "nothing is left to ask");
    }
}

#[test]
fn the_decision_is_stored_before_the_result_is_sent() {
    let (desk, sent, result) = Desk::agreed();
    let [.., Action::Store(flash), Action::Transmit(frame)] = desk.actions.as_slice() else {
        panic!("{:?}", desk.actions)
    };
    let latched = flash.latched.as_ref().unwrap();
    assert_eq!((latched.b, &latched.frame), (sent.b, frame));
    assert_eq!(latched.text.decision, Decision::Agreed { presses: 1 });
    assert_eq!(*frame, result);
}

#[test]
fn the_first_decision_is_latched_and_its_bytes_are_sent_again() {
    let (mut desk, _, result) = Desk::agreed();
    // Whatever would enter a result computed anew has changed.
    desk.card.set_battery(3);
    desk.hold(5_000);
    desk.after(15_000);
    assert_eq!(desk.uplink(), result);
    // Nor is an element needed that could compute one.
    desk.card.element().broken.set(true);
    desk.after(30_000);
    assert_eq!(desk.uplink(), result);
}

#[test]
fn without_a_receipt_the_card_repeats_with_growing_waits_then_shows_unknown() {
    let (mut desk, _, result) = Desk::agreed();
    for wait in [15_000, 30_000, 60_000] {
        desk.after(wait - 1);
        assert!(desk.sends_nothing(), "{wait} ms");
        desk.after(1);
        assert_eq!(desk.uplink(), result);
    }
    desk.after(119_999);
    assert_eq!(desk.card.light(), Light::Working);
    desk.after(1);
    assert_eq!((desk.shown(), desk.card.light()), (Some(Shown::Unknown), Light::Amber));
    desk.after(3_600_000);
    assert!(desk.sends_nothing());
    assert_eq!(desk.shown(), Some(Shown::Unknown), "it stays until somebody asks");
}

fn unknown() -> (Desk, crate::desk::Sent, air::FrameBytes) {
    let (mut desk, sent, result) = Desk::agreed();
    desk.after(15_000 + 30_000 + 60_000 + 120_000);
    while desk.try_uplink().is_some() {}
    assert_eq!(desk.shown(), Some(Shown::Unknown));
    (desk, sent, result)
}

#[test]
fn a_press_asks_an_unknown_outcome_again() {
    let (mut desk, sent, result) = unknown();
    desk.press();
    assert_eq!(desk.uplink(), result);
    assert_eq!(desk.card.light(), Light::Working);
    let receipt = desk.platform.receipt(&desk.platform.open_result(&result, &sent), Outcome::Settled);
    desk.hear(&receipt).unwrap();
    assert_eq!(desk.shown(), Some(Shown::Receipt(Outcome::Settled)));
    desk.press();
    assert!(desk.hello().clock_set(), "the next press fetches again");
}

#[test]
fn a_result_that_is_never_answered_does_not_lock_the_card() {
    let (mut desk, _, result) = unknown();
    desk.press();
    assert_eq!(desk.uplink(), result, "the first press asks for the receipt");
    desk.after(15_000 + 30_000 + 60_000 + 120_000);
    while desk.try_uplink().is_some() {}
    assert_eq!(desk.shown(), Some(Shown::Unknown));
    desk.press();
    assert!(desk.hello().clock_set(), "asked in vain: the next press fetches what waits");
    desk.after(15_000);
    assert_eq!(desk.shown(), Some(Shown::NoAnswer));
    desk.after(6_000);
    assert_eq!(desk.shown(), Some(Shown::Unknown), "what is unknown is not forgotten");
    desk.press();
    assert_eq!(desk.uplink(), result, "and the press after asks for it again");
}

#[test]
fn a_receipt_that_comes_at_last_ends_unknown_without_a_press() {
    let (mut desk, sent, result) = unknown();
    let receipt = desk.platform.receipt(&desk.platform.open_result(&result, &sent), Outcome::TooLate);
    desk.hear(&receipt).unwrap();
    assert_eq!(desk.shown(), Some(Shown::Receipt(Outcome::TooLate)));
}

#[test]
fn a_newer_transaction_ends_unknown() {
    let (mut desk, sent, result) = unknown();
    let newer = desk.platform.push(&order(100, 60), desk.time());
    desk.hear(&newer.frame).unwrap();
    assert_eq!(desk.prompt(), Some(&order(100, 60)));
    let late = desk.platform.receipt(&desk.platform.open_result(&result, &sent), Outcome::Settled);
    assert_eq!(desk.hear(&late), Err(Ignored::NotAwaited), "a late receipt takes no light from a question");
    assert_eq!(desk.prompt(), Some(&order(100, 60)));
}

#[test]
fn a_reset_with_a_latched_decision_shows_unknown_and_a_press_asks() {
    let (mut desk, sent, result) = Desk::agreed();
    desk.reset();
    assert_eq!((desk.shown(), desk.card.light()), (Some(Shown::Unknown), Light::Amber));
    assert_eq!(desk.card.poll_timeout(), None);
    desk.press();
    assert_eq!(desk.uplink(), result, "the same bytes, from the flash");
    // The card has no clock now: the receipt's narrow factor is completed against the open B.
    let receipt = desk.platform.receipt(&desk.platform.open_result(&result, &sent), Outcome::Settled);
    desk.hear(&receipt).unwrap();
    assert_eq!(desk.shown(), Some(Shown::Receipt(Outcome::Settled)));
    desk.reset();
    assert_eq!(desk.shown(), None, "the receipt was the end of it");
}

#[test]
fn a_reset_before_a_decision_forgets_the_prompt_and_takes_it_no_second_time() {
    let mut desk = Desk::greeted();
    let pushed = desk.platform.push(&breakfast(), desk.time());
    desk.hear(&pushed.frame).unwrap();
    desk.reset();
    assert_eq!(desk.card.light(), Light::Off);
    desk.greet();
    assert_eq!(desk.hear(&pushed.frame), Err(Ignored::NotAboveMark));
}

#[test]
fn a_receipt_for_another_b_is_ignored() {
    let (mut desk, sent, result) = Desk::agreed();
    let (mut other, _) = Desk::prompted();
    other.after(5_000);
    let other_sent = {
        let pushed = other.platform.push(&breakfast(), other.time());
        other.hear(&pushed.frame).unwrap();
        pushed
    };
    assert_ne!(other_sent.b, sent.b);
    other.after(1_000);
    other.press();
    other.after(600);
    let other_result = other.uplink();
    let receipt =
        desk.platform.receipt(&desk.platform.open_result(&other_result, &other_sent), Outcome::Settled);
    assert_eq!(desk.hear(&receipt), Err(Ignored::NotAwaited));
    assert_eq!(desk.card.light(), Light::Working);
    let receipt = desk.platform.receipt(&desk.platform.open_result(&result, &sent), Outcome::Settled);
    desk.hear(&receipt).unwrap();
}

#[test]
fn a_receipt_of_another_decision_or_with_a_wrong_code_is_ignored() {
    let (mut desk, sent, result) = Desk::agreed();
    // The same transaction, refused: that result's receipt does not open for who agreed.
    let (mut refusing, _) = Desk::prompted();
    refusing.after(1_000);
    refusing.hold(1_500);
    let refused = refusing.uplink();
    let of_refusal = desk.platform.receipt(&desk.platform.open_result(&refused, &sent), Outcome::Settled);
    assert_eq!(desk.hear(&of_refusal), Err(Ignored::WrongCode));
    let receipt = desk.platform.receipt(&desk.platform.open_result(&result, &sent), Outcome::Settled);
    for bit in 0..receipt.len() * 8 {
        let mut frame = receipt.clone();
        frame[bit / 8] ^= 1 << (bit % 8);
        assert!(desk.hear(&frame).is_err(), "bit {bit}");
        assert_eq!(desk.card.light(), Light::Working);
    }
    desk.hear(&receipt).unwrap();
}

#[test]
fn a_second_receipt_is_ignored() {
    let (mut desk, sent, result) = Desk::agreed();
    let result = desk.platform.open_result(&result, &sent);
    let receipt = desk.platform.receipt(&result, Outcome::Settled);
    desk.hear(&receipt).unwrap();
    assert_eq!(desk.hear(&receipt), Err(Ignored::NotAwaited));
    let other = desk.platform.receipt(&result, Outcome::ByPlatform);
    assert_eq!(desk.hear(&other), Err(Ignored::NotAwaited));
    assert_eq!(desk.shown(), Some(Shown::Receipt(Outcome::Settled)));
}

#[test]
fn a_receipt_before_a_decision_is_ignored() {
    let (mut desk, sent) = Desk::prompted();
    let (_, same, result) = Desk::agreed();
    assert_eq!(sent.b, same.b);
    let receipt = desk.platform.receipt(&desk.platform.open_result(&result, &same), Outcome::Settled);
    assert_eq!(desk.hear(&receipt), Err(Ignored::NotAwaited));
    assert_eq!(desk.prompt(), Some(&breakfast()));
}

#[test]
fn a_decision_that_the_element_cannot_seal_is_not_latched() {
    let (mut desk, _) = Desk::prompted();
    desk.after(1_000);
    desk.card.element().broken.set(true);
    desk.press();
    desk.after(600);
    assert!(desk.sends_nothing());
    assert_eq!(desk.flash.latched, None);
    assert_eq!(desk.card.light(), Light::Red);
}

#[test]
fn a_transaction_that_comes_while_the_receipt_is_awaited_is_shown() {
    let (mut desk, _, _) = Desk::agreed();
    let pushed = desk.platform.push(&order(100, 60), desk.time());
    desk.hear(&pushed.frame).unwrap();
    assert_eq!(desk.prompt(), Some(&order(100, 60)));
    assert_eq!(desk.flash.latched, None);
}

#[test]
fn a_wide_receipt_is_as_good_as_a_narrow_one() {
    let (mut desk, sent, result) = Desk::agreed();
    desk.platform.form = DownlinkForm { wide: true, channel_on_air: true };
    let receipt = desk.platform.receipt(&desk.platform.open_result(&result, &sent), Outcome::Settled);
    assert_eq!(receipt.len(), 2 + 9 + 4 + 1 + 8);
    desk.hear(&receipt).unwrap();
    assert_eq!(
        sent.context,
        maker::context(match sent.context.answering {
            Answering::Hello(a) => Answering::Hello(a),
            Answering::Nothing => panic!("it was fetched"),
        })
    );
}
