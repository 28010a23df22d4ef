//! The platform's end: marks and windows, and what a result's code covers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod maker;

use air::card::{Card, Edge, Flash, Limits, Uptime};
use air::platform::{
    self, Admission, DownlinkForm, DownlinkTooFarAhead, Marks, Uplink, VerifiedHello, VerifiedResult,
    VerifyError,
};
use air::{Answering, Decision, FrameBytes, FrameCipher, Link, OpenError, Outcome, TextError, Transaction};
use crypto::{CardKey, FrameParameters, Suite, VerificationCode};
use model::{
    Amount, CardInformation, CardNumber, CertificateNumber, Currency, HolderReference, KeyVersion, PlaceId,
    TimeFactor, UnixMillis,
};

use maker::{EVENING, Element, breakfast, evening, factor};

fn act(card: &mut Card<Element>) -> Option<FrameBytes> {
    let mut sent = None;
    while let Some(action) = card.poll_action() {
        if let air::card::Action::Transmit(frame) = action {
            sent = Some(frame);
        }
    }
    sent
}

/// The hello of a card whose clock is set, or not, with factor A.
fn hello(a: u32, clock_set: bool, introduced: bool) -> FrameBytes {
    let flash = Flash { uplink_mark: TimeFactor::new(a - 2), ..Flash::default() };
    let mut card = Card::new(Element::new(), Limits { reserve_seconds: 0, ..Limits::default() }, flash);
    card.handle_key(Uptime(0), Edge::Down);
    let first = act(&mut card).unwrap();
    if !clock_set && !introduced {
        return first;
    }
    let clock = platform::seal_clock(
        &maker::key(),
        &maker::link(),
        DownlinkForm::default(),
        factor(a),
        factor(a - 1),
    );
    card.handle_frame(Uptime(0), &clock.unwrap()).unwrap();
    card.handle_key(Uptime(0), Edge::Up);
    card.handle_key(Uptime(0), Edge::Down);
    act(&mut card).unwrap()
}

fn verify_under(
    frame: &[u8],
    link: &Link,
    known: &CardInformation,
    now: UnixMillis,
) -> Result<VerifiedHello, VerifyError> {
    let Ok(Uplink::Hello(hello)) = Uplink::parse(frame) else { panic!("a hello") };
    hello.verify(link, known, now, &maker::key())
}

fn verified(frame: &[u8], now: UnixMillis) -> VerifiedHello {
    verify_under(frame, &maker::link(), &maker::information(), now).unwrap()
}

#[test]
fn a_hello_counts_within_600_s_on_each_side_of_the_clock() {
    let hello = verified(&hello(EVENING, true, true), evening());
    assert!(hello.clock_set() && hello.factor() == factor(EVENING));
    for (seconds, admission) in [
        (0, Admission::Admitted),
        (600, Admission::Admitted),
        (601, Admission::OutsideWindow),
        (-600, Admission::Admitted),
        (-601, Admission::OutsideWindow),
    ] {
        let now = evening().plus(seconds * 1000);
        assert_eq!(Marks::default().admit_hello(&hello, now), admission, "{seconds} s");
    }
}

#[test]
fn the_mark_comes_before_the_window() {
    let hello = verified(&hello(EVENING, true, true), evening());
    for (mark, admission) in [
        (EVENING - 1, Admission::Admitted),
        (EVENING, Admission::NotAboveMark),
        (EVENING + 1, Admission::NotAboveMark),
    ] {
        let marks = Marks { uplink: Some(factor(mark)), downlink: None };
        assert_eq!(marks.admit_hello(&hello, evening()), admission);
        let outside = marks.admit_hello(&hello, evening().plus(700_000));
        let expected = match admission {
            Admission::Admitted => Admission::OutsideWindow,
            other => other,
        };
        assert_eq!(outside, expected);
    }
}

