//! Merchants and their API keys, and the question before one is revoked.

use askama::Template;

use super::Tab;
use crate::href::Href;
use crate::page::Page;

/// An API key: never the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRow {
    /// Its id.
    pub key_id: String,
    /// Whose.
    pub merchant: String,
    /// Its first letters.
    pub hint: String,
    /// What it is called.
    pub name: String,
    /// Whether it may change anything.
    pub may_write: bool,
    /// When it was made, as text.
    pub created_at: String,
    /// When it was last used, as text.
    pub used_at: Option<String>,
    /// When it was revoked, as text.
    pub revoked_at: Option<String>,
    /// Where it is revoked, while it is good.
    pub revoke: Option<Href>,
}

impl ApiKeyRow {
    fn revoke_for(&self, page: &Page) -> Option<&Href> {
        self.revoke.as_ref().filter(|href| page.may_post(href.as_str()))
    }
}

/// `GET /console/merchants`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/merchants.html")]
pub struct ConsoleMerchants {
    /// Language and place.
    pub page: Page,
    /// The keys of all merchants, merchant by merchant.
    pub rows: Vec<ApiKeyRow>,
    /// Those of further merchants.
    pub older: Option<Href>,
}

impl ConsoleMerchants {
    fn tab(&self) -> Tab {
        Tab::Merchants
    }
}

/// Asks before an API key is revoked. The form posts `confirmed` = `yes` to `confirm`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/revoke_key.html")]
pub struct ConsoleRevokeKey {
    /// Language and place.
    pub page: Page,
    /// The key.
    pub key: ApiKeyRow,
    /// `POST`.
    pub confirm: Href,
    /// The list.
    pub back: Href,
}

impl ConsoleRevokeKey {
    fn tab(&self) -> Tab {
        Tab::Merchants
    }
}
