//! Minor units as decimal numbers, and back: integers all the way.

use std::fmt::Write as _;

use model::Currency;

/// The greatest sum in a statement, in minor units: 18 digits, as ISO 20022 allows an amount to have.
pub const UNITS_MAX: i64 = 999_999_999_999_999_999;

/// Why a text is not an amount of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not digits with at most one decimal mark.
    #[error("not a decimal number")]
    NotANumber,
    /// More decimals than the currency has. Fewer are lawful: `5` and `5.0` are `5.00`.
    #[error("{given} decimals, and {currency} has {}", currency.exponent())]
    TooManyDecimals {
        /// How many there are.
        given: usize,
        /// The currency.
        currency: Currency,
    },
    /// More than [`UNITS_MAX`].
    #[error("more than 18 digits")]
    TooLarge,
}

/// Digits before and after a decimal mark, as minor units of the currency; never negative.
pub(crate) fn units_of(whole: &str, decimals: &str, currency: Currency) -> Result<i64, DecimalError> {
    let exponent = usize::from(currency.exponent());
    if whole.is_empty() && decimals.is_empty()
        || !whole.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return Err(DecimalError::NotANumber);
    }
    if decimals.len() > exponent {
        return Err(DecimalError::TooManyDecimals { given: decimals.len(), currency });
    }
    let padding = std::iter::repeat_n(b'0', exponent - decimals.len());
    whole
        .bytes()
        .chain(decimals.bytes())
        .chain(padding)
        .try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_add(i64::from(digit - b'0')))
        .filter(|units| *units <= UNITS_MAX)
        .ok_or(DecimalError::TooLarge)
}

/// An `xs:decimal` that is not negative: digits, at most one point.
pub(crate) fn read(text: &str, currency: Currency) -> Result<i64, DecimalError> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    units_of(whole, decimals, currency)
}

/// Minor units with all decimals of the currency, a point, no thousands: `-1234.50`.
pub(crate) fn write(units: i128, currency: Currency) -> String {
    let exponent = usize::from(currency.exponent());
    let scale = 10_u128.pow(u32::from(currency.exponent()));
    let mut text = String::with_capacity(24);
    if units < 0 {
        text.push('-');
    }
    // Writing to a string does not fail.
    let _ = write!(text, "{}", units.unsigned_abs() / scale);
    if exponent > 0 {
        let _ = write!(text, ".{:0exponent$}", units.unsigned_abs() % scale);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_the_currencys() {
        let many = |given, currency| Err(DecimalError::TooManyDecimals { given, currency });
        for (text, currency, expected) in [
            ("20.00", Currency::CNY, Ok(2000)),
            ("20", Currency::CNY, Ok(2000)),
            ("20.5", Currency::CNY, Ok(2050)),
            (".5", Currency::CNY, Ok(50)),
            ("0007.01", Currency::CNY, Ok(701)),
            ("1500", Currency::JPY, Ok(1500)),
            ("1.005", Currency::KWD, Ok(1005)),
            ("20.500", Currency::CNY, many(3, Currency::CNY)),
            ("1500.0", Currency::JPY, many(1, Currency::JPY)),
            ("9999999999999999.99", Currency::EUR, Ok(UNITS_MAX)),
            ("10000000000000000", Currency::EUR, Err(DecimalError::TooLarge)),
            ("99999999999999999999999999", Currency::EUR, Err(DecimalError::TooLarge)),
        ] {
            assert_eq!(read(text, currency), expected, "{text}");
        }
        for text in ["", ".", "-1", "+1", "1e3", "1,00", " 1", "1.0.0", "１"] {
            assert_eq!(read(text, Currency::EUR), Err(DecimalError::NotANumber), "{text:?}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for (units, currency, text) in [
            (-5, Currency::CNY, "-0.05"),
            (0, Currency::CNY, "0.00"),
            (123_450, Currency::USD, "1234.50"),
            (-1500, Currency::JPY, "-1500"),
            (1005, Currency::KWD, "1.005"),
        ] {
            assert_eq!(write(units, currency), text);
            let read = read(text.trim_start_matches('-'), currency).unwrap();
            assert_eq!(i128::from(read), units.abs());
        }
    }
}
