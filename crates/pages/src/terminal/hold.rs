//! While a card is wanted, or is in the field.

use askama::Template;

use super::{Industry, Place, Task, TerminalNav, TimeLimit};
use crate::href::Href;
use crate::language::Language;
use crate::money::Money;
use crate::order::StepState;
use crate::page::Page;

/// What goes on now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldState {
    /// The bank looks at code and PIN; no card yet.
    Authorizing,
    /// The card is wanted.
    Waiting,
    /// The card is there and is read.
    Reading,
    /// The bank is asked while the card lies there.
    Talking,
    /// The card is written.
    Writing,
    /// The card may go; the bank hears what it answered.
    Reporting,
    /// It has ended: the page leads on.
    Ended,
}

impl HoldState {
    /// The class that draws it.
    pub fn class(self) -> &'static str {
        match self {
            HoldState::Authorizing => "is-authorizing",
            HoldState::Waiting => "is-wanted",
            HoldState::Reading | HoldState::Talking | HoldState::Writing => "is-held",
            HoldState::Reporting => "is-let-go",
            HoldState::Ended => "is-over",
        }
    }

    /// Whether a card is still to come.
    fn wants_card(self) -> bool {
        matches!(self, HoldState::Authorizing | HoldState::Waiting)
    }

    /// What the holder must do, in large letters.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().hold;
        match self {
            HoldState::Authorizing => w.authorizing_title,
            HoldState::Waiting => w.waiting_title,
            HoldState::Reading | HoldState::Talking | HoldState::Writing => w.held_title,
            HoldState::Reporting => w.reporting_title,
            HoldState::Ended => w.ended_title,
        }
    }

    /// What goes on meanwhile.
    pub fn sentence(self, language: Language) -> &'static str {
        let w = &language.words().hold;
        match self {
            HoldState::Authorizing => w.authorizing_text,
            HoldState::Waiting => w.waiting_text,
            HoldState::Reading => w.reading_text,
            HoldState::Talking => w.talking_text,
            HoldState::Writing => w.writing_text,
            HoldState::Reporting => w.reporting_text,
            HoldState::Ended => w.ended_text,
        }
    }
}

/// A step of a tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldStepName {
    /// The bank checks code and PIN.
    Authorize,
    /// The card is held.
    Hold,
    /// The bank is asked.
    Talk,
    /// The card is written.
    Write,
    /// The bank hears what the card answered.
    Report,
    /// Done.
    Done,
}

impl HoldStepName {
    /// What happens in it.
    pub fn sentence(self, language: Language) -> &'static str {
        let w = &language.words().hold;
        match self {
            HoldStepName::Authorize => w.step_authorize,
            HoldStepName::Hold => w.step_hold,
            HoldStepName::Talk => w.step_talk,
            HoldStepName::Write => w.step_write,
            HoldStepName::Report => w.step_report,
            HoldStepName::Done => w.step_done,
        }
    }
}

/// One step and how far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldStep {
    /// Which.
    pub name: HoldStepName,
    /// How far.
    pub state: StepState,
}

/// Everything that the page of a tap shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldView {
    /// What the holder came for.
    pub task: Task,
    /// With which wallet.
    pub industry: Industry,
    /// How much is loaded.
    pub amount: Option<Money>,
    /// The card that must come, when only one will do.
    pub masked_card: Option<String>,
    /// What goes on.
    pub state: HoldState,
    /// The steps that this tap has, in order.
    pub steps: Vec<HoldStep>,
    /// How long what goes on may take; then it ends by itself.
    pub limit: TimeLimit,
    /// `POST`: gives up; nothing once the card is being written.
    pub cancel: Option<Href>,
    /// Where events named `tap` come from.
    pub live: Href,
    /// Where the page leads, once it has ended.
    pub leads_to: Option<Href>,
}

/// The whole page. It listens to `hold.live` for events named `tap`, and ends with an event named `end`. Without
/// scripts it asks for itself every two seconds; the server then redirects to what came of it.
#[derive(Debug, Clone, Template)]
#[template(path = "terminal/hold.html")]
pub struct HoldPage {
    /// Language and place.
    pub page: Page,
    /// The header.
    pub nav: TerminalNav,
    /// The tap.
    pub hold: HoldView,
}

impl HoldPage {
    fn place(&self) -> Option<Place> {
        Some(Place::Wallets)
    }

    fn live(&self) -> Href {
        self.hold.live.with("lang", self.page.language.tag())
    }
}

/// What a `tap` event carries: the changing part of the page, and a line for screen readers.
#[derive(Debug, Clone, Template)]
#[template(path = "terminal/hold_fragment.html")]
pub struct HoldFragment {
    /// Language and place.
    pub page: Page,
    /// The tap.
    pub hold: HoldView,
}
