//! One line of a bank's statement, whichever form the bank sent it in.

use model::Currency;
use time::Date;

/// A booked movement as the bank tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankEntry {
    /// Which entry of its file, from 1.
    pub number: usize,
    /// The line of the file where it begins, from 1.
    pub line: usize,
    /// Minor units: above zero into the account, below zero out of it.
    pub units: i64,
    /// The currency.
    pub currency: Currency,
    /// When the bank booked it.
    pub booked: Date,
    /// From when it counts for interest, where the bank says so.
    pub value: Option<Date>,
    /// The bank's own reference, where it has one: unique in its file.
    pub bank_reference: Option<String>,
    /// The reference that went with the payment (`EndToEndId`), where it came through.
    pub reference: Option<String>,
    /// What the bank or the payer wrote.
    pub text: String,
    /// How many single transactions the bank put into this entry; 0 where it does not say.
    pub transactions: usize,
    /// The bank took an earlier entry back by it.
    pub reversal: bool,
}
