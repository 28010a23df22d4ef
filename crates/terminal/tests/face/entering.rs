//! A load and an activation: amount, code and PIN, what is wrong with them, and a card that is torn away.

use std::time::{SystemTime, UNIX_EPOCH};

use crypto::{LoadOrder, PurseKind};
use model::PurseTime;
use serde_json::json;
use sim::wallet::When;
use tap::message::{Authorized, Body, Command, CommandList, End, Reference};
use tap::{Outcome, StatusWord, apdu};

use super::*;
use crate::bank::{Act, say};

const REFERENCE: Reference = Reference([5; 16]);
const PIN: &str = "135790";
const CODE: &str = "480213";

fn permits() -> Act {
    say(|_| Body::Authorized(Authorized { reference: REFERENCE }))
}

/// CREDIT FOR LOAD over so much, with its MAC2.
fn credits(amount: Fen) -> Act {
    say(move |message| {
        let Body::Card(card) = &message.body else { panic!("{message:?}") };
        let initialized = card.initialized.unwrap();
        let when = PurseTime::from_bytes([0x20, 0x26, 0x11, 0x24, 9, 30, 0]);
        let order = LoadOrder { amount, kind: PurseKind::PurseLoad, terminal: TERMINAL, when };
        let key = load_master().diversify(card.asn);
        let mac2 = key.load_session(initialized.random, initialized.counter).load_mac2(&order);
        let credit = Command { apdu: apdu::credit_for_load(when, mac2), allowed: vec![StatusWord::DONE] };
        Body::Commands(CommandList { reference: REFERENCE, list: 2, commands: vec![credit] })
    })
}

fn ends(outcome: Outcome, tries_left: Option<u8>) -> Act {
    say(move |_| {
        let mut end = End::of(outcome);
        (end.asn, end.tries_left) = (Some(asn()), tries_left);
        Body::End(end)
    })
}

impl Counter {
    /// The bank sends codes.
    fn sends_codes(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let expires_at = u64::try_from(now).unwrap() + 300_000;
        let reference = "07".repeat(16);
        self.bank
            .set_sms(json!({ "reference": reference, "phone_hint": "***5678", "expires_at": expires_at }));
    }

    /// A card was read for a load: the transaction's path.
    async fn at_amounts(&self) -> String {
        self.field.hold(&self.wallet);
        let tap = self.browser.post("/industries/0101/load", "").await.leads_to().to_owned();
        assert_eq!(self.browser.until_it_leads(&tap).await, format!("{tap}/load"));
        tap
    }

    /// 20 yuan were chosen, and a code was sent.
    async fn at_code(&self) -> String {
        self.sends_codes();
        let tap = self.at_amounts().await;
        let sent = self.browser.post(&format!("{tap}/amount"), "amount=other&other_amount=20.00").await;
        assert_eq!(sent.leads_to(), format!("{tap}/confirm"));
        tap
    }

    /// Enters code and PIN; where that leads in the end.
    async fn enters(&self, tap: &str, code: &str, pin: &str) -> String {
        let entered = self.browser.post(&format!("{tap}/confirm"), &format!("code={code}&pin={pin}")).await;
        match entered.leads_to() {
            path if path == tap => self.browser.until_it_leads(tap).await,
            path => path.to_owned(),
        }
    }
}

#[tokio::test]
async fn a_load_goes_from_its_amount_to_the_card() {
    let counter = Counter::new().await;
    let browser = &counter.browser;
    let tap = counter.at_code().await;
    let amounts = browser.page(&format!("{tap}/load")).await;
    amounts.shows(&["¥100.00", "•••• 7801", &format!("action=\"{tap}/amount\""), "value=\"20.00\""]);
    let confirm = browser.page(&format!("{tap}/confirm")).await;
    confirm.shows(&["***5678", "¥20.00", "•••• 7801", &format!("action=\"{tap}/resend\"")]);
    confirm.hides(&["name=\"card_pin\"", "1234567801"]);

    counter.bank.will([permits(), credits(Fen(2_000)), ends(Outcome::Loaded, None)]);
    assert_eq!(counter.enters(&tap, CODE, PIN).await, format!("{tap}/result"));
    assert_eq!(counter.wallet.balance(), Fen(12_000));
    let result = browser.page(&format!("{tap}/result")).await;
    result.shows(&["data-outcome=\"loaded\"", "means-done", "¥20.00"]).hides(&[PIN, CODE]);
    // What is used up is not asked for again.
    assert_eq!(browser.get(&format!("{tap}/confirm")).await.leads_to(), format!("{tap}/load"));
    let resent = browser.post(&format!("{tap}/resend"), "").await;
    assert_eq!(resent.leads_to(), format!("{tap}/result"));
}

