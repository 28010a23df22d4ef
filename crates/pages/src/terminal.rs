//! The mobile terminal: a holder does with a wallet card what a bank's counter does.
//!
//! Every page carries a [`TerminalNav`]; every address comes with the view. What changes something is a form that is
//! posted, what only shows is a link.

mod form;
mod hold;
mod home;
mod locked;
mod result;
mod settings;

pub use form::{ActivatePage, AmountChoice, CardPin, CodeSent, ConfirmPage, FieldError, LoadPage};
pub use hold::{HoldFragment, HoldPage, HoldState, HoldStep, HoldStepName, HoldView};
pub use home::{IndustryCard, IndustryPage, TerminalHome, Warning};
pub use locked::{Locked, LockedPage};
pub use result::{BalancePage, Meaning, NextStep, OpenLoad, PurseRecord, RecordKind, ResultPage, Sign};
pub use settings::{BankRole, BankServer, PackRow, ReaderRow, RefusedFile, SettingsNotice, SettingsPage};

use crate::href::Href;
use crate::language::Language;
use crate::order::minutes_and_seconds;

/// Where the terminal's header leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalNav {
    /// The choice of industries.
    pub home: Href,
    /// The settings.
    pub settings: Href,
    /// The demonstration's field with its software cards; nothing at a real terminal.
    pub field: Option<Href>,
    /// The demonstration's text messages; nothing at a real terminal.
    pub outbox: Option<Href>,
}

/// Where on the terminal a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Wallets,
    Settings,
    Field,
    Outbox,
}

/// A time that ends, and what the clock says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimit {
    /// When it began, epoch milliseconds.
    pub opened_at_ms: u64,
    /// When it ends, epoch milliseconds.
    pub expires_at_ms: u64,
    /// The server's clock as this is rendered, epoch milliseconds: the reader's clock may be wrong.
    pub now_ms: u64,
}

impl TimeLimit {
    fn seconds_total(&self) -> u64 {
        self.expires_at_ms.saturating_sub(self.opened_at_ms).div_ceil(1000).max(1)
    }

    fn seconds_left(&self) -> u64 {
        self.expires_at_ms.saturating_sub(self.now_ms).div_ceil(1000)
    }

    fn time_left(&self) -> String {
        minutes_and_seconds(self.seconds_left())
    }
}

/// An industry's drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndustryIcon {
    /// Buses.
    Bus,
    /// Schools.
    School,
    /// Prisons.
    Prison,
    /// Anything else.
    Other,
}

impl IndustryIcon {
    /// All of them.
    pub const ALL: [IndustryIcon; 4] =
        [IndustryIcon::Bus, IndustryIcon::School, IndustryIcon::Prison, IndustryIcon::Other];

    /// The drawing that a driver pack names, or the plain card.
    pub fn from_name(name: &str) -> IndustryIcon {
        match name {
            "bus" => IndustryIcon::Bus,
            "school" => IndustryIcon::School,
            "prison" => IndustryIcon::Prison,
            _ => IndustryIcon::Other,
        }
    }
}

/// An industry as its driver pack names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Industry {
    /// Four digits.
    pub code: String,
    /// How it is drawn.
    pub icon: IndustryIcon,
    /// Its name in English.
    pub name_en: String,
    /// Its name in Chinese.
    pub name_zh: String,
}

impl Industry {
    /// Its name in the reader's language.
    pub fn name(&self, language: Language) -> &str {
        match language {
            Language::English => &self.name_en,
            Language::Chinese => &self.name_zh,
        }
    }
}

/// What the holder came for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Balance.
    Balance,
    /// Load.
    Load,
    /// Supplementary load.
    Finish,
    /// Activation.
    Activate,
}

impl Task {
    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().terminal;
        match self {
            Task::Balance => w.balance,
            Task::Load => w.load,
            Task::Finish => w.finish,
            Task::Activate => w.activate,
        }
    }
}

/// How the working key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyCondition {
    /// Good.
    Good,
    /// Good, and to be renewed before the next transaction.
    RenewSoon,
    /// Its time is over.
    Expired,
    /// There is none yet.
    Missing,
}

impl KeyCondition {
    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            KeyCondition::Good => "chip-good",
            KeyCondition::RenewSoon => "chip-warn",
            KeyCondition::Expired | KeyCondition::Missing => "chip-bad",
        }
    }

    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().terminal;
        match self {
            KeyCondition::Good => w.key_good,
            KeyCondition::RenewSoon => w.key_renew_soon,
            KeyCondition::Expired => w.key_expired,
            KeyCondition::Missing => w.key_missing,
        }
    }
}

/// The working key. Never the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// How it stands.
    pub condition: KeyCondition,
    /// Its id; empty without a key.
    pub key_id: String,
    /// When it ends, as text; empty without a key.
    pub expires_at: String,
    /// Whole minutes that remain.
    pub minutes_left: u32,
}

/// Whether the bank answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// It answered the last time it was asked.
    Reached,
    /// It did not.
    Away,
    /// It was not asked yet.
    Untried,
}

impl Connection {
    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            Connection::Reached => "chip-good",
            Connection::Away => "chip-bad",
            Connection::Untried => "chip-plain",
        }
    }

    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().terminal;
        match self {
            Connection::Reached => w.bank_reached,
            Connection::Away => w.bank_away,
            Connection::Untried => w.bank_untried,
        }
    }
}
