//! How a transaction ended, for the face that opened it.

use model::IndustryCode;

use crate::Outcome;
use crate::message::{Body, End, Message, MessageError, Transaction};
use crate::outcome::Money;

/// An end, with what to show of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Of which industry.
    pub industry: IndustryCode,
    /// Of which transaction.
    pub transaction: Transaction,
    /// What driver or bank said.
    pub end: End,
}

impl Report {
    /// The end of this text. A text that is none is shown as [`Outcome::Unanswered`]: it may hide that money
    /// was set aside.
    pub fn read(text: &str) -> Result<Self, MessageError> {
        let message = Message::parse(text)?;
        match message.body {
            Body::End(end) => Ok(Self { industry: message.industry, transaction: message.transaction, end }),
            Body::Open(_)
            | Body::Authorize(_)
            | Body::Authorized(_)
            | Body::Card(_)
            | Body::Commands(_)
            | Body::Outputs(_) => Err(MessageError::UnknownStep),
        }
    }

    /// The outcome; `None` for one that this build does not know.
    pub fn outcome(&self) -> Option<Outcome> {
        self.end.known()
    }

    /// What it says about money. Of an outcome that this build does not know: hold the card again, which
    /// finishes what is open and does nothing where nothing is.
    pub fn money(&self) -> Money {
        self.outcome().map_or(Money::HoldAgain, Outcome::money)
    }

    /// The text in English: the bank's own, or the outcome's.
    pub fn english(&self) -> &str {
        let own = self.end.english.as_deref();
        own.unwrap_or_else(|| self.outcome().unwrap_or(Outcome::Unanswered).english())
    }

    /// The text in Chinese: the bank's own, or the outcome's.
    pub fn chinese(&self) -> &str {
        let own = self.end.chinese.as_deref();
        own.unwrap_or_else(|| self.outcome().unwrap_or(Outcome::Unanswered).chinese())
    }
}

/// What an end says; [`Report::read`] without its texts.
pub fn read_end(text: &str) -> Result<End, MessageError> {
    Report::read(text).map(|report| report.end)
}
