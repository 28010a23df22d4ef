//! Observing (RFC 7641), both ends: who is on the list, what they are told, and how it ends.

#![allow(clippy::unwrap_used, clippy::panic)]

mod pair;

use coap::{
    Code, Config, Ended, Endpoint, Event, ExchangeId, Failure, Millis, ObservationId, Observe, Refused,
    Request, Response, SendError,
};
use pair::{CARD, Fate, PLATFORM, Pair, TRIP};

fn content(bytes: &[u8]) -> Response {
    Response::new(Code::CONTENT).with_payload(bytes)
}

/// A pair in which the card observes the platform, with its request and the platform's name for it.
fn observing(config: Config) -> (Pair, ExchangeId, ObservationId) {
    let mut pair = Pair::with(Config::default(), config);
    let exchange = pair.ask(Request::get("push").observing());
    pair.run_for(TRIP);
    let (request, responder) = pair.asked();
    assert_eq!(request.observe, Some(Observe::Register));
    let observation = pair.platform.observe(pair.now(), responder, content(b"")).unwrap();
    pair.run_for(TRIP);
    let (_, Event::Response { observing: true, .. }) = pair.card_saw.remove(0) else { panic!() };
    (pair, exchange, observation)
}

impl Pair {
    /// The platform notifies the card.
    fn notify(&mut self, observation: ObservationId, bytes: &[u8]) -> Result<ExchangeId, SendError> {
        self.platform.notify(self.now(), observation, content(bytes))
    }
}

/// The value of the Observe option, which is the first in all messages here.
fn number(bytes: &[u8]) -> Option<u32> {
    let options = &bytes[4 + usize::from(bytes[0] & 0xF)..];
    let len = usize::from(options.first().filter(|first| **first >> 4 == 6)? & 0xF);
    Some(options[1..=len].iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte)))
}

#[test]
fn an_observer_is_told_in_rising_numbers_and_acknowledges_each() {
    let (mut pair, asked, observation) = observing(Config::default());
    assert_eq!(pair.platform.observer(&CARD), Some(observation));
    let mut numbers = vec![number(&pair.sent[1].bytes).unwrap()];
    for round in 0..50 {
        let exchange = pair.notify(observation, &[round]).unwrap();
        pair.run_for(2 * TRIP);
        let sent = &pair.sent[pair.sent.len() - 2];
        assert_eq!((sent.from, sent.bytes[0] >> 4), (PLATFORM, 0b0100), "version 1, confirmable");
        numbers.push(number(&sent.bytes).unwrap());
        let (_, Event::Response { exchange: answered, response, observing, .. }) = pair.card_saw.remove(0)
        else {
            panic!()
        };
        assert_eq!((answered, response, observing), (asked, content(&[round]), true));
        let (_, Event::Notified { exchange: notified }) = pair.platform_saw.remove(0) else { panic!() };
        assert_eq!(notified, exchange);
        // Sometimes at once, sometimes after hours.
        pair.run_for(if round % 10 == 9 { 10_000_000 } else { 0 });
    }
    assert!(numbers.windows(2).all(|two| two[0] < two[1]), "{numbers:?}");
    assert!(pair.refused.is_empty() && pair.card_saw.is_empty() && pair.platform_saw.is_empty());
    assert_eq!((pair.card.open_exchanges(), pair.platform.open_exchanges()), ((1, 0), (0, 0)));
    assert_eq!(pair.card.poll_timeout(), None, "an observation waits without end");
}

#[test]
fn one_notification_at_a_time_and_no_other_in_its_place() {
    let (mut pair, _, observation) = observing(Config { nstart: 2, ..Config::default() });
    pair.notify(observation, b"1").unwrap();
    assert_eq!(pair.notify(observation, b"2"), Err(SendError::NotificationUnderWay));
    pair.run_for(2 * TRIP);
    pair.notify(observation, b"2").unwrap();

    let (mut pair, _, observation) = observing(Config::default());
    pair.notify(observation, b"1").unwrap();
    let busy = Err(SendError::PeerBusy { limit: 1 });
    assert_eq!(pair.platform.request(pair.now(), CARD, Request::get("x")), busy, "NSTART counts both");
    pair.run_for(2 * TRIP);
    pair.platform.request(pair.now(), CARD, Request::get("x")).unwrap();
    assert_eq!(pair.notify(observation, b"2"), busy);
}

