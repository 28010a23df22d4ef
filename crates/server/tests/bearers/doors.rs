//! Who is let in at the doors for platforms, what is refused there by name, and what happens when a platform is away.

use fleet::{DownlinkState, FailReason};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::platforms::{Operator, SECRET, ctwing_platform, onenet_platform};
use crate::town::{Town, Wish, soon};
use crate::{Network, Shore, platforms};

async fn ctwing(town: &Town) -> Operator {
    Operator::with(|_| ctwing_platform(), town.fleet.clone()).await
}

fn code(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    body["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn whoever_does_not_know_the_secret_is_refused_before_anything_is_read() {
    let town = Town::open().await;
    let operator = ctwing(&town).await;
    for path in ["ctwing/town-secret-012345678", "ctwing/x", "sigfox/town-secret-0123456780"] {
        let (status, body) = operator.post(&format!("{}/push/{path}", operator.ours), "{").await;
        assert_eq!((status, code(&body).as_str()), (401, "push_wrong_signature"), "{path}");
    }
    assert_eq!(town.counted("bearer_failures", "push_wrong_signature"), 3);
    // A platform that is not set up is not there.
    for path in ["onenet", &format!("oceanconnect/{SECRET}")] {
        let (status, body) = operator.post(&format!("{}/push/{path}", operator.ours), "{}").await;
        assert_eq!((status, code(&body).as_str()), (404, "push_not_here"), "{path}");
    }
}

/// What is answered to a push whose body never comes.
async fn bodiless(operator: &Operator, path: &str) -> String {
    let host = operator.ours.trim_start_matches("http://");
    let mut connection = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 60000\r\n\r\n");
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 1_024];
    let len = connection.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..len]).into_owned()
}

#[tokio::test]
async fn a_body_is_not_waited_for_from_a_stranger_and_not_for_ever_from_a_platform() {
    let town = Town::open().await;
    let operator = ctwing(&town).await;
    // No time passes meanwhile but what is waited for.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let answer = soon("a refusal", bodiless(&operator, "/push/ctwing/town-secret-012345678")).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(began.elapsed().as_secs() < 10);
    let answer = soon("a refusal", bodiless(&operator, &format!("/push/ctwing/{SECRET}"))).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("push_too_slow"), "{answer}");
    assert!(began.elapsed().as_secs() >= 10);
    assert_eq!(town.counted("bearer_failures", "push_too_slow"), 1);
}

