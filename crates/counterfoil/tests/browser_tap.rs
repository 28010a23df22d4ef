//! The demonstration's wallet cards in a browser, as their holders see them: the terminal's pages on a phone, the
//! reader's field, the messages, and the operators' console.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod chromium;
mod kiosk;
mod program;

use std::time::Duration;

use chromium::Screen;
use fantoccini::key::Key;
use kiosk::{BUS, Hold, Kiosk, SCHOOL};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

const BALANCE: &str = ".balance-amount";
const PAID_NOT_WRITTEN: &str = "Paid, not yet written: hold the card again.";
const LOADED: &str = "Loaded. The money is on the card.";

/// A balance page with this on the card.
async fn shows_balance(kiosk: &Kiosk, amount: &str) {
    kiosk.browser.reads(BALANCE, &format!("{amount} CNY")).await;
}

/// What the page's records say: kind, sign and amount, the newest first.
async fn records(kiosk: &Kiosk) -> Value {
    let record = "it => it.querySelector('.record-kind').innerText + ' ' + it.querySelector('.record-amount').innerText";
    kiosk.browser.ask(&format!("[...document.querySelectorAll('.record')].map({record})")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_wants_the_right_code_and_the_right_pin_and_the_balance_shows_it() {
    let kiosk = Kiosk::open(Screen::Phone).await;
    let browser = &kiosk.browser;
    assert!(kiosk.bus().is_activated && !kiosk.school().is_activated);
    kiosk.pass("home.png").await;
    browser.click(&format!("a.industry[href$='/{BUS}']")).await;
    browser.reads("h1", "Bus").await;
    kiosk.pass("industry.png").await;
    browser.click("form[action$='/load'] button").await;
    browser.reads(".hold-title", "Hold the card to the reader").await;
    kiosk.pass("hold-to-read.png").await;
    kiosk.hold(BUS, Hold::Still).await;
    browser.reads("h1", "How much do you load?").await;
    kiosk.at_field().await;
    kiosk.pass("field.png").await;
    kiosk.take_away(BUS).await;

    browser.click("label.amount:has(input[value='5000'])").await;
    kiosk.take("tap-load.png").await;
    kiosk.pass("load.png").await;
    // Another amount is typed, and is too much.
    browser.fill("#other_amount", "500.01").await;
    assert_eq!(browser.ask("document.querySelector('input[value=other]').checked").await, json!(true));
    browser.click("form[action$='/amount'] button").await;
    browser.tells("#amount-error[data-outcome=amount_refused]", "cannot be loaded").await;
    kiosk.pass("load-refused.png").await;
    kiosk.choose_amount(5_000).await;
    let code = kiosk.code_for(kiosk.bus()).await;
    kiosk.at_phone().await;
    kiosk.pass("outbox.png").await;
    kiosk.at_terminal().await;
    browser.tells(".entry-amount", "¥50.00").await;
    browser.tells("#code-hint", "5678").await;
    kiosk.pass("confirm.png").await;

    let wrong = if code == "000000" { "111111" } else { "000000" };
    kiosk.confirm(wrong, &kiosk.demo.tap.pin).await;
    browser.tells("#code-error[data-outcome=sms_wrong]", "The SMS code is wrong. 2 tries left").await;
    assert_eq!(
        browser.ask("document.querySelector('#code').getAttribute('aria-invalid')").await,
        json!("true")
    );
    assert_eq!(browser.ask("document.querySelector('#pin-error')").await, Value::Null);
    kiosk.pass("confirm-wrong-code.png").await;
    kiosk.confirm(&code, "135790").await;
    let error = browser.tells("#pin-error[data-outcome=pin_wrong]", "The bank card's PIN is wrong.").await;
    assert!(error.ends_with("tries left"), "{error}");
    assert_eq!(browser.ask("document.querySelector('#code-error')").await, Value::Null);
    kiosk.pass("confirm-wrong-pin.png").await;

    kiosk.confirm_well(&code).await;
    browser.tells(".hold-only", &kiosk.bus().last_four).await;
    kiosk.pass("hold-to-load.png").await;
    kiosk.hold(BUS, Hold::Still).await;
    kiosk.ends("loaded", LOADED).await;
    kiosk.take("tap-loaded.png").await;
    kiosk.pass("loaded.png").await;
    kiosk.card_holds(BUS, "¥50.00").await;

    // Two rides. The bank verifies what the card says.
    for left in ["¥48.00", "¥46.00"] {
        kiosk.at_field().await;
        browser.click(&format!("#buy-{BUS}")).await;
        kiosk.card_holds(BUS, left).await;
    }
    browser.click("form[action$='/balance'] button").await;
    browser.sees(".hold").await;
    kiosk.hold(BUS, Hold::Still).await;
    shows_balance(&kiosk, "¥46.00").await;
    assert_eq!(records(&kiosk).await, json!(["Purchase −¥2.00", "Purchase −¥2.00"]));
    browser.reads(".balance-proof:not(.is-verified)", "As the card says; not verified by the bank").await;
    kiosk.pass("balance.png").await;
    browser.click("form[action$='/verify'] button").await;
    browser.reads(".balance-proof.is-verified", "Verified by the bank").await;
    shows_balance(&kiosk, "¥46.00").await;
    assert_eq!(records(&kiosk).await, json!(["Purchase −¥2.00", "Purchase −¥2.00"]));
    kiosk.take("tap-balance.png").await;
    kiosk.pass("balance-verified.png").await;

    browser.goto(&kiosk.demo.login).await;
    browser.goto(&format!("{}/loads", kiosk.demo.console)).await;
    browser.reads("tbody .badge", "Closed").await;
    let row = browser.text("tbody tr").await;
    assert!(row.contains("¥50.00") && row.contains(&kiosk.bus().last_four), "{row}");
    kiosk.pass("console-loads-phone.png").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_pulled_away_just_after_writing_is_not_loaded_twice() {
    let kiosk = Kiosk::open(Screen::Phone).await;
    let browser = &kiosk.browser;
    let code = kiosk.begin_load(BUS, kiosk.bus(), 5_000).await;
    kiosk.confirm_well(&code).await;
    kiosk.hold(BUS, Hold::GoneAfterWriting).await;
    kiosk.ends("paid_not_written", PAID_NOT_WRITTEN).await;
    browser.sees(".outcome.means-again .trail").await;
    browser.reads(".outcome-do button", "Hold the card again").await;
    kiosk.take("tap-paid-not-written.png").await;
    kiosk.pass("paid-not-written.png").await;
    // The card has it, and neither terminal nor bank can know that yet.
    kiosk.card_holds(BUS, "¥50.00").await;
    kiosk.at_field().await;
    browser.reads(".field-last", "Last time: pulled away just after writing.").await;
    kiosk.pass("field-torn.png").await;
    kiosk.at_terminal().await;

    browser.click(".outcome-do button").await;
    browser.sees(".hold.is-wanted").await;
    browser.tells(".hold-main", "¥50.00").await;
    kiosk.pass("hold-again.png").await;
    kiosk.hold(BUS, Hold::Still).await;
    kiosk.ends("loaded", LOADED).await;
    kiosk.card_holds(BUS, "¥50.00").await;
    browser.click("form[action$='/balance'] button").await;
    shows_balance(&kiosk, "¥50.00").await;
    // Nothing waits any more.
    kiosk.choose(BUS, "finish").await;
    kiosk.ends("nothing_open", "No load of this card waits to be finished.").await;
    kiosk.pass("nothing-open.png").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_pulled_away_before_writing_is_loaded_when_it_is_held_again() {
    let kiosk = Kiosk::open(Screen::Desktop).await;
    let browser = &kiosk.browser;
    kiosk.pass("desktop-home.png").await;
    let code = kiosk.begin_load(BUS, kiosk.bus(), 10_000).await;
    kiosk.pass("desktop-confirm.png").await;
    kiosk.confirm_well(&code).await;
    kiosk.pass("desktop-hold.png").await;
    kiosk.hold(BUS, Hold::GoneBeforeWriting).await;
    kiosk.ends("paid_not_written", PAID_NOT_WRITTEN).await;
    kiosk.pass("desktop-paid-not-written.png").await;
    kiosk.card_holds(BUS, "¥0.00").await;

    // Whoever reads the balance first is told; the bank knows of it, so it must be asked.
    browser.goto(&kiosk.demo.login).await;
    browser.goto(&format!("{}/loads", kiosk.demo.console)).await;
    browser.reads("tbody .badge", "Open").await;
    kiosk.choose(BUS, "balance").await;
    kiosk.hold(BUS, Hold::Still).await;
    shows_balance(&kiosk, "¥0.00").await;
    browser.click("form[action$='/verify'] button").await;
    browser.tells("#open-load", "A load of this card is not finished · ¥100.00").await;
    kiosk.pass("desktop-balance-open.png").await;
    browser.click(".callout form button").await;
    kiosk.ends("loaded", LOADED).await;
    kiosk.card_holds(BUS, "¥100.00").await;
    browser.goto(&format!("{}/loads", kiosk.demo.console)).await;
    browser.reads("tbody .badge", "Closed").await;
    browser.click("tbody a").await;
    browser.reads("h1", "¥100.00 CNY").await;
    kiosk.pass("desktop-console-load.png").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_card_is_activated_and_then_loaded() {
    let kiosk = Kiosk::open(Screen::Desktop).await;
    let browser = &kiosk.browser;
    kiosk.choose(SCHOOL, "activate").await;
    kiosk.hold(SCHOOL, Hold::Still).await;
    browser.reads("h1", "Activate the card").await;
    kiosk.pass("desktop-activate.png").await;
    browser.fill("#pin", "135790").await;
    browser.click("form[action$='/activate'] button").await;
    browser.tells("#pin-error[data-outcome=pin_wrong]", "tries left").await;
    browser.fill("#pin", &kiosk.demo.tap.pin).await;
    browser.click("form[action$='/activate'] button").await;
    kiosk.ends("activated", "The card is activated.").await;
    kiosk.pass("desktop-activated.png").await;
    kiosk.take_away(SCHOOL).await;

    let code = kiosk.begin_load(SCHOOL, kiosk.school(), 2_000).await;
    kiosk.confirm_well(&code).await;
    kiosk.hold(SCHOOL, Hold::Still).await;
    kiosk.ends("loaded", LOADED).await;
    kiosk.card_holds(SCHOOL, "¥20.00").await;
    kiosk.take_away(SCHOOL).await;

    // The bus card is another: its own code, its own load.
    let code = kiosk.begin_load(BUS, kiosk.bus(), 5_000).await;
    kiosk.confirm_well(&code).await;
    kiosk.hold(BUS, Hold::GoneAfterWriting).await;
    kiosk.ends("paid_not_written", PAID_NOT_WRITTEN).await;
    kiosk.at_field().await;
    browser.sees(".field-last").await;
    kiosk.take("tap-field.png").await;
    kiosk.pass("desktop-field.png").await;
    browser.goto(&kiosk.demo.login).await;
    browser.goto(&format!("{}/loads", kiosk.demo.console)).await;
    let badges = browser.ask("[...document.querySelectorAll('tbody .badge')].map(it => it.innerText)").await;
    assert_eq!(badges, json!(["Open", "Closed"]));
    kiosk.take("tap-console-loads.png").await;
    kiosk.pass("desktop-console-loads.png").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_will_not_do_is_named_and_pays_nothing() {
    let kiosk = Kiosk::open(Screen::Phone).await;
    let browser = &kiosk.browser;
    // Another than the one begun with.
    let code = kiosk.begin_load(BUS, kiosk.bus(), 5_000).await;
    kiosk.confirm_well(&code).await;
    kiosk.hold(SCHOOL, Hold::Still).await;
    kiosk
        .ends("not_a_wallet", "This card has no wallet of this kind. Choose another industry or card.")
        .await;
    browser.reads(".outcome-meaning", "Nothing was paid").await;
    kiosk.pass("another-card.png").await;
    kiosk.card_holds(BUS, "¥0.00").await;

    // One that was never activated, which lies there already.
    kiosk.choose(SCHOOL, "load").await;
    browser.sees(".amounts").await;
    browser.click("form[action$='/amount'] button").await;
    kiosk.ends("not_activated", "The card is not activated yet. Activate it first.").await;
    kiosk.pass("not-activated.png").await;
    browser.click("form[action$='/activation'] button").await;
    browser.reads("h1", "Activate the card").await;
    kiosk.pass("activate.png").await;
    // And the holder thinks better of it.
    kiosk.take_away(SCHOOL).await;
    browser.fill("#pin", &kiosk.demo.tap.pin).await;
    browser.click("form[action$='/activate'] button").await;
    browser.sees(".hold.is-wanted").await;
    browser.click("#cancel").await;
    kiosk.ends("canceled", "Canceled. Nothing was paid.").await;
    browser.reads(".outcome-meaning", "Nothing was paid").await;
    kiosk.pass("canceled.png").await;
    browser.goto(&kiosk.demo.login).await;
    browser.goto(&format!("{}/loads", kiosk.demo.console)).await;
    browser.reads(".empty", "No loads yet.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_never_comes_ends_the_page_by_its_limit_and_the_settings_work_meanwhile() {
    let kiosk = Kiosk::open(Screen::Phone).await;
    let browser = &kiosk.browser;
    kiosk.choose(BUS, "balance").await;
    browser.sees(".hold.is-wanted").await;
    let limit = browser.ask("(it => it.expires - it.now)(document.querySelector('progress').dataset)").await;
    assert!((25_000..=30_000).contains(&limit.as_u64().unwrap()), "{limit}");
    let until = Instant::now() + Duration::from_millis(limit.as_u64().unwrap());
    let waiting = browser.ask("location.href").await;
    // The reader is taken: another visit is told so by a page of its own.
    kiosk.choose(BUS, "balance").await;
    browser.reads("h1", "The reader is in use").await;
    kiosk.pass("reader-in-use.png").await;
    renew_key(&kiosk).await;
    install_packs(&kiosk).await;

    browser.goto(waiting.as_str().unwrap()).await;
    sleep_until(until - Duration::from_secs(5)).await;
    browser.tells(".hold.is-wanted .countdown", "0:0").await;
    kiosk.ends("timed_out", "No card came. Nothing was paid.").await;
    kiosk.pass("timed-out.png").await;
    // It goes on from there.
    browser.click(".outcome-do button").await;
    kiosk.hold(BUS, Hold::Still).await;
    shows_balance(&kiosk, "¥0.00").await;
    browser.reads(".records-sheet .empty", "The list is empty.").await;
}

async fn settings(kiosk: &Kiosk) {
    kiosk.browser.goto(&format!("{}/settings", kiosk.demo.tap.terminal)).await;
    kiosk.browser.reads("h1", "Settings").await;
}

async fn renew_key(kiosk: &Kiosk) {
    const KEY_ID: &str = "section[aria-labelledby=key] dd.id";
    let browser = &kiosk.browser;
    settings(kiosk).await;
    let before = browser.text(KEY_ID).await;
    kiosk.pass("settings.png").await;
    browser.click("form[action='/settings/key'] button").await;
    browser.reads(".notice[role=status]", "The working key was renewed.").await;
    let after = browser.text(KEY_ID).await;
    assert!(before != after && after.len() == 8, "{before} {after}");
}

/// A good one, and three that are not.
async fn install_packs(kiosk: &Kiosk) {
    let (browser, folder) = (&kiosk.browser, tempfile::tempdir().unwrap());
    let bus = std::fs::read_to_string(format!("{}/0101-bus.pack.toml", program::bank::EXAMPLES)).unwrap();
    let body = bus.replace("version = 1 ", "version = 2 ");
    let newer = packs::sign(&body, &packs::example_key()).unwrap();
    let install = async |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        browser.fill("#pack", file.to_str().unwrap()).await;
        browser.click("form[action='/settings/packs'] button").await;
    };
    install("0101-bus-2.pack.toml", &newer).await;
    browser.reads(".notice[role=status]", "The driver pack is installed: Bus").await;
    browser.reads(".pack dd", "2").await;
    for (name, text, reason) in [
        (
            "altered.pack.toml",
            newer.replace("amounts = [1000", "amounts = [9000"),
            "changed after it was signed",
        ),
        ("older.pack.toml", bus, "version 2"),
        ("letter.txt", "Dear terminal".to_owned(), "this is no driver pack"),
    ] {
        install(name, &text).await;
        let alert = browser.tells(".alert[role=alert]", reason).await;
        assert!(alert.starts_with("The file was refused:"), "{alert}");
    }
    kiosk.pass("settings-refused.png").await;
    // What was refused changed nothing, and a notice is given once.
    settings(kiosk).await;
    assert_eq!(browser.ask("document.querySelector('.alert')").await, Value::Null);
    browser.reads(".pack dd", "2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_read_with_the_keyboard_alone() {
    let kiosk = Kiosk::open(Screen::Desktop).await;
    let browser = &kiosk.browser;
    browser.tab_to(&format!("a.industry[href$='/{BUS}']")).await;
    browser.type_key(Key::Enter, 1).await;
    browser.sees(".task").await;
    browser.tab_to("form[action$='/balance'] button").await;
    browser.type_key(Key::Enter, 1).await;
    browser.sees(".hold.is-wanted").await;
    browser.tab_to("#cancel").await;
    kiosk.at_field().await;
    browser.tab_to(&format!("#hold-{BUS}")).await;
    browser.type_key(Key::Enter, 1).await;
    kiosk.at_terminal().await;
    shows_balance(&kiosk, "¥0.00").await;
    browser.tab_to("form[action$='/verify'] button").await;
    browser.type_key(Key::Space, 1).await;
    browser.sees(".balance-proof.is-verified").await;
    kiosk.pass("desktop-balance.png").await;
    browser.goto(&format!("{}/settings", kiosk.demo.tap.terminal)).await;
    kiosk.pass("desktop-settings.png").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_load_is_finished_in_chinese() {
    let kiosk = Kiosk::open(Screen::Phone).await;
    let browser = &kiosk.browser;
    browser.click(".switch").await;
    browser.reads("h1", "请选择钱包卡").await;
    kiosk.pass("zh-home.png").await;
    browser.click(&format!("a.industry[href$='/{BUS}']")).await;
    browser.reads("h1", "公交").await;
    kiosk.pass("zh-industry.png").await;
    browser.click("form[action$='/load'] button").await;
    browser.reads(".hold-title", "请将卡片贴在读卡器上").await;
    kiosk.pass("zh-hold.png").await;
    kiosk.hold(BUS, Hold::Still).await;
    browser.reads("h1", "选择充值金额").await;
    kiosk.pass("zh-load.png").await;
    kiosk.take_away(BUS).await;
    kiosk.choose_amount(5_000).await;
    let code = kiosk.code_for(kiosk.bus()).await;
    browser.reads("h1", "输入验证码和密码").await;
    kiosk.pass("zh-confirm.png").await;
    kiosk.confirm_well(&code).await;
    kiosk.hold(BUS, Hold::GoneBeforeWriting).await;
    kiosk.ends("paid_not_written", "已付款，尚未写入：请再次贴卡。").await;
    kiosk.take("tap-paid-not-written-zh.png").await;
    kiosk.pass("zh-paid-not-written.png").await;
    browser.click(".outcome-do button").await;
    browser.sees(".hold.is-wanted").await;
    kiosk.hold(BUS, Hold::Still).await;
    kiosk.ends("loaded", "充值成功，金额已写入卡内。").await;
    kiosk.pass("zh-loaded.png").await;
    browser.click("form[action$='/balance'] button").await;
    shows_balance(&kiosk, "¥50.00").await;
    browser.reads(".balance-proof", "卡片自报，未经银行核实").await;
    kiosk.pass("zh-balance.png").await;
    // The field and the messages follow: a language is chosen once.
    kiosk.at_field().await;
    browser.goto(&kiosk.demo.tap.field).await;
    browser.until("document.documentElement.lang.startsWith('zh')").await;
    kiosk.pass("zh-field.png").await;
    browser.goto(&kiosk.demo.tap.outbox).await;
    browser.reads("h1", "短信发件箱").await;
    browser.goto(&format!("{}/settings", kiosk.demo.tap.terminal)).await;
    browser.reads("h1", "设置").await;
    kiosk.pass("zh-settings.png").await;
    browser.click(".switch").await;
    browser.reads("h1", "Settings").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_a_page_asks_for_itself_until_it_has_ended() {
    let kiosk = Kiosk::open(Screen::Phone).await;
    let (browser, tap) = (&kiosk.browser, &kiosk.demo.tap);
    // Forms are sent as a browser sends them: without scripts the driver cannot point at their buttons.
    let visitor = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let begun = visitor.post(format!("{}/industries/{BUS}/balance", tap.terminal)).send().await.unwrap();
    let page = format!("{}{}", tap.terminal, begun.headers()["location"].to_str().unwrap());
    let hold = visitor.get(&page).send().await.unwrap().text().await.unwrap();
    assert!(hold.contains("<noscript><meta http-equiv=\"refresh\" content=\"2\"></noscript>"), "{hold}");
    browser.switch_scripts_off().await;
    browser.goto(&page).await;
    let held =
        visitor.post(format!("{}/cards/{BUS}/hold", tap.field)).form(&[("tear", "never")]).send().await;
    assert_eq!(held.unwrap().status(), 303);
    browser.comes_to(&format!("{page}/result")).await;
}
