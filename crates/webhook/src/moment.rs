//! Two spellings of a moment: RFC 3339 with milliseconds, and the date of HTTP (RFC 9110, section 5.6.7).

use alloc::format;
use alloc::string::String;

use model::UnixMillis;
use time::{Date, Month, OffsetDateTime, Time};

/// `2026-11-20T18:31:28.000Z`; `None` outside of the years 0 to 9999, which RFC 3339 cannot write.
pub(crate) fn rfc3339(at: UnixMillis) -> Option<String> {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000).ok()?;
    let (year, month, day) = moment.to_calendar_date();
    let (hour, minute, second, milli) = moment.to_hms_milli();
    (0..=9999).contains(&year).then(|| {
        format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z", u8::from(month))
    })
}

/// From `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that may be sent; the two obsolete ones are not read.
pub(crate) fn from_http_date(text: &str) -> Option<UnixMillis> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_weekday, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let (clock, zone) = (parts.next()?, parts.next()?);
    if zone != "GMT" || parts.next().is_some() || clock.len() != 8 || day.len() != 2 || year.len() != 4 {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)?;
    let month = Month::try_from(u8::try_from(month).ok()?.checked_add(1)?).ok()?;
    let date =
        Date::from_calendar_date(number(year)?.into(), month, u8::try_from(number(day)?).ok()?).ok()?;
    let mut digits = clock.split(':').map(|part| u8::try_from(number(part)?).ok());
    let (hour, minute, second) = (digits.next()??, digits.next()??, digits.next()??);
    // A leap second is read as the one before it.
    let time = Time::from_hms(hour, minute, if second == 60 { 59 } else { second }).ok()?;
    Some(UnixMillis(OffsetDateTime::new_utc(date, time).unix_timestamp().checked_mul(1000)?))
}

fn number(digits: &str) -> Option<u16> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_007, "2000-02-29T00:00:00.007Z"),
            (1_795_199_488_000, "2026-11-20T18:31:28.000Z"),
        ] {
            assert_eq!(rfc3339(UnixMillis(millis)).as_deref(), Some(text));
        }
        assert_eq!(rfc3339(UnixMillis(i64::MAX)), None);
        assert_eq!(rfc3339(UnixMillis(i64::MIN)), None);
        assert_eq!(from_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(UnixMillis(784_111_777_000)));
        for wrong in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 +8:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
        ] {
            assert_eq!(from_http_date(wrong), None, "{wrong}");
        }
    }
}
