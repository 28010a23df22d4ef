//! Real sockets and real bytes: the message flows of RFC 7252 appendix A over UDP on loopback.
//!
//! An endpoint sits behind one socket; the test holds the other and plays the peer byte by byte, so
//! what is checked is what other implementations would see.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use coap::{Code, Config, Endpoint, Event, Millis, Request, Response};

/// An endpoint behind a socket, stepped by the test.
struct Node {
    endpoint: Endpoint<SocketAddr>,
    socket: UdpSocket,
    start: Instant,
    events: Vec<Event<SocketAddr>>,
}

impl Node {
    fn new(config: Config) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        Self { endpoint: Endpoint::new(config, 42), socket, start: Instant::now(), events: Vec::new() }
    }

    fn addr(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    fn now(&self) -> Millis {
        Millis(self.start.elapsed().as_millis() as u64)
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            self.socket.send_to(&transmit.bytes, transmit.to).unwrap();
        }
        while let Some(event) = self.endpoint.poll_event() {
            self.events.push(event);
        }
    }

    /// One turn of the loop every shell around an endpoint has: drain, sleep, take in.
    fn turn(&mut self) {
        self.drain();
        let sleep = self.endpoint.poll_timeout().map_or(200, |at| at.since(self.now()).clamp(1, 200));
        self.socket.set_read_timeout(Some(Duration::from_millis(sleep))).unwrap();
        let mut buffer = [0; 1_473];
        if let Ok((len, from)) = self.socket.recv_from(&mut buffer) {
            let _ = self.endpoint.handle_datagram(self.now(), from, &buffer[..len]);
        }
        self.endpoint.handle_timeout(self.now());
        self.drain();
    }

    fn next_event(&mut self) -> Event<SocketAddr> {
        let start = Instant::now();
        while self.events.is_empty() {
            assert!(start.elapsed() < Duration::from_secs(5), "no event");
            self.turn();
        }
        self.events.remove(0)
    }

    fn answer(&mut self, code: Code, payload: &[u8]) -> Request {
        let Event::Request { request, responder, .. } = self.next_event() else { panic!() };
        let response = Response::new(code).with_payload(payload);
        self.endpoint.respond(self.now(), responder, response).unwrap();
        self.drain();
        request
    }
}

/// A bare socket that speaks in bytes.
struct Hand(UdpSocket);

impl Hand {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        Self(socket)
    }

    fn send(&self, to: SocketAddr, parts: &[&[u8]]) {
        self.0.send_to(&parts.concat(), to).unwrap();
    }

    fn receive(&self) -> Vec<u8> {
        let mut buffer = [0; 1_500];
        let len = self.0.recv(&mut buffer).unwrap();
        buffer[..len].to_vec()
    }
}

const TEMPERATURE: &[u8] = b"\xBBtemperature";
const READING: &[u8] = b"\xFF22.3 C";

#[test]
fn figures_16_and_17_a_piggybacked_response() {
    let (mut server, hand) = (Node::new(Config::default()), Hand::new());
    hand.send(server.addr(), &[&[0x40, 0x01, 0x7D, 0x34], TEMPERATURE]);
    let request = server.answer(Code::CONTENT, b"22.3 C");
    assert_eq!(request, Request::get("temperature"));
    assert_eq!(hand.receive(), [&[0x60, 0x45, 0x7D, 0x34], READING].concat());

    hand.send(server.addr(), &[&[0x41, 0x01, 0x7D, 0x35, 0x20], TEMPERATURE]);
    server.answer(Code::CONTENT, b"22.3 C");
    assert_eq!(hand.receive(), [&[0x61, 0x45, 0x7D, 0x35, 0x20], READING].concat());
}

#[test]
fn figure_18_a_request_is_retransmitted() {
    let config = Config { ack_timeout_ms: 50, ..Config::default() };
    let (mut client, hand) = (Node::new(config), Hand::new());
    let to = hand.0.local_addr().unwrap();
    client.endpoint.request(client.now(), to, Request::get("temperature")).unwrap();
    client.drain();
    let first = hand.receive();
    assert_eq!((first[0], first[1], &first[8..]), (0x44, 0x01, TEMPERATURE));
    while client.endpoint.tally().retransmitted == 0 {
        client.turn();
    }
    assert_eq!(hand.receive(), first);
    hand.send(client.addr(), &[&[0x64, 0x45], &first[2..8], READING]);
    let Event::Response { response, .. } = client.next_event() else { panic!() };
    assert_eq!(response, Response::new(Code::CONTENT).with_payload(*b"22.3 C"));
}

