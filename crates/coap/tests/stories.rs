//! The reliability layer as stories between a card and a platform over a bad link (RFC 7252 §4, §5.2).

#![allow(clippy::unwrap_used, clippy::panic)]

mod pair;

use coap::{Code, Config, Event, Failure, Millis, Refused, Request, Response, SendError};
use pair::{CARD, Fate, PLATFORM, Pair, TRIP};

fn frame(bytes: &[u8]) -> Request {
    Request::post("frames", bytes)
}

fn changed(bytes: &[u8]) -> Response {
    Response::new(Code::CHANGED).with_payload(bytes)
}

#[test]
fn an_answer_in_time_rides_on_the_acknowledgement() {
    let mut pair = Pair::new();
    pair.ask(frame(b"pay"));
    pair.run_for(100);
    let (request, responder) = pair.asked();
    assert_eq!((request.path.as_str(), request.payload.as_slice()), ("frames", &b"pay"[..]));
    assert!(request.confirmable);
    pair.answer(responder, changed(b"paid"));
    pair.run_for(TRIP);
    assert_eq!(pair.answered().1, changed(b"paid"));
    assert_eq!(pair.sent.len(), 2);
    assert_eq!(pair.sent[1].bytes[0] >> 4, 0b0110, "version 1, acknowledgement");
    assert!(pair.is_quiet() && pair.refused.is_empty());
}

#[test]
fn a_late_answer_comes_separately() {
    let mut pair = Pair::new();
    let exchange = pair.ask(frame(b"pay"));
    pair.run_for(3_000);
    assert_eq!(
        (pair.sent.len(), pair.sent[1].at),
        (2, TRIP + 500),
        "an empty acknowledgement, and no repetition"
    );
    let (at, Event::Acknowledged { exchange: acknowledged }) = pair.card_saw.remove(0) else { panic!() };
    assert_eq!((at, acknowledged), (2 * TRIP + 500, exchange));

    let (_, responder) = pair.asked();
    pair.answer(responder, changed(b"paid"));
    pair.run_for(10_000);
    assert_eq!(pair.answered().1, changed(b"paid"));
    let kinds: Vec<_> = pair.sent.iter().map(|sent| (sent.from, (sent.bytes[0] >> 4) & 3)).collect();
    let story = [(CARD, 0), (PLATFORM, 2), (PLATFORM, 0), (CARD, 2)];
    assert_eq!(kinds, story, "request, empty acknowledgement, answer, acknowledgement of that");
    assert!(pair.is_quiet() && pair.refused.is_empty());
}

#[test]
fn a_lost_acknowledgement_brings_the_same_answer_again() {
    let mut pair = Pair::new();
    pair.link = Box::new(|nth| if nth == 2 { Fate::Lost } else { Fate::Arrives });
    pair.ask(frame(b"pay"));
    pair.run_for(TRIP);
    let (_, responder) = pair.asked();
    pair.answer(responder, changed(b"paid"));
    pair.run_for(5_000);
    assert_eq!(pair.answered().1, changed(b"paid"));
    assert!(pair.platform_saw.is_empty(), "no second request");
    assert_eq!(pair.sent[0].bytes, pair.sent[2].bytes);
    assert_eq!(pair.sent[1].bytes, pair.sent[3].bytes);
    assert_eq!(pair.platform.tally().repeated, 1);
    assert_eq!(pair.card.tally().retransmitted, 1);
    assert!(pair.is_quiet());
}

#[test]
fn four_retries_then_timed_out() {
    let mut pair = Pair::new();
    pair.link = Box::new(|_| Fate::Lost);
    let asked = pair.ask(frame(b"pay"));
    pair.run_for(200_000);
    assert_eq!(pair.sent.len(), 5);
    let waits: Vec<u64> = pair.sent.windows(2).map(|two| two[1].at - two[0].at).collect();
    assert!((2_000..=3_000).contains(&waits[0]));
    assert_eq!(waits, [waits[0], 2 * waits[0], 4 * waits[0], 8 * waits[0]]);
    let (at, Event::Failed { exchange, reason }) = pair.card_saw.remove(0) else { panic!() };
    assert_eq!((exchange, reason), (asked, Failure::TimedOut));
    assert_eq!(at, 31 * waits[0]);
    assert!(pair.is_quiet() && pair.card_saw.is_empty());
}

