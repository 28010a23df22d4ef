//! S3 and S4: a card says hello, and is asked about the order that waits for it.

use std::sync::Arc;

use air::platform::{
    Admission, DownlinkForm, Hello, VerifiedHello, VerifyError, seal_clock, seal_transaction,
    transaction_bytes,
};
use air::{Answering, Lifetime, OpenError, PromptText, Transaction, TransactionContext};
use crypto::BoundKey;
use model::{TimeFactor, UnixMillis};
use payment::{AuditRefusal, Authorization, AuthorizationState, Order, OrderEvent, OrderId, OrderState};
use store::{Alarm, Evidence, LinkState, StoreError, StoredAuthorization, StoredCard, StoredOrder, Unit};

use super::exchange::{Asked, is_still};
use super::{App, settle};

/// What a verified hello led to, and what goes back to the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Greeted {
    /// An order waited: this is its transaction.
    Asked(Arc<Asked>),
    /// The card is told the time.
    Clock {
        /// The clock frame's bytes.
        frame: Vec<u8>,
    },
    /// The hello repeats an accepted one: the same bytes again, or nothing again.
    Repeated {
        /// What was answered before; empty for nothing.
        frame: Vec<u8>,
    },
    /// No order waits.
    NothingWaits,
    /// Right code, at or below the mark, no repetition: silence and an alarm.
    NotAboveMark,
    /// The card did not pass the audit: its waiting orders are declined.
    Refused {
        /// Why.
        refusal: AuditRefusal,
        /// The orders that were declined.
        declined: Vec<OrderId>,
    },
    /// The card was prompted too often this hour: its orders wait on.
    PromptLimit,
    /// No time factor is left within a minute of the clock: silence.
    TooFarAhead,
}

/// Why a hello is not believed, or not answered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloRefused {
    /// The code does not agree: the card is sent back to S1.
    #[error("the verification code is wrong")]
    WrongCode,
    /// The code agreed and the text is malformed.
    #[error("the hello is malformed: {0}")]
    Malformed(#[from] air::TextError),
    /// The key store did not answer.
    #[error("the key is not available")]
    KeyUnavailable,
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<VerifyError> for HelloRefused {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::WrongCode => Self::WrongCode,
            VerifyError::KeyUnavailable => Self::KeyUnavailable,
            VerifyError::Text(error) => Self::Malformed(error),
        }
    }
}

impl From<OpenError> for HelloRefused {
    fn from(_: OpenError) -> Self {
        // Sealing has no code to compare: whatever fails is the key's absence.
        Self::KeyUnavailable
    }
}

impl App {
    /// Verifies a hello outside the writer, then lets the store decide: right code first, then the mark, then
    /// anything else. `room` is how many bytes the bearer carries back.
    pub async fn hello(
        &self,
        card: &StoredCard,
        hello: &Hello<'_>,
        bytes: &[u8],
        address: &str,
        room: usize,
    ) -> Result<Greeted, HelloRefused> {
        let now = self.now();
        let verified = {
            let key = BoundKey::new(self.inner.keys.as_ref(), card.key());
            hello.verify(&card.link(), &card.record.information, now, &key)?
        };
        let (app, known) = (self.clone(), card.clone());
        let (bytes, address) = (bytes.to_vec(), address.to_owned());
        let greeted = self
            .write::<_, HelloRefused>(move |unit| {
                app.greet(unit, &known, &verified, &bytes, &address, room, now)
            })
            .await?;
        match &greeted {
            Greeted::Asked(asked) => {
                self.inner.notices.tell(asked.question.order);
                self.inner.exchanges.keep(card, Some(Arc::clone(asked)));
            }
            Greeted::Refused { declined, .. } => {
                declined.iter().for_each(|order| self.inner.notices.tell(*order));
                self.inner.exchanges.keep(card, None);
            }
            Greeted::Clock { .. } | Greeted::NothingWaits | Greeted::PromptLimit | Greeted::TooFarAhead => {
                self.inner.exchanges.keep(card, None);
            }
            // What it was asked last is what it was asked.
            Greeted::Repeated { .. } | Greeted::NotAboveMark => {}
        }
        Ok(greeted)
    }

