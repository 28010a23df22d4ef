//! Money as integer minor units with a currency. There is no floating point in this project.

use core::fmt;

/// An ISO 4217 currency: its number, its letters and how many decimals a major unit has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    number: u16,
    letters: [u8; 3],
    exponent: u8,
}

macro_rules! currencies {
    ($($name:ident $letters:literal $number:literal $exponent:literal;)*) => {
        impl Currency {
            $(
                #[doc = concat!($letters, ", ISO 4217 number ", stringify!($number))]
                pub const $name: Currency =
                    Currency { number: $number, letters: *$letters.as_bytes().first_chunk::<3>().unwrap(), exponent: $exponent };
            )*
            /// Every currency that this build knows.
            pub const KNOWN: &'static [Currency] = &[$(Self::$name),*];
        }
    };
}

currencies! {
    AED "AED" 784 2;
    AUD "AUD" 36 2;
    BHD "BHD" 48 3;
    BRL "BRL" 986 2;
    CAD "CAD" 124 2;
    CHF "CHF" 756 2;
    CNY "CNY" 156 2;
    DKK "DKK" 208 2;
    EUR "EUR" 978 2;
    GBP "GBP" 826 2;
    HKD "HKD" 344 2;
    IDR "IDR" 360 2;
    INR "INR" 356 2;
    JPY "JPY" 392 0;
    KRW "KRW" 410 0;
    KWD "KWD" 414 3;
    MOP "MOP" 446 2;
    MXN "MXN" 484 2;
    MYR "MYR" 458 2;
    NOK "NOK" 578 2;
    NZD "NZD" 554 2;
    PHP "PHP" 608 2;
    SAR "SAR" 682 2;
    SEK "SEK" 752 2;
    SGD "SGD" 702 2;
    THB "THB" 764 2;
    TWD "TWD" 901 2;
    USD "USD" 840 2;
    VND "VND" 704 0;
    ZAR "ZAR" 710 2;
}

impl Currency {
    /// The ISO 4217 number, as two bytes of a transaction frame carry it.
    pub const fn number(self) -> u16 {
        self.number
    }

    /// How many decimals a major unit has (2 for CNY, 0 for JPY, 3 for KWD).
    pub const fn exponent(self) -> u8 {
        self.exponent
    }

    /// The three ISO 4217 letters.
    pub fn letters(&self) -> &str {
        // The table above holds ASCII only.
        core::str::from_utf8(&self.letters).unwrap_or("???")
    }

    /// The currency of an ISO 4217 number.
    pub fn from_number(number: u16) -> Result<Self, AmountError> {
        Self::KNOWN.iter().copied().find(|c| c.number == number).ok_or(AmountError::UnknownCurrency)
    }

    /// The currency of three upper-case ISO 4217 letters.
    pub fn from_letters(letters: &str) -> Result<Self, AmountError> {
        Self::KNOWN.iter().copied().find(|c| c.letters() == letters).ok_or(AmountError::UnknownCurrency)
    }

    /// The sign that people expect before an amount, or nothing where the letters say it better.
    pub fn sign(self) -> &'static str {
        match self.number {
            156 => "¥",
            840 => "$",
            978 => "€",
            826 => "£",
            392 => "JP¥",
            344 => "HK$",
            _ => "",
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.letters())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.letters())
    }
}

/// Why a number is not an amount of money that can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Below zero.
    #[error("an amount cannot be negative")]
    Negative,
    /// Zero moves nothing.
    #[error("an amount cannot be zero")]
    Zero,
    /// More than a transaction frame can carry: 4,294,967,295 minor units.
    #[error("an amount is at most 4,294,967,295 minor units")]
    TooLarge,
    /// Not a currency that this build knows.
    #[error("the currency is not known; give three ISO 4217 letters such as CNY")]
    UnknownCurrency,
    /// The caller's number of decimals is not the currency's.
    #[error("the exponent is not the currency's")]
    WrongExponent,
}

/// A positive amount of money: 1 to 4,294,967,295 minor units (what four bytes on the air can say).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amount {
    minor: u32,
    currency: Currency,
}

impl Amount {
    /// An amount from minor units (fen, cents).
    pub fn new(minor: i64, currency: Currency) -> Result<Self, AmountError> {
        if minor < 0 {
            return Err(AmountError::Negative);
        }
        if minor == 0 {
            return Err(AmountError::Zero);
        }
        let minor = u32::try_from(minor).map_err(|_| AmountError::TooLarge)?;
        Ok(Self { minor, currency })
    }

    /// Minor units, above zero.
    pub const fn minor(self) -> u32 {
        self.minor
    }

    /// Minor units as the ledger counts them.
    pub const fn ledger_units(self) -> i64 {
        self.minor as i64
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Money { minor: i64::from(self.minor), currency: self.currency })
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {}", self.currency)
    }
}

/// Any number of minor units written for people: sign of the currency, thousands, decimals.
struct Money {
    minor: i64,
    currency: Currency,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.minor < 0 {
            f.write_str("−")?;
        }
        f.write_str(self.currency.sign())?;
        let scale = 10_u64.pow(u32::from(self.currency.exponent));
        let (major, rest) = (self.minor.unsigned_abs() / scale, self.minor.unsigned_abs() % scale);
        write_thousands(f, major)?;
        match self.currency.exponent {
            0 => Ok(()),
            decimals => write!(f, ".{rest:0width$}", width = usize::from(decimals)),
        }
    }
}

fn write_thousands(f: &mut fmt::Formatter<'_>, number: u64) -> fmt::Result {
    if number >= 1000 {
        write_thousands(f, number / 1000)?;
        return write!(f, ",{:03}", number % 1000);
    }
    write!(f, "{number}")
}

impl Currency {
    /// Any balance of this currency, written for people: `¥1,234.50`, `−¥3.00`.
    pub fn display(self, minor: i64) -> impl fmt::Display {
        Money { minor, currency: self }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn an_amount_is_positive_and_fits_the_frame() {
        assert_eq!(Amount::new(-1, Currency::CNY), Err(AmountError::Negative));
        assert_eq!(Amount::new(0, Currency::CNY), Err(AmountError::Zero));
        assert_eq!(Amount::new(1 << 32, Currency::CNY), Err(AmountError::TooLarge));
        assert_eq!(Amount::new(u32::MAX.into(), Currency::CNY).map(Amount::minor), Ok(u32::MAX));
    }

    #[test]
    fn people_read_amounts_in_their_currency() {
        for (minor, currency, text) in [
            (2000, Currency::CNY, "¥20.00"),
            (5, Currency::CNY, "¥0.05"),
            (123_456_789, Currency::USD, "$1,234,567.89"),
            (1500, Currency::JPY, "JP¥1,500"),
            (1005, Currency::KWD, "1.005"),
            (-300, Currency::CNY, "−¥3.00"),
        ] {
            assert_eq!(currency.display(minor).to_string(), text);
        }
    }

    #[test]
    fn every_currency_is_found_by_number_and_by_letters() {
        for currency in Currency::KNOWN {
            assert_eq!(Currency::from_number(currency.number()), Ok(*currency));
            assert_eq!(Currency::from_letters(currency.letters()), Ok(*currency));
        }
        assert_eq!(Currency::from_letters("XTS"), Err(AmountError::UnknownCurrency));
        assert_eq!(Currency::from_letters("cny"), Err(AmountError::UnknownCurrency));
    }
}
