//! Values as people read them.

use model::{Amount, Asn, Currency, Fen, UnixMillis};
use pages::Money;

/// Time of day, UTC.
pub(super) fn time(at: UnixMillis) -> String {
    moment(at, "%H:%M:%S")
}

/// Day and time, UTC.
pub(super) fn day_and_time(at: UnixMillis) -> String {
    moment(at, "%Y-%m-%d %H:%M:%S UTC")
}

/// Day and minute, UTC.
pub(super) fn day_and_minute(at: UnixMillis) -> String {
    moment(at, "%Y-%m-%d %H:%M UTC")
}

/// The day, UTC.
pub(super) fn day(at: UnixMillis) -> String {
    moment(at, "%Y-%m-%d")
}

/// When the day of a moment began, UTC.
pub(super) fn day_began(at: UnixMillis) -> UnixMillis {
    const DAY_MILLIS: i64 = 86_400_000;
    UnixMillis(at.0.div_euclid(DAY_MILLIS) * DAY_MILLIS)
}

fn moment(at: UnixMillis, format: &str) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|at| at.strftime(format).to_string()).unwrap_or_default()
}

pub(super) fn money(amount: Amount) -> Money {
    Money::new(amount.to_string(), amount.currency().to_string())
}

pub(super) fn balance(minor: i64, currency: Currency) -> Money {
    Money::new(currency.display(minor).to_string(), currency.to_string())
}

/// An amount or balance of a purse.
pub(super) fn fen(amount: Fen) -> Money {
    balance(amount.0.into(), Currency::CNY)
}

/// A wallet card as pages name it: its last four digits.
pub(super) fn masked(asn: Asn) -> String {
    format!("•••• {:04}", asn.last_four())
}

/// Minor units of an amount as people type it: digits, and no more decimals than its currency has.
pub(super) fn minor(text: &str, decimals: u8) -> Option<u32> {
    let (text, decimals) = (text.trim(), usize::from(decimals));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str, most| text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole, 10) || !digits(part, decimals) {
        return None;
    }
    format!("{whole}{part:0<decimals$}").parse().ok()
}

/// Epoch milliseconds as pages want them.
pub(super) fn millis(at: UnixMillis) -> u64 {
    u64::try_from(at.0).unwrap_or(0)
}

/// A battery byte (200 is full) in percent.
pub(super) fn percent(battery: u8) -> u8 {
    battery.min(air::BATTERY_FULL) / 2
}

/// How a frame was heard: strength, and its ratio to the noise.
pub(super) fn signal(reception: &fleet::Reception) -> Option<String> {
    let rssi = reception.rssi_dbm.map(|rssi| format!("{rssi} dBm"));
    let snr = reception.snr_tenths.map(|tenths| format!("{:.1} dB", f64::from(tenths) / 10.0));
    let parts: Vec<String> = rssi.into_iter().chain(snr).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A firmware's two bytes: major and minor.
pub(super) fn version(firmware: u16) -> String {
    format!("{}.{}", firmware >> 8, firmware & 0xff)
}
