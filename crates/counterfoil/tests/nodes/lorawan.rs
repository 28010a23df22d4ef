//! LoRaWAN at two nodes: one has ChirpStack's connection, and the other takes its session over, with a real broker between.

use std::collections::BTreeMap;
use std::time::Duration;

use air::card::{Action, Card, Edge, Flash, Light, Uptime};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS};
use serde_json::{Value, json};
use sim::{CardImage, SoftElement};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::broker::Broker;
use crate::program::merchant::SMALL;
use crate::program::platform::Issued;
use crate::program::process::PATIENCE;
use crate::region::{Region, becomes};

const APPLICATION: &str = "17c82e96-be03-4f38-aef3-f83d48582d97";
const CARDS: u64 = 6;

/// ChirpStack, as far as its broker shows it: uplinks are published, downlinks are commands.
struct NetworkServer {
    client: AsyncClient,
    /// Device and frame.
    commands: mpsc::UnboundedReceiver<(String, Vec<u8>)>,
    uplinks: u64,
    task: JoinHandle<()>,
}

impl Drop for NetworkServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl NetworkServer {
    async fn at(broker: &Broker) -> Self {
        let mut options = MqttOptions::new("network-server", "127.0.0.1", broker.port);
        options.set_clean_session(false);
        let (client, mut connection) = AsyncClient::new(options, 1_000);
        let (heard, commands) = mpsc::unbounded_channel();
        let (ready, mut is_ready) = mpsc::channel(16);
        client.subscribe("application/+/device/+/command/down", QoS::AtLeastOnce).await.unwrap();
        let task = tokio::spawn(async move {
            loop {
                match connection.poll().await.unwrap() {
                    Event::Incoming(Incoming::SubAck(_)) => ready.send(()).await.unwrap(),
                    Event::Incoming(Incoming::Publish(publish)) => {
                        let command: Value = serde_json::from_slice(&publish.payload).unwrap();
                        let device = command["devEui"].as_str().unwrap().to_owned();
                        let _ =
                            heard.send((device, STANDARD.decode(command["data"].as_str().unwrap()).unwrap()));
                    }
                    _ => {}
                }
            }
        });
        is_ready.recv().await.unwrap();
        Self { client, commands, uplinks: 0, task }
    }

    /// A card's frame came in by a gateway.
    async fn hears(&mut self, device: &str, frame: &[u8]) {
        self.uplinks += 1;
        let event = json!({
            "deduplicationId": format!("3ac7e3c4-4401-4b8d-9386-{:012x}", self.uplinks),
            "time": "2026-11-20T18:31:28.123456+00:00",
            "deviceInfo": {
                "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
                "applicationId": APPLICATION,
                "deviceProfileId": "14855bf7-d10d-4aee-b618-ebfcb64dc7ad",
                "devEui": device,
                "deviceClassEnabled": "CLASS_A",
            },
            "devAddr": "00189440",
            "adr": true,
            "dr": 5,
            "fCnt": self.uplinks,
            "fPort": 40,
            "data": STANDARD.encode(frame),
            "regionConfigId": "eu868",
        });
        let topic = format!("application/{APPLICATION}/device/{device}/event/up");
        self.client.publish(topic, QoS::AtLeastOnce, false, event.to_string()).await.unwrap();
    }

    /// The next frame for a card.
    async fn command(&mut self) -> (String, Vec<u8>) {
        let command = tokio::time::timeout(PATIENCE, self.commands.recv()).await;
        command.expect("a command").unwrap()
    }
}

/// A card on LoRaWAN in its holder's hand, with a thumb as quick as the test.
struct Hand {
    device: String,
    card: Card<SoftElement>,
    at: Uptime,
    /// Every frame that came for it, in order; a repetition is no further one.
    heard: Vec<Vec<u8>>,
}

impl Hand {
    fn take(issued: &Issued, device: String) -> Self {
        let image = CardImage::load(&issued.image).unwrap();
        let card = Card::new(image.element.clone(), image.limits(), Flash::default());
        Self { device, card, at: Uptime(0), heard: Vec::new() }
    }

    /// Presses while nothing is prompted: the hello.
    fn press(&mut self) -> Vec<u8> {
        self.at = self.at + 7_000;
        self.card.handle_timeout(self.at);
        self.card.handle_key(self.at, Edge::Down);
        self.at = self.at + 100;
        self.card.handle_key(self.at, Edge::Up);
        self.said()
    }

