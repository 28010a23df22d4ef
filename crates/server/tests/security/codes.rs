//! SMS codes: for one load, not too often, and refused by outcome.

use model::{Asn, Fen};
use serde_json::{Value, json};
use server::Actor;
use store::{SmsState, WalletState};
use tap::{Authorize, Body, Header, Message, SmsAnswer, Transaction};

use crate::desk::{Desk, OTHER, PHONE, PIN, TERMINAL};
use crate::device::{Device, HeldKey, bytes, opened, sealed};

const MINUTE: i64 = 60_000;

pub(crate) fn wish(desk: &Desk, asn: Asn) -> Value {
    let product = desk.product();
    json!({
        "ask": "sms_code",
        "industry": product.code.to_string(),
        "asn": asn.to_string(),
        "transaction": "load",
        "amount": product.load_min.0,
    })
}

fn with(mut wish: Value, field: &str, value: Value) -> Value {
    wish[field] = value;
    wish
}

async fn asks(desk: &Desk, device: &mut Device, asn: Asn) -> Value {
    desk.asks(device, &wish(desk, asn)).await
}

#[tokio::test]
async fn a_code_is_bound_to_terminal_card_and_amount_and_only_its_digest_is_kept() {
    let mut desk = Desk::open().await;
    let asn = desk.wallet().await;
    let mut device = desk.device(TERMINAL).await;
    let answer = asks(&desk, &mut device, asn).await;
    assert_eq!(answer["phone_hint"], "***5678");
    let expires_at = desk.app().now().plus(5 * MINUTE);
    assert_eq!(answer["expires_at"], expires_at.0);
    let reference: [u8; 16] = bytes(&answer["reference"]);
    let store = desk.app().store();
    let code = store.peek(|rows| rows.sms_code(reference)).unwrap().unwrap();
    assert_eq!((code.terminal, code.asn, code.state), (TERMINAL, asn, SmsState::Waiting));
    assert_eq!((code.transaction, code.amount), (2, Some(desk.product().load_min)));
    assert_eq!((code.tries_left, code.expires_at), (3, expires_at));

    let now = desk.app().now();
    let [sms] = store.peek(|rows| rows.due_sms(now, 9)).unwrap().try_into().unwrap();
    assert_eq!((sms.phone.as_str(), sms.attempts, sms.expires_at), (PHONE, 0, expires_at));
    let four = format!("{:04}", asn.last_four());
    let amount = desk.product().load_min.to_string();
    for part in [&four[..], &amount, "元", "yuan", "5分钟", "5 min"] {
        assert!(sms.text.contains(part), "{part}");
    }
    let digits: String = sms.text.chars().skip_while(|c| !c.is_ascii_digit()).take(6).collect();
    assert!(digits.bytes().all(|b| b.is_ascii_digit()), "{digits}");
    assert!(!format!("{sms:?}").contains(&digits), "a text is not for the log");
    assert_eq!(desk.counted("sms", "queued"), 1);
}

#[tokio::test]
async fn a_card_gets_one_code_a_minute_and_the_newer_ends_the_older() {
    let mut desk = Desk::open().await;
    let asn = desk.wallet().await;
    let mut device = desk.device(TERMINAL).await;
    let first = asks(&desk, &mut device, asn).await;
    desk.pass(MINUTE - 1);
    assert_eq!(asks(&desk, &mut device, asn).await, json!({ "refused": "sms_too_often" }));
    let state = |answer: &Value| {
        let reference = bytes(&answer["reference"]);
        desk.app().store().peek(|rows| rows.sms_code(reference)).unwrap().unwrap().state
    };
    assert_eq!(state(&first), SmsState::Waiting);
    desk.pass(1);
    let second = asks(&desk, &mut device, asn).await;
    assert_eq!((state(&first), state(&second)), (SmsState::Ended, SmsState::Waiting));
    assert_ne!(first["reference"], second["reference"]);
}

#[tokio::test]
async fn a_card_gets_five_codes_an_hour_and_another_card_its_own() {
    let mut desk = Desk::open().await;
    let (asn, another) = (desk.wallet().await, desk.wallet().await);
    let mut device = desk.device(TERMINAL).await;
    for _ in 0..5 {
        assert!(asks(&desk, &mut device, asn).await["reference"].is_string());
        desk.pass(2 * MINUTE);
    }
    assert_eq!(asks(&desk, &mut device, asn).await, json!({ "refused": "sms_too_often" }));
    assert!(asks(&desk, &mut device, another).await["reference"].is_string());
    let desk = desk.restart().await;
    assert_eq!(asks(&desk, &mut device, asn).await, json!({ "refused": "sms_too_often" }));
    desk.pass(50 * MINUTE + 1);
    assert!(asks(&desk, &mut device, asn).await["reference"].is_string());
    assert_eq!(desk.counted("sms", "sms_too_often"), 1);
}

