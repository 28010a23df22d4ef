//! A card's radio: one task that owns socket, CoAP endpoint, controller and memory.
//!
//! For: the shell around [`Card`]. Each frame of the card goes out as a confirmable POST to [`AIR_PATH`];
//! the answer's payload goes to the card; a push comes in as a POST to the same path. The drain contract of
//! `air::card` is kept here: what must be durable is on the disk before the next datagram leaves.
//! Refuses: deciding anything about payments, and talking to anybody but its platform. A platform's error
//! is logged by its code and changes nothing: the card's own timers go on.
//! Next: [`crate::SoftwareCard`] is how others get at it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use air::card::{Action, Card, Edge, Light, Uptime};
use air::{FrameBytes, Kind};
use coap::{Code, ContentFormat, Endpoint, Event, ExchangeId, Method, Millis, Request, Response, SendError};
use model::Decision;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, warn};

use crate::frame_note::{Direction, Notes, kind_of};
use crate::{CardState, FlashMedium, Halt, SoftElement};

/// The CoAP path that frames are posted to, in both directions.
pub const AIR_PATH: &str = "cf";

/// Frames that may wait for the one before them; a card has seldom two things to say.
const WAITING_MAX: usize = 8;
/// After an error of the socket: an error that stays must not become a busy loop.
const SOCKET_PAUSE: Duration = Duration::from_millis(20);

/// What a handle wants.
#[derive(Debug)]
pub(crate) enum Command {
    /// The key's edge, and when the finger moved.
    Key(Edge, Instant),
    SetBattery(u8),
    SendStatus(u16),
    Stop,
}

/// A frame on its way.
struct Flight {
    number: u64,
    kind: Option<Kind>,
    frame: FrameBytes,
    acknowledged: bool,
}

pub(crate) struct Radio {
    pub(crate) name: String,
    pub(crate) socket: UdpSocket,
    pub(crate) platform: SocketAddr,
    pub(crate) endpoint: Endpoint<SocketAddr>,
    pub(crate) card: Card<SoftElement>,
    /// Away only while it is being written.
    pub(crate) flash: Option<FlashMedium>,
    pub(crate) listens: bool,
    pub(crate) start: Instant,
    pub(crate) notes: Notes,
    pub(crate) state: watch::Sender<CardState>,
    pub(crate) traffic: Traffic,
}

/// What is being said.
#[derive(Default)]
pub(crate) struct Traffic {
    latest: Uptime,
    flights: BTreeMap<ExchangeId, Flight>,
    waiting: VecDeque<FrameBytes>,
    frames: u64,
    /// The memory's latched decision, when that is *not me*.
    said_not_me: bool,
}

enum Woken {
    Datagram(std::io::Result<(usize, SocketAddr)>),
    Command(Option<Command>),
    Deadline,
}

