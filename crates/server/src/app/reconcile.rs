//! Reconciliation: what the bank says against what the ledger says of the bank.
//!
//! Ours are the postings of the settlement accounts: what was funded and what was paid out, each under its transfer's text
//! as reference. A bank's file is read whole or refused; its entries, what they matched and what differs are kept in one
//! unit of work. The same bytes again have no second effect; an entry that an earlier file had (by the bank's reference) is
//! passed over. What is ours and not there is *missing* only when its three days are over; a later file that has it closes
//! the difference. Everything else a person resolves, with a reason.
//! Next: [`statement::matching`] for how entries find each other.

use std::collections::{BTreeMap, HashSet};

use ::operator::{AuditAction, Permission};
use model::{Currency, UnixMillis};
use payment::{AccountKind, Reason, TransferId};
use sha2::{Digest, Sha256};
use statement::matching::{DAYS, Expected, FoundBy, match_entries};
use statement::statement::Period;
use statement::{BankEntry, CamtRefused, CsvRefused, bank_csv, camt053};
use store::{
    BankFile, DifferenceKind, Resolution, Resolved, StoreError, StoredBankEntry, StoredDifference, Unit,
};
use time::{Date, Duration, UtcOffset};

use super::App;
use super::settlement::{day_of, local_date, millis};
use crate::operators::{Account, NotAllowed};

/// The most entries of one file.
pub const IMPORT_ENTRIES_MAX: usize = 20_000;
/// The most movements of ours that no entry is yet.
pub const UNMATCHED_MAX: u32 = 100_000;
/// The longest name of a file that is kept, in characters.
const NAME_CHARS_MAX: usize = 120;

/// A bank's file.
#[derive(Clone, Debug)]
pub struct BankFileGiven {
    /// What it is called.
    pub name: String,
    /// How it is read.
    pub form: BankForm,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// How a bank's file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BankForm {
    /// CSV with these columns, and what its entries are to sum to where that is told elsewhere, in minor units.
    Csv(Box<bank_csv::ColumnMap>, Option<i64>),
    /// ISO 20022 camt.053.
    Camt053,
}

impl BankForm {
    const fn name(&self) -> &'static str {
        match self {
            Self::Csv(..) => "csv",
            Self::Camt053 => "camt053",
        }
    }
}

/// What taking a file led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The file as it is kept.
    pub file: BankFile,
    /// The same bytes had been taken before: nothing was done now.
    pub repeated: bool,
    /// Entries that an earlier file had.
    pub known: usize,
    /// Movements of ours whose days are not over.
    pub awaited: usize,
    /// What differs.
    pub differences: Vec<StoredDifference>,
}

