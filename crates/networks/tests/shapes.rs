//! Recorded shapes of what networks send, each read as it came, cut off, and with its bytes changed.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on fails.

use model::UnixMillis;
use networks::chirpstack::{Event, Topic};
use networks::oceanconnect::Profile;
use networks::push::{Fate, PushRefused, Pushed, Secret};
use networks::{ctwing, oceanconnect, onenet, sigfox};

const FULL: [u8; 12] = [0x49, 0x1a, 0xb1, 0x00, 0xee, 0x49, 0x60, 0x82, 0x23, 0xe2, 0x6c, 0xbc];
const UP_TOPIC: &str = "application/17c82e96-be03-4f38-aef3-f83d48582d97/device/70b3d57ed0000001/event/up";

fn shape(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/shapes/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn token() -> Secret {
    Secret::new("town-token-0123456789").unwrap()
}

fn profile() -> Profile {
    Profile { service: "Counterfoil".into(), field: "frame".into(), method: "DOWN".into() }
}

fn command(id: &str, fate: Fate) -> Pushed {
    Pushed::Command { id: id.into(), fate }
}

#[test]
fn a_report_of_ctwing_is_an_uplink_of_its_imei() {
    let Ok(Pushed::Uplink(uplink)) = ctwing::pushed(&shape("ctwing-data-report")) else { panic!() };
    assert_eq!(uplink.channel.unwrap().to_string(), "imei:356938035643809");
    assert_eq!((uplink.data.as_slice(), uplink.at), (&FULL[..], Some(UnixMillis(1_795_199_488_000))));
    assert_eq!(uplink.key, "a1b2c3d4e5f60718293a4b5c6d7e8f90/1795199488000/-1/-1");
    let told = ctwing::pushed(&shape("ctwing-command-response"));
    assert_eq!(told, Ok(command("77", Fate::Delivered)));
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
    assert_eq!(uplink.data, FULL);
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
}

#[test]
fn chirpstacks_uplink_is_read_whole_and_with_every_default_left_out() {
    let topic = Topic::parse("", UP_TOPIC).unwrap();
    let Ok(Event::Up(up)) = Event::parse(&topic, &shape("chirpstack-up")) else { panic!() };
    assert_eq!((up.data_rate, up.f_port, up.frame_counter, up.data.len()), (5, 40, 7, 12));
    assert_eq!(up.best.as_ref().map(|best| (best.rssi_dbm, best.snr_tenths)), Some((-36, 105)));
    assert_eq!(up.deduplication_id, 0x3ac7_e3c4_4401_4b8d_9386_a5c9_02f9_202d);
    assert_eq!(up.device.at, Some(UnixMillis(1_795_199_488_123)));
    let Ok(Event::Up(up)) = Event::parse(&topic, &shape("chirpstack-up-defaults")) else { panic!() };
    assert_eq!((up.data_rate, up.f_port, up.frame_counter, up.confirmed), (0, 0, 0, false));
    assert!(up.data.is_empty() && up.best.is_none() && up.region.is_none());
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
    let long = vec![b' '; 70_000];
    assert_eq!(ctwing::pushed(&long), Err(PushRefused::TooLong { len: 70_000, limit: 65_536 }));
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

/// SplitMix64 (Steele, Lea, Flood 2014).
fn mixed(count: u64) -> u64 {
    let z = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn no_bytes_whatever_make_a_reader_panic() {
    let topic = Topic::parse("", UP_TOPIC).unwrap();
    let names = [
        "ctwing-data-report",
        "ctwing-command-response",
        "onenet-point",
        "onenet-command",
        "oceanconnect-data",
        "oceanconnect-command",
        "sigfox",
        "chirpstack-up",
        "chirpstack-up-defaults",
    ];
    let mut read = 0_u32;
    for (place, name) in names.into_iter().enumerate() {
        let whole = shape(name);
        for turn in 0..1_500_u64 {
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
            read += u32::from(Event::parse(&topic, &body).is_ok());
        }
    }
    assert!(read > 1_000, "unchanged ones are among them: {read}");
}
