//! Money moved as the platform moves it: the rules of `payment`, kept by a unit of work.

use std::collections::BTreeMap;

use model::{Amount, Currency};
use payment::{Account, AccountId, AccountKind, LedgerError, PendingTransfer, TransferId};
use store::{Reading, Store, StoreError, Unit};

use super::MORNING;

/// Why money did not move.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Ledger(LedgerError),
    Store(StoreError),
    /// The caller changed its mind after it had changed rows.
    SecondThoughts,
}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How a pending transfer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Post(Option<Amount>),
    Void,
    Expire,
}

pub(crate) fn opened(unit: &mut dyn Unit, kind: AccountKind, owner: i64) -> Result<Account, StoreError> {
    unit.account_opened(kind, owner, Currency::CNY)
}

fn account(unit: &dyn Unit, id: AccountId) -> Result<Account, StoreError> {
    unit.account(id)?.ok_or(StoreError::Malformed("no such account"))
}

/// Sets money aside.
pub(crate) fn reserve(
    unit: &mut dyn Unit,
    id: TransferId,
    amount: Amount,
    [from, to]: [AccountId; 2],
) -> Result<(), Refusal> {
    let (mut from, mut to) = (account(unit, from)?, account(unit, to)?);
    let pending = PendingTransfer::reserve(id, amount, &mut from, &mut to)?;
    unit.add_transfer(&pending, "order", MORNING)?;
    unit.put_account(&from)?;
    unit.put_account(&to)?;
    Ok(())
}

/// Moves or frees what was set aside.
pub(crate) fn end(unit: &mut dyn Unit, id: TransferId, how: End) -> Result<(), Refusal> {
    let stored = unit.transfer(id)?.ok_or(StoreError::Malformed("no such transfer"))?;
    let pending = PendingTransfer::from_stored(id, stored.amount, stored.from, stored.to, stored.state)?;
    let (mut from, mut to) = (account(unit, stored.from)?, account(unit, stored.to)?);
    match how {
        End::Post(part) => unit.post_transfer(&pending.post(part, &mut from, &mut to)?, MORNING)?,
        End::Void => unit.void_transfer(&pending.void(&mut from, &mut to)?, MORNING)?,
        End::Expire => unit.void_transfer(&pending.expire(&mut from, &mut to)?, MORNING)?,
    }
    unit.put_account(&from)?;
    unit.put_account(&to)?;
    Ok(())
}

/// Brings money in from the bank's side.
pub(crate) fn fund(
    unit: &mut dyn Unit,
    id: TransferId,
    amount: Amount,
    to: AccountId,
) -> Result<(), Refusal> {
    let bank = unit.account_opened(AccountKind::Settlement, 0, amount.currency())?;
    reserve(unit, id, amount, [bank.id, to])?;
    end(unit, id, End::Post(None))
}

/// What must hold at every moment: each currency sums to zero, each balance is that of its postings.
pub(crate) fn assert_sound(store: &Store) {
    let (totals, differences) =
        store.peek(|rows: &dyn Reading| Ok((rows.totals()?, rows.balance_differences()?))).unwrap();
    assert_eq!(differences, []);
    let mut sums = BTreeMap::<Currency, i64>::new();
    for total in &totals {
        *sums.entry(total.currency).or_default() += total.posted;
    }
    assert!(sums.values().all(|sum| *sum == 0), "{sums:?}");
}
