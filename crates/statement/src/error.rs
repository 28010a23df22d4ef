//! Why a statement is not made and a bank's file is not taken. Each variant names a rule; `code()` is for machines.

use std::fmt;

use model::Currency;

use crate::bank_csv;
use crate::camt053;
use crate::decimal::DecimalError;
use crate::statement::{ENTRIES_MAX, REFERENCE_CHARS_MAX};

/// Why a statement cannot be made. Entries count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The statement's id is not 1 to 35 printable characters.
    #[error("a statement's id has 1 to 35 characters, none of them a control character")]
    BadId,
    /// The account's id or name is not printable or not of its length.
    #[error("an account has an id of 1 to 34 characters and a name of 1 to 70, without control characters")]
    BadAccount,
    /// The period has no moment in it.
    #[error("the period ends before it begins, or outside of the calendar")]
    PeriodEmpty,
    /// More entries than a statement has.
    #[error("{0} entries are more than {ENTRIES_MAX}: write them in several parts")]
    TooManyEntries(usize),
    /// An entry is in another currency.
    #[error("entry {entry} is in {given}, the statement in {statement}: one statement a currency")]
    OtherCurrency {
        /// Which entry.
        entry: usize,
        /// The statement's.
        statement: Currency,
        /// The entry's.
        given: Currency,
    },
    /// An entry moves nothing.
    #[error("entry {entry} is zero: it moves nothing")]
    Zero {
        /// Which entry.
        entry: usize,
    },
    /// An entry is not of this period.
    #[error("entry {entry} lies outside of the period")]
    OutsidePeriod {
        /// Which entry.
        entry: usize,
    },
    /// An entry is older than the one before it.
    #[error("entry {entry} is older than the one before it: the oldest goes first")]
    OutOfOrder {
        /// Which entry.
        entry: usize,
    },
    /// Two entries are of the same transfer.
    #[error("entry {entry} is of the same transfer as entry {first}")]
    SameTransfer {
        /// Which entry.
        entry: usize,
        /// The first of them.
        first: usize,
    },
    /// A reference is too long or has control characters.
    #[error(
        "the reference of entry {entry} has more than {REFERENCE_CHARS_MAX} characters, or control characters"
    )]
    BadReference {
        /// Which entry.
        entry: usize,
    },
    /// A balance leaves the range of 18 digits; entry 0 is the opening balance.
    #[error("the balance after entry {entry} has more than 18 digits")]
    OutOfRange {
        /// After which entry.
        entry: usize,
    },
    /// Opening and entries are not the closing balance.
    #[error("opening and entries are {}, the closing balance given is {}", currency.display(*reckoned), currency.display(*given))]
    ClosingDiffers {
        /// The statement's.
        currency: Currency,
        /// Minor units.
        reckoned: i64,
        /// Minor units.
        given: i64,
    },
}

impl StatementError {
    /// The stable code for JSON and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadId => "statement_bad_id",
            Self::BadAccount => "statement_bad_account",
            Self::PeriodEmpty => "statement_period_empty",
            Self::TooManyEntries(_) => "statement_too_many_entries",
            Self::OtherCurrency { .. } => "statement_other_currency",
            Self::Zero { .. } => "statement_zero",
            Self::OutsidePeriod { .. } => "statement_outside_period",
            Self::OutOfOrder { .. } => "statement_out_of_order",
            Self::SameTransfer { .. } => "statement_same_transfer",
            Self::BadReference { .. } => "statement_bad_reference",
            Self::OutOfRange { .. } => "statement_out_of_range",
            Self::ClosingDiffers { .. } => "statement_closing_differs",
        }
    }
}

/// A camt.053 file that is not taken: where, and why. Nothing of it is taken then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CamtRefused {
    /// The line, from 1; 0 where the file is refused before it is read.
    pub line: usize,
    /// The entry of the file, from 1, if it is about one.
    pub entry: Option<usize>,
    /// Why.
    pub reason: CamtReason,
}

