//! Which industry, and what to do there.

use askama::Template;

use super::{Connection, Industry, IndustryIcon, KeyView, Place, Task, TerminalNav};
use crate::href::Href;
use crate::language::Language;
use crate::page::Page;

/// Something that keeps cards from being served now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// There is no reader.
    ReaderGone,
    /// The bank does not answer.
    BankAway,
    /// The working key's time is over and no other could be had.
    KeyExpired,
    /// The bank does not accept this terminal.
    Refused,
    /// Messages go out under a legacy suite.
    LegacySuite,
}

impl Warning {
    /// What it says.
    pub fn sentence(self, language: Language) -> &'static str {
        let w = &language.words().terminal;
        match self {
            Warning::ReaderGone => w.warning_reader_gone,
            Warning::BankAway => w.warning_bank_away,
            Warning::KeyExpired => w.warning_key_expired,
            Warning::Refused => w.warning_refused,
            Warning::LegacySuite => w.warning_legacy_suite,
        }
    }
}

/// An industry to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndustryCard {
    /// Which.
    pub industry: Industry,
    /// Its page.
    pub href: Href,
}

/// The terminal's first page: choose an industry.
#[derive(Debug, Clone, Template)]
#[template(path = "terminal/home.html")]
pub struct TerminalHome {
    /// Language and place.
    pub page: Page,
    /// The header.
    pub nav: TerminalNav,
    /// What keeps cards from being served.
    pub warnings: Vec<Warning>,
    /// An industry for each driver pack.
    pub industries: Vec<IndustryCard>,
    /// The terminal's number.
    pub number: String,
    /// Its working key.
    pub key: KeyView,
    /// The bank.
    pub bank: Connection,
    /// The reader in use.
    pub reader: Option<String>,
}

impl TerminalHome {
    fn place(&self) -> Option<Place> {
        Some(Place::Wallets)
    }
}

/// What can be done with a card of one industry. Each is a form without fields: a card is held next.
#[derive(Debug, Clone, Template)]
#[template(path = "terminal/industry.html")]
pub struct IndustryPage {
    /// Language and place.
    pub page: Page,
    /// The header.
    pub nav: TerminalNav,
    /// What keeps cards from being served.
    pub warnings: Vec<Warning>,
    /// The industry.
    pub industry: Industry,
    /// `POST`: reads the balance.
    pub balance: Href,
    /// `POST`: begins a load; the card is read first.
    pub load: Href,
    /// `POST`: finishes an open load.
    pub finish: Href,
    /// `POST`: begins an activation; the card is read first.
    pub activate: Href,
}

impl IndustryPage {
    fn place(&self) -> Option<Place> {
        Some(Place::Wallets)
    }

    fn tasks(&self) -> [(Task, &Href); 4] {
        [
            (Task::Balance, &self.balance),
            (Task::Load, &self.load),
            (Task::Finish, &self.finish),
            (Task::Activate, &self.activate),
        ]
    }
}

impl Task {
    /// What it does, under its name.
    pub fn sentence(self, language: Language) -> &'static str {
        let w = &language.words().terminal;
        match self {
            Task::Balance => w.balance_text,
            Task::Load => w.load_text,
            Task::Finish => w.finish_text,
            Task::Activate => w.activate_text,
        }
    }
}
