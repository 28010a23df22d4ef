//! What a unit of work can see and change of money that comes back and goes out.
//!
//! For: keeping [`Reading`](crate::Reading) and [`Unit`](crate::Unit) readable; both include these.
//! Refuses: the rules (`payment::{refund, fee, adjustment}`, `statement`). What is guarded here holds when everything above
//! fails: each rest of an order is refunded once, one fee a payment, refunds and settlements never change, a transfer is at
//! most one entry of a bank, a file is taken once, nobody approves their own adjustment.
//! Next: [`crate::rows`] for the values.

use model::{Currency, UnixMillis};
use payment::{
    AccountId, AdjustmentId, MerchantId, OperatorId, OrderId, PendingTransfer, PostedTransfer, RefundId,
    TransferId,
};

use crate::StoreError;
use crate::rows::{
    AccountOwner, BankFile, Day, Merchant, Moved, Movement, OrderDetails, PaymentFee, Resolved,
    StoredAdjustment, StoredBankEntry, StoredDifference, StoredFeeRule, StoredPayout, StoredRefund,
    StoredSettlement,
};

type Found<T> = Result<Option<T>, StoreError>;
type Listed<T> = Result<Vec<T>, StoreError>;

/// What can be read of refunds, fees, settlements, banks' files and adjustments.
pub trait MoneyReading {
    /// A refund.
    fn refund(&self, id: RefundId) -> Found<StoredRefund>;
    /// An order's refunds, newest first, below a cursor.
    fn refunds_before(&self, order: OrderId, before: Option<RefundId>, limit: u32) -> Listed<StoredRefund>;
    /// What was given back of an order, in minor units.
    fn refunded(&self, order: OrderId) -> Result<i64, StoreError>;
    /// A merchant's fee rule in a currency.
    fn fee_rule(&self, merchant: MerchantId, currency: Currency) -> Found<StoredFeeRule>;
    /// A merchant's fee rules, by the currency's number.
    fn fee_rules(&self, merchant: MerchantId) -> Listed<StoredFeeRule>;
    /// What was kept of a payment.
    fn payment_fee(&self, order: OrderId) -> Found<PaymentFee>;
    /// What stands beside a merchant's orders from one to another, both included, by id: all at once, however many they are.
    fn order_details(&self, merchant: MerchantId, first: OrderId, last: OrderId) -> Listed<OrderDetails>;
    /// Merchants above an id, by id.
    fn merchants_after(&self, after: Option<MerchantId>, limit: u32) -> Listed<Merchant>;
    /// Whose an account is.
    fn account_owner(&self, account: AccountId) -> Found<AccountOwner>;
    /// The purpose of a transfer.
    fn transfer_purpose(&self, id: TransferId) -> Found<String>;
    /// An account's postings from a moment up to, and without, another, the oldest first, after the first `skip` of them.
    fn movements(
        &self,
        account: AccountId,
        from: UnixMillis,
        to: UnixMillis,
        skip: u32,
        limit: u32,
    ) -> Listed<Movement>;
    /// The sum of the first `count` of them, in minor units.
    fn moved_first(
        &self,
        account: AccountId,
        from: UnixMillis,
        to: UnixMillis,
        count: u32,
    ) -> Result<i64, StoreError>;
    /// How many they are, and their sum.
    fn moved(&self, account: AccountId, from: UnixMillis, to: UnixMillis) -> Result<Moved, StoreError>;
    /// When an account first moved from a moment on.
    fn next_movement(&self, account: AccountId, from: UnixMillis) -> Found<UnixMillis>;
    /// A settlement.
    fn settlement(&self, merchant: MerchantId, day: Day, currency: Currency) -> Found<StoredSettlement>;
    /// A merchant's settlements, newest first, below a day and currency.
    fn settlements_before(
        &self,
        merchant: MerchantId,
        before: Option<(Day, Currency)>,
        limit: u32,
    ) -> Listed<StoredSettlement>;
    /// The settlements of a merchant's day, by the currency's number.
    fn settlements_of(&self, merchant: MerchantId, day: Day) -> Listed<StoredSettlement>;
    /// The newest settlements of all, at most so many: by day, then merchant.
    fn newest_settlements(&self, limit: u32) -> Listed<StoredSettlement>;
    /// An account's newest settlement.
    fn newest_settlement(&self, account: AccountId) -> Found<StoredSettlement>;
    /// A payout.
    fn payout(&self, transfer: TransferId) -> Found<StoredPayout>;
    /// The bank's file of these bytes.
    fn bank_file_of(&self, digest: &[u8; 32]) -> Found<BankFile>;
    /// A bank's file.
    fn bank_file(&self, id: u32) -> Found<BankFile>;
    /// Banks' files, newest first, below a number.
    fn bank_files_before(&self, before: Option<u32>, limit: u32) -> Listed<BankFile>;
    /// The first day that any file has an entry of.
    fn reconciled_since(&self) -> Found<Day>;
    /// An entry of a bank's file.
    fn bank_entry(&self, file: u32, number: u32) -> Found<StoredBankEntry>;
    /// Whether an entry with this reference of the bank's, money and day was taken already.
    fn has_bank_entry(&self, bank_reference: &str, units: i64, booked: Day) -> Result<bool, StoreError>;
    /// The entry that a transfer is.
    fn bank_entry_of(&self, transfer: TransferId) -> Found<StoredBankEntry>;
    /// [`MoneyReading::movements`] that no bank's entry is yet.
    fn unmatched_movements(
        &self,
        account: AccountId,
        from: UnixMillis,
        to: UnixMillis,
        limit: u32,
    ) -> Listed<Movement>;
    /// A difference.
    fn difference(&self, id: u32) -> Found<StoredDifference>;
    /// Differences, newest first, below a number: those that are open, or all.
    fn differences_before(&self, open: bool, before: Option<u32>, limit: u32) -> Listed<StoredDifference>;
    /// A transfer's differences, the oldest first.
    fn differences_of(&self, transfer: TransferId) -> Listed<StoredDifference>;
    /// What an operator is called.
    fn operator_name(&self, id: OperatorId) -> Found<String>;
    /// An adjustment.
    fn adjustment(&self, id: AdjustmentId) -> Found<StoredAdjustment>;
    /// Adjustments, newest first, below a cursor: those that wait, or all.
    fn adjustments_before(
        &self,
        waiting: bool,
        before: Option<AdjustmentId>,
        limit: u32,
    ) -> Listed<StoredAdjustment>;
}

