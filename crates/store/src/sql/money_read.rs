//! [`MoneyReading`] over a connection.

use model::{Currency, UnixMillis};
use payment::{AccountId, AdjustmentId, MerchantId, OperatorId, OrderId, RefundId, TransferId};

use super::ahead::{self, About};
use super::read::{Rows, select};
use super::{money_row as row, params};
use crate::error::StoreError;
use crate::money::MoneyReading;
use crate::rows::{
    AccountOwner, BankFile, Day, Merchant, Moved, Movement, OrderDetails, PaymentFee, StoredAdjustment,
    StoredBankEntry, StoredDifference, StoredFeeRule, StoredPayout, StoredRefund, StoredSettlement,
};

const REFUNDS: &str = "from refund where order_id = ? and id < ? order by id desc limit ?";
const REFUNDED: &str = "select cast(coalesce(sum(amount), 0) as bigint) from refund where order_id = ?";
const DETAILS: &str = "select o.id, coalesce(p.name, ''), \
     (select cast(coalesce(sum(r.amount), 0) as bigint) from refund r where r.order_id = o.id), f.amount \
     from orders o left join place p on p.id = o.place and p.merchant = o.merchant \
     left join payment_fee f on f.order_id = o.id where o.merchant = ? and o.id >= ? and o.id <= ? order by o.id";
/// What is skipped is only counted, in the index; where everything is, the comparison is with nothing, and nothing is found.
const MOVEMENTS: &str = "from posting p join transfer t on t.id = p.transfer left join orders o on o.id = t.linked \
     where p.account = ? and p.at < ? and (p.at, p.id) >= \
     (select at, id from posting where account = ? and at >= ? and at < ? order by at, id limit 1 offset ?) \
     order by p.at, p.id limit ?";
const MOVED_FIRST: &str = "select cast(coalesce(sum(units), 0) as bigint) from \
     (select units from posting where account = ? and at >= ? and at < ? order by at, id limit ?) first";
const UNMATCHED: &str = "from posting p join transfer t on t.id = p.transfer left join orders o on o.id = t.linked \
     where p.account = ? and p.at >= ? and p.at < ? \
     and not exists (select 1 from bank_entry b where b.transfer = p.transfer) order by p.at, p.id limit ?";
const MOVED: &str = "select count(*), cast(coalesce(sum(units), 0) as bigint) from posting \
     where account = ? and at >= ? and at < ?";
const NEXT_MOVEMENT: &str = "select at from posting where account = ? and at >= ? order by at limit 1";
const SETTLEMENTS: &str = "from settlement where merchant = ? and (day, currency) < (?, ?) \
     order by day desc, currency desc limit ?";
const NEWEST_SETTLEMENT: &str = "from settlement where account = ? order by number desc limit 1";
const HAS_ENTRY: &str =
    "select 1 from bank_entry where bank_reference = ? and units = ? and booked = ? limit 1";
const OPEN: &str = "from difference where resolution is null and id < ? order by id desc limit ?";
const OF_TRANSFER: &str = "from difference where transfer = ? order by id";
const WAITING: &str =
    "from adjustment where state in ('proposed', 'approved') and id < ? order by id desc limit ?";

/// Above every number that a row has.
const NO_NUMBER: i64 = i64::MAX;

