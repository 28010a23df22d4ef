//! A software card that runs: switched on, pressed, watched, switched off.
//!
//! For: [`SoftwareCard`], a handle on the task that is the card. Handles are cloned freely; the card runs
//! until one of them stops it or the last is dropped. Refuses: knowing what a press means; the card does.
//! Next: `radio.rs` for the task, [`crate::face`] for the card as a web page.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use air::card::{Card, Edge, GUARD_MILLIS, Light, Limits};
use air::{BATTERY_FULL, Link};
use coap::Endpoint;
use model::CardInformation;
use tokio::net::UdpSocket;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, sleep};

use crate::frame_note::{FrameNote, Notes};
use crate::radio::{Command, Radio, Traffic};
use crate::{CardImage, CardState, CardStopped, FlashMedium, Halt, StartError};

/// How long a finger stays down, and up, in [`SoftwareCard::press`].
const PRESS: Duration = Duration::from_millis(150);

/// How a card is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its frames go, and the only place it hears.
    pub platform: SocketAddr,
    /// Its own address; port 0 for any.
    pub bind: SocketAddr,
    /// Whether uplinks carry the channel id. CoAP vouches for no channel, so it is on by default.
    pub channel_on_air: bool,
    /// How long an answer is waited for.
    pub answer_within: Duration,
    /// How many uplink factors are reserved at once to spare the flash, 0 to 300 seconds.
    pub reserve_seconds: u32,
    /// Timing and limits of the bearer.
    pub coap: coap::Config,
    /// For message ids, tokens and jitter: a random one, a new one at every start.
    pub seed: u64,
}

impl Options {
    /// The defaults of the protocol and of RFC 7252, any own port, and a random seed.
    pub fn to(platform: SocketAddr) -> Self {
        let limits = Limits::default();
        Self {
            platform,
            bind: any_port(platform),
            channel_on_air: limits.channel_on_air,
            answer_within: Duration::from_millis(limits.answer_millis),
            reserve_seconds: limits.reserve_seconds,
            coap: coap::Config::default(),
            seed: random_seed(),
        }
    }
}

/// Any port of the platform's family.
pub(crate) fn any_port(platform: SocketAddr) -> SocketAddr {
    if platform.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() }
}

/// The standard library's hash keys are the system's randomness: enough for message ids and jitter, for
/// which alone it is used.
pub(crate) fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// What does not change while a card runs.
#[derive(Debug)]
struct Facts {
    information: CardInformation,
    link: Link,
    printed_name: String,
    has_display: bool,
    address: SocketAddr,
}

/// A handle on a running software card.
#[derive(Clone)]
pub struct SoftwareCard {
    facts: Arc<Facts>,
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<CardState>,
    notes: Notes,
}

impl SoftwareCard {
    /// Switches a card on with what its memory holds. It says nothing until its key is pressed.
    pub async fn start(
        image: CardImage,
        flash: impl Into<FlashMedium>,
        options: Options,
    ) -> Result<Self, StartError> {
        let bound = |source| StartError::Bind { address: options.bind, source };
        let socket = UdpSocket::bind(options.bind).await.map_err(bound)?;
        let address = socket.local_addr().map_err(bound)?;
        let flash = flash.into();
        let facts = Facts {
            information: image.information(),
            link: image.link(),
            printed_name: image.printed_name.clone(),
            has_display: image.has_display,
            address,
        };
        let limits = Limits {
            channel_on_air: options.channel_on_air,
            answer_millis: u64::try_from(options.answer_within.as_millis()).unwrap_or(u64::MAX),
            reserve_seconds: options.reserve_seconds,
            ..image.limits()
        };
        let start = Instant::now();
        let card = Card::new(image.element, limits, flash.content().clone());
        let (state, watched) = watch::channel(CardState::switched_on(&card, BATTERY_FULL, start));
        let (commands, wanted) = mpsc::channel(64);
        let notes = Notes::new();
        let radio = Radio {
            name: facts.information.card_id.to_string(),
            socket,
            platform: options.platform,
            endpoint: Endpoint::new(options.coap, options.seed),
            card,
            flash: Some(flash),
            listens: image.listens,
            start,
            notes: notes.clone(),
            state,
            traffic: Traffic::default(),
        };
        tokio::spawn(radio.run(wanted));
        Ok(Self { facts: Arc::new(facts), commands, state: watched, notes })
    }

    /// The card's information.
    pub fn information(&self) -> &CardInformation {
        &self.facts.information
    }

    /// Its channel, key version and suite.
    pub fn link(&self) -> Link {
        self.facts.link
    }

    /// What is printed under its number; may be empty.
    pub fn printed_name(&self) -> &str {
        &self.facts.printed_name
    }

