//! A day's money on paper, ours and the bank's, and which movement is which.
//!
//! For: the settlement statement of a merchant or of the platform ([`Statement`]) as CSV ([`csv`]) and as ISO 20022
//! camt.053 ([`camt053`]); reading what banks send as camt.053 and as CSV ([`bank_csv`]); and [`matching`] the two.
//! Refuses: files, sockets, clocks and the store (bytes, dates and sums are arguments); a file that is only partly right:
//! it is taken whole or refused by name, with line and entry; floating point. Money is minor units of one currency.
//! Next: [`statement`](mod@statement) for what a day is made of, [`matching`] for how entries find each other.

pub mod bank_csv;
mod bank_entry;
pub mod camt053;
pub mod csv;
mod decimal;
mod error;
pub mod matching;
pub mod statement;

pub use bank_entry::BankEntry;
pub use decimal::{DecimalError, UNITS_MAX};
pub use error::{CamtReason, CamtRefused, CsvRefused, RowProblem, RowReason, StatementError};
pub use statement::{Account, Entry, EntryKind, Line, Part, Parts, Period, Statement, Total, Totals};
