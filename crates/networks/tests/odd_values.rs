//! Every value of every recorded shape, one after another, taken out or replaced by an odd one: the body stays JSON, so that what is refused is
//! refused by the field, and nothing panics.
#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use model::UnixMillis;
use networks::chirpstack::{DATA_MAX, Event, EventRefused, Topic};
use networks::oceanconnect::Profile;
use networks::push::{FRAME_MAX, PushRefused, Pushed, Secret};
use networks::{ctwing, oceanconnect, onenet, sigfox};
use serde_json::{Value, json};

const TOKEN: &str = "town-token-0123456789";

fn shapes(network: &str) -> Vec<(String, Value)> {
    let folder = format!("{}/tests/shapes", env!("CARGO_MANIFEST_DIR"));
    let mut shapes: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(name, _)| name.starts_with(network))
        .map(|(name, path)| (name, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()))
        .collect();
    shapes.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert!(shapes.len() >= 2, "{network} has shapes");
    shapes
}

/// The places of all values, as JSON pointers.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, v)| places(v, &format!("{here}/{name}"), found))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, v)| places(v, &format!("{here}/{at}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn odd_values() -> Vec<Value> {
    let deep = (0..100).fold(json!(0), |inner, _| json!([inner]));
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(256),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e308),
        json!(-0.0),
        json!(""),
        json!(" "),
        json!("="),
        json!("0"),
        json!("é"),
        json!("\u{0}"),
        json!("x".repeat(600)),
        json!("AAAA".repeat(2_000)),
        json!("9999-12-31T23:59:59.999999999-23:59"),
        json!("ffffffff-ffff-ffff-ffff-ffffffffffff"),
        json!([]),
        json!({}),
        json!([{}, null]),
        deep,
    ]
}

/// All bodies that differ from a shape in one place.
fn each_odd_body(shape: &Value, mut then: impl FnMut(&str, &Value)) {
    let (mut found, odd) = (Vec::new(), odd_values());
    places(shape, "", &mut found);
    for place in &found {
        for value in &odd {
            let mut body = shape.clone();
            *body.pointer_mut(place).unwrap() = value.clone();
            then(place, &body);
        }
        let Some((parent, field)) = place.rsplit_once('/') else { continue };
        let mut body = shape.clone();
        match body.pointer_mut(parent).unwrap() {
            Value::Object(fields) => drop(fields.remove(field)),
            Value::Array(items) => drop(items.remove(field.parse().unwrap())),
            _ => continue,
        }
        then(place, &body);
    }
}

#[test]
fn an_event_with_an_odd_value_is_read_within_its_limits_or_refused_by_name() {
    let topic = |kind: &str| {
        let application = "17c82e96-be03-4f38-aef3-f83d48582d97";
        Topic::parse("", &format!("application/{application}/device/70b3d57ed0000001/event/{kind}")).unwrap()
    };
    let kinds = ["up", "ack", "txack", "join", "status", "log"].map(topic);
    let (mut read, mut by_field) = (0_u32, 0_u32);
    for (name, shape) in shapes("chirpstack-") {
        each_odd_body(&shape, |place, body| {
            for kind in &kinds {
                match Event::parse(kind, body.to_string().as_bytes()) {
                    Ok(Event::Up(up)) => {
                        read += 1;
                        assert!(up.data.len() <= DATA_MAX, "{name}{place}");
                    }
                    Ok(Event::Status(status)) => {
                        read += 1;
                        assert!(status.battery_percent.is_none_or(|percent| percent <= 100), "{name}{place}");
                    }
                    Ok(_) => read += 1,
                    Err(EventRefused::Missing(_) | EventRefused::Malformed(_)) => by_field += 1,
                    Err(EventRefused::TopicMismatch | EventRefused::DataTooLong) => {}
                    Err(EventRefused::NotAnObject) => assert_eq!(place, "", "{name}"),
                    Err(other) => unreachable!("{name}{place}: {other}"),
                }
            }
        });
    }
    assert!(read > 10_000 && by_field > 5_000, "{read} {by_field}");
}