    /// Presses once while it is lit up: the result.
    fn agree(&mut self) -> Vec<u8> {
        assert_eq!(self.card.light(), Light::Prompt);
        self.at = self.at + 1_000;
        self.card.handle_key(self.at, Edge::Down);
        self.card.handle_key(self.at + 100, Edge::Up);
        self.at = self.at + 1_200;
        self.card.handle_timeout(self.at);
        self.said()
    }

    /// A frame comes by the air. The radio may bring one twice; it must be that very one.
    fn hear(&mut self, frame: Vec<u8>) {
        if self.heard.contains(&frame) {
            return;
        }
        self.at = self.at + 50;
        self.card.handle_frame(self.at, &frame).unwrap();
        while self.card.poll_action().is_some() {}
        self.heard.push(frame);
    }

    fn said(&mut self) -> Vec<u8> {
        let mut said = None;
        while let Some(action) = self.card.poll_action() {
            match action {
                Action::Transmit(frame) => said = Some(frame.to_vec()),
                Action::Store(_) => {}
            }
        }
        said.unwrap()
    }
}

type Hands = BTreeMap<String, Hand>;

/// Takes what the platform sends until so many cards have heard so many frames.
async fn brings(network: &mut NetworkServer, hands: &mut Hands, cards: usize, frames: usize) {
    while hands.values().filter(|hand| hand.heard.len() >= frames).count() < cards {
        let (device, frame) = network.command().await;
        hands.get_mut(&device).unwrap().hear(frame);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cards_say_while_the_node_with_chirpstack_s_connection_dies_the_other_answers_once() {
    let broker = Broker::open().await;
    let mut region = Region::new();
    let section = format!("\n[chirpstack]\nurl = \"{}\"\n", broker.url());
    let (north, south) = (region.node_with("north", &section), region.node_with("south", &section));
    let merchant = south.merchant("Morning Market");
    let mut hands = Hands::new();
    let mut cards = Vec::new();
    let mut holder = Vec::new();
    for number in 0..CARDS {
        let device = format!("70b3d57ed000{number:04x}");
        let channel = format!("deveui:{device}");
        let options = [&["--channel", &channel][..], &holder.iter().map(String::as_str).collect::<Vec<_>>()];
        let card = north.card(&options.concat());
        if holder.is_empty() {
            holder = vec!["--holder".into(), card.holder.clone()];
        }
        hands.insert(device.clone(), Hand::take(&card, device));
        cards.push(card);
    }
    north.fund(&cards[0].holder, 100_000);
    let north_serves = north.serve();
    north_serves.asks("connected to the broker");
    let south_serves = south.serve();
    let has = |node: &'static str| {
        move |health: &Value| {
            let duties = health["duties"].as_array().unwrap();
            duties.iter().any(|duty| duty["job"] == "chirpstack" && duty["node"] == node)
        }
    };
    becomes(&south, "north's connection", has("north")).await;
    let mut network = NetworkServer::at(&broker).await;
    let devices: Vec<String> = hands.keys().cloned().collect();
    let mut orders = Vec::new();
    for card in &cards {
        orders.push(merchant.order(&card.id, SMALL).await.id);
    }

    // Half of the cards ask while north serves; it dies in the middle of its answers.
    for device in &devices[..3] {
        let hello = hands.get_mut(device).unwrap().press();
        network.hears(device, &hello).await;
    }
    brings(&mut network, &mut hands, 1, 1).await;
    north_serves.kill();
    for device in &devices[3..] {
        let hello = hands.get_mut(device).unwrap().press();
        network.hears(device, &hello).await;
    }
    south_serves.asks("connected to the broker");
    becomes(&south, "the connection", has("south")).await;
    brings(&mut network, &mut hands, devices.len(), 1).await;
    for device in &devices {
        let result = hands.get_mut(device).unwrap().agree();
        network.hears(device, &result).await;
    }
    brings(&mut network, &mut hands, devices.len(), 2).await;

    // What came twice was the same, and each card heard its question and its receipt, and nothing else.
    while let Ok(Some((device, frame))) =
        tokio::time::timeout(Duration::from_millis(500), network.commands.recv()).await
    {
        hands.get_mut(&device).unwrap().hear(frame);
    }
    for hand in hands.values() {
        assert_eq!((hand.heard.len(), hand.card.light()), (2, Light::Green), "{}", hand.device);
    }
    assert_eq!(merchant.paid().await, orders.iter().cloned().collect());
    assert_eq!(merchant.balance().await, i64::from(SMALL) * i64::try_from(CARDS).unwrap());
    let payments = "select count(*) from event where kind = 'order.paid'";
    assert_eq!(region.asks(payments), CARDS.to_string());
    south_serves.signal("TERM");
    south_serves.ended().well();
    south.ledger();
}
