//! Frames that are none, or not this card's: what goes back, and by which name they are counted.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crate::Coast;
use crate::radio::Radio;
use crate::town::{Town, Wish};

/// Kind 5, suite 1, reason 1.
const RETRY: [u8; 2] = [0x69, 0x01];

/// What the last frame added to the counts.
struct Counts(BTreeMap<String, u64>);

impl Counts {
    fn of(town: &Town) -> Self {
        Self(town.counts("frames_refused"))
    }

    /// The reasons counted since, each as often as it was.
    fn since(&mut self, town: &Town) -> Vec<String> {
        let now = town.counts("frames_refused");
        let before = std::mem::replace(&mut self.0, now);
        let more = |(reason, count): (&String, &u64)| {
            let times = count - before.get(reason).copied().unwrap_or(0);
            std::iter::repeat_n(reason.clone(), times.try_into().unwrap())
        };
        self.0.iter().flat_map(more).collect()
    }
}

async fn silence(town: &Town, counts: &mut Counts, radio: &mut Radio, frame: &[u8], reason: &str) {
    let answer = radio.say(frame).await;
    assert_eq!(answer, b"", "{reason}: {frame:02x?}");
    assert_eq!(counts.since(town), [reason], "{frame:02x?}");
}

#[tokio::test]
async fn a_frame_that_is_none_meets_silence_and_is_counted_by_its_fault() {
    let mut coast = Coast::open().await;
    let mut card = coast.town.card(Wish::default()).await;
    coast.town.order(card.id, 2_000).await;
    let mut radio = coast.radio().await;
    // Full, wide, with the channel on the air, the clock not set: the longest there is.
    let hello = card.press();
    assert_eq!(hello.len(), 55);
    let town = &coast.town;
    let mut counts = Counts::of(town);
    for length in 0..hello.len() {
        silence(town, &mut counts, &mut radio, &hello[..length], "frame_too_short").await;
    }
    for more in [1, 10, 900] {
        let long = [&hello[..], &vec![0; more]].concat();
        silence(town, &mut counts, &mut radio, &long, "frame_too_long").await;
    }
    let with = |at: usize, mask: u8, value: u8| {
        let mut frame = hello.clone();
        frame[at] = frame[at] & !mask | value;
        frame
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        // Byte 0: version (2), kind (3), suite (3).
        (with(0, 0xc0, 0x00), "unknown_version"),
        (with(0, 0xc0, 0x80), "unknown_version"),
        (with(0, 0xc0, 0xc0), "unknown_version"),
        (with(0, 0x38, 0 << 3), "unknown_kind"),
        (with(0, 0x07, 0), "unsupported_suite"),
        (with(0, 0x07, 3), "unsupported_suite"),
        (with(0, 0x07, 5), "unsupported_suite"),
        (with(0, 0x07, 7), "unsupported_suite"),
        // Byte 1: key version (4), C, W, X, Z. Z wants W.
        (with(1, 0xf0, 0x00), "key_version_zero"),
        (with(1, 0x04, 0x00), "unset_clock_needs_wide_factor"),
        // A result and a status have neither X nor Z.
        (with(0, 0x38, 3 << 3), "reserved_flag"),
        (with(0, 0x38, 7 << 3), "reserved_flag"),
        // A receipt and a clock have neither; a transaction has no Z.
        (with(0, 0x38, 4 << 3), "reserved_flag"),
        (with(0, 0x38, 6 << 3), "reserved_flag"),
        (with(0, 0x38, 2 << 3), "reserved_flag"),
        (with(0, 0x38, 5 << 3), "wrong_direction"),
        // The channel's kind, and the eight bytes of an IMEI.
        (with(2, 0xff, 0x00), "malformed_channel"),
        (with(2, 0xff, 0x0f), "malformed_channel"),
        (with(3, 0xff, 0xff), "malformed_channel"),
        ([&hello[..11], &[0; 4], &hello[15..]].concat(), "zero_time_factor"),
        // Downlinks sent up: transaction, receipt, clock, retry.
        ([&[0x51, 0x10], &[0; 21][..]].concat(), "wrong_direction"),
        ([&[0x61, 0x10], &[0; 11][..]].concat(), "wrong_direction"),
        ([&[0x71, 0x14], &[1; 12][..]].concat(), "wrong_direction"),
        (RETRY.to_vec(), "wrong_direction"),
        // A brief hello without its channel: UDP vouches for none.
        ([&[0x49, 0x10], &[0; 10][..]].concat(), "no_channel"),
    ];
    for (frame, reason) in cases {
        silence(town, &mut counts, &mut radio, &frame, reason).await;
    }
    // After all that the card pays.
    let transaction = radio.say(&hello).await;
    card.hear(&transaction);
    assert!(card.is_lit());
    assert!(counts.since(town).is_empty());
}