impl fmt::Display for CamtRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}", self.line)?;
            if let Some(entry) = self.entry {
                write!(f, ", entry {entry}")?;
            }
            f.write_str(": ")?;
        }
        fmt::Display::fmt(&self.reason, f)
    }
}

impl std::error::Error for CamtRefused {}

impl CamtRefused {
    /// The stable code for JSON and metrics.
    pub const fn code(&self) -> &'static str {
        self.reason.code()
    }
}

/// Why a camt.053 file is not taken. Texts of the file are shortened to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CamtReason {
    /// Longer than [`camt053::BYTES_MAX`].
    #[error("the file has {0} bytes, more than {limit}: ask the bank for shorter periods", limit = camt053::BYTES_MAX)]
    TooLong(usize),
    /// Declared or marked to be in an encoding that is not read.
    #[error("the encoding {0} is not read: UTF-8, US-ASCII and ISO-8859-1 are")]
    Encoding(String),
    /// The bytes are not what the encoding allows.
    #[error("the bytes are not {0}")]
    NotInItsEncoding(&'static str),
    /// Not well-formed XML.
    #[error("not well-formed XML: {0}")]
    NotXml(String),
    /// A document type: nothing in it is needed, and it can do harm.
    #[error("the file has a document type declaration: it is refused, with whatever it declares")]
    DocumentType,
    /// A reference to an entity other than the five of XML.
    #[error("the entity {0} is not one of XML's five, and none is expanded")]
    Entity(String),
    /// Deeper than [`camt053::DEPTH_MAX`].
    #[error("elements are nested more than {} deep", camt053::DEPTH_MAX)]
    TooDeep,
    /// A tag longer than [`camt053::TAG_MAX`].
    #[error("a tag has more than {} bytes", camt053::TAG_MAX)]
    TagTooLong,
    /// A text longer than [`camt053::TEXT_MAX`].
    #[error("a text has more than {} bytes", camt053::TEXT_MAX)]
    TextTooLong,
    /// The first element is not `Document` with `BkToCstmrStmt`.
    #[error("the file holds {0}, not a Document with a BkToCstmrStmt")]
    WrongRoot(String),
    /// Not of camt.053, or of a version that is not read.
    #[error("the namespace is {0:?}; camt.053.001.02 to .08 are read")]
    WrongNamespace(String),
    /// No statement in it.
    #[error("the file has no statement")]
    NoStatement,
    /// More than [`camt053::ENTRIES_MAX`].
    #[error("more than {} entries: ask the bank for shorter periods", camt053::ENTRIES_MAX)]
    TooManyEntries,
    /// Something that every statement or entry has is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Something that stands once stands twice.
    #[error("{0} stands there twice")]
    Twice(&'static str),
    /// Not a date.
    #[error("{0:?} is not a date")]
    NotADate(String),
    /// Not an amount of its currency.
    #[error("the amount {text:?}: {error}")]
    NotAnAmount {
        /// As it stands there.
        text: String,
        /// What is wrong.
        error: DecimalError,
    },
    /// Not a number of entries.
    #[error("{0:?} is not a number of entries")]
    NotACount(String),
    /// A currency that this build does not know.
    #[error("the currency {0:?} is not known")]
    UnknownCurrency(String),
    /// Neither `CRDT` nor `DBIT`.
    #[error("{0:?} is neither CRDT nor DBIT")]
    NotADirection(String),
    /// Neither `true` nor `false`.
    #[error("{0:?} is neither true nor false")]
    NotATruth(String),
    /// Not a status that ISO 20022 has.
    #[error("the status {0:?} is none of BOOK, PDNG, INFO and FUTR")]
    NotAStatus(String),
    /// An amount is not in the account's currency.
    #[error("an amount in {given} in a statement in {statement}")]
    MixedCurrencies {
        /// The account's.
        statement: Currency,
        /// The amount's.
        given: Currency,
    },
    /// Two entries with one reference of the bank: a line was sent twice.
    #[error("the reference {reference:?} is that of entry {first} already")]
    DuplicateReference {
        /// The bank's reference.
        reference: String,
        /// Which entry had it.
        first: usize,
    },
    /// Opening and entries are not the closing balance.
    #[error("opening and booked entries are {}, the closing balance is {}", currency.display(*reckoned), currency.display(*given))]
    ClosingDiffers {
        /// The statement's.
        currency: Currency,
        /// Minor units.
        reckoned: i64,
        /// Minor units.
        given: i64,
    },
    /// The summary's sum is not that of the entries.
    #[error("{what} is {} by the summary and {} by the entries", currency.display(*given), currency.display(*reckoned))]
    SumDiffers {
        /// Which sum.
        what: &'static str,
        /// The statement's.
        currency: Currency,
        /// Minor units.
        reckoned: i64,
        /// Minor units.
        given: i64,
    },
    /// The summary's number is not that of the entries.
    #[error("{what} is {given} by the summary, and there are {reckoned}")]
    CountDiffers {
        /// Which number.
        what: &'static str,
        /// How many there are.
        reckoned: usize,
        /// How many the summary says.
        given: usize,
    },
    /// A sum leaves the range of 18 digits.
    #[error("a sum has more than 18 digits")]
    OutOfRange,
}

impl CamtReason {
    /// The stable code for JSON and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "camt_too_long",
            Self::Encoding(_) => "camt_encoding",
            Self::NotInItsEncoding(_) => "camt_not_in_its_encoding",
            Self::NotXml(_) => "camt_not_xml",
            Self::DocumentType => "camt_document_type",
            Self::Entity(_) => "camt_entity",
            Self::TooDeep => "camt_too_deep",
            Self::TagTooLong => "camt_tag_too_long",
            Self::TextTooLong => "camt_text_too_long",
            Self::WrongRoot(_) => "camt_wrong_root",
            Self::WrongNamespace(_) => "camt_wrong_namespace",
            Self::NoStatement => "camt_no_statement",
            Self::TooManyEntries => "camt_too_many_entries",
            Self::Missing(_) => "camt_missing",
            Self::Twice(_) => "camt_twice",
            Self::NotADate(_) => "camt_not_a_date",
            Self::NotAnAmount { .. } => "camt_not_an_amount",
            Self::NotACount(_) => "camt_not_a_count",
            Self::UnknownCurrency(_) => "camt_unknown_currency",
            Self::NotADirection(_) => "camt_not_a_direction",
            Self::NotATruth(_) => "camt_not_a_truth",
            Self::NotAStatus(_) => "camt_not_a_status",
            Self::MixedCurrencies { .. } => "camt_mixed_currencies",
            Self::DuplicateReference { .. } => "camt_duplicate_reference",
            Self::ClosingDiffers { .. } => "camt_closing_differs",
            Self::SumDiffers { .. } => "camt_sum_differs",
            Self::CountDiffers { .. } => "camt_count_differs",
            Self::OutOfRange => "camt_out_of_range",
        }
    }
}