#[tokio::test]
async fn an_amount_that_cannot_be_is_said_beside_it() {
    let counter = Counter::new().await;
    counter.sends_codes();
    let browser = &counter.browser;
    let tap = counter.at_amounts().await;
    let path = format!("{tap}/amount");
    for (form, name) in [
        ("", "amount_malformed"),
        ("amount=other&other_amount=abc", "amount_malformed"),
        ("amount=other&other_amount=0", "amount_malformed"),
        ("amount=-5", "amount_malformed"),
        ("amount=0", "amount_refused"),
        ("amount=other&other_amount=99999", "amount_refused"),
        ("amount=4000000000", "amount_refused"),
    ] {
        let refused = browser.post(&path, form).await;
        assert_eq!(refused.leads_to(), format!("{tap}/load"), "{form}");
        browser.page(&format!("{tap}/load")).await.shows(&[&format!("data-outcome=\"{name}\"")]);
    }
    assert!(!counter.bank.asked().contains(&"sms_code".to_owned()));
    // What the bank refuses is said there too, or where it ends there, on the result's page.
    for (outcome, leads_to) in [("sms_too_often", "load"), ("card_frozen", "result")] {
        counter.bank.set_sms(json!({ "refused": outcome }));
        let refused = browser.post(&path, "amount=2000").await;
        assert_eq!(refused.leads_to(), format!("{tap}/{leads_to}"));
        let page = browser.page(refused.leads_to()).await;
        page.shows(&[&format!("data-outcome=\"{outcome}\"")]);
    }
}

#[tokio::test]
async fn a_wrong_code_or_pin_is_said_beside_its_field_and_may_be_tried_again() {
    let counter = Counter::new().await;
    let browser = &counter.browser;
    let tap = counter.at_code().await;
    let confirm = format!("{tap}/confirm");
    // What nobody needs to ask the bank about.
    assert_eq!(counter.enters(&tap, "12345", "12").await, confirm);
    browser.page(&confirm).await.shows(&["id=\"code-error\"", "code_malformed", "pin_malformed"]);
    assert!(counter.bank.heard().is_empty());

    for (outcome, tries, field, text) in [
        (Outcome::SmsWrong, Some(2), "code-error", "2 tries left"),
        (Outcome::PinWrong, Some(1), "pin-error", "1 try left"),
        (Outcome::SmsExpired, None, "code-error", "Ask for a new one"),
    ] {
        counter.bank.will([ends(outcome, tries)]);
        assert_eq!(counter.enters(&tap, "111111", "222222").await, confirm, "{outcome:?}");
        let page = browser.page(&confirm).await;
        let marked = format!("id=\"{field}\" data-outcome=\"{}\"", outcome.name());
        page.shows(&[&marked, text]).hides(&["111111", "222222"]);
    }
    let asked = counter.bank.asked().len();
    assert_eq!(browser.post(&format!("{tap}/resend"), "").await.leads_to(), confirm);
    assert_eq!(counter.bank.asked()[asked..], ["sms_code".to_owned()]);
    browser.page(&confirm).await.hides(&["code-error\""]);
    counter.bank.set_sms(json!({ "refused": "sms_too_often" }));
    browser.post(&format!("{tap}/resend"), "").await;
    browser.page(&confirm).await.shows(&["role=\"alert\" data-outcome=\"sms_too_often\""]);

    counter.bank.will([permits(), credits(Fen(2_000)), ends(Outcome::Loaded, None)]);
    assert_eq!(counter.enters(&tap, CODE, PIN).await, format!("{tap}/result"));
    // Each try carried the reference of the code that was sent.
    for message in counter.bank.heard() {
        if let Body::Authorize(authorize) = message.body {
            assert_eq!(authorize.sms.unwrap().reference, [7; 16]);
        }
    }
}

