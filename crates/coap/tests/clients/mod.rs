//! A small server and client around [`coap::Endpoint`] on a real socket, and the programs that talk to it.
//!
//! One thread does everything: it turns the endpoint's loop until what the test waits for has happened.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    io::Read,
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use coap::{
    Code, Config, ContentFormat, Endpoint, Event, Method, Millis, ObservationId, Observe, Refused, Request,
    Responder, Response,
};

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long `/slow` takes.
const SLOW_MS: u64 = 150;
const LINKS: &[u8] = b"</hello>;ct=0,</push>;obs,</cf>;rt=\"counterfoil.air\";ct=42";
const LINK_FORMAT: ContentFormat = ContentFormat(40);

/// A separate answer after 50 ms, and nothing repeated on a machine that is only busy.
pub(crate) fn calm() -> Config {
    Config { ack_delay_ms: 50, ..Config::default() }
}

/// The same, and what is lost repeated soon.
pub(crate) fn brisk() -> Config {
    Config { ack_timeout_ms: 200, ..calm() }
}

/// An endpoint behind a socket, with a few resources, and a log of what went through it.
pub(crate) struct Node {
    pub(crate) endpoint: Endpoint<SocketAddr>,
    /// Says whether a datagram of ours is lost, counted from 1.
    pub(crate) loses: Box<dyn FnMut(usize) -> bool>,
    /// Every datagram of ours, lost or not.
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) requests: Vec<Request>,
    /// Everything but requests.
    pub(crate) events: VecDeque<Event<SocketAddr>>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) observation: Option<ObservationId>,
    socket: UdpSocket,
    began: Instant,
    slow: VecDeque<(Millis, Responder<SocketAddr>, Request)>,
}

impl Node {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            endpoint: Endpoint::new(config, 42),
            loses: Box::new(|_| false),
            sent: Vec::new(),
            requests: Vec::new(),
            events: VecDeque::new(),
            refused: Vec::new(),
            observation: None,
            socket: UdpSocket::bind("127.0.0.1:0").unwrap(),
            began: Instant::now(),
            slow: VecDeque::new(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("coap://{}/{path}", self.socket.local_addr().unwrap())
    }

    pub(crate) fn now(&self) -> Millis {
        Millis(self.began.elapsed().as_millis() as u64)
    }

