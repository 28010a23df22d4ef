//! Which use case a message is, and how an end is said.

use model::Fen;
use store::StoreError;
use tap::{Body, End, Message, Outcome, Reference, RefusalCode, Transaction};

use super::Bank;
use super::envelope::{Asker, Refused};

/// What a use case answers: the body of the next message.
pub(crate) type Answered = Result<Body, Refused>;

/// An end by an outcome.
pub(crate) fn end(outcome: Outcome) -> Body {
    Body::End(End::of(outcome))
}

/// An end that says how many tries are left.
pub(crate) fn end_with_tries(outcome: Outcome, tries_left: u8) -> Body {
    Body::End(End { tries_left: Some(tries_left), ..End::of(outcome) })
}

/// The end of a load that is on the card.
pub(crate) fn loaded(load: &payment::Load, balance: Option<Fen>) -> Body {
    Body::End(End {
        reference: Some(Reference(load.id.0.to_be_bytes())),
        asn: Some(load.asn),
        amount: Some(load.amount),
        balance,
        ..End::of(Outcome::Loaded)
    })
}

/// Rows that contradict each other: a mistake of the program, told in the log only.
pub(crate) fn contradiction(what: &'static str) -> Refused {
    StoreError::Malformed(what).into()
}

impl Bank {
    /// Answers an opened message; with the name of its step for the metrics.
    pub(super) async fn reply(
        &self,
        asker: Asker,
        message: Message,
    ) -> Result<(Message, &'static str), Refused> {
        let (industry, transaction) = (message.industry, message.transaction);
        let (answered, step) = match (transaction, message.body) {
            (Transaction::Load | Transaction::Activation, Body::Authorize(request)) => {
                (self.authorize(asker, industry, transaction, request).await, "tap_authorize")
            }
            (Transaction::Balance, Body::Card(reading)) => {
                (self.balance(asker, industry, reading).await, "tap_card")
            }
            (Transaction::Load, Body::Card(reading)) => {
                (self.load(asker, industry, reading).await, "tap_card")
            }
            (Transaction::SupplementaryLoad, Body::Card(reading)) => {
                (self.take_up(asker, industry, reading).await, "tap_card")
            }
            (Transaction::Activation, Body::Card(reading)) => {
                (self.activate(asker, industry, reading).await, "tap_card")
            }
            (Transaction::Load | Transaction::SupplementaryLoad, Body::Outputs(outputs)) => {
                (self.load_outputs(asker, outputs).await, "tap_outputs")
            }
            (Transaction::Activation, Body::Outputs(outputs)) => {
                (self.activation_outputs(asker, outputs).await, "tap_outputs")
            }
            // The others are not a driver's to send, or not in this transaction.
            (Transaction::Balance | Transaction::SupplementaryLoad, Body::Authorize(_))
            | (Transaction::Balance, Body::Outputs(_))
            | (
                Transaction::Balance
                | Transaction::Load
                | Transaction::SupplementaryLoad
                | Transaction::Activation,
                Body::Open(_) | Body::Authorized(_) | Body::Commands(_) | Body::End(_),
            ) => {
                let detail = Some("step_not_for_the_bank".to_owned());
                return Err(Refused { code: RefusalCode::MalformedMessage, detail });
            }
        };
        let body = answered?;
        if let Body::End(end) = &body {
            self.inner.app.metrics().tap_outcome(end.known().map_or("other", Outcome::name));
        }
        Ok((Message { industry, transaction, body }, step))
    }
}
