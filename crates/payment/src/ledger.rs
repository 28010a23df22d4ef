//! Double entry in integer minor units. Postings are immutable; each currency sums to zero, always.
//!
//! A transfer is pending, then posted (in part if asked), voided or expired: exactly once, because each
//! of those consumes the [`PendingTransfer`]. What is pending counts against what is available.

use core::fmt;

use model::{Amount, Currency};

/// An account's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(pub i64);

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccountKind {
    /// What a holder has.
    Holder,
    /// What a merchant is owed.
    Merchant,
    /// What the platform earned.
    Fee,
    /// The bank's side: money that came in or went out.
    Settlement,
    /// The wallet cards' side.
    LoadFloat,
    /// What nobody could assign yet.
    Suspense,
}

impl AccountKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Holder, Self::Merchant, Self::Fee, Self::Settlement, Self::LoadFloat, Self::Suspense];

    /// The word for tables and pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holder => "holder",
            Self::Merchant => "merchant",
            Self::Fee => "fee",
            Self::Settlement => "settlement",
            Self::LoadFloat => "load_float",
            Self::Suspense => "suspense",
        }
    }

    /// The kind of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Only the bank's side may go below zero: it mirrors money that is elsewhere.
    pub const fn overdraft(self) -> Overdraft {
        match self {
            Self::Settlement => Overdraft::Allowed,
            Self::Holder | Self::Merchant | Self::Fee | Self::LoadFloat | Self::Suspense => {
                Overdraft::Refused
            }
        }
    }
}

/// Whether an account may go below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdraft {
    /// It may not.
    Refused,
    /// It may, without limit.
    Allowed,
}

/// An account with its sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// What it is for.
    pub kind: AccountKind,
    /// Its currency.
    pub currency: Currency,
    /// Credits less debits that were posted, in minor units.
    pub posted: i64,
    /// Pending transfers out of it, in minor units, never negative.
    pub pending_out: i64,
    /// Pending transfers into it, in minor units, never negative.
    pub pending_in: i64,
}

impl Account {
    /// A new account: zero everywhere.
    pub const fn new(id: AccountId, kind: AccountKind, currency: Currency) -> Self {
        Self { id, kind, currency, posted: 0, pending_out: 0, pending_in: 0 }
    }

    /// What can be spent: posted less what is pending out of it.
    pub const fn available(&self) -> i64 {
        self.posted.saturating_sub(self.pending_out)
    }
}

/// A transfer's id; the caller makes it, so that a repeated request finds the first one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransferId(pub u128);

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tr_{:032x}", self.0)
    }
}

impl fmt::Debug for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a transfer stands, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferState {
    /// Set aside.
    Pending,
    /// Moved.
    Posted,
    /// Freed because it was refused or taken back.
    Voided,
    /// Freed because its time ran out.
    Expired,
}

impl TransferState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Posted, Self::Voided, Self::Expired];

    /// The number that is stored, 0 to 3.
    pub const fn number(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Posted => 1,
            Self::Voided => 2,
            Self::Expired => 3,
        }
    }

    /// The state of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// The word for pages and errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Posted => "posted",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }
}

/// Why the ledger refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The account does not have it.
    #[error("the account does not have this amount available")]
    InsufficientFunds,
    /// From an account to itself.
    #[error("a transfer needs two accounts")]
    SameAccount,
    /// The accounts or the amount differ in currency.
    #[error("the currencies differ")]
    CurrencyDiffers,
    /// The sums would leave the range of 64 bits.
    #[error("the sum is out of range")]
    OutOfRange,
    /// More is to be posted than was set aside.
    #[error("more than was set aside")]
    MoreThanPending,
    /// The transfer is not pending any more.
    #[error("the transfer is {} already", .0.name())]
    NotPending(TransferState),
    /// The accounts given are not those of the transfer.
    #[error("these are not the transfer's accounts")]
    OtherAccounts,
}

/// A transfer that is set aside. Posting, voiding or expiring it consumes it.
#[derive(Debug, PartialEq, Eq)]
pub struct PendingTransfer {
    id: TransferId,
    from: AccountId,
    to: AccountId,
    amount: Amount,
}

/// An immutable entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Of which transfer.
    pub transfer: TransferId,
    /// In which account.
    pub account: AccountId,
    /// Minor units: below zero out of the account, above zero into it.
    pub units: i64,
}

/// A transfer that was posted, with its two entries. It cannot be made otherwise.
#[derive(Debug, PartialEq, Eq)]
pub struct PostedTransfer {
    id: TransferId,
    amount: Amount,
    postings: [Posting; 2],
}

/// A transfer whose money is free again. It cannot be made otherwise.
#[derive(Debug, PartialEq, Eq)]
pub struct VoidedTransfer {
    id: TransferId,
    state: TransferState,
}

