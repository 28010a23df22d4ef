//! Settlements: a merchant's day that is closed, and its statement.
//!
//! A day is one of the issuer's time zone: an offset from UTC that the configuration gives and that never changes once a
//! day was closed. A day is closed [`SETTLE_AFTER_MS`] after its end at the earliest, once for each account that moved in
//! it; its opening balance is the closing balance before. What is kept is the two balances: the entries are the postings of
//! the day, which never change, and a statement of them is made only if they add up.
//! Refuses: a day that has not ended, another time zone, books that moved in a closed day. Next: [`statement`] for forms.

use std::num::NonZeroU32;

use model::{Currency, UnixMillis};
use payment::{AccountKind, MerchantId};
use statement::{Account, Entry, EntryKind, Part, Parts, Period, Statement, StatementError};
use store::{Day, Movement, Reading, StoreError, StoredSettlement, Unit};
use time::{Date, OffsetDateTime, UtcOffset};

use super::App;

/// How long after its end a day can be closed, in milliseconds: longer than any unit of work is on its way.
pub const SETTLE_AFTER_MS: i64 = 15 * 60 * 1_000;
/// How many merchants are looked at together.
const MERCHANTS_AT_ONCE: u32 = 500;

/// Why a day was not closed. Days that were closed before it stay closed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// It has not ended, or ended just now.
    #[error("{0} has not ended long enough ago: a day is settled 15 minutes after its end at the earliest")]
    NotYet(Date),
    /// Days before were closed in another time zone.
    #[error(
        "{merchant} was settled with clocks {before} s from UTC and now {now} s are given: the time zone of settlements cannot change"
    )]
    OtherOffset {
        /// Whose.
        merchant: MerchantId,
        /// Seconds east of UTC of the days before.
        before: i32,
        /// Seconds east of UTC as configured.
        now: i32,
    },
    /// The closing balance before is not the opening balance.
    #[error(
        "{merchant} closed at {} and opens at {}: something was posted into a closed day; run `counterfoil ledger check`",
        currency.display(*closed), currency.display(*opens)
    )]
    OpeningDiffers {
        /// Whose.
        merchant: MerchantId,
        /// In which currency.
        currency: Currency,
        /// What the settlement before says, in minor units.
        closed: i64,
        /// What the postings say, in minor units.
        opens: i64,
    },
    /// A moment is no date, or a sum leaves 64 bits.
    #[error("a day or a sum is out of range")]
    OutOfRange,
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a statement cannot be shown.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementRefused {
    /// It has no such part.
    #[error("the statement has {of} parts, from 1")]
    NoSuchPart {
        /// How many it has.
        of: u32,
    },
    /// It does not add up.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A calendar day as it is stored.
pub fn day_of(date: Date) -> Day {
    Day(date.year().unsigned_abs() * 10_000 + u32::from(u8::from(date.month())) * 100 + u32::from(date.day()))
}

/// The calendar day of a stored one.
pub fn date_of(day: Day) -> Option<Date> {
    let month = u8::try_from(day.0 / 100 % 100).ok().and_then(|month| time::Month::try_from(month).ok())?;
    let year = i32::try_from(day.0 / 10_000).ok()?;
    Date::from_calendar_date(year, month, u8::try_from(day.0 % 100).ok()?).ok()
}

/// The calendar day of a moment where clocks are this far from UTC.
pub fn local_date(at: UnixMillis, offset: UtcOffset) -> Option<Date> {
    let utc = OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1_000)).ok()?;
    Some(utc.checked_to_offset(offset)?.date())
}

/// A moment as it is stored.
pub(super) fn millis(at: OffsetDateTime) -> Option<UnixMillis> {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok().map(UnixMillis)
}

impl App {
    /// The time zone of settlements.
    pub fn settlement_offset(&self) -> UtcOffset {
        UtcOffset::from_whole_seconds(self.rules().settlement_offset_seconds).unwrap_or(UtcOffset::UTC)
    }

