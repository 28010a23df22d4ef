//! A LoRaWAN network server as the platform sees it: JSON on the topics of a real broker, as ChirpStack v4 writes it.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{ChannelId, ChannelKind};
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS};
use serde_json::{Value, json};
use server::Fleet;
use server::bearer::chirpstack::{ChirpStack, Settings};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::broker::Broker;
use crate::town::{Town, soon};
use crate::{Network, Word, until};

pub(crate) const APPLICATION: &str = "17c82e96-be03-4f38-aef3-f83d48582d97";
const TENANT: &str = "52f14cd4-c6f1-4fbd-8f87-4025e1d49242";

pub(crate) struct NetworkServer {
    pub(crate) broker: Broker,
    pub(crate) platform: Option<ChirpStack>,
    pub(crate) settings: Settings,
    client: AsyncClient,
    commands: mpsc::UnboundedReceiver<(String, Value)>,
    came: VecDeque<Value>,
    last_command: Option<Value>,
    last_event: Option<(String, Value)>,
    events: u64,
    task: JoinHandle<()>,
}

impl Drop for NetworkServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn eui(channel: ChannelId) -> String {
    channel.to_string().trim_start_matches("deveui:").to_owned()
}

impl NetworkServer {
    pub(crate) async fn at(broker: Broker, settings: Settings, fleet: Fleet) -> Self {
        let mut options = MqttOptions::new("network-server", "127.0.0.1", broker.port);
        options.set_clean_session(false);
        options.set_max_packet_size(1 << 20, 1 << 20);
        options.set_credentials("counterfoil", "right");
        let (client, mut connection) = AsyncClient::new(options, 1_000);
        let (heard, commands) = mpsc::unbounded_channel();
        let subscriber = client.clone();
        let (ready, mut is_ready) = mpsc::channel(16);
        let task = tokio::spawn(async move {
            loop {
                match connection.poll().await {
                    Ok(Event::Incoming(Incoming::ConnAck(_))) => {
                        let all = "application/+/device/+/command/down";
                        subscriber.subscribe(all, QoS::AtLeastOnce).await.unwrap();
                    }
                    Ok(Event::Incoming(Incoming::SubAck(_))) => {
                        let _ = ready.try_send(());
                    }
                    Ok(Event::Incoming(Incoming::Publish(publish))) => {
                        let command = serde_json::from_slice(&publish.payload).unwrap();
                        let _ = heard.send((publish.topic, command));
                    }
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                }
            }
        });
        soon("the network server's subscription", is_ready.recv()).await;
        let platform = ChirpStack::start(settings.clone(), fleet).unwrap();
        until("the platform's subscription", || platform.is_connected()).await;
        Self {
            broker,
            platform: Some(platform),
            settings,
            client,
            commands,
            came: VecDeque::new(),
            last_command: None,
            last_event: None,
            events: 0,
            task,
        }
    }

    /// The platform's end is gone from one moment to the next.
    pub(crate) fn kill_platform(&mut self) {
        drop(self.platform.take().unwrap());
    }

    pub(crate) async fn start_platform(&mut self, town: &Town) {
        let platform = ChirpStack::start(self.settings.clone(), town.fleet.clone()).unwrap();
        until("the platform's subscription", || platform.is_connected()).await;
        self.platform = Some(platform);
    }

    fn head(&mut self, channel: ChannelId) -> Value {
        self.events += 1;
        json!({
            "deduplicationId": format!("3ac7e3c4-4401-4b8d-9386-{:012x}", self.events),
            "time": "2026-11-20T18:31:28.123456+00:00",
            "deviceInfo": {
                "tenantId": TENANT,
                "tenantName": "Town",
                "applicationId": APPLICATION,
                "applicationName": "Cards",
                "deviceProfileId": "14855bf7-d10d-4aee-b618-ebfcb64dc7ad",
                "deviceProfileName": "Card",
                "deviceName": "card",
                "devEui": eui(channel),
                "deviceClassEnabled": "CLASS_A",
                "tags": {},
            },
        })
    }

    pub(crate) async fn publish(&mut self, channel: ChannelId, kind: &str, event: Value) {
        let topic = format!("application/{APPLICATION}/device/{}/event/{kind}", eui(channel));
        self.publish_at(&topic, event.to_string().into_bytes()).await;
        self.last_event = Some((topic, event));
    }

    /// At QoS 0, ChirpStack's own default.
    pub(crate) async fn publish_carelessly(&self, channel: ChannelId, kind: &str, event: Value) {
        let topic = format!("application/{APPLICATION}/device/{}/event/{kind}", eui(channel));
        self.client.publish(topic, QoS::AtMostOnce, false, event.to_string()).await.unwrap();
    }

