//! Programs that others wrote, over real sockets: libcoap's `coap-client` and `coap-server` (Debian's
//! libcoap3-bin) and aiocoap (PyPI; `scripts/python-peers` puts it where it is looked for).
//!
//! What they print and what went over the wire are both checked. A program that is missing fails the test
//! and says how to get it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod clients;

use std::{
    collections::BTreeSet,
    net::{SocketAddr, UdpSocket},
};

use clients::{Node, Program, brisk, calm};
use coap::{Code, Ended, Event, Failure, Method, Refused, Request};

/// A file of the test's own, gone at its end.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(name: &str, len: usize) -> Self {
        let file = std::env::temp_dir().join(format!("counterfoil-coap-{}-{name}", std::process::id()));
        std::fs::write(&file, vec![b'y'; len]).unwrap();
        Self(file)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The types of our datagrams: 0 confirmable, 1 not, 2 acknowledgement, 3 reset.
fn kinds(node: &Node) -> Vec<u8> {
    node.sent.iter().map(|bytes| (bytes[0] >> 4) & 3).collect()
}

fn is_done(node: &Node) -> bool {
    node.endpoint.open_exchanges() == (0, 0) && node.endpoint.tally().undelivered == 0
}

#[test]
fn coap_client_asks_and_is_answered() {
    let large = Scratch::new("large", 3_000);
    let large = large.path();
    // What it is told, the path, what it prints, the types of what we sent.
    let cases: &[(&[&str], &str, &str, &[u8])] = &[
        (&["-m", "get"], "hello", "hello", &[2]),
        (&["-m", "get", "-N"], "hello", "hello", &[1]),
        (&["-m", "get", "-A", "0"], "hello?a=1&b=2", "hello", &[2]),
        (&["-m", "get", "-b", "64"], "long", &"x".repeat(200), &[2]),
        // Separately: an empty acknowledgement, then a confirmable answer, which it acknowledges.
        (&["-m", "get"], "slow", "slowly", &[2, 0]),
        (&["-m", "get", "-N"], "slow", "slowly", &[1]),
        (&["-m", "post", "-t", "42", "-e", "pay"], "cf", "3 bytes", &[2]),
        (&["-m", "post", "-t", "42", "-e", "pay", "-N"], "cf", "3 bytes", &[1]),
        (&["-m", "get"], ".well-known/core", "</hello>;ct=0,</push>;obs,</cf>;rt=\"counterfoil.air\"", &[2]),
        (&["-m", "get", "-A", "60"], ".well-known/core", "4.06", &[2]),
        (&["-m", "get"], "nowhere", "4.04", &[2]),
        (&["-m", "delete"], "hello", "4.05", &[2]),
        (&["-m", "fetch"], "hello", "4.05", &[2]),
        (&["-m", "get", "-O", "1,0x01"], "hello", "4.02", &[2]),
        (&["-m", "put", "-O", "5,"], "hello", "4.02", &[2]),
        (&["-m", "post", "-b", "64", "-f", large], "cf", "4.13", &[2]),
        (&["-m", "put", "-b", "1024", "-f", large], "cf", "4.13", &[2]),
        (&["-m", "post", "-f", large], "cf", "4.13", &[2]),
    ];
    for (arguments, path, printed, sent) in cases {
        let mut node = Node::new(calm());
        let url = node.url(path);
        let program = Program::libcoap("coap-client", arguments.iter().copied().chain([url.as_str()]));
        let output = node.serve(program);
        assert!(output.starts_with(printed), "{arguments:?} {path} printed {output:?}");
        assert_eq!(kinds(&node), *sent, "{arguments:?} {path}");
        node.until("the last acknowledgement", |node| is_done(node));
        assert_eq!(node.endpoint.tally().retransmitted, 0);
    }
}

#[test]
fn coap_client_refused_block_wise_is_told_the_size_we_take() {
    let large = Scratch::new("blocks", 3_000);
    let mut node = Node::new(calm());
    let url = node.url("cf");
    let program = Program::libcoap("coap-client", ["-m", "put", "-b", "64", "-f", large.path(), &url]);
    assert!(node.serve(program).starts_with("4.13"));
    assert_eq!((node.refused.as_slice(), node.requests.len()), (&[Refused::Blockwise][..], 0));
    assert_eq!(node.sent.len(), 1, "it tries no second block");
    assert!(node.sent[0].ends_with(&[0xD2, 60 - 13, 0x04, 0x00]), "Size1 of 1,024: {:02x?}", node.sent[0]);
}

