//! What sets the card's time, and which pushes are fresh.

use air::card::{Ignored, Screen};
use air::platform::DownlinkForm;
use air::{Answering, Decision};

use crate::desk::{Desk, Sent};
use crate::maker::{self, EVENING, breakfast, factor, order};

fn pushed_under(desk: &Desk, seconds: u32, wide: bool, lifetime: u32) -> Sent {
    let form = DownlinkForm { wide, ..DownlinkForm::default() };
    desk.platform.seal(factor(seconds), form, maker::context(Answering::Nothing), &order(2_000, lifetime))
}

/// A card that was told that it is `EVENING` at this moment of its uptime.
fn at_evening() -> Desk {
    let mut desk = Desk::new();
    desk.press();
    let hello = desk.hello();
    let form = DownlinkForm::default();
    let (p, b) = (&desk.platform, factor(EVENING));
    let clock = air::platform::seal_clock(&p.key, &p.link, form, b, hello.factor()).unwrap();
    desk.hear(&clock).unwrap();
    desk
}

#[test]
fn an_answer_to_a_hello_sets_the_clock_and_a_push_never_does() {
    let mut desk = Desk::new();
    desk.press();
    let hello = desk.hello();
    let sent = desk.platform.answer(&hello, &breakfast(), desk.time());
    desk.hear(&sent.frame).unwrap();
    assert!(desk.card.clock_is_set(), "by a transaction");

    let mut desk = at_evening();
    assert!(desk.card.clock_is_set(), "by a clock");
    // A push a minute ahead lights up and leaves the clock where it is: what comes next is judged by it.
    let ahead = pushed_under(&desk, EVENING + 100, true, 60);
    desk.hear(&ahead.frame).unwrap();
    let further = pushed_under(&desk, EVENING + 121, true, 60);
    assert_eq!(desk.hear(&further.frame), Err(Ignored::NotFresh));
}

#[test]
fn a_push_to_a_card_without_clock_is_ignored() {
    let mut desk = Desk::new();
    for (wide, why) in [(true, Ignored::NotFresh), (false, Ignored::NarrowWithoutClock)] {
        let pushed = pushed_under(&desk, EVENING, wide, 60);
        assert_eq!(desk.hear(&pushed.frame), Err(why));
    }
    // Also while the card waits for an answer: a push is none.
    desk.press();
    let pushed = pushed_under(&desk, EVENING, true, 60);
    assert_eq!(desk.hear(&pushed.frame), Err(Ignored::NotFresh));
    assert_eq!(desk.prompt(), None);
    assert!(!desk.card.clock_is_set());
    assert_eq!(desk.flash.downlink_mark, None, "what is not shown moves no mark");
}

#[test]
fn a_push_is_fresh_from_120_s_ahead_until_its_lifetime_is_over() {
    for (ahead, fresh) in [(121, false), (120, true), (60, true), (0, true)] {
        let mut desk = at_evening();
        let pushed = pushed_under(&desk, EVENING + ahead + u32::from(ahead == 0), false, 60);
        assert_eq!(desk.hear(&pushed.frame).is_ok(), fresh, "{ahead} s ahead");
    }
    for (age, fresh) in [(0, true), (59, true), (60, false), (5_000, false)] {
        let mut desk = at_evening();
        let pushed = pushed_under(&desk, EVENING + 1, false, 60);
        desk.after((age + 1) * 1_000);
        let heard = desk.hear(&pushed.frame);
        assert_eq!(heard == Ok(()), fresh, "{age} s old");
        assert!(fresh || heard == Err(Ignored::NotFresh));
    }
}

#[test]
fn a_push_that_is_late_is_shown_for_what_is_left_of_its_lifetime() {
    let mut desk = at_evening();
    let pushed = pushed_under(&desk, EVENING + 1, false, 60);
    desk.after(41_000);
    desk.hear(&pushed.frame).unwrap();
    let Screen::Prompt { seconds_left, .. } = desk.card.screen(desk.now) else { panic!("a prompt") };
    assert_eq!(seconds_left, 20);
    desk.after(19_999);
    assert!(desk.prompt().is_some());
    desk.after(1);
    assert_eq!(desk.prompt(), None);
}