/// Why a bank's CSV file is not taken. Nothing of it is taken then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvRefused {
    /// Longer than [`bank_csv::BYTES_MAX`].
    #[error("the file has {0} bytes, more than {limit}: ask the bank for shorter periods", limit = bank_csv::BYTES_MAX)]
    TooLong(usize),
    /// UTF-16.
    #[error("the file is in UTF-16: save it as UTF-8")]
    Utf16,
    /// Not UTF-8, and it reads as GB 18030 (GBK).
    #[error(
        "line {line} is not UTF-8 and reads as GB 18030 (GBK): say so in the column map, or save it as UTF-8"
    )]
    LooksLikeGb18030 {
        /// The first such line, from 1.
        line: usize,
    },
    /// Not in the encoding of the column map.
    #[error("line {line} is not {encoding}")]
    NotInItsEncoding {
        /// The first such line, from 1; 0 where it cannot be told.
        line: usize,
        /// Which encoding.
        encoding: &'static str,
    },
    /// No line with all columns of the map.
    #[error("no header with all columns of the map in the first {limit} lines; missing: {}", .0.join(", "), limit = bank_csv::HEADER_WITHIN)]
    NoHeader(Vec<String>),
    /// More than [`bank_csv::ROWS_MAX`].
    #[error("more than {} rows: ask the bank for shorter periods", bank_csv::ROWS_MAX)]
    TooManyRows,
    /// Rows that cannot be taken: the first [`bank_csv::PROBLEMS_MAX`] of them.
    #[error("{}", rows(.0))]
    Rows(Vec<RowProblem>),
    /// The map names a total row, and there is none.
    #[error("there is no total row: the file may be cut off")]
    NoTotal,
    /// The entries do not sum to the total.
    #[error("the entries sum to {}, the total is {}", currency.display(*reckoned), currency.display(*given))]
    TotalDiffers {
        /// The file's.
        currency: Currency,
        /// Minor units.
        reckoned: i64,
        /// Minor units.
        given: i64,
    },
    /// A sum leaves the range of 18 digits.
    #[error("a sum has more than 18 digits")]
    OutOfRange,
}

