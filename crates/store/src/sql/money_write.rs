//! [`MoneyUnit`] over a session in a transaction.

use model::{Currency, UnixMillis};
use payment::{
    AccountId, AdjustmentId, MerchantId, OperatorId, OrderId, PendingTransfer, PostedTransfer, RefundId,
    TransferId, TransferState,
};

use super::ahead::About;
use super::params;
use super::write::{Changes, INSERT_POSTING, read_through};
use crate::error::StoreError;
use crate::money::{MoneyReading, MoneyUnit};
use crate::rows::{
    AccountOwner, BankFile, Day, Merchant, Moved, Movement, OrderDetails, PaymentFee, Resolved,
    StoredAdjustment, StoredBankEntry, StoredDifference, StoredFeeRule, StoredPayout, StoredRefund,
    StoredSettlement,
};

read_through! { MoneyReading:
    fn refund(&self, id: RefundId) -> Option<StoredRefund>;
    fn refunds_before(&self, order: OrderId, before: Option<RefundId>, limit: u32) -> Vec<StoredRefund>;
    fn refunded(&self, order: OrderId) -> i64;
    fn fee_rule(&self, merchant: MerchantId, currency: Currency) -> Option<StoredFeeRule>;
    fn fee_rules(&self, merchant: MerchantId) -> Vec<StoredFeeRule>;
    fn payment_fee(&self, order: OrderId) -> Option<PaymentFee>;
    fn order_details(&self, merchant: MerchantId, first: OrderId, last: OrderId) -> Vec<OrderDetails>;
    fn merchants_after(&self, after: Option<MerchantId>, limit: u32) -> Vec<Merchant>;
    fn account_owner(&self, account: AccountId) -> Option<AccountOwner>;
    fn transfer_purpose(&self, id: TransferId) -> Option<String>;
    fn movements(&self, account: AccountId, from: UnixMillis, to: UnixMillis, skip: u32, limit: u32) -> Vec<Movement>;
    fn moved_first(&self, account: AccountId, from: UnixMillis, to: UnixMillis, count: u32) -> i64;
    fn moved(&self, account: AccountId, from: UnixMillis, to: UnixMillis) -> Moved;
    fn next_movement(&self, account: AccountId, from: UnixMillis) -> Option<UnixMillis>;
    fn settlement(&self, merchant: MerchantId, day: Day, currency: Currency) -> Option<StoredSettlement>;
    fn settlements_before(&self, merchant: MerchantId, before: Option<(Day, Currency)>, limit: u32)
        -> Vec<StoredSettlement>;
    fn settlements_of(&self, merchant: MerchantId, day: Day) -> Vec<StoredSettlement>;
    fn newest_settlements(&self, limit: u32) -> Vec<StoredSettlement>;
    fn newest_settlement(&self, account: AccountId) -> Option<StoredSettlement>;
    fn payout(&self, transfer: TransferId) -> Option<StoredPayout>;
    fn bank_file_of(&self, digest: &[u8; 32]) -> Option<BankFile>;
    fn bank_file(&self, id: u32) -> Option<BankFile>;
    fn bank_files_before(&self, before: Option<u32>, limit: u32) -> Vec<BankFile>;
    fn reconciled_since(&self) -> Option<Day>;
    fn bank_entry(&self, file: u32, number: u32) -> Option<StoredBankEntry>;
    fn has_bank_entry(&self, bank_reference: &str, units: i64, booked: Day) -> bool;
    fn bank_entry_of(&self, transfer: TransferId) -> Option<StoredBankEntry>;
    fn unmatched_movements(&self, account: AccountId, from: UnixMillis, to: UnixMillis, limit: u32) -> Vec<Movement>;
    fn difference(&self, id: u32) -> Option<StoredDifference>;
    fn differences_before(&self, open: bool, before: Option<u32>, limit: u32) -> Vec<StoredDifference>;
    fn differences_of(&self, transfer: TransferId) -> Vec<StoredDifference>;
    fn operator_name(&self, id: OperatorId) -> Option<String>;
    fn adjustment(&self, id: AdjustmentId) -> Option<StoredAdjustment>;
    fn adjustments_before(&self, waiting: bool, before: Option<AdjustmentId>, limit: u32) -> Vec<StoredAdjustment>;
}

fn transfer_id(id: Option<TransferId>) -> Option<[u8; 16]> {
    id.map(|id| id.0.to_be_bytes())
}

