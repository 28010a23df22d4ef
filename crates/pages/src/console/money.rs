//! The console's page of closed days and of what differs from the bank.

use askama::Template;

use super::Tab;
use crate::href::Href;
use crate::language::Language;
use crate::page::Page;

/// How ours and the bank's differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The bank does not have ours.
    Missing,
    /// We do not have the bank's.
    Unknown,
    /// The bank has it once more.
    Duplicate,
    /// Both have it, with other money.
    Differing,
}

impl DifferenceKind {
    /// What it is called.
    pub fn title(self, language: Language) -> &'static str {
        let words = &language.words().money;
        match self {
            Self::Missing => words.missing,
            Self::Unknown => words.unknown,
            Self::Duplicate => words.duplicate,
            Self::Differing => words.differing,
        }
    }
}

/// What differs from the bank.
#[derive(Debug, Clone)]
pub struct DifferenceRow {
    /// Its number.
    pub number: u32,
    /// Its page.
    pub href: Href,
    /// How they differ.
    pub kind: DifferenceKind,
    /// The day: `2026-11-20`.
    pub day: String,
    /// What we have; empty where we do not have it.
    pub ours: String,
    /// What the bank has; empty where it does not have it.
    pub theirs: String,
    /// The file's number, and the entry's: `3, 17`.
    pub place: String,
}

/// An entry of a bank's file, as the bank wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankEntryView {
    /// What the file was called.
    pub file: String,
    /// The line where it stands.
    pub line: u32,
    /// When the bank booked it: `2026-11-20`.
    pub booked: String,
    /// How much, with its sign.
    pub amount: String,
    /// The reference that went with the payment.
    pub reference: Option<String>,
    /// The bank's own reference.
    pub bank_reference: Option<String>,
    /// What the bank or the payer wrote.
    pub text: String,
}

/// How a difference ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// A later file had it.
    Found,
    /// The bank puts it right.
    BankCorrects,
    /// An adjustment put it right.
    Adjusted,
    /// It stays as it is.
    Accepted,
}

impl Resolution {
    /// What it is called.
    pub fn title(self, language: Language) -> &'static str {
        let words = &language.words().money;
        match self {
            Self::Found => words.found,
            Self::BankCorrects => words.bank_corrects,
            Self::Adjusted => words.adjusted,
            Self::Accepted => words.accepted,
        }
    }
}

/// How a difference ended, by whom and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedView {
    /// How.
    pub resolution: Resolution,
    /// By whom; nobody where a file decided it.
    pub by: Option<String>,
    /// When, as text.
    pub at: String,
    /// Why.
    pub reason: String,
}

/// A closed day of a merchant.
#[derive(Debug, Clone)]
pub struct SettlementRow {
    /// The day: `2026-11-20`.
    pub day: String,
    /// The merchant's name.
    pub merchant: String,
    /// Its number among the account's.
    pub number: u32,
    /// The currency's letters.
    pub currency: String,
    /// How many entries.
    pub entries: u64,
    /// The balance before.
    pub opening: String,
    /// The balance after.
    pub closing: String,
}

/// `GET /console/money`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/money.html")]
pub struct ConsoleMoney {
    /// Language and place.
    pub page: Page,
    /// What differs and is open, the newest first.
    pub differences: Vec<DifferenceRow>,
    /// The newest closed days.
    pub settlements: Vec<SettlementRow>,
}

impl ConsoleMoney {
    fn tab(&self) -> Tab {
        Tab::Money
    }
}

/// `GET /console/money/{difference}`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/difference.html")]
pub struct ConsoleDifference {
    /// Language and place.
    pub page: Page,
    /// What differs.
    pub difference: DifferenceRow,
    /// The bank's entry, where it has one.
    pub entry: Option<BankEntryView>,
    /// Our transfer and what it was for, where we have one.
    pub ours: Option<(String, String)>,
    /// How it ended, if it has.
    pub resolved: Option<ResolvedView>,
    /// The list.
    pub back: Href,
}

impl ConsoleDifference {
    fn tab(&self) -> Tab {
        Tab::Money
    }
}
