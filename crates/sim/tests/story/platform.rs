//! A platform made by hand for these tests: the other end of `air`, one order at a time, on a real socket.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use air::platform::{Admission, DownlinkForm, Marks, Uplink, seal_clock, seal_receipt, seal_transaction};
use air::{Answering, Lifetime, Link, PromptText, Transaction, TransactionContext, retry_frame};
use coap::{Code, Config, ContentFormat, Endpoint, Event, Millis, Request, Response};
use crypto::{CardKey, Suite, TransportKey};
use model::{
    Amount, CardId, CardInformation, CardNumber, CertificateNumber, ChannelId, Currency, Decision,
    HolderReference, KeyVersion, Outcome, PlaceId, TimeFactor, UnixMillis,
};
use sim::{AIR_PATH, CardImage, SoftElement};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixMillis(since.as_millis() as i64)
}

/// Breakfast: 20.00 yuan at place 4097.
pub(crate) fn breakfast() -> Transaction {
    Transaction {
        amount: Amount::new(2_000, Currency::CNY).unwrap(),
        place: PlaceId(4097),
        lifetime: Lifetime::at_least_seconds(60),
        text: None,
    }
}

pub(crate) fn with_text(text: &str) -> Transaction {
    Transaction { text: Some(PromptText::new(text).unwrap()), ..breakfast() }
}

/// What the platform holds of one card.
pub(crate) struct Account {
    key: CardKey,
    pub(crate) link: Link,
    information: CardInformation,
    pub(crate) marks: Marks,
    /// What waits; an endless order waits again once it is settled.
    pub(crate) order: Option<Transaction>,
    pub(crate) endless: bool,
    pub(crate) presses: u8,
    open: Option<(TimeFactor, TransactionContext, Transaction)>,
    answered: HashMap<Vec<u8>, Vec<u8>>,
    pub(crate) decisions: Vec<Decision>,
}

impl Account {
    pub(crate) fn new(card: u32) -> Self {
        Self {
            key: CardKey::from_bytes([card as u8 ^ 0x5a; 16]),
            link: Link {
                channel: ChannelId::imei(490_154_203_237_000 + u64::from(card)).unwrap(),
                card_id: CardId(card),
                key_version: KeyVersion::FIRST,
                suite: Suite::Aes128Eax,
            },
            information: CardInformation {
                number: CardNumber::new(6_212_345_678_900_000 + u64::from(card)).unwrap(),
                card_id: CardId(card),
                holder: HolderReference(0x1122_3344_5566_0000 + u64::from(card)),
                certificate: CertificateNumber(7),
                created: 212_205_568,
            },
            marks: Marks::default(),
            order: None,
            endless: false,
            presses: 1,
            open: None,
            answered: HashMap::new(),
            decisions: Vec::new(),
        }
    }

    /// S0.
    pub(crate) fn image(&self) -> CardImage {
        let transport = TransportKey::from_bytes([9; 32]);
        let wrapped = transport.wrap(&self.key).unwrap();
        let check = self.key.check_value();
        CardImage::new(SoftElement::inject(&wrapped, &transport, check, self.link, self.information).unwrap())
    }

    fn context(&self, answering: Answering) -> TransactionContext {
        TransactionContext { answering, number: self.information.number, holder: self.information.holder }
    }

    fn prompt(&mut self, now: UnixMillis, answering: Answering, wide: bool) -> Option<Vec<u8>> {
        let transaction = self.order.clone()?;
        let b = self.marks.next_downlink(now).ok()?;
        self.marks.downlink = Some(b);
        let (context, form) = (self.context(answering), DownlinkForm { wide, channel_on_air: false });
        let frame = seal_transaction(&self.key, &self.link, form, b, &context, &transaction).unwrap();
        self.open = Some((b, context, transaction));
        Some(frame.to_vec())
    }

