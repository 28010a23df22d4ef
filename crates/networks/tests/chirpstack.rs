//! ChirpStack's events as a server sends them, with defaults left out, and as nobody should.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on fails.

use model::UnixMillis;
use networks::chirpstack::{
    Class, DATA_MAX, DESCRIPTION_MAX, Event, EventRefused, PAYLOAD_MAX, TAGS_MAX, Topic, TopicError,
};
use serde_json::{Value, json};

const APPLICATION: &str = "17c82e96-be03-4f38-aef3-f83d48582d97";
const ITEM: u128 = 0x0198_1234_5678_7abc_8def_0123_4567_89ab;

fn shape(name: &str) -> Value {
    let path = format!("{}/tests/shapes/chirpstack-{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn topic(kind: &str) -> Topic {
    Topic::parse("", &format!("application/{APPLICATION}/device/70b3d57ed0000001/event/{kind}")).unwrap()
}

fn read(kind: &str, body: &Value) -> Result<Event, EventRefused> {
    Event::parse(&topic(kind), body.to_string().as_bytes())
}

/// The shape of an uplink with a field, anywhere in it, that is another.
fn up_with(pointer: &str, value: Value) -> Value {
    let mut body = shape("up");
    let (object, field) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(object).unwrap()[field] = value;
    body
}

#[test]
fn chirpstacks_uplink_is_read_whole_and_with_every_default_left_out() {
    let Ok(Event::Up(up)) = read("up", &shape("up")) else { panic!() };
    assert_eq!((up.data_rate, up.f_port, up.frame_counter, up.data.len()), (5, 40, 7, 12));
    assert_eq!(up.best.as_ref().map(|best| (best.rssi_dbm, best.snr_tenths)), Some((-36, 105)));
    assert_eq!(up.deduplication_id, 0x3ac7_e3c4_4401_4b8d_9386_a5c9_02f9_202d);
    assert_eq!(up.device.at, Some(UnixMillis(1_795_199_488_123)));
    let Ok(Event::Up(up)) = read("up", &shape("up-defaults")) else { panic!() };
    assert_eq!((up.data_rate, up.f_port, up.frame_counter, up.confirmed), (0, 0, 0, false));
    assert!(up.data.is_empty() && up.best.is_none() && up.region.is_none());
}

#[test]
fn what_became_of_a_downlink_names_the_item_of_the_queue() {
    let Ok(Event::TxAck(sent)) = read("txack", &shape("txack")) else { panic!() };
    assert_eq!((sent.queue_item, sent.gateway.as_deref()), (Some(ITEM), Some("0016c001f153a14c")));
    assert_eq!((sent.downlink_id, sent.frame_counter_down), (3_009_834_560, 12));
    assert_eq!(sent.device.deduplication_id, None);
    let Ok(Event::Ack(yes)) = read("ack", &shape("ack")) else { panic!() };
    assert_eq!((yes.queue_item, yes.acknowledged, yes.frame_counter_down), (Some(ITEM), true, 12));
    assert_eq!(yes.device.deduplication_id, Some(0x7d2c_5f0e_1d8b_4a52_8a5f_5d2c_1a9e_7b10));
    let Ok(Event::Ack(no)) = read("ack", &shape("ack-no")) else { panic!() };
    assert_eq!((no.queue_item, no.acknowledged), (Some(ITEM), false));
    for (name, code) in [("log-expired", "EXPIRED"), ("log-size", "DOWNLINK_PAYLOAD_SIZE")] {
        let Ok(Event::Log(log)) = read("log", &shape(name)) else { panic!() };
        assert_eq!((log.queue_item, log.code.as_str(), log.level.as_str()), (Some(ITEM), code, "ERROR"));
        assert!(log.description.starts_with("Device queue-item discarded because it"));
    }
}

#[test]
fn a_join_and_a_status_say_what_the_network_knows_of_the_radio() {
    let Ok(Event::Join(join)) = read("join", &shape("join")) else { panic!() };
    assert_eq!(join.address.as_deref(), Some("00189440"));
    assert_eq!(join.device.at, Some(UnixMillis(1_795_199_402_823)));
    let Ok(Event::Status(status)) = read("status", &shape("status")) else { panic!() };
    assert_eq!((status.battery_percent, status.margin_db, status.external_power), (Some(95), 7, false));
    let Ok(Event::Status(status)) = read("status", &shape("status-external")) else { panic!() };
    assert_eq!((status.battery_percent, status.margin_db, status.external_power), (None, -4, true));
    let mut unknown = shape("status");
    unknown["batteryLevelUnavailable"] = json!(true);
    let Ok(Event::Status(status)) = read("status", &unknown) else { panic!() };
    assert_eq!(status.battery_percent, None);
}

#[test]
fn every_field_at_its_default_may_be_left_out() {
    let bare = json!({ "deviceInfo": { "devEui": "70b3d57ed0000001" } });
    let Ok(Event::Ack(ack)) = read("ack", &bare) else { panic!() };
    assert_eq!((ack.queue_item, ack.acknowledged, ack.frame_counter_down), (None, false, 0));
    let Ok(Event::TxAck(sent)) = read("txack", &bare) else { panic!() };
    assert_eq!((sent.queue_item, sent.gateway, sent.downlink_id), (None, None, 0));
    let Ok(Event::Join(join)) = read("join", &bare) else { panic!() };
    assert_eq!(join.address, None);
    let Ok(Event::Status(status)) = read("status", &bare) else { panic!() };
    assert_eq!((status.battery_percent, status.margin_db), (Some(0), 0));
    let Ok(Event::Log(log)) = read("log", &bare) else { panic!() };
    assert_eq!((log.level.as_str(), log.code.as_str(), log.description.as_str()), ("INFO", "UNKNOWN", ""));
    assert_eq!(log.queue_item, None);
    assert_eq!((log.device.tenant, log.device.name, log.device.at), (None, None, None));
    // An uplink without its number cannot be told from its repetition.
    assert_eq!(read("up", &bare), Err(EventRefused::Missing("deduplicationId")));
}

#[test]
fn an_event_tells_of_its_device_what_the_server_knows() {
    let Ok(Event::Up(up)) = read("up", &shape("up")) else { panic!() };
    assert_eq!(up.device.tenant.as_deref(), Some("52f14cd4-c6f1-4fbd-8f87-4025e1d49242"));
    assert_eq!((up.device.application.as_str(), up.device.name.as_deref()), (APPLICATION, Some("card 1")));
    assert_eq!(up.device.channel.to_string(), "deveui:70b3d57ed0000001");
    assert_eq!(up.device.tags, [("shop".to_owned(), "market".to_owned())]);
    assert_eq!(up.device.deduplication_id, Some(up.deduplication_id));
    // The server counts characters, not bytes.
    let long = "卡".repeat(100);
    let Ok(Event::Up(up)) = read("up", &up_with("/deviceInfo/deviceName", json!(long))) else { panic!() };
    assert_eq!(up.device.name, Some(long));
    let many: serde_json::Map<String, Value> = (0..100).map(|n| (format!("{n:03}"), json!("x"))).collect();
    let Ok(Event::Up(up)) = read("up", &up_with("/deviceInfo/tags", Value::Object(many))) else { panic!() };
    assert_eq!((up.device.tags.len(), up.device.tags[63].0.as_str()), (TAGS_MAX, "063"));
    // Cut before the character that no longer fits.
    let mut log = shape("log-expired");
    log["description"] = json!("卡".repeat(1_000));
    let Ok(Event::Log(log)) = read("log", &log) else { panic!() };
    assert_eq!(log.description, "卡".repeat(DESCRIPTION_MAX / 3));
}

#[test]
fn a_devices_class_is_the_one_that_is_enabled_and_a_where_it_is_not_known() {
    for (word, class) in [
        (json!("CLASS_A"), Class::A),
        (json!("CLASS_B"), Class::B),
        (json!("CLASS_C"), Class::C),
        (json!("CLASS_D"), Class::A),
        (json!(""), Class::A),
        (json!(null), Class::A),
    ] {
        let body = up_with("/deviceInfo/deviceClassEnabled", word.clone());
        let Ok(Event::Up(up)) = read("up", &body) else { panic!("{word}") };
        assert_eq!(up.device.class, class, "{word}");
    }
    let Ok(Event::Up(up)) = read("up", &shape("up-defaults")) else { panic!() };
    assert_eq!(up.device.class, Class::A);
    let told = read("up", &up_with("/deviceInfo/deviceClassEnabled", json!(2)));
    assert_eq!(told, Err(EventRefused::Malformed("deviceClassEnabled")));
}

#[test]
fn the_best_gateway_is_the_one_with_the_least_noise_then_the_strongest() {
    for (heard, best) in [
        (json!([]), None),
        (json!([{}]), Some(("", 0, 0))),
        (
            json!([{ "gatewayId": "a", "rssi": -90, "snr": 2.5 }, { "gatewayId": "b", "rssi": -80, "snr": -1 }]),
            Some(("a", -90, 25)),
        ),
        (
            json!([{ "gatewayId": "a", "rssi": -90, "snr": 2.5 }, { "gatewayId": "b", "rssi": -80, "snr": 2.5 }]),
            Some(("b", -80, 25)),
        ),
        (json!([{ "gatewayId": "a", "rssi": -90, "snr": -19.75 }]), Some(("a", -90, -198))),
        // What a broken gateway says is bounded, not believed.
        (json!([{ "gatewayId": "a", "rssi": -1e30, "snr": 1e30 }]), Some(("a", -1_000, 10_000))),
        (json!([{ "gatewayId": "a", "snr": null }]), Some(("a", 0, 0))),
    ] {
        let Ok(Event::Up(up)) = read("up", &up_with("/rxInfo", heard)) else { panic!() };
        let told = up.best.as_ref().map(|best| (best.id.as_str(), best.rssi_dbm, best.snr_tenths));
        assert_eq!(told, best);
    }
}

#[test]
fn a_body_that_names_another_device_or_application_than_its_topic_is_refused() {
    for (field, value) in [
        ("/deviceInfo/devEui", json!("70b3d57ed0000002")),
        ("/deviceInfo/devEui", json!("not a number at all")),
        ("/deviceInfo/applicationId", json!("17c82e96-be03-4f38-aef3-f83d48582d98")),
        ("/deviceInfo/applicationId", json!("+")),
    ] {
        assert_eq!(read("up", &up_with(field, value)), Err(EventRefused::TopicMismatch), "{field}");
    }
    // In capital letters it is the same device.
    assert!(read("up", &up_with("/deviceInfo/devEui", json!("70B3D57ED0000001"))).is_ok());
}

#[test]
fn foreign_bytes_and_foreign_json_are_refused_by_name() {
    let utf16: Vec<u8> = "{\"dr\":5}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16 = [&[0xff, 0xfe][..], utf16.as_slice()].concat();
    let up = topic("up");
    for (payload, refused, code) in [
        (utf16.as_slice(), EventRefused::NotUtf8, "event_not_utf8"),
        (b"{\"deviceInfo\":{\"deviceName\":\"caf\xe9\"}}", EventRefused::NotUtf8, "event_not_utf8"),
        (b"\x1f\x8b\x08\0\0\0\0\0", EventRefused::NotUtf8, "event_not_utf8"),
        (b"\x0a\x24protobuf", EventRefused::NotJson, "event_not_json"),
        (b"", EventRefused::NotJson, "event_not_json"),
        (b"{\"dr\":5", EventRefused::NotJson, "event_not_json"),
        (b"[]", EventRefused::NotAnObject, "event_not_an_object"),
        (b"{}", EventRefused::Missing("deviceInfo"), "event_field_missing"),
        (b"{\"deviceInfo\":7}", EventRefused::Malformed("deviceInfo"), "event_field_malformed"),
    ] {
        assert_eq!(Event::parse(&up, payload), Err(refused), "{payload:?}");
        assert_eq!(refused.code(), code);
    }
    let nested = "[".repeat(20_000);
    assert_eq!(Event::parse(&up, nested.as_bytes()), Err(EventRefused::NotJson));
    let full = vec![b' '; PAYLOAD_MAX];
    assert_eq!(Event::parse(&up, &full), Err(EventRefused::NotJson));
    let over = vec![b' '; PAYLOAD_MAX + 1];
    let refused = EventRefused::TooLong { len: PAYLOAD_MAX + 1, limit: PAYLOAD_MAX };
    assert_eq!(Event::parse(&up, &over), Err(refused));
    for (field, value) in [
        ("data", json!("%%%%")),
        ("data", json!(7)),
        ("dr", json!(256)),
        ("dr", json!(-1)),
        ("fCnt", json!(4_294_967_296_u64)),
        ("fCnt", json!(1.5)),
        ("fPort", json!("40")),
        ("confirmed", json!(1)),
        ("time", json!("yesterday")),
        ("deduplicationId", json!("3ac7e3c4")),
        ("deduplicationId", json!("zac7e3c4-4401-4b8d-9386-a5c902f9202d")),
        ("rxInfo", json!({})),
        ("regionConfigId", json!("x".repeat(600))),
    ] {
        let told = read("up", &up_with(&format!("/{field}"), value.clone()));
        assert_eq!(told, Err(EventRefused::Malformed(field)), "{field} {value}");
    }
    let data = |bytes: usize| {
        use base64::Engine as _;
        json!(base64::engine::general_purpose::STANDARD.encode(vec![0x49; bytes]))
    };
    let Ok(Event::Up(up)) = read("up", &up_with("/data", data(DATA_MAX))) else { panic!() };
    assert_eq!(up.data.len(), DATA_MAX);
    for bytes in [DATA_MAX + 1, DATA_MAX + 2, 9_000] {
        assert_eq!(read("up", &up_with("/data", data(bytes))), Err(EventRefused::DataTooLong), "{bytes}");
    }
}

#[test]
fn a_topic_is_bounded_and_holds_no_odd_character() {
    let device = "device/70b3d57ed0000001/event/up";
    for (application, error) in [
        ("a".repeat(64), None),
        ("a".repeat(65), Some(TopicError::Application)),
        ("a".repeat(600), Some(TopicError::NoEvent)),
        ("#".into(), Some(TopicError::Application)),
        ("a b".into(), Some(TopicError::Application)),
        ("a\0".into(), Some(TopicError::Application)),
        ("应用".into(), Some(TopicError::Application)),
    ] {
        let told = Topic::parse("", &format!("application/{application}/{device}"));
        assert_eq!(told.err(), error, "{application}");
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn mixed(count: u64) -> u64 {
    let z = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn no_event_and_no_topic_whatever_makes_a_reader_panic() {
    let shapes = ["up", "up-defaults", "ack", "txack", "join", "status", "log-expired"];
    let kinds = ["up", "ack", "txack", "join", "status", "log"].map(topic);
    let (mut taken, mut refused) = (0_u32, 0_u32);
    for (place, name) in shapes.into_iter().enumerate() {
        let whole = shape(name).to_string().into_bytes();
        for turn in 0..1_200_u64 {
            let mut body = whole.clone();
            let chance = mixed(turn * 37 + place as u64 + 1);
            if turn % 3 == 0 {
                body.truncate(chance as usize % body.len());
            }
            for change in 0..turn % 4 {
                if !body.is_empty() {
                    let at = mixed(chance + change) as usize % body.len();
                    body[at] = mixed(chance ^ change) as u8;
                }
            }
            for kind in &kinds {
                match Event::parse(kind, &body) {
                    Ok(_) => taken += 1,
                    Err(error) => refused += u32::from(!error.code().is_empty()),
                }
            }
        }
    }
    assert!(taken > 5_000 && refused > 5_000, "{taken} {refused}");
    let whole = format!("application/{APPLICATION}/device/70b3d57ed0000001/event/txack");
    for turn in 0..10_000_u64 {
        let mut text = whole.clone().into_bytes();
        let chance = mixed(turn + 1);
        text.truncate(1 + chance as usize % text.len());
        let at = mixed(chance) as usize % text.len();
        text[at] = chance as u8;
        // What comes out of a topic can stand in one again.
        if let Ok(topic) = Topic::parse("", &String::from_utf8_lossy(&text)) {
            assert!(!topic.application.contains(['/', '+', '#', ' ']), "{}", topic.application);
        }
    }
}
