//! The outer form of frames and the form of texts: for each way to be wrong, the one error that says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod maker;

use air::card::{Card, Flash, Ignored, Limits, Uptime};
use air::platform::{self, DownlinkForm, Uplink};
use air::{
    Answering, Decision, Frame, FrameError, Kind, Lifetime, Outcome, PromptText, ResultText, StatusText,
    TextError, Transaction, frame_longest, retry_frame,
};
use crypto::Suite;

use maker::{Dice, EVENING, Element, breakfast, factor};

const CODE: usize = 8;

/// A frame with these two first bytes and this much after them.
fn frame(first: u8, second: u8, rest: &[u8]) -> Vec<u8> {
    [&[first, second], rest].concat()
}

const fn first(kind: Kind, suite: u8) -> u8 {
    0b0100_0000 | (kind as u8) << 3 | suite
}

/// The well-formed frames of every kind, flag and length: name, first byte, second byte, bytes after them.
fn well_formed() -> Vec<(&'static str, Vec<u8>)> {
    let of = |kind, second, length| frame(first(kind, 1), second, &vec![1; length]);
    vec![
        ("brief hello", of(Kind::Hello, 0x10, 2 + CODE)),
        ("brief hello, wide", of(Kind::Hello, 0x14, 4 + CODE)),
        ("brief hello without clock", of(Kind::Hello, 0x15, 4 + CODE)),
        ("full hello", of(Kind::Hello, 0x12, 2 + 32 + CODE)),
        ("full hello with all", of(Kind::Hello, 0xff, 9 + 4 + 32 + CODE)),
        ("transaction", of(Kind::Transaction, 0x10, 2 + 11 + CODE)),
        ("transaction with a text of 1", of(Kind::Transaction, 0x12, 2 + 12 + CODE)),
        ("transaction with a text of 20", of(Kind::Transaction, 0x12, 2 + 31 + CODE)),
        ("result", of(Kind::Result, 0x10, 2 + 2 + CODE)),
        ("result with channel", of(Kind::Result, 0x18, 9 + 2 + 2 + CODE)),
        ("receipt", of(Kind::Receipt, 0x10, 2 + 1 + CODE)),
        ("clock", of(Kind::Clock, 0x14, 4 + CODE)),
        ("status", of(Kind::Status, 0x10, 2 + 4 + CODE)),
    ]
}

/// Whether a frame of this kind has a text of variable length, so that one byte less is a shorter one.
fn is_of_variable_length(name: &str) -> bool {
    name.starts_with("transaction with a text")
}

#[test]
fn every_kind_is_read_at_its_own_length_and_at_no_other() {
    for (name, bytes) in well_formed() {
        let read = Frame::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.bytes, bytes);
        let shortest = if is_of_variable_length(name) { 2 + 2 + 12 + CODE } else { bytes.len() };
        for length in 0..shortest {
            assert_eq!(
                Frame::parse(&bytes[..length]).err(),
                Some(FrameError::TooShort),
                "{name} at {length}"
            );
        }
        let longest = if is_of_variable_length(name) { 2 + 2 + 31 + CODE } else { bytes.len() };
        for length in [longest + 1, longest + 2, 100, 70_000] {
            let mut long = bytes.clone();
            long.resize(length, 1);
            assert_eq!(Frame::parse(&long).err(), Some(FrameError::TooLong), "{name} at {length}");
        }
    }
}