#[test]
fn an_answer_whose_acknowledgement_is_lost_comes_again_and_is_acknowledged_again() {
    let mut pair = Pair::new();
    pair.link = Box::new(|nth| if nth == 4 { Fate::Lost } else { Fate::Arrives });
    pair.ask(frame(b"pay"));
    pair.run_for(1_000);
    let (_, responder) = pair.asked();
    pair.answer(responder, changed(b"paid"));
    pair.run_for(10_000);
    assert_eq!(pair.sent.len(), 6);
    assert_eq!(pair.sent[3].bytes, pair.sent[5].bytes);
    let responses = pair.card_saw.iter().filter(|(_, event)| matches!(event, Event::Response { .. })).count();
    assert_eq!(responses, 1);
    assert!(pair.is_quiet() && pair.refused.is_empty());
}

#[test]
fn an_answer_that_overtakes_its_empty_acknowledgement_is_taken() {
    let mut pair = Pair::new();
    pair.link = Box::new(|nth| if nth == 2 { Fate::Late(1_500) } else { Fate::Arrives });
    pair.ask(frame(b"pay"));
    pair.run_for(600);
    let (_, responder) = pair.asked();
    pair.answer(responder, changed(b"paid"));
    pair.run_for(10_000);
    assert_eq!(pair.answered(), (620, changed(b"paid")));
    assert!(pair.card_saw.is_empty());
    assert_eq!(pair.refused, [(CARD, Refused::UnknownMessage)], "the acknowledgement that came too late");
    assert!(pair.is_quiet());
}

#[test]
fn a_repetition_while_the_answer_is_being_made_is_swallowed() {
    let mut pair = Pair::new();
    pair.link = Box::new(|nth| if nth == 1 { Fate::Twice } else { Fate::Arrives });
    pair.ask(frame(b"pay"));
    pair.run_for(100);
    assert_eq!((pair.platform_saw.len(), pair.sent.len()), (1, 1));
    let (_, responder) = pair.asked();
    pair.answer(responder, changed(b"paid"));
    pair.run_for(100);
    assert_eq!(pair.answered().1, changed(b"paid"));
    assert!(pair.is_quiet());
}

#[test]
fn a_non_confirmable_request_is_heard_once_and_answered_alike() {
    let mut pair = Pair::new();
    pair.link = Box::new(|_| Fate::Twice);
    pair.ask(frame(b"hint").non_confirmable());
    pair.run_for(1_000);
    assert_eq!(pair.platform_saw.len(), 1);
    let (request, responder) = pair.asked();
    assert!(!request.confirmable);
    pair.answer(responder, changed(b"noted"));
    pair.run_for(1_000);
    assert_eq!(pair.answered().1, changed(b"noted"));
    assert!(pair.card_saw.is_empty());
    assert_eq!(pair.sent[1].bytes[0] >> 4, 0b0101, "version 1, non-confirmable");
    assert_eq!(pair.sent.len(), 2);
    assert!(pair.is_quiet() && pair.refused.is_empty());
}

#[test]
fn a_lost_non_confirmable_request_is_not_repeated() {
    let mut pair = Pair::new();
    pair.link = Box::new(|_| Fate::Lost);
    pair.ask(frame(b"hint").non_confirmable());
    pair.run_for(100_000);
    assert_eq!(pair.sent.len(), 1);
    assert!(matches!(pair.card_saw[..], [(93_000, Event::Failed { reason: Failure::NoAnswer, .. })]));
    assert!(pair.is_quiet());
}

