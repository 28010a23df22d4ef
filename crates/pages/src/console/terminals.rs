//! Mobile terminals, and the wallet cards they serve.

use askama::Template;

use super::Tab;
use crate::href::Href;
use crate::language::Language;
use crate::page::Page;
use crate::suite::Suite;

/// Where a terminal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalState {
    /// Registered, not yet enrolled.
    Registered,
    /// In use.
    Active,
    /// Reported lost: refused everywhere.
    Revoked,
}

impl TerminalState {
    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            TerminalState::Registered => "is-awaiting",
            TerminalState::Active => "is-paid",
            TerminalState::Revoked => "is-declined",
        }
    }

    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().bank;
        match self {
            TerminalState::Registered => w.terminal_registered,
            TerminalState::Active => w.terminal_active,
            TerminalState::Revoked => w.terminal_revoked,
        }
    }
}

/// A line of the table of terminals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalRow {
    /// Its number.
    pub number: String,
    /// What operators call it.
    pub name: String,
    /// Where it stands.
    pub state: TerminalState,
    /// How its messages are encrypted.
    pub suite: Suite,
    /// Its newest working key's id.
    pub key_id: Option<String>,
    /// When that key ends, as text.
    pub key_expires: Option<String>,
    /// When it was last heard, as text.
    pub last_heard: Option<String>,
    /// The page that asks before it is revoked; nothing when it is.
    pub revoke: Option<Href>,
}

impl TerminalRow {
    /// The way to revoke it, for whoever may.
    fn revoke_for(&self, page: &Page) -> Option<&Href> {
        self.revoke.as_ref().filter(|href| page.may_post(href.as_str()))
    }
}

/// `GET /console/terminals`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/terminals.html")]
pub struct ConsoleTerminals {
    /// Language and place.
    pub page: Page,
    /// The terminals.
    pub rows: Vec<TerminalRow>,
    /// Older ones.
    pub older: Option<Href>,
    /// Whether this platform has a bank for wallet cards at all.
    pub has_bank: bool,
}

impl ConsoleTerminals {
    fn tab(&self) -> Tab {
        Tab::Terminals
    }
}

/// Asks before a terminal is revoked. The form posts `confirmed` = `yes` to `confirm`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/revoke.html")]
pub struct ConsoleRevoke {
    /// Language and place.
    pub page: Page,
    /// The terminal.
    pub terminal: TerminalRow,
    /// `POST`.
    pub confirm: Href,
    /// The list.
    pub back: Href,
}

impl ConsoleRevoke {
    fn tab(&self) -> Tab {
        Tab::Terminals
    }
}

/// Where a wallet card stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalletState {
    /// Issued, not yet activated.
    Issued,
    /// In use.
    Active,
    /// Frozen.
    Frozen,
    /// Out of use for ever.
    Withdrawn,
}

impl WalletState {
    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            WalletState::Issued => "is-awaiting",
            WalletState::Active => "is-paid",
            WalletState::Frozen => "is-declined",
            WalletState::Withdrawn => "is-expired",
        }
    }

    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().bank;
        match self {
            WalletState::Issued => w.wallet_issued,
            WalletState::Active => w.wallet_active,
            WalletState::Frozen => w.wallet_frozen,
            WalletState::Withdrawn => language.words().reversal.wallet_withdrawn,
        }
    }
}

/// A line of the table of wallet cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletRow {
    /// The card.
    pub masked_card: String,
    /// Its industry: code and name.
    pub industry: String,
    /// Whose bank account pays, masked.
    pub holder: Option<String>,
    /// Where it stands.
    pub state: WalletState,
    /// Until when it is good, as text.
    pub valid_to: Option<String>,
    /// Its load that is not finished.
    pub unfinished: Option<Href>,
}

impl WalletRow {
    /// Its unfinished load, for whoever may see loads.
    fn unfinished_for(&self, page: &Page) -> Option<&Href> {
        self.unfinished.as_ref().filter(|href| page.may_see(href.as_str()))
    }
}

/// `GET /console/wallets`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/wallets.html")]
pub struct ConsoleWallets {
    /// Language and place.
    pub page: Page,
    /// The wallet cards.
    pub rows: Vec<WalletRow>,
    /// Older ones.
    pub older: Option<Href>,
    /// Whether this platform has a bank for wallet cards at all.
    pub has_bank: bool,
}

impl ConsoleWallets {
    fn tab(&self) -> Tab {
        Tab::Wallets
    }
}
