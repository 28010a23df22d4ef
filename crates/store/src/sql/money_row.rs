//! Rows of refunds, fees, settlements, banks' files and adjustments to values and back.

use model::{Amount, UnixMillis};
use payment::{
    AccountId, Adjustment, AdjustmentId, AdjustmentState, FeeOnRefund, FeeRule, Legs, MerchantId, OperatorId,
    OrderId, RefundId, TransferId,
};

use super::Row;
use super::row::{self, Column, Read, col, currency, id_bytes, malformed, small};
use crate::error::StoreError;
use crate::rows::{
    AccountOwner, BankFile, Day, DifferenceKind, Movement, PaymentFee, Resolution, Resolved,
    StoredAdjustment, StoredBankEntry, StoredDifference, StoredFeeRule, StoredPayout, StoredRefund,
    StoredSettlement,
};

fn amount(row: &Row<'_>, units: Column, of: Column) -> Read<Amount> {
    Amount::new(units.get(row)?, currency(row, of)?).map_err(malformed(units.name))
}

fn at(row: &Row<'_>, column: Column) -> Read<UnixMillis> {
    Ok(UnixMillis(column.get(row)?))
}

fn day(row: &Row<'_>, column: Column) -> Read<Day> {
    Ok(Day(small(row, column)?))
}

fn id_if_any(row: &Row<'_>, column: Column) -> Read<Option<u128>> {
    Ok(column.get::<Option<[u8; 16]>>(row)?.map(u128::from_be_bytes))
}

fn on_refund(row: &Row<'_>, column: Column) -> Read<FeeOnRefund> {
    FeeOnRefund::from_name(&column.get::<String>(row)?).ok_or(StoreError::Malformed(column.name))
}

pub(super) const REFUND: &str = "id, order_id, merchant, currency, amount, refunded_before, transfer, \
     fee_back, fee_transfer, reference, created_at";

pub(super) fn refund(row: &Row<'_>) -> Read<StoredRefund> {
    Ok(StoredRefund {
        id: RefundId(id_bytes(row, col!(REFUND, "id"))?),
        order: OrderId(id_bytes(row, col!(REFUND, "order_id"))?),
        merchant: MerchantId(small(row, col!(REFUND, "merchant"))?),
        amount: amount(row, col!(REFUND, "amount"), col!(REFUND, "currency"))?,
        refunded_before: col!(REFUND, "refunded_before").get(row)?,
        transfer: TransferId(id_bytes(row, col!(REFUND, "transfer"))?),
        fee_back: small(row, col!(REFUND, "fee_back"))?,
        fee_transfer: id_if_any(row, col!(REFUND, "fee_transfer"))?.map(TransferId),
        reference: col!(REFUND, "reference").get(row)?,
        created_at: at(row, col!(REFUND, "created_at"))?,
    })
}

pub(super) const FEE_RULE: &str =
    "merchant, currency, basis_points, fixed, minimum, maximum, on_refund, set_at";

pub(super) fn fee_rule(row: &Row<'_>) -> Read<StoredFeeRule> {
    let currency = currency(row, col!(FEE_RULE, "currency"))?;
    let rule = FeeRule::new(
        currency,
        small(row, col!(FEE_RULE, "basis_points"))?,
        small(row, col!(FEE_RULE, "fixed"))?,
    )
    .map_err(malformed("fee_rule.basis_points"))?
    .within(small(row, col!(FEE_RULE, "minimum"))?, col!(FEE_RULE, "maximum").get(row)?)
    .map_err(malformed("fee_rule.maximum"))?
    .on_refund(on_refund(row, col!(FEE_RULE, "on_refund"))?);
    Ok(StoredFeeRule {
        merchant: MerchantId(small(row, col!(FEE_RULE, "merchant"))?),
        rule,
        set_at: at(row, col!(FEE_RULE, "set_at"))?,
    })
}

pub(super) const PAYMENT_FEE: &str = "order_id, currency, amount, on_refund, transfer, created_at";

pub(super) fn payment_fee(row: &Row<'_>) -> Read<PaymentFee> {
    Ok(PaymentFee {
        order: OrderId(id_bytes(row, col!(PAYMENT_FEE, "order_id"))?),
        amount: amount(row, col!(PAYMENT_FEE, "amount"), col!(PAYMENT_FEE, "currency"))?,
        on_refund: on_refund(row, col!(PAYMENT_FEE, "on_refund"))?,
        transfer: TransferId(id_bytes(row, col!(PAYMENT_FEE, "transfer"))?),
        created_at: at(row, col!(PAYMENT_FEE, "created_at"))?,
    })
}

