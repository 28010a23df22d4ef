//! The fleet in the console, as whoever looks after it sees it: by the keyboard alone, on a desk and on a phone.
//!
//! A platform serves; one card pays over the air, one has an order that waits for it. The rest of the fleet is imported, and what
//! networks would have told of it in a fortnight is in the store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod chromium;
mod program;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use chromium::{Browser, Pictures, Screen};
use fantoccini::key::Key;
use fleet::{AlertKind, Presence, Reception};
use model::{ChannelId, UnixMillis};
use program::buyer::Buyers;
use program::platform::{PASSWORD, Platform};
use program::process::{PATIENCE, Program};
use serde_json::json;
use store::{HeardState, NewFrame};

const BAKERY: &str = "deveui:70b3d57ed0061a2f";
const SLEEPER: &str = "imei:356938035643809";
const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;
/// A status and a hello that reads as one; nobody looks behind their codes here.
const STATUS: &str = "7910b1006e000102ee49608223e26cbc";
const HELLO: &str = "4910b100ee49608223e26cbc";

/// A platform with a fleet, and the process that serves it.
struct Yard {
    platform: Platform,
    _serving: Program,
    logins: AtomicU32,
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    UnixMillis(i64::try_from(since.as_millis()).unwrap())
}

impl Yard {
    async fn open() -> Self {
        let platform = Platform::new();
        let merchant = platform.merchant("Morning Market");
        let payer = platform.card(&[]);
        platform.fund(&payer.holder, 100_000);
        let sleeper = platform.card(&["--channel", SLEEPER]);
        platform.fund(&sleeper.holder, 100_000);
        let list = platform.config.with_file_name("fleet.csv");
        std::fs::write(&list, Self::list(&sleeper.id)).unwrap();
        platform.run(&["fleet", "import", list.to_str().unwrap()]).well();
        Self::told(&platform).await;
        let serving = platform.serve();
        let buyers = Buyers::begin(&platform, &merchant, &[payer]).await;
        buyers.settled.reaches(1).await;
        buyers.finish().await;
        // It sleeps: its order waits for it.
        merchant.order(&sleeper.id, 2_000).await;
        Self { platform, _serving: serving, logins: AtomicU32::new(0) }
    }

    fn list(sleeper: &str) -> String {
        let mut text = format!(
            "channel,name,group,tags,listening,silent_seconds,card\n\
             {BAKERY},Bakery,North market,corner,,,\n\
             {SLEEPER},Depot gate,Depot,gate,after-uplink:20,,{sleeper}\n"
        );
        for n in 0..24 {
            let group = if n < 16 { "North market" } else { "River stalls" };
            writeln!(text, "deveui:70b3d57ed00700{n:02x},Stall {n},{group},,,,").unwrap();
        }
        text
    }

    /// What networks told before the platform was started this time.
    async fn told(platform: &Platform) {
        let store = store::sqlite::open(&platform.database()).unwrap();
        let now = now();
        let written = store.write::<(), store::StoreError, _>(move |unit| {
            for n in 0..20_u8 {
                let channel: ChannelId = format!("deveui:70b3d57ed00700{n:02x}").parse().unwrap();
                // Two were not heard for four days: the platform finds out.
                let days = if n % 8 == 7 { 4 } else { 0 };
                let at = now.plus(-i64::from(n) * 17 * MINUTE - days * DAY);
                unit.put_heard(channel, &heard(at, 190 - n), Some(at.plus(3 * DAY)))?;
            }
            let bakery: ChannelId = BAKERY.parse().unwrap();
            for n in 0..160_i64 {
                // A frame every two hours; for four days in between nobody heard the card.
                let at = now.plus((n - 159) * 120 * MINUTE - if n < 90 { 4 * DAY } else { 0 });
                let tells = n % 6 == 0;
                let swing = [0, 3, -2, 5, 1, -4, 2, -1, 4, -3][usize::try_from(n % 10).unwrap()];
                let battery = u8::try_from(110 - n / 2).unwrap();
                unit.add_frame(&NewFrame {
                    channel: bakery,
                    at,
                    bearer: "chirpstack".into(),
                    upward: true,
                    bytes: hex::decode(if tells { STATUS } else { HELLO }).unwrap(),
                    answer: Vec::new(),
                    downlink: None,
                    outcome: if tells { "status" } else { "nothing_waits" }.into(),
                    reception: Reception {
                        rssi_dbm: Some(i16::try_from(-92 - n / 16).unwrap() + swing),
                        snr_tenths: Some(45),
                        ..Reception::default()
                    },
                    battery: tells.then_some(battery),
                })?;
            }
            unit.put_heard(bakery, &heard(now, 32), Some(now.plus(3 * DAY)))?;
            unit.raise_alert(bakery, AlertKind::BatteryLow, Some("16%"), now)?;
            let moved = Some("chirpstack/market → chirpstack/depot");
            unit.raise_alert(bakery, AlertKind::ChannelMoved, moved, now)?;
            Ok(())
        });
        written.await.unwrap();
    }

