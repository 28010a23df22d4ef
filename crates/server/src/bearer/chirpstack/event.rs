//! What becomes of one event.

use std::sync::Arc;
use std::time::Instant;

use fleet::{DownlinkEvent, DownlinkId, FailReason, Reception};
use networks::chirpstack::{Ack, Event, Log, Status, Topic, TxAck, Up};
use networks::lorawan::{self, Region};
use rumqttc::Publish;
use tokio::task::JoinHandle;

use super::{Shared, settings};
use crate::bearer::FrameLimit;
use crate::fleet::{Heard, Source};

/// An event that is confirmed to the broker when it is done.
pub(super) struct Waiting {
    pub(super) publish: Publish,
    pub(super) done: JoinHandle<()>,
}

/// Begins to deal with an event.
pub(super) fn begin(shared: Arc<Shared>, publish: &Publish) -> JoinHandle<()> {
    let (began, topic, payload) = (Instant::now(), publish.topic.clone(), publish.payload.clone());
    tokio::spawn(async move { shared.event(&topic, &payload, began).await })
}

impl Shared {
    async fn event(&self, topic: &str, payload: &[u8], began: Instant) {
        let metrics = self.fleet.app().metrics();
        let event = Topic::parse(&self.settings.prefix, topic)
            .map_err(|error| error.code())
            .and_then(|topic| Event::parse(&topic, payload).map_err(|error| error.code()));
        match event {
            Ok(Event::Up(up)) => self.up(&up, began).await,
            Ok(Event::TxAck(sent)) => self.sent(&sent).await,
            Ok(Event::Ack(answer)) => self.answered(&answer).await,
            Ok(Event::Log(log)) => self.logged(&log).await,
            Ok(Event::Status(status)) => self.status(&status),
            Ok(Event::Join(_)) => metrics.bearer_event("join"),
            Err(code) => {
                tracing::debug!(code, "an event was refused");
                metrics.bearer_failed(code);
            }
        }
    }

    async fn up(&self, up: &Up, began: Instant) {
        let metrics = self.fleet.app().metrics();
        if up.f_port != self.settings.f_port.get() {
            return metrics.bearer_event("other_port");
        }
        if !self.seen.first(up.deduplication_id) {
            return metrics.bearer_event("repeated");
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
        let Some(answer) = self.fleet.uplink(heard).await else { return };
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
    }

    async fn sent(&self, sent: &TxAck) {
        self.tell(sent.queue_item, DownlinkEvent::Sent).await;
    }

    async fn answered(&self, answer: &Ack) {
        let event = if answer.acknowledged {
            DownlinkEvent::Acknowledged
        } else {
            DownlinkEvent::Failed(FailReason::NotAcknowledged)
        };
        self.tell(answer.queue_item, event).await;
    }

    async fn logged(&self, log: &Log) {
        let event = match log.code.as_str() {
            "EXPIRED" => DownlinkEvent::Expired,
            "DOWNLINK_PAYLOAD_SIZE" => DownlinkEvent::Failed(FailReason::TooLong),
            "DOWNLINK_GATEWAY" => DownlinkEvent::Failed(FailReason::GivenUp),
            _ => {
                tracing::info!(code = log.code, level = log.level, "the network server logs");
                return self.fleet.app().metrics().bearer_event("log");
            }
        };
        self.tell(log.queue_item, event).await;
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
    async fn tell(&self, item: Option<u128>, event: DownlinkEvent) {
        let Some(item) = item else { return self.fleet.app().metrics().bearer_event("others_downlink") };
        match self.fleet.reported(DownlinkId(item), event, None).await {
            Ok(true) => {}
            Ok(false) => self.fleet.app().metrics().bearer_event("others_downlink"),
            Err(error) => tracing::error!(%error, "what became of a downlink could not be kept"),
        }
    }
}
