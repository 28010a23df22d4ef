//! Hello, time factor A, the card's clock and its uplink mark.

use air::card::{Action, Flash, Ignored, Light, Limits, Shown};
use air::platform::{self, Admission, DownlinkForm, Marks};
use air::{Factor, Kind};

use crate::desk::{Desk, form, is_hello};
use crate::maker::{self, EVENING, breakfast, factor};

fn limits(reserve_seconds: u32) -> Limits {
    Limits { reserve_seconds, ..Limits::default() }
}

#[test]
fn an_idle_press_sends_a_full_hello_first_and_a_brief_one_after() {
    let mut desk = Desk::new();
    desk.press();
    assert_eq!(desk.card.light(), Light::Working);
    let hello = desk.hello();
    assert!(hello.is_full());
    assert_eq!(hello.information(), &maker::information());
    let clock = desk.platform.clock(&hello, desk.time());
    desk.hear(&clock).unwrap();
    desk.after(10_000);
    desk.press();
    let hello = desk.hello();
    assert!(!hello.is_full());
    assert!(hello.clock_set());
}

#[test]
fn the_hello_stays_full_until_the_platform_answered_one() {
    let mut desk = Desk::new();
    for _ in 0..2 {
        desk.press();
        assert!(desk.hello().is_full());
        desk.after(15_000);
        assert_eq!(desk.shown(), Some(Shown::NoAnswer));
    }
}

#[test]
fn a_hello_that_nobody_answers_is_no_answer_after_the_cards_own_timer_and_the_notice_ends() {
    let mut desk = Desk::new();
    desk.press();
    desk.after(14_899);
    assert_eq!(desk.card.light(), Light::Working);
    desk.after(1);
    assert_eq!((desk.shown(), desk.card.light()), (Some(Shown::NoAnswer), Light::Amber));
    desk.after(6_000);
    assert_eq!((desk.shown(), desk.card.light()), (None, Light::Off));
}

#[test]
fn a_second_press_while_the_answer_is_awaited_sends_nothing() {
    let mut desk = Desk::new();
    desk.press();
    desk.uplink();
    desk.press();
    assert!(desk.sends_nothing());
}

#[test]
fn the_channel_id_is_on_the_air_only_where_the_bearer_does_not_vouch_for_it() {
    for channel_on_air in [true, false] {
        let mut desk = Desk::with(Limits { channel_on_air, ..Limits::default() }, Flash::default());
        desk.press();
        let frame = desk.uplink();
        assert_eq!(form(&frame).channel.is_some(), channel_on_air);
        // Either way it enters key and code.
        desk.platform.open_hello(&frame, desk.time());
    }
}

#[test]
fn the_mark_is_stored_before_the_hello_is_sent() {
    let mut desk = Desk::with(limits(60), Flash::default());
    desk.press();
    let [Action::Store(flash), Action::Transmit(frame)] = desk.actions.as_slice() else {
        panic!("{:?}", desk.actions)
    };
    let Factor::Wide(a) = form(frame).factor else { panic!("a wide hello") };
    assert!(flash.uplink_mark.unwrap() >= a);
}

#[test]
fn every_hello_of_a_card_that_reserves_nothing_stores_its_own_mark() {
    let mut desk = Desk::greeted_with(limits(0));
    let before = desk.actions.len();
    desk.press();
    let a = desk.hello().factor();
    assert_eq!(desk.flash.uplink_mark, Some(a));
    assert!(matches!(desk.actions[before], Action::Store(_)));
}

#[test]
fn a_reserve_spares_the_flash_and_is_never_more_than_300_s() {
    for (asked, reserved) in [(0, 0), (60, 60), (300, 300), (100_000, 300)] {
        let mut desk = Desk::with(limits(asked), Flash::default());
        desk.press();
        let a = desk.hello().factor();
        assert_eq!(desk.flash.uplink_mark.unwrap().seconds_after(a), reserved);
    }
    let mut desk = Desk::with(limits(60), Flash::default());
    for _ in 0..61 {
        desk.press();
        desk.uplink();
        desk.after(30_000);
    }
    let stores = desk.actions.iter().filter(|action| matches!(action, Action::Store(_))).count();
    assert_eq!(stores, 1, "61 factors of one reserve");
}

#[test]
fn a_reset_goes_on_above_the_reserve() {
    let mut desk = Desk::greeted_with(limits(60));
    desk.press();
    let before = desk.hello().factor();
    let reserve = desk.flash.uplink_mark.unwrap();
    assert!(reserve > before);
    desk.reset();
    desk.press();
    let hello = desk.hello();
    assert_eq!(Some(hello.factor()), reserve.next());
    assert!(!hello.clock_set());
}