#[tokio::test]
async fn a_card_torn_away_before_it_was_written_is_held_again_and_finished() {
    let counter = Counter::new().await;
    let browser = &counter.browser;
    let tap = counter.at_code().await;
    counter.wallet.tear_writing(When::Before);
    counter.bank.will([permits(), credits(Fen(2_000)), ends(Outcome::PaidNotWritten, None)]);
    assert_eq!(counter.enters(&tap, CODE, PIN).await, format!("{tap}/result"));
    let result = browser.page(&format!("{tap}/result")).await;
    result.shows(&["data-outcome=\"paid_not_written\"", "trail", &format!("action=\"{tap}/again\"")]);
    assert_eq!(counter.wallet.balance(), Fen(10_000));

    let heard = counter.bank.heard().len();
    counter.bank.will([ends(Outcome::Loaded, None)]);
    let again = browser.post(&format!("{tap}/again"), "").await.leads_to().to_owned();
    browser.page(&again).await.shows(&["•••• 7801", "¥20.00"]);
    counter.field.hold(&counter.wallet);
    let result = browser.until_it_leads(&again).await;
    browser.page(&result).await.shows(&["data-outcome=\"loaded\""]);
    let heard = &counter.bank.heard()[heard..];
    assert_eq!(heard[0].transaction, tap::Transaction::SupplementaryLoad);
}

#[tokio::test]
async fn an_activation_reads_the_card_and_asks_for_the_pin() {
    let counter = Counter::new().await;
    let browser = &counter.browser;
    counter.field.hold(&counter.wallet);
    let tap = browser.post("/industries/0101/activate", "").await.leads_to().to_owned();
    let form = format!("{tap}/activate");
    assert_eq!(browser.until_it_leads(&tap).await, form);
    browser.page(&form).await.shows(&["•••• 7801", &format!("action=\"{form}\"")]).hides(&["card_pin"]);
    assert_eq!(browser.post(&form, "pin=12").await.leads_to(), form);
    browser.page(&form).await.shows(&["data-outcome=\"pin_malformed\""]);
    counter.bank.will([ends(Outcome::PinWrong, Some(2))]);
    assert_eq!(browser.post(&form, "pin=222222").await.leads_to(), tap);
    assert_eq!(browser.until_it_leads(&tap).await, form);
    browser.page(&form).await.shows(&["data-outcome=\"pin_wrong\"", "2 tries left"]).hides(&["222222"]);
    counter.bank.will([ends(Outcome::Activated, None)]);
    assert_eq!(browser.post(&form, &format!("pin={PIN}")).await.leads_to(), tap);
    let result = browser.until_it_leads(&tap).await;
    browser.page(&result).await.shows(&["data-outcome=\"activated\"", &format!("action=\"{tap}/balance\"")]);
}

#[tokio::test]
async fn a_verified_balance_keeps_the_records_and_names_an_open_load() {
    let counter = Counter::new().await;
    let browser = &counter.browser;
    counter.field.hold(&counter.wallet);
    let tap = browser.post("/industries/0101/balance", "").await.leads_to().to_owned();
    browser.until_it_leads(&tap).await;
    counter.bank.will([say(|_| {
        let mut end = End::of(Outcome::OpenLoad);
        (end.asn, end.balance, end.amount) = (Some(asn()), Some(Fen(10_000)), Some(Fen(5_000)));
        end.verified = true;
        Body::End(end)
    })]);
    let verify = browser.post(&format!("{tap}/verify"), "").await.leads_to().to_owned();
    let result = browser.until_it_leads(&verify).await;
    let page = browser.page(&result).await;
    page.shows(&["is-verified", "¥50.00", &format!("action=\"{verify}/finish\"")]);
    page.hides(&[&format!("href=\"{verify}/load\""), &format!("action=\"{verify}/verify\"")]);
}
