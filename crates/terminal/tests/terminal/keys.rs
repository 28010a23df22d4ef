//! The life of working keys, by the bank's time.

use serde_json::json;
use tap::{Outcome, RefusalCode, Transaction};
use terminal::{BankError, SmsError};

use super::*;
use crate::stand::Reply;

const ASN: &str = "00001000751234567801";

#[tokio::test]
async fn a_key_comes_at_the_start_is_asked_after_and_kept_while_it_is_good() {
    let world = World::new().await;
    let terminal = world.terminal().await;
    soon("a key comes by itself", || terminal.condition().key.is_some()).await;
    for _ in 0..3 {
        terminal.prepare().await.unwrap();
    }
    assert_eq!(world.bank.asked(), ["working_key", "key_state", "key_state", "key_state"]);
    assert_eq!(terminal.condition().clock_wrong_by_seconds, None);
}

#[tokio::test]
async fn under_fifteen_minutes_a_key_is_renewed_before_a_transaction() {
    let world = World::new().await;
    world.bank.set_key_millis(899_000);
    let terminal = world.terminal().await;
    soon("a key comes", || terminal.condition().key.is_some()).await;
    world.bank.set_key_millis(43_200_000);
    terminal.prepare().await.unwrap();
    assert_eq!(terminal.condition().key.unwrap().0, 2);
    terminal.prepare().await.unwrap();
    assert_eq!(terminal.condition().key.unwrap().0, 2);
}

#[tokio::test]
async fn a_good_key_goes_on_where_the_next_one_cannot_be_had() {
    let world = World::new().await;
    world.bank.set_key_millis(600_000);
    let terminal = world.terminal().await;
    soon("a key comes", || terminal.condition().key.is_some()).await;
    // The security server does not even answer how the key stands.
    world.bank.will_at_ask([Reply::Close, Reply::Close]);
    terminal.prepare().await.unwrap();
    assert_eq!(terminal.condition().key.unwrap().0, 1);
    terminal.prepare().await.unwrap();
    assert_eq!(terminal.condition().key.unwrap().0, 2);
    // A key that the bank ended does not.
    world.bank.end_key(2);
    world.bank.set_key_millis(43_200_000);
    terminal.prepare().await.unwrap();
    assert_eq!(terminal.condition().key.unwrap().0, 3);
}

#[tokio::test]
async fn the_end_of_a_key_is_judged_by_the_banks_time_and_a_wrong_clock_is_named() {
    let world = World::new().await;
    world.bank.set_ahead(-86_400_000);
    let terminal = world.terminal().await;
    soon("a key comes", || terminal.condition().key.is_some()).await;
    // By this terminal's clock the key ended twelve hours ago.
    terminal.prepare().await.unwrap();
    let condition = terminal.condition();
    assert_eq!(condition.key.unwrap().0, 1);
    assert!((86_398..=86_402).contains(&condition.clock_wrong_by_seconds.unwrap()));
}

#[tokio::test]
async fn a_revoked_terminal_gets_nothing() {
    let world = World::new().await;
    let terminal = world.terminal().await;
    soon("a key comes", || terminal.condition().key.is_some()).await;
    world.bank.will_at_ask([Reply::refusal(403, RefusalCode::TerminalRevoked.code())]);
    let refused = terminal.prepare().await;
    assert!(matches!(&refused, Err(BankError::Server(_))), "{refused:?}");
    assert!(refused.unwrap_err().to_string().contains("terminal_revoked"));
}

#[tokio::test]
async fn keys_that_are_not_the_announced_ones_are_not_used() {
    let world = World::new().await;
    let terminal = world.terminal().await;
    soon("a key comes", || terminal.condition().key.is_some()).await;
    world.bank.end_key(1);
    // An envelope that is none, which a server in between could send.
    world.bank.will_at_ask([Reply::Answer(200, vec![1; 80])]);
    let refused = terminal.prepare().await;
    // By the bank's time the key would be good, and what came says nothing: it goes on and is refused at the bank.
    assert!(refused.is_ok(), "{refused:?}");
    terminal.prepare().await.unwrap();
    assert_eq!(terminal.condition().key.unwrap().0, 2);
}

#[tokio::test]
async fn what_connections_lose_and_a_busy_bank_refuses_is_asked_again_with_a_new_number() {
    let world = World::new().await;
    let terminal = world.terminal().await;
    soon("a key comes", || terminal.condition().key.is_some()).await;
    for reply in [
        Reply::Close,
        Reply::refusal(503, RefusalCode::Overloaded.code()),
        Reply::refusal(503, RefusalCode::Unavailable.code()),
        Reply::refusal(409, RefusalCode::OutOfOrder.code()),
        Reply::refusal(409, RefusalCode::Replayed.code()),
    ] {
        let (asked, highest) = (world.bank.asked().len(), world.bank.highest(0));
        world.bank.will_at_ask([reply]);
        terminal.prepare().await.unwrap();
        assert_eq!((world.bank.asked().len(), world.bank.highest(0)), (asked + 2, highest + 2));
    }
}

#[tokio::test]
async fn an_sms_code_is_asked_for_and_a_refusal_is_an_outcome() {
    let world = World::new().await;
    let terminal = world.terminal().await;
    let asn = ASN.parse().unwrap();
    let industry = "0101".parse().unwrap();
    let ask = || terminal.request_sms(industry, asn, Transaction::Load, Some(model::Fen(1_000)));
    world.bank.set_sms(json!({ "reference": "07".repeat(16), "phone_hint": "···· 4711", "expires_at": 5 }));
    let sent = ask().await.unwrap();
    assert_eq!((sent.reference, sent.phone_hint.as_str()), ([7; 16], "···· 4711"));
    world.bank.set_sms(json!({ "refused": "sms_too_often" }));
    let refused = ask().await.unwrap_err();
    assert!(matches!(refused, SmsError::Refused(Outcome::SmsTooOften)), "{refused:?}");
    for nonsense in [json!({ "refused": "because" }), json!({ "reference": "07" }), json!([])] {
        world.bank.set_sms(nonsense);
        let refused = ask().await.unwrap_err();
        assert!(matches!(refused, SmsError::Bank(_)), "{refused:?}");
        assert_eq!(refused.outcome(), Outcome::ServerAway);
    }
}