#[test]
fn coap_client_repeats_what_we_did_not_hear() {
    let mut node = Node::new(calm());
    node.loses = Box::new(|nth| nth == 1);
    let url = node.url("cf");
    let program = Program::libcoap("coap-client", ["-m", "post", "-e", "pay", &url]);
    assert!(node.serve(program).starts_with("3 bytes"));
    assert_eq!((node.requests.len(), node.endpoint.tally().repeated), (1, 1));
    assert_eq!(node.sent[0], node.sent[1], "the same answer");
}

#[test]
fn coap_client_acknowledges_an_answer_it_hears_late() {
    let mut node = Node::new(brisk());
    // The first datagram is the empty acknowledgement, the second the answer.
    node.loses = Box::new(|nth| nth == 2);
    let url = node.url("slow");
    let program = Program::libcoap("coap-client", ["-m", "get", &url]);
    assert!(node.serve(program).starts_with("slowly"));
    node.until("the acknowledgement", |node| is_done(node));
    assert!(node.endpoint.tally().retransmitted > 0);
    assert_eq!(kinds(&node)[..3], [2, 0, 0]);
    assert!(node.sent[2..].iter().all(|sent| *sent == node.sent[1]), "the same answer");
}

#[test]
fn coap_client_observes_and_deregisters() {
    let mut node = Node::new(brisk());
    let url = node.url("push");
    let program = Program::libcoap("coap-client", ["-w", "-s", "2", "-m", "get", &url]);
    node.until("a registration", |node| node.observation.is_some());
    // The second notification is lost once.
    let lost = node.sent.len() + 2;
    node.loses = Box::new(move |nth| nth == lost);
    for payload in ["first", "second", "third"] {
        assert!(matches!(node.notify(payload.as_bytes()), Event::Notified { .. }));
    }
    assert!(node.endpoint.tally().retransmitted > 0);
    let output = node.serve(program);
    let lines: Vec<&str> = output.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.starts_with(&["now", "first", "second", "third"]), "{output:?}");
    let Some(Event::ObservationEnded { observation, reason, .. }) = node.events.pop_front() else { panic!() };
    assert_eq!((Some(observation), reason), (node.observation, Ended::Deregistered));
    assert_eq!(node.endpoint.observations(), 0);
    assert!(node.events.is_empty() && is_done(&node));
}

#[test]
fn coap_client_that_asks_non_confirmably_is_notified_confirmably() {
    let mut node = Node::new(calm());
    let url = node.url("push");
    let program = Program::libcoap("coap-client", ["-N", "-w", "-s", "2", "-m", "get", &url]);
    node.until("a registration", |node| node.observation.is_some());
    for payload in ["first", "second"] {
        assert!(matches!(node.notify(payload.as_bytes()), Event::Notified { .. }));
    }
    let output = node.serve(program);
    let lines: Vec<&str> = output.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.starts_with(&["now", "first", "second"]), "{output:?}");
    let ended = node.event("the end of the observation");
    assert!(matches!(ended, Event::ObservationEnded { reason: Ended::Deregistered, .. }), "{ended:?}");
    assert_eq!(kinds(&node), [1, 0, 0, 1], "the last answers the deregistration");
    assert!(node.events.is_empty() && is_done(&node));
}

#[test]
fn coap_client_that_dies_is_off_the_list() {
    let mut node = Node::new(coap::Config { ack_timeout_ms: 40, ..calm() });
    let url = node.url("push");
    let mut program = Program::libcoap("coap-client", ["-s", "60", "-m", "get", &url]);
    node.until("a registration", |node| node.observation.is_some());
    assert!(matches!(node.notify(b"heard"), Event::Notified { .. }));
    program.kill();
    assert!(matches!(node.notify(b"pay"), Event::NotNotified { reason: Failure::TimedOut, .. }));
    let ended = node.event("the end of the observation");
    assert!(matches!(ended, Event::ObservationEnded { reason: Ended::TimedOut, .. }), "{ended:?}");
    assert_eq!(node.endpoint.tally().retransmitted, 4);
    assert_eq!(node.endpoint.observations(), 0);
}