#[tokio::test]
async fn a_wrong_code_and_an_unknown_channel_look_the_same_from_outside() {
    let mut coast = Coast::open().await;
    let mut card = coast.town.card(Wish::default()).await;
    let mut radio = coast.radio().await;
    let hello = card.press();
    let town = &coast.town;
    let mut counts = Counts::of(town);
    let flipped = |at: usize| {
        let mut frame = hello.clone();
        frame[at] ^= 1;
        frame
    };
    // The code, the text, the time factor; the channel's last byte.
    for (at, reason) in [(54, "wrong_code"), (20, "wrong_code"), (13, "wrong_code"), (10, "unknown_channel")]
    {
        assert_eq!(radio.say(&flipped(at)).await, RETRY, "byte {at}");
        assert_eq!(counts.since(town), [reason]);
    }
    let mut other_key = hello.clone();
    other_key[1] = 0x20 | other_key[1] & 0x0f;
    assert_eq!(radio.say(&other_key).await, RETRY);
    // The retry speaks the suite of the frame that it answers.
    let mut other_suite = hello.clone();
    other_suite[0] = other_suite[0] & !0x07 | 2;
    assert_eq!(radio.say(&other_suite).await, [0x6a, 0x01]);
    assert_eq!(counts.since(town), ["wrong_code", "wrong_code"]);
    // A right code always passes.
    let clock = radio.say(&hello).await;
    card.hear(&clock);
}

#[tokio::test]
async fn junk_buys_so_many_retries_a_minute_and_takes_nobody_elses() {
    let mut coast = Coast::open().await;
    let mut card = coast.town.card(Wish::default()).await;
    let mut radio = coast.radio().await;
    let hello = card.press();
    let mut junk = hello.clone();
    junk[54] ^= 1;
    for _ in 0..30 {
        assert_eq!(radio.say(&junk).await, RETRY);
    }
    let town = &coast.town;
    let mut counts = Counts::of(town);
    assert_eq!(radio.say(&junk).await, b"");
    assert_eq!(counts.since(town), ["retry_limit", "wrong_code"]);
    // A new port is no new source; a new address is.
    assert_eq!(coast.radio().await.say(&junk).await, b"");
    assert_eq!(coast.radio_at("127.0.0.2").await.say(&junk).await, RETRY);
    town.pass(60_000);
    assert_eq!(radio.say(&junk).await, RETRY);
    // What is right was never limited.
    let clock = radio.say(&hello).await;
    card.hear(&clock);
}

#[tokio::test]
async fn a_frame_with_a_right_code_can_still_come_too_late_or_too_often() {
    let mut coast = Coast::open().await;
    let mut card = coast.town.card(Wish::default()).await;
    let mut radio = coast.radio().await;
    let first = card.press();
    let clock = radio.say(&first).await;
    card.hear(&clock);
    let second = card.press();
    assert_eq!(radio.say(&second).await, b"");
    card.nothing_waits();
    let status = card.status();
    assert_eq!(radio.say(&status).await, b"");
    let town = &coast.town;
    let mut counts = Counts::of(town);
    // The last accepted frame again is a repetition; one before it may be a clone's.
    silence(town, &mut counts, &mut radio, &second, "not_above_mark").await;
    let alarms = town.app.store().peek(|rows| rows.alarms(1)).unwrap();
    assert_eq!((alarms[0].card, alarms[0].kind.as_str()), (Some(card.id), "possible_clone"));
    assert_eq!(radio.say(&status).await, b"");
    assert!(counts.since(town).is_empty());
    let next = card.press();
    assert_eq!(radio.say(&next).await, b"");
    silence(town, &mut counts, &mut radio, &status, "status_not_fresh").await;
    let mut forged = status.clone();
    *forged.last_mut().unwrap() ^= 1;
    silence(town, &mut counts, &mut radio, &forged, "wrong_code").await;
}