#[test]
fn a_card_without_clock_has_a_mark_and_no_window() {
    let hello = verified(&hello(1_000, false, false), evening());
    assert!(!hello.clock_set());
    assert_eq!(hello.factor(), factor(999));
    assert_eq!(Marks::default().admit_hello(&hello, evening()), Admission::Admitted);
    let marks = Marks { uplink: Some(factor(999)), downlink: None };
    assert_eq!(marks.admit_hello(&hello, evening()), Admission::NotAboveMark);
}

#[test]
fn a_downlink_factor_is_now_or_one_more_than_the_last_and_at_most_60_s_ahead() {
    let next = |last: Option<u32>, now: UnixMillis| {
        Marks { uplink: None, downlink: last.map(factor) }.next_downlink(now).map(TimeFactor::seconds)
    };
    for (last, expected) in [
        (None, Ok(EVENING)),
        (Some(1), Ok(EVENING)),
        (Some(EVENING - 1), Ok(EVENING)),
        (Some(EVENING), Ok(EVENING + 1)),
        (Some(EVENING + 59), Ok(EVENING + 60)),
        (Some(EVENING + 60), Err(DownlinkTooFarAhead)),
        (Some(u32::MAX), Err(DownlinkTooFarAhead)),
    ] {
        assert_eq!(next(last, evening()), expected, "{last:?}");
    }
    let end = factor(u32::MAX).unix_millis();
    assert_eq!(next(None, end), Ok(u32::MAX));
    assert_eq!(next(Some(u32::MAX - 1), end), Ok(u32::MAX));
    assert_eq!(next(Some(u32::MAX), end), Err(DownlinkTooFarAhead), "the end of time");
    assert_eq!(next(None, UnixMillis(0)), Ok(1), "a clock before the air epoch");
}

#[test]
fn a_brief_hello_opens_only_for_who_holds_the_same_32_bytes() {
    let frame = hello(EVENING, true, true);
    let right = maker::information();
    assert!(!verified(&frame, evening()).is_full());
    let others = [
        CardInformation { holder: HolderReference(1), ..right },
        CardInformation { certificate: CertificateNumber(1), ..right },
        CardInformation { created: right.created + 1, ..right },
        CardInformation { number: CardNumber::new(right.number.digits() + 1).unwrap(), ..right },
    ];
    for other in others {
        let opened = verify_under(&frame, &maker::link(), &other, evening());
        assert_eq!(opened.err(), Some(VerifyError::WrongCode), "{other:?}");
    }
}

#[test]
fn a_full_hello_brings_its_own_information_for_the_audit() {
    let frame = hello(EVENING, false, false);
    let other = CardInformation { holder: HolderReference(1), ..maker::information() };
    let hello = verify_under(&frame, &maker::link(), &other, evening()).unwrap();
    assert!(hello.is_full());
    assert_eq!(hello.information(), &maker::information());
}

#[test]
fn a_hello_under_another_link_is_a_wrong_code() {
    let right = maker::link();
    let links = [
        Link { channel: maker::other_channel(), ..right },
        Link { card_id: model::CardId(1), ..right },
        Link { key_version: KeyVersion::new(2).unwrap(), ..right },
        Link { suite: Suite::Aes128Ccm, ..right },
    ];
    for link in links {
        for frame in [hello(EVENING, true, true), hello(EVENING, false, false)] {
            let opened = verify_under(&frame, &link, &maker::information(), evening());
            assert_eq!(opened.err(), Some(VerifyError::WrongCode), "{link:?}");
        }
    }
}

#[test]
fn every_bit_of_a_hello_is_under_its_code() {
    for frame in [hello(EVENING, true, true), hello(EVENING, false, false)] {
        for bit in 0..frame.len() * 8 {
            let mut wrong = frame.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            let Ok(Uplink::Hello(hello)) = Uplink::parse(&wrong) else {
                continue;
            };
            let opened = hello.verify(&maker::link(), &maker::information(), evening(), &maker::key());
            assert_eq!(opened.err(), Some(VerifyError::WrongCode), "bit {bit}");
        }
    }
}

