//! The demonstration's terminal in one window, its reader's field in the second, the holder's phone in the third.

use fantoccini::wd::WindowHandle;
use serde_json::json;

use crate::chromium::{Browser, Pictures, Screen};
use crate::program::demo::{Demo, DemoWallet};

/// The industries of the demonstration's cards.
pub(crate) const BUS: &str = "0101";
pub(crate) const SCHOOL: &str = "0102";

/// How a card is held.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hold {
    /// As long as it takes.
    Still,
    /// It is pulled away just before the bank's word is written on it.
    GoneBeforeWriting,
    /// The same just after.
    GoneAfterWriting,
}

/// A holder at a terminal.
pub(crate) struct Kiosk {
    pub(crate) demo: Demo,
    pub(crate) browser: Browser,
    pub(crate) pictures: Pictures,
    terminal: WindowHandle,
    field: WindowHandle,
    phone: WindowHandle,
}

impl Kiosk {
    pub(crate) async fn open(screen: Screen) -> Self {
        let (demo, browser) = (Demo::start(), Browser::open(screen).await);
        browser.goto(&demo.tap.terminal).await;
        let [terminal, field] = browser.second_window(&demo.tap.field).await;
        let [_, phone] = browser.second_window(&demo.tap.outbox).await;
        browser.look_at(&terminal).await;
        Self { demo, browser, pictures: Pictures::new(), terminal, field, phone }
    }

    pub(crate) fn bus(&self) -> &DemoWallet {
        &self.demo.tap.wallets[0]
    }

    pub(crate) fn school(&self) -> &DemoWallet {
        &self.demo.tap.wallets[1]
    }

    pub(crate) async fn at_terminal(&self) {
        self.browser.look_at(&self.terminal).await;
    }

    pub(crate) async fn at_field(&self) {
        self.browser.look_at(&self.field).await;
    }

    pub(crate) async fn at_phone(&self) {
        self.browser.look_at(&self.phone).await;
    }

    /// From the first page on: this industry, and this task.
    pub(crate) async fn choose(&self, industry: &str, task: &str) {
        self.at_terminal().await;
        self.browser.goto(&self.demo.tap.terminal).await;
        self.browser.click(&format!("a.industry[href$='/{industry}']")).await;
        self.browser.click(&format!("form[action$='/{task}'] button")).await;
    }

    /// Holds the card of an industry to the reader. The terminal is looked at then.
    pub(crate) async fn hold(&self, industry: &str, how: Hold) {
        self.at_field().await;
        let button = match how {
            Hold::Still => "hold",
            Hold::GoneBeforeWriting => "before",
            Hold::GoneAfterWriting => "after",
        };
        self.browser.click(&format!("#{button}-{industry}")).await;
        self.at_terminal().await;
    }

    pub(crate) async fn take_away(&self, industry: &str) {
        self.at_field().await;
        self.browser.click(&format!("#remove-{industry}")).await;
        self.browser.sees(&format!("#hold-{industry}")).await;
        self.at_terminal().await;
    }

    /// What lies inside the card, as the field's page comes to show it.
    pub(crate) async fn card_holds(&self, industry: &str, amount: &str) {
        self.at_field().await;
        let balance = format!(".field-card:has(#buy-{industry}) .inside dd");
        self.browser.reads(&balance, &format!("{amount} CNY")).await;
        self.at_terminal().await;
    }

    /// Begins a load with a card that is taken away again, up to the form for code and PIN, and gives back the
    /// code that came to the phone.
    pub(crate) async fn begin_load(&self, industry: &str, card: &DemoWallet, fen: u32) -> String {
        self.choose(industry, "load").await;
        self.hold(industry, Hold::Still).await;
        self.browser.sees(".amounts").await;
        self.take_away(industry).await;
        self.choose_amount(fen).await;
        self.code_for(card).await
    }

    pub(crate) async fn choose_amount(&self, fen: u32) {
        self.browser.click(&format!("label.amount:has(input[value='{fen}'])")).await;
        self.browser.click("form[action$='/amount'] button").await;
        self.browser.sees("#confirm").await;
    }

    /// The code that came to the phone for this card.
    pub(crate) async fn code_for(&self, card: &DemoWallet) -> String {
        self.at_phone().await;
        let text = self.browser.tells(".sms-text", &format!("card ending in {}", card.last_four)).await;
        self.at_terminal().await;
        let (_, code) = text.split_once("Code ").unwrap();
        code.chars().take_while(char::is_ascii_digit).collect()
    }

    /// Enters both; the fields are empty, whatever was in them before.
    pub(crate) async fn confirm(&self, code: &str, pin: &str) {
        let entered =
            self.browser.ask("[...document.querySelectorAll('#code, #pin')].map(it => it.value)").await;
        assert_eq!(entered, json!(["", ""]), "nothing that was typed is kept");
        self.browser.fill("#code", code).await;
        self.browser.fill("#pin", pin).await;
        self.browser.click("#confirm button[type=submit]").await;
    }

    /// The same, both right.
    pub(crate) async fn confirm_well(&self, code: &str) {
        self.confirm(code, &self.demo.tap.pin).await;
        self.browser.sees(".hold.is-wanted").await;
    }

    /// The transaction came to this end, and the page says so.
    pub(crate) async fn ends(&self, outcome: &str, text: &str) {
        self.browser.sees(&format!(".outcome[data-outcome={outcome}]")).await;
        self.browser.reads("h1", text).await;
    }

    /// A page on the way.
    pub(crate) async fn pass(&self, name: &str) {
        self.pictures.pass(&self.browser, name).await;
    }

    pub(crate) async fn take(&self, name: &str) {
        self.pictures.take(&self.browser, name).await;
    }
}
