//! Adjustments: money that two persons move, where no order and no load accounts for it.

use askama::Template;

use super::{AccountKind, Tab};
use crate::href::Href;
use crate::language::Language;
use crate::message::{MessageLink, MessagePage};
use crate::money::Money;
use crate::page::Page;

/// Where an adjustment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdjustmentState {
    /// It waits for a second person.
    Proposed,
    /// Two persons want it, and the ledger refused.
    Approved,
    /// The money moved.
    Posted,
    /// Somebody said no.
    Rejected,
    /// Seven days ran out.
    Expired,
}

impl AdjustmentState {
    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Proposed | Self::Approved => "is-awaiting",
            Self::Posted => "is-paid",
            Self::Rejected => "is-declined",
            Self::Expired => "is-expired",
        }
    }

    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().adjustment;
        match self {
            Self::Proposed => w.proposed,
            Self::Approved => w.approved,
            Self::Posted => w.posted,
            Self::Rejected => w.rejected,
            Self::Expired => w.expired,
        }
    }
}

/// Why an adjustment did not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdjustmentRefusal {
    /// What was typed names no account, or nobody's.
    Account,
    /// From an account to itself.
    SameAccount,
    /// Not an amount of that currency.
    Amount,
    /// The reason is too short or too long.
    Reason,
    /// Whoever proposed does not approve.
    SamePerson,
    /// It does not stand where it stood.
    Ended,
    /// The ledger refuses.
    Ledger,
}

impl AdjustmentRefusal {
    /// What it says, and what to do.
    pub fn sentence(self, language: Language) -> &'static str {
        let w = &language.words().adjustment;
        match self {
            Self::Account => w.refused_account,
            Self::SameAccount => w.refused_same_account,
            Self::Amount => w.refused_amount,
            Self::Reason => w.refused_reason,
            Self::SamePerson => w.refused_same_person,
            Self::Ended => w.refused_ended,
            Self::Ledger => w.refused_ledger,
        }
    }
}

/// The form that proposes an adjustment: `from`, `to`, `amount`, `currency`, `reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdjustmentForm {
    /// `POST`.
    pub propose: Href,
    /// The account that the money leaves, as it is typed.
    pub from: String,
    /// The account that it goes to, as it is typed.
    pub to: String,
    /// How much, as it is typed.
    pub amount: String,
    /// The currency's letters, as they are typed.
    pub currency: String,
    /// Why, as it is typed.
    pub reason: String,
    /// Why the last one was refused.
    pub refused: Option<&'static str>,
}

/// An account of the ledger as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdjustmentAccount {
    /// What it is for.
    pub kind: AccountKind,
    /// What it is called in forms and commands: `mer_00000001`, `fee`.
    pub name: String,
    /// Whose it is, where it is somebody's.
    pub owner: Option<String>,
}

/// An adjustment as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdjustmentView {
    /// Its id.
    pub adjustment_id: String,
    /// Its page.
    pub href: Href,
    /// Where it stands.
    pub state: AdjustmentState,
    /// How much.
    pub amount: Money,
    /// The account that the money leaves.
    pub from: AdjustmentAccount,
    /// The account that it goes to.
    pub to: AdjustmentAccount,
    /// Why.
    pub reason: String,
    /// Who proposed it.
    pub proposed_by: String,
    /// When, as text.
    pub proposed_at: String,
    /// Until when it can be approved, as text.
    pub until: String,
    /// Who answered.
    pub decided_by: Option<String>,
    /// When it last changed, as text.
    pub changed_at: Option<String>,
    /// The transfer that moved the money.
    pub transfer: Option<String>,
}

/// `GET /console/adjustments`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/adjustments.html")]
pub struct ConsoleAdjustments {
    /// Language and place.
    pub page: Page,
    /// The adjustments, newest first.
    pub rows: Vec<AdjustmentView>,
    /// Older ones.
    pub older: Option<Href>,
    /// What proposes another one.
    pub form: AdjustmentForm,
}

impl ConsoleAdjustments {
    fn form_shown(&self) -> Option<&AdjustmentForm> {
        Some(&self.form).filter(|form| self.page.may_post(form.propose.as_str()))
    }

    fn tab(&self) -> Tab {
        Tab::Money
    }
}

/// `GET /console/adjustments/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/adjustment.html")]
pub struct ConsoleAdjustment {
    /// Language and place.
    pub page: Page,
    /// The adjustment.
    pub adjustment: AdjustmentView,
    /// `POST`, while it waits for a second person; the form carries `confirmed` = `yes`.
    pub approve: Option<Href>,
    /// `POST`, where it is approved and the ledger refused.
    pub post: Option<Href>,
    /// `POST`, until it has ended.
    pub reject: Option<Href>,
    /// The list.
    pub back: Href,
}

impl ConsoleAdjustment {
    /// The message instead of it: nothing was changed.
    pub fn refused(page: Page, why: AdjustmentRefusal, back: Href) -> MessagePage {
        let w = &page.words().adjustment;
        MessagePage {
            title: w.refused_title.into(),
            what: why.sentence(page.language).into(),
            todo: w.refused_todo.into(),
            link: Some(MessageLink { href: back, label: page.words().bank.go_back.into() }),
            page,
        }
    }

    fn is_own(&self) -> bool {
        self.page.operator.as_ref().is_some_and(|it| it.name == self.adjustment.proposed_by)
    }

    /// That somebody else must approve it is said to whoever could.
    fn own_shown(&self) -> bool {
        self.is_own() && self.approve.is_some()
    }

    /// What may be approved, by whoever may and did not propose it.
    fn approve_shown(&self) -> Option<&Href> {
        self.approve.as_ref().filter(|href| !self.is_own() && self.page.may_post(href.as_str()))
    }

    fn post_shown(&self) -> Option<&Href> {
        self.post.as_ref().filter(|href| self.page.may_post(href.as_str()))
    }

    fn reject_shown(&self) -> Option<&Href> {
        self.reject.as_ref().filter(|href| self.page.may_post(href.as_str()))
    }

    fn tab(&self) -> Tab {
        Tab::Money
    }
}
