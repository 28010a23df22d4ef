//! The demonstration's text messages: what a phone would have received.

use askama::Template;

use crate::href::Href;
use crate::page::Page;
use crate::terminal::{Place, TerminalNav};

/// A text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsMessage {
    /// To which phone.
    pub to: String,
    /// When, as text.
    pub at: String,
    /// What it says.
    pub text: String,
}

/// The whole page. It listens to `live` for events named `outbox`.
#[derive(Debug, Clone, Template)]
#[template(path = "outbox/page.html")]
pub struct OutboxPage {
    /// Language and place.
    pub page: Page,
    /// The header.
    pub nav: TerminalNav,
    /// The messages, newest first.
    pub messages: Vec<SmsMessage>,
    /// Where events come from.
    pub live: Href,
}

impl OutboxPage {
    fn place(&self) -> Option<Place> {
        Some(Place::Outbox)
    }

    fn live(&self) -> Href {
        self.live.with("lang", self.page.language.tag())
    }
}

/// What an `outbox` event carries: all the messages, and the newest for screen readers.
#[derive(Debug, Clone, Template)]
#[template(path = "outbox/fragment.html")]
pub struct OutboxFragment {
    /// Language and place.
    pub page: Page,
    /// The messages, newest first.
    pub messages: Vec<SmsMessage>,
}
