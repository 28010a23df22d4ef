//! What the shop says besides what the pages say: a sentence for each refusal of the platform.

use pages::Language::{self, Chinese, English};

/// A problem of the platform as a sentence for whoever is buying; nothing for a code that the shop does not know.
pub(crate) fn problem(code: &str, language: Language) -> Option<&'static str> {
    let (english, chinese) = match code {
        "insufficient_funds" => (
            "There is not enough money available on this card. Nothing was charged. Choose another card.",
            "此卡可用余额不足，未发生扣款。请换一张卡。",
        ),
        "card_frozen" => (
            "This card is frozen. Choose another card, or ask its issuer to release it.",
            "此卡已冻结。请换一张卡，或联系发卡机构解冻。",
        ),
        "card_lost" => ("This card was reported lost. Choose another card.", "此卡已挂失。请换一张卡。"),
        "card_expired" => ("This card has expired. Choose another card.", "此卡已过有效期。请换一张卡。"),
        "card_not_active" | "card_not_bound" | "card_closed" => (
            "This card is not in use. Choose another card, or ask its issuer.",
            "此卡未启用。请换一张卡，或联系发卡机构。",
        ),
        "card_not_found" | "no_such_card" | "unknown_card" => (
            "The payment platform does not know this card. Choose another card.",
            "支付平台查不到此卡。请换一张卡。",
        ),
        "too_many_waiting" => (
            "Too many orders are already waiting for this card. Answer or cancel one of them, then try again.",
            "此卡待确认的订单过多。请先确认或取消其中一笔，再试一次。",
        ),
        "card_busy" => (
            "Another order is waiting for this card. Answer it on the card, then try again.",
            "此卡正有一笔订单等待确认。请先在卡片上处理，再试一次。",
        ),
        "idempotency_conflict" | "idempotency_key_reused" => (
            "This form was already used for another order. Check the order, then send the form again.",
            "此表单已用于另一笔订单。请核对订单后重新提交。",
        ),
        "rate_limited" | "too_many_requests" => (
            "The payment platform is very busy. Nothing was charged. Wait a minute, then try again.",
            "支付平台繁忙，未发生扣款。请稍候一分钟再试。",
        ),
        _ => return None,
    };
    Some(match language {
        English => english,
        Chinese => chinese,
    })
}

/// A problem that the shop has no sentence for: that it is one, and what the platform says itself.
pub(crate) fn other_problem(detail: &str, language: Language) -> String {
    let detail = detail.trim();
    match (language, detail.is_empty()) {
        (English, true) => "The payment could not be started. Nothing was charged.".into(),
        (Chinese, true) => "未能发起支付，未发生扣款。".into(),
        (English, false) => {
            format!(
                "The payment could not be started. Nothing was charged. The payment platform says: {detail}"
            )
        }
        (Chinese, false) => format!("未能发起支付，未发生扣款。支付平台的说明：{detail}"),
    }
}

/// The card that the form named is not one of the shopper's.
pub(crate) fn not_your_card(language: Language) -> &'static str {
    match language {
        English => "This card is not saved with the shop. Choose one of these.",
        Chinese => "此卡未保存在本店。请从下列卡片中选择。",
    }
}

/// Beside a frozen card.
pub(crate) fn frozen(language: Language) -> &'static str {
    match language {
        English => "Frozen",
        Chinese => "已冻结",
    }
}

/// A reason for declining that this shop does not know yet.
pub(crate) fn unknown_reason(language: Language) -> &'static str {
    match language {
        English => "The payment was declined. Nothing was charged.",
        Chinese => "支付未获批准，未发生扣款。",
    }
}

/// Title, what happened and what to do.
pub(crate) struct Message {
    pub(crate) title: &'static str,
    pub(crate) what: &'static str,
    pub(crate) todo: &'static str,
}

/// No connection to the platform.
pub(crate) fn unreachable(language: Language) -> Message {
    match language {
        English => Message {
            title: "The payment platform cannot be reached",
            what: "Our shop is open, but it has no connection to the payment platform. \
                   No money moves without your card’s answer.",
            todo: "Wait a moment, then try again. You will not be charged twice.",
        },
        Chinese => Message {
            title: "无法连接支付平台",
            what: "本店照常营业，但暂时连接不上支付平台。未经卡片确认，资金不会变动。",
            todo: "请稍候片刻，再试一次，不会重复扣款。",
        },
    }
}

/// No answer in time.
pub(crate) fn timed_out(language: Language) -> Message {
    match language {
        English => Message {
            title: "The payment platform did not answer",
            what: "We waited five seconds for the payment platform. No money moves without your card’s answer.",
            todo: "Try again. If your order arrived after all, you will be led to it, not to a second one.",
        },
        Chinese => Message {
            title: "支付平台没有应答",
            what: "我们等待了五秒，支付平台仍未应答。未经卡片确认，资金不会变动。",
            todo: "请再试一次。如果订单其实已经送达，将转到原订单，不会重复下单。",
        },
    }
}

/// A POST from elsewhere.
pub(crate) fn cross_site(language: Language) -> Message {
    match language {
        English => Message {
            title: "This was not sent from our shop",
            what: "Another website tried to order here in your name. We did nothing.",
            todo: "If you want to buy something, start from our counter.",
        },
        Chinese => Message {
            title: "此请求并非来自本店",
            what: "另一个网站试图以您的名义在本店下单，我们没有受理。",
            todo: "如需购买，请从本店首页开始。",
        },
    }
}

/// A form that cannot be read.
pub(crate) fn bad_form(language: Language) -> Message {
    match language {
        English => Message {
            title: "We could not read this form",
            what: "What your browser sent is not one of our forms. Nothing was ordered.",
            todo: "Go back to the counter and choose again.",
        },
        Chinese => Message {
            title: "无法读取此表单",
            what: "浏览器提交的内容不是本店的表单，未生成订单。",
            todo: "请返回首页重新选择。",
        },
    }
}

/// On the link of a page that can be tried again.
pub(crate) fn try_again(language: Language) -> &'static str {
    match language {
        English => "Try again",
        Chinese => "再试一次",
    }
}
