//! A message's bytes.
#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

use model::UnixMillis;
use serde_json::json;
use webhook::{Body, Data, EventKind, MessageError, MessageId, MessageIdError};

/// 2026-11-20T18:31:28.042Z.
const AT: UnixMillis = UnixMillis(1_795_199_488_042);

fn paid() -> EventKind {
    "order.paid".parse().unwrap()
}

#[test]
fn a_message_has_its_fields_in_one_order() {
    let data = Data::from_value(&json!({"order": "ord_7", "amount": {"minor": 2000, "currency": "CNY"}}));
    let body = Body::new(&paid(), AT, 3, &data.unwrap()).unwrap();
    let text = body.as_str();
    assert!(
        text.starts_with(
            r#"{"type":"order.paid","timestamp":"2026-11-20T18:31:28.042Z","sequence":3,"data":{"#
        )
    );
    let read: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(read["data"]["amount"]["minor"], 2000);
    // What was stored is what is sent.
    assert_eq!(Body::from_stored(text.to_owned()).unwrap().as_bytes(), body.as_bytes());
}

#[test]
fn an_object_that_was_written_out_keeps_its_bytes() {
    let text = r#"{ "b" : 1.50, "a":"\u00e9" }"#;
    let data = Data::from_text(&format!("\n {text}\t")).unwrap();
    assert_eq!(data.as_str(), text);
    let body = Body::new(&paid(), AT, 0, &data).unwrap();
    assert!(body.as_str().ends_with(&format!(r#","sequence":0,"data":{text}}}"#)));
}

#[test]
fn data_that_is_not_one_object_is_refused() {
    for text in ["", "7", "null", "[]", "\"{}\"", "{", "{}{}", "{},\"type\":\"x\"", "{'a':1}", "{\"a\":1,}"] {
        assert_eq!(Data::from_text(text), Err(MessageError::NotAnObject), "{text}");
    }
    let deep = format!("{}{}", r#"{"a":"#.repeat(200), "}".repeat(200));
    assert_eq!(Data::from_text(&deep), Err(MessageError::NotAnObject));
    assert_eq!(Data::from_value(&json!([1])), Err(MessageError::NotAnObject));
}

#[test]
fn a_message_has_64_kibibytes_at_most() {
    let filled = |length: usize| Data::from_value(&json!({"a": "x".repeat(length)})).unwrap();
    let rest = Body::new(&paid(), AT, 1, &filled(0)).unwrap().as_bytes().len();
    let fits = Body::new(&paid(), AT, 1, &filled(65_536 - rest)).unwrap();
    assert_eq!(fits.as_bytes().len(), 65_536);
    assert_eq!(Body::new(&paid(), AT, 1, &filled(65_537 - rest)), Err(MessageError::TooLong));
    assert_eq!(Body::from_stored("x".repeat(65_537)), Err(MessageError::TooLong));
    assert_eq!(Data::from_text(&format!("{}{{}}", " ".repeat(65_536))), Err(MessageError::TooLong));
}

#[test]
fn sequences_and_moments_that_json_does_not_keep_are_refused() {
    let data = Data::from_text("{}").unwrap();
    assert!(Body::new(&paid(), AT, (1 << 53) - 1, &data).is_ok());
    assert_eq!(Body::new(&paid(), AT, 1 << 53, &data), Err(MessageError::Sequence));
    assert_eq!(Body::new(&paid(), UnixMillis(i64::MAX), 1, &data), Err(MessageError::Moment));
}

#[test]
fn ids_of_messages_read_back_and_rise() {
    let id = MessageId::from_time_and_random(AT, u128::MAX);
    assert_eq!(id.to_string().parse(), Ok(id));
    assert_eq!(id.to_string().len(), 36);
    assert!(MessageId::from_time_and_random(AT.plus(1), 0) > id);
    let upper = format!("msg_{:032X}", u128::MAX);
    for wrong in ["", "msg_7", "ord_00000000000000000000000000000007", upper.as_str()] {
        assert_eq!(wrong.parse::<MessageId>(), Err(MessageIdError), "{wrong}");
    }
}