    /// An operator types name, password and a code, by the keyboard alone.
    async fn log_in(&self, browser: &Browser) {
        let name = format!("night-{}", self.logins.fetch_add(1, Ordering::SeqCst));
        let code = self.platform.operator(&name, "operator");
        browser.goto(&self.console("login?lang=en")).await;
        browser.sees("#name:focus").await;
        browser.fill("#name", &name).await;
        browser.type_key(Key::Tab, 1).await;
        browser.fill("#password", PASSWORD).await;
        browser.type_key(Key::Enter, 1).await;
        browser.sees("#code:focus").await;
        browser.fill("#code", &code).await;
        browser.type_key(Key::Enter, 1).await;
        browser.reads(".who-name", &format!("{name} Operator")).await;
    }

    fn console(&self, page: &str) -> String {
        format!("http://127.0.0.1:{}/console/{page}", self.platform.operations)
    }
}

fn heard(at: UnixMillis, battery: u8) -> HeardState {
    HeardState {
        presence: Presence::Present,
        at: Some(at),
        by: Some("chirpstack/market".into()),
        reception: Reception {
            rssi_dbm: Some(-84 - i16::from(battery % 16)),
            snr_tenths: Some(45),
            ..Reception::default()
        },
        battery: Some(battery),
        firmware: Some(0x0102),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_is_looked_after_by_the_keyboard_alone() {
    let (yard, browser) = (Yard::open().await, Browser::open(Screen::Desktop).await);
    let pictures = Pictures::new();
    // What is silent is noticed a little later.
    let silent = "document.querySelector('a[href$=silent] .figure-value').innerText";
    let began = Instant::now();
    yard.log_in(&browser).await;
    browser.goto(&yard.console("fleet?lang=en")).await;
    while browser.ask(silent).await != json!("2") {
        assert!(began.elapsed() < PATIENCE, "nobody noticed that two channels are silent");
        tokio::time::sleep(Duration::from_millis(50)).await;
        browser.goto(&yard.console("fleet?lang=en")).await;
    }
    assert_eq!(browser.ask("document.scripts.length").await, json!(0), "nothing here needs scripts");
    let map = browser.text("main").await;
    for text in ["North market", "River stalls", "No group"] {
        assert!(map.contains(text), "{text}: {map}");
    }
    pictures.take(&browser, "fleet-map.png").await;

    browser.tab_to("#q").await;
    browser.fill("#q", "Bak").await;
    browser.type_key(Key::Enter, 1).await;
    browser
        .until("location.search.includes('q=Bak') && document.querySelectorAll('tbody a').length > 2")
        .await;
    browser.tab_to(&format!("td a[href$='{BAKERY}']")).await;
    browser.type_key(Key::Enter, 1).await;
    browser.reads("h1", BAKERY).await;
    assert_eq!(
        browser.ask("document.querySelectorAll('.plot-line').length").await,
        json!(4),
        "a silence breaks both"
    );
    let timeline = browser.text("table[aria-labelledby=frames]").await;
    assert!(timeline.contains("hello") && timeline.contains("No order waits"), "{timeline}");
    pictures.take(&browser, "fleet-channel.png").await;
    browser.tab_to("a[rel=next]").await;
    browser.type_key(Key::Enter, 1).await;
    browser.until("location.search.includes('before=')").await;

    // What really crossed the air: a question and its answer, the receipt's bytes in full when asked for.
    browser.goto(&yard.console("fleet?presence=present")).await;
    let paid = "[...document.querySelectorAll('tbody tr')].find(row => row.innerText.includes('card_'))";
    browser.ask(&format!("{paid}.querySelector('a').focus()")).await;
    browser.type_key(Key::Enter, 1).await;
    browser.tells("table[aria-labelledby=frames]", "Asked to pay").await;
    browser.tab_to(".bytes summary").await;
    browser.type_key(Key::Space, 1).await;
    browser.sees("details.bytes[open] code").await;
    pictures.pass(&browser, "fleet-paid.png").await;

    browser.goto(&yard.console("fleet/queue")).await;
    browser.reads("td .badge", "Waits for the card").await;
    pictures.take(&browser, "fleet-queue.png").await;
    let change = "td a[href*='/queue/']";
    browser.tab_to(change).await;
    browser.type_key(Key::Enter, 1).await;
    browser.tab_to("button[value=high]").await;
    pictures.pass(&browser, "fleet-downlink.png").await;
    browser.type_key(Key::Enter, 1).await;
    browser.tells("tbody tr", "High").await;
    browser.tab_to(change).await;
    browser.type_key(Key::Enter, 1).await;
    browser.tab_to("button[value=cancel]").await;
    browser.type_key(Key::Enter, 1).await;
    browser.reads("p.empty", "Nothing waits.").await;

    browser.goto(&yard.console("fleet/alerts")).await;
    let count = "document.querySelectorAll('tbody tr').length";
    browser.until(&format!("{count} === 4")).await;
    for kind in ["Silent for long", "Channel moved", "Battery low"] {
        assert!(browser.text("tbody").await.contains(kind), "{kind}");
    }
    pictures.take(&browser, "fleet-alerts.png").await;
    browser.tab_to("td button").await;
    browser.type_key(Key::Enter, 1).await;
    browser.until(&format!("{count} === 3")).await;
    browser.tab_to("main p a").await;
    browser.type_key(Key::Enter, 1).await;
    browser.until(&format!("{count} === 4")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_fits_a_phone_in_both_languages() {
    let (yard, browser) = (Yard::open().await, Browser::open(Screen::Phone).await);
    let pictures = Pictures::new();
    let channel = format!("fleet/channel/{BAKERY}");
    browser.goto(&yard.console("login")).await;
    pictures.pass(&browser, "phone-first-operator.png").await;
    yard.log_in(&browser).await;
    for language in ["en", "zh"] {
        for page in ["fleet", &channel, "fleet/queue", "fleet/alerts"] {
            browser.goto(&yard.console(&format!("{page}?lang={language}"))).await;
            browser.sees("main h1").await;
            let name = page.replace([':', '/'], "-");
            pictures.pass(&browser, &format!("phone-{language}-{name}.png")).await;
        }
    }
    browser.goto(&yard.console(&channel)).await;
    browser.sees(".plot-line").await;
    pictures.take(&browser, "fleet-channel-zh-phone.png").await;
    browser.goto(&yard.console("fleet")).await;
    pictures.take(&browser, "fleet-map-zh-phone.png").await;
    // Whoever may not read the audit log is told so, in a page that fits.
    browser.goto(&yard.console("audit")).await;
    browser.reads("h1", "您的角色无此权限").await;
    pictures.pass(&browser, "phone-not-allowed.png").await;
}
