//! Chinese for merchants and their API keys.

use crate::words::MerchantWords;

pub(super) const MERCHANTS: MerchantWords = MerchantWords {
    title: "商户",
    keys: "商户 API 密钥",
    hint: "密钥仅在创建时显示一次：counterfoil merchant key add。",
    none: "没有 API 密钥。",
    merchant: "商户",
    name: "名称",
    key: "密钥",
    scope: "权限",
    all: "全部",
    read: "只读",
    created: "创建时间",
    used: "最近使用",
    state: "状态",
    good: "有效",
    revoked: "已吊销",
    revoke: "吊销",
    revoke_title: "吊销此 API 密钥？",
    revoke_text: "自此刻起，使用该密钥的请求一律拒绝，且不可恢复。可用 counterfoil merchant key add 为商户新建密钥。",
    revoke_now: "立即吊销",
};
