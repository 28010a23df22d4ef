//! What identifies a wallet card, a terminal and an industry, and how a purse counts.

use core::fmt;
use core::str::FromStr;

use crate::{Amount, AmountError, Currency, UnixMillis};

/// Application serial number: what is printed on a wallet card, 20 decimal digits in 10 bytes of BCD
/// (JR/T 0025.1, file 0015).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Asn([u8; 10]);

/// A byte of a serial number has a half that is no decimal digit, or a text has not 20 of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an application serial number has 20 decimal digits")]
pub struct AsnError;

impl Asn {
    /// The serial number in these bytes of BCD.
    pub fn new(bytes: [u8; 10]) -> Result<Self, AsnError> {
        if bytes.iter().any(|byte| byte >> 4 > 9 || byte & 0x0f > 9) {
            Err(AsnError)
        } else {
            Ok(Self(bytes))
        }
    }

    /// The serial number of the lowest 20 decimal digits of a number.
    pub fn from_digits(mut number: u128) -> Self {
        let mut bytes = [0; 10];
        for byte in bytes.iter_mut().rev() {
            let pair = (number % 100) as u8;
            *byte = ((pair / 10) << 4) | (pair % 10);
            number /= 100;
        }
        Self(bytes)
    }

    /// The 10 bytes, as file 0015 holds them.
    pub const fn to_bytes(self) -> [u8; 10] {
        self.0
    }

    /// The rightmost 8 bytes: the factor of key diversification.
    pub const fn factor(self) -> [u8; 8] {
        let [_, _, a, b, c, d, e, f, g, h] = self.0;
        [a, b, c, d, e, f, g, h]
    }

    /// The last four digits, as pages show them.
    pub fn last_four(self) -> u16 {
        self.0[8..].iter().fold(0, |sum, byte| sum * 100 + u16::from(byte >> 4) * 10 + u16::from(byte & 0x0f))
    }
}

impl FromStr for Asn {
    type Err = AsnError;
    fn from_str(text: &str) -> Result<Self, AsnError> {
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AsnError);
        }
        hex_bytes(text).map(Self).ok_or(AsnError)
    }
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A terminal's number, 6 bytes, written as 12 hexadecimal digits. It enters every MAC of a load.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TerminalId(pub [u8; 6]);

/// A text is not a terminal's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a terminal's number has 12 hexadecimal digits")]
pub struct TerminalIdError;

impl FromStr for TerminalId {
    type Err = TerminalIdError;
    fn from_str(text: &str) -> Result<Self, TerminalIdError> {
        hex_bytes(text).map(Self).ok_or(TerminalIdError)
    }
}

impl fmt::Display for TerminalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TerminalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn hex_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// 行业应用编码: which business a wallet application serves; four decimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndustryCode(u16);

/// A text or number is not an industry code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an industry code has four decimal digits")]
pub struct IndustryCodeError;

impl IndustryCode {
    /// The code of this number, 0 to 9999.
    pub const fn new(number: u16) -> Result<Self, IndustryCodeError> {
        if number > 9999 { Err(IndustryCodeError) } else { Ok(Self(number)) }
    }

    /// The number, 0 to 9999.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl FromStr for IndustryCode {
    type Err = IndustryCodeError;
    fn from_str(text: &str) -> Result<Self, IndustryCodeError> {
        if text.len() != 4 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(IndustryCodeError);
        }
        text.parse().map(Self).map_err(|_| IndustryCodeError)
    }
}

impl fmt::Display for IndustryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl fmt::Debug for IndustryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An amount or balance on a purse: fen (0.01 yuan) in 4 bytes. Zero is a balance like any other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fen(pub u32);

impl Fen {
    /// The sum; `None` where it does not fit a purse.
    pub const fn plus(self, more: Self) -> Option<Self> {
        match self.0.checked_add(more.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference; `None` where there is less.
    pub const fn minus(self, less: Self) -> Option<Self> {
        match self.0.checked_sub(less.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }

    /// The same as money that the ledger can move; refuses zero.
    pub fn amount(self) -> Result<Amount, AmountError> {
        Amount::new(i64::from(self.0), Currency::CNY)
    }
}

impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// A purse's online transaction counter: one more after each load that the card took. It decides what became
/// of a load whose answer was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OnlineCounter(pub u16);

impl OnlineCounter {
    /// The counter after one more load; `None` at its end: the card must be replaced.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(next) => Some(Self(next)),
            None => None,
        }
    }
}

/// A moment as a purse keeps it: BCD `YYYYMMDD` and `hhmmss` in China's time (UTC+8), 7 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PurseTime([u8; 7]);

/// Seconds that China's time is ahead of UTC.
const CHINA_AHEAD_SECONDS: i64 = 8 * 3600;

impl PurseTime {
    /// This moment, held within the years 0000 to 9999 that four digits can say.
    pub fn at(now: UnixMillis) -> Self {
        let seconds = now.0.div_euclid(1000).clamp(-62_167_190_400, 253_402_271_999) + CHINA_AHEAD_SECONDS;
        let (days, in_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let bcd = |n: i64| u8::try_from(n / 10 * 16 + n % 10).unwrap_or(0x99);
        Self([
            bcd(year / 100),
            bcd(year % 100),
            bcd(month),
            bcd(day),
            bcd(in_day / 3600),
            bcd(in_day / 60 % 60),
            bcd(in_day % 60),
        ])
    }

    /// The moment in these bytes. They are not checked: a card's log may hold anything.
    pub const fn from_bytes(bytes: [u8; 7]) -> Self {
        Self(bytes)
    }

    /// Date and time, 7 bytes.
    pub const fn to_bytes(self) -> [u8; 7] {
        self.0
    }

    /// The moment that the digits name; nothing where they are no day and time of the calendar.
    pub fn moment(self) -> Option<UnixMillis> {
        let two = |byte: u8| {
            let (tens, ones) = (i64::from(byte >> 4), i64::from(byte & 0x0f));
            (tens <= 9 && ones <= 9).then_some(tens * 10 + ones)
        };
        let [century, year, month, day, hour, minute, second] = self.0;
        let (year, month, day) = (two(century)? * 100 + two(year)?, two(month)?, two(day)?);
        let (hour, minute, second) = (two(hour)?, two(minute)?, two(second)?);
        // The inverse of `civil`: years are counted from March.
        let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let (era, year_of_era) = (y.div_euclid(400), y.rem_euclid(400));
        let day_of_era =
            year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * m + 2) / 5 + day - 1;
        let days = era * 146_097 + day_of_era - 719_468;
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - CHINA_AHEAD_SECONDS;
        // 30 February names a day as well, by reckoning on: only what reads back the same is a moment.
        let moment = UnixMillis(seconds * 1_000);
        (Self::at(moment) == self).then_some(moment)
    }