impl Radio {
    /// Runs the card until it is stopped, all its handles are gone, or its memory fails.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let halt = self.live(&mut commands).await;
        if halt == Halt::FlashFailed {
            error!(card = %self.name, "halted: {halt}");
        }
        self.state.send_modify(|state| {
            state.version += 1;
            state.light = match halt {
                Halt::SwitchedOff => Light::Off,
                Halt::FlashFailed => Light::Red,
            };
            state.screen = crate::OwnedScreen::Blank;
            state.halted = Some(halt);
        });
    }

    async fn live(&mut self, commands: &mut mpsc::Receiver<Command>) -> Halt {
        // One byte more than the longest datagram: longer ones are refused instead of misread.
        let mut buffer = vec![0; self.endpoint.config().datagram_limit + 1];
        loop {
            if let Err(halt) = self.drain().await {
                return halt;
            }
            self.publish();
            let deadline = self.deadline();
            let woken = tokio::select! {
                received = self.socket.recv_from(&mut buffer) => Woken::Datagram(received),
                command = commands.recv() => Woken::Command(command),
                () = sleep_until(deadline.unwrap_or(self.start)), if deadline.is_some() => Woken::Deadline,
            };
            match woken {
                Woken::Datagram(Ok((length, from))) => self.receive(from, &buffer[..length]),
                Woken::Datagram(Err(source)) => {
                    debug!(card = %self.name, "socket: {source}");
                    tokio::time::sleep(SOCKET_PAUSE).await;
                }
                Woken::Command(None | Some(Command::Stop)) => return Halt::SwitchedOff,
                Woken::Command(Some(Command::Key(edge, at))) => {
                    let at = self.uptime_at(at);
                    self.card.handle_key(at, edge);
                }
                Woken::Command(Some(Command::SetBattery(half_percents))) => {
                    self.card.set_battery(half_percents);
                    self.state.send_modify(|state| {
                        state.version += 1;
                        state.battery = half_percents.min(air::BATTERY_FULL);
                    });
                }
                Woken::Command(Some(Command::SendStatus(firmware))) => {
                    let now = self.now();
                    self.card.send_status(now, firmware);
                }
                Woken::Deadline => {
                    let now = self.now();
                    self.card.handle_timeout(now);
                    self.endpoint.handle_timeout(Millis(now.0));
                }
            }
        }
    }

    fn now(&mut self) -> Uptime {
        self.uptime_at(Instant::now())
    }

    /// A moment as the card counts it, never before one that it was told already: a key's edge may have
    /// waited in its queue behind a deadline.
    fn uptime_at(&mut self, at: Instant) -> Uptime {
        let millis = at.saturating_duration_since(self.start).as_millis();
        let uptime = Uptime(u64::try_from(millis).unwrap_or(u64::MAX));
        self.traffic.latest = self.traffic.latest.max(uptime);
        self.traffic.latest
    }

    fn deadline(&self) -> Option<Instant> {
        let card = self.card.poll_timeout().map(|at| at.0);
        let endpoint = self.endpoint.poll_timeout().map(|at| at.0);
        let millis = [card, endpoint].into_iter().flatten().min()?;
        // A card whose clock ran out waits for ever; a moment that cannot be counted is never.
        self.start.checked_add(Duration::from_millis(millis))
    }

    /// Does what card and endpoint want, in order, until neither wants anything.
    async fn drain(&mut self) -> Result<(), Halt> {
        loop {
            while let Some(action) = self.card.poll_action() {
                match action {
                    Action::Store(flash) => self.store(flash).await?,
                    Action::Transmit(frame) => self.say(frame),
                }
            }
            self.stop_asking_in_vain();
            while let Some(transmit) = self.endpoint.poll_transmit() {
                if let Err(source) = self.socket.send_to(&transmit.bytes, transmit.to).await {
                    // As if the air had lost it: CoAP repeats, and the card has its own timers.
                    debug!(card = %self.name, "not sent: {source}");
                }
            }
            match self.endpoint.poll_event() {
                Some(event) => self.hear(event),
                None => return Ok(()),
            }
        }
    }

    /// Returns when the memory holds it. Nothing else of this card happens meanwhile.
    async fn store(&mut self, flash: air::card::Flash) -> Result<(), Halt> {
        let latched = flash.latched.as_ref();
        if let Some(latched) = latched {
            self.traffic.said_not_me = latched.text.decision == Decision::NotMe;
        }
        let mut medium = self.flash.take().ok_or(Halt::FlashFailed)?;
        let stored = match medium {
            FlashMedium::Volatile(_) => {
                let stored = medium.store(flash);
                (medium, stored)
            }
            // A disk takes its time, and the other cards of this process have only so many threads.
            FlashMedium::File(_) => tokio::task::spawn_blocking(move || {
                let stored = medium.store(flash);
                (medium, stored)
            })
            .await
            .map_err(|_| Halt::FlashFailed)?,
        };
        let (medium, stored) = stored;
        self.flash = Some(medium);
        stored.map_err(|failure| {
            error!(card = %self.name, "{failure}");
            Halt::FlashFailed
        })
    }

    /// A frame goes out, or waits for the one before it. It takes the place of what it makes pointless: of
    /// itself, and of a hello whose answer the card does not take any more. CoAP lets one request at a time
    /// be outstanding, and it must not be a dead one.
    fn say(&mut self, frame: FrameBytes) {
        let kind = kind_of(&frame);
        let hello_is_over =
            kind == Some(Kind::Hello) || (kind == Some(Kind::Result) && self.card.light() != Light::Prompt);
        self.forget(|said, bytes| *bytes == frame || (hello_is_over && said == Some(Kind::Hello)));
        if self.traffic.waiting.len() == WAITING_MAX {
            self.traffic.waiting.pop_front();
        }
        self.traffic.waiting.push_back(frame);
        self.send_waiting();
    }

    /// A hello that the card gave up is not repeated any longer: the radio would only empty the battery.
    fn stop_asking_in_vain(&mut self) {
        if !matches!(self.card.light(), Light::Working | Light::Prompt) {
            self.forget(|kind, _| kind == Some(Kind::Hello));
        }
    }

    fn forget(&mut self, pointless: impl Fn(Option<Kind>, &FrameBytes) -> bool) {
        let (endpoint, notes) = (&mut self.endpoint, &self.notes);
        let before = self.traffic.flights.len();
        self.traffic.flights.retain(|exchange, flight| {
            let over = pointless(flight.kind, &flight.frame);
            if over {
                endpoint.cancel(*exchange);
                if !flight.acknowledged {
                    notes.mark_lost(flight.number);
                }
            }
            !over
        });
        self.traffic.waiting.retain(|frame| !pointless(kind_of(frame), frame));
        if self.traffic.flights.len() < before {
            self.send_waiting();
        }
    }

    fn send_waiting(&mut self) {
        while let Some(frame) = self.traffic.waiting.front().cloned() {
            let request = Request::post(AIR_PATH, frame.as_slice()).with_format(ContentFormat::OCTET_STREAM);
            let now = Millis(self.now().0);
            match self.endpoint.request(now, self.platform, request) {
                Ok(exchange) => {
                    let number = self.note(Direction::Up, &frame);
                    let flight = Flight { number, kind: kind_of(&frame), frame, acknowledged: false };
                    self.traffic.flights.insert(exchange, flight);
                }
                Err(
                    SendError::PeerBusy { .. }
                    | SendError::PeerFull { .. }
                    | SendError::ExchangesFull { .. }
                    | SendError::QueueFull { .. },
                ) => return,
                Err(refused) => warn!(card = %self.name, "a frame cannot be sent: {refused}"),
            }
            self.traffic.waiting.pop_front();
        }
    }

    fn receive(&mut self, from: SocketAddr, datagram: &[u8]) {
        // A card that does not listen has its receiver off unless it waits for an answer of its own.
        let deaf = !self.listens && self.traffic.flights.is_empty();
        if from != self.platform || deaf {
            return;
        }
        let now = Millis(self.now().0);
        if let Err(refused) = self.endpoint.handle_datagram(now, from, datagram) {
            debug!(card = %self.name, rule = refused.code(), "datagram refused");
        }
    }

    fn hear(&mut self, event: Event<SocketAddr>) {
        match event {
            Event::Response { exchange, response, .. } => {
                if let Some(flight) = self.traffic.flights.remove(&exchange) {
                    self.answered(&flight, &response);
                }
            }
            Event::Acknowledged { exchange } => {
                if let Some(flight) = self.traffic.flights.get_mut(&exchange) {
                    flight.acknowledged = true;
                }
            }
            Event::Failed { exchange, reason } => {
                if let Some(flight) = self.traffic.flights.remove(&exchange) {
                    if !flight.acknowledged {
                        self.notes.mark_lost(flight.number);
                    }
                    let frame = flight.kind.map_or("frame", Kind::name);
                    warn!(card = %self.name, frame, "the platform did not answer: {reason}");
                }
            }
            // Nobody is let observe a card.
            Event::Notified { .. } | Event::NotNotified { .. } | Event::ObservationEnded { .. } => {}
            Event::Request { request, responder, .. } => {
                let code = if request.method == Method::Post && request.path == AIR_PATH {
                    self.take(&request.payload);
                    // Whether the card believes it is nobody's business on the air.
                    Code::CHANGED
                } else {
                    Code::NOT_FOUND
                };
                let now = Millis(self.now().0);
                if let Err(refused) = self.endpoint.respond(now, responder, Response::new(code)) {
                    debug!(card = %self.name, "a push cannot be acknowledged: {refused}");
                }
            }
        }
        self.send_waiting();
    }

    fn answered(&mut self, flight: &Flight, response: &Response) {
        if !response.code.is_success() {
            let frame = flight.kind.map_or("frame", Kind::name);
            warn!(card = %self.name, frame, code = %response.code, "the platform refused");
        } else if !response.payload.is_empty() {
            self.take(&response.payload);
        } else if flight.kind == Some(Kind::Hello) {
            let now = self.now();
            self.card.handle_nothing_waits(now);
        }
    }

    fn take(&mut self, frame: &[u8]) {
        self.note(Direction::Down, frame);
        let now = self.now();
        if let Err(ignored) = self.card.handle_frame(now, frame) {
            debug!(card = %self.name, "frame ignored: {ignored}");
        }
    }

    fn note(&mut self, direction: Direction, frame: &[u8]) -> u64 {
        self.traffic.frames += 1;
        self.notes.add(self.traffic.frames, direction, frame);
        self.traffic.frames
    }

    /// Tells whoever watches, if there is anything to tell.
    fn publish(&mut self) {
        let now = self.now();
        let (card, start, traffic) = (&self.card, self.start, &mut self.traffic);
        traffic.said_not_me &= card.light() != Light::Prompt;
        self.state.send_if_modified(|state| {
            let mut changed = state.read(card, start, now);
            changed |= state.frames != traffic.frames || state.said_not_me != traffic.said_not_me;
            state.frames = traffic.frames;
            state.said_not_me = traffic.said_not_me;
            state.version += u64::from(changed);
            changed
        });
    }
}