/// In this order: of `posting`, its `transfer`, and the order that it belongs to.
pub(super) const MOVEMENT: &str = "p.at, t.purpose, p.transfer, o.id, o.reference, p.units";

pub(super) fn movement(row: &Row<'_>) -> Read<Movement> {
    Ok(Movement {
        at: at(row, col!(MOVEMENT, "p.at"))?,
        purpose: col!(MOVEMENT, "t.purpose").get(row)?,
        transfer: TransferId(id_bytes(row, col!(MOVEMENT, "p.transfer"))?),
        order: id_if_any(row, col!(MOVEMENT, "o.id"))?.map(OrderId),
        reference: col!(MOVEMENT, "o.reference").get(row)?,
        units: col!(MOVEMENT, "p.units").get(row)?,
    })
}

pub(super) const SETTLEMENT: &str = "merchant, day, currency, account, number, from_at, to_at, \
     offset_seconds, opening, closing, entries, made_at";

pub(super) fn settlement(row: &Row<'_>) -> Read<StoredSettlement> {
    Ok(StoredSettlement {
        merchant: MerchantId(small(row, col!(SETTLEMENT, "merchant"))?),
        day: day(row, col!(SETTLEMENT, "day"))?,
        currency: currency(row, col!(SETTLEMENT, "currency"))?,
        account: AccountId(col!(SETTLEMENT, "account").get(row)?),
        number: small(row, col!(SETTLEMENT, "number"))?,
        from: at(row, col!(SETTLEMENT, "from_at"))?,
        to: at(row, col!(SETTLEMENT, "to_at"))?,
        offset_seconds: small(row, col!(SETTLEMENT, "offset_seconds"))?,
        opening: col!(SETTLEMENT, "opening").get(row)?,
        closing: col!(SETTLEMENT, "closing").get(row)?,
        entries: small(row, col!(SETTLEMENT, "entries"))?,
        made_at: at(row, col!(SETTLEMENT, "made_at"))?,
    })
}

pub(super) const PAYOUT: &str = "transfer, merchant, currency, amount, created_at";

pub(super) fn payout(row: &Row<'_>) -> Read<StoredPayout> {
    Ok(StoredPayout {
        transfer: TransferId(id_bytes(row, col!(PAYOUT, "transfer"))?),
        merchant: MerchantId(small(row, col!(PAYOUT, "merchant"))?),
        amount: amount(row, col!(PAYOUT, "amount"), col!(PAYOUT, "currency"))?,
        created_at: at(row, col!(PAYOUT, "created_at"))?,
    })
}

pub(super) const BANK_FILE: &str =
    "id, digest, name, form, first_day, last_day, entries, matched, imported_at";

pub(super) fn bank_file(row: &Row<'_>) -> Read<BankFile> {
    Ok(BankFile {
        id: small(row, col!(BANK_FILE, "id"))?,
        digest: col!(BANK_FILE, "digest").get(row)?,
        name: col!(BANK_FILE, "name").get(row)?,
        form: col!(BANK_FILE, "form").get(row)?,
        first_day: day(row, col!(BANK_FILE, "first_day"))?,
        last_day: day(row, col!(BANK_FILE, "last_day"))?,
        entries: small(row, col!(BANK_FILE, "entries"))?,
        matched: small(row, col!(BANK_FILE, "matched"))?,
        imported_at: at(row, col!(BANK_FILE, "imported_at"))?,
    })
}

pub(super) const BANK_ENTRY: &str =
    "file, number, line, currency, units, booked, bank_reference, reference, text, transfer, found_by";

pub(super) fn bank_entry(row: &Row<'_>) -> Read<StoredBankEntry> {
    Ok(StoredBankEntry {
        file: small(row, col!(BANK_ENTRY, "file"))?,
        number: small(row, col!(BANK_ENTRY, "number"))?,
        line: small(row, col!(BANK_ENTRY, "line"))?,
        currency: currency(row, col!(BANK_ENTRY, "currency"))?,
        units: col!(BANK_ENTRY, "units").get(row)?,
        booked: day(row, col!(BANK_ENTRY, "booked"))?,
        bank_reference: col!(BANK_ENTRY, "bank_reference").get(row)?,
        reference: col!(BANK_ENTRY, "reference").get(row)?,
        text: col!(BANK_ENTRY, "text").get(row)?,
        transfer: id_if_any(row, col!(BANK_ENTRY, "transfer"))?.map(TransferId),
        found_by: col!(BANK_ENTRY, "found_by").get(row)?,
    })
}

