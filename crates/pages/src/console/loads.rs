//! Loads of wallet cards, the two ways a person settles one that the card cannot decide, and the step before for a
//! card that cannot be read any more.

use askama::Template;

use super::Tab;
use super::reversals::{AskedReversal, Ground, ReversalForm, ReversalState};
use crate::href::Href;
use crate::language::Language;
use crate::message::{MessageLink, MessagePage};
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
    /// Two persons gave it back.
    Reversed,
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
            LoadState::Reversed => "is-expired",
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
            LoadState::Reversed => language.words().reversal.load_reversed,
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
            LoadState::Reversed => language.words().reversal.load_reversed_text,
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
    /// Whether this platform has a bank for wallet cards at all.
    pub has_bank: bool,
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
    /// Why it is or was in doubt, a line each; nothing once a person settled it, whose note says it all.
    pub doubt: Option<String>,
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
    /// The card of an open load cannot be read any more: nobody knows yet.
    Unreadable,
}

impl Finding {
    /// All of them.
    pub const ALL: [Finding; 3] = [Finding::Credited, Finding::Returned, Finding::Unreadable];

    /// The tag in addresses and in the ids of its fields.
    pub fn tag(self) -> &'static str {
        match self {
            Finding::Credited => "credited",
            Finding::Returned => "returned",
            Finding::Unreadable => "unreadable",
        }
    }

    /// The finding of a tag.
    pub fn from_tag(tag: &str) -> Option<Finding> {
        Finding::ALL.into_iter().find(|finding| finding.tag() == tag)
    }

    /// Whether a load that stands so can be answered with it.
    pub fn fits(self, state: LoadState) -> bool {
        match (self, state) {
            (Finding::Credited | Finding::Returned, LoadState::InDoubt)
            | (Finding::Unreadable, LoadState::Open) => true,
            (Finding::Credited | Finding::Returned, LoadState::Open)
            | (Finding::Unreadable, LoadState::InDoubt)
            | (
                _,
                LoadState::Closed
                | LoadState::SettledCredited
                | LoadState::SettledReturned
                | LoadState::Reversed,
            ) => false,
        }
    }

    /// What was found.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().bank;
        match self {
            Finding::Credited => w.credited_title,
            Finding::Returned => w.returned_title,
            Finding::Unreadable => w.unread_title,
        }
    }

    /// What follows from it.
    pub fn sentence(self, language: Language) -> &'static str {
        let w = &language.words().bank;
        match self {
            Finding::Credited => w.credited_text,
            Finding::Returned => w.returned_text,
            Finding::Unreadable => w.unread_text,
        }
    }

    /// What is asked once more.
    pub fn question(self, language: Language) -> &'static str {
        let w = &language.words().bank;
        match self {
            Finding::Credited | Finding::Returned => w.confirm_title,
            Finding::Unreadable => w.unread_question,
        }
    }

    /// What is ticked before it is done.
    pub fn assurance(self, language: Language) -> &'static str {
        let w = &language.words().bank;
        match self {
            Finding::Credited | Finding::Returned => w.confirm_box,
            Finding::Unreadable => w.unread_box,
        }
    }

    /// What the button that does it says.
    pub fn action(self, language: Language) -> &'static str {
        let w = &language.words().bank;
        match self {
            Finding::Credited | Finding::Returned => w.confirm,
            Finding::Unreadable => w.unread_confirm,
        }
    }
}

/// The forms of a load that a person can bring on: two of one in doubt, one of an open one. Each posts `note`;
/// without `confirmed` the server answers with [`ConsoleSettle`] and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// What can be found, and where that is posted.
    pub forms: Vec<(Finding, Href)>,
    /// The form that was sent without a note.
    pub note_missing: Option<Finding>,
}

impl Settlement {
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
    /// The forms, for a load that has not ended.
    pub settlement: Option<Settlement>,
    /// The reversal of it that was asked for last.
    pub asked: Option<AskedReversal>,
    /// The form that asks for one, for a load that was credited.
    pub reversal: Option<ReversalForm>,
    /// The list.
    pub back: Href,
}

impl ConsoleLoad {
    /// The forms, for whoever may send them.
    fn settlement_shown(&self) -> Option<&Settlement> {
        self.settlement
            .as_ref()
            .filter(|it| it.forms.iter().all(|(_, href)| self.page.may_post(href.as_str())))
    }

    /// The form, for whoever may send it; while a reversal waits, another one would only be refused.
    fn reversal_shown(&self) -> Option<&ReversalForm> {
        let waits = self.asked.as_ref().is_some_and(|asked| asked.state == ReversalState::Asked);
        self.reversal
            .as_ref()
            .filter(|form| (form.refused.is_some() || !waits) && self.page.may_post(form.ask.as_str()))
    }

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
    /// The message instead of it, for a load whose state forbids the finding: nothing was changed.
    pub fn refused(page: Page, state: LoadState, back: Href) -> MessagePage {
        let w = &page.words().bank;
        MessagePage {
            title: w.refused_title.into(),
            what: page.language.load_refused(state.title(page.language)),
            todo: w.refused_todo.into(),
            link: Some(MessageLink { href: back, label: w.go_back.into() }),
            page,
        }
    }

    fn tab(&self) -> Tab {
        Tab::Loads
    }
}
