//! Loads of wallet cards, and the two ways a person settles one that the card cannot decide.

use askama::Template;

use super::Tab;
use crate::href::Href;
use crate::language::Language;
use crate::money::Money;
use crate::page::Page;
use crate::terminal::PurseRecord;

/// Where a load stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadState {
    /// The next tap of the card decides.
    Open,
    /// The card took it and proved it.
    Closed,
    /// The card cannot decide it.
    InDoubt,
    /// A person found that the card holds it.
    SettledCredited,
    /// A person found that it does not.
    SettledReturned,
}

impl LoadState {
    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            LoadState::Open => "is-awaiting",
            LoadState::Closed => "is-paid",
            LoadState::InDoubt => "is-declined",
            LoadState::SettledCredited => "is-on-card",
            LoadState::SettledReturned => "is-canceled",
        }
    }

    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().bank;
        match self {
            LoadState::Open => w.load_open,
            LoadState::Closed => w.load_closed,
            LoadState::InDoubt => w.load_in_doubt,
            LoadState::SettledCredited => w.load_settled_credited,
            LoadState::SettledReturned => w.load_settled_returned,
        }
    }

    /// What it means.
    pub fn sentence(self, language: Language) -> &'static str {
        let w = &language.words().bank;
        match self {
            LoadState::Open => w.load_open_text,
            LoadState::Closed => w.load_closed_text,
            LoadState::InDoubt => w.load_in_doubt_text,
            LoadState::SettledCredited => w.load_settled_credited_text,
            LoadState::SettledReturned => w.load_settled_returned_text,
        }
    }
}

/// How many loads stand so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadCount {
    /// How.
    pub state: LoadState,
    /// How many.
    pub count: u64,
    /// The list of these alone; nothing when the list is not to be narrowed.
    pub href: Option<Href>,
    /// Whether the list below is of these alone.
    pub chosen: bool,
}

/// A line of the table of loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadRow {
    /// When it was opened, as text.
    pub opened_at: String,
    /// Its id.
    pub load_id: String,
    /// Its page.
    pub href: Href,
    /// The card.
    pub masked_card: String,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: LoadState,
    /// At which terminal it was begun.
    pub terminal: String,
    /// How many attempts to write it.
    pub attempts: u32,
}

/// `GET /console/loads`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/loads.html")]
pub struct ConsoleLoads {
    /// Language and place.
    pub page: Page,
    /// How many loads stand how.
    pub counts: Vec<LoadCount>,
    /// The loads, newest first.
    pub rows: Vec<LoadRow>,
    /// Older ones.
    pub older: Option<Href>,
}

impl ConsoleLoads {
    fn tab(&self) -> Tab {
        Tab::Loads
    }
}

/// One attempt to write a load on its card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// Its number, from 1.
    pub number: u16,
    /// The moment it carries, as text.
    pub at: String,
    /// At which terminal.
    pub terminal: String,
    /// What the card held before it, proven by its code.
    pub balance_before: Money,
    /// Whether the card's receipt agrees with this one.
    pub proven: bool,
}

/// A record that was read from the card when the load came into doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRow {
    /// What it says; nothing when it cannot be read.
    pub record: Option<PurseRecord>,
    /// Its counter, when it can be read.
    pub counter: Option<String>,
    /// Its bytes in hexadecimal.
    pub hex: String,
}

/// How a person settled a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// When, as text.
    pub at: String,
    /// Why.
    pub note: String,
}

/// One load as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadView {
    /// Its id.
    pub load_id: String,
    /// The card.
    pub masked_card: String,
    /// Its wallet's industry: code and name.
    pub industry: String,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: LoadState,
    /// When it was opened, as text.
    pub opened_at: String,
    /// When it ended, as text.
    pub ended_at: Option<String>,
    /// The card's counter before it.
    pub counter: String,
    /// The transfer that sets the money aside.
    pub transfer: String,
    /// How a person settled it.
    pub settled: Option<Settled>,
}

/// What a person found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The card holds the money.
    Credited,
    /// The card does not.
    Returned,
}

impl Finding {
    /// The tag in the ids of its fields.
    pub fn tag(self) -> &'static str {
        match self {
            Finding::Credited => "credited",
            Finding::Returned => "returned",
        }
    }

    /// What was found.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().bank;
        match self {
            Finding::Credited => w.credited_title,
            Finding::Returned => w.returned_title,
        }
    }

    /// What follows from it.
    pub fn sentence(self, language: Language) -> &'static str {
        let w = &language.words().bank;
        match self {
            Finding::Credited => w.credited_text,
            Finding::Returned => w.returned_text,
        }
    }
}

/// The two forms of a load in doubt. Each posts `note`; without `confirmed` the server answers with
/// [`ConsoleSettle`] and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// `POST`: the card holds the money.
    pub credited: Href,
    /// `POST`: the card does not hold it.
    pub returned: Href,
    /// The form that was sent without a note.
    pub note_missing: Option<Finding>,
}

impl Settlement {
    fn forms(&self) -> [(Finding, &Href); 2] {
        [(Finding::Credited, &self.credited), (Finding::Returned, &self.returned)]
    }

    fn is_missing(&self, finding: &Finding) -> bool {
        self.note_missing.as_ref() == Some(finding)
    }
}

/// `GET /console/loads/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/load.html")]
pub struct ConsoleLoad {
    /// Language and place.
    pub page: Page,
    /// The load.
    pub load: LoadView,
    /// The attempts, in order.
    pub attempts: Vec<AttemptRow>,
    /// What was read from the card's log.
    pub evidence: Vec<EvidenceRow>,
    /// The two forms, for a load in doubt.
    pub settlement: Option<Settlement>,
    /// The list.
    pub back: Href,
}

impl ConsoleLoad {
    fn tab(&self) -> Tab {
        Tab::Loads
    }
}

/// Asks once more before a load is settled. The form posts `note` (hidden) and `confirmed` = `yes` to `confirm`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/settle.html")]
pub struct ConsoleSettle {
    /// Language and place.
    pub page: Page,
    /// The load.
    pub load: LoadView,
    /// What was found.
    pub finding: Finding,
    /// Why.
    pub note: String,
    /// `POST`.
    pub confirm: Href,
    /// The load's page.
    pub back: Href,
}

impl ConsoleSettle {
    fn tab(&self) -> Tab {
        Tab::Loads
    }
}