    /// Turns until the condition holds.
    pub(crate) fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(
                start.elapsed() < PATIENCE,
                "{what} did not happen: {:?} {:?}",
                self.events,
                self.refused
            );
            self.turn();
        }
    }

    /// Serves until the program has ended, and returns all it wrote.
    pub(crate) fn serve(&mut self, mut program: Program) -> String {
        self.until("the program's end", |_| program.has_ended());
        program.output()
    }

    /// Notifies the observer and waits for the outcome.
    pub(crate) fn notify(&mut self, payload: &[u8]) -> Event<SocketAddr> {
        let response = Response::new(Code::CONTENT).with_format(ContentFormat::TEXT).with_payload(payload);
        let observation = self.observation.unwrap();
        self.endpoint.notify(self.now(), observation, response).unwrap();
        self.event("the end of a notification")
    }

    pub(crate) fn event(&mut self, what: &str) -> Event<SocketAddr> {
        self.until(what, |node| !node.events.is_empty());
        self.events.pop_front().unwrap()
    }

    fn turn(&mut self) {
        self.drain();
        // Short, because the end of a program wakes nobody.
        let sleep = self.endpoint.poll_timeout().map_or(20, |at| at.since(self.now()).clamp(1, 20));
        self.socket.set_read_timeout(Some(Duration::from_millis(sleep))).unwrap();
        let mut buffer = [0; 1_473];
        // An error is a time-out, or an earlier datagram of ours that found nobody.
        if let Ok((len, from)) = self.socket.recv_from(&mut buffer)
            && let Err(refused) = self.endpoint.handle_datagram(self.now(), from, &buffer[..len])
        {
            self.refused.push(refused);
        }
        self.endpoint.handle_timeout(self.now());
        while self.slow.front().is_some_and(|(at, ..)| *at <= self.now()) {
            let (_, responder, request) = self.slow.pop_front().unwrap();
            let payload = [b"slowly ", &request.payload[..]].concat();
            let response = Response::new(Code::CONTENT).with_payload(payload);
            self.endpoint.respond(self.now(), responder, response).unwrap();
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Request { request, responder, .. } => {
                    self.requests.push(request.clone());
                    self.answer(request, responder);
                }
                other => self.events.push_back(other),
            }
        }
        while let Some(transmit) = self.endpoint.poll_transmit() {
            self.sent.push(transmit.bytes.clone());
            if !(self.loses)(self.sent.len()) {
                self.socket.send_to(&transmit.bytes, transmit.to).unwrap();
            }
        }
    }

    fn answer(&mut self, request: Request, responder: Responder<SocketAddr>) {
        let now = self.now();
        let text =
            |bytes: &[u8]| Response::new(Code::CONTENT).with_format(ContentFormat::TEXT).with_payload(bytes);
        let response = match (request.method, request.path.as_str()) {
            (Method::Get, "hello") => text(b"hello"),
            (Method::Get, "long") => text(&[b'x'; 200]),
            (Method::Get, "push") if request.observe == Some(Observe::Register) => {
                self.observation = Some(self.endpoint.observe(now, responder, text(b"now")).unwrap());
                return;
            }
            (Method::Get, "push") => text(b"now"),
            (Method::Get, ".well-known/core")
                if request.accept.is_some_and(|wanted| wanted != LINK_FORMAT) =>
            {
                Response::new(Code::NOT_ACCEPTABLE)
            }
            (Method::Get, ".well-known/core") => {
                Response::new(Code::CONTENT).with_format(LINK_FORMAT).with_payload(LINKS)
            }
            (Method::Post, "cf") => Response::new(Code::CHANGED)
                .with_format(ContentFormat::OCTET_STREAM)
                .with_payload(format!("{} bytes", request.payload.len())),
            (_, "slow") => {
                self.slow.push_back((now.plus(SLOW_MS), responder, request));
                return;
            }
            (_, "hello" | "long" | "push" | "cf" | ".well-known/core") => {
                Response::new(Code::METHOD_NOT_ALLOWED)
            }
            _ => Response::new(Code::NOT_FOUND),
        };
        self.endpoint.respond(now, responder, response).unwrap();
    }
}

/// A program of somebody else's. Ends with the test.
pub(crate) struct Program(Child);

impl Program {
    /// One of libcoap's: `coap-client` or `coap-server`.
    pub(crate) fn libcoap<A: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = A>) -> Self {
        let names = [format!("{name}-notls"), name.into()];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path)
            .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
            .find(|file| file.is_file());
        let Some(file) = found else { panic!("{name} is missing: apt-get install libcoap3-bin") };
        Self::start(&file, arguments)
    }

    /// `tests/clients/peer.py` with aiocoap.
    pub(crate) fn aiocoap<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = crate_folder.join("../../target/peers/venv/bin/python");
        assert!(python.is_file(), "aiocoap is missing: run scripts/python-peers");
        let script = crate_folder.join("tests/clients/peer.py").into_os_string();
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
        Self::start(&python, std::iter::once(script).chain(arguments.collect::<Vec<_>>()))
    }

    fn start<A: AsRef<OsStr>>(file: &PathBuf, arguments: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(file);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Ends it without a word to its peer.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// What it wrote on both streams, after its end. Little enough to wait in a pipe.
    pub(crate) fn output(&mut self) -> String {
        let mut text = Vec::new();
        self.0.stdout.take().unwrap().read_to_end(&mut text).unwrap();
        self.0.stderr.take().unwrap().read_to_end(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
