//! Reversals of loads: what is asked for, and what a second person answers.

use askama::Template;

use super::Tab;
use crate::href::Href;
use crate::language::Language;
use crate::message::{MessageLink, MessagePage};
use crate::money::Money;
use crate::page::Page;

/// Why the value on the card will not be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The bank has the card in hand.
    InHand,
    /// The industry's list refuses it.
    Blacklisted,
    /// The card never took the load.
    NotWritten,
}

impl Ground {
    /// All of them.
    pub const ALL: [Ground; 3] = [Ground::InHand, Ground::Blacklisted, Ground::NotWritten];

    /// The tag in the form.
    pub fn tag(self) -> &'static str {
        match self {
            Ground::InHand => "in_hand",
            Ground::Blacklisted => "blacklisted",
            Ground::NotWritten => "not_written",
        }
    }

    /// The ground of a tag.
    pub fn from_tag(tag: &str) -> Option<Ground> {
        Ground::ALL.into_iter().find(|ground| ground.tag() == tag)
    }

    /// What it says.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().reversal;
        match self {
            Ground::InHand => w.in_hand,
            Ground::Blacklisted => w.blacklisted,
            Ground::NotWritten => w.not_written,
        }
    }
}

/// Where a reversal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReversalState {
    /// It waits for a second person.
    Asked,
    /// The money is the holder's again.
    Posted,
    /// Somebody said no.
    Rejected,
    /// Nobody answered in seven days.
    Expired,
}

impl ReversalState {
    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            ReversalState::Asked => "is-awaiting",
            ReversalState::Posted => "is-paid",
            ReversalState::Rejected => "is-declined",
            ReversalState::Expired => "is-expired",
        }
    }

    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().reversal;
        match self {
            ReversalState::Asked => w.asked,
            ReversalState::Posted => w.posted,
            ReversalState::Rejected => w.rejected,
            ReversalState::Expired => w.expired,
        }
    }
}

/// Why a reversal did not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReversalRefusal {
    /// The card may still be loaded.
    CardNotFrozen,
    /// The card has an unfinished load.
    CardUnfinished,
    /// The card proved that it took the load.
    CardProvedIt,
    /// Not an amount, or more than was loaded or than the card holds.
    Amount,
    /// The reason is too short or too long.
    Reason,
    /// Whoever asked does not approve.
    SamePerson,
    /// Load or reversal are not where they were.
    Ended,
    /// The ledger refuses.
    Ledger,
}

impl ReversalRefusal {
    /// What it says, and what to do.
    pub fn sentence(self, language: Language) -> &'static str {
        let w = &language.words().reversal;
        match self {
            ReversalRefusal::CardNotFrozen => w.refused_frozen,
            ReversalRefusal::CardUnfinished => w.refused_unfinished,
            ReversalRefusal::CardProvedIt => w.refused_proved,
            ReversalRefusal::Amount => w.refused_amount,
            ReversalRefusal::Reason => w.refused_reason,
            ReversalRefusal::SamePerson => w.refused_same_person,
            ReversalRefusal::Ended => w.refused_ended,
            ReversalRefusal::Ledger => w.refused_ledger,
        }
    }
}

/// A load's reversal, on the load's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedReversal {
    /// Where it stands.
    pub state: ReversalState,
    /// Its page.
    pub href: Href,
}

/// The form that asks for a reversal: `amount` and `held` in yuan, `ground`, `reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReversalForm {
    /// `POST`.
    pub ask: Href,
    /// How much, as it is typed.
    pub amount: String,
    /// What is chosen.
    pub ground: Ground,
    /// What the card holds, as it is typed.
    pub held: String,
    /// Why, as it is typed.
    pub reason: String,
    /// Why the last one was refused.
    pub refused: Option<&'static str>,
}

/// A reversal as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReversalView {
    /// Its id.
    pub reversal_id: String,
    /// Its page.
    pub href: Href,
    /// Where it stands.
    pub state: ReversalState,
    /// How much.
    pub amount: Money,
    /// The card.
    pub masked_card: String,
    /// Of which load.
    pub load_id: String,
    /// That load's page.
    pub load_href: Href,
    /// Why the value is not spent.
    pub ground: Ground,
    /// What the card is said to hold.
    pub held: Option<Money>,
    /// Why it is asked for.
    pub reason: String,
    /// Who asked.
    pub asked_by: String,
    /// When, as text.
    pub asked_at: String,
    /// Who answered.
    pub decided_by: Option<String>,
    /// When it ended, as text.
    pub ended_at: Option<String>,
    /// The transfer that gave the money back.
    pub transfer: Option<String>,
}

/// `GET /console/reversals`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/reversals.html")]
pub struct ConsoleReversals {
    /// Language and place.
    pub page: Page,
    /// The reversals, newest first.
    pub rows: Vec<ReversalView>,
    /// Older ones.
    pub older: Option<Href>,
}

impl ConsoleReversals {
    fn tab(&self) -> Tab {
        Tab::Loads
    }
}

/// `GET /console/reversals/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/reversal.html")]
pub struct ConsoleReversal {
    /// Language and place.
    pub page: Page,
    /// The reversal.
    pub reversal: ReversalView,
    /// `POST`, while it waits; the form carries `confirmed` = `yes`.
    pub approve: Option<Href>,
    /// `POST`, while it waits.
    pub reject: Option<Href>,
    /// The list.
    pub back: Href,
}

impl ConsoleReversal {
    /// The message instead of it: nothing was changed.
    pub fn refused(page: Page, why: ReversalRefusal, back: Href) -> MessagePage {
        let w = &page.words().reversal;
        MessagePage {
            title: w.refused_title.into(),
            what: why.sentence(page.language).into(),
            todo: w.refused_todo.into(),
            link: Some(MessageLink { href: back, label: page.words().bank.go_back.into() }),
            page,
        }
    }

    /// What may be approved, by whoever may and did not ask for it.
    fn approve_shown(&self) -> Option<&Href> {
        let own = self.page.operator.as_ref().is_some_and(|it| it.name == self.reversal.asked_by);
        self.approve.as_ref().filter(|href| !own && self.page.may_post(href.as_str()))
    }

    fn is_own(&self) -> bool {
        self.approve.is_some()
            && self.page.operator.as_ref().is_some_and(|it| it.name == self.reversal.asked_by)
    }

    fn reject_shown(&self) -> Option<&Href> {
        self.reject.as_ref().filter(|href| self.page.may_post(href.as_str()))
    }

    fn tab(&self) -> Tab {
        Tab::Loads
    }
}