    /// The answer to a frame; `None` for silence, no bytes for *nothing waits*.
    pub(crate) fn answer(&mut self, now: UnixMillis, frame: &[u8]) -> Option<Vec<u8>> {
        if let Some(answer) = self.answered.get(frame) {
            return Some(answer.clone());
        }
        let answer = match Uplink::parse(frame).unwrap() {
            Uplink::Hello(hello) => {
                let hello = hello.verify(&self.link, &self.information, now, &self.key).ok()?;
                match self.marks.admit_hello(&hello, now) {
                    Admission::NotAboveMark => return None,
                    Admission::OutsideWindow => self.clock(now, hello.factor()),
                    Admission::Admitted => {
                        self.marks.uplink = Some(hello.factor());
                        let (a, wide) = (hello.factor(), !hello.clock_set());
                        match self.prompt(now, Answering::Hello(a), wide) {
                            Some(transaction) => transaction,
                            None if wide => self.clock(now, a),
                            None => Vec::new(),
                        }
                    }
                }
            }
            Uplink::Result(result) => {
                let (b, context, transaction) = self.open.as_ref()?;
                let result = result.verify(&self.link, *b, context, transaction, &self.key).ok()?;
                let decision = result.text().decision;
                self.decisions.push(decision);
                let outcome = match decision {
                    Decision::Agreed { presses } if presses == self.presses => Outcome::Settled,
                    Decision::Agreed { .. } => Outcome::WrongPresses,
                    _ => Outcome::Refused,
                };
                if !self.endless {
                    self.order = None;
                }
                let form = DownlinkForm::default();
                seal_receipt(&self.key, &self.link, form, &result, outcome).unwrap().to_vec()
            }
            Uplink::Status(status) => {
                let status = status.verify(&self.link, now, &self.key).ok()?;
                assert_eq!(status.text().firmware, 0x0102);
                Vec::new()
            }
        };
        self.answered.insert(frame.to_vec(), answer.clone());
        Some(answer)
    }

    fn clock(&mut self, now: UnixMillis, a: TimeFactor) -> Vec<u8> {
        let b = self.marks.next_downlink(now).unwrap();
        self.marks.downlink = Some(b);
        seal_clock(&self.key, &self.link, DownlinkForm::default(), b, a).unwrap().to_vec()
    }
}

/// What the platform does with the next frames.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    Answer,
    /// As if its network were cut.
    Silent,
    /// Acknowledges at once and answers later, in a message of its own.
    Slowly,
    /// Sends the card back to S1, once.
    Retry,
    Refuse(Code),
}

type Hook = Box<dyn FnMut(&[u8]) + Send>;

pub(crate) struct Shared {
    pub(crate) cards: Vec<Account>,
    pub(crate) mode: Mode,
    /// Sees each frame before it is answered.
    pub(crate) hook: Option<Hook>,
    /// How pushes ended.
    pub(crate) pushed: Vec<Option<Code>>,
}

/// A handle on the platform's task; it ends with it.
pub(crate) struct Platform {
    pub(crate) address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    pushes: mpsc::UnboundedSender<(SocketAddr, String, Vec<u8>)>,
}

impl Platform {
    pub(crate) async fn start(cards: Vec<Account>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let shared =
            Arc::new(Mutex::new(Shared { cards, mode: Mode::Answer, hook: None, pushed: Vec::new() }));
        let (pushes, wanted) = mpsc::unbounded_channel();
        tokio::spawn(serve(socket, Arc::clone(&shared), wanted));
        Self { address, shared, pushes }
    }

    pub(crate) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    pub(crate) fn mode(&self, mode: Mode) {
        self.shared().mode = mode;
    }

    /// An order for the first card that wants so many presses.
    pub(crate) fn order(&self, order: Transaction, presses: u8) {
        let mut shared = self.shared();
        shared.cards[0].order = Some(order);
        shared.cards[0].presses = presses;
    }

    pub(crate) fn decisions(&self) -> Vec<Decision> {
        self.shared().cards[0].decisions.clone()
    }

    /// Pushes what waits for the first card.
    pub(crate) fn push(&self, to: SocketAddr) {
        let frame = self.shared().cards[0].prompt(now(), Answering::Nothing, false).unwrap();
        self.pushes.send((to, AIR_PATH.to_owned(), frame)).unwrap();
    }