#[tokio::test]
async fn onenets_question_and_its_pushes_are_believed_by_their_signature() {
    let town = Town::open().await;
    let operator = Operator::with(|_| onenet_platform(), town.fleet.clone()).await;
    let ask = async |signature: &str| {
        let query = [("msg", "are-you-there"), ("nonce", "abcdefgh"), ("signature", signature)];
        let url = format!("{}/push/onenet", operator.ours);
        let answer = operator.client.get(url).query(&query).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    use base64::Engine as _;
    use md5::Digest as _;
    let right = md5::Md5::digest(format!("{SECRET}abcdefghare-you-there"));
    let right = base64::engine::general_purpose::STANDARD.encode(right);
    assert_eq!(ask(&right).await, (200, "are-you-there".to_owned()));
    assert_eq!(ask("AAAA").await.0, 401);
    let url = format!("{}/push/onenet", operator.ours);
    for (body, status, refused) in [
        (json!({ "msg": { "type": 2 }, "nonce": "n", "msg_signature": "AAAA" }), 401, "push_wrong_signature"),
        (json!({ "msg": { "type": 2 }, "nonce": "n" }), 400, "push_field_missing"),
        (json!({ "enc_msg": "x", "nonce": "n", "signature": "s" }), 400, "push_encrypted"),
    ] {
        let (said, body) = operator.post(&url, body.to_string()).await;
        assert_eq!((said, code(&body).as_str()), (status, refused));
    }
}

#[tokio::test]
async fn what_is_no_push_is_refused_by_name_with_what_to_do() {
    let town = Town::open().await;
    let operator = ctwing(&town).await;
    let url = format!("{}/push/ctwing/{SECRET}", operator.ours);
    for (body, status, refused, count) in [
        (b"{".to_vec(), 400, "push_not_json", 1),
        (b"[]".to_vec(), 400, "push_not_an_object", 1),
        (b"{}".to_vec(), 400, "push_field_missing", 1),
        (br#"{"messageType":"other"}"#.to_vec(), 400, "push_unknown_kind", 1),
        (b"\xff\xfe{\0}\0".to_vec(), 415, "push_not_utf8", 1),
        (b"\x1f\x8b\x08\0\0".to_vec(), 415, "push_not_utf8", 2),
        (vec![b' '; 70_000], 413, "push_too_long", 1),
    ] {
        let (said, body) = operator.post(&url, body).await;
        assert_eq!((said, code(&body).as_str()), (status, refused));
        assert_eq!(town.counted("bearer_failures", refused), count);
    }
    let answer = operator.client.get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 405);
}

#[tokio::test]
async fn a_frame_that_names_another_channel_than_its_platform_is_not_taken() {
    let mut shore = Shore::<platforms::CtWing>::open().await;
    // A card that carries its channel on the air, told of by the platform under another device's IMEI.
    let channel = platforms::CtWing::channel(1);
    let mut card = shore.town.card(Wish { channel: Some(channel), ..Wish::default() }).await;
    shore.network.uplink(platforms::CtWing::channel(2), &card.press()).await;
    assert_eq!(shore.town.counted("frames_refused", "channel_of_another_device"), 1);
    assert!(shore.network.is_quiet(&shore.town).await);
}

#[tokio::test]
async fn a_platform_that_is_away_loses_no_push_and_an_answer_is_asked_for_again() {
    let mut shore = Shore::<platforms::CtWing>::open().await;
    let mut card = shore.listening(1).await;
    shore.network.operator().goes_away(true);
    let order = shore.town.order(card.id, 2_000).await;
    shore.until("told", |town| town.counted("bearer_failures", "unreachable") == 1).await;
    let push = shore.pushes(card.link.channel)[0].clone();
    shore.until("given back", |town| town.counted("downlinks", "not_taken") == 1).await;
    assert_eq!(shore.state(push.id), DownlinkState::Queued);
    shore.network.operator().goes_away(false);
    shore.town.fleet.hand_waiting().await.unwrap();
    card.hear(&shore.network.downlink().await);
    shore.stands(push.id, DownlinkState::Handed).await;
    // The receipt finds the platform away: it is asked for again by the result's repetition.
    shore.network.operator().goes_away(true);
    let result = card.agree(1);
    shore.network.uplink(card.link.channel, &result).await;
    shore.until("told", |town| town.counted("downlinks", "unreachable") == 1).await;
    assert_eq!(shore.town.state(order), "paid");
    shore.network.operator().goes_away(false);
    shore.network.uplink(card.link.channel, &result).await;
    card.hear(&shore.network.downlink().await);
    assert!(card.is_green());
    // What became of an answer is a note, which is written after it was counted.
    let unreachable = DownlinkState::Failed(FailReason::Unreachable);
    let channel = card.link.channel;
    let failed = |town: &Town| {
        let downlinks = town.app.store().peek(|rows| rows.downlinks_before(channel, None, 9)).unwrap();
        downlinks.iter().any(|downlink| downlink.state == unreachable)
    };
    shore.until("noted", failed).await;
}

#[tokio::test]
async fn sigfox_tells_that_a_card_is_there_and_is_told_that_nothing_fits() {
    let mut town = Town::open().await;
    let operator = ctwing(&town).await;
    let channel = "sigfox:2a4f1b".parse().unwrap();
    let mut card = town.card(Wish { channel: Some(channel), brief: true, ..Wish::default() }).await;
    let url = format!("{}/push/sigfox/{SECRET}", operator.ours);
    // Its first hello is full and does not fit in 12 bytes.
    let hello = card.press();
    let body = |data: &[u8], number: u32, ack: bool| {
        json!({ "device": "2A4F1B", "time": 1_795_199_488, "data": hex::encode(data), "seqNumber": number, "ack": ack })
            .to_string()
    };
    let (status, refused) = operator.post(&url, body(&hello, 1, true)).await;
    assert_eq!((status, code(&refused).as_str()), (400, "push_frame_too_long"));
    // A brief one does: heard by another network, the card has introduced itself.
    let heard = server::fleet::Heard {
        channel: Some(channel),
        ..server::fleet::Heard::plain(&hello, "test:1", std::net::IpAddr::from([10, 0, 0, 1]))
    };
    let mut clock = None;
    town.fleet.uplink(heard, |answer| clock = Some(answer.frame)).await.unwrap();
    card.hear(&clock.unwrap());
    let brief = card.press();
    assert_eq!(brief.len(), 12);
    let order = town.order(card.id, 2_000).await;
    let answered = operator.post(&url, body(&brief, 2, true)).await;
    assert_eq!(answered, (200, r#"{"2A4F1B":{"noData":true}}"#.to_owned()));
    assert_eq!(town.counted("downlinks", "too_long"), 1, "the transaction, of 23 bytes");
    assert_eq!(town.state(order), "processing");
    let heard = town.app.store().peek(|rows| rows.link_state(card.id)).unwrap();
    assert_eq!(heard.address.as_deref(), Some("sigfox:2A4F1B"));
    // The same again is taken once; one that wants no answer gets none.
    assert_eq!(operator.post(&url, body(&brief, 2, false)).await, (204, String::new()));
    assert_eq!(town.counted("bearer_events", "repeated"), 1);
}

#[tokio::test]
async fn what_the_store_could_not_keep_is_answered_503_and_taken_when_it_is_pushed_again() {
    let mut shore = Shore::<platforms::CtWing>::open().await;
    let mut card = shore.card(1, false).await;
    let order = shore.town.order(card.id, 2_000).await;
    let report = shore.network.report(card.link.channel, &card.press());
    let route = shore.network.operator().route();
    let held = shore.town.hold_database();
    let (status, refused) = shore.network.operator().post(&route, report.clone()).await;
    assert_eq!((status, code(&refused).as_str()), (503, "database_locked"));
    assert_eq!(shore.town.state(order), "awaiting_card");
    drop(held);
    for repeated in [0, 1] {
        assert_eq!(shore.network.operator().post(&route, report.clone()).await.0, 200);
        assert_eq!(shore.town.counted("bearer_events", "repeated"), repeated);
    }
    card.hear(&shore.network.downlink().await);
    assert_eq!(shore.town.state(order), "processing");
}