#[test]
fn figure_19_a_response_is_retransmitted() {
    let (mut server, hand) = (Node::new(Config::default()), Hand::new());
    let request: &[&[u8]] = &[&[0x41, 0x01, 0x7D, 0x37, 0x42], TEMPERATURE];
    let response = [&[0x61, 0x45, 0x7D, 0x37, 0x42], READING].concat();
    hand.send(server.addr(), request);
    server.answer(Code::CONTENT, b"22.3 C");
    assert_eq!(hand.receive(), response);
    hand.send(server.addr(), request);
    while server.endpoint.tally().repeated == 0 {
        server.turn();
    }
    assert_eq!(hand.receive(), response);
    assert!(server.events.is_empty());
}

#[test]
fn figures_20_and_21_a_separate_response() {
    let config = Config { ack_delay_ms: 20, ..Config::default() };
    let (mut server, hand) = (Node::new(config), Hand::new());
    hand.send(server.addr(), &[&[0x41, 0x01, 0x7D, 0x38, 0x53], TEMPERATURE]);
    let Event::Request { responder, .. } = server.next_event() else { panic!() };
    while server.endpoint.tally().sent == 0 {
        server.turn();
    }
    assert_eq!(hand.receive(), [0x60, 0x00, 0x7D, 0x38]);
    let response = Response::new(Code::CONTENT).with_payload(*b"22.3 C");
    server.endpoint.respond(server.now(), responder, response).unwrap();
    server.drain();
    let separate = hand.receive();
    assert_eq!((separate[0], separate[1], separate[4], &separate[5..]), (0x41, 0x45, 0x53, READING));
    assert_eq!(server.endpoint.open_exchanges(), (0, 1));
    hand.send(server.addr(), &[&[0x60, 0x00, separate[2], separate[3]]]);
    while server.endpoint.open_exchanges() != (0, 0) {
        server.turn();
    }

    // The other side of figure 20, and figure 21: the same response is acknowledged by a client that
    // asked, and reset by one that does not remember asking.
    let mut client = Node::new(Config::default());
    let to = hand.0.local_addr().unwrap();
    client.endpoint.request(client.now(), to, Request::get("temperature")).unwrap();
    client.drain();
    let asked = hand.receive();
    hand.send(client.addr(), &[&[0x60, 0x00], &asked[2..4]]);
    assert!(matches!(client.next_event(), Event::Acknowledged { .. }));
    hand.send(client.addr(), &[&[0x44, 0x45, 0xAD, 0x7B], &asked[4..8], READING]);
    assert!(matches!(client.next_event(), Event::Response { .. }));
    assert_eq!(hand.receive(), [0x60, 0x00, 0xAD, 0x7B]);
    hand.send(client.addr(), &[&[0x41, 0x45, 0xAD, 0x7C, 0x64], READING]);
    client.turn();
    assert_eq!(hand.receive(), [0x70, 0x00, 0xAD, 0x7C]);
}

#[test]
fn figure_22_non_confirmable_both_ways() {
    let (mut server, hand) = (Node::new(Config::default()), Hand::new());
    hand.send(server.addr(), &[&[0x51, 0x01, 0x7D, 0x40, 0x75], TEMPERATURE]);
    server.answer(Code::CONTENT, b"22.3 C");
    let response = hand.receive();
    assert_eq!((response[0], response[1], response[4], &response[5..]), (0x51, 0x45, 0x75, READING));
}

#[test]
fn two_endpoints_over_two_sockets() {
    let (mut card, mut platform) = (Node::new(Config::default()), Node::new(Config::default()));
    for round in 0_u8..100 {
        card.endpoint.request(card.now(), platform.addr(), Request::post("frames", [round])).unwrap();
        card.drain();
        let request = platform.answer(Code::CHANGED, &[round, 1]);
        assert_eq!(request.payload, [round]);
        let Event::Response { response, from, .. } = card.next_event() else { panic!() };
        assert_eq!((response.payload.as_slice(), from), (&[round, 1][..], platform.addr()));
    }
    assert_eq!(card.endpoint.tally().retransmitted, 0);
}
