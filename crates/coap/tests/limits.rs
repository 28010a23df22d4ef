//! What is refused because it is too much or too long: floods, full queues, NSTART, sizes.

#![allow(clippy::unwrap_used, clippy::panic)]

mod pair;

use coap::{Code, Config, Event, Millis, Refused, Request, Response, SendError};
use pair::{CARD, PLATFORM, Pair, TRIP};

fn frame(bytes: &[u8]) -> Request {
    Request::post("frames", bytes)
}

fn changed(bytes: &[u8]) -> Response {
    Response::new(Code::CHANGED).with_payload(bytes)
}

#[test]
fn the_platform_pushes_to_a_card_one_at_a_time() {
    let mut pair = Pair::new();
    pair.platform.request(Millis(0), CARD, Request::post("push", *b"1")).unwrap();
    let busy = Err(SendError::PeerBusy { limit: 1 });
    assert_eq!(pair.platform.request(Millis(0), CARD, Request::post("push", *b"2")), busy);
    pair.run_for(TRIP);
    let (_, Event::Request { request, responder, .. }) = pair.card_saw.remove(0) else { panic!() };
    assert_eq!((request.path.as_str(), &request.payload[..]), ("push", &b"1"[..]));
    pair.card.respond(pair.now(), responder, changed(b"")).unwrap();
    pair.run_for(TRIP);
    assert!(matches!(pair.platform_saw[..], [(_, Event::Response { .. })]));
    pair.platform.request(pair.now(), CARD, Request::post("push", *b"2")).unwrap();
}

#[test]
fn an_acknowledged_push_makes_way_for_the_next_up_to_the_open_limit() {
    let config = Config { exchanges_per_peer: 2, ..Config::default() };
    let mut pair = Pair::with(Config::default(), config);
    for _ in 0..2 {
        pair.platform.request(pair.now(), CARD, Request::get("slow")).unwrap();
        pair.run_for(1_000);
    }
    assert_eq!(
        pair.platform.request(pair.now(), CARD, Request::get("slow")),
        Err(SendError::PeerFull { limit: 2 })
    );
}

#[test]
fn a_flood_from_one_peer_is_refused_by_name() {
    let config = Config { exchanges_per_peer: 3, exchanges_total: 5, ..Config::default() };
    let mut platform: coap::Endpoint<u32> = coap::Endpoint::new(config, 1);
    let datagram = |mid: u8| [0x41, 0x02, 0, mid, mid, 0xFF, b'x'];
    for mid in 0..3 {
        platform.handle_datagram(Millis(0), 1, &datagram(mid)).unwrap();
    }
    assert_eq!(platform.handle_datagram(Millis(0), 1, &datagram(3)), Err(Refused::PeerFlood { limit: 3 }));
    assert!(platform.poll_transmit().is_none(), "a flood is not answered");
    platform.handle_datagram(Millis(0), 2, &datagram(0)).unwrap();
    platform.handle_datagram(Millis(0), 3, &datagram(0)).unwrap();
    assert_eq!(
        platform.handle_datagram(Millis(0), 4, &datagram(0)),
        Err(Refused::ExchangesFull { limit: 5 })
    );

    // One answer later the refused message, repeated, is taken.
    let Some(Event::Request { responder, .. }) = platform.poll_event() else { panic!() };
    platform.respond(Millis(1), responder, changed(b"")).unwrap();
    platform.handle_datagram(Millis(2), 1, &datagram(3)).unwrap();
}

