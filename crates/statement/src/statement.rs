//! 结算单: what moved in one account within one period, and that it adds up.
//!
//! A [`Statement`] is made of [`Parts`] by [`Statement::new`] only, which checks that opening and entries are the closing
//! balance, in one currency, in order, within the period. Whatever holds one holds one that adds up.

use std::collections::HashMap;

use model::{Currency, UnixMillis};
use payment::{OrderId, TransferId};
use time::{Date, OffsetDateTime, UtcOffset};

use crate::decimal::UNITS_MAX;
use crate::error::StatementError;

/// The most entries of a statement; of a period with more, each [`Part`] is a statement of its own.
pub const ENTRIES_MAX: usize = 100_000;
/// The longest merchant's reference, in characters: that of an order.
pub const REFERENCE_CHARS_MAX: usize = 64;
/// The longest account id, in characters (ISO 20022 `Max34Text`).
pub const ACCOUNT_CHARS_MAX: usize = 34;
/// The longest name of an account's owner, in characters (ISO 20022 `Max70Text`).
pub const NAME_CHARS_MAX: usize = 70;
/// The longest statement id, in characters (ISO 20022 `Max35Text`).
pub const ID_CHARS_MAX: usize = 35;

/// Whose account a statement is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What the platform calls it, 1 to 34 characters: `mer_00000001`.
    pub id: String,
    /// Whose it is, 1 to 70 characters.
    pub name: String,
}

/// From a moment up to another one, seen from a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    from: OffsetDateTime,
    to: OffsetDateTime,
}

impl Period {
    /// One calendar day where clocks are this far from UTC.
    ///
    /// # Errors
    /// [`StatementError::PeriodEmpty`] for the last day that the calendar has.
    pub fn day(date: Date, offset: UtcOffset) -> Result<Self, StatementError> {
        let next = date.next_day().ok_or(StatementError::PeriodEmpty)?;
        Ok(Self { from: date.midnight().assume_offset(offset), to: next.midnight().assume_offset(offset) })
    }

    /// From `from` up to, and without, `to`.
    ///
    /// # Errors
    /// [`StatementError::PeriodEmpty`] where `to` is not later, or a moment is no date of the calendar.
    pub fn between(from: UnixMillis, to: UnixMillis, offset: UtcOffset) -> Result<Self, StatementError> {
        let (from, to) = moment(from, offset).zip(moment(to, offset)).ok_or(StatementError::PeriodEmpty)?;
        if from < to { Ok(Self { from, to }) } else { Err(StatementError::PeriodEmpty) }
    }

    /// Its first moment.
    pub const fn from(&self) -> OffsetDateTime {
        self.from
    }

    /// The first moment after it.
    pub const fn to(&self) -> OffsetDateTime {
        self.to
    }

    /// Its last millisecond.
    pub fn last(&self) -> OffsetDateTime {
        self.to - time::Duration::milliseconds(1)
    }

    /// A moment as the period's time zone writes it, if it lies within.
    fn place(&self, at: UnixMillis) -> Option<OffsetDateTime> {
        moment(at, self.from.offset()).filter(|at| (self.from..self.to).contains(at))
    }
}

fn moment(at: UnixMillis, offset: UtcOffset) -> Option<OffsetDateTime> {
    let utc = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000).ok()?;
    utc.checked_to_offset(offset)
}

/// Which part of its period's entries a statement has. One part opens as the part before closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    number: u32,
    of: u32,
}

impl Part {
    /// All of them.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// Part `number` of `of`, from 1; `None` where there is no such part.
    pub fn new(number: u32, of: u32) -> Option<Self> {
        (1..=of).contains(&number).then_some(Self { number, of })
    }

    /// Its number, from 1.
    pub const fn number(self) -> u32 {
        self.number
    }

    /// How many there are.
    pub const fn of(self) -> u32 {
        self.of
    }

    /// Whether the period's opening balance is its own.
    pub const fn is_first(self) -> bool {
        self.number == 1
    }

    /// Whether the period's closing balance is its own.
    pub const fn is_last(self) -> bool {
        self.number == self.of
    }
}

/// Why money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// An order was paid.
    Payment,
    /// A paid order was given back, in part or whole.
    Refund,
    /// What the platform keeps, or gives back of it.
    Fee,
    /// Money went to the merchant's bank.
    Payout,
    /// Two operators moved it.
    Adjustment,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Payment, Self::Refund, Self::Fee, Self::Payout, Self::Adjustment];

    /// The word for tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Fee => "fee",
            Self::Payout => "payout",
            Self::Adjustment => "adjustment",
        }
    }

    /// The kind of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    const fn index(self) -> usize {
        match self {
            Self::Payment => 0,
            Self::Refund => 1,
            Self::Fee => 2,
            Self::Payout => 3,
            Self::Adjustment => 4,
        }
    }
}

/// One movement in the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was posted.
    pub at: UnixMillis,
    /// Why.
    pub kind: EntryKind,
    /// The transfer that it is a posting of.
    pub transfer: TransferId,
    /// The order it belongs to, if any.
    pub order: Option<OrderId>,
    /// The merchant's own reference of that order, at most 64 characters without control characters.
    pub reference: Option<String>,
    /// The currency.
    pub currency: Currency,
    /// Minor units: above zero into the account, below zero out of it; never zero.
    pub units: i64,
}

/// An entry with what the account held after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The entry.
    pub entry: Entry,
    /// When, as the period's time zone writes it.
    pub at: OffsetDateTime,
    /// The balance after it, in minor units.
    pub running: i64,
}

/// How many entries there are of something, and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How many.
    pub count: usize,
    /// Minor units, in at most 24 digits.
    pub units: i128,
}

