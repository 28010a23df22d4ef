//! The demonstration's field: software wallet cards that can be held to the reader and pulled away.

use askama::Template;

use crate::href::Href;
use crate::money::Money;
use crate::page::Page;
use crate::terminal::{Industry, IndustryIcon, Place, TerminalNav};

/// A software wallet card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldCard {
    /// Its id in this page: letters, digits, `-` and `_` only.
    pub id: String,
    /// Its wallet.
    pub industry: Industry,
    /// Its serial number as people may see it.
    pub masked_card: String,
    /// Whether it lies on the reader.
    pub in_field: bool,
    /// What it holds, by its own knowledge.
    pub balance: Money,
    /// Its counter of loads, by its own knowledge.
    pub counter: u16,
    /// Until when it is activated, by its own knowledge; nothing while it waits for that.
    pub active_until: Option<String>,
    /// How it was pulled away the last time, in the reader's language.
    pub last: Option<String>,
    /// `POST` with `tear` = `never`, `before_writing` or `after_writing`: holds it to the reader.
    pub hold: Href,
    /// `POST`: takes it away.
    pub remove: Href,
    /// `POST`: buys something with it.
    pub buy: Href,
    /// What that costs.
    pub price: Money,
    /// Whether it can: activated, and enough on it.
    pub can_buy: bool,
}

/// The whole page. It listens to `live` for events named `field`.
#[derive(Debug, Clone, Template)]
#[template(path = "field/page.html")]
pub struct FieldPage {
    /// Language and place.
    pub page: Page,
    /// The header.
    pub nav: TerminalNav,
    /// The cards.
    pub cards: Vec<FieldCard>,
    /// Where events come from.
    pub live: Href,
}

impl FieldPage {
    fn place(&self) -> Option<Place> {
        Some(Place::Field)
    }

    fn live(&self) -> Href {
        self.live.with("lang", self.page.language.tag())
    }
}

/// What a `field` event carries: all the cards.
#[derive(Debug, Clone, Template)]
#[template(path = "field/fragment.html")]
pub struct FieldFragment {
    /// Language and place.
    pub page: Page,
    /// The cards.
    pub cards: Vec<FieldCard>,
}