#[test]
fn a_long_non_confirmable_request_waits_a_second_for_every_byte_and_another_waits_for_it() {
    // PROBING_RATE (§4.7), and the length at which it outlasts the wait for an answer.
    for (probing_rate, len, wait) in
        [(1, 1_024, 1_040_000), (8, 1_024, 130_000), (0, 1_024, 1_040_000), (1, 77, 93_000), (1, 78, 94_000)]
    {
        let mut pair = Pair::with(Config { probing_rate, ..Config::default() }, Config::default());
        pair.link = Box::new(|_| Fate::Lost);
        pair.ask(frame(&vec![0; len]).non_confirmable());
        assert_eq!(pair.sent[0].bytes.len(), len + 16);
        pair.run_until(wait - 1);
        let another = pair.card.request(pair.now(), PLATFORM, frame(b"more").non_confirmable());
        assert_eq!(another, Err(SendError::PeerBusy { limit: 1 }));
        pair.run_until(wait);
        assert!(matches!(pair.card_saw[..], [(_, Event::Failed { reason: Failure::NoAnswer, .. })]));
        pair.card.request(pair.now(), PLATFORM, frame(b"more").non_confirmable()).unwrap();
    }
}

#[test]
fn an_acknowledged_request_that_is_never_answered_fails_on_the_card_and_is_let_go_on_the_platform() {
    let mut pair = Pair::new();
    pair.ask(frame(b"pay"));
    pair.run_for(100_000);
    assert!(matches!(
        pair.card_saw[..],
        [(_, Event::Acknowledged { .. }), (_, Event::Failed { reason: Failure::NoAnswer, .. })]
    ));
    let (_, responder) = pair.asked();
    pair.run_until(247_000 + TRIP);
    assert_eq!(pair.platform.respond(pair.now(), responder, changed(b"")), Err(SendError::Expired));
    assert_eq!(pair.platform.tally().unanswered, 1);
    assert!(pair.is_quiet());
}

#[test]
fn a_dismissed_request_is_acknowledged_and_forgotten() {
    let mut pair = Pair::new();
    pair.ask(frame(b"log"));
    pair.run_for(TRIP);
    let (_, responder) = pair.asked();
    pair.platform.dismiss(pair.now(), responder);
    assert_eq!(pair.platform.open_exchanges(), (0, 0));
    pair.run_for(TRIP);
    assert!(matches!(pair.card_saw[..], [(_, Event::Acknowledged { .. })]));
}

#[test]
fn a_reset_ends_the_exchange() {
    let mut pair = Pair::new();
    pair.ask(frame(b"pay"));
    let mid = [pair.sent[0].bytes[2], pair.sent[0].bytes[3]];
    pair.card.handle_datagram(Millis(10), PLATFORM, &[0x70, 0, mid[0], mid[1]]).unwrap();
    assert!(matches!(pair.card.poll_event(), Some(Event::Failed { reason: Failure::Reset, .. })));
    assert_eq!(pair.card.poll_timeout(), None);
}

#[test]
fn a_ping_is_reset() {
    let mut pair = Pair::new();
    pair.card.handle_datagram(Millis(0), PLATFORM, &[0x40, 0, 0x12, 0x34]).unwrap();
    assert_eq!(pair.card.poll_transmit().unwrap().bytes, [0x70, 0, 0x12, 0x34]);
    assert!(pair.card.poll_event().is_none());
}

#[test]
fn an_answer_to_a_cancelled_request_is_reset() {
    let mut pair = Pair::new();
    let exchange = pair.ask(frame(b"pay"));
    pair.run_for(1_000);
    pair.card.cancel(exchange);
    pair.card_saw.clear();
    let (_, responder) = pair.asked();
    pair.answer(responder, changed(b"paid"));
    pair.run_for(1_000);
    assert!(pair.card_saw.is_empty());
    assert_eq!(pair.refused, [(CARD, Refused::UnknownResponse)]);
    assert_eq!(pair.sent.last().unwrap().bytes[0], 0x70);
    assert_eq!(pair.platform.tally().undelivered, 1);
    assert!(pair.is_quiet());
}