/// Why a file was not taken. Nothing of it was kept then.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is no CSV that this map reads.
    #[error(transparent)]
    Csv(#[from] CsvRefused),
    /// It is no camt.053 that adds up.
    #[error(transparent)]
    Camt(#[from] CamtRefused),
    /// Nothing was booked.
    #[error("the file has no booked entry: there is nothing to compare")]
    Empty,
    /// More than one unit of work takes.
    #[error("{0} entries are more than {IMPORT_ENTRIES_MAX}: take the bank's files day by day")]
    TooManyEntries(usize),
    /// More of ours than can be compared at once.
    #[error("more than {UNMATCHED_MAX} movements wait for the bank in {0}: import the older files first")]
    TooManyUnmatched(Currency),
    /// A date is outside of what can be reckoned with.
    #[error("entry {0} has a date outside of the years 1 to 9999")]
    Date(usize),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a difference was not resolved.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No such difference.
    #[error("there is no difference {0}; `counterfoil reconcile list` names those that are open")]
    NoSuchDifference(u32),
    /// It has ended.
    #[error("difference {id} was resolved as {} already", was.name())]
    AlreadyResolved {
        /// Which.
        id: u32,
        /// How.
        was: Resolution,
    },
    /// Only a file says so.
    #[error("that the bank has it is said by a bank's file only: import it")]
    FoundByFilesOnly,
    /// The account's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Takes a bank's file and matches it.
    pub async fn import_bank_file(&self, given: BankFileGiven) -> Result<Imported, ImportError> {
        let now = self.now();
        let offset = self.settlement_offset();
        let digest: [u8; 32] = Sha256::digest(&given.bytes).into();
        let mut entries = match &given.form {
            BankForm::Csv(map, total) => bank_csv::read(&given.bytes, map, *total)?,
            BankForm::Camt053 => {
                camt053::read(&given.bytes)?.into_iter().flat_map(|statement| statement.entries).collect()
            }
        };
        if entries.len() > IMPORT_ENTRIES_MAX {
            return Err(ImportError::TooManyEntries(entries.len()));
        }
        if let Some(strange) = entries.iter().find(|entry| !(1..=9_999).contains(&entry.booked.year())) {
            return Err(ImportError::Date(strange.number));
        }
        for entry in &mut entries {
            entry.reference =
                entry.reference.take().map(|text| ours(&text).map_or(text, |id| id.to_string()));
        }
        let days = entries.iter().map(|entry| entry.booked);
        let (first, last) = days.clone().min().zip(days.max()).ok_or(ImportError::Empty)?;
        let file = BankFile {
            id: 0,
            digest,
            name: given.name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect(),
            form: given.form.name().to_owned(),
            first_day: day_of(first),
            last_day: day_of(last),
            entries: 0,
            matched: 0,
            imported_at: now,
        };
        self.write::<_, ImportError>(move |unit| {
            if let Some(file) = unit.bank_file_of(&digest)? {
                let none = Imported { file, repeated: true, known: 0, awaited: 0, differences: Vec::new() };
                return Ok(none);
            }
            Take { file: file.clone(), first, last, offset }.run(unit, &entries)
        })
        .await
    }

    /// Ends a difference by a person's word.
    pub async fn resolve_difference(
        &self,
        id: u32,
        resolution: Resolution,
        reason: Reason,
        account: Account,
    ) -> Result<StoredDifference, ResolveError> {
        account.may(Permission::AdjustMoney)?;
        if resolution == Resolution::Found {
            return Err(ResolveError::FoundByFilesOnly);
        }
        let now = self.now();
        self.write::<_, ResolveError>(move |unit| {
            let mut difference = unit.difference(id)?.ok_or(ResolveError::NoSuchDifference(id))?;
            if let Some(resolved) = &difference.resolved {
                return Err(ResolveError::AlreadyResolved { id, was: resolved.resolution });
            }
            let by = unit.operator_named(account.name().as_str())?;
            let resolved = Resolved { resolution, reason: reason.as_str().to_owned(), by: Some(by), at: now };
            unit.resolve_difference(id, &resolved)?;
            difference.resolved = Some(resolved);
            let what = format!("{id} {}", resolution.name());
            account.actor().enter(unit, now, AuditAction::DifferenceResolve, &what, "done")?;
            Ok(difference)
        })
        .await
    }
}

/// A transfer's text, however a bank wrote it.
fn ours(text: &str) -> Option<TransferId> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.strip_prefix("tr_").or_else(|| text.strip_prefix("tr"))?;
    if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(digits, 16).ok().map(TransferId)
}

/// One file on its way into the tables.
struct Take {
    file: BankFile,
    first: Date,
    last: Date,
    offset: UtcOffset,
}

/// What became of an entry.
#[derive(Clone, Copy, Default)]
struct Matched {
    transfer: Option<TransferId>,
    by: Option<FoundBy>,
}