fn rows(problems: &[RowProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl CsvRefused {
    /// The stable code for JSON and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "bank_csv_too_long",
            Self::Utf16 => "bank_csv_utf16",
            Self::LooksLikeGb18030 { .. } => "bank_csv_gb18030",
            Self::NotInItsEncoding { .. } => "bank_csv_not_in_its_encoding",
            Self::NoHeader(_) => "bank_csv_no_header",
            Self::TooManyRows => "bank_csv_too_many_rows",
            Self::Rows(_) => "bank_csv_rows",
            Self::NoTotal => "bank_csv_no_total",
            Self::TotalDiffers { .. } => "bank_csv_total_differs",
            Self::OutOfRange => "bank_csv_out_of_range",
        }
    }
}

/// A row that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RowProblem {
    /// Its line in the file, from 1.
    pub line: usize,
    /// Why.
    pub reason: RowReason,
}

/// Why a row cannot be taken. Texts of the file are shortened to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowReason {
    /// More or fewer cells than the header.
    #[error("{given} cells, and the header has {header}")]
    OtherLength {
        /// How many there are.
        given: usize,
        /// How many there should be.
        header: usize,
    },
    /// Not a date in the map's form.
    #[error("{0:?} is not a date in the form of the map")]
    BadDate(String),
    /// Not an amount.
    #[error("the amount {text:?}: {error}")]
    BadAmount {
        /// As it stands there.
        text: String,
        /// What is wrong.
        error: DecimalError,
    },
    /// A currency that this build does not know.
    #[error("the currency {0:?} is not known")]
    UnknownCurrency(String),
    /// Another currency than the rows before.
    #[error("{given} in a file in {file}")]
    OtherCurrency {
        /// That of the first row.
        file: Currency,
        /// That of this row.
        given: Currency,
    },
    /// The same reference as an earlier row.
    #[error("the reference {reference:?} stands in line {first} already")]
    Duplicate {
        /// The reference.
        reference: String,
        /// Where it stood first.
        first: usize,
    },
    /// A cell is longer than [`bank_csv::CELL_MAX`].
    #[error("a cell has more than {} bytes", bank_csv::CELL_MAX)]
    CellTooLong,
    /// Something stands after the total.
    #[error("a row after the total")]
    AfterTotal,
}

impl RowReason {
    /// The stable code for JSON and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OtherLength { .. } => "bank_csv_other_length",
            Self::BadDate(_) => "bank_csv_bad_date",
            Self::BadAmount { .. } => "bank_csv_bad_amount",
            Self::UnknownCurrency(_) => "bank_csv_unknown_currency",
            Self::OtherCurrency { .. } => "bank_csv_other_currency",
            Self::Duplicate { .. } => "bank_csv_duplicate",
            Self::CellTooLong => "bank_csv_cell_too_long",
            Self::AfterTotal => "bank_csv_after_total",
        }
    }
}

/// What is shown of a text of a file: its first 64 characters, without control characters.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
