//! The test mode of the program: keys from the command line, a payment, a clock that survives a kill, and databases that
//! are not taken for each other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod chromium;
mod program;

use chromium::{Browser, Pictures, Screen};
use program::merchant::{Merchant, SMALL};
use program::platform::Platform;
use program::process::run;
use serde_json::{Value, json};

/// A merchant's two keys, as `merchant add` prints them: live, test.
fn keys(said: &str) -> (String, String) {
    let of = |prefix: &str| said.split_whitespace().find(|word| word.starts_with(prefix)).unwrap().to_owned();
    (of("cf_live_"), of("cf_test_"))
}

/// What a key is recognised by in the list.
fn said_key(key: &str) -> String {
    key.chars().take(12).collect()
}

async fn json_of(merchant: &Merchant, method: &str, path: &str, body: Option<Value>) -> Value {
    let answer = merchant.asks(method, path, body).await;
    assert!(answer.status().is_success(), "{method} {path}: {}", answer.status());
    answer.json().await.unwrap()
}

async fn test_card(merchant: &Merchant) -> String {
    let card = json_of(merchant, "POST", "/v1/test/cards", Some(json!({}))).await;
    card["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_key_pays_by_amount_and_the_clock_stays_ahead_through_a_kill() {
    let platform = Platform::new();
    let said = platform.run(&["merchant", "add", "Morning Market"]).well();
    let id = said.split_whitespace().next().unwrap().to_owned();
    let (live, test) = keys(&said);
    let serving = platform.serve();
    let tester = Merchant::new(platform.http, &test);
    let card = test_card(&tester).await;
    for (minor, ends) in [(500, "paid"), (501, "declined"), (507, "failed"), (600, "paid")] {
        let order = tester.order(&card, minor).await;
        assert!(order.pay_url.contains("/test/pay/"), "{}", order.pay_url);
        assert_eq!(tester.read(&order.id).await.state, ends);
    }
    assert_eq!(tester.balance().await, 1_100);
    let silent = tester.order(&card, 503).await;
    json_of(&tester, "POST", "/v1/test/clock/advance", Some(json!({ "seconds": 300 }))).await;
    assert_eq!(tester.read(&silent.id).await.state, "awaiting_card", "its lifetime is 600 s");
    let behind = tester.order(&card, SMALL).await;
    serving.signal("KILL");
    let _ = serving.ended();

    let serving = platform.serve();
    assert!(serving.says("test mode").contains("its clock is 300 s ahead"));
    let clock = json_of(&tester, "GET", "/v1/test/clock", None).await;
    assert_eq!(clock["ahead_seconds"], 300);
    json_of(&tester, "POST", "/v1/test/clock/advance", Some(json!({ "seconds": 100 }))).await;
    assert_eq!(tester.read(&silent.id).await.state, "awaiting_card");
    json_of(&tester, "POST", "/v1/test/clock/advance", Some(json!({ "seconds": 300 }))).await;
    let states = (tester.read(&silent.id).await.state, tester.read(&behind.id).await.state);
    assert_eq!(states, ("expired".to_owned(), "paid".to_owned()));

    // Another key of the same merchant sees the same; live money saw nothing.
    let said = platform.run(&["merchant", "test-key", &id]).well();
    let again = Merchant::new(platform.http, said.split_whitespace().last().unwrap());
    assert_eq!(again.all().await.len(), 6);
    let said = platform.run(&["merchant", "key", "add", &id, "--name", "again"]).well();
    for key in [live.as_str(), said.split_whitespace().last().unwrap()] {
        let merchant = Merchant::new(platform.http, key);
        assert!(merchant.all().await.is_empty());
        assert_eq!(merchant.asks("GET", "/v1/test/clock", None).await.status(), 403);
    }
    assert!(platform.run(&["merchant", "test-key", "mer_00000099"]).badly().contains("no merchant"));

    // Test keys are listed beside the others, and revoked as they are.
    let listed = platform.run(&["merchant", "key", "list", &id]).well();
    let beginning = |prefix: &str| listed.lines().filter(|line| line.contains(prefix)).count();
    assert_eq!((beginning(" cf_test_"), beginning(" cf_live_")), (2, 2), "{listed}");
    let hint = said_key(&test);
    let line = listed.lines().find(|line| line.contains(&hint)).unwrap();
    let key_id = line.split_whitespace().next().unwrap();
    let revoke = ["merchant", "key", "revoke", key_id];
    let revoked = platform.run(&revoke).well();
    assert_eq!(revoked, format!("{key_id} ({hint}…) of {id} is refused from now on.\n"));
    assert_eq!(tester.asks("GET", "/v1/orders", None).await.status(), 401);
    assert_eq!(again.asks("GET", "/v1/orders", None).await.status(), 200);
    assert!(platform.run(&revoke).badly().contains("was revoked already"));
    assert!(
        platform.run(&["merchant", "key", "revoke", "key_0000000000000000"]).badly().contains("no API key")
    );
    let listed = platform.run(&["merchant", "key", "list"]).well();
    let line = listed.lines().find(|line| line.starts_with(key_id)).unwrap();
    assert!(line.contains(" revoked "), "{line}");
    let log = platform.run(&["audit", "list"]).well();
    assert!(log.contains(&format!("merchant key revoke {key_id} test")), "{log}");
    let ledger = platform.run(&["ledger", "check"]).well();
    assert!(!ledger.contains("11.00"), "{ledger}");
    serving.signal("INT");
    serving.ended().well();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_mode_that_is_off_is_said_and_its_database_is_none_of_live_money() {
    let platform = Platform::new();
    let (live, test) = keys(&platform.run(&["merchant", "add", "Morning Market"]).well());
    let mut off = platform.command(&["serve"]);
    let serving = program::process::Program::start(off.env("COUNTERFOIL_TEST_MODE_ENABLED", "false"));
    serving.says("Ctrl-C stops it");
    assert!(serving.says("test mode").contains("off: test_mode.enabled is false"));
    let refused = Merchant::new(platform.http, &test).asks("GET", "/v1/orders", None).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "test_mode_off");
    assert!(Merchant::new(platform.http, &live).all().await.is_empty());
    serving.signal("INT");
    serving.ended().well();
    let id = "mer_00000001";
    let mut key = platform.command(&["merchant", "test-key", id]);
    assert!(run(key.env("COUNTERFOIL_TEST_MODE_ENABLED", "false")).badly().contains("off"));

    // Somebody puts the one file in the place of the other.
    let (live, test) = (platform.data.join("counterfoil.db"), platform.data.join("test.db"));
    let kept = platform.data.join("kept.db");
    std::fs::rename(&live, &kept).unwrap();
    std::fs::copy(&test, &live).unwrap();
    assert!(platform.run(&["serve"]).badly().contains("holds the data of a test mode"));
    std::fs::copy(&kept, &live).unwrap();
    std::fs::copy(&kept, &test).unwrap();
    assert!(platform.run(&["serve"]).badly().contains("holds live data"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_test_mode_says_so_in_both_languages_on_every_screen() {
    let platform = Platform::new();
    let (_, test) = keys(&platform.run(&["merchant", "add", "Morning Market 早市"]).well());
    let serving = platform.serve();
    let tester = Merchant::new(platform.http, &test);
    let card = test_card(&tester).await;
    let (order, pictures) = (tester.order(&card, 2_003).await, Pictures::new());
    for (screen, name) in [(Screen::Desktop, "desktop"), (Screen::Phone, "phone")] {
        let browser = Browser::open(screen).await;
        for (language, says) in [("en", "Test mode."), ("zh", "测试模式。")] {
            browser.goto(&format!("{}?lang={language}", order.pay_url)).await;
            browser.reads("#test-mode strong", says).await;
            pictures.pass(&browser, &format!("test-mode-{name}-{language}.png")).await;
        }
    }
    // What happens is seen on the page that is open.
    let browser = Browser::open(Screen::Desktop).await;
    browser.goto(&format!("{}?lang=en", order.pay_url)).await;
    browser.sees(".order.is-awaiting").await;
    let press = format!("/v1/test/cards/{card}/press");
    json_of(&tester, "POST", &press, Some(json!({ "answer": "agree" }))).await;
    browser.sees(".order.is-paid").await;
    browser.reads("#test-mode strong", "Test mode.").await;
    serving.signal("INT");
    serving.ended().well();
}