#[test]
fn each_malformed_head_has_its_own_error() {
    let hello = |second, rest: &[u8]| frame(first(Kind::Hello, 1), second, rest);
    let body = [1; 2 + CODE];
    let wide_body = [1; 4 + CODE];
    let zero = [&[0; 4][..], &[1; CODE]].concat();
    let channel = |bytes: [u8; 9]| [&bytes[..], &body].concat();
    let cases = [
        ("nothing", vec![], FrameError::TooShort),
        ("one byte", vec![first(Kind::Hello, 1)], FrameError::TooShort),
        ("version 0", frame(0b0000_1001, 0x10, &body), FrameError::UnknownVersion(0)),
        ("version 2", frame(0b1000_1001, 0x10, &body), FrameError::UnknownVersion(2)),
        ("version 3", frame(0b1100_1001, 0x10, &body), FrameError::UnknownVersion(3)),
        ("kind 0", frame(0b0100_0001, 0x10, &body), FrameError::UnknownKind(0)),
        ("suite 0", frame(first(Kind::Hello, 0), 0x10, &body), FrameError::UnsupportedSuite(0)),
        ("suite 3, Ascon", frame(first(Kind::Hello, 3), 0x10, &body), FrameError::UnsupportedSuite(3)),
        ("suite 5", frame(first(Kind::Hello, 5), 0x10, &body), FrameError::UnsupportedSuite(5)),
        ("suite 7", frame(first(Kind::Hello, 7), 0x10, &body), FrameError::UnsupportedSuite(7)),
        ("key version 0", hello(0x00, &body), FrameError::KeyVersionZero),
        ("Z without W", hello(0x11, &body), FrameError::UnsetClockNeedsWideFactor),
        ("a wide factor of zero", hello(0x14, &zero), FrameError::ZeroTimeFactor),
        ("channel kind 0", hello(0x18, &channel([0; 9])), FrameError::MalformedChannel),
        ("channel kind 6", hello(0x18, &channel([6; 9])), FrameError::MalformedChannel),
        ("a pseudonym", hello(0x18, &channel([15; 9])), FrameError::MalformedChannel),
        (
            "a MAC not padded",
            hello(0x18, &channel([2, 1, 2, 3, 4, 5, 6, 7, 8])),
            FrameError::MalformedChannel,
        ),
        ("an IMEI of 16 digits", hello(0x18, &channel([3; 9])), FrameError::MalformedChannel),
        ("a retry of two bytes", retry_frame(Suite::Aes128Eax).to_vec(), FrameError::WrongDirection),
        ("a retry of three bytes", frame(first(Kind::Retry, 1), 1, &[1]), FrameError::WrongDirection),
        ("channel cut", hello(0x18, &[1; 8]), FrameError::TooShort),
        ("wide factor cut", hello(0x14, &[1; 3]), FrameError::TooShort),
        ("version before kind", frame(0, 0, &[]), FrameError::UnknownVersion(0)),
        ("kind before suite", frame(0b0100_0000, 0, &[]), FrameError::UnknownKind(0)),
        ("suite before key version", frame(first(Kind::Hello, 3), 0, &[]), FrameError::UnsupportedSuite(3)),
    ];
    for (name, bytes, error) in cases {
        assert_eq!(Frame::parse(&bytes).err(), Some(error), "{name}");
    }
    // Key version 0 speaks before what the rest of the frame lacks.
    assert_eq!(Frame::parse(&hello(0x05, &wide_body)).err(), Some(FrameError::KeyVersionZero));
}

#[test]
fn a_flag_that_a_kind_does_not_have_is_reserved() {
    let (x, z, w) = (0b0010, 0b0001, 0b0100);
    let reserved = [
        (Kind::Transaction, vec![z, x | z]),
        (Kind::Result, vec![x, z, x | z]),
        (Kind::Receipt, vec![x, z, x | z]),
        (Kind::Clock, vec![x, z, x | z]),
        (Kind::Status, vec![x, z, x | z]),
    ];
    for (kind, flags) in reserved {
        for flags in flags {
            let bytes = frame(first(kind, 1), 0x10 | w | flags, &[1; 40]);
            assert_eq!(Frame::parse(&bytes).err(), Some(FrameError::ReservedFlag), "{kind:?} {flags:04b}");
        }
    }
}

#[test]
fn the_platform_reads_uplinks_only_and_a_card_downlinks_only() {
    let mut card = Card::new(Element::new(), Limits::default(), Flash::default());
    for (name, bytes) in well_formed() {
        let kind = Frame::parse(&bytes).unwrap().kind;
        let from_card = matches!(kind, Kind::Hello | Kind::Result | Kind::Status);
        let read = Uplink::parse(&bytes);
        assert_eq!(read.is_ok(), from_card, "{name}");
        assert!(from_card || read.err() == Some(FrameError::WrongDirection));
        let heard = card.handle_frame(Uptime(0), &bytes);
        let refused = matches!(heard, Err(Ignored::WrongDirection | Ignored::OtherChannel));
        assert_eq!(refused, from_card, "{name}: {heard:?}");
    }
    assert_eq!(Uplink::parse(&retry_frame(Suite::Sm4Eax)).err(), Some(FrameError::WrongDirection));
}

