//! Refunds: a paid order's money given back, in one unit of work.
//!
//! One transfer from the merchant to the holder, linked to the order and posted at once; where the fee's rule says so, a
//! second one from the fee account to the merchant, before it. The refund's row, both transfers, the merchant's event and
//! the first answer are durable together, or nothing is.

use model::{Currency, UnixMillis};
use payment::{
    AccountKind, Fee, FeeRule, MerchantId, OrderId, PendingTransfer, Refund, RefundId, RefundRefused,
    Refundable, TransferId,
};
use sha2::{Digest, Sha256};
use store::{NewEvent, StoreError, StoredOrder, StoredRefund, Unit};

use super::App;
use super::order::{Created, IdempotencyKey, KeyConflict, STATUS_CREATED, first_answer, keep_first_answer};

/// A refund to be made.
#[derive(Clone, Debug)]
pub struct NewRefund {
    /// Whose order.
    pub merchant: MerchantId,
    /// Which order.
    pub order: OrderId,
    /// How much, in minor units; all that is left where nothing is said.
    pub minor: Option<i64>,
    /// In which currency, where it is said: it must be the order's.
    pub currency: Option<Currency>,
    /// The merchant's own reference.
    pub reference: Option<String>,
}

/// Why a refund was not made. Nothing has changed then.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// No such order, or another merchant's.
    #[error("there is no order with this id")]
    NoSuchOrder,
    /// The rules of refunds.
    #[error(transparent)]
    Refused(#[from] RefundRefused),
    /// The idempotency key came with another order or body.
    #[error("this idempotency key came with another order or body before")]
    IdempotencyConflict,
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyConflict> for RefundError {
    fn from(_: KeyConflict) -> Self {
        Self::IdempotencyConflict
    }
}

/// How a refund becomes the body of an answer.
pub type RenderRefund = std::sync::Arc<dyn Fn(&StoredRefund) -> String + Send + Sync>;

/// The endpoint's name in the table of first answers.
const ENDPOINT: &str = "refunds.create";

/// Names that a refund is kept under.
#[derive(Clone, Copy)]
struct Names {
    refund: RefundId,
    transfer: TransferId,
    fee: TransferId,
}

impl App {
    /// Gives money of a paid order back. The same key, order and body again have no second effect.
    pub async fn refund(
        &self,
        new: NewRefund,
        idempotency: Option<IdempotencyKey>,
        render: RenderRefund,
    ) -> Result<Created, RefundError> {
        let now = self.now();
        let names = Names {
            refund: RefundId::from_time_and_random(now, self.random()),
            transfer: TransferId(self.random_by_time(now)),
            fee: TransferId(self.random_by_time(now)),
        };
        // The order stands in the path: it is a part of what is asked for.
        let idempotency = idempotency.map(|given| IdempotencyKey {
            body_digest: Sha256::new()
                .chain_update(new.order.0.to_be_bytes())
                .chain_update(given.body_digest)
                .finalize()
                .into(),
            key: given.key,
        });
        let order = new.order;
        let created = self
            .write::<_, RefundError>(move |unit| {
                if let Some(first) =
                    first_answer::<RefundError>(unit, new.merchant, ENDPOINT, idempotency.as_ref())?
                {
                    return Ok(Created { body: first.body, repeated: true });
                }
                let refund = make(unit, &new, names, now)?;
                let body = render(&refund);
                keep_first_answer(
                    unit,
                    new.merchant,
                    ENDPOINT,
                    idempotency.as_ref(),
                    (STATUS_CREATED, &body),
                    now,
                )?;
                Ok(Created { body, repeated: false })
            })
            .await?;
        if !created.repeated {
            self.inner.metrics.payment("refunded");
            self.inner.notices.tell(order);
        }
        Ok(created)
    }
}

fn make(
    unit: &mut dyn Unit,
    new: &NewRefund,
    names: Names,
    now: UnixMillis,
) -> Result<StoredRefund, RefundError> {
    let stored = unit
        .order(new.order)?
        .filter(|stored| stored.order.merchant == new.merchant)
        .ok_or(RefundError::NoSuchOrder)?;
    let refundable = Refundable::of(&stored.order, unit.refunded(new.order)?)?;
    let paid = stored.order.amount;
    let refund = match (new.minor, new.currency) {
        (None, Some(asked)) if asked != paid.currency() => {
            return Err(RefundRefused::OtherCurrency { paid: paid.currency(), asked }.into());
        }
        (None, _) => refundable.refund_rest()?,
        (Some(minor), asked) => {
            let currency = asked.unwrap_or(paid.currency());
            refundable.refund(model::Amount::new(minor, currency).map_err(RefundRefused::from)?)?
        }
    };
    let (amount, refunded_before) = (refund.amount(), refund.refunded_before());
    // Checked on copies first; what is kept comes after the last refusal.
    let payment = unit
        .transfer(stored.order.reservation)?
        .ok_or(StoreError::Malformed("an order without its reservation"))?;
    let missing = || StoreError::Malformed("a transfer without its account");
    let mut holder = unit.account(payment.from)?.ok_or_else(missing)?;
    let mut merchant = unit.account(payment.to)?.ok_or_else(missing)?;
    let fee = match fee_back(unit, &stored, &refund)? {
        Some(back) => {
            let account = unit.account_of(AccountKind::Fee, 0, paid.currency())?;
            let mut earned = account.ok_or(StoreError::Malformed("a fee without its account"))?;
            // First, so that a merchant who has just what was paid less the fee can give all of it back.
            let posted = PendingTransfer::reserve(names.fee, back, &mut earned, &mut merchant)
                .and_then(|pending| pending.post(None, &mut earned, &mut merchant))
                .map_err(RefundRefused::Ledger)?;
            Some((back, posted, earned))
        }
        None => None,
    };
    let posted = refund.post(names.transfer, &mut merchant, &mut holder)?;
    if let Some((_, posted, earned)) = &fee {
        unit.add_posted_transfer(posted, "fee_refund", Some(new.order.0), now)?;
        unit.put_account(earned)?;
    }
    unit.add_posted_transfer(posted.transfer(), "refund", Some(new.order.0), now)?;
    unit.put_account(&merchant)?;
    unit.put_account(&holder)?;
    let refund = StoredRefund {
        id: names.refund,
        order: new.order,
        merchant: new.merchant,
        amount,
        refunded_before,
        transfer: names.transfer,
        fee_back: fee.as_ref().map_or(0, |(back, _, _)| back.minor()),
        fee_transfer: fee.as_ref().map(|_| names.fee),
        reference: new.reference.clone(),
        created_at: now,
    };
    unit.add_refund(&refund)?;
    unit.add_event(&NewEvent { merchant: new.merchant, order: new.order, kind: "order.refunded", at: now })?;
    Ok(refund)
}

/// What comes back of the fee that was taken of this order, by the rule of that time.
fn fee_back(
    unit: &dyn Unit,
    stored: &StoredOrder,
    refund: &Refund,
) -> Result<Option<model::Amount>, StoreError> {
    let Some(taken) = unit.payment_fee(stored.order.id)? else { return Ok(None) };
    let paid = stored.order.amount;
    let contradicts =
        |error: payment::FeeError| StoreError::Constraint(format!("the fee contradicts the order: {error}"));
    let fee = Fee::from_stored(taken.amount.ledger_units(), paid).map_err(contradicts)?;
    FeeRule::free(paid.currency()).on_refund(taken.on_refund).given_back(fee, refund).map_err(contradicts)
}