    /// Whether it shows amount and place itself.
    pub fn has_display(&self) -> bool {
        self.facts.has_display
    }

    /// The address of its radio.
    pub fn address(&self) -> SocketAddr {
        self.facts.address
    }

    /// The key goes down or up, now.
    pub async fn key(&self, edge: Edge) -> Result<(), CardStopped> {
        self.send(Command::Key(edge, Instant::now())).await
    }

    /// Presses the key so many times, a finger's pace apart. The card counts presses together that are less
    /// than 0.6 s apart, and none in the first 0.7 s of a light: see [`SoftwareCard::prompted`].
    pub async fn press(&self, times: u8) -> Result<(), CardStopped> {
        for press in 0..times {
            if press > 0 {
                sleep(PRESS).await;
            }
            self.hold(PRESS).await?;
        }
        Ok(())
    }

    /// Holds the key down for so long.
    pub async fn hold(&self, time: Duration) -> Result<(), CardStopped> {
        self.key(Edge::Down).await?;
        sleep(time).await;
        self.key(Edge::Up).await
    }

    /// Waits until a payment is prompted and the 0.7 s are over in which presses count for nothing: what a
    /// holder's eyes do. A prompt that lapses meanwhile is waited past.
    pub async fn prompted(&self) -> Result<CardState, CardStopped> {
        loop {
            self.until(|state| state.light == Light::Prompt).await?;
            sleep(Duration::from_millis(GUARD_MILLIS + 10)).await;
            let state = self.view();
            if state.light == Light::Prompt {
                return Ok(state);
            }
        }
    }

    /// The battery as the next frames will tell it, 0 to 200 in half percents.
    pub async fn set_battery(&self, half_percents: u8) -> Result<(), CardStopped> {
        self.send(Command::SetBattery(half_percents)).await
    }

    /// Sends a status frame. A card whose clock is not set has nothing to send it with and does not.
    pub async fn send_status(&self, firmware: u16) -> Result<(), CardStopped> {
        self.send(Command::SendStatus(firmware)).await
    }

    /// What the card shows now.
    pub fn view(&self) -> CardState {
        self.state.borrow().clone()
    }

    /// Follows what the card shows. It ends when the card is off.
    pub fn watch(&self) -> watch::Receiver<CardState> {
        self.state.clone()
    }

    /// Waits until the card shows what is looked for.
    pub async fn until(&self, wanted: impl FnMut(&CardState) -> bool) -> Result<CardState, CardStopped> {
        let mut state = self.state.clone();
        // A watch that ends mid-wait holds why in its last value.
        match state.wait_for(wanted).await {
            Ok(found) => Ok(found.clone()),
            Err(_) => Err(self.stopped()),
        }
    }

    /// The last frames that crossed its radio, oldest first.
    pub fn frames(&self) -> Vec<FrameNote> {
        self.notes.last()
    }

    /// The frames from now on. A reader that falls 64 behind loses the oldest.
    pub fn subscribe_frames(&self) -> broadcast::Receiver<FrameNote> {
        self.notes.subscribe()
    }

    /// Switches the card off between two actions and waits until its socket and memory are let go. What it
    /// decided and was not receipted for stays in its memory; switched on again, it asks.
    pub async fn stop(&self) {
        // It may be off already, or stop for another reason first.
        let _ = self.commands.send(Command::Stop).await;
        self.commands.closed().await;
        let mut state = self.state.clone();
        while state.changed().await.is_ok() {}
    }

    async fn send(&self, command: Command) -> Result<(), CardStopped> {
        self.commands.send(command).await.map_err(|_| self.stopped())
    }

    fn stopped(&self) -> CardStopped {
        CardStopped(self.state.borrow().halted.unwrap_or(Halt::SwitchedOff))
    }
}

impl fmt::Debug for SoftwareCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftwareCard")
            .field("information", &self.facts.information)
            .field("address", &self.facts.address)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlashFile, sample};

    #[tokio::test]
    async fn a_card_whose_memory_fails_sends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let image = CardImage::new(sample::element(1));
        let flash = FlashFile::worn_out(&folder.path().join("lin.flash"), &image.link()).unwrap();
        let platform = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let options = Options::to(platform.local_addr().unwrap());
        let card = SoftwareCard::start(image, flash, options).await.unwrap();
        card.key(Edge::Down).await.unwrap();
        let state = card.until(|state| state.halted.is_some()).await.unwrap();
        assert_eq!((state.halted, state.light), (Some(Halt::FlashFailed), Light::Red));
        card.stop().await;
        assert_eq!(card.key(Edge::Up).await, Err(CardStopped(Halt::FlashFailed)));
        assert!(platform.try_recv(&mut [0; 64]).is_err());
        assert_eq!(state.frames, 0);
    }
}
