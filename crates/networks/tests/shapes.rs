//! Recorded shapes of what platforms push, each read as it came, cut off, and with its bytes changed.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on fails.

use model::UnixMillis;
use networks::oceanconnect::{Profile, TOKEN_MAX};
use networks::push::{BODY_MAX, Fate, PushRefused, Pushed, Secret, Taken};
use networks::{ctwing, oceanconnect, onenet, sigfox};
use serde_json::json;

const FULL: [u8; 12] = [0x49, 0x1a, 0xb1, 0x00, 0xee, 0x49, 0x60, 0x82, 0x23, 0xe2, 0x6c, 0xbc];

fn shape(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/shapes/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn token() -> Secret {
    Secret::new("town-token-0123456789").unwrap()
}

fn profile() -> Profile {
    Profile { service: "Counterfoil".into(), field: "frame".into(), method: "DOWN".into() }
}

/// What OneNET would sign a message with, under the nonce `abcdefgh`.
fn signed(message: &str) -> String {
    use base64::Engine as _;
    use md5::Digest as _;
    let digest = md5::Md5::digest(format!("town-token-0123456789abcdefgh{message}"));
    base64::engine::general_purpose::STANDARD.encode(digest)
}

fn command(id: &str, fate: Fate) -> Pushed {
    Pushed::Command { id: id.into(), fate }
}

#[test]
fn a_report_of_ctwing_is_an_uplink_of_its_imei() {
    let Ok(Pushed::Uplink(uplink)) = ctwing::pushed(&shape("ctwing-data-report")) else { panic!() };
    assert_eq!(uplink.channel.unwrap().to_string(), "imei:356938035643809");
    assert_eq!((uplink.data.as_slice(), uplink.at), (&FULL[..], Some(UnixMillis(1_795_199_488_000))));
    assert_eq!(uplink.key, "a1b2c3d4e5f60718293a4b5c6d7e8f90/1795199488000/-1/-1/SRqxAO5JYIIj4my8");
    let told = ctwing::pushed(&shape("ctwing-command-response"));
    assert_eq!(told, Ok(command("77", Fate::Delivered)));
    assert_eq!(ctwing::pushed(&shape("ctwing-online")), Ok(Pushed::Ignored("online")));
    // A product with a profile passes no payload through.
    let told = ctwing::pushed(&shape("ctwing-profile"));
    assert_eq!(told, Err(PushRefused::Missing("payload.APPdata")));
    // What says again what another report said would double it.
    let again = String::from_utf8(shape("ctwing-data-report")).unwrap();
    let told = ctwing::pushed(again.replace("dataReport", "dataReportTupUnion").as_bytes());
    assert_eq!(told, Ok(Pushed::Ignored("union")));
    // A number is the same as its text, and an IMEI that is none vouches for nothing.
    let quoted = again.replace("1795199488000", r#""1795199488000""#).replace("356938035643809", "undefined");
    let Ok(Pushed::Uplink(quoted)) = ctwing::pushed(quoted.as_bytes()) else { panic!() };
    assert_eq!((quoted.key, quoted.at, quoted.channel), (uplink.key, uplink.at, None));
}

#[test]
fn a_packets_number_of_ctwing_is_a_number_or_its_text_and_not_a_document() {
    let report = |number: serde_json::Value| {
        let mut body: serde_json::Value = serde_json::from_slice(&shape("ctwing-data-report")).unwrap();
        body["upPacketSN"] = number;
        ctwing::pushed(body.to_string().as_bytes())
    };
    let start = "a1b2c3d4e5f60718293a4b5c6d7e8f90/1795199488000";
    for (number, said) in
        [(json!(7), "7"), (json!("7"), "7"), (json!(-1), "-1"), (json!(""), ""), (json!(null), "")]
    {
        let Ok(Pushed::Uplink(uplink)) = report(number.clone()) else { panic!("{number}") };
        assert_eq!(uplink.key, format!("{start}/{said}/-1/SRqxAO5JYIIj4my8"), "{number}");
    }
    for number in [json!({}), json!([1]), json!(true), json!("7".repeat(129))] {
        assert_eq!(report(number.clone()), Err(PushRefused::Malformed("upPacketSN")), "{number}");
    }
}

#[test]
fn every_word_of_a_platform_for_a_commands_fate_is_read_and_no_other() {
    for (words, fate) in [
        (&["SAVED", "PENDING", "指令已保存"][..], Some(Fate::Queued)),
        (&["SENT", "指令已发送"], Some(Fate::Sent)),
        (&["DELIVERED", "指令已送达"], Some(Fate::Delivered)),
        (&["COMPLETED", "SUCCESSFUL", "SUCCESS", "指令已完成"], Some(Fate::Acknowledged)),
        (&["TTL_TIMEOUT", "EXPIRED", "指令缓存超时"], Some(Fate::Expired)),
        (
            &["TIMEOUT", "FAILED", "CANCELED", "RESPONSE_TIMEOUT", "指令失败", "指令已取消"],
            Some(Fate::Failed),
        ),
        (&["delivered", "OK", "200"], None),
    ] {
        for word in words {
            let body =
                json!({ "messageType": "commandResponse", "taskId": 77, "result": { "resultCode": word } });
            let told = ctwing::pushed(body.to_string().as_bytes());
            let right = fate.map(|fate| command("77", fate));
            assert_eq!(told, right.ok_or(PushRefused::Malformed("result.resultCode")), "{word}");
        }
    }
    for (word, fate) in [
        ("DEFAULT", Some(Fate::Queued)),
        ("PENDING", Some(Fate::Queued)),
        ("SENT", Some(Fate::Sent)),
        ("DELIVERED", Some(Fate::Delivered)),
        ("SUCCESSFUL", Some(Fate::Acknowledged)),
        ("EXPIRED", Some(Fate::Expired)),
        ("FAILED", Some(Fate::Failed)),
        ("TIMEOUT", Some(Fate::Failed)),
        ("CANCELED", Some(Fate::Failed)),
        ("LOST", None),
    ] {
        let body = json!({ "deviceId": "d", "commandId": "c", "result": { "resultCode": word } });
        let told = oceanconnect::pushed(&profile(), body.to_string().as_bytes());
        let right = fate.map(|fate| vec![command("c", fate)]);
        assert_eq!(told, right.ok_or(PushRefused::Malformed("result.resultCode")), "{word}");
        let answer = json!({ "commandId": "c", "status": word });
        let right = match fate {
            Some(Fate::Expired | Fate::Failed) => Taken::Refused(word.into()),
            fate => Taken::As { id: "c".into(), fate: fate.unwrap_or(Fate::Queued) },
        };
        assert_eq!(oceanconnect::taken(answer.to_string().as_bytes()), Ok(right), "{word}");
    }
    let refused = br#"{"error_code":"100418","error_desc":"The deviceData is not existed."}"#;
    assert_eq!(oceanconnect::taken(refused), Ok(Taken::Refused("100418".into())));
    let answer = br#"{"errno":0,"data":{"uuid":"42742677"},"error":"succ"}"#;
    assert_eq!(onenet::taken(answer), Ok(Taken::As { id: "42742677".into(), fate: Fate::Queued }));
    assert_eq!(onenet::taken(br#"{"errno":3,"error":"auth failed"}"#), Ok(Taken::Refused("3".into())));
    assert_eq!(onenet::taken(br#"{"errno":0}"#), Err(PushRefused::Missing("data")));
    assert_eq!(onenet::taken(b"{}"), Err(PushRefused::Missing("errno")));
}

#[test]
fn onenet_is_believed_by_its_signature_over_the_message_as_it_is_written() {
    let told = onenet::pushed(&token(), &shape("onenet-point")).unwrap();
    let [Pushed::Uplink(uplink)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((uplink.device.as_str(), uplink.data.as_slice()), ("2016617", &FULL[..]));
    assert_eq!(
        onenet::pushed(&token(), &shape("onenet-command")),
        Ok(vec![command("2302-cm-7", Fate::Acknowledged)])
    );
    let text = String::from_utf8(shape("onenet-point")).unwrap();
    let other = Secret::new("another-token-0123456789").unwrap();
    assert_eq!(onenet::pushed(&other, text.as_bytes()), Err(PushRefused::WrongSignature));
    // One digit of the frame, one letter of the nonce.
    for changed in [text.replace("26cbc", "26cbd"), text.replace("abcdefgh", "abcdefgi")] {
        assert_eq!(onenet::pushed(&token(), changed.as_bytes()), Err(PushRefused::WrongSignature));
    }
    let encrypted = br#"{"enc_msg":"dG93bg==","nonce":"abcdefgh","signature":"x"}"#;
    assert_eq!(onenet::pushed(&token(), encrypted), Err(PushRefused::Encrypted));
}

#[test]
fn a_message_among_several_that_cannot_be_read_does_not_take_the_others_with_it() {
    let told = onenet::pushed(&token(), &shape("onenet-batch")).unwrap();
    let Some((Pushed::Uplink(uplink), rest)) = told.split_first() else { panic!("{told:?}") };
    assert_eq!(uplink.channel.unwrap().to_string(), "imei:356938035643809");
    assert_eq!(uplink.data, FULL);
    let [other, online, arrived, malformed, unknown] = rest else { panic!("{rest:?}") };
    assert_eq!(
        (other, online, arrived),
        (&Pushed::Ignored("other_value"), &Pushed::Ignored("online"), &command("2302-cm-7", Fate::Delivered))
    );
    let codes = (&Pushed::Ignored("push_field_malformed"), &Pushed::Ignored("push_unknown_kind"));
    assert_eq!((malformed, unknown), codes);
    let told = oceanconnect::pushed(&profile(), &shape("oceanconnect-datas")).unwrap();
    let [Pushed::Uplink(uplink), other, malformed] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((uplink.data.as_slice(), uplink.at), (&FULL[..], Some(UnixMillis(1_795_199_488_000))));
    assert_eq!(other, &Pushed::Ignored("other_service"));
    assert_eq!(malformed, &Pushed::Ignored("push_field_malformed"));
    // Alone, it is refused.
    let alone = json!({
        "notifyType": "deviceDatasChanged", "deviceId": "d",
        "services": [{ "serviceId": "Counterfoil", "data": { "frame": "not base64" } }],
    });
    let told = oceanconnect::pushed(&profile(), alone.to_string().as_bytes());
    assert_eq!(told, Err(PushRefused::Malformed("service.data's field")));
}

#[test]
fn more_messages_than_a_push_may_hold_are_refused() {
    let many = |count: usize| {
        let service = json!({ "serviceId": "Battery", "data": {} });
        let services = vec![service; count];
        json!({ "notifyType": "deviceDatasChanged", "deviceId": "d", "services": services }).to_string()
    };
    assert_eq!(oceanconnect::pushed(&profile(), many(64).as_bytes()).map(|told| told.len()), Ok(64));
    let told = oceanconnect::pushed(&profile(), many(65).as_bytes());
    assert_eq!(told, Err(PushRefused::Malformed("services")));
    let many = |count: usize| {
        let message = json!(vec![json!({ "type": 2 }); count]).to_string();
        let signature = signed(&message);
        format!(r#"{{"msg":{message},"nonce":"abcdefgh","msg_signature":"{signature}"}}"#)
    };
    assert_eq!(onenet::pushed(&token(), many(64).as_bytes()).map(|told| told.len()), Ok(64));
    assert_eq!(onenet::pushed(&token(), many(65).as_bytes()), Err(PushRefused::Malformed("msg")));
}

#[test]
fn an_envelope_of_onenet_is_refused_by_the_name_of_what_is_wrong_in_it() {
    let newer = shape("onenet-newer");
    let told = onenet::pushed(&token(), &newer).unwrap();
    let [Pushed::Uplink(uplink)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(
        (uplink.channel.unwrap().to_string().as_str(), uplink.data.as_slice()),
        ("imei:356938035643809", &FULL[..])
    );
    let signature = signed("7");
    let seven = format!(r#"{{"msg":7,"nonce":"abcdefgh","msg_signature":"{signature}"}}"#);
    // Without its padding it is the same signature.
    let unpadded = seven.replace("==", "");
    for (body, refused) in [
        ("", PushRefused::NotJson),
        ("{", PushRefused::NotJson),
        ("[]", PushRefused::NotAnObject),
        ("7", PushRefused::NotAnObject),
        ("{}", PushRefused::Missing("msg")),
        (r#"{"msg":{}}"#, PushRefused::Missing("nonce")),
        (r#"{"msg":{},"nonce":7}"#, PushRefused::Malformed("nonce")),
        (r#"{"msg":{},"nonce":"n"}"#, PushRefused::Missing("msg_signature")),
        (r#"{"msg":{},"nonce":"n","msg_signature":[]}"#, PushRefused::Malformed("msg_signature")),
        (r#"{"msg":{},"nonce":"n","signature":""}"#, PushRefused::WrongSignature),
        (r#"{"msg":{},"nonce":"n","msg_signature":"AAAA"}"#, PushRefused::WrongSignature),
        (r#"{"enc_msg":"dG93bg==","nonce":"n","signature":"AAAA"}"#, PushRefused::Encrypted),
        (seven.as_str(), PushRefused::Malformed("msg")),
        (unpadded.as_str(), PushRefused::Malformed("msg")),
    ] {
        assert_eq!(onenet::pushed(&token(), body.as_bytes()), Err(refused), "{body}");
    }
}

#[test]
fn a_command_of_onenet_ends_by_the_platforms_clock_and_at_the_latest_with_the_calendar() {
    let account =
        onenet::Account { api_key: Secret::given("very-secret".into()), resource: (3_200, 0, 5_527) };
    for (until, said) in [
        (1_795_199_488_999, "2026-11-21T02:31:28"),
        (0, "1970-01-01T08:00:00"),
        (253_402_300_799_000, "9999-12-31T23:59:59"),
        (i64::MAX, "9999-12-31T23:59:59"),
        (i64::MIN, "9999-12-31T23:59:59"),
    ] {
        let call = onenet::command(&account, "356938035643809", &[0x51, 0x10], UnixMillis(until));
        let path = "/nbiot/execute/offline?imei=356938035643809&obj_id=3200&obj_inst_id=0&res_id=5527";
        assert_eq!(call.path, format!("{path}&expired_time={said}"));
        assert_eq!(call.body, r#"{"args":"5110"}"#);
        assert!(!format!("{account:?} {call:?}").contains("very-secret"));
    }
}

#[test]
fn onenets_question_is_answered_only_to_who_knows_the_token() {
    // base64(MD5("town-token-0123456789" "abcdefgh" "are-you-there")), by another program.
    let right = "Pd0iJlXYU5bIuEfRHEG/9g==";
    assert_eq!(onenet::check(&token(), "are-you-there", "abcdefgh", right), Ok("are-you-there"));
    let wrong = onenet::check(&token(), "are-you-here", "abcdefgh", right);
    assert_eq!(wrong, Err(PushRefused::WrongSignature));
}

#[test]
fn oceanconnect_tells_of_the_service_that_frames_come_by_and_of_commands() {
    let told = oceanconnect::pushed(&profile(), &shape("oceanconnect-data")).unwrap();
    let [Pushed::Uplink(uplink)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(uplink.device, "92d3f8da-200a-4143-8d0d-591a7e11de6c");
    assert_eq!((uplink.data.as_slice(), uplink.at), (&FULL[..], Some(UnixMillis(1_795_199_488_000))));
    let told = oceanconnect::pushed(&profile(), &shape("oceanconnect-added"));
    assert_eq!(told, Ok(vec![Pushed::Ignored("device")]));
    let other = Profile { service: "Battery".into(), ..profile() };
    let told = oceanconnect::pushed(&other, &shape("oceanconnect-data"));
    assert_eq!(told, Ok(vec![Pushed::Ignored("other_service")]));
    let told = oceanconnect::pushed(&profile(), &shape("oceanconnect-command"));
    assert_eq!(told, Ok(vec![command("108a9c71462a48e09426e06e844d47ba", Fate::Sent)]));
}

#[test]
fn a_token_of_oceanconnect_is_good_until_a_minute_before_its_end() {
    let now = UnixMillis(1_795_199_488_000);
    let body = br#"{"accessToken":"very-secret","tokenType":"bearer","expiresIn":3600,"scope":"default"}"#;
    let token = oceanconnect::logged_in(body, now).unwrap();
    assert_eq!(token.expires_at, now.plus(3_540_000));
    assert!(!format!("{token:?}").contains("very-secret"));
    for (token, good) in [
        ("t".repeat(TOKEN_MAX), true),
        ("t".repeat(TOKEN_MAX + 1), false),
        (String::new(), false),
        ("two words".into(), false),
        ("line\r\nCookie: x".into(), false),
        ("令牌".into(), false),
    ] {
        let answer = json!({ "accessToken": token, "expiresIn": 3600 });
        let told = oceanconnect::logged_in(answer.to_string().as_bytes(), now).map(|token| token.expires_at);
        let right = if good { Ok(now.plus(3_540_000)) } else { Err(PushRefused::Malformed("accessToken")) };
        assert_eq!(told, right, "{token}");
    }
    let account = oceanconnect::Account { application: "app".into(), secret: Secret::given("a&b".into()) };
    assert_eq!(oceanconnect::login(&account).body, "appId=app&secret=a%26b");
    let call = oceanconnect::command(&account, &token, &profile(), "d1", &[1, 2], 60, Some("https://x/y"));
    let body: serde_json::Value = serde_json::from_str(&call.body).unwrap();
    assert_eq!(body["command"]["paras"]["frame"], "AQI=");
    assert_eq!((&body["expireTime"], &body["callbackUrl"]), (&60.into(), &"https://x/y".into()));
}

#[test]
fn sigfox_carries_a_brief_hello_and_no_answer() {
    let callback = sigfox::callback(&shape("sigfox")).unwrap();
    assert!(callback.wants_answer);
    let Pushed::Uplink(uplink) = callback.pushed else { panic!() };
    assert_eq!((uplink.channel.unwrap().to_string().as_str(), uplink.data.len()), ("sigfox:2a4f1b", 12));
    assert_eq!(sigfox::no_answer("2A4F1B"), r#"{"2A4F1B":{"noData":true}}"#);
    let long = String::from_utf8(shape("sigfox")).unwrap().replace("491a", "491a00");
    assert_eq!(sigfox::callback(long.as_bytes()), Err(PushRefused::FrameTooLong));
    // With every variable in quotes it is the same message.
    let quoted = sigfox::callback(&shape("sigfox-quoted")).unwrap();
    assert_eq!(
        (quoted.station.as_deref(), quoted.rssi_dbm, quoted.wants_answer),
        (Some("1D4A"), Some(-122), false)
    );
    assert_eq!(quoted.pushed, Pushed::Uplink(uplink));
    let bare = sigfox::callback(br#"{"device":"2A4F1B","data":"","rssi":null,"seqNumber":null}"#).unwrap();
    assert_eq!((bare.pushed, bare.station, bare.rssi_dbm), (Pushed::Ignored("empty"), None, None));
    for (field, value) in [
        ("device", json!("2A4F1B000")),
        ("device", json!("+A4F1B")),
        ("data", json!("491")),
        ("data", json!("zz")),
        ("time", json!("now")),
        ("seqNumber", json!(1.5)),
        ("ack", json!(1)),
        ("rssi", json!("loud")),
        ("rssi", json!("NaN")),
    ] {
        let mut body = json!({ "device": "2A4F1B", "data": "49" });
        body[field] = value;
        let told = sigfox::callback(body.to_string().as_bytes());
        assert_eq!(told, Err(PushRefused::Malformed(field)), "{body}");
    }
}

#[test]
fn what_is_no_push_is_refused_by_name() {
    for (body, refused) in [
        (&b""[..], PushRefused::NotJson),
        (b"[1]", PushRefused::NotAnObject),
        (b"{}", PushRefused::Missing("messageType")),
        (br#"{"messageType":"surprise"}"#, PushRefused::UnknownKind),
        (br#"{"messageType":"dataReport"}"#, PushRefused::Missing("deviceId")),
        (br#"{"messageType":"dataReport","deviceId":"d"}"#, PushRefused::Missing("payload")),
        (
            br#"{"messageType":"dataReport","deviceId":"d","payload":{"APPdata":"%"}}"#,
            PushRefused::Malformed("payload.APPdata"),
        ),
        (br#"{"messageType":"dataReport","deviceId":[]}"#, PushRefused::Malformed("deviceId")),
        // UTF-16, Latin-1, gzip.
        (b"\xff\xfe{\0}\0", PushRefused::NotUtf8),
        (b"{\"messageType\":\"\xe4\"}", PushRefused::NotUtf8),
        (b"\x1f\x8b\x08\0\0\0\0\0", PushRefused::NotUtf8),
    ] {
        assert_eq!(ctwing::pushed(body), Err(refused), "{body:?}");
    }
    let (long, nested) = (vec![b' '; BODY_MAX + 1], "[".repeat(20_000));
    for (body, refused) in [
        (&b"\xff\xfe{\0}\0"[..], PushRefused::NotUtf8),
        (b"{\"messageType\":\"\xe4\"}", PushRefused::NotUtf8),
        (b"\x1f\x8b\x08\0\0\0\0\0", PushRefused::NotUtf8),
        (b"{", PushRefused::NotJson),
        (nested.as_bytes(), PushRefused::NotJson),
        (b"\"text\"", PushRefused::NotAnObject),
        (long.as_slice(), PushRefused::TooLong { len: BODY_MAX + 1, limit: BODY_MAX }),
        (long.split_last().unwrap().1, PushRefused::NotJson),
    ] {
        assert_eq!(ctwing::pushed(body), Err(refused), "CTWing {body:?}");
        assert_eq!(ctwing::taken(body), Err(refused), "CTWing's answer {body:?}");
        assert_eq!(onenet::pushed(&token(), body), Err(refused), "OneNET {body:?}");
        assert_eq!(onenet::taken(body), Err(refused), "OneNET's answer {body:?}");
        assert_eq!(oceanconnect::pushed(&profile(), body), Err(refused), "OceanConnect {body:?}");
        assert_eq!(oceanconnect::taken(body), Err(refused), "OceanConnect's answer {body:?}");
        assert_eq!(sigfox::callback(body), Err(refused), "Sigfox {body:?}");
        assert!(refused.code().starts_with("push_"));
    }
    let frame = format!(
        r#"{{"messageType":"dataReport","deviceId":"d","payload":{{"APPdata":"{}"}}}}"#,
        "A".repeat(2_000)
    );
    assert_eq!(ctwing::pushed(frame.as_bytes()), Err(PushRefused::FrameTooLong));
}

#[test]
fn a_secret_that_may_stand_in_an_address_has_16_to_128_plain_characters() {
    for (text, good) in [
        ("0123456789abcdef", true),
        ("0123456789abcde", false),
        ("0123456789abcde/", false),
        ("0123456789abcde ", false),
    ] {
        assert_eq!(Secret::new(text).is_ok(), good, "{text}");
    }
    let secret = Secret::new("0123456789abcdef").unwrap();
    assert!(secret.is("0123456789abcdef") && !secret.is("0123456789abcdeF") && !secret.is(""));
    assert_eq!(format!("{secret:?}"), "[redacted]");
}

fn find(body: &[u8], part: &[u8]) -> Option<usize> {
    body.windows(part.len()).position(|window| window == part).filter(|at| at + 8 < body.len())
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn mixed(count: u64) -> u64 {
    let z = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn no_bytes_whatever_make_a_reader_panic() {
    let names = [
        "ctwing-data-report",
        "ctwing-profile",
        "ctwing-command-response",
        "ctwing-online",
        "onenet-point",
        "onenet-newer",
        "onenet-batch",
        "onenet-command",
        "oceanconnect-data",
        "oceanconnect-datas",
        "oceanconnect-added",
        "oceanconnect-command",
        "sigfox",
        "sigfox-quoted",
    ];
    let mut read = 0_u32;
    for (place, name) in names.into_iter().enumerate() {
        let whole = shape(name);
        for turn in 0..1_000_u64 {
            let mut body = whole.clone();
            let chance = mixed(turn * 31 + place as u64 + 1);
            if turn % 3 == 0 {
                body.truncate(chance as usize % body.len());
            }
            for change in 0..turn % 4 {
                if !body.is_empty() {
                    let at = mixed(chance + change) as usize % body.len();
                    body[at] = mixed(chance ^ change) as u8;
                }
            }
            read += u32::from(ctwing::pushed(&body).is_ok());
            read += u32::from(ctwing::taken(&body).is_ok());
            read += u32::from(onenet::pushed(&token(), &body).is_ok());
            read += u32::from(onenet::taken(&body).is_ok());
            read += u32::from(oceanconnect::pushed(&profile(), &body).is_ok());
            read += u32::from(oceanconnect::taken(&body).is_ok());
            read += u32::from(oceanconnect::logged_in(&body, UnixMillis(0)).is_ok());
            read += u32::from(sigfox::callback(&body).is_ok());
            // Whatever was changed in a message, its signature no longer holds.
            if let (Some(at), true) = (find(&body, b"\"msg\":"), name.starts_with("onenet")) {
                body[at + 8] ^= 1;
                assert!(onenet::pushed(&token(), &body).is_err(), "{name} {turn}");
            }
        }
    }
    assert!(read > 1_000, "unchanged ones are among them: {read}");
}

#[test]
fn ctwing_frames_without_numbers_and_times_are_told_apart_by_what_they_say() {
    let key = |data: &str| {
        let body = format!(
            r#"{{"messageType":"dataReport","deviceId":"d","upPacketSN":-1,"payload":{{"APPdata":"{data}"}}}}"#
        );
        match ctwing::pushed(body.as_bytes()) {
            Ok(Pushed::Uplink(uplink)) => uplink.key,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(key("SRCx"), key("SRCx"));
    assert_ne!(key("SRCx"), key("SRCy"));
}