#[test]
fn a_lost_notification_and_a_lost_acknowledgement_are_made_good() {
    let (mut pair, _, observation) = observing(Config::default());
    // The third datagram is the notification; the fifth the acknowledgement of its repetition.
    pair.link = Box::new(|nth| if nth == 3 || nth == 5 { Fate::Lost } else { Fate::Arrives });
    pair.notify(observation, b"pay").unwrap();
    pair.run_for(20_000);
    assert!(matches!(pair.card_saw[..], [(_, Event::Response { .. })]), "heard once");
    assert!(matches!(pair.platform_saw[..], [(_, Event::Notified { .. })]));
    assert_eq!((pair.platform.tally().retransmitted, pair.card.tally().repeated), (2, 1));
    assert_eq!(pair.platform.observer(&CARD), Some(observation));
}

#[test]
fn an_observer_who_is_gone_is_off_the_list_after_four_repetitions() {
    let (mut pair, _, observation) = observing(Config::default());
    pair.link = Box::new(|_| Fate::Lost);
    let (start, first) = (pair.now, pair.sent.len());
    let exchange = pair.notify(observation, b"pay").unwrap();
    pair.run_for(200_000);
    let waits: Vec<u64> = pair.sent[first..].windows(2).map(|two| two[1].at - two[0].at).collect();
    assert!((2_000..=3_000).contains(&waits[0]));
    assert_eq!(waits, [waits[0], 2 * waits[0], 4 * waits[0], 8 * waits[0]]);
    let [(at, Event::NotNotified { exchange: failed, reason }), (_, ended)] = &pair.platform_saw[..] else {
        panic!("{:?}", pair.platform_saw)
    };
    assert_eq!((*at, *failed, *reason), (start + 31 * waits[0], exchange, Failure::TimedOut));
    let Event::ObservationEnded { observation: ended, peer: CARD, reason: Ended::TimedOut } = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(*ended, observation);
    assert_eq!(pair.notify(observation, b"again"), Err(SendError::NotObserved));
    assert_eq!((pair.platform.observer(&CARD), pair.platform.observations()), (None, 0));
    assert_eq!((pair.platform.open_exchanges(), pair.platform.poll_timeout()), ((0, 0), None));
}

#[test]
fn a_card_that_has_cancelled_resets_the_next_notification_and_is_off_the_list() {
    let (mut pair, asked, observation) = observing(Config::default());
    pair.card.cancel(asked);
    pair.notify(observation, b"pay").unwrap();
    pair.run_for(2 * TRIP);
    assert_eq!(pair.refused, [(CARD, Refused::UnknownResponse)]);
    assert!(matches!(
        pair.platform_saw[..],
        [
            (_, Event::NotNotified { reason: Failure::Reset, .. }),
            (_, Event::ObservationEnded { reason: Ended::Reset, .. })
        ]
    ));
    assert!(pair.is_quiet());
}

/// A platform, and a peer played byte by byte.
struct Bench {
    platform: Endpoint<u8>,
    mid: u8,
}

impl Bench {
    fn new(config: Config) -> Self {
        Self { platform: Endpoint::new(config, 3), mid: 0 }
    }

