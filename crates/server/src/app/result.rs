//! S7: a card's result is judged, once, and answered with the receipt.

use std::sync::Arc;

use air::platform::{DownlinkForm, ResultFrame, VerifiedResult, VerifyError, seal_receipt};
use crypto::BoundKey;
use model::{Decision, UnixMillis};
use payment::{AuditRefusal, CardEvent, OrderId, OrderState};
use store::{Alarm, StoreError, StoredCard, Unit};

use super::exchange::{Asked, is_still};
use super::hello::decline_waiting;
use super::{App, settle};

/// How many earlier transactions with the same narrow factor a result is tried against.
const CANDIDATES_MAX: u32 = 4;

/// How exactly it is known when a card was last heard, in milliseconds.
const PRESENCE_MILLIS: u64 = 60_000;

/// What a verified result led to, and the receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It counted: this is how it ended.
    Answered {
        /// Which order.
        order: OrderId,
        /// Where the order stands now.
        state: OrderState,
        /// What the card said.
        decision: Decision,
        /// Battery that it told, 0 to 200.
        battery: u8,
        /// Whether this answer brought it there: a late one finds it where it was.
        changed: bool,
        /// Other orders, declined because the card was frozen by this answer.
        declined: Vec<OrderId>,
        /// The receipt's bytes.
        receipt: Vec<u8>,
    },
    /// It repeats the accepted one: the same receipt again.
    Repeated {
        /// The receipt's bytes.
        receipt: Vec<u8>,
    },
    /// Another result for a transaction that has one: silence and an alarm.
    SecondResult,
}