impl MoneyUnit for Changes<'_> {
    fn add_linked_transfer(
        &mut self,
        transfer: &PendingTransfer,
        purpose: &'static str,
        linked: u128,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        let sql = "insert into transfer (id, from_account, to_account, currency, amount, state, purpose, linked, \
                   created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let params = params![
            transfer.id().0.to_be_bytes(),
            transfer.from().0,
            transfer.to().0,
            transfer.amount().currency().number(),
            transfer.amount().minor(),
            TransferState::Pending.number(),
            purpose,
            linked.to_be_bytes(),
            at.0,
        ];
        self.later(&[About::transfer(transfer.id())], sql, params)
    }

    fn add_posted_transfer(
        &mut self,
        transfer: &PostedTransfer,
        purpose: &'static str,
        linked: Option<u128>,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        let sql = "insert into transfer (id, from_account, to_account, currency, amount, posted_amount, state, \
                   purpose, linked, created_at, ended_at) values (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?9)";
        let [out, into] = transfer.postings();
        let params = params![
            transfer.id().0.to_be_bytes(),
            out.account.0,
            into.account.0,
            transfer.amount().currency().number(),
            transfer.amount().minor(),
            TransferState::Posted.number(),
            purpose,
            linked.map(u128::to_be_bytes),
            at.0,
        ];
        self.later(&[About::transfer(transfer.id())], sql, params)?;
        for posting in [out, into] {
            let params = params![posting.transfer.0.to_be_bytes(), posting.account.0, posting.units, at.0];
            self.later(&[], INSERT_POSTING, params)?;
        }
        Ok(())
    }

    fn add_refund(&mut self, refund: &StoredRefund) -> Result<(), StoreError> {
        // Of two nodes that refund the same rest at once, the second runs its unit of work again: PostgreSQL says so of a
        // row that it conflicts with and cannot see yet.
        let sql = "insert into refund (id, order_id, merchant, currency, amount, refunded_before, transfer, fee_back, \
                   fee_transfer, reference, created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
                   on conflict do nothing";
        let params = params![
            refund.id.0.to_be_bytes(),
            refund.order.0.to_be_bytes(),
            refund.merchant.0,
            refund.amount.currency().number(),
            refund.amount.minor(),
            refund.refunded_before,
            refund.transfer.0.to_be_bytes(),
            refund.fee_back,
            transfer_id(refund.fee_transfer),
            refund.reference,
            refund.created_at.0,
        ];
        self.change_one("refund", sql, params)
    }

    fn put_fee_rule(&mut self, stored: &StoredFeeRule) -> Result<(), StoreError> {
        let sql = "insert into fee_rule (merchant, currency, basis_points, fixed, minimum, maximum, on_refund, set_at) \
                   values (?, ?, ?, ?, ?, ?, ?, ?) \
                   on conflict (merchant, currency) do update set basis_points = excluded.basis_points, \
                   fixed = excluded.fixed, minimum = excluded.minimum, maximum = excluded.maximum, \
                   on_refund = excluded.on_refund, set_at = excluded.set_at";
        let rule = &stored.rule;
        let params = params![
            stored.merchant.0,
            rule.currency().number(),
            rule.basis_points(),
            rule.fixed(),
            rule.minimum(),
            rule.maximum(),
            rule.word_on_refund().name(),
            stored.set_at.0,
        ];
        self.change_one("fee_rule", sql, params)
    }

    fn remove_fee_rule(&mut self, merchant: MerchantId, currency: Currency) -> Result<bool, StoreError> {
        let sql = "delete from fee_rule where merchant = ? and currency = ?";
        Ok(self.execute(sql, params![merchant.0, currency.number()])? > 0)
    }

    fn add_payment_fee(&mut self, fee: &PaymentFee) -> Result<(), StoreError> {
        let sql = "insert into payment_fee (order_id, currency, amount, on_refund, transfer, created_at) \
                   values (?, ?, ?, ?, ?, ?)";
        let params = params![
            fee.order.0.to_be_bytes(),
            fee.amount.currency().number(),
            fee.amount.minor(),
            fee.on_refund.name(),
            fee.transfer.0.to_be_bytes(),
            fee.created_at.0,
        ];
        self.later(&[], sql, params)
    }

    fn add_settlement(&mut self, settlement: &StoredSettlement) -> Result<(), StoreError> {
        let sql = "insert into settlement (merchant, day, currency, account, number, from_at, to_at, offset_seconds, \
                   opening, closing, entries, made_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
                   on conflict do nothing";
        let params = params![
            settlement.merchant.0,
            settlement.day.0,
            settlement.currency.number(),
            settlement.account.0,
            settlement.number,
            settlement.from.0,
            settlement.to.0,
            settlement.offset_seconds,
            settlement.opening,
            settlement.closing,
            settlement.entries,
            settlement.made_at.0,
        ];
        self.change_one("settlement", sql, params)
    }

    fn add_payout(&mut self, payout: &StoredPayout) -> Result<(), StoreError> {
        let sql =
            "insert into payout (transfer, merchant, currency, amount, created_at) values (?, ?, ?, ?, ?)";
        let params = params![
            payout.transfer.0.to_be_bytes(),
            payout.merchant.0,
            payout.amount.currency().number(),
            payout.amount.minor(),
            payout.created_at.0,
        ];
        self.execute(sql, params)?;
        Ok(())
    }

    fn add_bank_file(&mut self, file: &BankFile) -> Result<u32, StoreError> {
        let sql = "insert into bank_file (digest, name, form, first_day, last_day, entries, matched, imported_at) \
                   values (?, ?, ?, ?, ?, ?, ?, ?) returning id";
        let params = params![
            file.digest,
            file.name,
            file.form,
            file.first_day.0,
            file.last_day.0,
            file.entries,
            file.matched,
            file.imported_at.0,
        ];
        self.insert("bank_file", sql, params)
    }

    fn add_bank_entry(&mut self, entry: &StoredBankEntry) -> Result<(), StoreError> {
        let sql = "insert into bank_entry (file, number, line, currency, units, booked, bank_reference, reference, \
                   text, transfer, found_by) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let params = params![
            entry.file,
            entry.number,
            entry.line,
            entry.currency.number(),
            entry.units,
            entry.booked.0,
            entry.bank_reference,
            entry.reference,
            entry.text,
            transfer_id(entry.transfer),
            entry.found_by,
        ];
        self.execute(sql, params)?;
        Ok(())
    }

    fn add_difference(&mut self, difference: &StoredDifference) -> Result<u32, StoreError> {
        let sql = "insert into difference (kind, file, entry, transfer, currency, ours, theirs, day, found_at, \
                   resolution, reason, resolved_by, resolved_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
                   returning id";
        let resolved = difference.resolved.as_ref();
        let params = params![
            difference.kind.name(),
            difference.file,
            difference.entry,
            transfer_id(difference.transfer),
            difference.currency.number(),
            difference.ours,
            difference.theirs,
            difference.day.0,
            difference.found_at.0,
            resolved.map(|resolved| resolved.resolution.name()),
            resolved.map(|resolved| resolved.reason.as_str()),
            resolved.and_then(|resolved| resolved.by).map(|by| by.0),
            resolved.map(|resolved| resolved.at.0),
        ];
        self.insert("difference", sql, params)
    }

    fn resolve_difference(&mut self, id: u32, resolved: &Resolved) -> Result<(), StoreError> {
        let sql = "update difference set resolution = ?, reason = ?, resolved_by = ?, resolved_at = ? \
                   where id = ? and resolution is null";
        let params = params![
            resolved.resolution.name(),
            resolved.reason,
            resolved.by.map(|by| by.0),
            resolved.at.0,
            id,
        ];
        self.change_one("difference", sql, params)
    }

    fn operator_named(&mut self, name: &str) -> Result<OperatorId, StoreError> {
        let find = "select id from operator_name where name = ?";
        if let Some(id) = self.read().one(find, [name], |row| row.get(0))? {
            return Ok(OperatorId(id));
        }
        let sql = "insert into operator_name (name) values (?) returning id";
        self.insert("operator_name", sql, [name]).map(OperatorId)
    }

    fn add_adjustment(&mut self, stored: &StoredAdjustment) -> Result<(), StoreError> {
        let sql = "insert into adjustment (id, proposed_by, proposed_at, reason, from_account, to_account, currency, \
                   amount, state, decided_by, transfer, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let adjustment = &stored.adjustment;
        let legs = adjustment.legs();
        let params = params![
            adjustment.id().0.to_be_bytes(),
            adjustment.proposed_by().0,
            adjustment.proposed_at().0,
            adjustment.reason().as_str(),
            legs.from().0,
            legs.to().0,
            legs.amount().currency().number(),
            legs.amount().minor(),
            adjustment.state().name(),
            adjustment.state().operator().map(|by| by.0),
            transfer_id(stored.transfer),
            stored.updated_at.0,
        ];
        self.execute(sql, params)?;
        Ok(())
    }

    fn put_adjustment(&mut self, stored: &StoredAdjustment) -> Result<(), StoreError> {
        let sql = "update adjustment set state = ?, decided_by = ?, transfer = ?, updated_at = ? \
                   where id = ? and state in ('proposed', 'approved')";
        let adjustment = &stored.adjustment;
        let params = params![
            adjustment.state().name(),
            adjustment.state().operator().map(|by| by.0),
            transfer_id(stored.transfer),
            stored.updated_at.0,
            adjustment.id().0.to_be_bytes(),
        ];
        self.change_one("adjustment", sql, params)
    }
}
