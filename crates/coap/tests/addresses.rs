//! A peer whose address changes under way, as behind an address translator.
//!
//! An address is all that names a peer here. An answer goes to where its request came from, and nowhere
//! else, however long it takes. The same request from another address is another request: whether it is
//! the same frame only the layer above can know, and there a frame that comes twice is answered twice
//! alike.

#![allow(clippy::unwrap_used, clippy::panic)]

use coap::{Code, Config, Ended, Endpoint, Event, Millis, Refused, Request, Responder, Response};

const OLD: u16 = 40_001;
const NEW: u16 = 52_007;
const FRAME: &[u8] = &[0x41, 2, 0, 9, 7, 0xB2, b'c', b'f', 0xFF, b'p', b'a', b'y'];

fn platform() -> Endpoint<u16> {
    Endpoint::new(Config::default(), 1)
}

fn asked(platform: &mut Endpoint<u16>) -> (u16, Request, Responder<u16>) {
    match platform.poll_event() {
        Some(Event::Request { from, request, responder }) => (from, request, responder),
        other => panic!("{other:?}"),
    }
}

fn paid() -> Response {
    Response::new(Code::CHANGED).with_payload(*b"paid")
}

#[test]
fn a_repetition_from_another_port_is_a_request_of_its_own_and_each_port_has_its_answer() {
    let mut platform = platform();
    platform.handle_datagram(Millis(0), OLD, FRAME).unwrap();
    platform.handle_datagram(Millis(2_000), NEW, FRAME).unwrap();
    assert_eq!(platform.tally().repeated, 0);
    let (first, again) = (asked(&mut platform), asked(&mut platform));
    assert_eq!((first.0, again.0), (OLD, NEW));
    assert_eq!(first.1, again.1, "the layer above sees the same frame twice");

    // Answered in the other order, and still each to its own port; the same bytes, since the ids are the same.
    platform.respond(Millis(2_010), again.2, paid()).unwrap();
    platform.respond(Millis(2_020), first.2, paid()).unwrap();
    let sent: Vec<_> = std::iter::from_fn(|| platform.poll_transmit()).collect();
    assert_eq!([sent[0].to, sent[1].to], [NEW, OLD]);
    assert_eq!(sent[0].bytes, sent[1].bytes);

    // From now on a repetition from either port is known, and has the same answer at the same port.
    for port in [OLD, NEW] {
        platform.handle_datagram(Millis(4_000), port, FRAME).unwrap();
        let repeated = platform.poll_transmit().unwrap();
        assert_eq!((repeated.to, &repeated.bytes), (port, &sent[0].bytes));
    }
    assert_eq!(platform.tally().repeated, 2);
    assert!(platform.poll_event().is_none());
}

#[test]
fn a_separate_answer_is_repeated_to_where_the_request_came_from_whatever_comes_from_elsewhere() {
    let mut platform = platform();
    platform.handle_datagram(Millis(0), OLD, FRAME).unwrap();
    let (_, _, responder) = asked(&mut platform);
    platform.handle_timeout(Millis(500));
    assert_eq!(platform.poll_transmit().unwrap().to, OLD, "the empty acknowledgement");

    // The card moves, and asks anew from there before the old answer is ready.
    let anew = [&[0x41, 2, 0, 10, 8], &FRAME[5..]].concat();
    platform.handle_datagram(Millis(600), NEW, &anew).unwrap();
    let (_, _, at_new) = asked(&mut platform);
    platform.respond(Millis(600), at_new, paid()).unwrap();
    assert_eq!(platform.poll_transmit().unwrap().to, NEW);

    platform.respond(Millis(700), responder, paid()).unwrap();
    let first = platform.poll_transmit().unwrap();
    assert_eq!((first.to, first.bytes[0]), (OLD, 0x41), "confirmable");
    // An acknowledgement from elsewhere acknowledges nothing.
    let acknowledgement = [0x60, 0, first.bytes[2], first.bytes[3]];
    let outcome = platform.handle_datagram(Millis(800), NEW, &acknowledgement);
    assert_eq!(outcome, Err(Refused::UnknownMessage));
    let mut repetitions = 0;
    while let Some(at) = platform.poll_timeout() {
        platform.handle_timeout(at);
        while let Some(again) = platform.poll_transmit() {
            assert_eq!(again, first);
            repetitions += 1;
        }
    }
    assert_eq!((repetitions, platform.tally().undelivered), (4, 1));
    assert_eq!(platform.open_exchanges(), (0, 0));
}

#[test]
fn an_answer_from_another_port_is_no_answer_to_our_request() {
    let mut platform = platform();
    platform.request(Millis(0), OLD, Request::post("cf", *b"push")).unwrap();
    let asked = platform.poll_transmit().unwrap().bytes;
    let answer = [&[0x64, 0x44], &asked[2..8]].concat();
    assert_eq!(platform.handle_datagram(Millis(1), NEW, &answer), Err(Refused::UnknownMessage));
    platform.handle_datagram(Millis(2), OLD, &answer).unwrap();
    assert!(matches!(platform.poll_event(), Some(Event::Response { from: OLD, .. })));
}

#[test]
fn an_observer_that_moved_registers_anew_and_its_old_place_times_out() {
    let register: &[u8] = &[0x41, 1, 0, 9, 7, 0x60, 0x52, b'c', b'f'];
    let mut platform = platform();
    let mut names = Vec::new();
    for port in [OLD, NEW] {
        platform.handle_datagram(Millis(0), port, register).unwrap();
        let (_, _, responder) = asked(&mut platform);
        names.push(platform.observe(Millis(0), responder, paid()).unwrap());
        assert_eq!(platform.poll_transmit().unwrap().to, port);
    }
    assert_eq!([platform.observer(&OLD), platform.observer(&NEW)], [Some(names[0]), Some(names[1])]);
    platform.notify(Millis(1), names[0], paid()).unwrap();
    while let Some(at) = platform.poll_timeout() {
        assert_eq!(platform.poll_transmit().unwrap().to, OLD);
        platform.handle_timeout(at);
    }
    assert!(matches!(platform.poll_event(), Some(Event::NotNotified { .. })));
    let ended = platform.poll_event();
    assert!(matches!(ended, Some(Event::ObservationEnded { peer: OLD, reason: Ended::TimedOut, .. })));
    assert_eq!([platform.observer(&OLD), platform.observer(&NEW)], [None, Some(names[1])]);
}
