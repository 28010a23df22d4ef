//! The page for whatever could not be shown.

use askama::Template;

use crate::href::Href;
use crate::page::Page;

/// Where a message sends its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageLink {
    /// The address.
    pub href: Href,
    /// What the link says.
    pub label: String,
}

/// An error for people: what happened, what to do now, and a way out. Never an internal error's text.
#[derive(Debug, Clone, Template)]
#[template(path = "message.html")]
pub struct MessagePage {
    /// Language and place.
    pub page: Page,
    /// One short line.
    pub title: String,
    /// What happened.
    pub what: String,
    /// What the reader can do now.
    pub todo: String,
    /// The way out, when there is one.
    pub link: Option<MessageLink>,
}

impl MessagePage {
    /// There is no such page.
    pub fn not_found(page: Page, link: Option<MessageLink>) -> MessagePage {
        let w = &page.words().message;
        MessagePage {
            title: w.not_found_title.into(),
            what: w.not_found_what.into(),
            todo: w.not_found_todo.into(),
            page,
            link,
        }
    }

    /// Something failed on our side; nobody was charged by it.
    pub fn failed(page: Page, link: Option<MessageLink>) -> MessagePage {
        let w = &page.words().message;
        MessagePage {
            title: w.failed_title.into(),
            what: w.failed_what.into(),
            todo: w.failed_todo.into(),
            page,
            link,
        }
    }
}
