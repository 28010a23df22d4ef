//! The console's page of closed days and of what differs from the bank.

use askama::Template;

use super::Tab;
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
