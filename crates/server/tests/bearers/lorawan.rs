//! What only ChirpStack and its broker do: brokers that are away, events that are not ours, windows that are short.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleet::DownlinkState;
use model::ChannelId;
use serde_json::{Value, json};
use server::bearer::chirpstack::{ChirpStack, Password, Settings, SettingsError};
use store::StoredDownlink;

use crate::broker::Broker;
use crate::chirpstack::{APPLICATION, NetworkServer};
use crate::town::{Town, Wish};
use crate::{Network, Shore, until};

/// The answers that were made on a channel, newest first.
fn answers(town: &Town, channel: ChannelId) -> Vec<StoredDownlink> {
    let downlinks = town.app.store().peek(|rows| rows.downlinks_before(channel, None, 50)).unwrap();
    downlinks.into_iter().filter(|downlink| downlink.order.is_none()).collect()
}

#[tokio::test]
async fn what_became_of_an_answer_is_told_as_the_network_server_tells_it() {
    let mut shore = Shore::<NetworkServer>::open().await;
    let mut card = shore.card(1, false).await;
    let channel = card.link.channel;
    shore.network.uplink(channel, &card.press()).await;
    let command = shore.network.command().await;
    let stands = async |shore: &Shore<NetworkServer>, state| {
        let is_so = |town: &Town| answers(town, channel).first().is_some_and(|answer| answer.state == state);
        shore.until(&format!("{state:?}"), is_so).await;
    };
    stands(&shore, DownlinkState::Handed).await;
    // An item that outlived its time is told of at the next uplink, in the log.
    let mut log = json!({
        "time": "2026-11-20T18:32:28+00:00",
        "deviceInfo": { "applicationId": APPLICATION, "devEui": command["devEui"] },
        "level": "ERROR",
        "code": "EXPIRED",
        "description": "Device queue-item discarded because it has expired",
        "context": { "queue_item_id": command["id"] },
    });
    shore.network.publish(channel, "log", log.clone()).await;
    stands(&shore, DownlinkState::Expired).await;
    // A line about nothing of ours is counted, and no more.
    log["context"] = json!({});
    shore.network.publish(channel, "log", log).await;
    shore.network.told(&shore.town, "others_downlink", 1).await;
    // It went out all the same: that is what is true.
    shore.network.sends().await;
    stands(&shore, DownlinkState::Sent).await;
}

#[tokio::test]
async fn a_text_is_left_out_where_the_data_rate_has_no_room_and_amount_and_place_never_are() {
    let mut shore = Shore::<NetworkServer>::open().await;
    for (number, region, data_rate, frame) in
        [(1, "cn470_10", 1, 23), (2, "cn470_10", 2, 23 + 12), (3, "eu868", 0, 23 + 12)]
    {
        let mut card = shore.awake(number, false).await;
        let body = json!({ "card": card.id.to_string(), "amount": 2_000, "currency": "CNY", "place": "Market",
            "text": "早餐 6 件" });
        shore.town.bakery.api.post("/v1/orders", &body).await.json(201);
        let mut event = shore.network.up(card.link.channel, &card.press(), data_rate);
        event["regionConfigId"] = json!(region);
        shore.network.publish(card.link.channel, "up", event).await;
        let transaction = shore.network.downlink().await;
        assert_eq!(transaction.len(), frame, "{region} DR{data_rate}");
        card.hear(&transaction);
        assert!(card.is_lit());
    }
}

#[tokio::test]
async fn an_answer_that_fits_no_window_is_not_sent_and_its_refusal_names_both() {
    let mut shore = Shore::<NetworkServer>::open().await;
    let mut card = shore.card(1, false).await;
    shore.town.order(card.id, 2_000).await;
    // A card without a clock gets a wide transaction, of 25 bytes.
    let mut event = shore.network.up(card.link.channel, &card.press(), 1);
    event["regionConfigId"] = json!("cn470_10");
    shore.network.publish(card.link.channel, "up", event).await;
    shore.until("refused", |town| town.counted("downlinks", "too_long") == 1).await;
    assert!(shore.network.is_quiet(&shore.town).await);
}

