//! What the driver keeps of one transaction, and what it may say about money by itself.

use model::{Asn, Fen};

use crate::Outcome;
use crate::message::{Body, CardReading, CommandList, End, Message, Open, Reference, Transaction};
use crate::outcome::Money;
use crate::pack::DriverPack;

/// One transaction.
pub(super) struct Case {
    pub(super) transaction: Transaction,
    pub(super) opening: Open,
    /// The bank's permission, where the transaction needs one.
    pub(super) authorization: Option<Reference>,
    /// Whether the card is in the field as it was when the bank was last told of it.
    pub(super) card_waits: bool,
    /// The card took a credit and gave its TAC.
    pub(super) credited: bool,
    /// The bank's name for the transaction, from its first list on.
    reference: Option<Reference>,
    told: Option<Told>,
}

/// What the bank was told in `card`.
struct Told {
    asn: Asn,
    balance: Option<Fen>,
}

impl Case {
    /// The case of an opening, or what to end with at once.
    pub(super) fn open(pack: &DriverPack, text: &str) -> Result<Self, (Transaction, Outcome)> {
        let message = Message::parse(text).map_err(|_| (Transaction::Balance, Outcome::Malformed))?;
        let transaction = message.transaction;
        let refused = |outcome| Err((transaction, outcome));
        let Body::Open(opening) = message.body else {
            return refused(Outcome::Malformed);
        };
        if message.industry != pack.code {
            return refused(Outcome::Malformed);
        }
        let initializes = match transaction {
            Transaction::Balance => opening.verified,
            Transaction::Load => true,
            // The bank's list initializes; where the holder was asked for the card's PIN, it is verified before.
            Transaction::SupplementaryLoad | Transaction::Activation => false,
        };
        let asks_the_holder = matches!(transaction, Transaction::Load | Transaction::Activation);
        if asks_the_holder && (opening.asn.is_none() || opening.pin.is_none())
            || initializes && pack.card_pin && opening.card_pin.is_none()
        {
            return refused(Outcome::Malformed);
        }
        if transaction == Transaction::Load {
            match opening.amount {
                None => return refused(Outcome::Malformed),
                Some(amount) if !pack.allows(amount) => return refused(Outcome::AmountRefused),
                Some(_) => {}
            }
        }
        Ok(Self {
            transaction,
            opening,
            authorization: None,
            card_waits: false,
            credited: false,
            reference: None,
            told: None,
        })
    }

    /// `card` goes to the bank. From here on money may be set aside; the card's own PIN has done its work.
    pub(super) fn card_was_told(&mut self, card: &CardReading) {
        let balance = card.initialized.as_ref().map(|answer| answer.balance);
        self.told = Some(Told { asn: card.asn, balance });
        self.card_waits = true;
        self.opening.card_pin = None;
    }

    /// Whether a list belongs to this transaction: all of its lists carry one reference.
    pub(super) fn takes(&mut self, list: &CommandList) -> bool {
        *self.reference.get_or_insert(list.reference) == list.reference
    }

    /// Whether the bank may have set money aside for this card. A supplementary load is there to finish a load
    /// that was paid, so "nothing was paid" would not be true of it.
    fn money_may_be_aside(&self) -> bool {
        let of_money = match self.transaction {
            Transaction::Load | Transaction::SupplementaryLoad => true,
            Transaction::Balance | Transaction::Activation => false,
        };
        of_money && self.told.is_some()
    }

    /// The end where the bank's last word is missing. A text must not say that nothing was paid where it may be.
    pub(super) fn end_without_word(&self, why: Outcome) -> End {
        let outcome = match why.money() {
            Money::Nothing | Money::HoldAgain if self.credited => Outcome::LoadedReportPending,
            Money::Nothing if self.money_may_be_aside() => Outcome::Unanswered,
            Money::Nothing | Money::HoldAgain | Money::Done | Money::AtTheBank => why,
        };
        let mut end = End::of(outcome);
        end.reference = self.reference;
        end.asn = self.told.as_ref().map(|told| told.asn).or(self.opening.asn);
        end.amount = self.opening.amount;
        if outcome == Outcome::LoadedReportPending {
            let before = self.told.as_ref().and_then(|told| told.balance);
            end.balance = before.zip(self.opening.amount).and_then(|(before, amount)| before.plus(amount));
        }
        end
    }
}
