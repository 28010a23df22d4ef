//! The issuer's side of a card: injected, bound, frozen, given back.

use crypto::{CardKeyReference, CheckValue, KeyName, KeyOrigin, KeyStoreError, Suite, WrappedCardKey};
use model::{
    CardId, CardInformation, CardNumber, CertificateNumber, ChannelId, HolderReference, KeyVersion,
    UnixMillis,
};
use payment::{AuditRefusal, AuthorizationState, CardError, CardEvent, CardRecord, LifeCycle, OrderId};
use sha2::{Digest, Sha256};
use store::{Alarm, Holder, LinkState, StoreError, StoredCard};

use super::App;
use super::hello::decline_waiting;

/// A card to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewCard {
    /// The holder that it is made for.
    pub holder: HolderReference,
    /// Its radio channel.
    pub channel: ChannelId,
    /// Its suite.
    pub suite: Suite,
    /// Whether it has a display.
    pub has_display: bool,
    /// Whether it listens between its own frames.
    pub listens: bool,
    /// It pays before this moment only.
    pub valid_until: UnixMillis,
    /// The issuer master key that its key comes from.
    pub master: KeyName,
    /// The transport key that its key is wrapped under on the way into the secure element.
    pub transport: KeyName,
}

/// What the card maker writes into the card: S0's other half.
#[derive(Clone, Copy, Debug)]
pub struct Issued {
    /// The 32 bytes.
    pub information: CardInformation,
    /// What enters each process key.
    pub link: air::Link,
    /// The key, wrapped for the secure element.
    pub wrapped_key: WrappedCardKey,
    /// Its check value.
    pub check_value: CheckValue,
    /// Whether it has a display.
    pub has_display: bool,
    /// Whether it listens.
    pub listens: bool,
}