#[tokio::test]
async fn what_is_not_an_event_of_ours_is_refused_by_name_and_disturbs_nobody() {
    let mut shore = Shore::<NetworkServer>::open().await;
    let channel = NetworkServer::channel(1);
    let good = shore.network.up(channel, b"x", 0);
    let without = |field: &str| {
        let mut event = good.clone();
        event.as_object_mut().unwrap().remove(field);
        event
    };
    let with = |field: &str, value: Value| {
        let mut event = good.clone();
        event[field] = value;
        event
    };
    for (event, code) in [
        (b"\x0a\x24protobuf".to_vec(), "event_not_json"),
        (b"[]".to_vec(), "event_not_an_object"),
        (b"{}".to_vec(), "event_field_missing"),
        (without("deduplicationId").to_string().into_bytes(), "event_field_missing"),
        (with("data", json!("%%%")).to_string().into_bytes(), "event_field_malformed"),
        (with("dr", json!(-1)).to_string().into_bytes(), "event_field_malformed"),
        (with("time", json!("yesterday")).to_string().into_bytes(), "event_field_malformed"),
        (with("data", json!(STANDARD.encode([0; 300]))).to_string().into_bytes(), "event_data_too_long"),
        (
            with("deviceInfo", json!({ "devEui": "70b3d57ed0000002" })).to_string().into_bytes(),
            "event_topic_mismatch",
        ),
        (
            with("deviceInfo", json!({ "applicationId": "another" })).to_string().into_bytes(),
            "event_topic_mismatch",
        ),
        (with("rxInfo", json!("x".repeat(70_000))).to_string().into_bytes(), "event_too_long"),
    ] {
        let before = shore.town.counted("bearer_failures", code);
        let topic = format!("application/{APPLICATION}/device/70b3d57ed0000001/event/up");
        shore.network.publish_at(&topic, event).await;
        shore.until(code, |town| town.counted("bearer_failures", code) == before + 1).await;
    }
    let strange = format!("application/{APPLICATION}/device/70b3d57ed0000001/event/location");
    shore.network.publish_at(&strange, b"{}".to_vec()).await;
    shore.until("topic", |town| town.counted("bearer_failures", "topic_event") == 1).await;
    // Another application of the device speaks on another port.
    let other_port = with("fPort", json!(2));
    shore.network.publish(channel, "up", other_port).await;
    shore.network.told(&shore.town, "other_port", 1).await;
    let no_port = without("fPort");
    shore.network.publish(channel, "up", no_port).await;
    shore.network.told(&shore.town, "other_port", 2).await;
    let mut card = shore.card(1, false).await;
    shore.network.uplink(channel, &card.press()).await;
    card.hear(&shore.network.downlink().await);
}

#[tokio::test]
async fn a_device_that_no_card_is_bound_to_is_sent_back_at_a_limited_rate() {
    let mut shore = Shore::<NetworkServer>::open().await;
    let mut card = shore.town.card(Wish { brief: true, ..Wish::default() }).await;
    let hello = card.press();
    for _ in 0..40 {
        shore.network.uplink(NetworkServer::channel(77), &hello).await;
    }
    shore.until("all", |town| town.counted("frames_refused", "unknown_channel") == 40).await;
    assert!(!shore.network.is_quiet(&shore.town).await);
    let sent = 40 - shore.town.counted("frames_refused", "retry_limit");
    assert_eq!(sent, 30);
    for _ in 0..sent {
        assert_eq!(shore.network.downlink().await.len(), 2, "a retry");
    }
    assert!(shore.network.is_quiet(&shore.town).await);
}

#[tokio::test]
async fn battery_and_signal_are_known_from_what_the_network_tells() {
    let mut shore = Shore::<NetworkServer>::open().await;
    let mut card = shore.card(1, false).await;
    let channel = card.link.channel;
    shore.network.uplink(channel, &card.press()).await;
    shore.network.downlink().await;
    let mut status = shore.network.up(channel, b"", 0);
    status["margin"] = json!(7);
    status["batteryLevel"] = json!(15.4);
    shore.network.publish(channel, "status", status).await;
    shore.network.told(&shore.town, "status", 1).await;
    shore.town.fleet.keep_notes().await.unwrap();
    let known = shore.town.app.store().peek(|rows| rows.channel(channel)).unwrap().unwrap().heard;
    assert_eq!(
        (known.reception.rssi_dbm, known.reception.snr_tenths),
        (Some(-36), Some(105)),
        "the best gateway"
    );
    assert_eq!((known.battery, known.reception.data_rate), (Some(30), Some(5)));
    assert_eq!(known.by, Some(format!("chirpstack/{APPLICATION}")));
    let alerts = shore.town.app.store().peek(|rows| rows.alerts_of_channel(channel, 9)).unwrap();
    assert_eq!((alerts.len(), alerts[0].kind), (1, fleet::AlertKind::BatteryLow));
}

