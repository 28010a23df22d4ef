//! S5: which transactions light the card up, and what it answers by itself.

use air::card::{Edge, Ignored, Light, Limits};
use air::platform::DownlinkForm;
use air::{Answering, Decision, TextError, TransactionContext};
use crypto::{CardKey, FrameCipher, FrameParameters};
use model::{Amount, CardNumber, Currency, HolderReference, PlaceId};

use crate::desk::{Desk, Sent};
use crate::maker::{self, EVENING, breakfast, factor, order, with_text};

#[test]
fn the_light_comes_on_for_what_the_platform_said() {
    let asked = with_text(breakfast(), "早餐");
    let (desk, _) = Desk::prompted_for(&asked);
    assert_eq!(desk.prompt(), Some(&asked));
    assert_eq!(desk.card.light(), Light::Prompt);
}

#[test]
fn a_transaction_made_for_anything_else_does_not_open() {
    let mut desk = Desk::greeted();
    desk.press();
    let a = desk.hello().factor();
    let right = maker::context(Answering::Hello(a));
    let b = factor(EVENING + 100);
    let wrong_contexts = [
        TransactionContext { holder: HolderReference(1), ..right },
        TransactionContext { number: CardNumber::new(6_212_345_678_901_233).unwrap(), ..right },
        TransactionContext { answering: Answering::Hello(factor(a.seconds() - 1)), ..right },
        TransactionContext { answering: Answering::Hello(b), ..right },
    ];
    for context in wrong_contexts {
        let sent = desk.platform.seal(b, DownlinkForm::default(), context, &breakfast());
        assert_eq!(desk.hear(&sent.frame), Err(Ignored::WrongCode), "{context:?}");
    }
    let on_air = DownlinkForm { channel_on_air: true, ..DownlinkForm::default() };
    let own_link = desk.platform.link;
    desk.platform.link.channel = maker::other_channel();
    let elided = desk.platform.seal(b, DownlinkForm::default(), right, &breakfast());
    assert_eq!(desk.hear(&elided.frame), Err(Ignored::WrongCode), "another card's channel, elided");
    let told = desk.platform.seal(b, on_air, right, &breakfast());
    assert_eq!(desk.hear(&told.frame), Err(Ignored::OtherChannel), "another card's channel, told");
    desk.platform.link = own_link;
    let own_key = std::mem::replace(&mut desk.platform.key, CardKey::from_bytes([9; 16]));
    let sent = desk.platform.seal(b, DownlinkForm::default(), right, &breakfast());
    assert_eq!(desk.hear(&sent.frame), Err(Ignored::WrongCode), "another card's key");
    desk.platform.key = own_key;
    assert_eq!(desk.card.light(), Light::Working);
    let sent = desk.platform.seal(b, on_air, right, &breakfast());
    desk.hear(&sent.frame).unwrap();
    assert_eq!(desk.prompt(), Some(&breakfast()));
}

#[test]
fn every_bit_of_a_transaction_is_under_its_code() {
    let mut desk = Desk::greeted();
    desk.press();
    let hello = desk.hello();
    let sent = desk.platform.answer(&hello, &breakfast(), desk.time());
    for bit in 0..sent.frame.len() * 8 {
        let mut frame = sent.frame.clone();
        frame[bit / 8] ^= 1 << (bit % 8);
        assert!(desk.hear(&frame).is_err(), "bit {bit}");
        assert_eq!(desk.prompt(), None);
    }
    desk.hear(&sent.frame).unwrap();
}

#[test]
fn an_answer_that_comes_after_the_cards_timer_does_not_open() {
    let mut desk = Desk::greeted();
    desk.press();
    let hello = desk.hello();
    let sent = desk.platform.answer(&hello, &breakfast(), desk.time());
    desk.after(15_000);
    assert_eq!(desk.hear(&sent.frame), Err(Ignored::WrongCode));
}

#[test]
fn a_frame_that_only_cards_send_is_ignored() {
    let mut desk = Desk::greeted();
    desk.press();
    let own = desk.uplink();
    assert_eq!(desk.hear(&own), Err(Ignored::WrongDirection));
    let (mut desk, _, result) = Desk::agreed();
    assert_eq!(desk.hear(&result), Err(Ignored::WrongDirection));
}

#[test]
fn the_downlink_mark_is_stored_with_the_light() {
    let (desk, sent) = Desk::prompted();
    assert_eq!(desk.flash.downlink_mark, Some(sent.b));
}