impl PendingTransfer {
    /// Sets an amount aside: it is no longer available to `from`, and not yet to `to`.
    pub fn reserve(
        id: TransferId,
        amount: Amount,
        from: &mut Account,
        to: &mut Account,
    ) -> Result<Self, LedgerError> {
        if from.id == to.id {
            return Err(LedgerError::SameAccount);
        }
        if from.currency != amount.currency() || to.currency != amount.currency() {
            return Err(LedgerError::CurrencyDiffers);
        }
        let units = amount.ledger_units();
        if from.kind.overdraft() == Overdraft::Refused && from.available() < units {
            return Err(LedgerError::InsufficientFunds);
        }
        let pending_out = add(from.pending_out, units)?;
        let pending_in = add(to.pending_in, units)?;
        // What may be posted later must fit as well: nothing that was promised can fail on arithmetic.
        from.posted.checked_sub(pending_out).ok_or(LedgerError::OutOfRange)?;
        add(to.posted, pending_in)?;
        (from.pending_out, to.pending_in) = (pending_out, pending_in);
        Ok(Self { id, from: from.id, to: to.id, amount })
    }

    /// Takes up a transfer that was stored, if it is still pending.
    pub fn from_stored(
        id: TransferId,
        amount: Amount,
        from: AccountId,
        to: AccountId,
        state: TransferState,
    ) -> Result<Self, LedgerError> {
        match state {
            TransferState::Pending => Ok(Self { id, from, to, amount }),
            TransferState::Posted | TransferState::Voided | TransferState::Expired => {
                Err(LedgerError::NotPending(state))
            }
        }
    }

    /// Its id.
    pub fn id(&self) -> TransferId {
        self.id
    }

    /// What is set aside.
    pub fn amount(&self) -> Amount {
        self.amount
    }

    /// The account it leaves.
    pub fn from(&self) -> AccountId {
        self.from
    }

    /// The account it goes to.
    pub fn to(&self) -> AccountId {
        self.to
    }

    /// Moves the money: `part` of it if given, and the rest is free again.
    pub fn post(
        self,
        part: Option<Amount>,
        from: &mut Account,
        to: &mut Account,
    ) -> Result<PostedTransfer, LedgerError> {
        let amount = part.unwrap_or(self.amount);
        if amount.currency() != self.amount.currency() {
            return Err(LedgerError::CurrencyDiffers);
        }
        if amount.minor() > self.amount.minor() {
            return Err(LedgerError::MoreThanPending);
        }
        let units = amount.ledger_units();
        let from_posted = from.posted.checked_sub(units).ok_or(LedgerError::OutOfRange)?;
        let to_posted = add(to.posted, units)?;
        self.release(from, to)?;
        (from.posted, to.posted) = (from_posted, to_posted);
        let entry = |account, units| Posting { transfer: self.id, account, units };
        Ok(PostedTransfer {
            id: self.id,
            amount,
            postings: [entry(self.from, -units), entry(self.to, units)],
        })
    }

    /// Frees the money: refused, canceled.
    pub fn void(self, from: &mut Account, to: &mut Account) -> Result<VoidedTransfer, LedgerError> {
        self.release(from, to)?;
        Ok(VoidedTransfer { id: self.id, state: TransferState::Voided })
    }

    /// Frees the money: its time ran out.
    pub fn expire(self, from: &mut Account, to: &mut Account) -> Result<VoidedTransfer, LedgerError> {
        self.release(from, to)?;
        Ok(VoidedTransfer { id: self.id, state: TransferState::Expired })
    }

    fn release(&self, from: &mut Account, to: &mut Account) -> Result<(), LedgerError> {
        if (from.id, to.id) != (self.from, self.to) {
            return Err(LedgerError::OtherAccounts);
        }
        let units = self.amount.ledger_units();
        let less =
            |pending: i64| pending.checked_sub(units).filter(|p| *p >= 0).ok_or(LedgerError::OutOfRange);
        (from.pending_out, to.pending_in) = (less(from.pending_out)?, less(to.pending_in)?);
        Ok(())
    }
}

impl PostedTransfer {
    /// Its id.
    pub fn id(&self) -> TransferId {
        self.id
    }

    /// What was moved.
    pub fn amount(&self) -> Amount {
        self.amount
    }

    /// Its two entries; they sum to zero.
    pub fn postings(&self) -> &[Posting; 2] {
        &self.postings
    }
}

impl VoidedTransfer {
    /// Its id.
    pub fn id(&self) -> TransferId {
        self.id
    }

    /// Voided or expired.
    pub fn state(&self) -> TransferState {
        self.state
    }
}

