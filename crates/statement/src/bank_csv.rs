//! A bank's CSV: whatever its columns are called, by a map.
//!
//! The separator is found (`,` `;` or tab), the header is found (banks write lines above it), the encoding, the decimal mark
//! and the order of a date are told by the [`ColumnMap`]: they cannot be found without guessing.
//! Refuses: UTF-16, bytes that are not of the encoding, rows of another length, dates and amounts that are none, a second
//! currency, a reference twice, a total that is wrong or gone. Rows are refused together, by line and reason.

use std::borrow::Cow;
use std::collections::HashMap;

use model::Currency;
use time::{Date, Month};

use crate::bank_entry::BankEntry;
use crate::decimal::{self, DecimalError, UNITS_MAX};
use crate::error::{CsvRefused, RowProblem, RowReason, excerpt};

/// The longest file, in bytes.
pub const BYTES_MAX: usize = 32 * 1024 * 1024;
/// The most rows below the header.
pub const ROWS_MAX: usize = 100_000;
/// The longest cell, in bytes of UTF-8.
pub const CELL_MAX: usize = 2_048;
/// In how many records from the top the header is looked for.
pub const HEADER_WITHIN: usize = 20;
/// How many rows that cannot be taken are named.
pub const PROBLEMS_MAX: usize = 50;

const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Where a row's currency is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurrencyFrom {
    /// In the column of this name.
    Column(String),
    /// It is this one, always.
    Always(Currency),
}

/// What stands between whole and decimals. The other one may stand between thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalMark {
    /// `1,234.50`
    Point,
    /// `1.234,50`
    Comma,
}

/// In which order a date is written: with `-`, `/` or `.` between, with four digits of the year. A time after it is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    /// `2026-11-21`, also `20261121`.
    YearFirst,
    /// `21.11.2026`
    DayFirst,
    /// `11/21/2026`
    MonthFirst,
}

/// How bytes become letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8; a mark at its begin may be there.
    Utf8,
    /// GB 18030, which GBK and GB 2312 are parts of.
    Gb18030,
}

/// What a bank's columns are called, and how it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnMap {
    /// The column of the booking date.
    pub date: String,
    /// The column of the signed amount.
    pub amount: String,
    /// Where the currency is.
    pub currency: CurrencyFrom,
    /// The column of the payment's reference, if there is one.
    pub reference: Option<String>,
    /// The column of the text, if there is one.
    pub text: Option<String>,
    /// The order of a date.
    pub date_order: DateOrder,
    /// The decimal mark.
    pub decimal_mark: DecimalMark,
    /// The encoding.
    pub encoding: Encoding,
    /// What the date's cell says in the row of the total, if there is such a row: `Total`, `合计`.
    pub total: Option<String>,
}

impl Default for ColumnMap {
    /// `date`, `amount`, `currency`, `reference`, `text`; `2026-11-21`, `1234.50`; UTF-8; no total.
    fn default() -> Self {
        Self {
            date: "date".to_owned(),
            amount: "amount".to_owned(),
            currency: CurrencyFrom::Column("currency".to_owned()),
            reference: Some("reference".to_owned()),
            text: Some("text".to_owned()),
            date_order: DateOrder::YearFirst,
            decimal_mark: DecimalMark::Point,
            encoding: Encoding::Utf8,
            total: None,
        }
    }
}

impl ColumnMap {
    fn names(&self) -> impl Iterator<Item = &str> {
        let currency = match &self.currency {
            CurrencyFrom::Column(name) => Some(name.as_str()),
            CurrencyFrom::Always(_) => None,
        };
        [
            Some(self.date.as_str()),
            Some(&self.amount),
            currency,
            self.reference.as_deref(),
            self.text.as_deref(),
        ]
        .into_iter()
        .flatten()
    }
}

/// Reads a bank's CSV. `given_total` is what the entries are to sum to, in minor units, where it is told elsewhere.
///
/// # Errors
/// Why the file is not taken; nothing of it is taken then.
pub fn read(bytes: &[u8], map: &ColumnMap, given_total: Option<i64>) -> Result<Vec<BankEntry>, CsvRefused> {
    if bytes.len() > BYTES_MAX {
        return Err(CsvRefused::TooLong(bytes.len()));
    }
    let text = decode(bytes, map.encoding)?;
    let mut table = Table::find(&text, map)?;
    let mut reading = Reading::new(map);
    let mut lines = Lines { text: text.as_bytes(), counted: 0, line: 1 };
    let mut record = ::csv::StringRecord::new();
    // A string is UTF-8 and rows may have any length: nothing is left that this reader refuses.
    while table.records.read_record(&mut record).unwrap_or(false) {
        let line = lines.of(record.position());
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        reading.rows += 1;
        if reading.rows > ROWS_MAX {
            return Err(CsvRefused::TooManyRows);
        }
        if let Err(reason) = reading.row(&table.columns, &record, line) {
            reading.problems.push(RowProblem { line, reason });
            if reading.problems.len() == PROBLEMS_MAX {
                break;
            }
        }
    }
    reading.finish(given_total)
}