/// A push of OneNET, signed anew.
fn signed(body: &Value) -> Option<String> {
    let (message, nonce) = (body.get("msg")?, body.get("nonce")?.as_str()?);
    let message = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
    let digest = STANDARD.encode(Md5::digest(format!("{TOKEN}{nonce}{message}")));
    let mut body = body.clone();
    body.as_object_mut()?.insert("msg_signature".into(), digest.into());
    Some(body.to_string())
}

#[test]
fn a_push_with_an_odd_value_is_read_within_its_limits_or_refused_by_name() {
    let token = Secret::new(TOKEN).unwrap();
    let profile = Profile { service: "Counterfoil".into(), field: "frame".into(), method: "DOWN".into() };
    let (mut read, mut by_field) = (0_u32, 0_u32);
    let mut told = |place: &str, result: Result<Vec<Pushed>, PushRefused>| match result {
        Ok(pushed) => {
            read += 1;
            for one in pushed {
                let Pushed::Uplink(uplink) = one else { continue };
                assert!(uplink.data.len() <= FRAME_MAX && uplink.device.len() <= 128, "{place}");
                assert!(uplink.key.len() <= 4 * FRAME_MAX, "{place}: a key of {}", uplink.key.len());
            }
        }
        Err(PushRefused::Missing(_) | PushRefused::Malformed(_)) => by_field += 1,
        Err(PushRefused::UnknownKind | PushRefused::FrameTooLong) => {}
        Err(PushRefused::NotAnObject) => assert_eq!(place, ""),
        Err(other) => unreachable!("{place}: {other}"),
    };
    for (_, shape) in shapes("ctwing-") {
        each_odd_body(&shape, |place, body| {
            told(place, ctwing::pushed(body.to_string().as_bytes()).map(|one| vec![one]));
        });
    }
    for (_, shape) in shapes("oceanconnect-") {
        each_odd_body(&shape, |place, body| {
            told(place, oceanconnect::pushed(&profile, body.to_string().as_bytes()));
        });
    }
    for (_, shape) in shapes("sigfox") {
        each_odd_body(&shape, |place, body| {
            told(place, sigfox::callback(body.to_string().as_bytes()).map(|callback| vec![callback.pushed]));
        });
    }
    for (_, mut shape) in shapes("onenet-") {
        // Also what is written as a text is reached into.
        if let Some(inner) = shape["msg"].as_str().map(str::to_owned) {
            shape["msg"] = serde_json::from_str(&inner).unwrap();
        }
        each_odd_body(&shape, |place, body| {
            if let Some(body) = signed(body) {
                told(place, onenet::pushed(&token, body.as_bytes()));
            }
        });
    }
    assert!(read > 2_000 && by_field > 1_000, "{read} {by_field}");
}

#[test]
fn an_answer_with_an_odd_value_is_read_or_refused_by_name() {
    let answers = [
        json!({ "code": 0, "msg": "ok", "result": { "commandId": "77", "commandStatus": "指令已保存" } }),
        json!({ "errno": 0, "data": { "uuid": "42" }, "error": "succ" }),
        json!({ "commandId": "c", "status": "PENDING" }),
        json!({ "error_code": "100418", "error_desc": "no" }),
        json!({ "accessToken": "token", "tokenType": "bearer", "expiresIn": 3600 }),
    ];
    let (now, mut read) = (UnixMillis(1_795_199_488_000), 0_u32);
    for answer in &answers {
        each_odd_body(answer, |place, body| {
            let body = body.to_string().into_bytes();
            for taken in [ctwing::taken(&body), onenet::taken(&body), oceanconnect::taken(&body)] {
                match taken {
                    Ok(_) => read += 1,
                    Err(PushRefused::NotAnObject) => assert_eq!(place, ""),
                    Err(refused) => {
                        assert!(
                            matches!(refused, PushRefused::Missing(_) | PushRefused::Malformed(_)),
                            "{place}"
                        );
                    }
                }
            }
            if let Ok(token) = oceanconnect::logged_in(&body, now) {
                assert!(token.expires_at >= now && token.expires_at <= now.plus(86_400_000), "{place}");
            }
        });
    }
    assert!(read > 100, "{read}");
}