    pub(crate) async fn publish_at(&self, topic: &str, payload: Vec<u8>) {
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).await.unwrap();
    }

    /// An uplink with fields at their defaults left out, as ChirpStack writes it.
    pub(crate) fn up(&mut self, channel: ChannelId, frame: &[u8], data_rate: u8) -> Value {
        let mut event = self.head(channel);
        let more = json!({
            "devAddr": "00189440",
            "adr": true,
            "fCnt": self.events,
            "fPort": 40,
            "data": STANDARD.encode(frame),
            "rxInfo": [
                { "gatewayId": "0016c001f153a14c", "uplinkId": 4_217_106_255_u64, "rssi": -36, "snr": 10.5 },
                { "gatewayId": "0016c001f153a14d", "uplinkId": 4_217_106_256_u64, "rssi": -112 },
            ],
            "txInfo": {
                "frequency": 867_100_000,
                "modulation": { "lora": { "bandwidth": 125_000, "spreadingFactor": 7, "codeRate": "CR_4_5" } },
            },
            "regionConfigId": "eu868",
        });
        let fields = event.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        if data_rate != 0 {
            fields.insert("dr".into(), data_rate.into());
        }
        event
    }

    async fn about_last(&mut self, kind: &str, more: Value) {
        let Some(command) = self.last_command.clone() else { return };
        let channel: ChannelId = format!("deveui:{}", command["devEui"].as_str().unwrap()).parse().unwrap();
        let mut event = self.head(channel);
        event["queueItemId"] = command["id"].clone();
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.publish(channel, kind, event).await;
    }

    /// The next command, with its topic checked.
    pub(crate) async fn command(&mut self) -> Value {
        let command = match self.came.pop_front() {
            Some(command) => command,
            None => {
                let (topic, command) = soon("a command", self.commands.recv()).await.unwrap();
                let device = command["devEui"].as_str().unwrap();
                assert_eq!(topic, format!("application/{APPLICATION}/device/{device}/command/down"));
                command
            }
        };
        self.last_command = Some(command.clone());
        command
    }

    /// Waits until the platform has been told so much.
    pub(crate) async fn told(&self, town: &Town, kind: &str, count: u64) {
        until(kind, || town.counted("bearer_events", kind) >= count).await;
    }

    pub(crate) async fn join(&mut self, channel: ChannelId) {
        let event = self.head(channel);
        self.publish(channel, "join", event).await;
    }
}

impl Network for NetworkServer {
    const VOUCHES: bool = true;
    const QUEUES: bool = true;

    async fn open(fleet: Fleet) -> Self {
        let broker = Broker::open().await;
        let settings = Settings::at(broker.url());
        Self::at(broker, settings, fleet).await
    }

    fn channel(number: u64) -> ChannelId {
        ChannelId::new(ChannelKind::DevEui, (0x70b3_d57e_d000_0000 + number).to_be_bytes()).unwrap()
    }

    async fn uplink(&mut self, channel: ChannelId, frame: &[u8]) {
        let event = self.up(channel, frame, 5);
        self.publish(channel, "up", event).await;
    }

    async fn repeat(&mut self) {
        let (topic, event) = self.last_event.clone().unwrap();
        self.publish_at(&topic, event.to_string().into_bytes()).await;
    }

    async fn downlink(&mut self) -> Vec<u8> {
        let command = self.command().await;
        assert_eq!((&command["fPort"], &command["confirmed"]), (&json!(40), &json!(false)));
        assert!(command["expiresAt"].as_str().unwrap().ends_with('Z'));
        STANDARD.decode(command["data"].as_str().unwrap()).unwrap()
    }

    async fn sends(&mut self) {
        let gateway = json!({ "downlinkId": 3_914_321, "fCntDown": 12, "gatewayId": "0016c001f153a14c" });
        self.about_last("txack", gateway).await;
    }

    async fn says(&mut self, word: Word) {
        // `acknowledged` at its default, false, is left out.
        let more = match word {
            Word::Acknowledged => json!({ "acknowledged": true, "fCntDown": 12 }),
            Word::NotAcknowledged => json!({ "fCntDown": 12 }),
        };
        self.about_last("ack", more).await;
    }

    async fn is_quiet(&mut self, town: &Town) -> bool {
        // Events are answered side by side, and told of in order: when the broker has all of them confirmed, each is done.
        let joins = town.counted("bearer_events", "join");
        self.join(Self::channel(999)).await;
        self.told(town, "join", joins + 1).await;
        let waiting = || town.app.store().queue().waiting == 0;
        until("the writer", waiting).await;
        town.app.can_keep().await.unwrap();
        while let Ok((_, command)) = self.commands.try_recv() {
            self.came.push_back(command);
        }
        self.came.is_empty()
    }
}