#[test]
fn factors_only_rise_through_resets_presses_and_clocks() {
    let mut desk = Desk::with(limits(60), Flash::default());
    let mut marks = Marks::default();
    for round in 0..40_u64 {
        desk.press();
        while let Some(frame) = desk.try_uplink() {
            let hello = desk.platform.open_hello(&frame, desk.time());
            assert_eq!(marks.admit_hello(&hello, desk.time()), Admission::Admitted, "round {round}");
            marks.uplink = Some(hello.factor());
            if round % 2 == 0 {
                let clock = desk.platform.clock(&hello, desk.time());
                desk.hear(&clock).unwrap();
            }
        }
        desk.after(30_000);
        if round % 3 == 0 {
            desk.reset();
        }
    }
}

#[test]
fn a_card_without_clock_says_so_in_a_wide_hello_one_above_its_mark() {
    let mark = factor(77);
    let mut desk = Desk::with(limits(0), Flash { uplink_mark: Some(mark), ..Flash::default() });
    desk.press();
    let frame = desk.uplink();
    assert!(form(&frame).z);
    assert_eq!(form(&frame).factor, Factor::Wide(factor(78)));
    assert!(!desk.card.clock_is_set());
}

#[test]
fn a_card_without_clock_takes_only_a_wide_answer() {
    let mut desk = Desk::new();
    desk.press();
    let hello = desk.hello();
    let context = maker::context(air::Answering::Hello(hello.factor()));
    let b = factor(EVENING + 1);
    let narrow = desk.platform.seal(b, DownlinkForm::default(), context, &breakfast());
    assert_eq!(desk.hear(&narrow.frame), Err(Ignored::NarrowWithoutClock));
    let wide = DownlinkForm { wide: true, ..DownlinkForm::default() };
    let wide = desk.platform.seal(b, wide, context, &breakfast());
    desk.hear(&wide.frame).unwrap();
    assert_eq!(desk.prompt(), Some(&breakfast()));
}

#[test]
fn the_time_comes_with_the_clock_and_no_order_waits() {
    let mut desk = Desk::new();
    desk.press();
    let hello = desk.hello();
    assert!(!hello.clock_set());
    let clock = desk.platform.clock(&hello, desk.time());
    assert_eq!(form(&clock).kind, Kind::Clock);
    desk.hear(&clock).unwrap();
    assert_eq!(desk.shown(), Some(Shown::NothingWaits));
    assert!(desk.card.clock_is_set());
    assert!(desk.sends_nothing());
    desk.after(60_000);
    desk.press();
    let hello = desk.hello();
    assert_eq!(hello.factor().seconds_after(desk.time().time_factor()), 0);
}

#[test]
fn the_clock_is_lost_with_the_power() {
    let mut desk = Desk::greeted();
    assert!(desk.card.clock_is_set());
    desk.reset();
    assert!(!desk.card.clock_is_set());
}

#[test]
fn a_clock_that_answers_a_hello_outside_the_window_makes_one_new_hello() {
    let mut desk = Desk::greeted();
    desk.press();
    let first = desk.hello();
    assert!(first.clock_set());
    // The platform's clock is an hour ahead of what the card believes.
    let later = desk.time().plus(3_600_000);
    let clock = desk.platform.clock(&first, later);
    desk.hear(&clock).unwrap();
    let frame = desk.uplink();
    assert!(is_hello(&frame));
    let second = desk.platform.open_hello(&frame, later);
    assert!(second.factor().seconds_after(later.time_factor()).abs() <= 1);
    // A second clock is the end of it: whoever keeps saying so gets no third hello.
    let clock = desk.platform.clock(&second, later);
    desk.hear(&clock).unwrap();
    assert!(desk.sends_nothing());
    assert_eq!(desk.shown(), Some(Shown::NothingWaits));
}

#[test]
fn a_mark_more_than_300_s_ahead_of_the_clock_sends_z() {
    for (ahead, clock_set) in [(299, true), (300, true), (301, false), (100_000, false)] {
        let mark = factor(EVENING + ahead);
        let mut desk =
            Desk::with(limits(0), Flash { uplink_mark: Some(mark), introduced: true, ..Flash::default() });
        // A push never sets the clock, so a hello does: it takes one factor above the mark.
        desk.press();
        let hello = desk.hello();
        let sent = platform::seal_clock(
            &desk.platform.key,
            &desk.platform.link,
            DownlinkForm::default(),
            factor(EVENING + 1),
            hello.factor(),
        );
        desk.hear(&sent.unwrap()).unwrap();
        desk.press();
        let frame = desk.uplink();
        assert_eq!(!form(&frame).z, clock_set, "{ahead} s");
        if !clock_set {
            assert_eq!(form(&frame).factor, Factor::Wide(factor(EVENING + ahead + 2)));
        }
    }
}

