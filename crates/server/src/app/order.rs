//! Orders: made with their money set aside, read, taken back.

use std::sync::Arc;

use model::{Amount, CardId, UnixMillis};
use payment::{
    AccountKind, AuditRefusal, AuthorizationState, LedgerError, MerchantId, Order, OrderError, OrderEvent,
    OrderId, OrderState, PendingTransfer, PressCount, TransferId,
};
use store::{Idempotent, NewEvent, StoreError, StoredOrder, Unit};

use super::{App, settle};

/// What happens when another order waits for the card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenBusy {
    /// This one waits behind it.
    #[default]
    Wait,
    /// This one is refused.
    Refuse,
}

/// An order to be made.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// Whose.
    pub merchant: MerchantId,
    /// The card that is to pay.
    pub card: CardId,
    /// How much.
    pub amount: Amount,
    /// The place's name.
    pub place: String,
    /// For the card's display: 1 to 20 bytes.
    pub text: Option<String>,
    /// The merchant's own reference.
    pub reference: Option<String>,
    /// Where the buyer goes afterwards.
    pub return_url: Option<String>,
    /// How long it waits, in seconds.
    pub lifetime_seconds: u32,
    /// What happens when another order waits.
    pub when_busy: WhenBusy,
}

/// Makes a repeated request find its first answer.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// The caller's key.
    pub key: String,
    /// SHA-256 of the request's body.
    pub body_digest: [u8; 32],
}

/// An order that was made, now or by the same request before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The answer's body.
    pub body: String,
    /// It is the first answer again.
    pub repeated: bool,
}

/// Why an order was not made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    /// No such card.
    #[error("there is no card with this id")]
    NoSuchCard,
    /// The card may not pay.
    #[error(transparent)]
    Card(AuditRefusal),
    /// The holder does not have it.
    #[error("the holder does not have this amount available")]
    InsufficientFunds,
    /// Another order waits for the card, and the merchant did not want to wait.
    #[error("another order waits for this card")]
    CardBusy,
    /// As many orders wait for the card as may.
    #[error("too many orders wait for this card")]
    TooManyWaiting,
    /// The idempotency key came with another body.
    #[error("this idempotency key came with another body before")]
    IdempotencyConflict,
    /// The sums would leave the ledger's range.
    #[error("the ledger cannot hold this amount: {0}")]
    Ledger(LedgerError),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LedgerError> for OrderRefused {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::InsufficientFunds => Self::InsufficientFunds,
            LedgerError::SameAccount
            | LedgerError::CurrencyDiffers
            | LedgerError::OutOfRange
            | LedgerError::MoreThanPending
            | LedgerError::NotPending(_)
            | LedgerError::OtherAccounts => Self::Ledger(error),
        }
    }
}

/// Why an order was not canceled.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// No such order, or another merchant's.
    #[error("there is no order with this id")]
    NoSuchOrder,
    /// It has ended.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The endpoint's name in the table of first answers.
const ENDPOINT: &str = "orders.create";
pub(crate) const STATUS_CREATED: u16 = 201;

/// How an order becomes the body of an answer.
pub type Render = Arc<dyn Fn(&StoredOrder) -> String + Send + Sync>;

impl App {
    /// Makes an order and sets its money aside, in one unit of work with its first answer.
    pub async fn create_order(
        &self,
        new: NewOrder,
        idempotency: Option<IdempotencyKey>,
        render: Render,
    ) -> Result<(Created, Option<CardId>), OrderRefused> {
        let (now, random) = (self.now(), self.random());
        let id = OrderId::from_time_and_random(now, random);
        let reservation = TransferId(OrderId::from_time_and_random(now, self.random()).0);
        let press_draw = (self.random() >> 96) as u32;
        let app = self.clone();
        let card = new.card;
        let created = self
            .write::<_, OrderRefused>(move |unit| {
                if let Some(first) =
                    first_answer::<OrderRefused>(unit, new.merchant, ENDPOINT, idempotency.as_ref())?
                {
                    return Ok(Created { body: first.body, repeated: true });
                }
                let stored = app.make_order(unit, &new, id, reservation, press_draw, now)?;
                let body = render(&stored);
                let answer = (STATUS_CREATED, body.as_str());
                keep_first_answer(unit, new.merchant, ENDPOINT, idempotency.as_ref(), answer, now)?;
                Ok(Created { body, repeated: false })
            })
            .await?;
        // Only a new order is anything to push.
        let push = if created.repeated { None } else { Some(card) };
        Ok((created, push))
    }

