//! A holder's end: what is personal goes, what was paid stays.

use ::operator::AuditAction;
use model::{CardId, HolderReference};
use payment::LifeCycle;
use store::{BankCard, Holder, StoreError};

use super::App;
use crate::operators::Actor;

/// What stands in the place of a name that was removed.
pub const REMOVED_NAME: &str = "(removed)";

/// Why a holder's data stay.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForgetError {
    /// No such holder.
    #[error("there is no holder with this reference")]
    NoSuchHolder,
    /// A card could still pay: whose it is must be known.
    #[error("{0} is bound to this holder and not closed; take it back first: counterfoil card unbind {0}")]
    CardBound(CardId),
    /// A bank card could still pay.
    #[error(
        "a bank card of this holder, ending in {0}, is not frozen; freeze it first: counterfoil bank freeze"
    )]
    BankCardInUse(String),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ForgetError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchHolder => "no_such_holder",
            Self::CardBound(_) => "card_bound",
            Self::BankCardInUse(_) => "bank_card_in_use",
            Self::Store(error) => error.code(),
        }
    }
}

impl App {
    /// Removes what is personal of a holder: name, digest of the document, telephones of frozen bank cards. Reference,
    /// accounts, transfers and postings stay: they are the books.
    pub async fn forget_holder(&self, by: Actor, reference: HolderReference) -> Result<(), ForgetError> {
        let now = self.now();
        self.write::<_, ForgetError>(move |unit| {
            if unit.holder(reference)?.is_none() {
                return Err(ForgetError::NoSuchHolder);
            }
            let cards = unit.cards_of_holder(reference)?;
            if let Some(card) = cards.iter().find(|card| card.record.life_cycle != LifeCycle::Closed) {
                return Err(ForgetError::CardBound(card.id()));
            }
            let bank_cards = unit.bank_cards_of_holder(reference)?;
            if let Some(card) = bank_cards.iter().find(|card| !card.frozen) {
                let from = card.number.len().saturating_sub(4);
                let last_four = card.number.get(from..).unwrap_or_default().to_owned();
                return Err(ForgetError::BankCardInUse(last_four));
            }
            let removed = Holder { reference, name: REMOVED_NAME.into(), document_digest: [0; 32] };
            unit.put_holder(&removed, now)?;
            for card in bank_cards {
                unit.put_bank_card(&BankCard { phone: String::new(), ..card })?;
            }
            Ok(by.enter(unit, now, AuditAction::HolderForget, &reference.to_string(), "done")?)
        })
        .await
    }
}
