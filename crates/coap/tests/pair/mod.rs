//! A card and a platform, a clock that only the test moves, and a link that does as it is told.

#![allow(dead_code)] // Every test file uses its own part of this.

use coap::{Config, Endpoint, Event, Millis, Refused, Request, Responder, Response};

pub(crate) const CARD: &str = "card";
pub(crate) const PLATFORM: &str = "platform";

/// How long a datagram takes when nothing is said about it.
pub(crate) const TRIP: u64 = 20;

/// What becomes of a datagram.
pub(crate) enum Fate {
    Arrives,
    Lost,
    Twice,
    Late(u64),
}

/// A datagram that was put on the link, lost or not.
pub(crate) struct Sent {
    pub(crate) at: u64,
    pub(crate) from: &'static str,
    pub(crate) bytes: Vec<u8>,
}

struct Flight {
    at: u64,
    order: usize,
    from: &'static str,
    bytes: Vec<u8>,
}

pub(crate) type Happening = (u64, Event<&'static str>);

pub(crate) struct Pair {
    pub(crate) card: Endpoint<&'static str>,
    pub(crate) platform: Endpoint<&'static str>,
    pub(crate) now: u64,
    /// Decides the fate of the nth datagram on the link, counted from 1 over both directions.
    pub(crate) link: Box<dyn FnMut(usize) -> Fate>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) card_saw: Vec<Happening>,
    pub(crate) platform_saw: Vec<Happening>,
    pub(crate) refused: Vec<(&'static str, Refused)>,
    flights: Vec<Flight>,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(Config::default(), Config::default())
    }

    pub(crate) fn with(card: Config, platform: Config) -> Self {
        Self {
            card: Endpoint::new(card, 1),
            platform: Endpoint::new(platform, 2),
            now: 0,
            link: Box::new(|_| Fate::Arrives),
            sent: Vec::new(),
            card_saw: Vec::new(),
            platform_saw: Vec::new(),
            refused: Vec::new(),
            flights: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> Millis {
        Millis(self.now)
    }

    /// The card asks the platform.
    pub(crate) fn ask(&mut self, request: Request) -> coap::ExchangeId {
        let exchange = self.card.request(self.now(), PLATFORM, request).unwrap();
        self.drain();
        exchange
    }

    /// The platform answers.
    pub(crate) fn answer(&mut self, responder: Responder<&'static str>, response: Response) {
        self.platform.respond(self.now(), responder, response).unwrap();
        self.drain();
    }

    /// The platform's oldest unread event, which must be a request.
    pub(crate) fn asked(&mut self) -> (Request, Responder<&'static str>) {
        match self.platform_saw.remove(0) {
            (_, Event::Request { request, responder, .. }) => (request, responder),
            (_, other) => panic!("not a request: {other:?}"),
        }
    }

    /// The card's oldest unread event, which must be a response, and when it came.
    pub(crate) fn answered(&mut self) -> (u64, Response) {
        match self.card_saw.remove(0) {
            (at, Event::Response { response, .. }) => (at, response),
            (_, other) => panic!("not a response: {other:?}"),
        }
    }

    /// Lets time pass until the given moment.
    pub(crate) fn run_until(&mut self, end: u64) {
        loop {
            self.drain();
            let flight = self.flights.iter().map(|flight| flight.at).min();
            let timers = [self.card.poll_timeout(), self.platform.poll_timeout()];
            let next = timers.into_iter().flatten().map(|at| at.0).chain(flight).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            self.now = next.max(self.now);
            let now = self.now();
            self.flights.sort_by_key(|flight| (flight.at, flight.order));
            while self.flights.first().is_some_and(|flight| flight.at <= self.now) {
                let Flight { from, bytes, .. } = self.flights.remove(0);
                let outcome = if from == CARD {
                    self.platform.handle_datagram(now, CARD, &bytes)
                } else {
                    self.card.handle_datagram(now, PLATFORM, &bytes)
                };
                if let Err(refused) = outcome {
                    self.refused.push((if from == CARD { PLATFORM } else { CARD }, refused));
                }
                self.drain();
            }
            self.card.handle_timeout(now);
            self.platform.handle_timeout(now);
        }
        self.now = end;
    }

    pub(crate) fn run_for(&mut self, time: u64) {
        self.run_until(self.now + time);
    }

    /// Whether both sides have let go of everything.
    pub(crate) fn is_quiet(&self) -> bool {
        let idle =
            |endpoint: &Endpoint<_>| endpoint.open_exchanges() == (0, 0) && endpoint.poll_timeout().is_none();
        idle(&self.card) && idle(&self.platform) && self.flights.is_empty()
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.card.poll_transmit() {
            assert_eq!(transmit.to, PLATFORM);
            self.fly(CARD, transmit.bytes);
        }
        while let Some(transmit) = self.platform.poll_transmit() {
            assert_eq!(transmit.to, CARD);
            self.fly(PLATFORM, transmit.bytes);
        }
        let now = self.now;
        self.card_saw.extend(std::iter::from_fn(|| self.card.poll_event()).map(|event| (now, event)));
        self.platform_saw.extend(std::iter::from_fn(|| self.platform.poll_event()).map(|event| (now, event)));
    }

    fn fly(&mut self, from: &'static str, bytes: Vec<u8>) {
        self.sent.push(Sent { at: self.now, from, bytes: bytes.clone() });
        let order = self.sent.len();
        let trips: &[u64] = match (self.link)(order) {
            Fate::Arrives => &[TRIP],
            Fate::Lost => &[],
            Fate::Twice => &[TRIP, TRIP + 5],
            Fate::Late(time) => &[time],
        };
        for trip in trips {
            self.flights.push(Flight { at: self.now + trip, order, from, bytes: bytes.clone() });
        }
    }
}