pub(super) const DIFFERENCE: &str = "id, kind, file, entry, transfer, currency, ours, theirs, day, found_at, \
     resolution, reason, resolved_by, resolved_at";

pub(super) fn difference(row: &Row<'_>) -> Read<StoredDifference> {
    let resolved = match col!(DIFFERENCE, "resolution").get::<Option<String>>(row)? {
        Some(word) => Some(Resolved {
            resolution: Resolution::from_name(&word).ok_or(StoreError::Malformed("difference.resolution"))?,
            reason: col!(DIFFERENCE, "reason").get(row)?,
            by: col!(DIFFERENCE, "resolved_by").get::<Option<u32>>(row)?.map(OperatorId),
            at: at(row, col!(DIFFERENCE, "resolved_at"))?,
        }),
        None => None,
    };
    Ok(StoredDifference {
        id: small(row, col!(DIFFERENCE, "id"))?,
        kind: DifferenceKind::from_name(&col!(DIFFERENCE, "kind").get::<String>(row)?)
            .ok_or(StoreError::Malformed("difference.kind"))?,
        file: small(row, col!(DIFFERENCE, "file"))?,
        entry: col!(DIFFERENCE, "entry").get(row)?,
        transfer: id_if_any(row, col!(DIFFERENCE, "transfer"))?.map(TransferId),
        currency: currency(row, col!(DIFFERENCE, "currency"))?,
        ours: col!(DIFFERENCE, "ours").get(row)?,
        theirs: col!(DIFFERENCE, "theirs").get(row)?,
        day: day(row, col!(DIFFERENCE, "day"))?,
        found_at: at(row, col!(DIFFERENCE, "found_at"))?,
        resolved,
    })
}

pub(super) const ADJUSTMENT: &str = "id, proposed_by, proposed_at, reason, from_account, to_account, currency, \
     amount, state, decided_by, transfer, updated_at";

pub(super) fn adjustment(row: &Row<'_>) -> Read<StoredAdjustment> {
    let legs = Legs::new(
        AccountId(col!(ADJUSTMENT, "from_account").get(row)?),
        AccountId(col!(ADJUSTMENT, "to_account").get(row)?),
        amount(row, col!(ADJUSTMENT, "amount"), col!(ADJUSTMENT, "currency"))?,
    );
    let reason = col!(ADJUSTMENT, "reason").get::<String>(row)?;
    let proposed = Adjustment::propose(
        AdjustmentId(id_bytes(row, col!(ADJUSTMENT, "id"))?),
        OperatorId(small(row, col!(ADJUSTMENT, "proposed_by"))?),
        at(row, col!(ADJUSTMENT, "proposed_at"))?,
        reason.parse().map_err(malformed("adjustment.reason"))?,
        legs.map_err(malformed("adjustment.to_account"))?,
    );
    let decided_by = col!(ADJUSTMENT, "decided_by").get::<Option<u32>>(row)?.map(OperatorId);
    let state = AdjustmentState::from_name(&col!(ADJUSTMENT, "state").get::<String>(row)?, decided_by)
        .ok_or(StoreError::Malformed("adjustment.state"))?;
    Ok(StoredAdjustment {
        adjustment: Adjustment::from_stored(proposed, state).map_err(malformed("adjustment.decided_by"))?,
        transfer: id_if_any(row, col!(ADJUSTMENT, "transfer"))?.map(TransferId),
        updated_at: at(row, col!(ADJUSTMENT, "updated_at"))?,
    })
}

pub(super) const OWNER: &str = "kind, owner, currency";

pub(super) fn owner(row: &Row<'_>) -> Read<AccountOwner> {
    Ok(AccountOwner {
        kind: row::account_kind(row, col!(OWNER, "kind"))?,
        owner: col!(OWNER, "owner").get(row)?,
        currency: currency(row, col!(OWNER, "currency"))?,
    })
}