#[test]
fn a_repeated_transaction_is_ignored_whatever_the_card_does() {
    let (mut desk, sent) = Desk::prompted();
    // It answers a hello, and no hello is waiting any more.
    assert_eq!(desk.hear(&sent.frame), Err(Ignored::WrongCode));
    let mut desk = Desk::greeted();
    let pushed = desk.platform.push(&breakfast(), desk.time());
    desk.hear(&pushed.frame).unwrap();
    assert_eq!(desk.hear(&pushed.frame), Err(Ignored::NotAboveMark), "lit");
    desk.after(1_000);
    desk.press();
    desk.after(600);
    let first = desk.uplink();
    assert_eq!(desk.hear(&pushed.frame), Err(Ignored::NotAboveMark), "reporting");
    let result = desk.platform.open_result(&first, &pushed);
    let receipt = desk.platform.receipt(&result, air::Outcome::Settled);
    desk.hear(&receipt).unwrap();
    assert_eq!(desk.hear(&pushed.frame), Err(Ignored::NotAboveMark), "settled");
    assert!(desk.sends_nothing());
}

#[test]
fn a_transaction_below_the_mark_is_ignored_also_after_a_reset() {
    let mut desk = Desk::greeted();
    let old = desk.platform.push(&breakfast(), desk.time());
    desk.after(2_000);
    let new = desk.platform.push(&order(100, 60), desk.time());
    desk.hear(&new.frame).unwrap();
    assert_eq!(desk.hear(&old.frame), Err(Ignored::NotAboveMark));
    assert_eq!(desk.prompt(), Some(&order(100, 60)));
    desk.reset();
    desk.greet();
    assert_eq!(desk.hear(&old.frame), Err(Ignored::NotAboveMark));
}

#[test]
fn the_mark_is_looked_at_before_the_text() {
    let mut desk = Desk::greeted();
    let pushed = desk.platform.push(&breakfast(), desk.time());
    let nonsense = |b| {
        let mut order = breakfast();
        order.place = PlaceId(7);
        Nonsense(maker::key()).seal(b, &order)
    };
    desk.hear(&pushed.frame).unwrap();
    let old = nonsense(pushed.b);
    assert_eq!(desk.hear(&old.frame), Err(Ignored::NotAboveMark));
    let new = nonsense(pushed.b.next().unwrap());
    assert_eq!(desk.hear(&new.frame), Err(Ignored::Text(TextError::ZeroAmount)));
    assert_eq!(desk.prompt(), Some(&breakfast()), "the light stays on for the last right one");
}

/// A platform with the right key that seals an amount of zero, which no [`Amount`] can be.
struct Nonsense(CardKey);

impl Nonsense {
    fn seal(&self, b: model::TimeFactor, order: &air::Transaction) -> Sent {
        let (form, context) = (DownlinkForm::default(), maker::context(Answering::Nothing));
        let frame = air::platform::seal_transaction(self, &maker::link(), form, b, &context, order).unwrap();
        Sent { b, context, transaction: order.clone(), frame }
    }
}

impl FrameCipher for Nonsense {
    fn seal(
        &self,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
    ) -> Result<crypto::VerificationCode, air::OpenError> {
        text[..4].fill(0);
        self.0.seal(frame, text)
    }

    fn open(
        &self,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
        code: &crypto::VerificationCode,
    ) -> Result<(), air::OpenError> {
        self.0.open(frame, text, code)
    }
}

fn limited(amount_minor_max: Option<u32>, currency: Option<Currency>) -> Desk {
    Desk::greeted_with(Limits { amount_minor_max, currency, reserve_seconds: 0, ..Limits::default() })
}

#[test]
fn over_the_cards_own_limit_is_answered_at_once_and_never_lights_up() {
    let mut desk = limited(Some(2_000), None);
    let sent = desk.fetch(&order(2_001, 60));
    assert_eq!(desk.prompt(), None);
    assert_eq!(desk.decision(&sent), Decision::OverLimit);

    let mut desk = limited(Some(2_000), None);
    desk.fetch(&order(2_000, 60));
    assert_eq!(desk.prompt(), Some(&order(2_000, 60)), "the limit itself is allowed");
}

#[test]
fn another_currency_than_the_cards_is_over_its_limit() {
    let mut desk = limited(None, Some(Currency::CNY));
    let euros = air::Transaction { amount: Amount::new(1, Currency::EUR).unwrap(), ..breakfast() };
    let sent = desk.fetch(&euros);
    assert_eq!(desk.decision(&sent), Decision::OverLimit);
    let mut desk = limited(None, Some(Currency::CNY));
    desk.fetch(&breakfast());
    assert_eq!(desk.card.light(), Light::Prompt);
}