impl MoneyReading for Rows<'_> {
    fn refund(&self, id: RefundId) -> Result<Option<StoredRefund>, StoreError> {
        self.one(select!(row::REFUND, "from refund where id = ?"), [id.0.to_be_bytes()], row::refund)
    }

    fn refunds_before(
        &self,
        order: OrderId,
        before: Option<RefundId>,
        limit: u32,
    ) -> Result<Vec<StoredRefund>, StoreError> {
        let before = before.map_or([0xff; 16], |id| id.0.to_be_bytes());
        self.many(select!(row::REFUND, REFUNDS), params![order.0.to_be_bytes(), before, limit], row::refund)
    }

    fn refunded(&self, order: OrderId) -> Result<i64, StoreError> {
        Ok(self.one(REFUNDED, [order.0.to_be_bytes()], |row| row.get(0))?.unwrap_or(0))
    }

    fn fee_rule(
        &self,
        merchant: MerchantId,
        currency: Currency,
    ) -> Result<Option<StoredFeeRule>, StoreError> {
        let params = params![merchant.0, currency.number()];
        self.one_about(About::merchant(merchant), ahead::fee_rule(), params, row::fee_rule)
    }

    fn fee_rules(&self, merchant: MerchantId) -> Result<Vec<StoredFeeRule>, StoreError> {
        let sql = select!(row::FEE_RULE, "from fee_rule where merchant = ? order by currency");
        self.many(sql, [merchant.0], row::fee_rule)
    }

    fn payment_fee(&self, order: OrderId) -> Result<Option<PaymentFee>, StoreError> {
        let sql = select!(row::PAYMENT_FEE, "from payment_fee where order_id = ?");
        self.one(sql, [order.0.to_be_bytes()], row::payment_fee)
    }

    fn order_details(
        &self,
        merchant: MerchantId,
        first: OrderId,
        last: OrderId,
    ) -> Result<Vec<OrderDetails>, StoreError> {
        self.many(DETAILS, params![merchant.0, first.0.to_be_bytes(), last.0.to_be_bytes()], |row| {
            let order = OrderId(u128::from_be_bytes(row.get(0)?));
            Ok(OrderDetails { order, place: row.get(1)?, refunded: row.get(2)?, fee: row.get(3)? })
        })
    }

    fn merchants_after(&self, after: Option<MerchantId>, limit: u32) -> Result<Vec<Merchant>, StoreError> {
        let after = after.map_or(-1, |id| i64::from(id.0));
        let sql = "select id, name from merchant where id > ? order by id limit ?";
        self.many(sql, params![after, limit], |row| {
            Ok(Merchant { id: MerchantId(row.get(0)?), name: row.get(1)? })
        })
    }

    fn account_owner(&self, account: AccountId) -> Result<Option<AccountOwner>, StoreError> {
        self.one(select!(row::OWNER, "from account where id = ?"), [account.0], row::owner)
    }

    fn transfer_purpose(&self, id: TransferId) -> Result<Option<String>, StoreError> {
        self.one("select purpose from transfer where id = ?", [id.0.to_be_bytes()], |row| row.get(0))
    }

    fn movements(
        &self,
        account: AccountId,
        from: UnixMillis,
        to: UnixMillis,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<Movement>, StoreError> {
        let sql = select!(row::MOVEMENT, MOVEMENTS);
        self.many(sql, params![account.0, to.0, account.0, from.0, to.0, skip, limit], row::movement)
    }

    fn moved_first(
        &self,
        account: AccountId,
        from: UnixMillis,
        to: UnixMillis,
        count: u32,
    ) -> Result<i64, StoreError> {
        let sum = self.one(MOVED_FIRST, params![account.0, from.0, to.0, count], |row| row.get(0))?;
        Ok(sum.unwrap_or(0))
    }

    fn moved(&self, account: AccountId, from: UnixMillis, to: UnixMillis) -> Result<Moved, StoreError> {
        let moved = self.one(MOVED, params![account.0, from.0, to.0], |row| {
            Ok(Moved { entries: row.get(0)?, units: row.get(1)? })
        })?;
        Ok(moved.unwrap_or_default())
    }

    fn next_movement(&self, account: AccountId, from: UnixMillis) -> Result<Option<UnixMillis>, StoreError> {
        self.one(NEXT_MOVEMENT, params![account.0, from.0], |row| Ok(UnixMillis(row.get(0)?)))
    }

    fn settlement(
        &self,
        merchant: MerchantId,
        day: Day,
        currency: Currency,
    ) -> Result<Option<StoredSettlement>, StoreError> {
        let sql = select!(row::SETTLEMENT, "from settlement where merchant = ? and day = ? and currency = ?");
        self.one(sql, params![merchant.0, day.0, currency.number()], row::settlement)
    }

    fn settlements_before(
        &self,
        merchant: MerchantId,
        before: Option<(Day, Currency)>,
        limit: u32,
    ) -> Result<Vec<StoredSettlement>, StoreError> {
        let (day, currency) = before.map_or((u32::MAX, 0), |(day, currency)| (day.0, currency.number()));
        self.many(
            select!(row::SETTLEMENT, SETTLEMENTS),
            params![merchant.0, day, currency, limit],
            row::settlement,
        )
    }

    fn settlements_of(&self, merchant: MerchantId, day: Day) -> Result<Vec<StoredSettlement>, StoreError> {
        let sql =
            select!(row::SETTLEMENT, "from settlement where merchant = ? and day = ? order by currency");
        self.many(sql, params![merchant.0, day.0], row::settlement)
    }

    fn newest_settlements(&self, limit: u32) -> Result<Vec<StoredSettlement>, StoreError> {
        let sql = select!(row::SETTLEMENT, "from settlement order by day desc, merchant, currency limit ?");
        self.many(sql, [limit], row::settlement)
    }

    fn newest_settlement(&self, account: AccountId) -> Result<Option<StoredSettlement>, StoreError> {
        self.one(select!(row::SETTLEMENT, NEWEST_SETTLEMENT), [account.0], row::settlement)
    }

    fn payout(&self, transfer: TransferId) -> Result<Option<StoredPayout>, StoreError> {
        let sql = select!(row::PAYOUT, "from payout where transfer = ?");
        self.one(sql, [transfer.0.to_be_bytes()], row::payout)
    }

    fn bank_file_of(&self, digest: &[u8; 32]) -> Result<Option<BankFile>, StoreError> {
        self.one(select!(row::BANK_FILE, "from bank_file where digest = ?"), [digest], row::bank_file)
    }

    fn bank_file(&self, id: u32) -> Result<Option<BankFile>, StoreError> {
        self.one(select!(row::BANK_FILE, "from bank_file where id = ?"), [id], row::bank_file)
    }

    fn bank_files_before(&self, before: Option<u32>, limit: u32) -> Result<Vec<BankFile>, StoreError> {
        let before = before.map_or(NO_NUMBER, i64::from);
        let sql = select!(row::BANK_FILE, "from bank_file where id < ? order by id desc limit ?");
        self.many(sql, params![before, limit], row::bank_file)
    }

    fn reconciled_since(&self) -> Result<Option<Day>, StoreError> {
        let sql = "select min(first_day) from bank_file";
        Ok(self.one(sql, params![], |row| row.get::<Option<u32>>(0))?.flatten().map(Day))
    }

    fn bank_entry(&self, file: u32, number: u32) -> Result<Option<StoredBankEntry>, StoreError> {
        let sql = select!(row::BANK_ENTRY, "from bank_entry where file = ? and number = ?");
        self.one(sql, [file, number], row::bank_entry)
    }

    fn has_bank_entry(&self, bank_reference: &str, units: i64, booked: Day) -> Result<bool, StoreError> {
        Ok(self.one(HAS_ENTRY, params![bank_reference, units, booked.0], |_| Ok(()))?.is_some())
    }

    fn bank_entry_of(&self, transfer: TransferId) -> Result<Option<StoredBankEntry>, StoreError> {
        let sql = select!(row::BANK_ENTRY, "from bank_entry where transfer = ?");
        self.one(sql, [transfer.0.to_be_bytes()], row::bank_entry)
    }

    fn unmatched_movements(
        &self,
        account: AccountId,
        from: UnixMillis,
        to: UnixMillis,
        limit: u32,
    ) -> Result<Vec<Movement>, StoreError> {
        let sql = select!(row::MOVEMENT, UNMATCHED);
        self.many(sql, params![account.0, from.0, to.0, limit], row::movement)
    }

    fn difference(&self, id: u32) -> Result<Option<StoredDifference>, StoreError> {
        self.one(select!(row::DIFFERENCE, "from difference where id = ?"), [id], row::difference)
    }

    fn differences_before(
        &self,
        open: bool,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<StoredDifference>, StoreError> {
        let before = before.map_or(NO_NUMBER, i64::from);
        let sql = if open {
            select!(row::DIFFERENCE, OPEN)
        } else {
            select!(row::DIFFERENCE, "from difference where id < ? order by id desc limit ?")
        };
        self.many(sql, params![before, limit], row::difference)
    }

    fn differences_of(&self, transfer: TransferId) -> Result<Vec<StoredDifference>, StoreError> {
        self.many(select!(row::DIFFERENCE, OF_TRANSFER), [transfer.0.to_be_bytes()], row::difference)
    }

    fn operator_name(&self, id: OperatorId) -> Result<Option<String>, StoreError> {
        self.one("select name from operator_name where id = ?", [id.0], |row| row.get(0))
    }

    fn adjustment(&self, id: AdjustmentId) -> Result<Option<StoredAdjustment>, StoreError> {
        let sql = select!(row::ADJUSTMENT, "from adjustment where id = ?");
        self.one(sql, [id.0.to_be_bytes()], row::adjustment)
    }

    fn adjustments_before(
        &self,
        waiting: bool,
        before: Option<AdjustmentId>,
        limit: u32,
    ) -> Result<Vec<StoredAdjustment>, StoreError> {
        let before = before.map_or([0xff; 16], |id| id.0.to_be_bytes());
        let sql = if waiting {
            select!(row::ADJUSTMENT, WAITING)
        } else {
            select!(row::ADJUSTMENT, "from adjustment where id < ? order by id desc limit ?")
        };
        self.many(sql, params![before, limit], row::adjustment)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sqlite::connection;

    /// How SQLite will answer, as it tells it.
    fn plan(sql: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let connection = connection::ready(&folder.path().join("counterfoil.db"), Duration::ZERO).unwrap();
        let mut statement = connection.prepare(&format!("explain query plan {sql}")).unwrap();
        let nulls = vec![rusqlite::types::Null; statement.parameter_count()];
        let steps = statement.query_map(rusqlite::params_from_iter(nulls), |row| row.get(3)).unwrap();
        steps.collect::<Result<Vec<String>, _>>().unwrap().join("; ")
    }

    #[test]
    fn what_grows_without_end_is_found_by_an_index_and_never_sorted() {
        for (sql, index) in [
            (REFUNDS, "refund_by_order (order_id=? AND id<?)"),
            (REFUNDED, "(order_id=?)"),
            (MOVEMENTS, "posting_by_account (account=? AND at>? AND at<?)"),
            (UNMATCHED, "one_entry_a_transfer (transfer=?)"),
            (MOVED, "posting_by_account (account=? AND at>? AND at<?)"),
            (NEXT_MOVEMENT, "COVERING INDEX posting_by_account (account=? AND at>?)"),
            (SETTLEMENTS, "PRIMARY KEY (merchant=?"),
            (NEWEST_SETTLEMENT, "one_settlement_a_number (account=?)"),
            (HAS_ENTRY, "bank_entry_by_reference (bank_reference=? AND units=? AND booked=?)"),
            (OPEN, "difference_open (id<?)"),
            (OF_TRANSFER, "difference_by_transfer (transfer=?)"),
            (WAITING, "adjustment_waiting (id<?)"),
        ] {
            let sql = if sql.starts_with("select") { sql.to_owned() } else { format!("select * {sql}") };
            let plan = plan(&sql);
            assert!(
                plan.contains(index) && !plan.contains("SCAN") && !plan.contains("TEMP"),
                "{sql}: {plan}"
            );
        }
    }
}
