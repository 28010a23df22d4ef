//! Sent back to S1: two bytes with no key behind them.

use air::card::{Ignored, Light, Shown};
use air::{Factor, FrameBytes};

use crate::desk::{Desk, form};
use crate::maker::breakfast;

#[test]
fn three_retries_with_growing_pauses_then_sent_back() {
    let mut desk = Desk::greeted();
    desk.press();
    let brief = desk.uplink();
    assert_eq!((form(&brief).x, form(&brief).z), (false, false));
    let mut hellos: Vec<FrameBytes> = Vec::new();
    for pause in [500, 2_000, 8_000] {
        desk.hear_retry().unwrap();
        desk.after(pause - 1);
        assert!(desk.sends_nothing(), "the pause is {pause} ms");
        desk.after(1);
        hellos.push(desk.uplink());
    }
    for (frame, z) in hellos.iter().zip([false, true, true]) {
        assert!(form(frame).x, "full");
        assert!(matches!(form(frame).factor, Factor::Wide(_)), "wide");
        assert_eq!(form(frame).z, z);
    }
    desk.hear_retry().unwrap();
    assert_eq!((desk.shown(), desk.card.light()), (Some(Shown::SentBack), Light::Red));
    desk.after(60_000);
    assert!(desk.sends_nothing());
}

#[test]
fn a_press_begins_a_new_row_of_retries() {
    let mut desk = Desk::greeted();
    for _ in 0..2 {
        desk.press();
        for _ in 0..3 {
            desk.hear_retry().unwrap();
            desk.after(8_000);
        }
        desk.hear_retry().unwrap();
        assert_eq!(desk.shown(), Some(Shown::SentBack));
    }
}

#[test]
fn a_retry_that_answers_no_hello_is_ignored() {
    let mut desk = Desk::greeted();
    assert_eq!(desk.hear_retry(), Err(Ignored::NotAwaited), "idle");
    let (mut desk, _) = Desk::prompted();
    assert_eq!(desk.hear_retry(), Err(Ignored::NotAwaited), "lit");
    assert_eq!(desk.prompt(), Some(&breakfast()));
    let (mut desk, _, _) = Desk::agreed();
    assert_eq!(desk.hear_retry(), Err(Ignored::NotAwaited), "reporting");
    let mut desk = Desk::greeted();
    desk.press();
    desk.hear_retry().unwrap();
    assert_eq!(desk.hear_retry(), Err(Ignored::NotAwaited), "already sent back");
    let mut desk = Desk::greeted();
    desk.press();
    desk.after(15_000);
    assert_eq!(desk.hear_retry(), Err(Ignored::NotAwaited), "the timer is over");
}

#[test]
fn a_press_during_the_pause_sends_nothing_sooner() {
    let mut desk = Desk::greeted();
    desk.press();
    desk.uplink();
    desk.hear_retry().unwrap();
    desk.press();
    assert!(desk.sends_nothing());
}

#[test]
fn the_first_hello_after_a_retry_is_full_even_after_a_reset() {
    let mut desk = Desk::greeted();
    desk.press();
    desk.uplink();
    desk.hear_retry().unwrap();
    desk.reset();
    desk.press();
    assert!(desk.hello().is_full());
}

#[test]
fn a_card_that_was_sent_back_stays_full_until_it_is_answered() {
    let mut desk = Desk::greeted();
    desk.press();
    desk.uplink();
    desk.hear_retry().unwrap();
    desk.after(500);
    assert!(desk.hello().is_full());
    // That hello was lost on the air.
    desk.after(30_000);
    desk.press();
    let hello = desk.hello();
    assert!(hello.is_full());
    let sent = desk.platform.answer(&hello, &breakfast(), desk.time());
    desk.hear(&sent.frame).unwrap();
    desk.after(1_000);
    desk.press();
    desk.after(600);
    let frame = desk.uplink();
    let receipt = desk.platform.receipt(&desk.platform.open_result(&frame, &sent), air::Outcome::Settled);
    desk.hear(&receipt).unwrap();
    desk.press();
    assert!(!desk.hello().is_full());
}

#[test]
fn a_push_is_no_answer_to_the_hello_that_must_be_full() {
    let mut desk = Desk::greeted();
    desk.press();
    desk.uplink();
    desk.hear_retry().unwrap();
    let pushed = desk.platform.push(&breakfast(), desk.time());
    desk.hear(&pushed.frame).unwrap();
    desk.reset();
    desk.press();
    assert!(desk.hello().is_full());
}

#[test]
fn an_answer_after_a_retry_is_taken_as_any_other() {
    let mut desk = Desk::greeted();
    desk.press();
    desk.uplink();
    for _ in 0..2 {
        desk.hear_retry().unwrap();
        desk.after(2_000);
    }
    desk.uplink();
    let hello = desk.hello();
    assert!(!hello.clock_set());
    let sent = desk.platform.answer(&hello, &breakfast(), desk.time());
    desk.hear(&sent.frame).unwrap();
    assert_eq!(desk.prompt(), Some(&breakfast()));
}