#[test]
fn no_part_of_a_second_is_shown_past_b_and_its_lifetime() {
    let mut desk = at_evening();
    let pushed = pushed_under(&desk, EVENING + 1, false, 10);
    // The card's clock says EVENING + 10.9: a tenth of a second is left.
    desk.after(10_900);
    desk.hear(&pushed.frame).unwrap();
    desk.after(99);
    assert!(desk.prompt().is_some());
    desk.after(1);
    assert_eq!(desk.prompt(), None);
    assert_eq!(desk.uplink().len(), 14 + 9);
}

#[test]
fn a_push_ahead_of_the_clock_is_shown_for_its_lifetime_and_no_longer() {
    let mut desk = at_evening();
    let pushed = pushed_under(&desk, EVENING + 100, false, 60);
    desk.hear(&pushed.frame).unwrap();
    desk.after(59_999);
    assert!(desk.prompt().is_some());
    desk.after(1);
    assert_eq!(desk.prompt(), None);
}

#[test]
fn nobody_pressing_is_not_answered_at_b_and_its_lifetime() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(59_999);
    assert!(desk.prompt().is_some());
    assert!(desk.sends_nothing());
    desk.after(1);
    assert_eq!(desk.prompt(), None);
    assert_eq!(desk.decision(&sent), Decision::NotAnswered);
}

#[test]
fn a_shell_that_overslept_the_lifetime_takes_no_press_for_it() {
    let (mut desk, sent) = Desk::prompted();
    desk.oversleep(60_000);
    desk.press();
    desk.after(600);
    assert_eq!(desk.decision(&sent), Decision::NotAnswered);
    assert!(desk.sends_nothing());
}

#[test]
fn a_press_that_ended_in_time_counts_even_if_its_deadline_was_served_late() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(10_000);
    desk.press();
    desk.oversleep(120_000);
    desk.after(0);
    assert_eq!(desk.decision(&sent), Decision::Agreed { presses: 1 });
}

#[test]
fn a_press_whose_rest_would_end_after_the_lifetime_is_no_answer() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(59_500);
    desk.press();
    desk.after(600);
    assert_eq!(desk.decision(&sent), Decision::NotAnswered);
}

#[test]
fn a_narrow_factor_is_completed_over_the_turn_of_its_16_bits() {
    // The low half turns to zero here.
    let turn = (EVENING | 0xffff) + 1;
    let mut desk = Desk::new();
    desk.press();
    let hello = desk.hello();
    let (p, form) = (&desk.platform, DownlinkForm::default());
    let clock = air::platform::seal_clock(&p.key, &p.link, form, factor(turn - 5), hello.factor()).unwrap();
    desk.hear(&clock).unwrap();
    let pushed = pushed_under(&desk, turn + 3, false, 60);
    desk.hear(&pushed.frame).unwrap();
    assert!(desk.prompt().is_some());
}

#[test]
fn an_overslept_press_whose_rest_would_end_after_the_lifetime_is_no_answer_either() {
    let (mut desk, sent) = Desk::prompted();
    desk.after(59_500);
    desk.press();
    desk.oversleep(5_000);
    desk.after(0);
    assert_eq!(desk.decision(&sent), Decision::NotAnswered);
}

#[test]
fn a_shell_that_overslept_the_cards_timer_takes_no_answer() {
    let greeting = || {
        let mut desk = Desk::greeted();
        desk.press();
        let hello = desk.hello();
        (desk, hello)
    };
    let (mut desk, hello) = greeting();
    let clock = desk.platform.clock(&hello, desk.time());
    desk.oversleep(15_000);
    assert_eq!(desk.hear(&clock), Err(Ignored::NotAwaited));
    let (mut desk, _) = greeting();
    desk.oversleep(15_000);
    assert_eq!(desk.hear_retry(), Err(Ignored::NotAwaited));
    let (mut desk, hello) = greeting();
    let sent = desk.platform.answer(&hello, &breakfast(), desk.time());
    desk.oversleep(15_000);
    assert_eq!(desk.hear(&sent.frame), Err(Ignored::WrongCode));
}
