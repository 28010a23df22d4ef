//! What a peer may send wrongly, with the exact refusal and what goes back.

#![allow(clippy::unwrap_used)]

use coap::{Config, Endpoint, Millis, Refused};

/// Hands one datagram to a fresh endpoint: the outcome, and what it sends back.
fn receive(bytes: &[u8]) -> (Result<(), Refused>, Option<Vec<u8>>) {
    let mut endpoint: Endpoint<u8> = Endpoint::new(Config::default(), 1);
    let outcome = endpoint.handle_datagram(Millis(0), 1, bytes);
    let reply = endpoint.poll_transmit().map(|transmit| transmit.bytes);
    assert!(endpoint.poll_transmit().is_none(), "one datagram brings one back at most");
    assert_eq!(endpoint.poll_event().is_some(), outcome.is_ok() && reply.is_none());
    (outcome, reply)
}

#[test]
fn malformed_bytes_are_refused_by_name_and_reset_if_confirmable() {
    const RESET: Option<&[u8]> = Some(&[0x70, 0, 0, 9]);
    type Case<'a> = (&'a [u8], Refused, Option<&'a [u8]>);
    let cases: &[Case<'_>] = &[
        (&[], Refused::Truncated, None),
        (&[0x40, 1, 0], Refused::Truncated, None),
        (&[0x00, 1, 0, 9], Refused::WrongVersion { version: 0 }, None),
        (&[0x80, 1, 0, 9], Refused::WrongVersion { version: 2 }, None),
        (&[0xC0, 1, 0, 9], Refused::WrongVersion { version: 3 }, None),
        (&[0x42, 1, 0, 9, 1], Refused::Truncated, RESET),
        (&[0x49, 1, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9], Refused::TokenTooLong { len: 9 }, RESET),
        (&[0x4F, 1, 0, 9], Refused::TokenTooLong { len: 15 }, RESET),
        (&[0x5F, 1, 0, 9], Refused::TokenTooLong { len: 15 }, None),
        (&[0x40, 0x20, 0, 9], Refused::ReservedCode { code: 0x20 }, RESET),
        (&[0x40, 0xC1, 0, 9], Refused::ReservedCode { code: 0xC1 }, RESET),
        (&[0x50, 0xFF, 0, 9], Refused::ReservedCode { code: 0xFF }, None),
        // Option headers: a nibble of 15, extensions and values cut off, numbers past 65,535.
        (&[0x40, 1, 0, 9, 0xF0], Refused::OptionMalformed, RESET),
        (&[0x40, 1, 0, 9, 0x0F], Refused::OptionMalformed, RESET),
        (&[0x40, 1, 0, 9, 0xB5, b'a'], Refused::OptionMalformed, RESET),
        (&[0x40, 1, 0, 9, 0xD0], Refused::OptionMalformed, RESET),
        (&[0x40, 1, 0, 9, 0xE0, 1], Refused::OptionMalformed, RESET),
        (&[0x40, 1, 0, 9, 0xBD], Refused::OptionMalformed, RESET),
        (&[0x40, 1, 0, 9, 0xBE, 0], Refused::OptionMalformed, RESET),
        (&[0x40, 1, 0, 9, 0xE0, 0xFF, 0xFF], Refused::OptionMalformed, RESET),
        (&[0x40, 1, 0, 9, 0xE0, 0xFE, 0xF0, 0xE0, 0xFE, 0xF0], Refused::OptionMalformed, RESET),
        (&[0x50, 1, 0, 9, 0xF0], Refused::OptionMalformed, None),
        (&[0x40, 1, 0, 9, 0xFF], Refused::PayloadMissing, RESET),
        (&[0x40, 1, 0, 9, 0xB1, b'a', 0xFF], Refused::PayloadMissing, RESET),
        (&[0x40, 1, 0, 9, 0xB1, 0xFF, 0xFF], Refused::PayloadMissing, RESET),
        (&[0x41, 0, 0, 9, 1], Refused::EmptyWithContent, RESET),
        (&[0x41, 0, 0, 9], Refused::EmptyWithContent, RESET),
        (&[0x40, 0, 0, 9, 0xFF, 1], Refused::EmptyWithContent, RESET),
        (&[0x60, 0, 0, 9, 0xFF, 1], Refused::EmptyWithContent, None),
        (&[0x50, 0, 0, 9], Refused::WrongType, None),
        (&[0x60, 1, 0, 9], Refused::WrongType, None),
        (&[0x70, 1, 0, 9], Refused::WrongType, None),
        (&[0x70, 0x45, 0, 9], Refused::WrongType, None),
        (&[0x60, 0, 0, 9], Refused::UnknownMessage, None),
        (&[0x70, 0, 0, 9], Refused::UnknownMessage, None),
        (&[0x60, 0x45, 0, 9], Refused::UnknownMessage, None),
        (&[0x40, 0x45, 0, 9], Refused::UnknownResponse, RESET),
        (&[0x50, 0x45, 0, 9], Refused::UnknownResponse, None),
    ];
    for (bytes, refused, reply) in cases {
        let (outcome, back) = receive(bytes);
        assert_eq!((outcome, back.as_deref()), (Err(*refused), *reply), "{bytes:02x?}");
    }
}