#[tokio::test]
async fn a_broker_that_is_away_at_the_start_is_waited_for() {
    let town = Town::open().await;
    let mut broker = Broker::open().await;
    broker.stop();
    let platform = ChirpStack::start(Settings::at(broker.url()), town.fleet.clone()).unwrap();
    until("told", || town.counted("bearer_failures", "unreachable") > 0).await;
    assert!(!platform.is_connected());
    broker.start().await;
    until("connected", || platform.is_connected()).await;
    platform.stop().await;
}

#[tokio::test]
async fn uplinks_that_came_while_the_platform_was_away_are_answered_once_when_it_is_back() {
    let mut shore = Shore::<NetworkServer>::open().await;
    let mut cards = Vec::new();
    for number in 1..=5 {
        let card = shore.card(number, false).await;
        shore.town.order(card.id, 2_000).await;
        cards.push(card);
    }
    // The first is in hand when the program ends: nothing of it is durable, and the broker was not told.
    let hold = shore.town.hold_writer().await;
    let (channel, hello) = (cards[0].link.channel, cards[0].press());
    shore.network.uplink(channel, &hello).await;
    shore.network.told(&shore.town, "up", 1).await;
    shore.network.kill_platform();
    drop(hold);
    for card in cards.iter_mut().skip(1) {
        let hello = card.press();
        shore.network.uplink(card.link.channel, &hello).await;
    }
    shore.network.start_platform(&shore.town).await;
    let mut lit = std::collections::BTreeSet::new();
    while lit.len() < cards.len() {
        let command = shore.network.command().await;
        let channel: ChannelId = format!("deveui:{}", command["devEui"].as_str().unwrap()).parse().unwrap();
        let card = cards.iter_mut().find(|card| card.link.channel == channel).unwrap();
        if lit.insert(channel) {
            card.hear(&STANDARD.decode(command["data"].as_str().unwrap()).unwrap());
        }
        assert!(card.is_lit());
    }
    for card in &cards {
        let link = shore.town.app.store().peek(|rows| rows.link_state(card.id)).unwrap();
        assert_eq!(link.prompts, 1, "asked once");
    }
}

#[tokio::test]
async fn a_broker_that_goes_away_loses_and_doubles_nothing() {
    let mut shore = Shore::<NetworkServer>::open().await;
    let mut card = shore.listening(1).await;
    shore.network.broker.stop();
    shore
        .until("away", |town| {
            town.counted("bearer_failures", "connection_lost")
                + town.counted("bearer_failures", "unreachable")
                > 0
        })
        .await;
    // An order is made while nobody can be told.
    let order = shore.town.order(card.id, 2_000).await;
    let waiting = shore.pushes(card.link.channel)[0].clone();
    assert_eq!((waiting.state, waiting.frame.is_empty()), (DownlinkState::Queued, false));
    assert_eq!(shore.town.counted("downlinks", "not_taken"), 1);
    shore.network.broker.start().await;
    // It goes out when the broker is back.
    card.hear(&shore.network.downlink().await);
    shore.stands(waiting.id, DownlinkState::Handed).await;
    shore.network.uplink(card.link.channel, &card.agree(1)).await;
    card.hear(&shore.network.downlink().await);
    assert!(card.is_green());
    assert_eq!(shore.town.state(order), "paid");
    assert!(shore.network.is_quiet(&shore.town).await);
}

#[tokio::test]
async fn wrong_credentials_are_named_and_right_ones_are_taken() {
    let town = Town::open().await;
    let broker = Broker::for_users().await;
    let credentials = |word: &str| Some(("counterfoil".to_owned(), Password::new(word.into())));
    let wrong = Settings { credentials: credentials("wrong"), ..Settings::at(broker.url()) };
    let platform = ChirpStack::start(wrong, town.fleet.clone()).unwrap();
    until("told", || town.counted("bearer_failures", "wrong_credentials") > 0).await;
    assert!(!platform.is_connected());
    platform.stop().await;
    let right = Settings { credentials: credentials("right"), ..Settings::at(broker.url()) };
    let mut network = NetworkServer::at(broker, right, town.fleet.clone()).await;
    assert!(network.is_quiet(&town).await);
}

