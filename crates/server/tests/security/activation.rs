//! A terminal gets its master key, once, for the right code, in time.

use axum::http::StatusCode;
use crypto::{ActivationSecret, TerminalSuite};
use serde_json::json;
use server::security::{RegisterError, RevokeError};
use store::TerminalState;

use crate::desk::{Desk, OTHER, SIGNERS, TERMINAL};
use crate::device::Device;

const MINUTE: i64 = 60_000;

/// A code of the right shape that is nobody's.
fn wrong() -> String {
    ActivationSecret::from_bytes([9; 16]).to_string()
}

fn state(desk: &Desk) -> TerminalState {
    desk.app().store().peek(|rows| rows.terminal(TERMINAL)).unwrap().unwrap().state
}

fn forbidden(code: &str) -> (u16, String) {
    (403, code.to_owned())
}

#[tokio::test]
async fn the_right_code_brings_the_master_key_and_who_may_sign_packs() {
    let desk = Desk::open().await;
    let code = desk.register(TERMINAL).await;
    assert_eq!(state(&desk), TerminalState::Registered);
    let answer = desk.activate(TERMINAL, &code.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let body = answer.json();
    Device::activated(TERMINAL, &code, &body);
    assert_eq!(body["suite"], 1);
    assert_eq!(body["pack_signers"], json!(SIGNERS.map(hex::encode)));
    assert_eq!(body["now"], desk.app().now().0);
    assert_eq!(state(&desk), TerminalState::Active);
}

#[tokio::test]
async fn a_code_is_taken_however_people_write_it() {
    let desk = Desk::open().await;
    let code = desk.register(TERMINAL).await;
    let text = code.to_string().to_lowercase();
    let written = format!(" {}-{} {}", &text[..5], &text[5..10], &text[10..]);
    assert_eq!(desk.activate(TERMINAL, &written).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_until_the_key_is_used() {
    let desk = Desk::open().await;
    let code = desk.register(TERMINAL).await;
    let first = desk.activate(TERMINAL, &code.to_string()).await.json();
    desk.pass(9 * MINUTE);
    let again = desk.activate(TERMINAL, &code.to_string()).await.json();
    assert_eq!(first["wrapped_master"], again["wrapped_master"]);
    let mut device = Device::activated(TERMINAL, &code, &again);
    desk.asks(&mut device, &json!({ "ask": "working_key" })).await;
    let used = desk.activate(TERMINAL, &code.to_string()).await.refused();
    assert_eq!(used, forbidden("code_used"));
}

#[tokio::test]
async fn a_lost_answer_is_not_given_again_after_ten_minutes() {
    let desk = Desk::open().await;
    let code = desk.register(TERMINAL).await;
    desk.activate(TERMINAL, &code.to_string()).await;
    desk.pass(5 * MINUTE);
    // Asking again does not make the time longer.
    assert_eq!(desk.activate(TERMINAL, &code.to_string()).await.status, StatusCode::OK);
    desk.pass(5 * MINUTE);
    let used = desk.activate(TERMINAL, &code.to_string()).await.refused();
    assert_eq!(used, forbidden("code_used"));
}

#[tokio::test]
async fn three_wrong_codes_end_the_right_one_across_a_restart() {
    let desk = Desk::open().await;
    let code = desk.register(TERMINAL).await;
    for _ in 0..2 {
        assert_eq!(desk.activate(TERMINAL, &wrong()).await.refused(), forbidden("wrong_code"));
    }
    let desk = desk.restart().await;
    assert_eq!(desk.activate(TERMINAL, &wrong()).await.refused(), forbidden("wrong_code"));
    let blocked = desk.activate(TERMINAL, &code.to_string()).await.refused();
    assert_eq!(blocked, forbidden("code_blocked"));
    assert_eq!(state(&desk), TerminalState::Registered);
    let anew = desk.register(TERMINAL).await;
    assert_eq!(desk.activate(TERMINAL, &anew.to_string()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn two_wrong_codes_do_not() {
    let desk = Desk::open().await;
    let code = desk.register(TERMINAL).await;
    for _ in 0..2 {
        desk.activate(TERMINAL, &wrong()).await;
    }
    assert_eq!(desk.activate(TERMINAL, &code.to_string()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_is_good_for_a_day() {
    let desk = Desk::open().await;
    let code = desk.register(TERMINAL).await;
    desk.pass(24 * 60 * MINUTE);
    let expired = desk.activate(TERMINAL, &code.to_string()).await.refused();
    assert_eq!(expired, forbidden("code_expired"));
}

#[tokio::test]
async fn what_cannot_be_a_code_costs_no_try() {
    let desk = Desk::open().await;
    let code = desk.register(TERMINAL).await;
    for text in ["", "too short", "0189", &format!("{wrong}A", wrong = wrong())] {
        let refused = desk.activate(TERMINAL, text).await.refused();
        assert_eq!(refused, (422, "invalid_code".to_owned()), "{text:?}");
    }
    assert_eq!(desk.activate(TERMINAL, &code.to_string()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_is_of_one_terminal() {
    let desk = Desk::open().await;
    let code = desk.register(TERMINAL).await;
    let nobodys = desk.activate(OTHER, &code.to_string()).await.refused();
    assert_eq!(nobodys, forbidden("unknown_terminal"));
    desk.register(OTHER).await;
    let foreign = desk.activate(OTHER, &code.to_string()).await.refused();
    assert_eq!(foreign, forbidden("wrong_code"));
}

#[tokio::test]
async fn a_new_code_puts_the_device_of_before_out() {
    let desk = Desk::open().await;
    let mut lost = desk.device(TERMINAL).await;
    desk.asks(&mut lost, &json!({ "ask": "working_key" })).await;
    let code = desk.register(TERMINAL).await;
    let envelope = lost.seal(r#"{"ask":"working_key"}"#);
    assert_eq!(desk.ask(envelope).await.refused(), forbidden("unknown_terminal"));

    let answer = desk.activate(TERMINAL, &code.to_string()).await.json();
    let mut found = Device::activated(TERMINAL, &code, &answer);
    let envelope = lost.seal(r#"{"ask":"working_key"}"#);
    assert_eq!(desk.ask(envelope).await.refused(), forbidden("wrong_code"));
    // Its sequences begin anew, its key ids do not.
    let given = desk.asks(&mut found, &json!({ "ask": "working_key" })).await;
    assert_eq!(given["key_id"], 2);
    let state = desk.asks(&mut found, &json!({ "ask": "key_state", "key_id": 1 })).await;
    assert_eq!(state["good"], false);
}

#[tokio::test]
async fn a_terminal_that_was_reported_lost_comes_back_by_a_new_code_only() {
    let desk = Desk::open().await;
    let code = desk.register(TERMINAL).await;
    desk.security.revoke_terminal(TERMINAL).await.unwrap();
    let revoked = desk.activate(TERMINAL, &code.to_string()).await.refused();
    assert_eq!(revoked, forbidden("terminal_revoked"));
    let code = desk.register(TERMINAL).await;
    assert_eq!(desk.activate(TERMINAL, &code.to_string()).await.status, StatusCode::OK);
    let unknown = desk.security.revoke_terminal(OTHER).await;
    assert_eq!(unknown, Err(RevokeError::NoSuchTerminal(OTHER)));
}

#[tokio::test]
async fn an_operator_is_told_what_cannot_be_registered() {
    let desk = Desk::open().await;
    for name in ["", "a\nb", &"x".repeat(65)] {
        let refused = desk.security.register_terminal(TERMINAL, name, TerminalSuite::Aes128Gcm).await;
        assert_eq!(refused.unwrap_err(), RegisterError::Name, "{name:?}");
    }
    if !TerminalSuite::Des.is_built() {
        let refused = desk.security.register_terminal(TERMINAL, "Kiosk", TerminalSuite::Des).await;
        assert!(matches!(refused, Err(RegisterError::SuiteNotBuilt(_))));
    }
}

#[tokio::test]
async fn requests_that_are_none_are_refused_by_name() {
    let desk = Desk::open().await;
    let url = desk.at_door("/activate");
    let json = "application/json";
    for (media_type, body, status, code) in [
        ("text/plain", "{}".to_owned(), 415, "wrong_media_type"),
        (json, "{".to_owned(), 400, "invalid_json"),
        (json, "{}".to_owned(), 400, "invalid_json"),
        (json, r#"{"terminal":"31","code":"a"}"#.to_owned(), 422, "invalid_request"),
        (
            json,
            format!(r#"{{"terminal":"310000000001","code":"","software":"{}"}}"#, "x".repeat(65)),
            422,
            "invalid_request",
        ),
        (json, "x".repeat(33_000), 413, "too_large"),
    ] {
        let answer = desk.caller().post(&url, media_type, body.clone()).await.unwrap();
        assert_eq!(answer.refused(), (status, code.to_owned()), "{body:.60}");
    }
    let got = desk.caller().get(&url).await.unwrap();
    assert_eq!(got.refused(), (405, "method_not_allowed".to_owned()));
    let nothing = desk.caller().get(&desk.at_door("/elsewhere")).await.unwrap();
    assert_eq!(nothing.refused(), (404, "no_such_endpoint".to_owned()));
    assert_eq!(desk.counted("tap_refused", "invalid_json"), 2);
}

#[tokio::test]
async fn a_code_is_kept_nowhere() {
    let desk = Desk::open().await;
    let code = desk.register(TERMINAL).await;
    desk.activate(TERMINAL, &code.to_string()).await;
    let stored = desk.stored_bytes();
    for secret in [code.to_string().into_bytes(), code.claim().to_vec()] {
        assert!(!stored.windows(secret.len()).any(|window| window == secret));
    }
    assert!(format!("{code:?}").contains("redacted"));
}