    /// A GET with the given token and Observe option.
    fn get(&mut self, peer: u8, token: u8, observe: &[u8]) -> (Request, coap::Responder<u8>) {
        self.mid += 1;
        let bytes = [&[0x41, 1, 0, self.mid, token], observe].concat();
        self.platform.handle_datagram(Millis(0), peer, &bytes).unwrap();
        loop {
            match self.platform.poll_event().unwrap() {
                Event::Request { request, responder, .. } => return (request, responder),
                Event::ObservationEnded { reason: Ended::Deregistered, .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn register(&mut self, peer: u8, token: u8) -> ObservationId {
        let (_, responder) = self.get(peer, token, &[0x60]);
        let observation = self.platform.observe(Millis(0), responder, content(b"now")).unwrap();
        let sent = self.sent();
        assert!(number(&sent).is_some() && sent[1] == 0x45, "{sent:02x?}");
        observation
    }

    fn sent(&mut self) -> Vec<u8> {
        self.platform.poll_transmit().unwrap().bytes
    }

    fn ended(&mut self) -> (ObservationId, Ended) {
        match self.platform.poll_event() {
            Some(Event::ObservationEnded { observation, reason, .. }) => (observation, reason),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn who_registers_again_under_the_same_token_stays_under_the_same_name() {
    let mut bench = Bench::new(Config::default());
    let observation = bench.register(1, 7);
    assert_eq!(bench.register(1, 7), observation);
    assert_ne!(bench.register(1, 8), observation);
    assert_ne!(bench.register(2, 7), observation, "another peer's token is another token");
    assert_eq!(bench.platform.observations(), 3);
    assert!(bench.platform.poll_event().is_none());
    bench.register(1, 7);
    assert_eq!(bench.platform.observer(&1), Some(observation), "the latest of a peer's");
}

#[test]
fn who_deregisters_is_off_the_list_and_a_notification_under_way_runs_to_its_end() {
    let mut bench = Bench::new(Config::default());
    let observation = bench.register(1, 7);
    let exchange = bench.platform.notify(Millis(0), observation, content(b"1")).unwrap();
    let notification = bench.sent();
    bench.platform.handle_datagram(Millis(1), 1, &[0x41, 1, 9, 9, 7, 0x61, 1]).unwrap();
    assert_eq!(bench.ended(), (observation, Ended::Deregistered));
    let Some(Event::Request { request, responder, .. }) = bench.platform.poll_event() else { panic!() };
    assert_eq!(request.observe, Some(Observe::Deregister));
    bench.platform.respond(Millis(1), responder, content(b"now")).unwrap();
    assert_eq!(number(&bench.sent()), None);
    let again = Err(SendError::NotObserved);
    assert_eq!(bench.platform.notify(Millis(1), observation, content(b"2")), again);
    assert_eq!(bench.platform.open_exchanges(), (1, 0));
    bench.platform.handle_datagram(Millis(2), 1, &[0x60, 0, notification[2], notification[3]]).unwrap();
    let Some(Event::Notified { exchange: notified }) = bench.platform.poll_event() else { panic!() };
    assert_eq!(notified, exchange);
    assert_eq!((bench.platform.open_exchanges(), bench.platform.poll_timeout()), ((0, 0), None));

    // Deregistering what was never registered is an ordinary GET, and so is a token of somebody else's.
    let other = bench.register(2, 7);
    let (request, responder) = bench.get(1, 7, &[0x61, 1]);
    assert_eq!(request.observe, Some(Observe::Deregister));
    bench.platform.respond(Millis(3), responder, content(b"")).unwrap();
    assert_eq!(bench.platform.observer(&2), Some(other));
}

#[test]
fn a_registration_that_is_only_answered_is_declined_the_second_time_too() {
    let mut bench = Bench::new(Config::default());
    let (_, responder) = bench.get(1, 7, &[0x60]);
    bench.platform.respond(Millis(0), responder, content(b"no")).unwrap();
    assert_eq!((number(&bench.sent()), bench.platform.observations()), (None, 0));
    assert!(bench.platform.poll_event().is_none());

    let observation = bench.register(1, 7);
    let (_, responder) = bench.get(1, 7, &[0x60]);
    bench.platform.respond(Millis(0), responder, content(b"no longer")).unwrap();
    assert_eq!(number(&bench.sent()), None);
    assert_eq!(bench.ended(), (observation, Ended::Declined));
}

#[test]
fn only_a_get_that_asks_can_be_observed_and_only_by_a_success() {
    let mut bench = Bench::new(Config::default());
    let no = Err(SendError::NotARegistration);
    for observe in [&[][..], &[0x61, 1], &[0x61, 2], &[0x64, 0, 0, 0, 0], &[0x60, 0x00]] {
        let (_, responder) = bench.get(1, 7, observe);
        assert_eq!(bench.platform.observe(Millis(0), responder, content(b"")), no, "{observe:02x?}");
        let sent = bench.sent();
        assert_eq!((sent[1], number(&sent)), (0x45, None));
    }
    let (_, responder) = bench.get(1, 7, &[0x60]);
    let error = Response::new(Code::NOT_FOUND);
    assert_eq!(bench.platform.observe(Millis(0), responder, error), no);
    let sent = bench.sent();
    assert_eq!((sent[1], number(&sent), bench.platform.observations()), (0x84, None, 0));

    bench.platform.handle_datagram(Millis(0), 1, &[0x41, 2, 7, 7, 7, 0x60]).unwrap();
    let Some(Event::Request { request, .. }) = bench.platform.poll_event() else { panic!() };
    assert_eq!(request.observe, None, "the option means nothing in a POST");
}

#[test]
fn the_list_is_bounded_for_a_peer_and_for_all() {
    let mut bench =
        Bench::new(Config { observations_per_peer: 2, observations_total: 3, ..Config::default() });
    let (first, second) = (bench.register(1, 1), bench.register(1, 2));
    bench.register(1, 3);
    assert_eq!(bench.ended(), (first, Ended::Evicted));
    bench.register(2, 1);
    assert!(bench.platform.poll_event().is_none());
    assert_eq!(bench.register(1, 2), second, "the oldest is now 1's third");
    bench.register(3, 1);
    assert_ne!(bench.ended().0, second);
    assert_eq!(bench.platform.observations(), 3);
    for peer in 4..200 {
        bench.register(peer, 1);
        assert_eq!((bench.ended().1, bench.platform.observations()), (Ended::Evicted, 3));
    }
}

#[test]
fn an_error_is_the_last_notification() {
    let (mut pair, asked, observation) = observing(Config::default());
    let gone = Response::new(Code::NOT_FOUND);
    pair.platform.notify(pair.now(), observation, gone.clone()).unwrap();
    assert_eq!(pair.notify(observation, b"more"), Err(SendError::NotObserved));
    pair.run_for(2 * TRIP);
    let (_, Event::Response { exchange, response, observing, .. }) = pair.card_saw.remove(0) else {
        panic!()
    };
    assert_eq!((exchange, response, observing), (asked, gone, false));
    assert!(matches!(
        pair.platform_saw[..],
        [(_, Event::ObservationEnded { reason: Ended::Closed, .. }), (_, Event::Notified { .. })]
    ));
    assert!(pair.is_quiet());
}

#[test]
fn a_separate_answer_that_is_reset_or_lost_ends_what_it_began() {
    for reset in [true, false] {
        let mut bench = Bench::new(Config::default());
        let (_, responder) = bench.get(1, 7, &[0x60]);
        bench.platform.handle_timeout(Millis(500));
        assert_eq!(bench.sent()[0], 0x60, "an empty acknowledgement");
        let observation = bench.platform.observe(Millis(600), responder, content(b"now")).unwrap();
        let answer = bench.sent();
        assert!(answer[0] == 0x41 && number(&answer).is_some());
        if reset {
            bench.platform.handle_datagram(Millis(700), 1, &[0x70, 0, answer[2], answer[3]]).unwrap();
            assert_eq!(bench.ended(), (observation, Ended::Reset));
        } else {
            while let Some(at) = bench.platform.poll_timeout() {
                bench.platform.handle_timeout(at);
            }
            assert_eq!(bench.ended(), (observation, Ended::TimedOut));
        }
        assert_eq!((bench.platform.observations(), bench.platform.tally().undelivered), (0, 1));
        assert_eq!(bench.platform.open_exchanges(), (0, 0));
    }
}

#[test]
fn a_non_confirmable_answer_to_a_registration_can_be_reset_too() {
    let mut bench = Bench::new(Config::default());
    let register = |bench: &mut Bench, mid: u8| {
        bench.platform.handle_datagram(Millis(0), 1, &[0x51, 1, 9, mid, 7, 0x60]).unwrap();
        let Some(Event::Request { responder, .. }) = bench.platform.poll_event() else { panic!() };
        let observation = bench.platform.observe(Millis(0), responder, content(b"now")).unwrap();
        let sent = bench.sent();
        assert!(sent[0] == 0x51 && number(&sent).is_some(), "{sent:02x?}");
        (observation, [0x70, 0, sent[2], sent[3]])
    };
    let unknown = Err(Refused::UnknownMessage);
    let (observation, reset) = register(&mut bench, 1);
    assert_eq!(bench.platform.handle_datagram(Millis(1), 2, &reset), unknown, "another peer's Reset");
    bench.platform.handle_datagram(Millis(1), 1, &reset).unwrap();
    assert_eq!(bench.ended(), (observation, Ended::Reset));
    assert_eq!(bench.platform.handle_datagram(Millis(2), 1, &reset), unknown);

    // Registered again, it is the later answer that counts; and later still, only the notification.
    let (observation, first) = register(&mut bench, 2);
    let (again, second) = register(&mut bench, 3);
    assert_eq!(observation, again);
    assert_eq!(bench.platform.handle_datagram(Millis(3), 1, &first), unknown);
    bench.platform.notify(Millis(3), observation, content(b"1")).unwrap();
    assert_eq!(bench.platform.handle_datagram(Millis(4), 1, &second), unknown);
    let notification = bench.sent();
    bench.platform.handle_datagram(Millis(5), 1, &[0x70, 0, notification[2], notification[3]]).unwrap();
    assert!(matches!(bench.platform.poll_event(), Some(Event::NotNotified { reason: Failure::Reset, .. })));
    assert_eq!(bench.ended(), (observation, Ended::Reset));
}

#[test]
fn a_notification_keeps_the_content_format_of_the_first_answer_unless_it_is_an_error() {
    use coap::ContentFormat;
    let mut bench = Bench::new(Config::default());
    let cbor = content(b"1").with_format(ContentFormat::CBOR);
    let observation = bench.register(1, 7);
    let changed = Err(SendError::FormatChanged);
    assert_eq!(bench.platform.notify(Millis(0), observation, cbor.clone()), changed);
    assert!(bench.platform.poll_transmit().is_none());
    assert_eq!((bench.platform.open_exchanges(), bench.platform.observer(&1)), ((0, 0), Some(observation)));

    // Registering again may change it.
    let (_, responder) = bench.get(1, 7, &[0x60]);
    assert_eq!(bench.platform.observe(Millis(0), responder, cbor.clone()), Ok(observation));
    bench.sent();
    assert_eq!(bench.platform.notify(Millis(0), observation, content(b"2")), changed);
    bench.platform.notify(Millis(0), observation, cbor).unwrap();
    let notification = bench.sent();
    bench.platform.handle_datagram(Millis(1), 1, &[0x60, 0, notification[2], notification[3]]).unwrap();
    assert!(matches!(bench.platform.poll_event(), Some(Event::Notified { .. })));
    let no = Response::new(Code::NOT_ACCEPTABLE);
    bench.platform.notify(Millis(1), observation, no).unwrap();
    assert_eq!(bench.ended(), (observation, Ended::Closed));
}

#[test]
fn what_is_too_long_is_no_notification_and_begins_no_observation() {
    let (mut pair, _, observation) = observing(Config::default());
    let long = vec![0; 1_025];
    let error = SendError::PayloadTooLong { len: 1_025, limit: 1_024 };
    let before = pair.sent.len();
    assert_eq!(pair.notify(observation, &long), Err(error));
    pair.run_for(1_000);
    assert_eq!((pair.sent.len(), pair.platform.observer(&CARD)), (before, Some(observation)));
    pair.notify(observation, &long[1..]).unwrap();

    let mut bench = Bench::new(Config::default());
    bench.register(1, 7);
    let (_, responder) = bench.get(1, 7, &[0x60]);
    assert_eq!(bench.platform.observe(Millis(0), responder, content(&long)), Err(error));
    let sent = bench.sent();
    assert_eq!((sent[1], number(&sent)), (0xA0, None));
    assert_eq!((bench.ended().1, bench.platform.observations()), (Ended::Declined, 0));
}

#[test]
fn a_notification_that_was_overtaken_is_acknowledged_and_not_passed_on() {
    let mut card: Endpoint<u8> = Endpoint::new(Config::default(), 1);
    card.request(Millis(0), 1, Request::get("push").observing()).unwrap();
    let asked = card.poll_transmit().unwrap().bytes;
    assert_eq!(number(&asked), Some(0));
    let tell = |card: &mut Endpoint<u8>, at: u64, number: u8| {
        let mut bytes = vec![0x44, 0x45, at as u8, number];
        bytes.extend(&asked[4..8]);
        bytes.extend([0x61, number]);
        let outcome = card.handle_datagram(Millis(at), 1, &bytes);
        assert_eq!(card.poll_transmit().unwrap().bytes[..2], [0x60, 0], "acknowledged");
        (outcome, card.poll_event().is_some())
    };
    assert_eq!(tell(&mut card, 1, 5), (Ok(()), true));
    assert_eq!(tell(&mut card, 2, 4), (Err(Refused::StaleNotification), false));
    assert_eq!(tell(&mut card, 3, 6), (Ok(()), true));
    assert_eq!(tell(&mut card, 128_003, 2), (Err(Refused::StaleNotification), false));
    assert_eq!(tell(&mut card, 128_004, 2), (Ok(()), true), "after 128 s anything is newer");
}

#[test]
fn a_card_that_asks_and_is_declined_has_an_ordinary_answer() {
    let mut pair = Pair::new();
    pair.ask(Request::get("push").observing());
    pair.run_for(TRIP);
    let (_, responder) = pair.asked();
    pair.answer(responder, content(b"no"));
    pair.run_for(TRIP);
    assert!(matches!(pair.card_saw[..], [(_, Event::Response { observing: false, .. })]));
    assert!(pair.is_quiet());
}

#[test]
fn requests_that_cannot_observe_are_not_sent() {
    let mut card: Endpoint<u8> = Endpoint::new(Config::default(), 1);
    let deregister = Request { observe: Some(Observe::Deregister), ..Request::get("push") };
    for request in [Request::post("push", *b"x").observing(), deregister] {
        assert_eq!(card.request(Millis(0), 1, request), Err(SendError::ObserveUnfit));
    }
    assert!(card.poll_transmit().is_none() && card.poll_timeout().is_none());
}

#[test]
fn a_notification_says_how_long_it_is_fresh() {
    let (mut pair, _, observation) = observing(Config::default());
    let response = content(b"pay").with_max_age(86_400);
    pair.platform.notify(pair.now(), observation, response.clone()).unwrap();
    pair.run_for(TRIP);
    assert_eq!(pair.answered().1, response);
}

#[test]
fn notifications_under_way_are_bounded_with_all_that_is_asked() {
    let mut bench = Bench::new(Config { exchanges_total: 2, ..Config::default() });
    let observers = [bench.register(1, 1), bench.register(2, 1), bench.register(3, 1)];
    bench.platform.notify(Millis(0), observers[0], content(b"")).unwrap();
    bench.platform.request(Millis(0), 4, Request::get("x")).unwrap();
    let full = SendError::ExchangesFull { limit: 2 };
    assert_eq!(bench.platform.notify(Millis(0), observers[2], content(b"")), Err(full));
    assert_eq!(bench.platform.request(Millis(0), 5, Request::get("x")), Err(full));
    assert_eq!(bench.platform.open_exchanges(), (2, 0));
}

#[test]
fn a_caller_who_does_not_drain_ends_no_observation() {
    let mut bench = Bench::new(Config { pending_events: 2, ..Config::default() });
    let observers = [bench.register(1, 1), bench.register(2, 1), bench.register(3, 1)];
    let gone = Response::new(Code::NOT_FOUND);
    for observation in &observers[..2] {
        bench.platform.notify(Millis(0), *observation, gone.clone()).unwrap();
    }
    let full = Err(SendError::QueueFull { limit: 2 });
    assert_eq!(bench.platform.notify(Millis(0), observers[2], gone), full);
    assert_eq!(bench.platform.observer(&3), Some(observers[2]));
}
