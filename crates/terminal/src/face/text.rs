//! Values as people read them, and as they type them.

use model::{Asn, Currency, Fen, PurseTime, UnixMillis};
use pages::{Industry, IndustryIcon, Money};
use tap::DriverPack;

/// An amount or balance of a purse.
pub(super) fn money(amount: Fen) -> Money {
    let currency = Currency::CNY;
    Money::new(currency.display(amount.0.into()).to_string(), currency.to_string())
}

/// A wallet card as pages name it: its last four digits.
pub(super) fn masked(asn: Asn) -> String {
    format!("•••• {:04}", asn.last_four())
}

/// Day and time in China, as cards keep it.
pub(super) fn time(at: UnixMillis) -> String {
    PurseTime::at(at).to_string()
}

/// The same without seconds.
pub(super) fn minute(at: UnixMillis) -> String {
    let mut text = time(at);
    text.truncate("2026-11-21 02:31".len());
    text
}

/// Epoch milliseconds as pages want them.
pub(super) fn millis(at: UnixMillis) -> u64 {
    u64::try_from(at.0).unwrap_or(0)
}

pub(super) fn industry(pack: &DriverPack) -> Industry {
    Industry {
        code: pack.code.to_string(),
        icon: IndustryIcon::from_name(&pack.icon),
        name_en: pack.names.en.clone(),
        name_zh: pack.names.zh.clone(),
    }
}

/// Yuan as people type them: 50, 50.5, ¥50.00.
pub(super) fn yuan(text: &str) -> Option<Fen> {
    let text = text.trim().trim_start_matches(['¥', '￥']).trim_start();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 2 || !are_digits(whole) || !are_digits(part) {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let part: u32 = format!("{part:0<2}").parse().ok()?;
    let sum = whole.checked_mul(100)?.checked_add(part)?;
    (sum > 0).then_some(Fen(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_are_read_as_people_type_them() {
        for (text, fen) in [("50", 5_000), (" 50.5", 5_050), ("¥12.34 ", 1_234), ("0.01", 1), ("50.", 5_000)]
        {
            assert_eq!(yuan(text), Some(Fen(fen)), "{text}");
        }
        for text in ["", "0", "0.00", "-1", "1.234", "1,5", ".5", "1e3", "99999999999", "٣", "+5"] {
            assert_eq!(yuan(text), None, "{text}");
        }
    }

    #[test]
    fn a_minute_is_a_time_without_its_seconds() {
        assert_eq!(time(UnixMillis(1_795_199_488_000)), "2026-11-21 02:31:28");
        assert_eq!(minute(UnixMillis(1_795_199_488_000)), "2026-11-21 02:31");
    }
}