    /// Closes every merchant's days up to a day and with it; without one, all days that can be closed now. Days that were
    /// closed before stay as they are; days in which nothing moved are none. What was closed now.
    pub async fn settle(&self, through: Option<Date>) -> Result<Vec<StoredSettlement>, SettleError> {
        let (now, offset) = (self.now(), self.settlement_offset());
        let settled_until = UnixMillis(now.0.saturating_sub(SETTLE_AFTER_MS));
        let until = match through {
            Some(day) => {
                let end = Period::day(day, offset).ok().and_then(|period| millis(period.to()));
                let end = end.ok_or(SettleError::OutOfRange)?;
                if end > settled_until {
                    return Err(SettleError::NotYet(day));
                }
                end
            }
            None => settled_until,
        };
        let (mut closed, mut after) = (Vec::new(), None);
        loop {
            let merchants =
                self.store().read(move |rows| rows.merchants_after(after, MERCHANTS_AT_ONCE)).await?;
            let Some(last) = merchants.last() else { return Ok(closed) };
            after = Some(last.id);
            for merchant in &merchants {
                self.settle_merchant(merchant.id, until, now, &mut closed).await?;
            }
        }
    }

    async fn settle_merchant(
        &self,
        merchant: MerchantId,
        until: UnixMillis,
        now: UnixMillis,
        closed: &mut Vec<StoredSettlement>,
    ) -> Result<(), SettleError> {
        let offset = self.settlement_offset();
        let owned = self
            .store()
            .read(move |rows| {
                let mut owned = Vec::new();
                for currency in Currency::KNOWN {
                    if rows.account_of(AccountKind::Merchant, i64::from(merchant.0), *currency)?.is_some() {
                        owned.push(*currency);
                    }
                }
                Ok(owned)
            })
            .await?;
        for currency in owned {
            while let Some(settlement) = self
                .write::<_, SettleError>(move |unit| close_next(unit, merchant, currency, until, offset, now))
                .await?
            {
                closed.push(settlement);
            }
        }
        Ok(())
    }
}

/// Closes the next day in which the account moved, if it can be closed.
fn close_next(
    unit: &mut dyn Unit,
    merchant: MerchantId,
    currency: Currency,
    until: UnixMillis,
    offset: UtcOffset,
    now: UnixMillis,
) -> Result<Option<StoredSettlement>, SettleError> {
    let Some(account) = unit.account_of(AccountKind::Merchant, i64::from(merchant.0), currency)? else {
        return Ok(None);
    };
    let before = unit.newest_settlement(account.id)?;
    let offset_seconds = offset.whole_seconds();
    if let Some(before) = &before
        && before.offset_seconds != offset_seconds
    {
        let before = before.offset_seconds;
        return Err(SettleError::OtherOffset { merchant, before, now: offset_seconds });
    }
    let since = before.as_ref().map_or(UnixMillis(i64::MIN), |before| before.to);
    let Some(first) = unit.next_movement(account.id, since)? else { return Ok(None) };
    let out = || SettleError::OutOfRange;
    let date = local_date(first, offset).ok_or_else(out)?;
    let period = Period::day(date, offset).map_err(|_| out())?;
    let (from, to) = millis(period.from()).zip(millis(period.to())).ok_or_else(out)?;
    if to > until {
        return Ok(None);
    }
    let moved = unit.moved(account.id, from, to)?;
    let later = unit.moved(account.id, to, UnixMillis(i64::MAX))?;
    let closing = account.posted.checked_sub(later.units).ok_or_else(out)?;
    let opening = closing.checked_sub(moved.units).ok_or_else(out)?;
    let closed = before.as_ref().map_or(0, |before| before.closing);
    if closed != opening {
        return Err(SettleError::OpeningDiffers { merchant, currency, closed, opens: opening });
    }
    let settlement = StoredSettlement {
        merchant,
        day: day_of(date),
        currency,
        account: account.id,
        number: before.map_or(0, |before| before.number).saturating_add(1),
        from,
        to,
        offset_seconds,
        opening,
        closing,
        entries: moved.entries,
        made_at: now,
    };
    unit.add_settlement(&settlement)?;
    Ok(Some(settlement))
}

