//! One socket of a crowd, and the task that serves it.
//!
//! For: carrying the frames of many cards as cheaply as it can be done: datagrams are taken in by the batch,
//! nothing is allocated for a card that waits, and no card has a timer of its own.
//! Refuses: pushes. A crowd pulls; whatever is asked of it is answered 4.04.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use coap::{Code, Config, ContentFormat, Endpoint, Event, ExchangeId, Millis, Request, Response};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tracing::debug;

use super::member::{Goal, Member, Reply};
use crate::card::random_seed;
use crate::{AIR_PATH, PayError};

/// Datagrams taken in before anything is sent.
const BATCH: usize = 64;

/// A card that is wanted.
pub(super) struct Wish {
    /// Its place in the lane.
    pub(super) member: usize,
    pub(super) goal: Goal,
    pub(super) reply: Reply,
}

pub(super) struct Lane {
    socket: UdpSocket,
    /// The socket is connected: its one peer needs no name.
    endpoint: Endpoint<()>,
    members: Vec<Member>,
    flights: BTreeMap<ExchangeId, usize>,
    start: Instant,
}

enum Woken {
    Readable(io::Result<()>),
    Wishes(usize),
    Deadline,
}

impl Lane {
    pub(super) fn new(socket: UdpSocket, members: Vec<Member>) -> Self {
        // NSTART guards a network; between the crowd and a platform under test it would be the queue that
        // is measured. A card has one request open at a time, so their number is the limit.
        let many = members.len().max(1);
        let config = Config {
            nstart: many,
            exchanges_per_peer: many,
            exchanges_total: many,
            pending_transmits: 4 * many + BATCH,
            pending_events: 4 * many + BATCH,
            ..Config::default()
        };
        Self {
            socket,
            endpoint: Endpoint::new(config, random_seed()),
            members,
            flights: BTreeMap::new(),
            start: Instant::now(),
        }
    }

    /// Runs until the crowd is dropped.
    pub(super) async fn run(mut self, mut wanted: mpsc::Receiver<Wish>) {
        let mut wishes = Vec::with_capacity(BATCH);
        let mut buffer = vec![0; self.endpoint.config().datagram_limit + 1];
        loop {
            self.carry().await;
            let sleep =
                self.endpoint.poll_timeout().map(|at| Duration::from_millis(at.since(Millis(self.now()))));
            let woken = tokio::select! {
                readable = self.socket.readable() => Woken::Readable(readable),
                count = wanted.recv_many(&mut wishes, BATCH) => Woken::Wishes(count),
                () = tokio::time::sleep(sleep.unwrap_or_default()), if sleep.is_some() => Woken::Deadline,
            };
            match woken {
                Woken::Readable(Ok(())) => self.receive(&mut buffer),
                Woken::Readable(Err(error)) => debug!("crowd socket: {error}"),
                Woken::Wishes(0) => return,
                Woken::Wishes(_) => {
                    for wish in wishes.drain(..) {
                        self.begin(wish);
                    }
                }
                Woken::Deadline => self.endpoint.handle_timeout(Millis(self.now())),
            }
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn begin(&mut self, wish: Wish) {
        let now = self.now();
        let Some(member) = self.members.get_mut(wish.member) else {
            let _ = wish.reply.send(Err(PayError::NoSuchCard(wish.member)));
            return;
        };
        if let Some(frame) = member.begin(now, wish.goal, wish.reply) {
            self.send(wish.member, &frame);
        }
    }

    fn send(&mut self, member: usize, frame: &[u8]) {
        let request = Request::post(AIR_PATH, frame).with_format(ContentFormat::OCTET_STREAM);
        match self.endpoint.request(Millis(self.now()), (), request) {
            Ok(exchange) => {
                self.flights.insert(exchange, member);
            }
            Err(refused) => self.fail(member, PayError::NotSent(refused)),
        }
    }

    fn fail(&mut self, member: usize, why: PayError) {
        if let Some(member) = self.members.get_mut(member) {
            member.fail(why);
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) {
        for _ in 0..BATCH {
            match self.socket.try_recv(buffer) {
                Ok(length) => {
                    let now = Millis(self.now());
                    if let Err(refused) = self.endpoint.handle_datagram(now, (), &buffer[..length]) {
                        debug!(rule = refused.code(), "crowd: datagram refused");
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // A platform that is not up (connection refused): CoAP repeats.
                Err(error) => debug!("crowd socket: {error}"),
            }
        }
    }

    /// Hands answers to cards and datagrams to the socket until there are none.
    async fn carry(&mut self) {
        while let Some(event) = self.endpoint.poll_event() {
            self.hear(event);
        }
        while let Some(transmit) = self.endpoint.poll_transmit() {
            if let Err(error) = self.socket.send(&transmit.bytes).await {
                debug!("crowd socket: {error}");
            }
        }
    }

    fn hear(&mut self, event: Event<()>) {
        match event {
            Event::Response { exchange, response, .. } => {
                let Some(index) = self.flights.remove(&exchange) else {
                    return;
                };
                if !response.code.is_success() {
                    self.fail(index, PayError::Refused(response.code));
                    return;
                }
                let now = self.now();
                let member = self.members.get_mut(index);
                if let Some(frame) = member.and_then(|member| member.answered(now, &response.payload)) {
                    self.send(index, &frame);
                }
            }
            Event::Failed { exchange, reason } => {
                if let Some(index) = self.flights.remove(&exchange) {
                    self.fail(index, PayError::NoAnswer(reason));
                }
            }
            Event::Request { responder, .. } => {
                let now = Millis(self.now());
                let refusal = Response::new(Code::NOT_FOUND);
                if let Err(refused) = self.endpoint.respond(now, responder, refusal) {
                    debug!("crowd: {refused}");
                }
            }
            Event::Acknowledged { .. } => {}
            // Nobody is let observe here.
            Event::Notified { .. } | Event::NotNotified { .. } | Event::ObservationEnded { .. } => {}
        }
    }
}