impl Take {
    fn run(mut self, unit: &mut dyn Unit, all: &[BankEntry]) -> Result<Imported, ImportError> {
        let now = self.file.imported_at;
        let mut known = 0;
        let (mut entries, mut twice) = (Vec::new(), HashSet::new());
        for entry in all {
            let reference = entry.bank_reference.as_deref();
            if let Some(reference) = reference
                && unit.has_bank_entry(reference, entry.units, day_of(entry.booked))?
            {
                known += 1;
                continue;
            }
            if let Some(transfer) = entry.reference.as_deref().and_then(ours)
                && unit.bank_entry_of(transfer)?.is_some()
            {
                twice.insert(entry.number);
            }
            entries.push(entry.clone());
        }
        // A date that is wrong may lie ahead: what is not there yet is not missed for it.
        let heard_until = local_date(now, self.offset).map_or(self.last, |today| self.last.min(today));
        let mut matched: BTreeMap<usize, Matched> = BTreeMap::new();
        let (mut differences, mut awaited) = (Vec::new(), 0);
        let currencies: HashSet<u16> = entries.iter().map(|entry| entry.currency.number()).collect();
        for currency in Currency::KNOWN.iter().filter(|known| currencies.contains(&known.number())) {
            let theirs: Vec<BankEntry> = entries
                .iter()
                .filter(|entry| entry.currency == *currency && !twice.contains(&entry.number))
                .cloned()
                .collect();
            let ours = self.expected(unit, *currency)?;
            let expected: Vec<Expected> = ours.iter().map(|(expected, _)| expected.clone()).collect();
            let matching = match_entries(&expected, &theirs);
            for pair in &matching.matched {
                let transfer = Some(ours[pair.expected].1);
                matched.insert(theirs[pair.entry].number, Matched { transfer, by: Some(pair.by) });
            }
            for pair in &matching.differing {
                let mut difference = self.of_entry(DifferenceKind::Differing, &theirs[pair.entry]);
                difference.transfer = Some(ours[pair.expected].1);
                difference.ours = Some(expected[pair.expected].units);
                differences.push(difference);
            }
            for place in matching.missing {
                let (movement, transfer) = (&expected[place], ours[place].1);
                if movement.date.saturating_add(Duration::days(i64::from(DAYS))) > heard_until {
                    awaited += 1;
                } else if movement.date >= self.first && unit.differences_of(transfer)?.is_empty() {
                    differences.push(StoredDifference {
                        id: 0,
                        kind: DifferenceKind::Missing,
                        file: 0,
                        entry: None,
                        transfer: Some(transfer),
                        currency: *currency,
                        ours: Some(movement.units),
                        theirs: None,
                        day: day_of(movement.date),
                        found_at: now,
                        resolved: None,
                    });
                }
            }
            let of = |kind| move |place: usize| (kind, place);
            let unknown = matching.unknown.into_iter().map(of(DifferenceKind::Unknown));
            let duplicate = matching.duplicate.into_iter().map(of(DifferenceKind::Duplicate));
            for (kind, place) in unknown.chain(duplicate) {
                let mut difference = self.of_entry(kind, &theirs[place]);
                if kind == DifferenceKind::Duplicate {
                    difference.transfer = theirs[place].reference.as_deref().and_then(self::ours);
                }
                differences.push(difference);
            }
        }
        for entry in entries.iter().filter(|entry| twice.contains(&entry.number)) {
            let mut difference = self.of_entry(DifferenceKind::Duplicate, entry);
            difference.transfer = entry.reference.as_deref().and_then(self::ours);
            differences.push(difference);
        }
        self.file.entries = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        self.file.matched = u32::try_from(matched.len()).unwrap_or(u32::MAX);
        self.file.id = unit.add_bank_file(&self.file)?;
        for entry in &entries {
            let found = matched.get(&entry.number).copied().unwrap_or_default();
            unit.add_bank_entry(&self.stored(entry, found))?;
            if let Some(transfer) = found.transfer {
                self.close_found(unit, transfer, entry.number, now)?;
            }
        }
        for difference in &mut differences {
            difference.file = self.file.id;
            difference.id = unit.add_difference(difference)?;
        }
        Ok(Imported { file: self.file, repeated: false, known, awaited, differences })
    }