#[test]
fn aiocoap_asks_and_is_answered() {
    let cases: &[(&[&str], &str, &[u8])] = &[
        (&["ask", "GET", "hello"], "2.05 hello", &[2]),
        (&["ask", "GET", "slow"], "2.05 slowly", &[2, 0]),
        (&["ask", "POST", "cf", "pay"], "2.04 3 bytes", &[2]),
        (&["ask", "GET", ".well-known/core"], "2.05 </hello>;ct=0,</push>;obs,", &[2]),
        (&["ask", "FETCH", "hello"], "4.05", &[2]),
        (&["large", "cf", "1024"], "2.04 1024 bytes", &[2]),
        (&["large", "cf", "1025"], "4.13", &[2]),
        (&["large", "cf", "5000"], "4.13", &[2]),
    ];
    for (arguments, printed, sent) in cases {
        let mut node = Node::new(calm());
        let place = if arguments[0] == "ask" { 2 } else { 1 };
        let mut arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        arguments[place] = node.url(&arguments[place]);
        let output = node.serve(Program::aiocoap(&arguments));
        assert!(output.starts_with(printed), "{arguments:?} printed {output:?}");
        assert_eq!(kinds(&node), *sent, "{arguments:?}");
        node.until("the last acknowledgement", |node| is_done(node));
    }
}

#[test]
fn aiocoap_repeats_what_we_did_not_hear() {
    let mut node = Node::new(calm());
    node.loses = Box::new(|nth| nth == 1);
    let url = node.url("hello");
    let output = node.serve(Program::aiocoap(["hasty", "GET", &url]));
    assert!(output.starts_with("2.05 hello"), "{output:?}");
    assert_eq!(node.requests.len(), 1);
    assert!(node.endpoint.tally().repeated > 0);
    assert!(node.sent.iter().all(|sent| *sent == node.sent[0]), "the same answer");
}

#[test]
fn aiocoap_observes_and_resets_when_it_listens_no_more() {
    let mut node = Node::new(brisk());
    let url = node.url("push");
    let mut program = Program::aiocoap(["observe", &url, "3"]);
    node.until("a registration", |node| node.observation.is_some());
    for payload in ["first", "second", "third"] {
        assert!(matches!(node.notify(payload.as_bytes()), Event::Notified { .. }));
    }
    // It passes over a notification or two before it notices that nobody listens.
    let end = (0..10).map(|_| node.notify(b"unheard")).find(|event| !matches!(event, Event::Notified { .. }));
    assert!(matches!(end, Some(Event::NotNotified { reason: Failure::Reset, .. })), "{end:?}");
    let ended = node.event("the end of the observation");
    assert!(matches!(ended, Event::ObservationEnded { reason: Ended::Reset, .. }), "{ended:?}");
    program.kill();
    let output = program.output();
    assert!(output.starts_with("2.05 now\n2.05 first\n2.05 second\n2.05 third\n"), "{output:?}");
    assert!(!output.contains("unheard"), "{output:?}");
}

/// A `coap-server` and where it listens.
fn server() -> (Program, SocketAddr) {
    let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let port = address.port().to_string();
    (Program::libcoap("coap-server", ["-A", "127.0.0.1", "-p", &port]), address)
}

#[test]
fn we_ask_coap_server_and_are_answered() {
    let ((_server, to), mut node) = (server(), Node::new(brisk()));
    let slow = Request { query: vec!["1".into()], ..Request::get("async") };
    let cases = [
        (Request::get(".well-known/core"), Code::CONTENT, "</>;title=\"General Info\""),
        (Request::get("nowhere"), Code::NOT_FOUND, ""),
        (Request::new(Method::Delete, "async"), Code::METHOD_NOT_ALLOWED, ""),
        (Request::get("time").non_confirmable(), Code::CONTENT, ""),
        // Separately, after a second.
        (slow, Code::CONTENT, "done"),
    ];
    for (request, code, text) in cases {
        let asked = format!("{request:?}");
        node.endpoint.request(node.now(), to, request).unwrap();
        let answer = loop {
            match node.event("an answer") {
                Event::Acknowledged { .. } => {}
                other => break other,
            }
        };
        let Event::Response { response, .. } = answer else { panic!("{asked}: {answer:?}") };
        assert_eq!(response.code, code, "{asked}");
        assert!(String::from_utf8(response.payload).unwrap().starts_with(text), "{asked}");
    }
    assert!(is_done(&node));
}

#[test]
fn we_observe_coap_server_until_we_cancel() {
    let ((_server, to), mut node) = (server(), Node::new(brisk()));
    let exchange = node.endpoint.request(node.now(), to, Request::get("time").observing()).unwrap();
    // The time of day; the first may come twice within its second.
    let mut heard = BTreeSet::new();
    while heard.len() < 3 {
        let event = node.event("a notification");
        let Event::Response { response, observing: true, .. } = event else { panic!("{event:?}") };
        heard.insert(response.payload);
    }
    node.endpoint.cancel(exchange);
    assert!(is_done(&node));
}