#[test]
fn an_answer_with_another_token_or_from_elsewhere_is_not_ours() {
    let mut pair = Pair::new();
    pair.ask(frame(b"pay"));
    let asked = &pair.sent[0].bytes;
    let mut forged = vec![0x64, 0x44, asked[2], asked[3]];
    forged.extend(asked[4..8].iter().map(|byte| !byte));
    assert_eq!(pair.card.handle_datagram(Millis(1), PLATFORM, &forged), Err(Refused::TokenMismatch));
    forged[4..8].copy_from_slice(&asked[4..8]);
    assert_eq!(pair.card.handle_datagram(Millis(1), "stranger", &forged), Err(Refused::UnknownMessage));
    assert_eq!(pair.card.handle_datagram(Millis(1), PLATFORM, &forged), Ok(()));
}

#[test]
fn another_message_under_a_known_id_is_not_given_the_old_answer() {
    let mut pair = Pair::new();
    pair.ask(frame(b"pay"));
    pair.run_for(TRIP);
    let (_, responder) = pair.asked();
    pair.answer(responder, changed(b"paid"));
    let mut other = pair.sent[0].bytes.clone();
    *other.last_mut().unwrap() = b'?';
    pair.platform.handle_datagram(pair.now(), CARD, &other).unwrap();
    assert!(matches!(pair.platform.poll_event(), Some(Event::Request { .. })));
}

#[test]
fn everything_a_request_can_say_arrives() {
    use coap::{ContentFormat, Method};
    let mut pair = Pair::new();
    let request = Request {
        method: Method::Put,
        path: "a/b c/ü/".into(),
        query: vec!["x=1".into(), "".into()],
        content_format: Some(ContentFormat(11_542)),
        accept: Some(ContentFormat::TEXT),
        payload: vec![0xFF; 1_024],
        confirmable: true,
        observe: None,
    };
    pair.ask(request.clone());
    pair.run_for(TRIP);
    assert_eq!(pair.asked().0, request);
}

#[test]
fn a_bad_link_changes_nothing_but_the_time_it_takes() {
    let mut pair = Pair::new();
    let mut state = 12_345_u64;
    pair.link = Box::new(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match (state >> 33) % 10 {
            0 | 1 => Fate::Lost,
            2 => Fate::Twice,
            3 => Fate::Late((state >> 40) % 4_000),
            _ => Fate::Arrives,
        }
    });
    let (mut asked, mut answered, mut failed) = (0_u32, 0_u32, 0_u32);
    let mut heard = std::collections::BTreeSet::new();
    for round in 0_u32..1_000 {
        pair.ask(frame(&round.to_be_bytes()));
        asked += 1;
        let slow = round % 3 == 0;
        let end = pair.now + 240_000;
        while pair.card.open_exchanges().0 > 0 && pair.now < end {
            pair.run_for(if slow { 700 } else { 50 });
            while !pair.platform_saw.is_empty() {
                let (request, responder) = pair.asked();
                assert!(heard.insert(request.payload.clone()), "no request is heard twice");
                pair.answer(responder, changed(&request.payload));
            }
            for (_, event) in pair.card_saw.drain(..) {
                match event {
                    Event::Response { response, .. } => {
                        assert_eq!(response.payload, round.to_be_bytes());
                        answered += 1;
                    }
                    Event::Failed { .. } => failed += 1,
                    Event::Acknowledged { .. } => {}
                    other => panic!("the card neither is asked nor has observers: {other:?}"),
                }
            }
        }
    }
    pair.run_for(300_000);
    assert_eq!(answered + failed, asked);
    assert!(failed < asked / 50, "{failed} of {asked} failed");
    assert!(pair.is_quiet());
}