    fn make_order(
        &self,
        unit: &mut dyn Unit,
        new: &NewOrder,
        id: OrderId,
        reservation: TransferId,
        press_draw: u32,
        now: UnixMillis,
    ) -> Result<StoredOrder, OrderRefused> {
        let card = unit.card(new.card)?.ok_or(OrderRefused::NoSuchCard)?;
        let holder = card.record.may_pay(now).map_err(OrderRefused::Card)?;
        let waiting = unit.waiting_orders(card.id())?;
        if !waiting.is_empty() && new.when_busy == WhenBusy::Refuse {
            return Err(OrderRefused::CardBusy);
        }
        if waiting.len() >= self.inner.rules.waiting_max {
            return Err(OrderRefused::TooManyWaiting);
        }
        let another_merchant = waiting.iter().any(|other| other.order.merchant != new.merchant);
        let wants_count =
            self.inner.rules.press.wants_count(new.amount, card.record.has_display, another_merchant);
        let presses = if wants_count {
            let taken: Vec<PressCount> = waiting.iter().filter_map(|other| other.order.presses).collect();
            Some(PressCount::draw(press_draw, &taken).ok_or(OrderRefused::TooManyWaiting)?)
        } else {
            None
        };
        let currency = new.amount.currency();
        let mut from = unit
            .account_of(AccountKind::Holder, holder.0.cast_signed(), currency)?
            .ok_or(OrderRefused::InsufficientFunds)?;
        let mut to = match unit.account_of(AccountKind::Merchant, i64::from(new.merchant.0), currency)? {
            Some(account) => account,
            // Opened below only if the holder can pay: checks come before changes.
            None if from.available() < new.amount.ledger_units() => {
                return Err(OrderRefused::InsufficientFunds);
            }
            None => unit.account_opened(AccountKind::Merchant, i64::from(new.merchant.0), currency)?,
        };
        let pending = PendingTransfer::reserve(reservation, new.amount, &mut from, &mut to)?;
        let place = unit.place_named(new.merchant, &new.place)?;
        unit.add_linked_transfer(&pending, "payment", id.0, now)?;
        unit.put_account(&from)?;
        unit.put_account(&to)?;
        let seconds = new.lifetime_seconds.clamp(1, self.inner.rules.order_seconds_max);
        let stored = StoredOrder {
            order: Order {
                id,
                merchant: new.merchant,
                card: card.id(),
                amount: new.amount,
                place,
                presses,
                state: OrderState::AwaitingCard,
                reservation,
                created_at: now,
                expires_at: now.plus(i64::from(seconds) * 1000),
            },
            text: new.text.clone(),
            reference: new.reference.clone(),
            return_url: new.return_url.clone(),
            updated_at: now,
        };
        unit.add_order(&stored)?;
        unit.add_event(&NewEvent {
            merchant: new.merchant,
            order: id,
            kind: settle::event_kind(stored.order.state),
            at: now,
        })?;
        Ok(stored)
    }

    /// Takes an order back before the holder agreed: by its merchant, or (`None`) by the buyer on its page.
    pub async fn cancel_order(
        &self,
        merchant: Option<MerchantId>,
        id: OrderId,
    ) -> Result<StoredOrder, CancelError> {
        let now = self.now();
        let stored = self
            .write::<_, CancelError>(move |unit| {
                let mut stored = unit.order(id)?.ok_or(CancelError::NoSuchOrder)?;
                if merchant.is_some_and(|merchant| merchant != stored.order.merchant) {
                    return Err(CancelError::NoSuchOrder);
                }
                let change = stored.order.apply(OrderEvent::Cancel)?;
                if let Some(mut open) = unit.open_authorization(stored.order.card)?
                    && open.order == id
                {
                    open.authorization.state = AuthorizationState::Lapsed;
                    unit.put_authorization(&open)?;
                }
                settle::keep(unit, &mut stored, change, now)?;
                Ok(stored)
            })
            .await?;
        self.inner.metrics.payment("canceled");
        self.inner.notices.tell(id);
        Ok(stored)
    }
}

/// The key came with another request before.
pub(crate) struct KeyConflict;

impl From<KeyConflict> for OrderRefused {
    fn from(_: KeyConflict) -> Self {
        Self::IdempotencyConflict
    }
}

/// The first answer to the same request. One that is past its time and not forgotten yet still answers:
/// never a second effect.
pub(crate) fn first_answer<E: From<StoreError> + From<KeyConflict>>(
    unit: &mut dyn Unit,
    merchant: MerchantId,
    endpoint: &str,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Option<Idempotent>, E> {
    let Some(idempotency) = idempotency else { return Ok(None) };
    match unit.idempotent(merchant, endpoint, &idempotency.key)? {
        Some(first) if first.body_digest != idempotency.body_digest => Err(KeyConflict.into()),
        first => Ok(first),
    }
}

/// Keeps an answer's status and body as the first one.
pub(crate) fn keep_first_answer(
    unit: &mut dyn Unit,
    merchant: MerchantId,
    endpoint: &str,
    idempotency: Option<&IdempotencyKey>,
    (status, body): (u16, &str),
    now: UnixMillis,
) -> Result<(), StoreError> {
    let Some(IdempotencyKey { key, body_digest }) = idempotency else { return Ok(()) };
    let answer = Idempotent { body_digest: *body_digest, status, body: body.to_owned(), created_at: now };
    unit.add_idempotent(merchant, endpoint, key, &answer)
}