/// The sums of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    kinds: [Total; EntryKind::ALL.len()],
    /// Into the account.
    pub credits: Total,
    /// Out of the account; units are below zero.
    pub debits: Total,
}

impl Totals {
    /// Of one kind.
    pub const fn of(&self, kind: EntryKind) -> Total {
        self.kinds[kind.index()]
    }

    /// Of all entries.
    pub const fn all(&self) -> Total {
        Total { count: self.credits.count + self.debits.count, units: self.credits.units + self.debits.units }
    }

    fn count(&mut self, kind: EntryKind, units: i64) {
        let side = if units < 0 { &mut self.debits } else { &mut self.credits };
        for total in [side, &mut self.kinds[kind.index()]] {
            total.count += 1;
            total.units += i128::from(units);
        }
    }
}

/// What a statement is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// What the statement is called, 1 to 35 characters; unique for its account.
    pub id: String,
    /// Its number in the account's row of statements.
    pub number: u32,
    /// Whose account.
    pub account: Account,
    /// Of which period.
    pub period: Period,
    /// Which of its entries.
    pub part: Part,
    /// The account's currency.
    pub currency: Currency,
    /// The balance before, in minor units.
    pub opening: i64,
    /// What moved, the oldest first.
    pub entries: Vec<Entry>,
    /// The balance after, in minor units, as the books have it.
    pub closing: i64,
}

/// A statement that adds up. It cannot be made otherwise than by [`Statement::new`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    id: String,
    number: u32,
    account: Account,
    period: Period,
    part: Part,
    currency: Currency,
    opening: i64,
    lines: Vec<Line>,
    totals: Totals,
    closing: i64,
}

impl Statement {
    /// Checks the parts and adds them up.
    ///
    /// # Errors
    /// The first rule that is broken, with the number of the entry, from 1.
    pub fn new(parts: Parts) -> Result<Self, StatementError> {
        let Parts { id, number, account, period, part, currency, opening, entries, closing } = parts;
        if !is_plain(&id, 1, ID_CHARS_MAX) {
            return Err(StatementError::BadId);
        }
        if !is_plain(&account.id, 1, ACCOUNT_CHARS_MAX) || !is_plain(&account.name, 1, NAME_CHARS_MAX) {
            return Err(StatementError::BadAccount);
        }
        if entries.len() > ENTRIES_MAX {
            return Err(StatementError::TooManyEntries(entries.len()));
        }
        if !(-UNITS_MAX..=UNITS_MAX).contains(&opening) {
            return Err(StatementError::OutOfRange { entry: 0 });
        }
        let mut running = opening;
        let mut totals = Totals::default();
        let mut seen = HashMap::with_capacity(entries.len());
        let mut lines: Vec<Line> = Vec::with_capacity(entries.len());
        for (number, entry) in (1..).zip(entries) {
            if entry.currency != currency {
                let (statement, given) = (currency, entry.currency);
                return Err(StatementError::OtherCurrency { entry: number, statement, given });
            }
            if entry.units == 0 {
                return Err(StatementError::Zero { entry: number });
            }
            let at = period.place(entry.at).ok_or(StatementError::OutsidePeriod { entry: number })?;
            if lines.last().is_some_and(|before| before.at > at) {
                return Err(StatementError::OutOfOrder { entry: number });
            }
            if let Some(first) = seen.insert(entry.transfer, number) {
                return Err(StatementError::SameTransfer { entry: number, first });
            }
            if entry.reference.as_deref().is_some_and(|text| !is_plain(text, 0, REFERENCE_CHARS_MAX)) {
                return Err(StatementError::BadReference { entry: number });
            }
            running = running
                .checked_add(entry.units)
                .filter(|sum| (-UNITS_MAX..=UNITS_MAX).contains(sum))
                .ok_or(StatementError::OutOfRange { entry: number })?;
            totals.count(entry.kind, entry.units);
            lines.push(Line { entry, at, running });
        }
        if running != closing {
            return Err(StatementError::ClosingDiffers { currency, reckoned: running, given: closing });
        }
        Ok(Self { id, number, account, period, part, currency, opening, lines, totals, closing })
    }

    /// What it is called.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its number in the account's row of statements.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Whose account.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// Of which period.
    pub const fn period(&self) -> Period {
        self.period
    }

    /// Which of the period's entries it has.
    pub const fn part(&self) -> Part {
        self.part
    }

    /// Its currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The balance before, in minor units.
    pub const fn opening(&self) -> i64 {
        self.opening
    }

    /// The entries with the running balance, the oldest first.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The sums.
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The balance after, in minor units: opening and all entries.
    pub const fn closing(&self) -> i64 {
        self.closing
    }
}

/// So many characters, none of which is a control character or is forbidden in XML 1.0.
pub(crate) fn is_plain(text: &str, least: usize, most: usize) -> bool {
    let count = text.chars().take(most.saturating_add(1)).count();
    (least..=most).contains(&count)
        && !text.chars().any(|c| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// A moment as ISO 8601 writes it, with its time zone: `2026-11-21T02:31:28.000+08:00`.
pub(crate) fn write_moment(at: OffsetDateTime) -> String {
    let (date, offset) = (at.date(), at.offset());
    let (hours, minutes, _) = offset.as_hms();
    let sign = if offset.is_negative() { '-' } else { '+' };
    format!(
        "{}T{:02}:{:02}:{:02}.{:03}{sign}{:02}:{:02}",
        write_date(date),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond(),
        hours.unsigned_abs(),
        minutes.unsigned_abs()
    )
}

/// A date as ISO 8601 writes it.
pub(crate) fn write_date(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}
