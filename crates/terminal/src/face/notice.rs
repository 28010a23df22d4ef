//! Pages for what cannot be done now, each by its name.

use axum::http::StatusCode;
use axum::response::Response;
use pages::{Href, Language, MessageLink, MessagePage};
use visit::Visitor;

/// What is said: a title, what happened, and what to do.
struct Said([&'static str; 3]);

pub(super) fn not_found(visitor: &Visitor) -> Response {
    visit::page(StatusCode::NOT_FOUND, &MessagePage::not_found(visitor.page(), Some(home(visitor))))
}

/// The id in the address is of no transaction that is kept.
pub(super) fn gone(visitor: &Visitor) -> Response {
    let said = match visitor.language {
        Language::English => Said([
            "This transaction is over",
            "Its pages are kept for ten minutes. What was begun with a card is kept by card and bank.",
            "Begin again. A load that is not finished is finished when the card is held again.",
        ]),
        Language::Chinese => Said([
            "此次交易已结束",
            "交易页面仅保留十分钟；已开始的交易由卡片和银行保存。",
            "请重新开始。未完成的充值在再次贴卡时完成。",
        ]),
    };
    show(visitor, StatusCode::NOT_FOUND, said)
}

/// Another transaction has the reader.
pub(super) fn reader_busy(visitor: &Visitor) -> Response {
    let said = match visitor.language {
        Language::English => Said([
            "The reader is in use",
            "Another transaction has the reader. It ends by itself, in half a minute at most while no card comes.",
            "Wait a little and begin again. Nothing was begun for you.",
        ]),
        Language::Chinese => Said([
            "读卡器正在使用",
            "另一笔交易正在使用读卡器。若无卡片，最多半分钟后自动结束。",
            "请稍候再重新开始。您的交易尚未开始。",
        ]),
    };
    show(visitor, StatusCode::CONFLICT, said)
}

/// There is no reader.
pub(super) fn no_reader(visitor: &Visitor) -> Response {
    let said = match visitor.language {
        Language::English => Said([
            "There is no reader",
            "No card can be read, because no reader is connected. Nothing was begun.",
            "Ask whoever runs this terminal to connect one and start it again.",
        ]),
        Language::Chinese => Said([
            "没有读卡器",
            "未连接读卡器，无法读卡。交易尚未开始。",
            "请联系运营方连接读卡器并重新启动终端。",
        ]),
    };
    show(visitor, StatusCode::CONFLICT, said)
}

/// The terminal stops.
pub(super) fn stopping(visitor: &Visitor) -> Response {
    let said = match visitor.language {
        Language::English => Said([
            "The terminal is being switched off",
            "It begins nothing more. What runs comes to its end.",
            "Begin again when it is back.",
        ]),
        Language::Chinese => {
            Said(["终端正在关闭", "不再开始新的交易，进行中的交易会完成。", "请在终端恢复后重新开始。"])
        }
    };
    show(visitor, StatusCode::SERVICE_UNAVAILABLE, said)
}

fn show(visitor: &Visitor, status: StatusCode, Said([title, what, todo]): Said) -> Response {
    let page = MessagePage {
        page: visitor.page(),
        title: title.to_owned(),
        what: what.to_owned(),
        todo: todo.to_owned(),
        link: Some(home(visitor)),
    };
    visit::page(status, &page)
}

fn home(visitor: &Visitor) -> MessageLink {
    MessageLink { href: Href::new("/"), label: visitor.language.words().terminal.choose.to_owned() }
}
