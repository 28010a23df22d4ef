//! The terminal cannot serve anybody yet, or any more.

use askama::Template;

use super::{Place, TerminalNav};
use crate::language::Language;
use crate::page::Page;

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locked {
    /// It was never enrolled with a bank.
    NotEnrolled,
    /// Its key is sealed and the passphrase was not given.
    Sealed,
    /// The bank does not accept it any more.
    Revoked,
}

impl Locked {
    fn title(self, language: Language) -> &'static str {
        let w = &language.words().locked;
        match self {
            Locked::NotEnrolled => w.not_enrolled_title,
            Locked::Sealed => w.sealed_title,
            Locked::Revoked => w.revoked_title,
        }
    }

    fn sentence(self, language: Language) -> &'static str {
        let w = &language.words().locked;
        match self {
            Locked::NotEnrolled => w.not_enrolled_text,
            Locked::Sealed => w.sealed_text,
            Locked::Revoked => w.revoked_text,
        }
    }
}

/// The page instead of all others.
#[derive(Debug, Clone, Template)]
#[template(path = "terminal/locked.html")]
pub struct LockedPage {
    /// Language and place.
    pub page: Page,
    /// The header.
    pub nav: TerminalNav,
    /// Why.
    pub why: Locked,
    /// The terminal's number, when it has one.
    pub number: Option<String>,
}

impl LockedPage {
    fn place(&self) -> Option<Place> {
        None
    }
}
