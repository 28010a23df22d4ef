//! Sentences that a number enters.

use crate::language::Language::{self, Chinese, English};

impl Language {
    /// The instruction of an order's page.
    pub fn press_instruction(self, presses: u8) -> String {
        match (self, presses) {
            (English, 1) => "Press the key on your card once".into(),
            (English, 2) => "Press the key on your card twice".into(),
            (English, n) => format!("Press the key on your card {n} times"),
            (Chinese, n) => format!("请按卡片按键 {n} 次"),
        }
    }

    /// Beside the big number.
    pub fn presses(self, presses: u8) -> &'static str {
        match (self, presses) {
            (English, 1) => "press",
            (English, _) => "presses",
            (Chinese, _) => "次按键",
        }
    }

    /// The length of a frame.
    pub fn bytes(self, length: usize) -> String {
        match (self, length) {
            (English, 1) => "1 byte".into(),
            (English, n) => format!("{n} bytes"),
            (Chinese, n) => format!("{n} 字节"),
        }
    }

    /// A count, its thousands set apart.
    pub fn count(self, count: u64) -> String {
        let digits = count.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        text
    }

    /// When the ledger was checked.
    pub fn checked_at(self, time: &str) -> String {
        match self {
            English => format!("Checked at {time}"),
            Chinese => format!("核对时间：{time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!(English.press_instruction(1), "Press the key on your card once");
        assert_eq!(English.press_instruction(3), "Press the key on your card 3 times");
        assert_eq!(Chinese.press_instruction(3), "请按卡片按键 3 次");
        assert_eq!(English.bytes(1), "1 byte");
    }

    #[test]
    fn thousands_are_set_apart() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")];
        for (count, text) in cases {
            assert_eq!(English.count(count), text);
            assert_eq!(Chinese.count(count), text);
        }
    }
}