    /// The date alone, 4 bytes.
    pub const fn date(self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.0;
        [a, b, c, d]
    }

    /// The same day so many years later; 29 February becomes 28.
    pub fn date_years_later(self, years: u8) -> [u8; 4] {
        let [a, b, month, day] = self.date();
        let year = |h: u8, l: u8| {
            i64::from(h >> 4) * 1000 + i64::from(h & 15) * 100 + i64::from(l >> 4) * 10 + i64::from(l & 15)
        };
        let later = (year(a, b) + i64::from(years)).min(9999);
        let bcd = |n: i64| u8::try_from(n / 10 * 16 + n % 10).unwrap_or(0x99);
        let day = if (month, day) == (0x02, 0x29) { 0x28 } else { day };
        [bcd(later / 100), bcd(later % 100), month, day]
    }
}

impl fmt::Display for PurseTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, month, day, hour, minute, second] = self.0;
        write!(f, "{a:02x}{b:02x}-{month:02x}-{day:02x} {hour:02x}:{minute:02x}:{second:02x}")
    }
}

impl fmt::Debug for PurseTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar. Years are counted from
/// March, so that the day that comes and goes is the last.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year_of_era + era * 400 + next, month, day)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_serial_number_is_twenty_digits_and_reads_back() {
        let asn: Asn = "00001000751234567890".parse().unwrap();
        assert_eq!(asn.factor(), [0x10, 0x00, 0x75, 0x12, 0x34, 0x56, 0x78, 0x90]);
        assert_eq!(asn.to_string(), "00001000751234567890");
        assert_eq!(asn.last_four(), 7890);
        assert_eq!(Asn::from_digits(1_000_751_234_567_890), asn);
        assert_eq!("0000100075123456789".parse::<Asn>(), Err(AsnError));
        assert_eq!("0000100075123456789a".parse::<Asn>(), Err(AsnError));
        assert_eq!(Asn::new([0xaa; 10]), Err(AsnError));
    }

    #[test]
    fn codes_and_terminals_have_one_spelling() {
        assert_eq!("0042".parse::<IndustryCode>().map(IndustryCode::number), Ok(42));
        for wrong in ["42", "00042", "00a2", ""] {
            assert_eq!(wrong.parse::<IndustryCode>(), Err(IndustryCodeError));
        }
        assert_eq!("000001000050".parse(), Ok(TerminalId([0, 0, 1, 0, 0, 0x50])));
        assert_eq!("00000100005".parse::<TerminalId>(), Err(TerminalIdError));
    }

    #[test]
    fn a_moment_is_the_calendars() {
        for (millis, text) in [
            (0, "1970-01-01 08:00:00"),
            (1_795_199_488_000, "2026-11-21 02:31:28"),
            (951_753_600_000, "2000-02-29 00:00:00"),
            (4_107_513_600_000, "2100-03-01 00:00:00"),
            (1_735_660_799_000, "2024-12-31 23:59:59"),
            (i64::MAX, "9999-12-31 23:59:59"),
        ] {
            let at = PurseTime::at(UnixMillis(millis));
            assert_eq!(at.to_string(), text);
            if millis < i64::MAX {
                assert_eq!(at.moment(), Some(UnixMillis(millis)));
            }
        }
        for no_moment in [
            [0; 7],
            [0xff; 7],
            [0x20, 0x26, 0x02, 0x30, 0, 0, 0],
            [0x20, 0x26, 0x13, 0x01, 0, 0, 0],
            [0x20, 0x26, 0x11, 0x21, 0x24, 0, 0],
            [0x20, 0x26, 0x11, 0x21, 0x02, 0x60, 0],
            [0x20, 0x26, 0x11, 0x2a, 0x02, 0x31, 0x28],
        ] {
            assert_eq!(PurseTime::from_bytes(no_moment).moment(), None, "{no_moment:02x?}");
        }
    }

    #[test]
    fn a_day_some_years_later_is_a_day() {
        let leap = PurseTime::at(UnixMillis(1_709_179_200_000));
        assert_eq!(leap.to_string(), "2024-02-29 12:00:00");
        assert_eq!(leap.date_years_later(10), [0x20, 0x34, 0x02, 0x28]);
    }

    #[test]
    fn money_on_a_purse_is_checked() {
        assert_eq!(Fen(u32::MAX).plus(Fen(1)), None);
        assert_eq!(Fen(7).minus(Fen(8)), None);
        assert_eq!(Fen(123_405).to_string(), "1234.05");
        assert!(Fen(0).amount().is_err());
        assert_eq!(OnlineCounter(u16::MAX).next(), None);
    }
}
