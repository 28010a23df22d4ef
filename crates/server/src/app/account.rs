//! Money that comes in from the bank's side.

use model::{Amount, HolderReference};
use payment::{AccountKind, LedgerError, PendingTransfer, TransferId};
use store::StoreError;

use super::App;

/// Money for a holder.
#[derive(Clone, Copy, Debug)]
pub struct Funding {
    /// The transfer's id, made by the caller: a repeated one has no second effect.
    pub id: TransferId,
    /// For whom.
    pub holder: HolderReference,
    /// How much.
    pub amount: Amount,
}

/// Why money was not brought in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FundError {
    /// No such holder.
    #[error("there is no holder with this reference; bind a card to them first")]
    NoSuchHolder,
    /// The id names another transfer.
    #[error("this transfer id was used for another holder or amount; nothing was posted")]
    OtherTransfer,
    /// The ledger refuses.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Posts money from the bank's side to a holder.
    pub async fn fund(&self, funding: Funding) -> Result<(), FundError> {
        let now = self.now();
        self.write::<_, FundError>(move |unit| {
            if let Some(first) = unit.transfer(funding.id)? {
                let owner = funding.holder.0.cast_signed();
                let to = unit.account_of(AccountKind::Holder, owner, funding.amount.currency())?;
                let same = first.amount == funding.amount && to.is_some_and(|to| to.id == first.to);
                return if same { Ok(()) } else { Err(FundError::OtherTransfer) };
            }
            if unit.holder(funding.holder)?.is_none() {
                return Err(FundError::NoSuchHolder);
            }
            let currency = funding.amount.currency();
            let owner = funding.holder.0.cast_signed();
            let mut bank = unit.account_opened(AccountKind::Settlement, 0, currency)?;
            let mut holder = unit.account_opened(AccountKind::Holder, owner, currency)?;
            let pending = PendingTransfer::reserve(funding.id, funding.amount, &mut bank, &mut holder)?;
            unit.add_transfer(&pending, "funding", now)?;
            let posted = pending.post(None, &mut bank, &mut holder)?;
            unit.post_transfer(&posted, now)?;
            unit.put_account(&bank)?;
            unit.put_account(&holder)?;
            Ok(())
        })
        .await
    }
}
