//! LoRaWAN by ChirpStack v4, over MQTT.
//!
//! ChirpStack publishes each uplink as an event and takes downlinks as commands. It picks the downlink for an uplink's
//! receive window about 100 ms after the event, so an answer is published as soon as it is durable. An event is acknowledged
//! to the broker only then: the broker keeps what a stopped or killed platform has not answered (a persistent session, QoS 1),
//! and what it repeats has no second effect.
//!
//! Three tasks: `connection` owns the connection and tells what the broker confirmed; each event is answered by a task of its
//! own; `acknowledging` confirms events to the broker in the order in which they came.
//!
//! Refuses: provisioning (see `provision`), reading frames, and calling a downlink *delivered*: an unconfirmed LoRaWAN
//! downlink was sent, and no more is known.
//! Next: `settings` for what it is told, `event` for what becomes of each event.

mod connection;
mod event;
mod settings;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fleet::{DownlinkEvent, DownlinkId, FailReason};
use model::{ChannelId, UnixMillis};
use networks::chirpstack::{Command, command_topic};
use rumqttc::{AsyncClient, NetworkOptions, QoS};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use self::event::Waiting;
use super::seen::Seen;
use super::{Bearer, NotTaken};
use crate::app::Push;
use crate::fleet::Fleet;

pub use settings::{Password, Settings, SettingsError};

/// Events that are answered at once; one more waits with the broker.
const EVENTS_MAX: usize = 1_024;
/// Commands and acknowledgements that wait for the connection.
const REQUESTS_MAX: usize = 8_192;
/// Downlinks that the broker has not confirmed, at once, whether they are on the wire yet or not.
const UNCONFIRMED_MAX: u16 = 1_024;
/// Packet ids that the MQTT client may use. Far more than are ever in use: after a break it sends again what was not
/// confirmed without looking how many that is, and an id that is in use would lose a command.
const PACKET_IDS: u16 = 4 * UNCONFIRMED_MAX;
/// The longest that MQTT has, in bytes (MQTT 3.1.1, clause 2.2.3). A shorter limit would end the connection, and again with each
/// repetition of the packet, for ever: what is too long for us is refused by name, and confirmed. Brokers have a limit of
/// their own (`max_packet_size`).
const PACKET_MAX: usize = 268_435_460;

// Room for every command, and an acknowledgement of every event in hand and of each that came again after a break: whoever
// acknowledges never waits for the connection, which may wait for them.
const _: () = assert!(UNCONFIRMED_MAX as usize + 2 * EVENTS_MAX < REQUESTS_MAX);

/// A connection to a ChirpStack's broker that runs.
pub struct ChirpStack {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What the tasks share.
struct Shared {
    settings: Settings,
    fleet: Fleet,
    client: AsyncClient,
    /// Whether commands can be published.
    connected: AtomicBool,
    /// Whether the broker has confirmed the subscriptions of this connection.
    subscribed: AtomicBool,
    /// Subscriptions of this connection that the broker has not confirmed yet.
    unsubscribed: AtomicUsize,
    /// Counts connections.
    connection: AtomicU64,
    /// Whether it was said that events come with QoS 0.
    warned: AtomicBool,
    seen: Seen,
    outbox: Mutex<Outbox>,
}

/// Downlinks between us and the broker's word.
#[derive(Default)]
struct Outbox {
    /// Published and not yet on the wire, in order.
    queued: VecDeque<DownlinkId>,
    /// On the wire under a packet id, until the broker confirms it.
    unconfirmed: HashMap<u16, DownlinkId>,
}

impl ChirpStack {
    /// Begins to connect, and serves whenever the broker is there. It is attached to the fleet under its name.
    pub fn start(settings: Settings, fleet: Fleet) -> Result<Self, SettingsError> {
        let mut options = settings.options()?;
        options
            .set_clean_session(false)
            .set_manual_acks(true)
            .set_inflight(PACKET_IDS)
            .set_max_packet_size(PACKET_MAX, PACKET_MAX);
        let (client, mut connection) = AsyncClient::new(options, REQUESTS_MAX);
        // A command is a small packet that must leave at once: it must not wait for the acknowledgement of the one before.
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        connection.set_network_options(network);
        let shared = Arc::new(Shared {
            settings,
            client,
            connected: AtomicBool::new(false),
            subscribed: AtomicBool::new(false),
            unsubscribed: AtomicUsize::new(0),
            connection: AtomicU64::new(0),
            warned: AtomicBool::new(false),
            seen: Seen::default(),
            outbox: Mutex::default(),
            fleet: fleet.clone(),
        });
        fleet.attach(Arc::new(Handle(Arc::clone(&shared))));
        let (stop, stopped) = watch::channel(false);
        let (waiting, answered) = mpsc::channel::<Waiting>(EVENTS_MAX);
        let acknowledging = tokio::spawn(acknowledging(Arc::clone(&shared), answered));
        let running = connection::run(Arc::clone(&shared), connection, waiting, acknowledging, stopped);
        Ok(Self { shared, stop, task: tokio::spawn(running) })
    }

