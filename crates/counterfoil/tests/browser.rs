//! A demonstration in a browser, as its visitors see it: shop, order page, card and console over their real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod chromium;
mod program;

use std::time::Duration;

use chromium::{Browser, Pictures, Screen};
use fantoccini::key::Key;
use fantoccini::wd::WindowHandle;
use program::demo::{Demo, DemoCard};
use serde_json::{Value, json};

const KEY: &str = ".key";
const LIGHT: &str = ".status-light strong";
const BREAKFAST: &str = "form.good-buy:has(input[value=breakfast]) button";

/// Takes breakfast from the counter and this card from the wallet. The order's page is shown then.
async fn buy_breakfast(browser: &Browser, card: &DemoCard) {
    browser.click(BREAKFAST).await;
    browser.click(&format!("label.choice:has(input[value={}])", card.id)).await;
    browser.click("button[type=submit]").await;
    browser.sees(".press-number").await;
}

/// The number that the order's page shows.
async fn presses(browser: &Browser) -> usize {
    browser.text(".press-number").await.parse().unwrap()
}

/// The order's page stands in one window, and the card that was asked in the other.
async fn order_and_card(browser: &Browser, demo: &Demo, card: &DemoCard) -> (usize, [WindowHandle; 2]) {
    browser.goto(&demo.shop).await;
    buy_breakfast(browser, card).await;
    let presses = presses(browser).await;
    // Whoever reloads the page loses this mark.
    browser.ask("document.documentElement.dataset.same = 'page'").await;
    (presses, browser.second_window(&card.face).await)
}