#[test]
fn every_error_has_a_code_of_its_own() {
    let errors = [
        FrameError::TooShort,
        FrameError::TooLong,
        FrameError::UnknownVersion(0),
        FrameError::UnknownKind(0),
        FrameError::UnsupportedSuite(3),
        FrameError::KeyVersionZero,
        FrameError::ReservedFlag,
        FrameError::UnsetClockNeedsWideFactor,
        FrameError::MalformedChannel,
        FrameError::ZeroTimeFactor,
        FrameError::WrongDirection,
    ];
    let mut codes: Vec<&str> = errors.iter().map(|error| error.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), errors.len());
}

#[test]
fn the_longest_frame_is_a_full_hello_with_all() {
    let longest = well_formed().into_iter().map(|(_, bytes)| bytes.len()).max();
    assert_eq!(longest, Some(frame_longest()));
    assert_eq!(frame_longest(), 55);
    let (key, link) = (maker::key(), maker::link());
    let context = maker::context(Answering::Nothing);
    let order = maker::with_text(breakfast(), "twenty bytes of text");
    // Section 6: a transaction with text is 43 to 45 where the bearer vouches for the channel.
    for (wide, channel_on_air, length) in [(false, false, 43), (true, false, 45), (true, true, 54)] {
        let form = DownlinkForm { wide, channel_on_air };
        let frame = platform::seal_transaction(&key, &link, form, factor(EVENING), &context, &order).unwrap();
        assert_eq!(frame.len(), length);
        assert!(frame.len() <= frame_longest());
    }
}

#[test]
fn a_retry_is_two_bytes_of_any_suite() {
    assert_eq!(retry_frame(Suite::Aes128Eax), [0b0110_1001, 1]);
    assert_eq!(retry_frame(Suite::Sm4Eax), [0b0110_1010, 1]);
    assert_eq!(retry_frame(Suite::Aes128Ccm), [0b0110_1100, 1]);
}

/// Random bytes, most of them with first bytes that could be right, so that they get further.
fn noise(dice: &mut Dice) -> Vec<u8> {
    let length = dice.below(64) as usize;
    let mut bytes: Vec<u8> = (0..length).map(|_| dice.next() as u8).collect();
    if let Some(head) = bytes.first_mut().filter(|_| dice.percent(80)) {
        *head = 0b0100_0000 | (*head & 0b0011_1000) | 1;
    }
    if let Some(second) = bytes.get_mut(1).filter(|_| dice.percent(80)) {
        *second &= 0b1111_0110; // No channel, which noise would hardly name, and no Z.
    }
    bytes
}

#[test]
fn noise_is_refused_and_nothing_panics() {
    let mut dice = Dice::new(1);
    let mut read = 0;
    for _ in 0..200_000 {
        read += u32::from(Uplink::parse(&noise(&mut dice)).is_ok());
    }
    assert!(read > 400, "the noise does not get far enough: {read}");

    let mut card = Card::new(Element::new(), Limits::default(), Flash::default());
    let mut now = Uptime(0);
    for round in 0..200_000_u32 {
        now = now + u64::from(dice.below(20));
        if round % 1_000 == 0 {
            card.handle_key(now, air::card::Edge::Down);
        }
        let bytes = noise(&mut dice);
        let heard = card.handle_frame(now, &bytes);
        // Two bytes of noise can be a retry: no key is behind it, and all it can do is send a hello back.
        assert!(heard.is_err() || bytes.len() == 2, "{bytes:02x?}");
        while card.poll_action().is_some() {}
    }
    assert!(!card.clock_is_set());
}