fn decode(bytes: &[u8], encoding: Encoding) -> Result<Cow<'_, str>, CsvRefused> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0) {
        return Err(CsvRefused::Utf16);
    }
    let gb18030 = || encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes);
    match encoding {
        Encoding::Utf8 => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
                let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
                match gb18030() {
                    Some(_) => CsvRefused::LooksLikeGb18030 { line },
                    None => CsvRefused::NotInItsEncoding { line, encoding: "UTF-8" },
                }
            })
        }
        Encoding::Gb18030 => gb18030().ok_or(CsvRefused::NotInItsEncoding { line: 0, encoding: "GB 18030" }),
    }
}

/// Lines of the file. The reader's own count is one behind where lines end in two characters.
struct Lines<'a> {
    text: &'a [u8],
    counted: usize,
    line: usize,
}

impl Lines<'_> {
    /// In which line a record begins: places only rise, and each byte is looked at once.
    fn of(&mut self, place: Option<&::csv::Position>) -> usize {
        let begin = place.and_then(|place| usize::try_from(place.byte()).ok()).unwrap_or(0);
        while let Some(byte) = self.text.get(self.counted)
            && (self.counted < begin || matches!(byte, b'\r' | b'\n'))
        {
            self.line += usize::from(*byte == b'\n');
            self.counted += 1;
        }
        self.line
    }
}

/// Which cell of a row is what.
struct Columns {
    count: usize,
    date: usize,
    amount: usize,
    currency: Option<usize>,
    reference: Option<usize>,
    text: Option<usize>,
}

struct Table<'a> {
    records: ::csv::Reader<&'a [u8]>,
    columns: Columns,
}

impl<'a> Table<'a> {
    /// Finds the separator and the header: the first record, by whichever separator, that has all columns of the map.
    fn find(text: &'a str, map: &ColumnMap) -> Result<Self, CsvRefused> {
        let mut fewest: Option<Vec<String>> = None;
        for separator in SEPARATORS {
            let mut records = ::csv::ReaderBuilder::new()
                .delimiter(separator)
                .has_headers(false)
                .flexible(true)
                .from_reader(text.as_bytes());
            let mut record = ::csv::StringRecord::new();
            for _ in 0..HEADER_WITHIN {
                if !records.read_record(&mut record).unwrap_or(false) {
                    break;
                }
                let place = |name: &str| record.iter().position(|cell| cell.trim() == name.trim());
                let missing: Vec<String> =
                    map.names().filter(|name| place(name).is_none()).map(str::to_owned).collect();
                if let (true, Some(date), Some(amount)) =
                    (missing.is_empty(), place(&map.date), place(&map.amount))
                {
                    let currency = match &map.currency {
                        CurrencyFrom::Column(name) => place(name),
                        CurrencyFrom::Always(_) => None,
                    };
                    let columns = Columns {
                        count: record.len(),
                        date,
                        amount,
                        currency,
                        reference: map.reference.as_deref().and_then(place),
                        text: map.text.as_deref().and_then(place),
                    };
                    return Ok(Self { records, columns });
                }
                if fewest.as_ref().is_none_or(|fewest| missing.len() < fewest.len()) {
                    fewest = Some(missing);
                }
            }
        }
        Err(CsvRefused::NoHeader(fewest.unwrap_or_else(|| map.names().map(str::to_owned).collect())))
    }
}

struct Reading<'a> {
    map: &'a ColumnMap,
    rows: usize,
    entries: Vec<BankEntry>,
    problems: Vec<RowProblem>,
    currency: Option<Currency>,
    /// Reference and the line where it stood first.
    seen: HashMap<String, usize>,
    total: Option<i64>,
}

impl<'a> Reading<'a> {
    fn new(map: &'a ColumnMap) -> Self {
        let currency = match map.currency {
            CurrencyFrom::Column(_) => None,
            CurrencyFrom::Always(currency) => Some(currency),
        };
        Self {
            map,
            rows: 0,
            entries: Vec::new(),
            problems: Vec::new(),
            currency,
            seen: HashMap::new(),
            total: None,
        }
    }