/// Why a result is not believed, or not answered. All of them are silence on the air.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResultRefused {
    /// It answers no transaction of this card, or its code does not agree.
    #[error("the result answers no transaction of this card")]
    WrongResult,
    /// The key store did not answer.
    #[error("the key is not available")]
    KeyUnavailable,
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Finds the transaction that the result answers, compares its code, and lets the store decide once.
    pub async fn result(
        &self,
        card: &StoredCard,
        result: &ResultFrame<'_>,
        bytes: &[u8],
    ) -> Result<Judged, ResultRefused> {
        let remembered = self.inner.exchanges.asked(card);
        if let Some(asked) = remembered.filter(|asked| result.may_answer(asked.question.authorization.b)) {
            match self.answer_of(card, result, bytes, vec![asked]).await {
                // It may have been asked elsewhere since.
                Err(ResultRefused::WrongResult) => {}
                judged => return judged,
            }
        }
        let candidates = match self.inner.store.open_question(card.id()).await? {
            Some(open) if result.may_answer(open.authorization.b) => vec![open],
            Some(_) | None => self.inner.store.peek(|rows| {
                let narrow = result.narrow_factor();
                rows.authorizations_by_narrow(card.id(), card.key_version, narrow, CANDIDATES_MAX)
            })?,
        };
        let asked = |question| Arc::new(Asked { question, battery: None, heard_at: None });
        self.answer_of(card, result, bytes, candidates.into_iter().map(asked).collect()).await
    }

    async fn answer_of(
        &self,
        card: &StoredCard,
        result: &ResultFrame<'_>,
        bytes: &[u8],
        candidates: Vec<Arc<Asked>>,
    ) -> Result<Judged, ResultRefused> {
        let now = self.now();
        let (verified, asked) = self.verify(card, result, bytes, candidates)?;
        let Some(verified) = verified else {
            return Ok(Judged::Repeated { receipt: asked.question.evidence.receipt.clone() });
        };
        let (app, known, bytes) = (self.clone(), card.clone(), bytes.to_vec());
        let judged = self
            .write::<_, ResultRefused>(move |unit| app.judge(unit, &known, &asked, verified, &bytes, now))
            .await?;
        self.inner.exchanges.answered(card);
        if let Judged::Answered { order, declined, .. } = &judged {
            self.inner.notices.tell(*order);
            declined.iter().for_each(|order| self.inner.notices.tell(*order));
        }
        Ok(judged)
    }

    /// The transaction that the result answers; no verified result where its bytes are stored already.
    fn verify(
        &self,
        card: &StoredCard,
        result: &ResultFrame<'_>,
        bytes: &[u8],
        candidates: Vec<Arc<Asked>>,
    ) -> Result<(Option<VerifiedResult>, Arc<Asked>), ResultRefused> {
        let key = BoundKey::new(self.inner.keys.as_ref(), card.key());
        for candidate in candidates {
            let question = &candidate.question;
            if question.evidence.result == bytes {
                return Ok((None, candidate));
            }
            let b = question.authorization.b;
            match result.verify(&card.link(), b, &question.context, &question.shown, &key) {
                Ok(verified) => return Ok((Some(verified), candidate)),
                Err(VerifyError::WrongCode | VerifyError::Text(_)) => {}
                Err(VerifyError::KeyUnavailable) => return Err(ResultRefused::KeyUnavailable),
            }
        }
        Err(ResultRefused::WrongResult)
    }

    fn judge(
        &self,
        unit: &mut dyn Unit,
        known: &StoredCard,
        asked: &Asked,
        result: VerifiedResult,
        bytes: &[u8],
        now: UnixMillis,
    ) -> Result<Judged, ResultRefused> {
        let mut stored = unit
            .authorization(known.id(), known.key_version, result.b())?
            .ok_or(ResultRefused::WrongResult)?;
        let mut card = unit.card(known.id())?.ok_or(ResultRefused::WrongResult)?;
        if !asked.is_of(&stored) || !is_still(known, &card) {
            // The code was compared with something else.
            return Err(ResultRefused::WrongResult);
        }
        let mut order = unit
            .order_of(stored.card, stored.order)?
            .ok_or(StoreError::Malformed("an authorization without its order"))?;
        let standing = card.record.may_pay(now).map(|_| ());
        let text = result.text();
        let Some(verdict) = stored.authorization.judge(&mut order.order, standing, text.decision, now) else {
            if stored.evidence.result == bytes {
                return Ok(Judged::Repeated { receipt: stored.evidence.receipt });
            }
            unit.add_alarm(&Alarm {
                card: Some(card.id()),
                subject: None,
                kind: "second_result".into(),
                at: now,
            })?;
            return Ok(Judged::SecondResult);
        };
        let key = BoundKey::new(self.inner.keys.as_ref(), card.key());
        let receipt = seal_receipt(&key, &card.link(), DownlinkForm::default(), &result, verdict.outcome)
            .map_err(|_| ResultRefused::KeyUnavailable)?
            .to_vec();
        stored.evidence.result = bytes.to_vec();
        stored.evidence.decision = Some(text.decision);
        stored.evidence.receipt.clone_from(&receipt);
        stored.evidence.answered_at = Some(now);
        unit.put_authorization(&stored)?;
        // Its hello was kept moments ago: only what it did not say is worth another row.
        let lately = |at: UnixMillis| now.since(at) < PRESENCE_MILLIS;
        if asked.battery != Some(text.battery) || !asked.heard_at.is_some_and(lately) {
            let mut link = unit.link_state(card.id())?;
            if link.battery != Some(text.battery) || !link.heard_at.is_some_and(lately) {
                (link.battery, link.heard_at) = (Some(text.battery), Some(now));
                unit.put_link_state(card.id(), card.key_version, &link)?;
            }
        }
        let changed = verdict.change.is_some();
        if let Some(change) = verdict.change {
            settle::keep(unit, &mut order, change, now)?;
        }
        let declined = if verdict.freeze_card { freeze(unit, &mut card, now)? } else { Vec::new() };
        let (order, state, decision) = (order.order.id, order.order.state, text.decision);
        Ok(Judged::Answered { order, state, decision, battery: text.battery, changed, declined, receipt })
    }
}

/// "Not me": the card pays nothing more until the issuer says so, and the issuer is told. What
/// waited for the card is declined, and returned.
fn freeze(unit: &mut dyn Unit, card: &mut StoredCard, now: UnixMillis) -> Result<Vec<OrderId>, StoreError> {
    unit.add_alarm(&Alarm { card: Some(card.id()), subject: None, kind: "not_me".into(), at: now })?;
    // A card that cannot be frozen any more (lost, closed) pays nothing anyway.
    let Ok(frozen) = card.record.life_cycle.apply(CardEvent::Freeze) else { return Ok(Vec::new()) };
    card.record.life_cycle = frozen;
    unit.put_card_record(card)?;
    decline_waiting(unit, card, AuditRefusal::Frozen, now)
}
