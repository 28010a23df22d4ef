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

    /// How long to wait after wrong tries.
    pub fn wait_before_login(self, seconds: u64) -> String {
        match (self, seconds) {
            (English, 1) => "Too many wrong tries. Try again in 1 second.".into(),
            (English, n) => format!("Too many wrong tries. Try again in {n} seconds."),
            (Chinese, n) => format!("错误次数过多，请在 {n} 秒后重试。"),
        }
    }

    /// When the ledger was checked.
    pub fn checked_at(self, time: &str) -> String {
        match self {
            English => format!("Checked at {time}"),
            Chinese => format!("核对时间：{time}"),
        }
    }

    /// How often it may be tried again.
    pub fn tries_left(self, tries: u8) -> String {
        match (self, tries) {
            (English, 0) => "No tries left".into(),
            (English, 1) => "1 try left".into(),
            (English, n) => format!("{n} tries left"),
            (Chinese, 0) => "已无剩余次数".into(),
            (Chinese, n) => format!("还可尝试 {n} 次"),
        }
    }

    /// Whole minutes, as hours and minutes.
    pub fn minutes(self, minutes: u32) -> String {
        match (self, minutes / 60, minutes % 60) {
            (English, 0, m) => format!("{m} min"),
            (English, h, m) => format!("{h} h {m} min"),
            (Chinese, 0, m) => format!("{m} 分钟"),
            (Chinese, h, m) => format!("{h} 小时 {m} 分钟"),
        }
    }

    /// What a driver pack allows.
    pub fn load_limits(self, per_load: &str, on_card: &str) -> String {
        match self {
            English => format!("At most {per_load} at once. The card may hold {on_card}."),
            Chinese => format!("单次最多 {per_load}，卡内余额上限 {on_card}。"),
        }
    }

    /// To which phone a code went.
    pub fn code_sent_to(self, phone: &str) -> String {
        match self {
            English => format!("Sent to the phone {phone}"),
            Chinese => format!("已发送至手机 {phone}"),
        }
    }

    /// A record of a kind without a name.
    pub fn record_of_kind(self, kind: &str) -> String {
        match self {
            English => format!("Kind {kind}"),
            Chinese => format!("类型 {kind}"),
        }
    }

    /// Buys something with a software card.
    pub fn buy_for(self, price: &str) -> String {
        match self {
            English => format!("Buy something for {price}"),
            Chinese => format!("消费 {price}"),
        }
    }

    /// Why a load was not settled.
    pub fn load_refused(self, state: &str) -> String {
        match self {
            English => format!("The load stands as “{state}”. That cannot be changed so."),
            Chinese => format!("该充值当前为“{state}”，不能如此处理。"),
        }
    }

    /// A stretch of time in its two largest units: days to seconds.
    pub fn lasting(self, seconds: u32) -> String {
        let units = match self {
            English => [" d", " h", " min", " s"],
            Chinese => [" 天", " 小时", " 分钟", " 秒"],
        };
        let counts = [seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60];
        let said = counts.into_iter().zip(units).skip_while(|(count, _)| *count == 0).take(2);
        let said: Vec<String> =
            said.filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
        if said.is_empty() { format!("0{}", units[3]) } else { said.join(" ") }
    }

    /// When a card listens that listens for so long after it was heard.
    pub fn listens_after(self, seconds: u32) -> String {
        let time = self.lasting(seconds);
        match self {
            English => format!("For {time} after it was heard"),
            Chinese => format!("上行后 {time}内"),
        }
    }

    /// What a plot shows, for whoever does not see it.
    pub fn plot(self, title: &str, [least, most, last]: [i32; 3], from: &str, to: &str) -> String {
        match self {
            English => {
                format!("{title}, {from} to {to}: lowest {least}, highest {most}, last {last}")
            }
            Chinese => format!("{title}，{from} 至 {to}：最低 {least}，最高 {most}，最近 {last}"),
        }
    }

    /// How many loads only a person can settle.
    pub fn loads_in_doubt(self, count: u64) -> String {
        match (self, count) {
            (English, 1) => "One load is in doubt and waits for a person.".into(),
            (English, n) => format!("{} loads are in doubt and wait for a person.", self.count(n)),
            (Chinese, n) => format!("有 {} 笔充值存疑，等待人工处理。", self.count(n)),
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
        assert_eq!(English.tries_left(1), "1 try left");
        assert_eq!(English.loads_in_doubt(1), "One load is in doubt and waits for a person.");
    }

    #[test]
    fn hours_are_said_from_an_hour_on() {
        assert_eq!([59, 60, 680].map(|m| English.minutes(m)), ["59 min", "1 h 0 min", "11 h 20 min"]);
        assert_eq!(Chinese.minutes(680), "11 小时 20 分钟");
    }

    #[test]
    fn a_time_is_said_in_its_two_largest_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (20, "20 s"),
            (60, "1 min"),
            (11_160, "3 h 6 min"),
            (259_200, "3 d"),
            (86_461, "1 d"),
            (u32::MAX, "49710 d 6 h"),
        ] {
            assert_eq!(English.lasting(seconds), text);
        }
        assert_eq!(Chinese.listens_after(90), "上行后 1 分钟 30 秒内");
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
