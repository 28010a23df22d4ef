//! Payouts: money that leaves for a merchant's bank.
//!
//! The ledger's half: merchant to settlement, posted at once. Who sends the money at the bank gives the transfer's text
//! (`tr_` and 32 digits, 35 characters) as its reference, so that the bank's file finds it again: see [`super::reconcile`].

use model::Amount;
use payment::{AccountKind, LedgerError, MerchantId, PendingTransfer, TransferId};
use store::{StoreError, StoredPayout};

use super::App;

/// Money for a merchant's bank.
#[derive(Clone, Copy, Debug)]
pub struct Payout {
    /// The transfer's id, made by the caller: a repeated one has no second effect.
    pub id: TransferId,
    /// Whose.
    pub merchant: MerchantId,
    /// How much.
    pub amount: Amount,
}

/// Why nothing was paid out.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayoutError {
    /// No such merchant.
    #[error("there is no merchant {0}")]
    NoSuchMerchant(MerchantId),
    /// The merchant has not the money.
    #[error("{merchant} has {} available and not {asked}", asked.currency().display(*available))]
    NotEnough {
        /// Whose.
        merchant: MerchantId,
        /// What was asked for.
        asked: Amount,
        /// What is available, in minor units.
        available: i64,
    },
    /// The id names another transfer.
    #[error("this transfer id was used for another merchant or amount; nothing was paid out")]
    OtherTransfer,
    /// The ledger refuses for another reason.
    #[error(transparent)]
    Ledger(LedgerError),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Posts a payout. The same one again has no second effect.
    pub async fn pay_out(&self, payout: Payout) -> Result<StoredPayout, PayoutError> {
        let now = self.now();
        let Payout { id, merchant, amount } = payout;
        self.write::<_, PayoutError>(move |unit| {
            if let Some(first) = unit.payout(id)? {
                let same = first.merchant == merchant && first.amount == amount;
                return if same { Ok(first) } else { Err(PayoutError::OtherTransfer) };
            }
            if unit.transfer(id)?.is_some() {
                return Err(PayoutError::OtherTransfer);
            }
            if unit.merchant(merchant)?.is_none() {
                return Err(PayoutError::NoSuchMerchant(merchant));
            }
            let (kind, owner) = (AccountKind::Merchant, i64::from(merchant.0));
            let Some(mut from) = unit.account_of(kind, owner, amount.currency())? else {
                return Err(PayoutError::NotEnough { merchant, asked: amount, available: 0 });
            };
            let available = from.available();
            let mut bank = unit.account_opened(AccountKind::Settlement, 0, amount.currency())?;
            let posted = PendingTransfer::reserve(id, amount, &mut from, &mut bank)
                .and_then(|pending| pending.post(None, &mut from, &mut bank))
                .map_err(|error| match error {
                    LedgerError::InsufficientFunds => {
                        PayoutError::NotEnough { merchant, asked: amount, available }
                    }
                    LedgerError::SameAccount
                    | LedgerError::CurrencyDiffers
                    | LedgerError::OutOfRange
                    | LedgerError::MoreThanPending
                    | LedgerError::NotPending(_)
                    | LedgerError::OtherAccounts => PayoutError::Ledger(error),
                })?;
            unit.add_posted_transfer(&posted, "payout", None, now)?;
            unit.put_account(&from)?;
            unit.put_account(&bank)?;
            let stored = StoredPayout { transfer: id, merchant, amount, created_at: now };
            unit.add_payout(&stored)?;
            Ok(stored)
        })
        .await
    }
}