/// The order's page came to this by itself.
async fn assert_became(browser: &Browser, state: &str, title: &str) {
    browser.sees(&format!(".order.{state}")).await;
    browser.reads(".banner-title", title).await;
    assert_eq!(browser.ask("document.documentElement.dataset.same").await, json!("page"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breakfast_is_bought_with_a_card_that_shows_no_amount() {
    let (demo, browser) = (Demo::start(), Browser::open(Screen::Desktop).await);
    let card = demo.without_display();
    let (presses, [order, hand]) = order_and_card(&browser, &demo, card).await;
    assert!((2..=5).contains(&presses), "{presses}: nobody agrees to an amount unseen with one press");
    assert_eq!(browser.ask("document.querySelector('.lcd')").await, Value::Null);

    // It hears nothing that it did not ask for: its holder asks.
    browser.reads(LIGHT, "Off").await;
    browser.press(KEY, 1).await;
    browser.reads(LIGHT, "Steady green").await;
    browser.look_at(&order).await;
    browser.sees(".order.is-on-card").await;

    browser.look_at(&hand).await;
    browser.take_in().await;
    browser.press(KEY, presses).await;
    browser.reads(LIGHT, "Green: paid").await;
    browser.sees(".face .led.led-green").await;
    // What crossed the air, as the card's page tells it: never the amount in clear.
    browser.click(".frames summary").await;
    assert_eq!(browser.ask("document.querySelectorAll('.frame').length").await, json!(4));

    browser.look_at(&order).await;
    assert_became(&browser, "is-paid", "Paid").await;
    assert_eq!(browser.ask("[...document.querySelectorAll('.step.is-done')].length").await, json!(7));
    browser.click("#back").await;
    browser.reads("h1", "Thank you. Your breakfast is on its way.").await;

    browser.goto(&demo.login).await;
    browser.goto(&demo.console).await;
    browser.reads(".table tbody .badge", "Paid").await;
    let row = browser.text(".table tbody tr").await;
    assert!(row.contains("¥20.00") && row.contains("Morning Market"), "{row}");
    browser.goto(&format!("{}/ledger", demo.console)).await;
    browser.reads(".verdict.is-balanced", "Every currency sums to zero.").await;
    let ledger = browser.text("main").await;
    assert!(ledger.contains("¥480.00") && ledger.contains("¥20.00"), "{ledger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_the_key_refuses_and_keeps_the_card() {
    let (demo, browser) = (Demo::start(), Browser::open(Screen::Desktop).await);
    let (_, [order, hand]) = order_and_card(&browser, &demo, demo.with_display()).await;
    browser.press(KEY, 1).await;
    browser.reads(".lcd-amount", "¥20.00").await;
    browser.take_in().await;
    browser.hold(KEY, Duration::from_millis(1_700)).await;
    browser.reads(".lcd-text", "Refused, not paid").await;
    browser.reads(LIGHT, "Red").await;
    browser.look_at(&order).await;
    assert_became(&browser, "is-declined", "Not paid").await;
    browser.reads(".banner-text", "You refused it on the card. Nothing was charged.").await;
    browser.sees(".step.is-failed").await;

    // The next order is another matter.
    browser.goto(&demo.shop).await;
    buy_breakfast(&browser, demo.with_display()).await;
    browser.look_at(&hand).await;
    browser.press(KEY, 1).await;
    browser.reads(".lcd-amount", "¥20.00").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breakfast_is_bought_with_the_keyboard_alone() {
    let (demo, browser) = (Demo::start(), Browser::open(Screen::Desktop).await);
    browser.goto(&demo.shop).await;
    let wanted = demo.without_display();
    browser.tab_to(BREAKFAST).await;
    browser.type_key(Key::Enter, 1).await;
    browser.sees("input[name=card]").await;
    browser.tab_to("input[name=card]").await;
    // The arrows go through the wallet, whatever its order is.
    let chosen = format!("document.querySelector('input[name=card]:checked').value === '{}'", wanted.id);
    for _ in 0..demo.cards.len() {
        if browser.ask(&chosen).await != json!(true) {
            browser.type_key(Key::Down, 1).await;
        }
    }
    assert_eq!(browser.ask(&chosen).await, json!(true));
    browser.tab_to("main button[type=submit]").await;
    browser.type_key(Key::Space, 1).await;
    browser.sees(".press-number").await;
    let presses = presses(&browser).await;

    let [order, _] = browser.second_window(&wanted.face).await;
    browser.tab_to(KEY).await;
    browser.type_key(Key::Enter, 1).await;
    browser.reads(LIGHT, "Steady green").await;
    browser.take_in().await;
    browser.type_key(Key::Space, presses).await;
    browser.reads(LIGHT, "Green: paid").await;
    browser.look_at(&order).await;
    browser.sees(".order.is-paid").await;
    browser.tab_to("#back").await;
    browser.type_key(Key::Enter, 1).await;
    browser.reads("h1", "Thank you. Your breakfast is on its way.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breakfast_is_bought_in_chinese() {
    let (demo, browser) = (Demo::start(), Browser::open(Screen::Phone).await);
    browser.goto(&demo.shop).await;
    assert_eq!(browser.text(".switch").await, "中文");
    browser.click(".switch").await;
    browser.until("document.documentElement.lang.startsWith('zh')").await;
    Pictures::new().take(&browser, "shop-zh-phone.png").await;
    // Chosen once, it holds on the platform's pages and the card's too.
    buy_breakfast(&browser, demo.with_display()).await;
    browser.reads(".banner-title", "等待卡片").await;
    let presses = presses(&browser).await;
    browser.ask("document.documentElement.dataset.same = 'page'").await;
    let [order, _] = browser.second_window(&demo.with_display().face).await;
    browser.press(KEY, 1).await;
    browser.reads(LIGHT, "绿灯常亮").await;
    browser.take_in().await;
    browser.press(KEY, presses).await;
    browser.reads(LIGHT, "绿灯：支付成功").await;
    browser.reads(".lcd-text", "支付成功").await;
    browser.look_at(&order).await;
    assert_became(&browser, "is-paid", "支付成功").await;
    browser.click(".switch").await;
    browser.reads(".banner-title", "Paid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_listens_lights_up_by_itself_once_it_was_heard() {
    let (demo, browser) = (Demo::start(), Browser::open(Screen::Desktop).await);
    let card = demo.listening();
    browser.goto(&card.face).await;
    browser.press(KEY, 1).await;
    browser.reads(LIGHT, "Amber").await;
    browser.reads(".status-text", "No payment waits for this card. Nothing was charged.").await;
    // The answer to its first hello sets its clock; by the second the platform knows that it did.
    browser.press(KEY, 1).await;
    browser.until("document.querySelectorAll('.frame').length === 3").await;
    browser.reads(LIGHT, "Amber").await;

    let [hand, _] = browser.second_window(&demo.shop).await;
    buy_breakfast(&browser, card).await;
    let presses = presses(&browser).await;
    browser.sees(".order.is-on-card").await;
    browser.look_at(&hand).await;
    browser.reads(".lcd-amount", "¥20.00").await;
    browser.take_in().await;
    browser.press(KEY, presses).await;
    browser.reads(LIGHT, "Green: paid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_has_shop_and_card_side_by_side() {
    let (demo, browser) = (Demo::start(), Browser::open(Screen::Desktop).await);
    let pictures = Pictures::new();
    const SHOP: u16 = 0;
    const CARD: u16 = 1;
    browser.goto(&demo.desk()).await;
    browser.enter_frame(SHOP).await;
    buy_breakfast(&browser, demo.with_display()).await;
    let presses = presses(&browser).await;
    browser.leave_frame().await;
    browser.enter_frame(CARD).await;
    browser.press(KEY, 1).await;
    browser.reads(".lcd-amount", "¥20.00").await;
    browser.leave_frame().await;
    browser.enter_frame(SHOP).await;
    browser.sees(".order.is-on-card").await;
    browser.leave_frame().await;
    browser.take_in().await;
    pictures.take(&browser, "desk.png").await;

    browser.enter_frame(CARD).await;
    browser.press(KEY, presses).await;
    browser.reads(LIGHT, "Green: paid").await;
    browser.leave_frame().await;
    browser.enter_frame(SHOP).await;
    browser.sees(".order.is-paid").await;
    browser.leave_frame().await;

    // Another card is taken in hand, and refuses.
    browser.click(".tab:nth-of-type(2)").await;
    browser.enter_frame(SHOP).await;
    browser.click("#back").await;
    browser.click("a[href='/']").await;
    buy_breakfast(&browser, demo.without_display()).await;
    browser.leave_frame().await;
    browser.enter_frame(CARD).await;
    browser.until("!document.querySelector('.lcd') && document.querySelector('.key')").await;
    browser.press(KEY, 1).await;
    browser.reads(LIGHT, "Steady green").await;
    browser.take_in().await;
    browser.hold(KEY, Duration::from_millis(1_700)).await;
    browser.reads(LIGHT, "Red").await;
    browser.leave_frame().await;

    // And a third order waits when the operators look.
    browser.goto(&demo.shop).await;
    buy_breakfast(&browser, demo.listening()).await;
    browser.goto(&demo.login).await;
    browser.goto(&demo.console).await;
    let badges = browser.ask("[...document.querySelectorAll('tbody .badge')].map(it => it.innerText)").await;
    assert_eq!(badges, json!(["Waiting", "Declined", "Paid"]));
    pictures.take(&browser, "console-today.png").await;
    browser.goto(&format!("{}/ledger", demo.console)).await;
    browser.sees(".verdict.is-balanced").await;
    pictures.take(&browser, "console-ledger.png").await;

    // What networks said of the cards is written a little later.
    let present = "document.querySelectorAll('tbody .badge.is-paid').length";
    for _ in 0..100 {
        browser.goto(&format!("{}/fleet", demo.console)).await;
        if browser.ask(present).await.as_u64() >= Some(2) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let pressed = "[...document.querySelectorAll('tbody tr:has(.badge.is-paid) a')][0]";
    let channel = browser.ask(&format!("{pressed}.innerText")).await;
    browser.ask(&format!("{pressed}.click()")).await;
    browser.reads("h1", channel.as_str().unwrap()).await;
    browser.sees(".facts").await;
    browser.sees("td.frame-cell .id").await;
    browser.goto(&format!("{}/fleet/queue", demo.console)).await;
    browser.sees(".sub-nav [aria-current]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order_and_card_fit_a_phone() {
    let (demo, browser) = (Demo::start(), Browser::open(Screen::Phone).await);
    let pictures = Pictures::new();
    browser.goto(&demo.shop).await;
    buy_breakfast(&browser, demo.without_display()).await;
    pictures.take(&browser, "order-phone.png").await;
    browser.goto(&demo.shop).await;
    buy_breakfast(&browser, demo.with_display()).await;
    browser.goto(&demo.with_display().face).await;
    browser.press(KEY, 1).await;
    browser.reads(".lcd-amount", "¥20.00").await;
    browser.take_in().await;
    pictures.take(&browser, "card-phone.png").await;
    for page in ["fleet", "fleet/queue", "fleet/alerts"] {
        browser.goto(&demo.login).await;
        browser.goto(&format!("{}/{page}", demo.console)).await;
        pictures.pass(&browser, &format!("{}.png", page.replace('/', "-"))).await;
    }
}
