//! What is read of a statement until its end is there, and the words of a file as values.

use std::collections::HashMap;

use model::Currency;
use time::{Date, Month};

use super::TEXT_MAX;
use crate::bank_entry::BankEntry;
use crate::decimal;
use crate::error::{CamtReason as R, excerpt};

/// An amount as it stands there.
#[derive(Default)]
pub(super) struct Money {
    pub(super) amount: Option<(String, String)>,
    pub(super) direction: Option<String>,
}

#[derive(Default)]
pub(super) struct EntryDraft {
    pub(super) line: usize,
    pub(super) money: Money,
    pub(super) status: Option<String>,
    pub(super) booked: Option<Date>,
    pub(super) value: Option<Date>,
    pub(super) own_reference: Option<String>,
    pub(super) bank_reference: Option<String>,
    pub(super) end_to_end: Option<String>,
    pub(super) words: String,
    pub(super) more_words: String,
    pub(super) transactions: usize,
    pub(super) reversal: bool,
}

#[derive(Default)]
pub(super) struct BalanceDraft {
    pub(super) code: Option<String>,
    pub(super) money: Money,
}

#[derive(Default)]
pub(super) struct StatementDraft {
    pub(super) id: Option<String>,
    pub(super) account: Option<String>,
    pub(super) currency: Option<Currency>,
    pub(super) opening: Option<i64>,
    pub(super) previous: Option<i64>,
    pub(super) closing: Option<i64>,
    pub(super) summary: Summary,
    pub(super) entries: Vec<BankEntry>,
    pub(super) not_booked: usize,
    /// How many, and their sum: credits, debits; booked or not.
    pub(super) sides: [(usize, i64); 2],
    pub(super) own_references: HashMap<String, usize>,
}

/// What `TxsSummry` says: how many, and the sum as it stands there. All, credits, debits.
#[derive(Default)]
pub(super) struct Summary {
    pub(super) counts: [Option<usize>; 3],
    pub(super) sums: [Option<String>; 3],
}

impl Summary {
    /// The summary's numbers and sums, where it has them, are those of all entries.
    pub(super) fn check(&self, [credits, debits]: [(usize, i64); 2], currency: Currency) -> Result<(), R> {
        let debits = (debits.0, debits.1.checked_neg().ok_or(R::OutOfRange)?);
        let sum = credits.1.checked_add(debits.1).ok_or(R::OutOfRange)?;
        let all = (credits.0 + debits.0, sum);
        let whats = [
            ("the number of entries", "the sum of entries"),
            ("the number of credits", "the sum of credits"),
            ("the number of debits", "the sum of debits"),
        ];
        for (place, ((reckoned, sum), (count, amount))) in
            [all, credits, debits].into_iter().zip(whats).enumerate()
        {
            match self.counts[place] {
                Some(given) if given != reckoned => {
                    return Err(R::CountDiffers { what: count, reckoned, given });
                }
                Some(_) | None => {}
            }
            if let Some(text) = &self.sums[place] {
                let given = read_amount(text, currency)?;
                if given != sum {
                    return Err(R::SumDiffers { what: amount, currency, reckoned: sum, given });
                }
            }
        }
        Ok(())
    }
}

pub(super) fn once(place: &mut Option<String>, text: &str, what: &'static str) -> Result<(), R> {
    if text.is_empty() {
        return Ok(());
    }
    match place.replace(text.to_owned()) {
        None => Ok(()),
        Some(_) => Err(R::Twice(what)),
    }
}

pub(super) fn join(words: &mut String, text: &str) -> Result<(), R> {
    if words.len() + text.len() >= TEXT_MAX {
        return Err(R::TextTooLong);
    }
    if !words.is_empty() {
        words.push(' ');
    }
    words.push_str(text);
    Ok(())
}

pub(super) fn currency_of(letters: &str) -> Result<Currency, R> {
    Currency::from_letters(letters).map_err(|_| R::UnknownCurrency(excerpt(letters)))
}

fn read_amount(text: &str, currency: Currency) -> Result<i64, R> {
    decimal::read(text, currency).map_err(|error| R::NotAnAmount { text: excerpt(text), error })
}

/// Signed minor units; the first currency of a statement is its currency.
pub(super) fn units_of(money: &Money, statement: &mut Option<Currency>) -> Result<i64, R> {
    let (text, letters) = money.amount.as_ref().ok_or(R::Missing("Amt"))?;
    let given = currency_of(letters)?;
    let units = read_amount(text, given)?;
    let statement = *statement.get_or_insert(given);
    if statement != given {
        return Err(R::MixedCurrencies { statement, given });
    }
    match money.direction.as_deref() {
        Some("CRDT") => Ok(units),
        Some("DBIT") => Ok(-units),
        Some(other) => Err(R::NotADirection(excerpt(other))),
        None => Err(R::Missing("CdtDbtInd")),
    }
}

/// The date of an `xs:date` or `xs:dateTime`, as it is written there, whatever its time zone.
pub(super) fn date_of(text: &str) -> Result<Date, R> {
    let refused = || R::NotADate(excerpt(text));
    let (date, rest) = text.split_at_checked(10).ok_or_else(refused)?;
    if !(rest.is_empty() || rest.starts_with(['T', 'Z', '+', '-'])) {
        return Err(refused());
    }
    let digits = |from: usize, to: usize| {
        let part = date.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        part.and_then(|part| part.parse::<u16>().ok())
    };
    let dashes = [4, 7].iter().all(|place| date.as_bytes().get(*place) == Some(&b'-'));
    let parts = digits(0, 4).zip(digits(5, 7)).zip(digits(8, 10)).filter(|_| dashes);
    let ((year, month), day) = parts.ok_or_else(refused)?;
    let narrow = |number: u16| u8::try_from(number).map_err(|_| refused());
    let month = Month::try_from(narrow(month)?).map_err(|_| refused())?;
    Date::from_calendar_date(i32::from(year), month, narrow(day)?).map_err(|_| refused())
}