    fn row(&mut self, columns: &Columns, record: &::csv::StringRecord, line: usize) -> Result<(), RowReason> {
        if record.len() != columns.count {
            return Err(RowReason::OtherLength { given: record.len(), header: columns.count });
        }
        if record.iter().any(|cell| cell.len() > CELL_MAX) {
            return Err(RowReason::CellTooLong);
        }
        if self.total.is_some() {
            return Err(RowReason::AfterTotal);
        }
        let cell = |place: usize| record.get(place).unwrap_or_default().trim();
        let date = cell(columns.date);
        let is_total = self.map.total.as_deref().is_some_and(|word| word.trim() == date);
        let currency = self.currency_of(columns.currency.map(cell), is_total)?;
        let units = read_amount(cell(columns.amount), self.map.decimal_mark, currency)?;
        if is_total {
            self.total = Some(units);
            return Ok(());
        }
        let booked = read_date(date, self.map.date_order).ok_or_else(|| RowReason::BadDate(excerpt(date)))?;
        let reference = columns.reference.map(cell).filter(|reference| !reference.is_empty());
        if let Some(reference) = reference {
            if let Some(first) = self.seen.get(reference) {
                let reference = excerpt(reference);
                return Err(RowReason::Duplicate { reference, first: *first });
            }
            self.seen.insert(reference.to_owned(), line);
        }
        self.entries.push(BankEntry {
            number: self.rows,
            line,
            units,
            currency,
            booked,
            value: None,
            bank_reference: None,
            reference: reference.map(str::to_owned),
            text: columns.text.map(cell).unwrap_or_default().to_owned(),
            transactions: 0,
            reversal: false,
        });
        Ok(())
    }

    /// The row's currency; a total's may be left empty.
    fn currency_of(&mut self, cell: Option<&str>, is_total: bool) -> Result<Currency, RowReason> {
        let given = match (cell, self.currency) {
            (None, Some(always)) => always,
            (Some(""), Some(file)) if is_total => file,
            (cell, _) => {
                let letters = cell.unwrap_or_default();
                Currency::from_letters(letters).map_err(|_| RowReason::UnknownCurrency(excerpt(letters)))?
            }
        };
        let file = *self.currency.get_or_insert(given);
        if file == given { Ok(given) } else { Err(RowReason::OtherCurrency { file, given }) }
    }

    fn finish(self, given_total: Option<i64>) -> Result<Vec<BankEntry>, CsvRefused> {
        if !self.problems.is_empty() {
            return Err(CsvRefused::Rows(self.problems));
        }
        if self.map.total.is_some() && self.total.is_none() {
            return Err(CsvRefused::NoTotal);
        }
        let sum: i128 = self.entries.iter().map(|entry| i128::from(entry.units)).sum();
        let reckoned = i64::try_from(sum)
            .ok()
            .filter(|sum| (-UNITS_MAX..=UNITS_MAX).contains(sum))
            .ok_or(CsvRefused::OutOfRange)?;
        for given in [self.total, given_total].into_iter().flatten() {
            if given != reckoned {
                // A file without rows has no currency: any shows the number.
                let currency = self.currency.unwrap_or(Currency::CNY);
                return Err(CsvRefused::TotalDiffers { currency, reckoned, given });
            }
        }
        Ok(self.entries)
    }
}

fn read_amount(text: &str, mark: DecimalMark, currency: Currency) -> Result<i64, RowReason> {
    let (mark, thousands) = match mark {
        DecimalMark::Point => ('.', ','),
        DecimalMark::Comma => (',', '.'),
    };
    let bad = |error| RowReason::BadAmount { text: excerpt(text), error };
    let (negative, digits) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, decimals) = digits.split_once(mark).unwrap_or((digits, ""));
    let whole = without_thousands(whole, thousands).ok_or(bad(DecimalError::NotANumber))?;
    let units = decimal::units_of(&whole, decimals, currency).map_err(bad)?;
    Ok(if negative { -units } else { units })
}

/// `1,234,567` as `1234567`; `None` where groups are not of three digits.
fn without_thousands(whole: &str, mark: char) -> Option<Cow<'_, str>> {
    let mut groups = whole.split(mark);
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    if rest.is_empty() {
        return Some(Cow::Borrowed(whole));
    }
    let fits = (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3);
    fits.then(|| Cow::Owned(std::iter::once(first).chain(rest).collect()))
}

fn read_date(text: &str, order: DateOrder) -> Option<Date> {
    let text = text.split([' ', 'T']).next()?;
    let digits = |part: &str, count: std::ops::RangeInclusive<usize>| {
        let fits = count.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let parts: Vec<&str> = if order == DateOrder::YearFirst && text.len() == 8 && text.is_ascii() {
        vec![text.get(..4)?, text.get(4..6)?, text.get(6..)?]
    } else {
        let mark = ['-', '/', '.'].into_iter().find(|mark| text.contains(*mark))?;
        text.split(mark).collect()
    };
    let [first, second, third] = parts[..] else { return None };
    let (year, month, day) = match order {
        DateOrder::YearFirst => (first, second, third),
        DateOrder::DayFirst => (third, second, first),
        DateOrder::MonthFirst => (third, first, second),
    };
    let month = Month::try_from(u8::try_from(digits(month, 1..=2)?).ok()?).ok()?;
    let day = u8::try_from(digits(day, 1..=2)?).ok()?;
    Date::from_calendar_date(i32::from(digits(year, 4..=4)?), month, day).ok()
}