/// Why a card was not made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// Another card that is not closed has this channel.
    #[error("another card is on this channel; close that card first, or give this one its own channel")]
    ChannelTaken,
    /// No such card.
    #[error("there is no card with this id")]
    NoSuchCard,
    /// Fifteen keys were injected into this card.
    #[error("the card's fifteen key versions are used up; issue a new card")]
    VersionsUsedUp,
    /// The key store refused.
    #[error("the key was not injected: {0}")]
    Key(#[from] KeyStoreError),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A card handed over to a person.
#[derive(Clone)]
pub struct Binding {
    /// Which card.
    pub card: CardId,
    /// The reference that it was made for.
    pub holder: HolderReference,
    /// The person's name.
    pub name: String,
    /// The number of the document that proved it; only its digest is kept.
    pub document: String,
}

/// Why a card was not bound, frozen or given back.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardUseError {
    /// No such card.
    #[error("there is no card with this id")]
    NoSuchCard,
    /// The card's life does not allow it.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was declined with a change of its card, and why.
type Declined = Option<(AuditRefusal, Vec<OrderId>)>;

/// How often a card's id and number are drawn: one taken draw in a thousand is much, eight in a row a fault.
const DRAWS_MAX: u32 = 8;

/// The first six digits of every card of this issuer.
const ISSUER_PREFIX: u64 = 621_234;

impl App {
    /// S0: makes a card: its key goes into the key store and, wrapped, to the card maker in the same act.
    /// Ids and numbers are drawn at random; one that is taken is drawn again.
    pub async fn issue_card(&self, new: NewCard) -> Result<Issued, IssueError> {
        for _ in 1..DRAWS_MAX {
            match self.issue_drawn(new).await {
                Err(IssueError::Store(StoreError::Constraint(_))) => {}
                issued => return issued,
            }
        }
        self.issue_drawn(new).await
    }

    async fn issue_drawn(&self, new: NewCard) -> Result<Issued, IssueError> {
        let (now, random) = (self.now(), self.random());
        let information = CardInformation {
            number: card_number(random)?,
            card_id: CardId((random >> 64) as u32),
            holder: new.holder,
            certificate: CertificateNumber((self.random() >> 64) as u64),
            created: now.time_factor().seconds(),
        };
        let key = CardKeyReference {
            card_id: information.card_id,
            version: KeyVersion::FIRST,
            suite: new.suite,
            origin: KeyOrigin::Derived(new.master),
        };
        let (wrapped_key, check_value) = self.inner.keys.inject_card_key(&key, new.transport)?;
        let stored = StoredCard {
            record: CardRecord {
                information,
                life_cycle: LifeCycle::Issued,
                bound_to: None,
                valid_until: new.valid_until,
                has_display: new.has_display,
            },
            channel: new.channel,
            suite: new.suite,
            key_version: KeyVersion::FIRST,
            key_origin: key.origin,
            key_check: check_value,
            listens: new.listens,
        };
        let link = stored.link();
        self.write::<_, IssueError>(move |unit| {
            if unit.card_on_channel(stored.channel)?.is_some() {
                return Err(IssueError::ChannelTaken);
            }
            unit.add_card(&stored)?;
            Ok(unit.know_channel(stored.channel, now)?)
        })
        .await?;
        Ok(Issued {
            information,
            link,
            wrapped_key,
            check_value,
            has_display: new.has_display,
            listens: new.listens,
        })
    }

    /// Gives a card that lost its marks a fresh key under the next version: the old one is never used again.
    pub async fn reinject_card(
        &self,
        id: CardId,
        master: KeyName,
        transport: KeyName,
    ) -> Result<Issued, IssueError> {
        let now = self.now();
        let known = self.inner.store.peek(|rows| rows.card(id))?.ok_or(IssueError::NoSuchCard)?;
        let key = CardKeyReference {
            card_id: id,
            version: known.key_version.next().map_err(|_| IssueError::VersionsUsedUp)?,
            suite: known.suite,
            origin: KeyOrigin::Derived(master),
        };
        let (wrapped_key, check_value) = self.inner.keys.inject_card_key(&key, transport)?;
        let card = self
            .write::<_, IssueError>(move |unit| {
                let mut card = unit.card(id)?.ok_or(IssueError::NoSuchCard)?;
                card.key_version = key.version;
                card.key_origin = key.origin;
                card.key_check = check_value;
                // What was asked under the old key can no longer settle; its order is asked about anew.
                if let Some(mut open) = unit.open_authorization(id)? {
                    open.authorization.state = AuthorizationState::Superseded;
                    unit.put_authorization(&open)?;
                }
                unit.put_card_key(&card)?;
                unit.put_link_state(id, card.key_version, &LinkState::default())?;
                let kind = super::wrong_code::REINJECTED.into();
                unit.add_alarm(&Alarm { card: Some(id), subject: None, kind, at: now })?;
                Ok(card)
            })
            .await?;
        Ok(Issued {
            information: card.record.information,
            link: card.link(),
            wrapped_key,
            check_value,
            has_display: card.record.has_display,
            listens: card.listens,
        })
    }

    /// Binds a card to a person when it is handed over.
    pub async fn bind_card(&self, binding: Binding) -> Result<(), CardUseError> {
        let now = self.now();
        let holder = Holder {
            reference: binding.holder,
            name: binding.name.clone(),
            document_digest: document_digest(binding.holder, &binding.document),
        };
        self.change_card(binding.card, move |unit, card| {
            card.record.bind(binding.holder)?;
            unit.put_holder(&holder, now)?;
            Ok(None)
        })
        .await
    }

    /// Adds a holder, or renames one: a person who has no connected card yet.
    pub async fn add_holder(
        &self,
        reference: HolderReference,
        name: &str,
        document: &str,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let document_digest = document_digest(reference, document);
        let holder = Holder { reference, name: name.to_owned(), document_digest };
        self.write::<_, StoreError>(move |unit| unit.put_holder(&holder, now)).await
    }

    /// Ends a binding: the card is given back.
    pub async fn unbind_card(&self, card: CardId) -> Result<(), CardUseError> {
        let now = self.now();
        self.change_card(card, move |unit, card| {
            card.record.unbind()?;
            let refusal = AuditRefusal::NotBound;
            Ok(Some((refusal, decline_waiting(unit, card, refusal, now)?)))
        })
        .await
    }

    /// Freezes, unfreezes, reports lost, expires or closes a card. What waited for it is declined.
    pub async fn card_event(&self, card: CardId, event: CardEvent) -> Result<(), CardUseError> {
        let now = self.now();
        self.change_card(card, move |unit, card| {
            card.record.life_cycle = card.record.life_cycle.apply(event)?;
            let kind = format!("card_{}", card.record.life_cycle.name());
            unit.add_alarm(&Alarm { card: Some(card.id()), subject: None, kind, at: now })?;
            match card.record.may_pay(now) {
                Ok(_) => Ok(None),
                Err(refusal) => Ok(Some((refusal, decline_waiting(unit, card, refusal, now)?))),
            }
        })
        .await
    }

    async fn change_card(
        &self,
        id: CardId,
        mut change: impl FnMut(&mut dyn store::Unit, &mut StoredCard) -> Result<Declined, CardUseError>
        + Send
        + 'static,
    ) -> Result<(), CardUseError> {
        let declined = self
            .write::<_, CardUseError>(move |unit| {
                let mut card = unit.card(id)?.ok_or(CardUseError::NoSuchCard)?;
                let declined = change(unit, &mut card)?;
                unit.put_card_record(&card)?;
                Ok(declined)
            })
            .await?;
        if let Some((refusal, orders)) = declined {
            for order in orders {
                self.inner.metrics.payment(refusal.code());
                self.inner.notices.tell(order);
            }
        }
        Ok(())
    }
}

/// Sixteen digits: the issuer's six, nine random ones, and the Luhn digit (ISO/IEC 7812-1, annex B).
pub(crate) fn card_number(random: u128) -> Result<CardNumber, StoreError> {
    let body = ISSUER_PREFIX * 1_000_000_000 + (random & 0xffff_ffff_ffff) as u64 % 1_000_000_000;
    let (mut rest, mut sum, mut double) = (body, 0, true);
    while rest > 0 {
        let digit = if double { rest % 10 * 2 } else { rest % 10 };
        sum += digit / 10 + digit % 10;
        (rest, double) = (rest / 10, !double);
    }
    let number = body * 10 + (10 - sum % 10) % 10;
    CardNumber::new(number).map_err(|_| StoreError::Malformed("card.number"))
}

/// SHA-256 over the reference and the document's number.
fn document_digest(holder: HolderReference, document: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(holder.0.to_be_bytes());
    digest.update(document.trim().as_bytes());
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_ends_with_its_luhn_digit() {
        for random in [0_u128, 1, 999_999_999, 123_456_789, u128::MAX] {
            let digits = card_number(random).unwrap().digits().to_string();
            assert_eq!(digits.len(), 16);
            let sum: u32 = digits
                .chars()
                .rev()
                .enumerate()
                .map(|(i, c)| c.to_digit(10).unwrap() * if i % 2 == 1 { 2 } else { 1 })
                .map(|d| d / 10 + d % 10)
                .sum();
            assert_eq!(sum % 10, 0, "{digits}");
        }
    }
}
