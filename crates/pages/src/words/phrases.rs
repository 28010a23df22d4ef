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

    /// How many accounts stand behind a line of the ledger.
    pub fn accounts(self, count: u64) -> String {
        match (self, count) {
            (English, 1) => "1 account".into(),
            (English, n) => format!("{n} accounts"),
            (Chinese, n) => format!("{n} 个账户"),
        }
    }

    /// When the ledger was checked.
    pub fn checked_at(self, time: &str) -> String {
        match self {
            English => format!("Checked at {time}"),
            Chinese => format!("核对时间:{time}"),
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
        assert_eq!(English.accounts(2), "2 accounts");
    }
}
