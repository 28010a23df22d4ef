//! The demonstration's desk: the shop and the card side by side.

use askama::Template;

use crate::href::Href;
use crate::page::Page;

/// A card lying on the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskCard {
    /// What its tab says: a masked number or a name.
    pub label: String,
    /// The address of its face.
    pub url: Href,
}

/// The desk. Each frame is an ordinary page of its own server; the desk knows only their addresses.
#[derive(Debug, Clone, Template)]
#[template(path = "desk.html")]
pub struct DeskPage {
    /// Language and place.
    pub page: Page,
    /// The shop.
    pub shop_url: Href,
    /// The cards that can be taken in hand; the first lies on top.
    pub cards: Vec<DeskCard>,
    /// The operators' console, when the reader may look.
    pub console_url: Option<Href>,
}

impl DeskPage {
    /// A frame speaks the desk's language.
    fn shop_src(&self) -> Href {
        self.shop_url.with("lang", self.page.language.tag())
    }

    /// A card in the frame goes without header and footer.
    fn card_src(&self, card: &DeskCard) -> Href {
        card.url.with("bare", "1").with("lang", self.page.language.tag())
    }
}
