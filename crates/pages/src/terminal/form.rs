//! What the holder enters: an amount, a code, a PIN.

use askama::Template;

use super::{Industry, Place, TerminalNav, TimeLimit};
use crate::href::Href;
use crate::language::Language;
use crate::money::Money;
use crate::page::Page;

/// What was wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The outcome's name, for tests and for support: `sms_wrong`.
    pub name: String,
    /// What it says, in the reader's language.
    pub text: String,
    /// How often it may be tried again, when the bank counts.
    pub tries_left: Option<u8>,
}

impl FieldError {
    fn tries(&self, language: Language) -> String {
        self.tries_left.map(|tries| language.tries_left(tries)).unwrap_or_default()
    }
}

/// An amount that the driver pack offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountChoice {
    /// What the form sends as `amount`; never `other`.
    pub value: String,
    /// How it reads.
    pub money: Money,
}

/// How much to load. The form posts `amount` (one of the values, or `other`) and `other_amount` (as typed) to `send`:
/// a code goes to the holder's phone.
#[derive(Debug, Clone, Template)]
#[template(path = "terminal/load.html")]
pub struct LoadPage {
    /// Language and place.
    pub page: Page,
    /// The header.
    pub nav: TerminalNav,
    /// With which wallet.
    pub industry: Industry,
    /// The card.
    pub masked_card: String,
    /// What it holds.
    pub balance: Money,
    /// What the pack offers.
    pub amounts: Vec<AmountChoice>,
    /// The choice that was sent before, after an error; otherwise the first.
    pub chosen: Option<String>,
    /// What was typed as another amount before, after an error.
    pub other_amount: String,
    /// The most that one load may bring, as text.
    pub per_load_max: String,
    /// The most that a card may hold, as text.
    pub balance_max: String,
    /// What was wrong.
    pub error: Option<FieldError>,
    /// `POST`.
    pub send: Href,
    /// Back, without loading.
    pub back: Href,
}

impl LoadPage {
    fn place(&self) -> Option<Place> {
        Some(Place::Wallets)
    }

    fn is_chosen(&self, choice: &AmountChoice, first: &bool) -> bool {
        match &self.chosen {
            Some(value) => *value == choice.value,
            None => *first,
        }
    }

    fn is_other(&self) -> bool {
        self.chosen.as_deref() == Some("other") || self.amounts.is_empty()
    }
}

/// A code on its way to the holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeSent {
    /// To which phone: `•••• 5678`.
    pub phone_hint: String,
    /// How long it is good.
    pub limit: TimeLimit,
}

/// The card's own PIN, for packs that ask for it: the form also posts `card_pin`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CardPin {
    /// What was wrong with it.
    pub error: Option<FieldError>,
}

/// Code and PIN of a load. The form posts `code`, `pin` and, where `card_pin` is there, `card_pin` to `submit`.
#[derive(Debug, Clone, Template)]
#[template(path = "terminal/confirm.html")]
pub struct ConfirmPage {
    /// Language and place.
    pub page: Page,
    /// The header.
    pub nav: TerminalNav,
    /// With which wallet.
    pub industry: Industry,
    /// The card.
    pub masked_card: String,
    /// How much.
    pub amount: Money,
    /// The code that was sent.
    pub code: CodeSent,
    /// What was wrong with the whole.
    pub error: Option<FieldError>,
    /// What was wrong with the code.
    pub code_error: Option<FieldError>,
    /// What was wrong with the PIN.
    pub pin_error: Option<FieldError>,
    /// The card's own PIN, when the pack asks for it.
    pub card_pin: Option<CardPin>,
    /// `POST`: the card is held next.
    pub submit: Href,
    /// `POST`: sends another code.
    pub resend: Href,
    /// Back to the amounts.
    pub change: Href,
}

impl ConfirmPage {
    fn place(&self) -> Option<Place> {
        Some(Place::Wallets)
    }
}

/// PIN of an activation. The form posts `pin` and, where `card_pin` is there, `card_pin` to `submit`.
#[derive(Debug, Clone, Template)]
#[template(path = "terminal/activate.html")]
pub struct ActivatePage {
    /// Language and place.
    pub page: Page,
    /// The header.
    pub nav: TerminalNav,
    /// With which wallet.
    pub industry: Industry,
    /// The card.
    pub masked_card: String,
    /// What was wrong with the whole.
    pub error: Option<FieldError>,
    /// What was wrong with the PIN.
    pub pin_error: Option<FieldError>,
    /// The card's own PIN, when the pack asks for it.
    pub card_pin: Option<CardPin>,
    /// `POST`: the card is held next.
    pub submit: Href,
    /// Back, without activating.
    pub back: Href,
}

impl ActivatePage {
    fn place(&self) -> Option<Place> {
        Some(Place::Wallets)
    }
}
