//! Chinese for settlements and the bank's files.

use crate::words::MoneyWords;

pub(super) const MONEY: MoneyWords = MoneyWords {
    title: "资金",
    differences: "未处理的银行对账差异",
    no_differences: "与银行没有差异。",
    settlements: "最近的日结",
    no_settlements: "还没有日结。",
    number: "编号",
    kind: "类型",
    missing: "银行缺失",
    unknown: "我方缺失",
    duplicate: "银行重复",
    differing: "金额不符",
    day: "日期",
    ours: "我方",
    theirs: "银行",
    place: "银行文件、流水",
    merchant: "商户",
    opening: "期初余额",
    closing: "期末余额",
    entries: "笔数",
    how: "在命令行处理差异：",
};