#[tokio::test]
async fn a_load_that_cannot_be_gets_no_code() {
    let mut desk = Desk::open().await;
    let asn = desk.wallet().await;
    let mut device = desk.device(TERMINAL).await;
    let good = wish(&desk, asn);
    let other = desk.bank.industries().all()[1].product.code.to_string();
    let too_much = desk.product().load_max.0 + 1;
    for (ask, outcome) in [
        (with(good.clone(), "industry", json!("9999")), "unknown_industry"),
        (with(good.clone(), "asn", json!("99999999999999999999")), "unknown_card"),
        (with(good.clone(), "industry", json!(other)), "foreign_card"),
        (with(good.clone(), "amount", json!(too_much)), "amount_refused"),
        (with(good.clone(), "amount", json!(0)), "amount_refused"),
    ] {
        assert_eq!(desk.asks(&mut device, &ask).await, json!({ "refused": outcome }));
    }
    desk.put_wallet(asn, |wallet| wallet.state = WalletState::Frozen).await;
    assert_eq!(desk.asks(&mut device, &good).await, json!({ "refused": "card_frozen" }));
    desk.put_wallet(asn, |wallet| wallet.state = WalletState::Issued).await;
    assert_eq!(desk.asks(&mut device, &good).await, json!({ "refused": "not_activated" }));
    desk.put_wallet(asn, |wallet| wallet.state = WalletState::Active).await;
    let store = desk.app().store();
    let number = store.peek(|rows| rows.wallet(asn)).unwrap().unwrap().bank_card;
    desk.bank.freeze_bank_card(Actor::command_line(), &number, true).await.unwrap();
    assert_eq!(desk.asks(&mut device, &good).await, json!({ "refused": "account_frozen" }));
    desk.bank.freeze_bank_card(Actor::command_line(), &number, false).await.unwrap();
    // None of these counted as a code.
    assert!(desk.asks(&mut device, &good).await["reference"].is_string());
}

/// The six digits of the newest text.
fn digits(desk: &Desk) -> String {
    let now = desk.app().now();
    let texts = desk.app().store().peek(|rows| rows.due_sms(now, 9)).unwrap();
    let text = texts.last().unwrap().text.clone();
    text.chars().skip_while(|c| !c.is_ascii_digit()).take(6).collect()
}

fn other_than(digits: &str) -> String {
    let (first, rest) = digits.split_at(1);
    format!("{}{rest}", if first == "9" { "0" } else { "9" })
}

/// Gives a code and the right PIN at the transaction server; the outcome's name, or `authorized`.
async fn gives(
    desk: &Desk,
    (device, key): (&mut Device, &HeldKey),
    (asn, amount): (Asn, Fen),
    (asked, code): (&Value, &str),
) -> &'static str {
    let sms = SmsAnswer { reference: bytes(&asked["reference"]), code: code.parse().unwrap() };
    let pin = key.pin.format4(&PIN.parse().unwrap(), asn, [7; 8]);
    let authorize = Authorize { asn, amount: Some(amount), sms: Some(sms), pin, pack_version: 1 };
    let (industry, transaction) = (desk.product().code, Transaction::Load);
    let message = Message { industry, transaction, body: Body::Authorize(authorize) };
    let header = Header { key_id: key.id, ..device.next() };
    let answer = desk.tap(sealed(&key.message, &header, message.to_text().as_bytes())).await;
    let text = String::from_utf8(opened(&key.message, &answer.body)).unwrap();
    match Message::parse(&text).unwrap().body {
        Body::Authorized(_) => "authorized",
        Body::End(end) => end.known().unwrap().name(),
        other => panic!("{other:?}"),
    }
}

async fn working_key(desk: &Desk, device: &mut Device) -> HeldKey {
    let given = desk.asks(device, &json!({ "ask": "working_key" })).await;
    device.holds(&given)
}

#[tokio::test]
async fn three_wrong_digits_end_a_code_and_a_right_one_is_good_once() {
    let mut desk = Desk::open().await;
    let asn = desk.wallet().await;
    let mut device = desk.device(TERMINAL).await;
    let key = working_key(&desk, &mut device).await;
    let load = (asn, desk.product().load_min);
    let asked = asks(&desk, &mut device, asn).await;
    let right = digits(&desk);
    let wrong = other_than(&right);
    for (code, outcome) in
        [(&wrong, "sms_wrong"), (&wrong, "sms_wrong"), (&wrong, "sms_blocked"), (&right, "sms_blocked")]
    {
        assert_eq!(gives(&desk, (&mut device, &key), load, (&asked, code)).await, outcome);
    }
    desk.pass(MINUTE);
    let asked = asks(&desk, &mut device, asn).await;
    let (right, desk) = (digits(&desk), desk.restart().await);
    assert_eq!(gives(&desk, (&mut device, &key), load, (&asked, &right)).await, "authorized");
    assert_eq!(gives(&desk, (&mut device, &key), load, (&asked, &right)).await, "sms_expired");
}

#[tokio::test]
async fn a_code_is_good_for_its_terminal_card_amount_and_five_minutes() {
    let mut desk = Desk::open().await;
    let (asn, another) = (desk.wallet().await, desk.wallet().await);
    let mut device = desk.device(TERMINAL).await;
    let mut neighbour = desk.device(OTHER).await;
    let key = working_key(&desk, &mut device).await;
    let neighbours_key = working_key(&desk, &mut neighbour).await;
    let amount = desk.product().load_min;
    let asked = asks(&desk, &mut device, asn).await;
    let right = digits(&desk);
    let code = (&asked, &right[..]);
    let more = amount.plus(Fen(1)).unwrap();
    for load in [(asn, more), (another, amount)] {
        assert_eq!(gives(&desk, (&mut device, &key), load, code).await, "sms_not_for_this");
    }
    let elsewhere = (&mut neighbour, &neighbours_key);
    assert_eq!(gives(&desk, elsewhere, (asn, amount), code).await, "sms_not_for_this");
    desk.pass(5 * MINUTE);
    assert_eq!(gives(&desk, (&mut device, &key), (asn, amount), code).await, "sms_expired");
}