#[test]
fn a_newer_transaction_replaces_a_prompt_that_nobody_touched() {
    let (mut desk, _) = Desk::prompted();
    desk.after(2_000);
    let newer = desk.platform.push(&order(100, 60), desk.time());
    desk.hear(&newer.frame).unwrap();
    assert_eq!(desk.prompt(), Some(&order(100, 60)));
    assert!(desk.sends_nothing());
    desk.after(600);
    desk.press();
    desk.after(2_000);
    assert_eq!(desk.presses(), Some(0), "the guard time begins again with the new light");
    desk.press();
    desk.after(600);
    assert_eq!(desk.decision(&newer), Decision::Agreed { presses: 1 });
}

#[test]
fn a_newer_transaction_while_the_finger_answers_gets_busy() {
    for how in ["pressed once", "finger down"] {
        let (mut desk, first) = Desk::prompted();
        desk.after(1_000);
        desk.key(Edge::Down);
        if how == "pressed once" {
            desk.key(Edge::Up);
        }
        let newer = desk.platform.push(&order(100, 60), desk.time());
        desk.hear(&newer.frame).unwrap();
        assert_eq!(desk.decision(&newer), Decision::Busy, "{how}");
        assert_eq!(desk.flash.downlink_mark, Some(newer.b));
        assert_eq!(desk.prompt(), Some(&breakfast()), "{how}");
        // A busy answer is final for its B, and the first question is still open.
        assert_eq!(desk.hear(&newer.frame), Err(Ignored::NotAboveMark));
        desk.key(Edge::Up);
        desk.after(600);
        assert_eq!(desk.decision(&first), Decision::Agreed { presses: 1 }, "{how}");
    }
}

#[test]
fn the_answer_to_a_hello_is_taken_also_when_a_push_crossed_it() {
    // The holder presses while the platform pushes; the platform makes the transaction anew for the hello,
    // and the pushed B can no longer settle.
    let mut desk = Desk::greeted();
    desk.press();
    let hello = desk.hello();
    let pushed = desk.platform.push(&breakfast(), desk.time());
    desk.hear(&pushed.frame).unwrap();
    assert_eq!(desk.prompt(), Some(&breakfast()));
    desk.after(500);
    let anew = desk.platform.answer(&hello, &breakfast(), desk.time());
    desk.hear(&anew.frame).unwrap();
    desk.after(1_000);
    desk.press();
    desk.after(600);
    assert_eq!(desk.decision(&anew), Decision::Agreed { presses: 1 });
}

#[test]
fn the_crossed_answer_counts_within_the_cards_timer_only_and_once() {
    let mut desk = Desk::greeted();
    desk.press();
    let hello = desk.hello();
    let pushed = desk.platform.push(&breakfast(), desk.time());
    desk.hear(&pushed.frame).unwrap();
    let anew = desk.platform.answer(&hello, &breakfast(), desk.time());
    desk.after(14_900);
    assert_eq!(desk.hear(&anew.frame), Err(Ignored::WrongCode), "the timer is over");

    let mut desk = Desk::greeted();
    desk.press();
    let hello = desk.hello();
    let pushed = desk.platform.push(&breakfast(), desk.time());
    desk.hear(&pushed.frame).unwrap();
    let anew = desk.platform.answer(&hello, &breakfast(), desk.time());
    let again = desk.platform.answer(&hello, &order(100, 60), desk.time());
    desk.hear(&anew.frame).unwrap();
    assert_eq!(desk.hear(&again.frame), Err(Ignored::WrongCode), "the hello is answered");
}

#[test]
fn an_answer_that_got_busy_has_answered_its_hello() {
    let mut desk = Desk::greeted();
    desk.press();
    let hello = desk.hello();
    let pushed = desk.platform.push(&breakfast(), desk.time());
    desk.hear(&pushed.frame).unwrap();
    desk.after(1_000);
    desk.key(Edge::Down);
    let anew = desk.platform.answer(&hello, &breakfast(), desk.time());
    let again = desk.platform.answer(&hello, &order(100, 60), desk.time());
    desk.hear(&anew.frame).unwrap();
    assert_eq!(desk.decision(&anew), Decision::Busy);
    assert_eq!(desk.hear(&again.frame), Err(Ignored::WrongCode));
}