/// A card that pressed once for breakfast, pushed to it under B.
fn result(b: u32) -> FrameBytes {
    let mut card = Card::new(Element::new(), Limits::default(), Flash::default());
    card.handle_key(Uptime(0), Edge::Down);
    let hello = verified(&act(&mut card).unwrap(), evening());
    card.handle_key(Uptime(100), Edge::Up);
    let (key, link) = (maker::key(), maker::link());
    let clock =
        platform::seal_clock(&key, &link, DownlinkForm::default(), factor(b - 5), hello.factor()).unwrap();
    card.handle_frame(Uptime(100), &clock).unwrap();
    let context = maker::context(Answering::Nothing);
    let form = DownlinkForm::default();
    let frame = platform::seal_transaction(&key, &link, form, factor(b), &context, &breakfast()).unwrap();
    card.handle_frame(Uptime(5_000), &frame).unwrap();
    card.handle_key(Uptime(6_000), Edge::Down);
    card.handle_key(Uptime(6_100), Edge::Up);
    card.handle_timeout(Uptime(6_700));
    act(&mut card).unwrap()
}

fn answers(
    frame: &[u8],
    b: u32,
    context: air::TransactionContext,
    transaction: &Transaction,
    cipher: &impl FrameCipher,
) -> Result<VerifiedResult, VerifyError> {
    let Ok(Uplink::Result(result)) = Uplink::parse(frame) else { panic!("a result") };
    result.verify(&maker::link(), factor(b), &context, transaction, cipher)
}

#[test]
fn a_result_is_for_the_one_transaction_that_was_shown() {
    let (frame, context, key) = (result(EVENING), maker::context(Answering::Nothing), maker::key());
    let right = answers(&frame, EVENING, context, &breakfast(), &key).unwrap();
    assert_eq!(right.b(), factor(EVENING));
    assert_eq!(right.text().decision, Decision::Agreed { presses: 1 });

    for b in [EVENING - 1, EVENING + 1, EVENING + 0x1_0000, EVENING - 0x1_0000] {
        let other = answers(&frame, b, context, &breakfast(), &key);
        assert_eq!(other, Err(VerifyError::WrongCode), "B {b}");
    }
    let others = [
        Transaction { amount: Amount::new(2_001, Currency::CNY).unwrap(), ..breakfast() },
        Transaction { amount: Amount::new(2_000, Currency::USD).unwrap(), ..breakfast() },
        Transaction { place: PlaceId(0x1002), ..breakfast() },
        maker::order(2_000, 70),
        maker::with_text(breakfast(), "早餐"),
    ];
    for other in others {
        let opened = answers(&frame, EVENING, context, &other, &key);
        assert_eq!(opened, Err(VerifyError::WrongCode), "{other:?}");
    }
    let contexts = [
        maker::context(Answering::Hello(factor(1))),
        air::TransactionContext { holder: HolderReference(1), ..context },
        air::TransactionContext { number: CardNumber::new(621_234_567_890).unwrap(), ..context },
    ];
    for other in contexts {
        let opened = answers(&frame, EVENING, other, &breakfast(), &key);
        assert_eq!(opened, Err(VerifyError::WrongCode), "{other:?}");
    }
    let other_card = CardKey::from_bytes([1; 16]);
    assert_eq!(answers(&frame, EVENING, context, &breakfast(), &other_card), Err(VerifyError::WrongCode));
}

#[test]
fn every_bit_of_a_result_is_under_its_code() {
    let frame = result(EVENING);
    let context = maker::context(Answering::Nothing);
    for bit in 0..frame.len() * 8 {
        let mut wrong = frame.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        match Uplink::parse(&wrong) {
            Ok(Uplink::Result(result)) => {
                let opened =
                    result.verify(&maker::link(), factor(EVENING), &context, &breakfast(), &maker::key());
                assert_eq!(opened, Err(VerifyError::WrongCode), "bit {bit}");
            }
            // Bits of version, kind, suite, flags and channel change the form.
            Ok(Uplink::Hello(_) | Uplink::Status(_)) => panic!("bit {bit} makes another frame"),
            Err(error) => assert!(bit < 11 * 8, "bit {bit} is no matter of form: {error}"),
        }
    }
}