    /// Whether the broker is connected and has confirmed the subscription.
    pub fn is_connected(&self) -> bool {
        self.shared.subscribed.load(Ordering::Relaxed)
    }

    /// Answers what is in hand, and ends. What the broker has not been told of, it keeps.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        let _ = (&mut self.task).await;
    }
}

impl Drop for ChirpStack {
    /// Whoever does not stop it ends it in the middle of everything: what the broker was not told of, it keeps.
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Confirms events to the broker in the order in which they came, each when what it led to is durable.
async fn acknowledging(shared: Arc<Shared>, mut answered: mpsc::Receiver<Waiting>) {
    while let Some(Waiting { publish, done, connection }) = answered.recv().await {
        // A mistake in one event must not hold up all others behind it.
        let kept = done.await.unwrap_or(true);
        // What came in a connection that is gone comes again, under another packet id.
        if !kept || connection != shared.connection.load(Ordering::SeqCst) {
            continue;
        }
        if shared.client.ack(&publish).await.is_err() {
            return;
        }
    }
}

impl Shared {
    /// Publishes a command; whether it is on its way to the broker.
    fn command(
        &self,
        application: &str,
        channel: ChannelId,
        id: DownlinkId,
        frame: &[u8],
        expires_at: UnixMillis,
    ) -> Result<(), NotTaken> {
        if !self.connected.load(Ordering::Relaxed) {
            return Err(NotTaken::Away);
        }
        let settings = &self.settings;
        let topic = command_topic(&settings.prefix, application, channel);
        let command = Command {
            id: id.0,
            channel,
            confirmed: settings.confirmed,
            f_port: settings.f_port,
            data: frame,
            expires_at,
        };
        // Under one lock, so that the order here is the order on the wire.
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        if outbox.queued.len() + outbox.unconfirmed.len() >= usize::from(UNCONFIRMED_MAX) {
            return Err(NotTaken::Full { limit: usize::from(UNCONFIRMED_MAX) });
        }
        self.client
            .try_publish(topic, QoS::AtLeastOnce, false, command.to_json())
            .map_err(|_| NotTaken::Full { limit: REQUESTS_MAX })?;
        outbox.queued.push_back(id);
        Ok(())
    }

    /// A publish went onto the wire under this packet id: for the first time, or again.
    fn on_the_wire(&self, packet: u16) {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        if !outbox.unconfirmed.contains_key(&packet)
            && let Some(id) = outbox.queued.pop_front()
        {
            outbox.unconfirmed.insert(packet, id);
        }
    }

    /// The broker has it: it waits in the network's queue now.
    fn confirmed(&self, packet: u16) {
        let id = self.outbox.lock().unwrap_or_else(PoisonError::into_inner).unconfirmed.remove(&packet);
        if let Some(id) = id {
            self.fleet.report(id, DownlinkEvent::Handed, None);
        }
    }

    /// The broker has forgotten the session, and the connection what it had not confirmed: all that is given back.
    fn forgotten(&self) {
        let outbox = std::mem::take(&mut *self.outbox.lock().unwrap_or_else(PoisonError::into_inner));
        for id in outbox.queued.into_iter().chain(outbox.unconfirmed.into_values()) {
            self.fleet.give_back(id);
        }
    }
}

/// What the fleet holds.
struct Handle(Arc<Shared>);

impl Bearer for Handle {
    fn name(&self) -> &str {
        &self.0.settings.name
    }

    fn room_at(&self, _: &str) -> usize {
        self.0.settings.room()
    }

    fn hand(&self, push: Push) -> Result<(), NotTaken> {
        let shared = &self.0;
        let failed = |reason| {
            shared.fleet.report(push.id, DownlinkEvent::Failed(reason), None);
            Ok(())
        };
        if let Err(error) = shared.settings.longest().check(&push.frame) {
            tracing::error!(%error, "a push was not sent");
            return failed(FailReason::TooLong);
        }
        let Some((application, _)) = settings::application_and_device(&shared.settings.name, &push.address)
        else {
            return failed(FailReason::NoAddress);
        };
        shared.command(application, push.channel, push.id, &push.frame, push.expires_at)
    }
}
