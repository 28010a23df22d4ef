//! Fees: a merchant's rule, and what it takes of a payment in the payment's own unit of work.
//!
//! Without a rule nothing is taken. What was taken stays with the order, with the rule's word on refunds at that time: a
//! rule that changes later changes no payment of before. Next: [`super::refund`] for what comes back.

use model::{Currency, UnixMillis};
use payment::{
    Account, AccountKind, FeeError, FeeRule, LedgerError, MerchantId, OrderId, PendingTransfer, TransferId,
};
use sha2::{Digest, Sha256};
use store::{PaymentFee, StoreError, StoredFeeRule, StoredOrder, Unit};

use super::App;

/// Why a fee rule was not set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeeRuleError {
    /// No such merchant.
    #[error("there is no merchant {0}")]
    NoSuchMerchant(MerchantId),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Sets a merchant's fee rule in the rule's currency, for payments from now on.
    pub async fn set_fee_rule(&self, merchant: MerchantId, rule: FeeRule) -> Result<(), FeeRuleError> {
        let now = self.now();
        self.write::<_, FeeRuleError>(move |unit| {
            if unit.merchant(merchant)?.is_none() {
                return Err(FeeRuleError::NoSuchMerchant(merchant));
            }
            // Opened here, so that payments only find it.
            unit.account_opened(AccountKind::Fee, 0, rule.currency())?;
            unit.put_fee_rule(&StoredFeeRule { merchant, rule, set_at: now })?;
            Ok(())
        })
        .await
    }

    /// Takes a merchant's fee rule away, for payments from now on; whether there was one.
    pub async fn remove_fee_rule(
        &self,
        merchant: MerchantId,
        currency: Currency,
    ) -> Result<bool, FeeRuleError> {
        self.write::<_, FeeRuleError>(move |unit| {
            if unit.merchant(merchant)?.is_none() {
                return Err(FeeRuleError::NoSuchMerchant(merchant));
            }
            Ok(unit.remove_fee_rule(merchant, currency)?)
        })
        .await
    }
}

/// Takes the fee of a payment that was just posted. The merchant's account is changed here and kept by the caller, once: it
/// only rises by the two together, so that on PostgreSQL a merchant's payments wait for nobody.
pub(super) fn take(
    unit: &mut dyn Unit,
    stored: &StoredOrder,
    merchant: &mut Account,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let (order, paid) = (stored.order.id, stored.order.amount);
    let Some(StoredFeeRule { rule, .. }) = unit.fee_rule(stored.order.merchant, paid.currency())? else {
        return Ok(());
    };
    let Some(amount) = rule.fee(paid).map_err(contradicts_fee)?.amount() else { return Ok(()) };
    let mut earned = unit.account_opened(AccountKind::Fee, 0, paid.currency())?;
    let transfer = transfer_of(order, now);
    let posted = PendingTransfer::reserve(transfer, amount, merchant, &mut earned)
        .and_then(|pending| pending.post(None, merchant, &mut earned))
        .map_err(contradicts_ledger)?;
    unit.add_posted_transfer(&posted, "fee", Some(order.0), now)?;
    unit.put_account(&earned)?;
    unit.add_payment_fee(&PaymentFee {
        order,
        amount,
        on_refund: rule.word_on_refund(),
        transfer,
        created_at: now,
    })
}

/// The fee's transfer follows from its order: a payment cannot be charged twice.
fn transfer_of(order: OrderId, now: UnixMillis) -> TransferId {
    let digest: [u8; 32] =
        Sha256::new().chain_update(b"counterfoil fee").chain_update(order.0.to_be_bytes()).finalize().into();
    let low = digest.first_chunk::<16>().map_or(0, |bytes| u128::from_be_bytes(*bytes));
    TransferId(OrderId::from_time_and_random(now, low).0)
}

/// The rule is that of the order's currency, and the merchant has just been given more than the fee.
fn contradicts_fee(error: FeeError) -> StoreError {
    StoreError::Constraint(format!("the fee contradicts the order: {error}"))
}

fn contradicts_ledger(error: LedgerError) -> StoreError {
    StoreError::Constraint(format!("the ledger contradicts the fee: {error}"))
}