#[test]
fn a_caller_who_does_not_drain_is_told_so() {
    let config = Config { pending_transmits: 2, pending_events: 2, ..Config::default() };
    let mut platform: coap::Endpoint<u32> = coap::Endpoint::new(config.clone(), 1);
    let ping = [0x40, 0, 0, 1];
    platform.handle_datagram(Millis(0), 1, &ping).unwrap();
    platform.handle_datagram(Millis(0), 2, &ping).unwrap();
    assert_eq!(platform.handle_datagram(Millis(0), 3, &ping), Err(Refused::QueueFull { limit: 2 }));
    let full = Err(SendError::QueueFull { limit: 2 });
    assert_eq!(platform.request(Millis(0), 4, Request::get("")), full);
    while platform.poll_transmit().is_some() {}
    platform.handle_datagram(Millis(0), 3, &ping).unwrap();

    // Events count too, and since a datagram can bring two, there must be room for two.
    let ask = |mid: u8| [0x41, 1, 0, mid, mid];
    for pending_events in [0, 2] {
        let mut platform: coap::Endpoint<u32> =
            coap::Endpoint::new(Config { pending_events, ..config.clone() }, 1);
        platform.handle_datagram(Millis(0), 1, &ask(1)).unwrap();
        let outcome = platform.handle_datagram(Millis(0), 1, &ask(2));
        assert_eq!(outcome, Err(Refused::QueueFull { limit: 2 }));
        let Some(Event::Request { .. }) = platform.poll_event() else { panic!() };
        platform.handle_datagram(Millis(0), 1, &ask(2)).unwrap();
    }

    // Time-outs beyond the room wait as well, and none is lost.
    let mut card: coap::Endpoint<u32> = coap::Endpoint::new(config, 1);
    for peer in 0..5 {
        card.request(Millis(0), peer, Request::get("x")).unwrap();
        card.poll_transmit().unwrap();
    }
    let mut repeated = Vec::new();
    for _ in 0..3 {
        card.handle_timeout(Millis(3_000));
        repeated.extend(std::iter::from_fn(|| card.poll_transmit()).map(|transmit| transmit.to));
    }
    repeated.sort_unstable();
    assert_eq!(repeated, [0, 1, 2, 3, 4]);
    assert!(card.poll_timeout() > Some(Millis(3_000)));
}

#[test]
fn a_full_memory_forgets_the_oldest_message_first() {
    let config = Config { remembered: 2, ..Config::default() };
    let mut platform: coap::Endpoint<u32> = coap::Endpoint::new(config, 1);
    let datagram = |mid: u8| [0x41, 0x02, 0, mid, mid, 0xFF, b'x'];
    for mid in [0, 1, 2, 2, 1] {
        platform.handle_datagram(Millis(0), 1, &datagram(mid)).unwrap();
    }
    let events = |platform: &mut coap::Endpoint<u32>| std::iter::from_fn(|| platform.poll_event()).count();
    assert_eq!(events(&mut platform), 3);
    platform.handle_datagram(Millis(0), 1, &datagram(0)).unwrap();
    assert_eq!(events(&mut platform), 1, "forgotten, so it is asked again");
    assert_eq!(platform.tally().forgotten, 2);
}

#[test]
fn what_is_too_long_is_not_sent() {
    let mut pair = Pair::new();
    let long = vec![0; 1_025];
    let error = SendError::PayloadTooLong { len: 1_025, limit: 1_024 };
    assert_eq!(pair.card.request(Millis(0), PLATFORM, frame(&long)), Err(error));
    for path in ["a/../b", ".", &"x".repeat(256)] {
        let outcome = pair.card.request(Millis(0), PLATFORM, Request::get(path));
        assert_eq!(outcome, Err(SendError::PathUnfit));
    }
    let deep = "segment/".repeat(200);
    let outcome = pair.card.request(Millis(0), PLATFORM, Request::get(deep));
    assert!(matches!(outcome, Err(SendError::TooLong { limit: 1_472, .. })));
    assert!(pair.is_quiet());

    pair.ask(frame(b"pay"));
    pair.run_for(TRIP);
    let (_, responder) = pair.asked();
    assert_eq!(pair.platform.respond(pair.now(), responder, changed(&long)), Err(error));
    pair.run_for(TRIP);
    assert_eq!(pair.answered().1, Response::new(Code::INTERNAL_SERVER_ERROR), "nobody is left waiting");
}
