//! What a card's small display says, in two languages. Some twenty characters fit.

use air::Outcome;
use air::card::Shown;
use pages::Language;

/// The words for how something ended.
pub(super) fn notice(shown: Shown, language: Language) -> &'static str {
    let (english, chinese) = match shown {
        Shown::Receipt(Outcome::Settled) => ("Paid", "支付成功"),
        Shown::Receipt(Outcome::TooLate) => ("Too late, not paid", "已超时，未支付"),
        Shown::Receipt(Outcome::Refused) => ("Refused, not paid", "已拒绝，未支付"),
        Shown::Receipt(Outcome::ByPlatform) => ("Declined, not paid", "平台未通过，未支付"),
        Shown::Receipt(Outcome::WrongPresses) => ("Wrong press count", "按键次数不符"),
        Shown::Unknown => ("Unknown. Press to ask", "结果未知，按键查询"),
        Shown::NothingWaits => ("Nothing to pay", "暂无待支付订单"),
        Shown::NoAnswer => ("No answer", "网络无应答"),
        Shown::SentBack => ("Ask your issuer", "请联系发卡机构"),
    };
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

/// While the card talks to the network.
pub(super) fn working(language: Language) -> &'static str {
    match language {
        Language::English => "One moment…",
        Language::Chinese => "请稍候…",
    }
}

/// A place without a text: its number is all that the frame carries.
pub(super) fn place(number: u32, language: Language) -> String {
    match language {
        Language::English => format!("place {number}"),
        Language::Chinese => format!("地点 {number}"),
    }
}