#[test]
fn noise_is_no_text_and_no_flash_image_that_panics() {
    let mut dice = Dice::new(2);
    for _ in 0..200_000 {
        let bytes = noise(&mut dice);
        if let Ok(transaction) = Transaction::from_bytes(&bytes) {
            assert_eq!(transaction.to_bytes().as_slice(), bytes, "one form a transaction");
        }
        if let Ok(flash) = Flash::from_bytes(&bytes) {
            assert_eq!(flash.to_bytes().as_slice(), bytes, "one image a memory");
        }
    }
}

#[test]
fn each_malformed_transaction_has_its_own_error() {
    let whole = [0, 0, 7, 208, 0, 156, 0, 0, 16, 1, 6];
    assert_eq!(Transaction::from_bytes(&whole), Ok(breakfast()));
    let changed = |at: usize, bytes: &[u8]| {
        let mut text = whole;
        text[at..at + bytes.len()].copy_from_slice(bytes);
        text.to_vec()
    };
    let texted = |text: &[u8]| [&whole, text].concat();
    let cases = [
        ("nothing", vec![], TextError::WrongLength),
        ("cut", whole[..10].to_vec(), TextError::WrongLength),
        ("an amount of zero", changed(0, &[0; 4]), TextError::ZeroAmount),
        ("currency 0", changed(4, &[0, 0]), TextError::UnknownCurrency),
        ("currency XTS", changed(4, &963_u16.to_be_bytes()), TextError::UnknownCurrency),
        ("a lifetime of zero", changed(10, &[0]), TextError::ZeroLifetime),
        ("a text of 21 bytes", texted(&[b'a'; 21]), TextError::DisplayText),
        ("a line break", texted(b"a\nb"), TextError::DisplayText),
        ("not UTF-8", texted(&[0xff]), TextError::DisplayText),
        ("UTF-8 cut", texted(&"早".as_bytes()[..2]), TextError::DisplayText),
        ("a C1 control", texted("\u{9b}".as_bytes()), TextError::DisplayText),
    ];
    for (name, bytes, error) in cases {
        assert_eq!(Transaction::from_bytes(&bytes), Err(error), "{name}");
    }
    assert_eq!(PromptText::new(""), Err(TextError::DisplayText));
    let longest = "早餐早餐早餐ab";
    assert_eq!((longest.len(), PromptText::new(longest).unwrap().as_str()), (20, longest));
    assert_eq!(Transaction::from_bytes(&texted(longest.as_bytes())).unwrap().to_bytes().len(), 31);
}

#[test]
fn each_decision_and_outcome_is_one_byte_and_no_other_is_known() {
    let mut known = 0;
    for first in 0..=255 {
        let Ok(text) = ResultText::from_bytes([first, 199]) else {
            continue;
        };
        assert_eq!(text.to_bytes(), [first, 199]);
        known += 1;
    }
    assert_eq!(known, 15 + 5, "1 to 15 presses, and five that have none");
    for presses in 1..=15 {
        let text = ResultText::from_bytes([0x10 | presses, 0]).unwrap();
        assert_eq!(text.decision, Decision::Agreed { presses });
    }
    for byte in [0x00, 0x10, 0x21, 0x60 | 1, 0x70, 0xf0] {
        assert_eq!(ResultText::from_bytes([byte, 0]), Err(TextError::UnknownDecision), "{byte:02x}");
    }
    for byte in 0..=255 {
        let outcome = Outcome::from_byte(byte).map(|outcome| outcome as u8);
        assert_eq!(outcome, (1..=5).contains(&byte).then_some(byte));
    }
}

#[test]
fn a_status_reads_back() {
    let text = StatusText { battery: 200, flags: 0, firmware: 0x0203 };
    assert_eq!(text.to_bytes(), [200, 0, 2, 3]);
    assert_eq!(StatusText::from_bytes(text.to_bytes()), text);
}

#[test]
fn a_lifetime_is_rounded_up_to_tens_and_held_within_its_byte() {
    for (asked, given) in
        [(0, 10), (1, 10), (10, 10), (11, 20), (60, 60), (2_541, 2_550), (9_999, 2_550), (u32::MAX, 2_550)]
    {
        assert_eq!(Lifetime::at_least_seconds(asked).seconds(), given, "{asked}");
    }
}