#[test]
fn requests_that_cannot_be_granted_are_answered_with_the_reason() {
    // A confirmable GET with token 7 and the given options, and the code expected in the answer.
    let cases: &[(&[u8], Refused, u8)] = &[
        (&[0x11, 1], Refused::BadOption { number: 1 }, 0x82), // If-Match
        (&[0x50], Refused::BadOption { number: 5 }, 0x82),    // If-None-Match
        (&[0x91, 1], Refused::BadOption { number: 9 }, 0x82), // OSCORE
        (&[0xD0, 0xF4], Refused::BadOption { number: 257 }, 0x82), // nothing known
        (&[0x30], Refused::BadOption { number: 3 }, 0x82),    // Uri-Host, empty
        (&[0x31, b'a', 0x01, b'b'], Refused::BadOption { number: 3 }, 0x82), // Uri-Host, twice
        (&[0xB1, 0xFF], Refused::BadOption { number: 11 }, 0x82), // Uri-Path, not UTF-8
        (&[0xB3, b'a', b'/', b'b'], Refused::BadOption { number: 11 }, 0x82),
        (&[0xB2, b'.', b'.'], Refused::BadOption { number: 11 }, 0x82),
        (&[0xD3, 4, 1, 2, 3], Refused::BadOption { number: 17 }, 0x82), // Accept, three bytes
        (&[0xD1, 10, 0x10], Refused::BadOption { number: 23 }, 0x82),   // Block2, block 1
        (&[0xD1, 10, 0x07], Refused::BadOption { number: 23 }, 0x80),   // Block2, reserved size
        (&[0xD1, 14, 0x0F], Refused::BadOption { number: 27 }, 0x80),   // Block1, reserved size
        (&[0xD1, 14, 0x1E], Refused::Blockwise, 0x88),                  // Block1, block 1
        (&[0xD1, 22, b'x'], Refused::NotAProxy, 0xA5),                  // Proxy-Uri
        (&[0xD1, 26, b'x'], Refused::NotAProxy, 0xA5),                  // Proxy-Scheme
    ];
    for (options, refused, code) in cases {
        let bytes = [&[0x41, 1, 0, 9, 7], *options].concat();
        let (outcome, back) = receive(&bytes);
        let mut answer = vec![0x61, *code, 0, 9, 7];
        if let Refused::BadOption { number } = refused {
            // Said in words as well (RFC 7252 §5.4.1).
            answer.push(0xFF);
            answer.extend(format!("critical option {number} is not acceptable").bytes());
        }
        assert_eq!((outcome, back), (Err(*refused), Some(answer)), "{options:02x?}");
    }
    let (outcome, back) = receive(&[0x41, 5, 0, 9, 7]);
    let answer = Some(vec![0x61, 0x85, 0, 9, 7]);
    assert_eq!((outcome, back), (Err(Refused::UnknownMethod { code: 5 }), answer));
}