/// What can be changed of them. `put_` changes exactly one row, or answers [`StoreError::Malformed`] with its table.
pub trait MoneyUnit {
    /// Adds a pending transfer that belongs to something: an order, an adjustment.
    fn add_linked_transfer(
        &mut self,
        transfer: &PendingTransfer,
        purpose: &'static str,
        linked: u128,
        at: UnixMillis,
    ) -> Result<(), StoreError>;
    /// Adds a transfer that was posted at once, with its two postings; `linked` is what it belongs to.
    fn add_posted_transfer(
        &mut self,
        transfer: &PostedTransfer,
        purpose: &'static str,
        linked: Option<u128>,
        at: UnixMillis,
    ) -> Result<(), StoreError>;
    /// Adds a refund. [`StoreError::Malformed`] where the same rest was refunded already.
    fn add_refund(&mut self, refund: &StoredRefund) -> Result<(), StoreError>;
    /// Sets a merchant's fee rule in its currency.
    fn put_fee_rule(&mut self, rule: &StoredFeeRule) -> Result<(), StoreError>;
    /// Takes a merchant's fee rule away; whether there was one.
    fn remove_fee_rule(&mut self, merchant: MerchantId, currency: Currency) -> Result<bool, StoreError>;
    /// Adds what was kept of a payment.
    fn add_payment_fee(&mut self, fee: &PaymentFee) -> Result<(), StoreError>;
    /// Closes a day. [`StoreError::Malformed`] where it is closed already.
    fn add_settlement(&mut self, settlement: &StoredSettlement) -> Result<(), StoreError>;
    /// Adds a payout.
    fn add_payout(&mut self, payout: &StoredPayout) -> Result<(), StoreError>;
    /// Adds a bank's file; its number.
    fn add_bank_file(&mut self, file: &BankFile) -> Result<u32, StoreError>;
    /// Adds an entry of a bank's file.
    fn add_bank_entry(&mut self, entry: &StoredBankEntry) -> Result<(), StoreError>;
    /// Adds a difference; its number.
    fn add_difference(&mut self, difference: &StoredDifference) -> Result<u32, StoreError>;
    /// Ends a difference that is open.
    fn resolve_difference(&mut self, id: u32, resolved: &Resolved) -> Result<(), StoreError>;
    /// The operator of a name, made if it is new.
    fn operator_named(&mut self, name: &str) -> Result<OperatorId, StoreError>;
    /// Adds an adjustment.
    fn add_adjustment(&mut self, adjustment: &StoredAdjustment) -> Result<(), StoreError>;
    /// Keeps an adjustment's state; what has ended never changes.
    fn put_adjustment(&mut self, adjustment: &StoredAdjustment) -> Result<(), StoreError>;
}
