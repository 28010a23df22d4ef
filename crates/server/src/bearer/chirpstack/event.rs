//! What becomes of one event.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::{DownlinkEvent, DownlinkId, FailReason, Reception};
use networks::chirpstack::{Ack, Event, Log, Status, Topic, TxAck, Up};
use networks::lorawan::{self, Region};
use rumqttc::Publish;
use tokio::task::JoinHandle;

use super::{Shared, settings};
use crate::bearer::FrameLimit;
use crate::fleet::{Answer, Heard, Source};

/// How often what could not be kept is tried again, and how long after: doubled each time, half a minute in all.
const ATTEMPTS: u32 = 7;
const AGAIN_FIRST: Duration = Duration::from_millis(250);

/// An event that is confirmed to the broker when it is done.
pub(super) struct Waiting {
    pub(super) publish: Publish,
    /// Whether what it led to is kept.
    pub(super) done: JoinHandle<bool>,
    /// In which connection it came: another one has other packet ids.
    pub(super) connection: u64,
}

/// Begins to deal with an event.
pub(super) fn begin(shared: Arc<Shared>, publish: &Publish) -> JoinHandle<bool> {
    let (began, topic, payload) = (Instant::now(), publish.topic.clone(), publish.payload.clone());
    tokio::spawn(async move { shared.event(&topic, &payload, began).await })
}

impl Shared {
    async fn event(&self, topic: &str, payload: &[u8], began: Instant) -> bool {
        let metrics = self.fleet.app().metrics();
        let event = Topic::parse(&self.settings.prefix, topic)
            .map_err(|error| error.code())
            .and_then(|topic| Event::parse(&topic, payload).map_err(|error| error.code()));
        match event {
            Ok(Event::Up(up)) => self.up(&up, began).await,
            Ok(Event::TxAck(sent)) => self.sent(&sent).await,
            Ok(Event::Ack(answer)) => self.answered(&answer).await,
            Ok(Event::Log(log)) => self.logged(&log).await,
            Ok(Event::Status(status)) => {
                self.status(&status);
                true
            }
            Ok(Event::Join(_)) => {
                metrics.bearer_event("join");
                true
            }
            Err(code) => {
                tracing::debug!(code, "an event was refused");
                metrics.bearer_failed(code);
                true
            }
        }
    }

    async fn up(&self, up: &Up, began: Instant) -> bool {
        let metrics = self.fleet.app().metrics();
        if up.f_port != self.settings.f_port.get() {
            metrics.bearer_event("other_port");
            return true;
        }
        if !self.seen.first(up.deduplication_id) {
            // Its first may be in hand still; events are confirmed in order, and so not before it is kept.
            metrics.bearer_event("repeated");
            return true;
        }
        metrics.bearer_event("up");
        let region = up.region.as_deref().and_then(Region::from_name).unwrap_or(self.settings.region);
        let named = format!("LoRaWAN {region} DR{}", up.data_rate);
        let limit =
            FrameLimit { bearer: &named, bytes: lorawan::downlink_limit(region, up.data_rate).unwrap_or(0) };
        let application = &up.device.application;
        let address = settings::address(&self.settings.name, application, up.device.channel);
        let heard = Heard {
            bytes: &up.data,
            channel: Some(up.device.channel),
            address: &address,
            by: &format!("{}/{application}", self.settings.name),
            source: Source::Channel(up.device.channel),
            limit,
            reception: Reception {
                rssi_dbm: up.best.as_ref().map(|best| best.rssi_dbm),
                snr_tenths: up.best.as_ref().map(|best| best.snr_tenths),
                data_rate: Some(up.data_rate),
                battery: None,
            },
            tracked: true,
        };
        let send = |answer: Answer| {
            let id = answer.id.unwrap_or_else(|| {
                // Nobody's downlink: the retry of a channel that is not known.
                DownlinkId::from_time_and_random(self.fleet.app().now(), self.fleet.app().random())
            });
            let sent = self.command(application, up.device.channel, id, &answer.frame, answer.expires_at);
            metrics.step("event_to_command", began.elapsed());
            if let Err(error) = sent {
                // The window is lost; the card will ask again, and gets the same bytes.
                tracing::warn!(%error, "an answer was not sent");
                self.fleet.report(id, DownlinkEvent::Failed(FailReason::Unreachable), None);
            }
        };
        let mut patience = Patience::new();
        while self.fleet.uplink(heard, send).await.is_err() {
            if !patience.waits().await {
                self.seen.forget(up.deduplication_id);
                return false;
            }
        }
        true
    }

    async fn sent(&self, sent: &TxAck) -> bool {
        self.tell(sent.queue_item, DownlinkEvent::Sent).await
    }

    async fn answered(&self, answer: &Ack) -> bool {
        let event = if answer.acknowledged {
            DownlinkEvent::Acknowledged
        } else {
            DownlinkEvent::Failed(FailReason::NotAcknowledged)
        };
        self.tell(answer.queue_item, event).await
    }

    async fn logged(&self, log: &Log) -> bool {
        let event = match log.code.as_str() {
            "EXPIRED" => DownlinkEvent::Expired,
            "DOWNLINK_PAYLOAD_SIZE" => DownlinkEvent::Failed(FailReason::TooLong),
            "DOWNLINK_GATEWAY" => DownlinkEvent::Failed(FailReason::GivenUp),
            _ => {
                tracing::info!(code = log.code, level = log.level, "the network server logs");
                self.fleet.app().metrics().bearer_event("log");
                return true;
            }
        };
        self.tell(log.queue_item, event).await
    }

    fn status(&self, status: &Status) {
        let reception = Reception {
            battery: status.battery_percent.map(|percent| percent.min(100) * 2),
            ..Reception::default()
        };
        let by = format!("{}/{}", self.settings.name, status.device.application);
        self.fleet.radio_told(status.device.channel, &by, reception);
        self.fleet.app().metrics().bearer_event("status");
    }

    /// What the network says of an item of its queue. Items that others queued are not ours.
    async fn tell(&self, item: Option<u128>, event: DownlinkEvent) -> bool {
        let others = || self.fleet.app().metrics().bearer_event("others_downlink");
        let Some(item) = item else {
            others();
            return true;
        };
        let mut patience = Patience::new();
        loop {
            match self.fleet.reported(DownlinkId(item), event, None).await {
                Ok(known) => {
                    if !known {
                        others();
                    }
                    return true;
                }
                Err(error) => tracing::error!(%error, "what became of a downlink could not be kept"),
            }
            if !patience.waits().await {
                return false;
            }
        }
    }
}

/// How long it is tried again while the store cannot keep something. Nothing behind it is confirmed meanwhile, so the broker
/// keeps what comes. What is given up is not confirmed: it comes again with the next connection.
struct Patience {
    tries_left: u32,
    wait: Duration,
}

impl Patience {
    fn new() -> Self {
        Self { tries_left: ATTEMPTS, wait: AGAIN_FIRST }
    }

    /// Waits before the next try; `false` where there is none.
    async fn waits(&mut self) -> bool {
        let Some(left) = self.tries_left.checked_sub(1) else { return false };
        tokio::time::sleep(self.wait).await;
        (self.tries_left, self.wait) = (left, self.wait * 2);
        true
    }
}