/// A part of the statement of a closed day, of at most so many entries.
///
/// # Errors
/// No such part; books that do not add up.
pub fn statement_of(
    rows: &dyn Reading,
    settlement: &StoredSettlement,
    number: u32,
    entries_max: NonZeroU32,
) -> Result<Statement, StatementRefused> {
    let of = settlement.entries.div_ceil(entries_max.get()).max(1);
    let part = Part::new(number, of).ok_or(StatementRefused::NoSuchPart { of })?;
    let (account, from, to) = (settlement.account, settlement.from, settlement.to);
    let skip = (number - 1).saturating_mul(entries_max.get());
    let limit = if part.is_last() {
        // One more than there are: what was posted later must not go unseen.
        (settlement.entries - skip).saturating_add(1)
    } else {
        entries_max.get()
    };
    let moved = rows.movements(account, from, to, skip, limit)?;
    let currency = settlement.currency;
    let opening = match skip {
        0 => settlement.opening,
        skip => settlement
            .opening
            .checked_add(rows.moved_first(account, from, to, skip)?)
            .ok_or(StatementError::OutOfRange { entry: 0 })?,
    };
    let closing = if part.is_last() {
        settlement.closing
    } else {
        moved
            .iter()
            .try_fold(opening, |sum, movement| sum.checked_add(movement.units))
            .ok_or(StatementError::OutOfRange { entry: 0 })?
    };
    let entries =
        moved.into_iter().map(|movement| entry(movement, currency)).collect::<Result<_, StoreError>>()?;
    let merchant = rows.merchant(settlement.merchant)?;
    let offset = UtcOffset::from_whole_seconds(settlement.offset_seconds)
        .map_err(|_| StoreError::Malformed("settlement.offset_seconds"))?;
    Ok(Statement::new(Parts {
        id: format!("{}-{}-{}", settlement.merchant, settlement.day.0, currency),
        number: settlement.number,
        account: Account {
            id: settlement.merchant.to_string(),
            name: merchant.map_or_else(String::new, |merchant| merchant.name),
        },
        period: Period::between(from, to, offset)?,
        part,
        currency,
        opening,
        entries,
        closing,
    })?)
}

fn entry(movement: Movement, currency: Currency) -> Result<Entry, StoreError> {
    let kind = match movement.purpose.as_str() {
        "payment" => EntryKind::Payment,
        "refund" => EntryKind::Refund,
        "fee" | "fee_refund" => EntryKind::Fee,
        "payout" => EntryKind::Payout,
        "adjustment" => EntryKind::Adjustment,
        _ => return Err(StoreError::Malformed("transfer.purpose")),
    };
    Ok(Entry {
        at: movement.at,
        kind,
        transfer: movement.transfer,
        order: movement.order,
        reference: movement.reference,
        currency,
        units: movement.units,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, offset};

    #[test]
    fn a_day_is_a_number_and_back() {
        assert_eq!(day_of(date!(2026 - 11 - 21)), Day(20_261_121));
        assert_eq!(date_of(Day(20_261_121)), Some(date!(2026 - 11 - 21)));
        for none in [0, 20_261_131, 20_261_301, 20_260_001, u32::MAX] {
            assert_eq!(date_of(Day(none)), None);
        }
    }

    #[test]
    fn a_day_begins_at_midnight_of_its_time_zone() {
        // 2026-11-20T16:00:00Z
        let midnight = UnixMillis(1_795_190_400_000);
        assert_eq!(local_date(midnight, offset!(+8)), Some(date!(2026 - 11 - 21)));
        assert_eq!(local_date(UnixMillis(midnight.0 - 1), offset!(+8)), Some(date!(2026 - 11 - 20)));
        assert_eq!(local_date(midnight, UtcOffset::UTC), Some(date!(2026 - 11 - 20)));
    }
}