/// A card with the right key and a fault: it seals these bytes whatever it was to seal.
struct Faulty(CardKey, [u8; 2]);

impl FrameCipher for Faulty {
    fn seal(&self, frame: &FrameParameters<'_>, text: &mut [u8]) -> Result<VerificationCode, OpenError> {
        self.0.seal(frame, text)
    }

    fn open(
        &self,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
        code: &VerificationCode,
    ) -> Result<(), OpenError> {
        self.0.open(frame, text, code)?;
        text.copy_from_slice(&self.1);
        Ok(())
    }
}

#[test]
fn a_right_code_over_a_decision_that_nobody_knows_is_a_faulty_card() {
    let (frame, context) = (result(EVENING), maker::context(Answering::Nothing));
    for first in [0x00, 0x10, 0x21, 0x70, 0xff] {
        let opened = answers(&frame, EVENING, context, &breakfast(), &Faulty(maker::key(), [first, 200]));
        assert_eq!(opened, Err(VerifyError::Text(TextError::UnknownDecision)), "{first:02x}");
    }
}

#[test]
fn a_key_store_that_is_away_is_no_wrong_code() {
    let (frame, context, away) = (result(EVENING), maker::context(Answering::Nothing), Element::new());
    away.broken.set(true);
    assert_eq!(
        answers(&frame, EVENING, context, &breakfast(), &away),
        Err(VerifyError::KeyUnavailable),
        "it counts against nobody"
    );
    let sealed = platform::seal_clock(
        &away,
        &maker::link(),
        DownlinkForm::default(),
        factor(EVENING),
        factor(EVENING - 1),
    );
    assert_eq!(sealed.err(), Some(OpenError::KeyUnavailable));
}

#[test]
fn a_result_is_searched_by_the_low_half_of_its_factor() {
    let frame = result(EVENING);
    let Ok(Uplink::Result(result)) = Uplink::parse(&frame) else { panic!("a result") };
    assert_eq!(result.narrow_factor(), factor(EVENING).narrow());
    // Every B with this low half may be meant; the code says which.
    assert!(result.may_answer(factor(EVENING)));
    assert!(result.may_answer(factor(EVENING + 0x1_0000)));
    assert!(!result.may_answer(factor(EVENING + 1)));
}

#[test]
fn a_receipt_is_bound_to_what_the_result_said() {
    let (frame, context) = (result(EVENING), maker::context(Answering::Nothing));
    let (key, link, form) = (maker::key(), maker::link(), DownlinkForm::default());
    let agreed = answers(&frame, EVENING, context, &breakfast(), &key).unwrap();
    let refused =
        answers(&frame, EVENING, context, &breakfast(), &Faulty(maker::key(), [0x20, 200])).unwrap();
    let battery =
        answers(&frame, EVENING, context, &breakfast(), &Faulty(maker::key(), [0x11, 199])).unwrap();
    let receipt = |result: &VerifiedResult, outcome| {
        platform::seal_receipt(&key, &link, form, result, outcome).unwrap()
    };
    let of_agreed = receipt(&agreed, Outcome::Settled);
    assert_eq!(of_agreed, receipt(&agreed, Outcome::Settled), "the same bytes for who asks again");
    for other in [refused, battery] {
        // Same key, nonce and outcome: only what the code covers differs.
        let of_other = receipt(&other, Outcome::Settled);
        assert_eq!(of_agreed[..5], of_other[..5]);
        assert_ne!(of_agreed[5..], of_other[5..]);
    }
}

#[test]
fn a_clock_is_always_wide() {
    for wide in [false, true] {
        let form = DownlinkForm { wide, channel_on_air: false };
        let clock =
            platform::seal_clock(&maker::key(), &maker::link(), form, factor(EVENING), factor(1)).unwrap();
        assert_eq!(clock.len(), 2 + 4 + 8);
    }
}
