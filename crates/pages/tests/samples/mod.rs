//! Every page with believable contents, in one language: for the tests, and for the gallery that people look at.

// Shared with an example, where neither of these is forgiven by itself.
#![allow(dead_code, reason = "the gallery reads less of a sample than the tests do")]
#![allow(clippy::expect_used, reason = "samples are fixed: one that does not render is a failed test")]

use pages::*;

mod bank;
mod cards;
mod console;
mod fleet;
mod money;
mod orders;
mod shop;
mod terminal;
mod webhooks;

#[allow(unused_imports, reason = "the gallery takes samples whole")]
pub(crate) use fleet::hostile_fleet;
#[allow(unused_imports, reason = "the gallery takes samples whole")]
pub(crate) use orders::order;
#[allow(unused_imports, reason = "the gallery takes samples whole")]
pub(crate) use {bank::*, terminal::*};

const NOW_MS: u64 = 1_795_199_488_000;

/// A page, its name in the gallery, and whether it is only a part of one.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) html: String,
    pub(crate) fragment: bool,
}

fn page(name: &'static str, template: &impl Template) -> Sample {
    Sample { name, html: template.render().expect(name), fragment: false }
}

fn fragment(name: &'static str, template: &impl Template) -> Sample {
    Sample { fragment: true, ..page(name, template) }
}

/// All of them.
pub(crate) fn all(language: Language) -> Vec<Sample> {
    let mut all = shop::shop(language);
    all.extend(orders::orders(language));
    all.extend(cards::cards(language));
    all.extend(console::console(language));
    all.extend(console::login(language));
    all.extend(fleet::fleet(language));
    all.extend(terminal::terminal(language));
    all.extend(bank::bank(language));
    all.extend(money::all(language));
    all.extend(webhooks::all(language));
    all.extend(rest(language));
    all
}

fn by(language: Language, english: &str, chinese: &str) -> String {
    match language {
        Language::English => english.into(),
        Language::Chinese => chinese.into(),
    }
}

fn yuan(text: &str) -> Money {
    Money::new(text, "CNY")
}

fn rest(language: Language) -> Vec<Sample> {
    let setting = Page::new(language);
    let card = |label: &str, url: &str| DeskCard { label: label.into(), url: Href::new(url) };
    let way_out = || {
        Some(MessageLink { href: Href::new("/"), label: by(language, "Back to the shop", "返回商户") })
    };
    vec![
        page(
            "desk",
            &DeskPage {
                page: setting.clone(),
                shop_url: Href::new("/shop.html"),
                cards: vec![card("•••• 4417", "/card-bare.html"), card("•••• 0925", "/card-plain.html")],
                console_url: Some(Href::new("/console")),
            },
        ),
        page("message-not-found", &MessagePage::not_found(setting.clone(), way_out())),
        page("message-failed", &MessagePage::failed(setting, None)),
    ]
}
