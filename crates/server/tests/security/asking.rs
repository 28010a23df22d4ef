//! Envelopes under key id 0: whose, once, in order, and refused in clear by name.

use axum::http::StatusCode;
use crypto::TerminalSuite;
use serde_json::json;
use tap::Header;

use crate::desk::{Desk, OTHER, TERMINAL};
use crate::device::sealed;

const ASK: &str = r#"{"ask":"key_state","key_id":1}"#;

#[tokio::test]
async fn an_envelope_is_answered_once() {
    let desk = Desk::open().await;
    let mut device = desk.device(TERMINAL).await;
    let envelope = device.seal(ASK);
    assert_eq!(desk.ask(envelope.clone()).await.status, StatusCode::OK);
    assert_eq!(desk.ask(envelope.clone()).await.refused(), (409, "replayed".to_owned()));
    let desk = desk.restart().await;
    assert_eq!(desk.ask(envelope).await.refused(), (409, "replayed".to_owned()));
    assert_eq!(desk.counted("tap_refused", "replayed"), 1);
}

#[tokio::test]
async fn sequences_only_rise() {
    let desk = Desk::open().await;
    let mut device = desk.device(TERMINAL).await;
    device.sequence = 99;
    let hundred = device.seal(ASK);
    assert_eq!(desk.ask(hundred).await.status, StatusCode::OK);
    for (sequence, code) in [(99, "out_of_order"), (100, "replayed"), (36, "replayed")] {
        device.sequence = sequence - 1;
        let envelope = device.seal(ASK);
        assert_eq!(desk.ask(envelope).await.refused(), (409, code.to_owned()), "{sequence}");
    }
    device.sequence = 100;
    let next = device.seal(ASK);
    assert_eq!(desk.ask(next).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_was_refused_uses_no_sequence_up() {
    let desk = Desk::open().await;
    let mut device = desk.device(TERMINAL).await;
    let mut changed = device.seal(ASK);
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(desk.ask(changed).await.refused(), (403, "wrong_code".to_owned()));
    device.sequence = 0;
    let envelope = device.seal(ASK);
    assert_eq!(desk.ask(envelope).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_envelope_says_whose_it_is_and_cannot_lie() {
    let desk = Desk::open().await;
    let mut device = desk.device(TERMINAL).await;
    let _other = desk.device(OTHER).await;
    let key = device.master.message_key();
    let header = device.next();
    let nobody = model::TerminalId([0xee; 6]);
    for (header, status, code) in [
        (Header { terminal: OTHER, ..header }, 403, "wrong_code"),
        (Header { terminal: nobody, ..header }, 403, "unknown_terminal"),
        (Header { key_id: 1, ..header }, 403, "unknown_key"),
    ] {
        let refused = desk.ask(sealed(&key, &header, ASK.as_bytes())).await.refused();
        assert_eq!(refused, (status, code.to_owned()));
    }
    let good = sealed(&key, &header, ASK.as_bytes());
    // One byte of the header or the text, each at its place.
    for at in [7, 12, 20, 33, good.len() - 1] {
        let mut changed = good.clone();
        changed[at] ^= 0x40;
        assert_eq!(desk.ask(changed).await.status, StatusCode::FORBIDDEN, "{at}");
    }
    let mut sm4 = good.clone();
    sm4[1] = TerminalSuite::Sm4Gcm.number();
    assert_eq!(desk.ask(sm4).await.refused(), (403, "suite_refused".to_owned()));
    for bad in [&good[..20], &[], &[2; 60]] {
        assert_eq!(desk.ask(bad.to_vec()).await.refused(), (400, "malformed_envelope".to_owned()));
    }
    assert_eq!(desk.ask(vec![1; 33_000]).await.refused(), (413, "too_large".to_owned()));
    assert_eq!(desk.ask(good).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_question_is_refused_with_its_rule() {
    let desk = Desk::open().await;
    let mut device = desk.device(TERMINAL).await;
    for text in [
        "",
        "[]",
        r#"{"ask":"everything"}"#,
        r#"{"ask":"key_state"}"#,
        r#"{"ask":"working_key","more":1}"#,
        r#"{"ask":"sms_code","industry":"0101","asn":"42","transaction":"load","amount":1}"#,
    ] {
        let envelope = device.seal(text);
        let answer = desk.ask(envelope).await;
        assert_eq!(answer.refused(), (422, "malformed_message".to_owned()), "{text}");
        assert!(!answer.json()["detail"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_revoked_terminal_is_refused_at_both_doors_at_once() {
    let desk = Desk::open().await;
    let mut device = desk.device(TERMINAL).await;
    let given = desk.asks(&mut device, &json!({ "ask": "working_key" })).await;
    let key = device.holds(&given);
    desk.security.revoke_terminal(TERMINAL).await.unwrap();
    let revoked = (403, "terminal_revoked".to_owned());
    let envelope = device.seal(ASK);
    assert_eq!(desk.ask(envelope).await.refused(), revoked);
    let header = Header { key_id: key.id, ..device.next() };
    assert_eq!(desk.tap(sealed(&key.message, &header, b"A")).await.refused(), revoked);
}

#[tokio::test]
async fn the_bank_knows_when_it_last_heard_a_terminal() {
    let desk = Desk::open().await;
    let mut device = desk.device(TERMINAL).await;
    desk.pass(1_234);
    desk.asks(&mut device, &json!({ "ask": "key_state", "key_id": 1 })).await;
    let terminal = desk.app().store().peek(|rows| rows.terminal(TERMINAL)).unwrap().unwrap();
    assert_eq!(terminal.heard_at, Some(desk.app().now()));
}
