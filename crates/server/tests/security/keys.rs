//! Working keys: given, renewed before their end, and good a little longer for what runs.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tap::Header;

use crate::desk::{Desk, TERMINAL};
use crate::device::{Device, HeldKey, sealed};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

async fn renew(desk: &Desk, device: &mut Device) -> (HeldKey, Value) {
    let given = desk.asks(device, &json!({ "ask": "working_key" })).await;
    (device.holds(&given), given)
}

async fn state(desk: &Desk, device: &mut Device, id: u32) -> (bool, bool) {
    let state = desk.asks(device, &json!({ "ask": "key_state", "key_id": id })).await;
    assert_eq!(state["now"], desk.app().now().0);
    (state["good"].as_bool().unwrap(), state["must_renew"].as_bool().unwrap())
}

/// How `POST /tap` refuses a text that is no message: `malformed_message` under a key that is good.
async fn at_tap(desk: &Desk, device: &mut Device, key: &HeldKey) -> String {
    let header = Header { key_id: key.id, ..device.next() };
    desk.tap(sealed(&key.message, &header, b"nothing")).await.refused().1
}

#[tokio::test]
async fn a_working_key_lives_twelve_hours_and_is_renewed_in_its_last_quarter() {
    let desk = Desk::open().await;
    let mut device = desk.device(TERMINAL).await;
    let (key, given) = renew(&desk, &mut device).await;
    assert_eq!((key.id, &given["renew_before_seconds"]), (1, &json!(900)));
    assert_eq!(given["expires_at"], desk.app().now().0 + 12 * HOUR);
    assert_eq!(state(&desk, &mut device, 1).await, (true, false));
    assert_eq!(at_tap(&desk, &mut device, &key).await, "malformed_message");
    desk.pass(12 * HOUR - 15 * MINUTE);
    assert_eq!(state(&desk, &mut device, 1).await, (true, false));
    desk.pass(1);
    assert_eq!(state(&desk, &mut device, 1).await, (true, true));
    desk.pass(15 * MINUTE - 1);
    assert_eq!(state(&desk, &mut device, 1).await, (false, true));
    assert_eq!(at_tap(&desk, &mut device, &key).await, "key_expired");
}

#[tokio::test]
async fn the_key_before_the_newest_stays_good_for_ten_minutes() {
    let desk = Desk::open().await;
    let mut device = desk.device(TERMINAL).await;
    let (first, _) = renew(&desk, &mut device).await;
    let (second, _) = renew(&desk, &mut device).await;
    assert_eq!((first.id, second.id), (1, 2));
    assert_eq!(state(&desk, &mut device, 1).await, (true, true));
    assert_eq!(at_tap(&desk, &mut device, &first).await, "malformed_message");
    desk.pass(10 * MINUTE);
    assert_eq!(state(&desk, &mut device, 1).await, (false, true));
    assert_eq!(at_tap(&desk, &mut device, &first).await, "key_expired");
    assert_eq!(state(&desk, &mut device, 2).await, (true, false));
    assert_eq!(at_tap(&desk, &mut device, &second).await, "malformed_message");
}

#[tokio::test]
async fn a_renewal_makes_no_life_longer() {
    let desk = Desk::open().await;
    let mut device = desk.device(TERMINAL).await;
    renew(&desk, &mut device).await;
    desk.pass(12 * HOUR - 2 * MINUTE);
    renew(&desk, &mut device).await;
    desk.pass(2 * MINUTE);
    assert_eq!(state(&desk, &mut device, 1).await, (false, true));
    // Nor does a third one for the first two.
    desk.pass(HOUR);
    renew(&desk, &mut device).await;
    assert_eq!(state(&desk, &mut device, 1).await, (false, true));
}

#[tokio::test]
async fn a_key_of_another_id_or_key_opens_nothing() {
    let desk = Desk::open().await;
    let mut device = desk.device(TERMINAL).await;
    let (first, _) = renew(&desk, &mut device).await;
    let (second, _) = renew(&desk, &mut device).await;
    let crossed = HeldKey { id: second.id, ..first };
    assert_eq!(at_tap(&desk, &mut device, &crossed).await, "wrong_code");
    let never = HeldKey { id: 7, ..second };
    assert_eq!(at_tap(&desk, &mut device, &never).await, "unknown_key");
    assert_eq!(state(&desk, &mut device, 7).await, (false, true));
}

#[tokio::test]
async fn ended_keys_are_forgotten_after_a_day() {
    let desk = Desk::open().await;
    let mut device = desk.device(TERMINAL).await;
    let (first, _) = renew(&desk, &mut device).await;
    desk.pass(36 * HOUR);
    assert_eq!(desk.security.forget_ended().await, Ok(0));
    assert_eq!(at_tap(&desk, &mut device, &first).await, "key_expired");
    desk.pass(1);
    assert_eq!(desk.security.forget_ended().await, Ok(1));
    assert_eq!(at_tap(&desk, &mut device, &first).await, "unknown_key");
    // A terminal that was away for long begins again with the next id.
    let (next, _) = renew(&desk, &mut device).await;
    assert_eq!(next.id, 2);
    assert_eq!(desk.caller().get(&desk.at_tap("/healthz")).await.unwrap().status, StatusCode::OK);
}