    pub(crate) fn post(&self, to: SocketAddr, path: &str, payload: &[u8]) {
        self.pushes.send((to, path.to_owned(), payload.to_vec())).unwrap();
    }

    pub(crate) async fn pushed(&self) -> Option<Code> {
        loop {
            if let Some(code) = self.shared().pushed.pop() {
                return code;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn serve(
    socket: UdpSocket,
    shared: Arc<Mutex<Shared>>,
    mut wanted: mpsc::UnboundedReceiver<(SocketAddr, String, Vec<u8>)>,
) {
    let config = Config {
        ack_timeout_ms: 100,
        max_retransmit: 2,
        ack_delay_ms: 10,
        exchanges_per_peer: 1_000,
        ..Config::default()
    };
    let mut endpoint: Endpoint<SocketAddr> = Endpoint::new(config, 2);
    let start = Instant::now();
    let mut late = Vec::new();
    let mut buffer = [0; 1_473];
    loop {
        let millis = || Millis(start.elapsed().as_millis() as u64);
        while let Some(event) = endpoint.poll_event() {
            match event {
                Event::Request { request, responder, .. } => {
                    assert_eq!(
                        (request.path.as_str(), request.content_format),
                        (AIR_PATH, Some(ContentFormat::OCTET_STREAM))
                    );
                    let (response, slowly) = respond(&mut shared.lock().unwrap(), &request.payload);
                    if slowly {
                        late.push((millis().plus(60), responder, response));
                    } else {
                        endpoint.respond(millis(), responder, response).unwrap();
                    }
                }
                Event::Response { response, .. } => {
                    shared.lock().unwrap().pushed.push(Some(response.code));
                }
                Event::Failed { .. } => shared.lock().unwrap().pushed.push(None),
                Event::Acknowledged { .. } => {}
                // Nobody is let observe here.
                Event::Notified { .. } | Event::NotNotified { .. } | Event::ObservationEnded { .. } => {}
            }
        }
        while let Some(transmit) = endpoint.poll_transmit() {
            socket.send_to(&transmit.bytes, transmit.to).await.unwrap();
        }
        let due = late.iter().map(|(at, ..)| *at).chain(endpoint.poll_timeout()).min();
        let wait = due.map_or(10_000, |at| at.since(millis()));
        tokio::select! {
            received = socket.recv_from(&mut buffer) => {
                let (length, from) = received.unwrap();
                if shared.lock().unwrap().mode != Mode::Silent {
                    let _ = endpoint.handle_datagram(millis(), from, &buffer[..length]);
                }
            }
            push = wanted.recv() => {
                let Some((to, path, frame)) = push else { return };
                endpoint.request(millis(), to, Request::post(path, frame)).unwrap();
            }
            () = tokio::time::sleep(Duration::from_millis(wait)) => {
                endpoint.handle_timeout(millis());
                while let Some(place) = late.iter().position(|(at, ..)| *at <= millis()) {
                    let (_, responder, response) = late.remove(place);
                    endpoint.respond(millis(), responder, response).unwrap();
                }
            }
        }
    }
}

fn respond(shared: &mut Shared, frame: &[u8]) -> (Response, bool) {
    if let Some(hook) = &mut shared.hook {
        hook(frame);
    }
    let channel = Uplink::parse(frame).unwrap().frame().channel.unwrap();
    let account = shared.cards.iter_mut().find(|card| card.link.channel == channel);
    let suite = Suite::Aes128Eax;
    let payload = match shared.mode {
        Mode::Refuse(code) => return (Response::new(code), false),
        Mode::Retry => {
            shared.mode = Mode::Answer;
            Some(retry_frame(suite).to_vec())
        }
        Mode::Answer | Mode::Slowly | Mode::Silent => {
            account.and_then(|account| account.answer(now(), frame))
        }
    };
    let response = match payload {
        Some(payload) => Response::new(Code::CHANGED).with_payload(payload),
        None => Response::new(Code::BAD_REQUEST),
    };
    (response, shared.mode == Mode::Slowly)
}