    #[allow(clippy::too_many_arguments)] // What is known of one frame, and where it came from.
    fn greet(
        &self,
        unit: &mut dyn Unit,
        known: &StoredCard,
        hello: &VerifiedHello,
        bytes: &[u8],
        address: &str,
        room: usize,
        now: UnixMillis,
    ) -> Result<Greeted, HelloRefused> {
        let card = unit.card(known.id())?.ok_or(HelloRefused::WrongCode)?;
        if !is_still(known, &card) {
            // Re-injected, or on another channel, since the code was compared.
            return Err(HelloRefused::WrongCode);
        }
        let mut link = unit.link_state(card.id())?;
        match link.marks.admit_hello(hello, now) {
            Admission::NotAboveMark => return repeat(unit, &card, &link, hello, bytes, now),
            // Its bytes again get the same answer: replays must not use up the card's downlink factors.
            Admission::OutsideWindow if link.last_uplink == bytes => {
                return Ok(Greeted::Repeated { frame: link.last_answer });
            }
            Admission::OutsideWindow => {
                let Ok(b) = link.marks.next_downlink(now) else { return Ok(Greeted::TooFarAhead) };
                link.marks.downlink = Some(b);
                let frame = self.seal_clock(&card, b, hello.factor())?;
                (link.last_uplink, link.last_answer) = (bytes.to_vec(), frame.clone());
                unit.put_link_state(card.id(), card.key_version, &link)?;
                return Ok(Greeted::Clock { frame });
            }
            Admission::Admitted => {}
        }
        link.marks.uplink = Some(hello.factor());
        link.clock_set = hello.clock_set();
        link.heard_at = Some(now);
        link.address = Some(address.to_owned());
        link.last_uplink = bytes.to_vec();
        link.last_answer = Vec::new();
        let greeted = self.answer(unit, &card, &mut link, hello, bytes, room, now)?;
        unit.put_link_state(card.id(), card.key_version, &link)?;
        Ok(greeted)
    }

    /// The hello is new: audit the card, then ask about the order that waits.
    #[allow(clippy::too_many_arguments)] // What is known of one frame, and where it came from.
    fn answer(
        &self,
        unit: &mut dyn Unit,
        card: &StoredCard,
        link: &mut LinkState,
        hello: &VerifiedHello,
        bytes: &[u8],
        room: usize,
        now: UnixMillis,
    ) -> Result<Greeted, HelloRefused> {
        let audited = match card.record.audit(hello.information(), now) {
            Ok(audited) => audited,
            Err(refusal) => {
                let declined = decline_waiting(unit, card, refusal, now)?;
                return Ok(Greeted::Refused { refusal, declined });
            }
        };
        let open = unit.open_authorization(card.id())?;
        let preferred = open.as_ref().map(|open| open.order);
        let waiting = self.next_waiting(unit, card, preferred, now)?;
        let form = DownlinkForm { wide: !hello.clock_set(), channel_on_air: false };
        let Some(order) = waiting else {
            if hello.clock_set() {
                return Ok(Greeted::NothingWaits);
            }
            let Ok(b) = link.marks.next_downlink(now) else { return Ok(Greeted::TooFarAhead) };
            link.marks.downlink = Some(b);
            let frame = self.seal_clock(card, b, hello.factor())?;
            link.last_answer.clone_from(&frame);
            return Ok(Greeted::Clock { frame });
        };
        if !self.may_prompt(link, now) {
            return Ok(Greeted::PromptLimit);
        }
        let context = TransactionContext {
            answering: Answering::Hello(hello.factor()),
            number: card.record.information.number,
            holder: audited.holder(),
        };
        match self.ask(unit, card, link, order, open, context, form, bytes, room, now)? {
            Some(question) => {
                link.last_answer.clone_from(&question.evidence.transaction);
                Ok(Greeted::Asked(Arc::new(Asked {
                    question,
                    battery: link.battery,
                    heard_at: link.heard_at,
                })))
            }
            None => Ok(Greeted::TooFarAhead),
        }
    }

    /// Counts one more prompt, if the hour has room.
    pub(super) fn may_prompt(&self, link: &mut LinkState, now: UnixMillis) -> bool {
        const HOUR_MILLIS: u64 = 3_600_000;
        // A clock that was set back begins a new hour: no holder waits until it has caught up.
        if now < link.prompts_since || now.since(link.prompts_since) >= HOUR_MILLIS {
            (link.prompts_since, link.prompts) = (now, 0);
        }
        link.prompts += 1;
        link.prompts <= self.inner.rules.prompts_per_hour
    }

