//! CoAP over UDP: the shell around [`coap::Endpoint`].
//!
//! A card POSTs its frame to `/cf` and has the answer in the response, at once or separately; the platform
//! POSTs a push to `/cf` at the card. One task owns the socket and the endpoint; each frame is answered by a
//! task of its own, so that a commit never holds up the next datagram.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ::coap::{
    Code, Config, ContentFormat, Endpoint, Event, ExchangeId, Method, Millis, Observe, Request, Responder,
    Response,
};
use fleet::{DownlinkEvent, DownlinkId, FailReason};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::{FrameLimit, queue};
use crate::app::Push;
use crate::fleet::{Answer, Fleet, Heard};

/// The bearer's name in addresses.
pub const NAME: &str = "coap";

/// How long an observer may believe what it heard last, in seconds: a push is news whenever it comes.
const OBSERVED_SECONDS: u32 = 86_400;

/// The path of frames, at the platform and at a card that listens.
pub const PATH: &str = "cf";

/// Datagrams taken from the socket before answers are sent: keeps both directions moving under load.
const BURST: usize = 64;
/// Receive buffer asked of the system, in bytes: a burst waits there, not in the air.
const RECEIVE_BUFFER: usize = 8 << 20;
/// How long a graceful stop waits for what is in flight.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// A base station that runs.
pub struct BaseStation {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl BaseStation {
    /// Binds the socket and begins to serve. `seed` must be fresh random bits at each start.
    pub async fn start(address: SocketAddr, config: Config, seed: u64, fleet: Fleet) -> io::Result<Self> {
        let socket = bind(address)?;
        let (bearer, pushes) = queue(NAME, &FrameLimit::COAP);
        fleet.attach(Arc::new(bearer));
        let address = socket.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let (answers, answered) = mpsc::unbounded_channel();
        let station = Station {
            datagram: vec![0; config.datagram_limit + 1],
            endpoint: Endpoint::new(config, seed),
            socket,
            fleet,
            answers,
            pushes: HashMap::new(),
            in_hand: 0,
            began: Instant::now(),
            epoch: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        };
        let task = tokio::spawn(station.run(answered, pushes, stopped));
        Ok(Self { address, stop, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes nothing new, finishes what is in flight, and ends.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    // The system may give less than was asked; a smaller buffer is no reason not to serve.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// An answer that a task found for a request.
struct Answered {
    responder: Responder<SocketAddr>,
    word: Word,
}

/// What there is to say to a request.
enum Word {
    Frame(Answer),
    /// The frame was heard, and there is no answer to it.
    Nothing,
    /// It was not kept: *nothing waits* would not be true.
    NotKept,
}

struct Station {
    socket: UdpSocket,
    endpoint: Endpoint<SocketAddr>,
    fleet: Fleet,
    /// Unbounded, and still bounded: the endpoint refuses requests beyond its open exchanges.
    answers: mpsc::UnboundedSender<Answered>,
    pushes: HashMap<ExchangeId, DownlinkId>,
    in_hand: usize,
    began: Instant,
    /// When it began, since 1970: numbers of notifications, which rise with time, go on rising after a restart.
    epoch: Duration,
    datagram: Vec<u8>,
}

impl Station {
    async fn run(
        mut self,
        mut answered: mpsc::UnboundedReceiver<Answered>,
        mut pushes: mpsc::Receiver<Push>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        loop {
            let deadline = self.deadline();
            tokio::select! {
                readable = self.socket.readable() => {
                    if let Err(error) = readable {
                        tracing::error!(%error, "the base station's socket failed");
                        return;
                    }
                    self.receive();
                }
                Some(answer) = answered.recv() => {
                    self.answer(answer);
                    while let Ok(answer) = answered.try_recv() {
                        self.answer(answer);
                    }
                }
                Some(push) = pushes.recv() => self.push(push),
                () = sleep_until(deadline.into()) => {}
                _ = &mut stopped => break,
            }
            let now = self.now();
            self.endpoint.handle_timeout(now);
            self.drain();
        }
        self.finish(&mut answered).await;
    }

    /// After the stop: answers what was asked, and asks for no more.
    async fn finish(&mut self, answered: &mut mpsc::UnboundedReceiver<Answered>) {
        let until = Instant::now() + STOP_WAIT;
        while self.in_hand > 0 {
            match tokio::time::timeout_at(until.into(), answered.recv()).await {
                Ok(Some(answer)) => self.answer(answer),
                Ok(None) | Err(_) => break,
            }
            self.transmit();
        }
    }

    fn now(&self) -> Millis {
        Millis(u64::try_from((self.epoch + self.began.elapsed()).as_millis()).unwrap_or(u64::MAX))
    }

    fn deadline(&self) -> Instant {
        const IDLE: Duration = Duration::from_secs(3600);
        match self.endpoint.poll_timeout() {
            Some(at) => self.began + Duration::from_millis(at.0).saturating_sub(self.epoch),
            None => Instant::now() + IDLE,
        }
    }

    fn receive(&mut self) {
        for _ in 0..BURST {
            let (length, from) = match self.socket.try_recv_from(&mut self.datagram) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An earlier datagram of ours was refused where it went; nothing is wrong here.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(error) => {
                    tracing::warn!(%error, "a datagram could not be received");
                    return;
                }
            };
            let now = self.now();
            let bytes = self.datagram.get(..length).unwrap_or_default();
            if let Err(refused) = self.endpoint.handle_datagram(now, from, bytes) {
                self.fleet.app().metrics().datagram_refused(refused.code());
            }
            self.drain();
        }
    }

    fn answer(&mut self, Answered { responder, word }: Answered) {
        self.in_hand = self.in_hand.saturating_sub(1);
        let response = match word {
            Word::Frame(answer) => Response::new(Code::CHANGED)
                .with_format(ContentFormat::OCTET_STREAM)
                .with_payload(answer.frame),
            Word::Nothing => Response::new(Code::CHANGED),
            Word::NotKept => Response::new(Code::SERVICE_UNAVAILABLE),
        };
        let now = self.now();
        if let Err(error) = self.endpoint.respond(now, responder, response) {
            tracing::debug!(?error, "an answer came after its request was forgotten");
        }
    }

    fn push(&mut self, push: Push) {
        let failed = |reason| self.fleet.report(push.id, DownlinkEvent::Failed(reason), None);
        if let Err(error) = FrameLimit::COAP.check(&push.frame) {
            tracing::error!(%error, "a push was not sent");
            return failed(FailReason::TooLong);
        }
        if push.expires_at <= self.fleet.app().now() {
            return self.fleet.report(push.id, DownlinkEvent::Expired, None);
        }
        let Some(to) = address_of(&push.address) else { return failed(FailReason::NoAddress) };
        // A card that observes has a way through its network's address translation held open for the answer; one that does
        // not is asked.
        let now = self.now();
        let sent = match self.endpoint.observer(&to) {
            Some(observation) => {
                let frame = Response::new(Code::CONTENT)
                    .with_format(ContentFormat::OCTET_STREAM)
                    .with_max_age(OBSERVED_SECONDS)
                    .with_payload(push.frame);
                self.endpoint.notify(now, observation, frame)
            }
            None => {
                let request = Request::post(PATH, push.frame).with_format(ContentFormat::OCTET_STREAM);
                self.endpoint.request(now, to, request)
            }
        };
        match sent {
            Ok(exchange) => {
                self.pushes.insert(exchange, push.id);
                self.fleet.report(push.id, DownlinkEvent::Sent, None);
            }
            Err(error) => {
                // The peer has one in hand, or too many wait: it goes later.
                tracing::debug!(?error, "a push was not sent");
                self.fleet.give_back(push.id);
            }
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Request { from, request, responder } => self.request(from, request, responder),
                Event::Response { exchange, .. } | Event::Acknowledged { exchange } => {
                    self.fared(exchange, DownlinkEvent::Acknowledged);
                }
                Event::Failed { exchange, reason } => {
                    tracing::debug!(?reason, "a push was not delivered");
                    self.fared(exchange, DownlinkEvent::Failed(FailReason::NotAcknowledged));
                }
                Event::Notified { exchange } => self.fared(exchange, DownlinkEvent::Acknowledged),
                Event::NotNotified { exchange, reason } => {
                    tracing::debug!(?reason, "a push was not delivered");
                    self.fared(exchange, DownlinkEvent::Failed(FailReason::NotAcknowledged));
                }
                // Pushes to it go as requests from now on.
                Event::ObservationEnded { .. } => {}
            }
        }
        self.fleet.app().metrics().open_exchanges(self.endpoint.open_exchanges().1);
        self.transmit();
    }

    fn fared(&mut self, exchange: ExchangeId, event: DownlinkEvent) {
        if let Some(id) = self.pushes.remove(&exchange) {
            self.fleet.report(id, event, None);
        }
    }

    fn transmit(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            // UDP promises nothing: what the system does not take now is retransmitted.
            if let Err(error) = self.socket.try_send_to(&transmit.bytes, transmit.to) {
                tracing::debug!(%error, "a datagram was not sent");
            }
        }
    }

    fn request(&mut self, from: SocketAddr, request: Request, responder: Responder<SocketAddr>) {
        match (request.path.as_str(), request.method) {
            // A frame comes and goes as bytes (RFC 7252, 5.5.1 and 5.10.4).
            (PATH, _) if request.accept.is_some_and(|format| format != ContentFormat::OCTET_STREAM) => {
                self.reply(responder, Response::new(Code::NOT_ACCEPTABLE));
            }
            (PATH, Method::Post)
                if request.content_format.is_some_and(|format| format != ContentFormat::OCTET_STREAM) =>
            {
                self.reply(responder, Response::new(Code::UNSUPPORTED_CONTENT_FORMAT));
            }
            (PATH, Method::Post) => {
                self.in_hand += 1;
                let (fleet, answers) = (self.fleet.clone(), self.answers.clone());
                tokio::spawn(async move {
                    let address = fleet.own_address(address_text(from));
                    let heard = Heard::plain(&request.payload, &address, from.ip());
                    let mut responder = Some(responder);
                    // Where the station has stopped, the card will ask again.
                    let mut respond =
                        |word| responder.take().map(|responder| answers.send(Answered { responder, word }));
                    // What was not kept has no answer, and the card is told so: its own repetition brings it again.
                    let kept = fleet.uplink(heard, |answer| drop(respond(Word::Frame(answer)))).await;
                    respond(if kept.is_ok() { Word::Nothing } else { Word::NotKept });
                });
            }
            (PATH, Method::Get) if request.observe == Some(Observe::Register) => {
                // Whoever asks may observe, and hears nothing: pushes go only to where a right code came from.
                let empty = Response::new(Code::CONTENT)
                    .with_format(ContentFormat::OCTET_STREAM)
                    .with_max_age(OBSERVED_SECONDS);
                let now = self.now();
                if let Err(error) = self.endpoint.observe(now, responder, empty) {
                    tracing::debug!(?error, "an observation did not begin");
                }
            }
            (PATH, Method::Get | Method::Put | Method::Delete) => {
                self.reply(responder, Response::new(Code::METHOD_NOT_ALLOWED));
            }
            (".well-known/core", Method::Get) => {
                const LINK_FORMAT: ContentFormat = ContentFormat(40);
                let links = format!("</{PATH}>;rt=\"counterfoil.air\";ct=42;obs");
                self.reply(
                    responder,
                    Response::new(Code::CONTENT).with_format(LINK_FORMAT).with_payload(links.into_bytes()),
                );
            }
            _ => self.reply(responder, Response::new(Code::NOT_FOUND)),
        }
    }

    fn reply(&mut self, responder: Responder<SocketAddr>, response: Response) {
        let now = self.now();
        let _ = self.endpoint.respond(now, responder, response);
    }
}

/// How this bearer writes an address.
fn address_text(address: SocketAddr) -> String {
    format!("{NAME}:{address}")
}

fn address_of(text: &str) -> Option<SocketAddr> {
    text.strip_prefix(NAME)?.strip_prefix(':')?.parse().ok()
}
