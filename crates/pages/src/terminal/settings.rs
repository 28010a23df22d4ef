//! What the terminal is, and what it works with.

use askama::Template;

use super::{Connection, Industry, IndustryIcon, KeyView, Place, TerminalNav};
use crate::href::Href;
use crate::language::Language;
use crate::page::Page;
use crate::suite::Suite;

/// Which of the bank's servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BankRole {
    /// 银行后台交易服务器.
    Transactions,
    /// 银行安全服务器.
    Security,
}

impl BankRole {
    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().settings;
        match self {
            BankRole::Transactions => w.server_transactions,
            BankRole::Security => w.server_security,
        }
    }
}

/// A server of the bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankServer {
    /// Which.
    pub role: BankRole,
    /// Its name: `tap.bank.example:8443`.
    pub name: String,
    /// Whether it answers.
    pub connection: Connection,
}

/// A reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderRow {
    /// Its name as the system gives it.
    pub name: String,
    /// Whether cards are read there.
    pub in_use: bool,
    /// `POST`: takes this one; nothing for the one in use.
    pub choose: Option<Href>,
}

/// A driver pack in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackRow {
    /// Code, icon and names.
    pub industry: Industry,
    /// Its version.
    pub version: String,
    /// The fingerprint of whoever signed it.
    pub signer: String,
    /// When it was installed, as text.
    pub installed_at: String,
}

/// A file that is no good pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedFile {
    /// Its name.
    pub file: String,
    /// Why, in the reader's language.
    pub reason: String,
    /// When, as text.
    pub at: String,
}

/// What came of the last thing that was asked for here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsNotice {
    /// A new working key is there.
    KeyRenewed,
    /// There is no new key, for this reason in the reader's language.
    KeyNotRenewed(String),
    /// This pack is installed, by its name.
    PackInstalled(String),
    /// The file was refused, for this reason in the reader's language.
    PackRefused(String),
    /// Another reader is in use.
    ReaderChosen,
}

impl SettingsNotice {
    fn is_bad(&self) -> bool {
        match self {
            SettingsNotice::KeyRenewed | SettingsNotice::PackInstalled(_) | SettingsNotice::ReaderChosen => {
                false
            }
            SettingsNotice::KeyNotRenewed(_) | SettingsNotice::PackRefused(_) => true,
        }
    }

    fn title(&self, language: Language) -> &'static str {
        let w = &language.words().settings;
        match self {
            SettingsNotice::KeyRenewed => w.key_renewed,
            SettingsNotice::KeyNotRenewed(_) => w.key_not_renewed,
            SettingsNotice::PackInstalled(_) => w.pack_installed,
            SettingsNotice::PackRefused(_) => w.pack_refused,
            SettingsNotice::ReaderChosen => w.reader_chosen,
        }
    }

    fn detail(&self) -> &str {
        match self {
            SettingsNotice::KeyRenewed | SettingsNotice::ReaderChosen => "",
            SettingsNotice::KeyNotRenewed(text)
            | SettingsNotice::PackInstalled(text)
            | SettingsNotice::PackRefused(text) => text,
        }
    }
}

/// The settings.
#[derive(Debug, Clone, Template)]
#[template(path = "terminal/settings.html")]
pub struct SettingsPage {
    /// Language and place.
    pub page: Page,
    /// The header.
    pub nav: TerminalNav,
    /// What came of the last thing that was asked for.
    pub notice: Option<SettingsNotice>,
    /// The terminal's number.
    pub number: String,
    /// The bank's servers.
    pub servers: Vec<BankServer>,
    /// The working key.
    pub key: KeyView,
    /// `POST`: renews the working key.
    pub renew: Href,
    /// How messages are encrypted.
    pub suite: Suite,
    /// The readers.
    pub readers: Vec<ReaderRow>,
    /// The packs.
    pub packs: Vec<PackRow>,
    /// Files that were refused.
    pub refused: Vec<RefusedFile>,
    /// `POST` as `multipart/form-data` with a file named `pack`.
    pub install: Href,
}

impl SettingsPage {
    fn place(&self) -> Option<Place> {
        Some(Place::Settings)
    }
}