    /// What the bank should have in a currency, with its transfers.
    fn expected(
        &mut self,
        unit: &dyn Unit,
        currency: Currency,
    ) -> Result<Vec<(Expected, TransferId)>, ImportError> {
        let Some(account) = unit.account_of(AccountKind::Settlement, 0, currency)? else {
            return Ok(Vec::new());
        };
        // Before the first day of the first file nobody compared anything.
        if let Some(since) = unit.reconciled_since()?.and_then(super::settlement::date_of) {
            self.first = self.first.min(since);
        }
        let days = Duration::days(i64::from(DAYS));
        let midnight = |date: Date| Period::day(date, self.offset).ok().and_then(|day| millis(day.from()));
        let from = midnight(self.first.saturating_sub(days)).unwrap_or(UnixMillis(i64::MIN));
        let to = self.last.saturating_add(days).next_day().and_then(midnight);
        let to = to.unwrap_or(UnixMillis(i64::MAX));
        let moved = unit.unmatched_movements(account.id, from, to, UNMATCHED_MAX + 1)?;
        if moved.len() > usize::try_from(UNMATCHED_MAX).unwrap_or(usize::MAX) {
            return Err(ImportError::TooManyUnmatched(currency));
        }
        let mut expected = Vec::with_capacity(moved.len());
        for movement in moved {
            let date = local_date(movement.at, self.offset).ok_or(StoreError::Malformed("posting.at"))?;
            let id = movement.transfer.to_string();
            // What is credited at the bank stands in our settlement account as a debit.
            let units = movement.units.checked_neg().ok_or(StoreError::Malformed("posting.units"))?;
            let reference = Some(id.clone());
            expected.push((Expected { id, units, currency, date, reference }, movement.transfer));
        }
        Ok(expected)
    }

    fn of_entry(&self, kind: DifferenceKind, entry: &BankEntry) -> StoredDifference {
        StoredDifference {
            id: 0,
            kind,
            file: 0,
            entry: u32::try_from(entry.number).ok(),
            transfer: None,
            currency: entry.currency,
            ours: None,
            theirs: Some(entry.units),
            day: day_of(entry.booked),
            found_at: self.file.imported_at,
            resolved: None,
        }
    }

    fn stored(&self, entry: &BankEntry, found: Matched) -> StoredBankEntry {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        StoredBankEntry {
            file: self.file.id,
            number: number(entry.number),
            line: number(entry.line),
            currency: entry.currency,
            units: entry.units,
            booked: day_of(entry.booked),
            bank_reference: entry.bank_reference.clone(),
            reference: entry.reference.clone(),
            text: entry.text.replace('\0', ""),
            transfer: found.transfer,
            found_by: found.by.map(|by| by.name().to_owned()),
        }
    }

    /// What an earlier file left open of this transfer is closed by this one.
    fn close_found(
        &self,
        unit: &mut dyn Unit,
        transfer: TransferId,
        entry: usize,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let ends = |it: &StoredDifference| {
            it.resolved.is_none() && matches!(it.kind, DifferenceKind::Missing | DifferenceKind::Differing)
        };
        for open in unit.differences_of(transfer)?.into_iter().filter(ends) {
            let reason = format!("entry {entry} of file {}", self.file.id);
            let resolved = Resolved { resolution: Resolution::Found, reason, by: None, at: now };
            unit.resolve_difference(open.id, &resolved)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_is_found_however_a_bank_writes_it() {
        let digits = "00000000000000000000000000000abc";
        for text in [format!("tr_{digits}"), format!(" TR_{}", digits.to_uppercase()), format!("TR{digits}")]
        {
            assert_eq!(ours(&text), Some(TransferId(0xabc)));
        }
        for text in ["", "tr_", "tr_abc", "NOTPROVIDED", &format!("tr_{digits}0")] {
            assert_eq!(ours(text), None);
        }
    }
}