    /// S4: makes the transaction under a new B, in place of the open one if there is one. The authorization is
    /// stored with B before the transaction leaves. `None` where no B is left.
    #[allow(clippy::too_many_arguments)] // Everything that one row of `authorization` is made of.
    pub(super) fn ask(
        &self,
        unit: &mut dyn Unit,
        card: &StoredCard,
        link: &mut LinkState,
        mut order: StoredOrder,
        open: Option<StoredAuthorization>,
        context: TransactionContext,
        form: DownlinkForm,
        hello: &[u8],
        room: usize,
        now: UnixMillis,
    ) -> Result<Option<StoredAuthorization>, HelloRefused> {
        let Ok(b) = link.marks.next_downlink(now) else { return Ok(None) };
        let (asked_before, ends) = (order.order.state == OrderState::Processing, self.ends(&order.order));
        let remaining = ends.since(now) / 1000;
        let seconds = u32::try_from(remaining).unwrap_or(u32::MAX).min(self.inner.rules.prompt_seconds_max);
        let mut shown = Transaction {
            amount: order.order.amount,
            place: order.order.place,
            lifetime: Lifetime::at_least_seconds(seconds),
            text: order.text.as_deref().and_then(|text| PromptText::new(text).ok()),
        };
        // Amount and place are what must be shown; a text is shown where the bearer has room for it.
        if transaction_bytes(form, &shown) > room {
            shown.text = None;
        }
        let key = BoundKey::new(self.inner.keys.as_ref(), card.key());
        let frame = seal_transaction(&key, &card.link(), form, b, &context, &shown)?.to_vec();
        let Ok(change) = order.order.apply(OrderEvent::Prompted) else { return Ok(None) };
        if let Some(mut open) = open {
            open.authorization.state = AuthorizationState::Superseded;
            unit.put_authorization(&open)?;
        }
        link.marks.downlink = Some(b);
        // The lifetime runs from B, as the card counts it. Asking anew gives an order no more time, although
        // a card counts in tens of seconds: what it agrees to after that is too late.
        let lit_until = b.unix_millis().plus(i64::from(shown.lifetime.seconds()) * 1000);
        let until = if asked_before { lit_until.min(ends) } else { lit_until };
        order.order.expires_at = until.plus(self.inner.rules.answer_grace_millis);
        settle::keep(unit, &mut order, change, now)?;
        let question = StoredAuthorization {
            card: card.id(),
            key_version: card.key_version,
            order: order.order.id,
            authorization: Authorization { b, until, state: AuthorizationState::Open },
            context,
            shown,
            evidence: Evidence { hello: hello.to_vec(), transaction: frame, ..Evidence::default() },
            created_at: now,
        };
        unit.add_authorization(&question)?;
        Ok(Some(question))
    }

    /// When an order's time is over: without the grace for an answer that is on its way.
    fn ends(&self, order: &Order) -> UnixMillis {
        match order.state {
            OrderState::Processing => order.expires_at.plus(-self.inner.rules.answer_grace_millis),
            OrderState::AwaitingCard
            | OrderState::Paid
            | OrderState::Declined(_)
            | OrderState::Expired
            | OrderState::Canceled
            | OrderState::Failed => order.expires_at,
        }
    }

    /// The order to ask about: the one that was being asked about, else the oldest. One whose time ran out is
    /// passed over; it ends with [`App::lapse`], which tells and counts it.
    pub(super) fn next_waiting(
        &self,
        unit: &dyn Unit,
        card: &StoredCard,
        preferred: Option<OrderId>,
        now: UnixMillis,
    ) -> Result<Option<StoredOrder>, StoreError> {
        let mut chosen: Option<StoredOrder> = None;
        for stored in unit.waiting_orders(card.id())? {
            let in_time = self.ends(&stored.order) > now;
            if in_time && (chosen.is_none() || preferred == Some(stored.order.id)) {
                chosen = Some(stored);
            }
        }
        Ok(chosen)
    }

    fn seal_clock(&self, card: &StoredCard, b: TimeFactor, hello: TimeFactor) -> Result<Vec<u8>, OpenError> {
        let key = BoundKey::new(self.inner.keys.as_ref(), card.key());
        Ok(seal_clock(&key, &card.link(), DownlinkForm::default(), b, hello)?.to_vec())
    }
}

/// How far a transaction's B can lie from the factor of the hello it answers, in seconds.
const REPEAT_REACH_SECONDS: u32 = 700;

/// A frame that repeats an accepted one byte for byte gets the same bytes again and does nothing else.
fn repeat(
    unit: &mut dyn Unit,
    card: &StoredCard,
    link: &LinkState,
    hello: &VerifiedHello,
    bytes: &[u8],
    now: UnixMillis,
) -> Result<Greeted, HelloRefused> {
    if link.last_uplink == bytes {
        return Ok(Greeted::Repeated { frame: link.last_answer.clone() });
    }
    let a = hello.factor().seconds();
    let reach = |seconds: u32| TimeFactor::new(seconds.max(1)).unwrap_or(hello.factor());
    let range =
        (reach(a.saturating_sub(REPEAT_REACH_SECONDS)), reach(a.saturating_add(REPEAT_REACH_SECONDS)));
    let earlier = unit.authorization_by_hello(card.id(), card.key_version, bytes, range)?;
    if let Some(earlier) = earlier {
        return Ok(Greeted::Repeated { frame: earlier.evidence.transaction });
    }
    unit.add_alarm(&Alarm { card: Some(card.id()), subject: None, kind: "possible_clone".into(), at: now })?;
    Ok(Greeted::NotAboveMark)
}

/// Declines all that waits for a card which may not pay, and ends the question that is open.
pub(super) fn decline_waiting(
    unit: &mut dyn Unit,
    card: &StoredCard,
    refusal: AuditRefusal,
    now: UnixMillis,
) -> Result<Vec<OrderId>, StoreError> {
    if let Some(mut open) = unit.open_authorization(card.id())? {
        open.authorization.state = AuthorizationState::Lapsed;
        unit.put_authorization(&open)?;
    }
    let mut declined = Vec::new();
    for mut stored in unit.waiting_orders(card.id())? {
        if let Ok(change) = stored.order.apply(OrderEvent::AuditRefused(refusal)) {
            settle::keep(unit, &mut stored, change, now)?;
            declined.push(stored.order.id);
        }
    }
    Ok(declined)
}
