//! S6: one key. When it says yes, how often, no, and not me.

use air::Decision;
use air::card::{Edge, Light};

use crate::desk::Desk;
use crate::maker::{breakfast, order};

#[test]
fn one_press_and_a_rest_agree() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(1_000);
    desk.press();
    desk.after(599);
    assert!(desk.sends_nothing(), "the key has not rested");
    desk.after(1);
    assert_eq!(desk.decision(&sent), Decision::Agreed { presses: 1 });
    assert_eq!(desk.card.light(), Light::Working);
}

#[test]
fn presses_in_the_first_700_ms_are_ignored() {
    for (wait, counts) in [(0, false), (300, false), (699, false), (700, true)] {
        let (mut desk, _) = Desk::prompted();
        desk.after(wait);
        desk.press();
        assert_eq!(desk.presses(), Some(u8::from(counts)), "after {wait} ms");
    }
}

#[test]
fn a_hold_begun_in_the_first_700_ms_is_ignored_however_long_it_lasts() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(600);
    desk.hold(6_000);
    assert!(desk.sends_nothing());
    assert_eq!(desk.prompt(), Some(&breakfast()));
    desk.press();
    desk.after(600);
    assert_eq!(desk.decision(&sent), Decision::Agreed { presses: 1 });
}

#[test]
fn a_finger_on_the_key_when_the_light_comes_on_counts_for_nothing() {
    let mut desk = Desk::greeted();
    // Whoever fetches the order may hold the key until the answer is there.
    desk.key(Edge::Down);
    let hello = desk.hello();
    desk.after(200);
    let sent = desk.platform.answer(&hello, &breakfast(), desk.time());
    desk.hear(&sent.frame).unwrap();
    desk.after(5_500);
    desk.key(Edge::Up);
    desk.after(600);
    assert!(desk.sends_nothing());
    assert_eq!(desk.presses(), Some(0));
    desk.press();
    desk.after(600);
    assert_eq!(desk.decision(&sent), Decision::Agreed { presses: 1 });
}

#[test]
fn presses_less_than_600_ms_apart_count_together() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(1_000);
    for pressed in 1..=3 {
        desk.press();
        assert_eq!(desk.presses(), Some(pressed));
        desk.after(599);
    }
    desk.after(1);
    assert_eq!(desk.decision(&sent), Decision::Agreed { presses: 3 });
}

#[test]
fn a_press_after_600_ms_comes_too_late_for_the_count() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(1_000);
    desk.press();
    desk.after(600);
    desk.press();
    desk.after(600);
    assert_eq!(desk.decision(&sent), Decision::Agreed { presses: 1 });
    assert!(desk.sends_nothing(), "the second press neither agrees again nor fetches");
}

#[test]
fn a_count_goes_from_1_to_15_and_stays_there() {
    for pressed in [1, 2, 5, 14, 15, 16, 40] {
        let (mut desk, sent) = Desk::prompted();
        desk.after(1_000);
        for _ in 0..pressed {
            desk.press();
            desk.after(200);
        }
        desk.after(400);
        assert_eq!(desk.decision(&sent), Decision::Agreed { presses: pressed.min(15) });
    }
}

#[test]
fn a_hold_of_1500_ms_refuses_when_the_finger_goes() {
    for (held, decision) in
        [(1_499, Decision::Agreed { presses: 1 }), (1_500, Decision::Refused), (4_999, Decision::Refused)]
    {
        let (mut desk, sent) = Desk::prompted();
        desk.after(1_000);
        desk.key(Edge::Down);
        desk.after(held);
        assert!(desk.sends_nothing(), "nothing is decided while the finger is on the key");
        desk.key(Edge::Up);
        desk.after(600);
        assert_eq!(desk.decision(&sent), decision, "held {held} ms");
    }
}

#[test]
fn a_hold_of_5_s_is_not_me_before_the_finger_goes() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(1_000);
    desk.key(Edge::Down);
    desk.after(5_000);
    assert_eq!(desk.decision(&sent), Decision::NotMe);
    desk.key(Edge::Up);
    desk.after(600);
    assert!(desk.sends_nothing());
}

#[test]
fn a_hold_of_5_s_is_not_me_also_when_its_deadline_was_served_late() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(1_000);
    desk.key(Edge::Down);
    desk.oversleep(5_200);
    desk.key(Edge::Up);
    assert_eq!(desk.decision(&sent), Decision::NotMe);
}

#[test]
fn a_hold_after_presses_refuses() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(1_000);
    desk.press();
    desk.after(200);
    desk.hold(1_500);
    assert_eq!(desk.decision(&sent), Decision::Refused);
}

#[test]
fn a_second_press_that_is_still_down_when_the_rest_would_end_is_not_cut_off() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(1_000);
    desk.press();
    desk.after(500);
    desk.hold(1_000);
    desk.after(600);
    assert_eq!(desk.decision(&sent), Decision::Agreed { presses: 2 });
}

#[test]
fn a_contact_that_repeats_itself_counts_once() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(1_000);
    for edge in [Edge::Up, Edge::Down, Edge::Down, Edge::Up, Edge::Up] {
        desk.key(edge);
    }
    desk.after(600);
    assert_eq!(desk.decision(&sent), Decision::Agreed { presses: 1 });
}

#[test]
fn the_finger_of_one_question_is_not_the_answer_to_the_next() {
    let (mut desk, _) = Desk::prompted();
    desk.after(650);
    desk.key(Edge::Down); // Within the guard time: nobody answered yet, so a newer question may come.
    let newer = desk.platform.push(&order(100, 60), desk.time());
    desk.hear(&newer.frame).unwrap();
    assert_eq!(desk.prompt(), Some(&order(100, 60)));
    desk.after(5_500);
    desk.key(Edge::Up);
    desk.after(600);
    assert!(desk.sends_nothing());
    assert_eq!(desk.presses(), Some(0));
}

#[test]
fn a_finger_that_was_there_before_the_light_counts_for_nothing_also_when_its_contact_bounces() {
    let mut desk = Desk::greeted();
    desk.key(Edge::Down);
    let hello = desk.hello();
    let sent = desk.platform.answer(&hello, &breakfast(), desk.time());
    desk.hear(&sent.frame).unwrap();
    desk.after(1_000);
    desk.key(Edge::Down);
    desk.after(100);
    desk.key(Edge::Up);
    assert_eq!(desk.presses(), Some(0));
}

#[test]
fn a_key_that_comes_after_an_overslept_rest_is_no_second_press() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(1_000);
    desk.press();
    desk.oversleep(600);
    desk.key(Edge::Down);
    assert_eq!(desk.decision(&sent), Decision::Agreed { presses: 1 });
}