#[test]
fn a_body_too_large_for_us_is_answered_with_the_size_we_take() {
    let size1 = [0x61, 0x8D, 0, 9, 7, 0xD2, 60 - 13, 0x04, 0x00]; // 1,024
    // Block1: block 0, more to come, 1,024 bytes each.
    let (outcome, back) = receive(&[0x41, 2, 0, 9, 7, 0xD1, 14, 0x0E, 0xFF, 1]);
    assert_eq!((outcome, back), (Err(Refused::Blockwise), Some(size1.to_vec())));

    let bytes = [&[0x41, 2, 0, 9, 7, 0xFF][..], &[1; 1_025]].concat();
    let refused = Refused::PayloadTooLong { len: 1_025, limit: 1_024 };
    assert_eq!(receive(&bytes), (Err(refused), Some(size1.to_vec())));

    let bytes = [&[0x41, 2, 0, 9, 7, 0xFF][..], &[1; 1_467]].concat();
    let refused = Refused::TooLong { len: 1_473, limit: 1_472 };
    assert_eq!(receive(&bytes), (Err(refused), Some(vec![0x70, 0, 0, 9])));
}

#[test]
fn a_no_in_words_is_said_without_them_where_they_do_not_fit() {
    for (payload_limit, datagram_limit) in [(8, 1_472), (1_024, 16)] {
        let config = Config { payload_limit, datagram_limit, ..Config::default() };
        let mut endpoint: Endpoint<u8> = Endpoint::new(config, 1);
        let outcome = endpoint.handle_datagram(Millis(0), 1, &[0x41, 1, 0, 9, 7, 0x11, 1]);
        assert_eq!(outcome, Err(Refused::BadOption { number: 1 }));
        assert_eq!(endpoint.poll_transmit().unwrap().bytes, [0x61, 0x82, 0, 9, 7]);
    }
}

#[test]
fn a_bad_option_in_a_non_confirmable_request_is_passed_over_in_silence() {
    assert_eq!(receive(&[0x51, 1, 0, 9, 7, 0x11, 1]), (Err(Refused::BadOption { number: 1 }), None));
    let (outcome, back) = receive(&[0x51, 5, 0, 9, 7]);
    let back = back.unwrap();
    assert_eq!(outcome, Err(Refused::UnknownMethod { code: 5 }));
    assert_eq!((back[0], back[1], back[4]), (0x51, 0x85, 7), "but an unknown method is named");
}

#[test]
fn elective_options_and_whole_bodies_in_one_block_do_no_harm() {
    for options in [
        &[0x60][..],                                                                     // Observe
        &[0x61, 2],          // Observe, of a value that is none
        &[0x64, 0, 0, 0, 1], // Observe, too long
        &[0x60, 0x01, 1],    // Observe, twice
        &[0x41, 1],          // ETag
        &[0xD0, 1],          // Max-Age
        &[0xD0, 0xF5],       // No-Response (258)
        &[0xC3, 1, 2, 3],    // a Content-Format that is none
        &[0xD1, 10, 0x06],   // Block2: block 0 of any size
        &[0xD1, 14, 0x06],   // Block1: block 0, none to follow
        &[0x39, b'l', b'o', b'c', b'a', b'l', b'h', b'o', b's', b't', 0x42, 0x16, 0x33], // Host, Port
    ] {
        let bytes = [&[0x41, 1, 0, 9, 7], options].concat();
        assert_eq!(receive(&bytes), (Ok(()), None), "{options:02x?}");
    }
}