fn add(sum: i64, units: i64) -> Result<i64, LedgerError> {
    sum.checked_add(units).ok_or(LedgerError::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A holder with 100.00, a merchant with nothing, the bank 100.00 below.
    struct Book {
        holder: Account,
        merchant: Account,
        bank: Account,
    }

    fn yuan(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    fn book() -> Book {
        let account = |id, kind| Account::new(AccountId(id), kind, Currency::CNY);
        let mut book = Book {
            holder: account(1, AccountKind::Holder),
            merchant: account(2, AccountKind::Merchant),
            bank: account(3, AccountKind::Settlement),
        };
        let funding =
            PendingTransfer::reserve(TransferId(1), yuan(10_000), &mut book.bank, &mut book.holder).unwrap();
        funding.post(None, &mut book.bank, &mut book.holder).unwrap();
        book
    }

    impl Book {
        fn reserve(&mut self, minor: i64) -> Result<PendingTransfer, LedgerError> {
            PendingTransfer::reserve(TransferId(2), yuan(minor), &mut self.holder, &mut self.merchant)
        }

        fn sums(&self) -> [i64; 4] {
            let total = self.holder.posted + self.merchant.posted + self.bank.posted;
            [self.holder.posted, self.holder.available(), self.merchant.posted, total]
        }
    }

    #[test]
    fn money_that_is_set_aside_is_gone_from_what_is_available() {
        let mut book = book();
        let pending = book.reserve(2000).unwrap();
        assert_eq!(book.sums(), [10_000, 8_000, 0, 0]);
        let posted = pending.post(None, &mut book.holder, &mut book.merchant).unwrap();
        assert_eq!(book.sums(), [8_000, 8_000, 2_000, 0]);
        assert_eq!(posted.postings().iter().map(|p| p.units).sum::<i64>(), 0);
    }

    #[test]
    fn what_is_voided_or_expired_is_free_again() {
        let mut book = book();
        let pending = book.reserve(2000).unwrap();
        let voided = pending.void(&mut book.holder, &mut book.merchant).unwrap();
        assert_eq!(voided.state(), TransferState::Voided);
        let pending = book.reserve(10_000).unwrap();
        let expired = pending.expire(&mut book.holder, &mut book.merchant).unwrap();
        assert_eq!(expired.state(), TransferState::Expired);
        assert_eq!(book.sums(), [10_000, 10_000, 0, 0]);
    }

    #[test]
    fn a_part_can_be_posted_and_the_rest_is_free() {
        let mut book = book();
        let pending = book.reserve(2000).unwrap();
        pending.post(Some(yuan(1500)), &mut book.holder, &mut book.merchant).unwrap();
        assert_eq!(book.sums(), [8_500, 8_500, 1_500, 0]);
        let pending = book.reserve(2000).unwrap();
        let more = pending.post(Some(yuan(2001)), &mut book.holder, &mut book.merchant);
        assert_eq!(more, Err(LedgerError::MoreThanPending));
    }

    #[test]
    fn nobody_spends_what_they_do_not_have_and_nothing_changes() {
        let mut book = book();
        let _first = book.reserve(9_999).unwrap();
        let before = (book.holder, book.merchant);
        assert_eq!(book.reserve(2), Err(LedgerError::InsufficientFunds));
        assert_eq!((book.holder, book.merchant), before);
        assert!(book.reserve(1).is_ok());
    }

    #[test]
    fn sums_are_checked_before_anything_moves() {
        let mut book = book();
        book.merchant.posted = i64::MAX;
        assert_eq!(book.reserve(1), Err(LedgerError::OutOfRange));
        assert_eq!(book.holder.pending_out, 0);
        let mut dollars = Account::new(AccountId(9), AccountKind::Merchant, Currency::USD);
        let mixed = PendingTransfer::reserve(TransferId(3), yuan(1), &mut book.holder, &mut dollars);
        assert_eq!(mixed, Err(LedgerError::CurrencyDiffers));
    }

    #[test]
    fn only_a_pending_transfer_is_taken_up_from_the_store() {
        let take =
            |state| PendingTransfer::from_stored(TransferId(1), yuan(1), AccountId(1), AccountId(2), state);
        assert!(take(TransferState::Pending).is_ok());
        for state in [TransferState::Posted, TransferState::Voided, TransferState::Expired] {
            assert_eq!(take(state), Err(LedgerError::NotPending(state)));
        }
    }

    #[test]
    fn a_thousand_random_transfers_sum_to_zero() {
        let mut book = book();
        let mut random = 7_u64;
        for _ in 0..1000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let minor = i64::try_from(random >> 52).unwrap() + 1;
            let Ok(pending) = book.reserve(minor) else { continue };
            let (holder, merchant) = (&mut book.holder, &mut book.merchant);
            match random % 3 {
                0 => drop(pending.post(None, holder, merchant).unwrap()),
                1 => drop(pending.void(holder, merchant).unwrap()),
                _ => drop(pending.post(Some(yuan(1)), holder, merchant).unwrap()),
            }
            assert_eq!(book.sums()[3], 0);
            assert!(book.holder.available() >= 0 && book.holder.pending_out == 0);
        }
    }
}