#[tokio::test]
async fn a_platform_that_stops_has_answered_what_it_was_told() {
    let mut shore = Shore::<NetworkServer>::open().await;
    let mut card = shore.card(1, false).await;
    shore.town.order(card.id, 2_000).await;
    let hold = shore.town.hold_writer().await;
    shore.network.uplink(card.link.channel, &card.press()).await;
    shore.network.told(&shore.town, "up", 1).await;
    let platform = shore.network.platform.take().unwrap();
    let stopping = tokio::spawn(platform.stop());
    drop(hold);
    crate::town::soon("the end", stopping).await.unwrap();
    card.hear(&shore.network.downlink().await);
    assert!(card.is_lit());
    // And the broker has been told: it does not come again.
    shore.network.start_platform(&shore.town).await;
    assert!(shore.network.is_quiet(&shore.town).await);
    assert_eq!(shore.town.counted("bearer_events", "up"), 1);
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_refused_before_anything_is_connected() {
    let town = Town::open().await;
    let refused = ChirpStack::start(Settings::at("http://broker"), town.fleet.clone()).err();
    assert!(matches!(refused, Some(SettingsError::Url(_))), "{refused:?}");
    let trusting_nobody =
        Settings { authorities: Some("no/such/file.pem".into()), ..Settings::at("mqtts://localhost") };
    let refused = ChirpStack::start(trusting_nobody, town.fleet.clone()).err();
    assert!(matches!(refused, Some(SettingsError::Tls(_))), "{refused:?}");
}

#[tokio::test]
async fn a_radio_that_no_card_has_becomes_no_channel_by_its_status() {
    let mut shore = Shore::<NetworkServer>::open().await;
    let stranger = "deveui:70b3d57ed0ffffff".parse().unwrap();
    let mut status = shore.network.up(stranger, b"", 0);
    status["batteryLevel"] = json!(3.5);
    shore.network.publish(stranger, "status", status).await;
    shore.until("refused by name", |town| town.counted("frames_refused", "unknown_channel") == 1).await;
    shore.town.fleet.keep_notes().await.unwrap();
    assert_eq!(shore.town.app.store().peek(|rows| rows.channel(stranger)).unwrap(), None);
}

#[tokio::test]
async fn events_at_qos_0_are_answered_and_counted_so_that_somebody_sets_1() {
    let mut shore = Shore::<NetworkServer>::open().await;
    let mut card = shore.card(1, false).await;
    let event = shore.network.up(card.link.channel, &card.press(), 5);
    shore.network.publish_carelessly(card.link.channel, "up", event).await;
    card.hear(&shore.network.downlink().await);
    assert_eq!(shore.town.counted("bearer_events", "qos_0"), 1);
}

#[tokio::test]
async fn a_packet_of_half_a_megabyte_is_refused_by_name_and_what_is_behind_it_is_answered() {
    let mut shore = Shore::<NetworkServer>::open().await;
    let mut card = shore.card(1, false).await;
    let topic = format!("application/{APPLICATION}/device/70b3d57ed0000001/event/up");
    shore.network.publish_at(&topic, vec![b'{'; 1 << 19]).await;
    shore.network.uplink(card.link.channel, &card.press()).await;
    card.hear(&shore.network.downlink().await);
    shore.until("refused by name", |town| town.counted("bearer_failures", "event_too_long") == 1).await;
    assert_eq!(shore.town.counts("bearer_failures").len(), 1, "the connection was kept");
}

#[tokio::test]
async fn what_the_store_could_not_keep_is_tried_again_before_the_broker_is_told_that_it_is_done() {
    let mut shore = Shore::<NetworkServer>::open().await;
    let mut card = shore.card(1, false).await;
    let order = shore.town.order(card.id, 2_000).await;
    let held = shore.town.hold_database();
    shore.network.uplink(card.link.channel, &card.press()).await;
    shore.until("not kept", |town| town.counted("frames_refused", "database_locked") > 0).await;
    assert_eq!(shore.town.state(order), "awaiting_card");
    drop(held);
    card.hear(&shore.network.downlink().await);
    assert_eq!(shore.town.state(order), "processing");
}