#[tokio::test]
async fn a_result_that_answers_nothing_meets_silence() {
    let mut coast = Coast::open().await;
    let mut card = coast.town.card(Wish::default()).await;
    let mut radio = coast.radio().await;
    let order = coast.town.order(card.id, 2_000).await;
    let transaction = radio.say(&card.press()).await;
    card.hear(&transaction);
    let result = card.agree(1);
    let town = &coast.town;
    let mut counts = Counts::of(town);
    let mut forged = result.clone();
    *forged.last_mut().unwrap() ^= 1;
    silence(town, &mut counts, &mut radio, &forged, "wrong_result").await;
    assert_eq!(town.state(order), "processing");
    let receipt = radio.say(&result).await;
    card.hear(&receipt);
    assert!(card.is_green());
    silence(town, &mut counts, &mut radio, &forged, "wrong_result").await;
}

#[tokio::test]
async fn a_card_that_may_not_pay_gets_silence_and_its_order_is_declined() {
    let mut coast = Coast::open().await;
    let mut card = coast.town.card(Wish { valid_millis: 1_000, ..Wish::default() }).await;
    let mut radio = coast.radio().await;
    let order = coast.town.order(card.id, 2_000).await;
    coast.town.pass(1_000);
    let mut counts = Counts::of(&coast.town);
    silence(&coast.town, &mut counts, &mut radio, &card.press(), "card_expired").await;
    assert_eq!(coast.town.state(order), "card_expired");
    assert_eq!(coast.town.counts("payments"), [("card_expired".to_owned(), 1)].into());
}

#[tokio::test]
async fn a_holder_is_not_prompted_without_end() {
    let mut coast = Coast::open().await;
    let mut card = coast.town.card(Wish::default()).await;
    let mut radio = coast.radio().await;
    coast.town.order(card.id, 2_000).await;
    let town = &coast.town;
    for _ in 0..30 {
        card.restart();
        let transaction = radio.say(&card.press()).await;
        card.hear(&transaction);
        town.pass(1_000);
    }
    card.restart();
    let mut counts = Counts::of(town);
    silence(town, &mut counts, &mut radio, &card.press(), "prompt_limit").await;
}

#[tokio::test]
async fn a_key_store_that_is_away_is_no_fault_of_the_cards() {
    let mut coast = Coast::open().await;
    let mut card = coast.town.card(Wish::default()).await;
    let mut radio = coast.radio().await;
    let hello = card.press();
    let mut counts = Counts::of(&coast.town);
    coast.town.keys.away.store(true, Ordering::SeqCst);
    silence(&coast.town, &mut counts, &mut radio, &hello, "key_unavailable").await;
    coast.town.keys.away.store(false, Ordering::SeqCst);
    let clock = radio.say(&hello).await;
    card.hear(&clock);
}

#[tokio::test]
async fn what_cannot_be_kept_is_told_as_that_and_never_as_nothing_waits() {
    let mut coast = Coast::open().await;
    let mut card = coast.town.card(Wish::default()).await;
    coast.town.order(card.id, 2_000).await;
    let mut radio = coast.radio().await;
    let hello = card.press();
    let held = coast.town.hold_database();
    let posted = radio.posted(&hello);
    radio.send(&posted).await;
    let answer = radio.answer().await;
    assert_eq!((answer.code_text().as_str(), &answer.payload[..]), ("5.03", &b""[..]));
    drop(held);
    // Its own repetition brings it again, and it is asked.
    let transaction = radio.say(&hello).await;
    card.hear(&transaction);
    assert!(card.is_lit());
}
