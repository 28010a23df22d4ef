//! Logging in, and the audit log.

use askama::Template;

use super::Tab;
use crate::href::Href;
use crate::page::Page;

/// What the login page asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginStep {
    /// Name and password, posted to `/console/login` as `name` and `password`.
    Password,
    /// The one-time code, posted to `/console/login/code` as `code`.
    Code,
    /// Nothing: there is no operator yet, and it says how to make one.
    First,
}

/// `GET /console/login` and `/console/login/code`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/login.html")]
pub struct ConsoleLogin {
    /// Language and place.
    pub page: Page,
    /// What is asked.
    pub step: LoginStep,
    /// Why the last answer was not good.
    pub refused: Option<String>,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// The entry's number.
    pub seq: String,
    /// When, as text.
    pub at: String,
    /// Who.
    pub operator: String,
    /// From where.
    pub address: String,
    /// What: a stable word.
    pub action: String,
    /// On what.
    pub subject: String,
    /// How it ended: a stable word.
    pub outcome: String,
}

/// `GET /console/audit`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/audit.html")]
pub struct ConsoleAudit {
    /// Language and place.
    pub page: Page,
    /// The entries, newest first.
    pub rows: Vec<AuditRow>,
    /// Where the chain ends: number and hash, to be noted elsewhere.
    pub head: String,
    /// Older ones.
    pub older: Option<Href>,
}

impl ConsoleAudit {
    fn tab(&self) -> Tab {
        Tab::Audit
    }
}
