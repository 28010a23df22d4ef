//! What a holder wants, and how it ended.

use std::fmt;

use crypto::{Pin, PinKey};
use model::{Asn, Fen, IndustryCode, TerminalId};
use tap::message::{Body, CardPin, End, Message, SmsAnswer, Transaction};
use tap::{Outcome, Report};
use zeroize::Zeroizing;

use crate::error::StateError;

/// What a holder wants. What was typed is zeroised when it is dropped, and never printed.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Which wallet of the card.
    pub industry: IndustryCode,
    /// Only this card. A load and an activation need it: their PIN block is good for one card.
    pub card: Option<Asn>,
    /// The card's own PIN, for packs that ask for it.
    pub card_pin: Option<CardPin>,
    /// Which transaction.
    pub asked: Asked,
}

/// Which transaction, with what it needs.
#[derive(Clone)]
pub enum Asked {
    /// What the card says of itself; the bank is not asked.
    Balance,
    /// A balance that the bank checks.
    VerifiedBalance,
    /// 充值.
    Load {
        /// How much.
        amount: Fen,
        /// The code that came by SMS.
        sms: SmsAnswer,
        /// The bank card's PIN.
        pin: Pin,
    },
    /// 补充值: finishes what is open of the card.
    SupplementaryLoad,
    /// 激活.
    Activation {
        /// The bank card's PIN.
        pin: Pin,
    },
}

impl Asked {
    /// The transaction of the protocol.
    pub const fn transaction(&self) -> Transaction {
        match self {
            Self::Balance | Self::VerifiedBalance => Transaction::Balance,
            Self::Load { .. } => Transaction::Load,
            Self::SupplementaryLoad => Transaction::SupplementaryLoad,
            Self::Activation { .. } => Transaction::Activation,
        }
    }

    /// Whether nothing is said to the bank, so that it works without one.
    pub(crate) const fn is_offline(&self) -> bool {
        match self {
            Self::Balance => true,
            Self::VerifiedBalance | Self::Load { .. } | Self::SupplementaryLoad | Self::Activation { .. } => {
                false
            }
        }
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balance => f.write_str("Balance"),
            Self::VerifiedBalance => f.write_str("VerifiedBalance"),
            Self::Load { amount, .. } => {
                f.debug_struct("Load").field("amount", amount).finish_non_exhaustive()
            }
            Self::SupplementaryLoad => f.write_str("SupplementaryLoad"),
            Self::Activation { .. } => f.debug_struct("Activation").finish_non_exhaustive(),
        }
    }
}

/// Why there is no opening message.
pub(crate) enum NotOpened {
    /// The card is not named, or there is no key for the PIN.
    Incomplete,
    State(StateError),
}

impl Opening {
    /// The message that opens the driver; its PIN block is under this key.
    pub(crate) fn to_text(
        &self,
        terminal: TerminalId,
        pin_key: Option<&PinKey>,
    ) -> Result<Zeroizing<String>, NotOpened> {
        use tap::Opening as Made;
        let industry = self.industry;
        let block = |pin: &Pin| {
            let (card, key) = self.card.zip(pin_key).ok_or(NotOpened::Incomplete)?;
            let mut random = [0; 8];
            getrandom::fill(&mut random).map_err(|_| NotOpened::State(StateError::NoRandomness))?;
            Ok((card, key.format4(pin, card, random)))
        };
        let mut made = match &self.asked {
            Asked::Balance => Made::balance(industry, terminal),
            Asked::VerifiedBalance => Made::verified_balance(industry, terminal),
            Asked::SupplementaryLoad => Made::supplementary_load(industry, terminal),
            Asked::Activation { pin } => {
                let (card, block) = block(pin)?;
                Made::activation(industry, terminal, card, block)
            }
            Asked::Load { amount, sms, pin } => {
                let (card, block) = block(pin)?;
                Made::load(industry, terminal, card, *amount, sms.clone(), block)
            }
        };
        if let Some(card) = self.card {
            made = made.of_card(card);
        }
        if let Some(pin) = &self.card_pin {
            made = made.with_card_pin(pin.clone());
        }
        Ok(Zeroizing::new(made.to_text()))
    }
}

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What driver, bank or terminal said.
    pub report: Report,
    /// The card's outputs wait to be told to the bank; that goes on by itself.
    pub report_pending: bool,
    /// What stood in the way, for whoever runs the terminal. Nothing secret is in it.
    pub cause: Option<String>,
}

impl Ending {
    /// The outcome; `None` for one that this build does not know: show the report's own texts.
    pub fn outcome(&self) -> Option<Outcome> {
        self.report.outcome()
    }

    /// An end that the terminal itself gives, before the driver had a say.
    pub(crate) fn before_all(opening: &Opening, outcome: Outcome, cause: Option<String>) -> Self {
        let mut end = End::of(outcome);
        end.asn = opening.card;
        let report = Report { industry: opening.industry, transaction: opening.asked.transaction(), end };
        Self { report, report_pending: false, cause }
    }

    /// The end that this message is. One that cannot be read may hide that money was set aside.
    pub(crate) fn read(opening: &Opening, text: &str, report_pending: bool, cause: Option<String>) -> Self {
        match Report::read(text) {
            Ok(report) => Self { report, report_pending, cause },
            Err(error) => {
                let cause = cause.unwrap_or_else(|| error.to_string());
                let unread = Self::before_all(opening, Outcome::Unanswered, Some(cause));
                Self { report_pending, ..unread }
            }
        }
    }

    /// The end as a message, as interfaces hand it on.
    pub fn to_text(&self) -> String {
        let Report { industry, transaction, end } = self.report.clone();
        Message { industry, transaction, body: Body::End(end) }.to_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(asked: Asked) -> Opening {
        Opening { industry: IndustryCode::new(1).unwrap(), card: None, card_pin: None, asked }
    }

    #[test]
    fn what_was_typed_is_not_printed() {
        let opening = opening(Asked::Activation { pin: "135790".parse().unwrap() });
        assert!(!format!("{opening:?}").contains("135790"));
    }

    #[test]
    fn a_pin_goes_nowhere_without_a_card_and_a_key() {
        let opening = opening(Asked::Activation { pin: "135790".parse().unwrap() });
        let text = opening.to_text(TerminalId([0; 6]), Some(&PinKey::from_bytes([1; 16])));
        assert!(matches!(text, Err(NotOpened::Incomplete)));
    }

    #[test]
    fn an_end_that_cannot_be_read_does_not_say_that_nothing_was_paid() {
        let opening = opening(Asked::SupplementaryLoad);
        for text in ["", "nonsense", "I01000103040000"] {
            let ending = Ending::read(&opening, text, false, None);
            assert_eq!(ending.outcome(), Some(Outcome::Unanswered), "{text:?}");
            assert!(ending.cause.is_some());
            assert_eq!(Report::read(&ending.to_text()), Ok(ending.report));
        }
    }
}