#[test]
fn an_answer_we_cannot_use_ends_the_request() {
    for (options, number) in [(&[0x11, 1][..], 1), (&[0xD1, 10, 0x0E], 23)] {
        for kind in [0x64, 0x44] {
            let mut card: Endpoint<u8> = Endpoint::new(Config::default(), 1);
            card.request(Millis(0), 1, coap::Request::get("x")).unwrap();
            let mut bytes = card.poll_transmit().unwrap().bytes[..8].to_vec();
            (bytes[0], bytes[1]) = (kind, 0x45);
            bytes.extend(options);
            let outcome = card.handle_datagram(Millis(1), 1, &bytes);
            assert_eq!(outcome, Err(Refused::ResponseOption { number }));
            let event = card.poll_event();
            assert!(matches!(event, Some(coap::Event::Failed { reason: coap::Failure::Unusable, .. })));
            assert_eq!(card.poll_transmit().is_some(), kind == 0x44, "a Reset for a confirmable one");
            assert_eq!(card.poll_timeout(), None);
        }
    }
}

#[test]
fn every_refusal_has_its_own_code() {
    let all = [
        Refused::Truncated,
        Refused::WrongVersion { version: 0 },
        Refused::TokenTooLong { len: 9 },
        Refused::ReservedCode { code: 0x20 },
        Refused::OptionMalformed,
        Refused::PayloadMissing,
        Refused::EmptyWithContent,
        Refused::WrongType,
        Refused::TooLong { len: 2, limit: 1 },
        Refused::UnknownMessage,
        Refused::UnknownResponse,
        Refused::StaleNotification,
        Refused::TokenMismatch,
        Refused::ResponseOption { number: 1 },
        Refused::UnknownMethod { code: 9 },
        Refused::BadOption { number: 1 },
        Refused::NotAProxy,
        Refused::Blockwise,
        Refused::PayloadTooLong { len: 2, limit: 1 },
        Refused::PeerFlood { limit: 1 },
        Refused::ExchangesFull { limit: 1 },
        Refused::QueueFull { limit: 1 },
    ];
    let codes: std::collections::BTreeSet<_> = all.iter().map(Refused::code).collect();
    assert_eq!(codes.len(), all.len());
}

/// A small generator, so that a failure can be had again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

#[test]
fn no_bytes_whatever_make_it_panic() {
    let mut dice = Dice(7);
    let config = Config { exchanges_total: 64, remembered: 64, ..Config::default() };
    let mut endpoint: Endpoint<usize> = Endpoint::new(config, 1);
    let good: Vec<u8> =
        [&[0x44, 2, 1, 2, 9, 9, 9, 9, 0xB3][..], b"abc", &[0x11, 60, 0x42, b'q', b'1', 0xFF], b"data"]
            .concat();
    let mut taken = 0;
    for round in 0..200_000_u64 {
        let mut bytes = if round % 2 == 0 {
            (0..dice.roll(40)).map(|_| dice.roll(256) as u8).collect()
        } else {
            good.clone()
        };
        for _ in 0..dice.roll(4) {
            let place = dice.roll(bytes.len().max(1));
            if let Some(byte) = bytes.get_mut(place) {
                *byte = dice.roll(256) as u8;
            }
        }
        if let Some(first) = bytes.first_mut().filter(|_| round % 8 != 0) {
            *first = 0x40 | (*first & 0x3F); // Past the version, to where it gets interesting.
        }
        let now = Millis(round * 10);
        taken += usize::from(endpoint.handle_datagram(now, dice.roll(10), &bytes).is_ok());
        if dice.roll(20) == 0 {
            let _ = endpoint.request(now, dice.roll(10), coap::Request::get("x"));
            if let Some(observation) = endpoint.observer(&dice.roll(10)) {
                let _ = endpoint.notify(now, observation, coap::Response::new(coap::Code::CONTENT));
            }
        }
        endpoint.handle_timeout(now);
        while endpoint.poll_transmit().is_some() {}
        while let Some(event) = endpoint.poll_event() {
            if let coap::Event::Request { request, responder, .. } = event {
                let response = coap::Response::new(coap::Code::CONTENT);
                if request.observe.is_some() && dice.roll(2) == 0 {
                    let _ = endpoint.observe(now, responder, response);
                } else {
                    endpoint.respond(now, responder, response).unwrap();
                }
            }
        }
    }
    assert!(taken > 10_000, "only {taken} datagrams were good for anything");
}
