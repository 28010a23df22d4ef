//! What came of a tap.

use askama::Template;

use super::{Industry, Place, Task, TerminalNav};
use crate::href::Href;
use crate::language::Language;
use crate::money::Money;
use crate::page::Page;

/// Whether money went onto the card or off it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Onto the card.
    Plus,
    /// Off the card.
    Minus,
}

impl Sign {
    /// The sign before the amount.
    pub fn text(self) -> &'static str {
        match self {
            Sign::Plus => "+",
            Sign::Minus => "−",
        }
    }

    /// The class that draws it.
    pub fn class(self) -> &'static str {
        match self {
            Sign::Plus => "is-plus",
            Sign::Minus => "is-minus",
        }
    }
}

/// What a record of the card is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordKind {
    /// A load.
    Load,
    /// A purchase.
    Purchase,
    /// Another kind, by its two hexadecimal digits.
    Other(String),
}

impl RecordKind {
    /// Its name.
    pub fn title(&self, language: Language) -> String {
        let w = &language.words().wallet;
        match self {
            RecordKind::Load => w.record_load.into(),
            RecordKind::Purchase => w.record_purchase.into(),
            RecordKind::Other(code) => language.record_of_kind(code),
        }
    }
}

/// A record of the card's own log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurseRecord {
    /// Of what.
    pub kind: RecordKind,
    /// Onto the card or off it.
    pub sign: Sign,
    /// How much, without sign.
    pub amount: Money,
    /// When, as text.
    pub at: String,
    /// At which terminal.
    pub terminal: String,
}

/// A load of this card that waits to be finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLoad {
    /// How much, when it is known here.
    pub amount: Option<Money>,
    /// `POST`: finishes it.
    pub finish: Href,
}

/// What a card holds.
#[derive(Debug, Clone, Template)]
#[template(path = "terminal/balance.html")]
pub struct BalancePage {
    /// Language and place.
    pub page: Page,
    /// The header.
    pub nav: TerminalNav,
    /// Which wallet.
    pub industry: Industry,
    /// The card.
    pub masked_card: String,
    /// What it holds.
    pub balance: Money,
    /// Whether the bank verified it, or the card alone says so.
    pub verified: bool,
    /// When it was read, as text.
    pub read_at: String,
    /// The newest records first.
    pub records: Vec<PurseRecord>,
    /// A load that waits to be finished.
    pub open_load: Option<OpenLoad>,
    /// The card waits to be activated. `POST`.
    pub activate: Option<Href>,
    /// The form for a load; nothing while one waits to be finished.
    pub load: Option<Href>,
    /// `POST`: has the balance verified by the bank; nothing when it is.
    pub verify: Option<Href>,
    /// `POST`: reads a card again.
    pub again: Href,
    /// The industry's page.
    pub back: Href,
}

impl BalancePage {
    fn place(&self) -> Option<Place> {
        Some(Place::Wallets)
    }
}

/// What an end means for the holder's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// What was asked for is done.
    Done,
    /// Nothing was paid, nothing was written.
    NothingPaid,
    /// The bank has the money set aside and the card does not have it yet: `paid_not_written`.
    PaidNotWritten,
    /// The bank may have set money aside: the next tap of the same card finishes it.
    HoldAgain,
    /// Only a person at the bank can finish it.
    AtTheBank,
}

impl Meaning {
    /// All of them.
    pub const ALL: [Meaning; 5] = [
        Meaning::Done,
        Meaning::NothingPaid,
        Meaning::PaidNotWritten,
        Meaning::HoldAgain,
        Meaning::AtTheBank,
    ];

    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            Meaning::Done => "means-done",
            Meaning::NothingPaid => "means-nothing",
            Meaning::PaidNotWritten | Meaning::HoldAgain => "means-again",
            Meaning::AtTheBank => "means-bank",
        }
    }

    /// In a word or two.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().result;
        match self {
            Meaning::Done => w.done_title,
            Meaning::NothingPaid => w.nothing_title,
            Meaning::PaidNotWritten | Meaning::HoldAgain => w.again_title,
            Meaning::AtTheBank => w.bank_title,
        }
    }

    /// What it means for the money; for a thing done nothing more need be said.
    pub fn sentence(self, language: Language) -> &'static str {
        let w = &language.words().result;
        match self {
            Meaning::Done => w.done_text,
            Meaning::NothingPaid => w.nothing_text,
            Meaning::PaidNotWritten => w.paid_text,
            Meaning::HoldAgain => w.again_text,
            Meaning::AtTheBank => w.bank_text,
        }
    }
}

/// What the holder can do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// `POST`: the same card is held again.
    HoldAgain(Href),
    /// `POST`: an open load is finished.
    Finish(Href),
    /// `POST`: the balance is read.
    Balance(Href),
    /// `POST`: the card is activated.
    Activate(Href),
    /// Back to a form.
    EnterAgain(Href),
    /// Back to the industry or the first page.
    Back(Href),
}

impl NextStep {
    fn is_form(&self) -> bool {
        match self {
            NextStep::HoldAgain(_) | NextStep::Finish(_) | NextStep::Balance(_) | NextStep::Activate(_) => {
                true
            }
            NextStep::EnterAgain(_) | NextStep::Back(_) => false,
        }
    }

    fn href(&self) -> &Href {
        match self {
            NextStep::HoldAgain(href)
            | NextStep::Finish(href)
            | NextStep::Balance(href)
            | NextStep::Activate(href)
            | NextStep::EnterAgain(href)
            | NextStep::Back(href) => href,
        }
    }

    fn label(&self, language: Language) -> &'static str {
        let w = &language.words().result;
        match self {
            NextStep::HoldAgain(_) => w.hold_again,
            NextStep::Finish(_) => w.finish,
            NextStep::Balance(_) => w.balance,
            NextStep::Activate(_) => w.activate,
            NextStep::EnterAgain(_) => w.enter_again,
            NextStep::Back(_) => w.back,
        }
    }
}

/// How a tap ended, whatever it was for.
#[derive(Debug, Clone, Template)]
#[template(path = "terminal/result.html")]
pub struct ResultPage {
    /// Language and place.
    pub page: Page,
    /// The header.
    pub nav: TerminalNav,
    /// What the holder came for.
    pub task: Task,
    /// With which wallet.
    pub industry: Industry,
    /// What it means for the money.
    pub meaning: Meaning,
    /// The outcome's name, for support: `paid_not_written`.
    pub outcome: String,
    /// The outcome's text in the reader's language.
    pub text: String,
    /// How often it may be tried again, when the bank counts.
    pub tries_left: Option<u8>,
    /// The card.
    pub masked_card: Option<String>,
    /// How much was to be loaded.
    pub amount: Option<Money>,
    /// What the card holds now.
    pub balance: Option<Money>,
    /// When, as text.
    pub at: String,
    /// The bank's reference of the transaction.
    pub reference: Option<String>,
    /// What to do now.
    pub primary: NextStep,
    /// What else could be done.
    pub others: Vec<NextStep>,
}

impl ResultPage {
    fn place(&self) -> Option<Place> {
        Some(Place::Wallets)
    }
}
