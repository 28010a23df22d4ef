//! The network server's end of a measurement: it tells of frames as ChirpStack does, and takes commands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::ChannelId;
use rumqttc::{AsyncClient, Event, EventLoop, Incoming, MqttOptions, NetworkOptions, QoS};
use sim::crowd::LooseEnd;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::cli::Failure;

const APPLICATION: &str = "17c82e96-be03-4f38-aef3-f83d48582d97";
/// How long the broker may take to let us in.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// A network server that runs. It ends with this value.
pub(super) struct NetworkServer {
    took: Arc<Mutex<Vec<Duration>>>,
    tasks: Vec<JoinHandle<()>>,
}

/// When each card's last event was published.
type Published = Arc<Mutex<HashMap<String, (usize, Option<Instant>)>>>;

impl NetworkServer {
    /// Carries the frames of these cards, each by its place.
    pub(super) async fn start(url: &str, channels: Vec<ChannelId>, end: LooseEnd) -> Result<Self, Failure> {
        let address = url.strip_prefix("mqtt://").ok_or("the broker must be mqtt://HOST:PORT")?;
        let (host, port) = address.split_once(':').unwrap_or((address, "1883"));
        let mut options = MqttOptions::new("network-server", host, port.parse()?);
        options.set_inflight(2_000);
        let (client, mut connection) = AsyncClient::new(options, 8_192);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        connection.set_network_options(network);
        client.subscribe("application/+/device/+/command/down", QoS::AtLeastOnce).await?;
        let ready = async {
            loop {
                if let Event::Incoming(Incoming::SubAck(_)) = connection.poll().await? {
                    return Ok::<_, rumqttc::ConnectionError>(());
                }
            }
        };
        tokio::time::timeout(CONNECT_WAIT, ready).await.map_err(|_| "the broker did not answer")??;
        let devices: Vec<String> = channels
            .iter()
            .map(|channel| channel.to_string().trim_start_matches("deveui:").to_owned())
            .collect();
        let published: Published = Arc::new(Mutex::new(
            devices.iter().enumerate().map(|(place, device)| (device.clone(), (place, None))).collect(),
        ));
        let took = Arc::<Mutex<Vec<Duration>>>::default();
        let LooseEnd { frames, answers } = end;
        let tasks = vec![
            tokio::spawn(tell(client, devices, frames, Arc::clone(&published))),
            tokio::spawn(hear(connection, answers, published, Arc::clone(&took))),
        ];
        Ok(Self { took, tasks })
    }

    /// Begins the measurement anew.
    pub(super) fn forget(&self) {
        self.took.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// From an event's publication to its command's arrival: the broker is crossed twice.
    pub(super) fn percentile_ms(&self, share: f64) -> f64 {
        let mut took = self.took.lock().unwrap_or_else(PoisonError::into_inner).clone();
        took.sort_unstable();
        let index = (took.len().saturating_sub(1) as f64 * share).round() as usize;
        took.get(index).map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
    }
}

impl Drop for NetworkServer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn tell(
    client: AsyncClient,
    devices: Vec<String>,
    mut frames: mpsc::Receiver<(usize, Vec<u8>)>,
    published: Published,
) {
    let mut count = 0_u64;
    while let Some((place, frame)) = frames.recv().await {
        let Some(device) = devices.get(place) else { continue };
        count += 1;
        let event = serde_json::json!({
            "deduplicationId": format!("3ac7e3c4-4401-4b8d-9386-{count:012x}"),
            "time": "2026-11-20T18:31:28.123456+00:00",
            "deviceInfo": {
                "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242", "applicationId": APPLICATION,
                "deviceName": "card", "devEui": device, "tags": {},
            },
            "devAddr": "00189440", "adr": true, "dr": 5, "fCnt": count, "fPort": 40,
            "data": STANDARD.encode(&frame),
            "rxInfo": [{ "gatewayId": "0016c001f153a14c", "uplinkId": count, "rssi": -90, "snr": 4.5 }],
            "txInfo": { "frequency": 867_100_000 }, "regionConfigId": "eu868",
        });
        if let Some((_, at)) = published.lock().unwrap_or_else(PoisonError::into_inner).get_mut(device) {
            *at = Some(Instant::now());
        }
        let topic = format!("application/{APPLICATION}/device/{device}/event/up");
        if client.publish(topic, QoS::AtLeastOnce, false, event.to_string()).await.is_err() {
            return;
        }
    }
}

async fn hear(
    mut connection: EventLoop,
    answers: mpsc::Sender<(usize, Vec<u8>)>,
    published: Published,
    took: Arc<Mutex<Vec<Duration>>>,
) {
    loop {
        let publish = match connection.poll().await {
            Ok(Event::Incoming(Incoming::Publish(publish))) => publish,
            Ok(_) => continue,
            Err(error) => return eprintln!("bench fleet: the broker is gone: {error}"),
        };
        let Ok(command) = serde_json::from_slice::<serde_json::Value>(&publish.payload) else { continue };
        let (Some(device), Some(data)) = (command["devEui"].as_str(), command["data"].as_str()) else {
            continue;
        };
        let known = published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(device)
            .map(|(place, at)| (*place, at.take()));
        let (Some((place, at)), Ok(frame)) = (known, STANDARD.decode(data)) else { continue };
        if let Some(at) = at {
            took.lock().unwrap_or_else(PoisonError::into_inner).push(at.elapsed());
        }
        if answers.send((place, frame)).await.is_err() {
            return;
        }
    }
}