#[test]
fn a_clock_for_another_hello_or_at_the_wrong_time_is_ignored() {
    let mut desk = Desk::greeted();
    desk.press();
    let hello = desk.hello();
    let clock_for = |desk: &Desk, b, hello| {
        let Desk { platform: p, .. } = desk;
        platform::seal_clock(&p.key, &p.link, p.form, b, hello).unwrap()
    };
    let b = factor(EVENING + 50);
    let other = clock_for(&desk, b, factor(hello.factor().seconds() - 1));
    assert_eq!(desk.hear(&other), Err(Ignored::WrongCode));
    let old = clock_for(&desk, desk.flash.downlink_mark.unwrap(), hello.factor());
    assert_eq!(desk.hear(&old), Err(Ignored::NotAboveMark));
    let right = clock_for(&desk, b, hello.factor());
    desk.after(15_000);
    assert_eq!(desk.hear(&right), Err(Ignored::NotAwaited), "the card's own timer is over");
}

#[test]
fn the_bearer_may_say_that_nothing_waits() {
    let mut desk = Desk::new();
    desk.press();
    desk.card.handle_nothing_waits(desk.now);
    desk.drain();
    assert_eq!(desk.shown(), Some(Shown::NothingWaits));
    desk.after(6_000);
    desk.card.handle_nothing_waits(desk.now);
    assert_eq!(desk.shown(), None, "nothing was asked");
}

#[test]
fn a_status_goes_out_with_a_set_clock_only_and_above_the_mark() {
    let mut desk = Desk::new();
    desk.card.send_status(desk.now, 0x0102);
    desk.drain();
    assert!(desk.sends_nothing());

    let mut desk = Desk::greeted();
    desk.press();
    let hello = desk.hello();
    desk.card.set_battery(123);
    desk.card.send_status(desk.now, 0x0102);
    desk.drain();
    let frame = desk.uplink();
    let Ok(platform::Uplink::Status(status)) = platform::Uplink::parse(&frame) else { panic!("a status") };
    let status = status.verify(&desk.platform.link, desk.time(), &desk.platform.key).unwrap();
    assert_eq!((status.text().battery, status.text().firmware), (123, 0x0102));
    assert!(status.factor() > hello.factor());
    assert_eq!(desk.flash.uplink_mark, Some(status.factor()));
    let marks = Marks { uplink: Some(hello.factor()), downlink: None };
    assert_eq!(marks.admit_status(&status, desk.time()), Admission::Admitted);
}

#[test]
fn a_status_is_not_sent_under_a_clock_that_its_own_mark_contradicts() {
    // Only a hello can say Z; the platform could not place this status within its window.
    let mark = factor(EVENING + 700);
    let mut desk = Desk::with(limits(0), Flash { uplink_mark: Some(mark), ..Flash::default() });
    desk.greet();
    desk.card.send_status(desk.now, 1);
    desk.drain();
    assert!(desk.sends_nothing());
}

#[test]
fn a_broken_element_sends_nothing_and_lights_nothing_up() {
    let mut desk = Desk::greeted();
    desk.card.element().broken.set(true);
    desk.press();
    assert!(desk.sends_nothing());
    desk.after(15_000);
    assert_eq!(desk.shown(), Some(Shown::NoAnswer));
    let pushed = desk.platform.push(&breakfast(), desk.time());
    assert_eq!(desk.hear(&pushed.frame), Err(Ignored::ElementFailed));
}

#[test]
fn a_card_whose_factors_are_used_up_stops_and_does_not_spin() {
    let last = factor(u32::MAX - 1);
    let mut desk = Desk::with(limits(0), Flash { uplink_mark: Some(last), ..Flash::default() });
    desk.press();
    desk.uplink();
    desk.hear_retry().unwrap();
    desk.after(60_000);
    assert!(desk.sends_nothing());
    desk.press();
    assert_eq!((desk.shown(), desk.card.light()), (Some(Shown::SentBack), Light::Red));
    assert!(desk.sends_nothing());
}
