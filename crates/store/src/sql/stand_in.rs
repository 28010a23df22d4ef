//! Rows that stand in for cards: a database as large as a benchmark wants it, without the hours that its cards would take to make.
//!
//! Their numbers lie above those that a bench makes itself. Its cards' ids are drawn: where one is met, its own row stands. They pay
//! nothing: their keys are nobody's.

use std::ops::Range;

/// The first card's id; the others follow.
pub(crate) const FIRST: u32 = 0xC000_0000;

/// The statements that add these cards with holder, link state and account, for the engine with these words.
pub(crate) fn statements(cards: Range<u32>, words: Words) -> Vec<String> {
    let Words { channel, check_value, frame, accounts } = words;
    let (first, after) = (cards.start, cards.end);
    let numbers = |select: &str| {
        format!(
            "with recursive numbers (n) as (select {first} union all select n + 1 from numbers where n + 1 < {after}) \
             {select} from numbers where true on conflict do nothing"
        )
    };
    let into = |head: &str, select: &str| format!("insert into {head} {}", numbers(select));
    if cards.is_empty() {
        return Vec::new();
    }
    vec![
        into(
            "holder (reference, name, document_digest, created_at)",
            &format!("select {FIRST} + n, 'stand-in ' || n, {frame}, 0"),
        ),
        into(
            "card (id, number, certificate, made_for, made_at, life_cycle, bound_to, valid_until, has_display, listens, \
             suite, key_version, key_origin, check_value, channel)",
            &format!(
                "select {FIRST} + n, 6230000000000000000 + n, n, {FIRST} + n, 0, 'active', {FIRST} + n, 4102444800000, \
                 1, 0, 1, 1, 'stand-in', {check_value}, {channel}"
            ),
        ),
        into(
            "link_state (card, key_version, uplink_mark, downlink_mark, clock_set, heard_at, address, last_uplink, \
             last_answer)",
            &format!("select {FIRST} + n, 1, 1, 1, 1, 0, 'coap:198.51.100.1:5683', {frame}, {frame}"),
        ),
        into(&format!("{accounts} (kind, owner, currency)"), &format!("select 'holder', {FIRST} + n, 156")),
    ]
}

/// The statements that follow, where rules across keys are tables of their own.
pub(crate) fn rules_apart(cards: Range<u32>) -> Vec<String> {
    let those = format!("id >= {FIRST} + {}::bigint and id < {FIRST} + {}::bigint", cards.start, cards.end);
    vec![
        format!(
            "insert into card_number (number, card) select number, id from card where {those} on conflict do nothing"
        ),
        format!(
            "insert into card_channel (channel, card) select channel, id from card where {those} on conflict do nothing"
        ),
        OWNERS.to_owned(),
    ]
}

/// The owners of accounts that were just opened, where those are a table of their own.
pub(crate) const OWNERS: &str = "insert into account_owner (kind, owner, currency, account) \
     select kind, owner, currency, id from account_base on conflict do nothing";

/// The statements that open accounts of the bank's side with these owners.
pub(crate) fn accounts(owners: Range<u32>, table: &str) -> String {
    format!(
        "insert into {table} (kind, owner, currency) with recursive numbers (n) as (select {} union all \
         select n + 1 from numbers where n + 1 < {}) select 'settlement', n, 156 from numbers where n < {} and not exists \
         (select 1 from account_owner o where o.kind = 'settlement' and o.owner = n and o.currency = 156)",
        owners.start, owners.end, owners.end
    )
}

/// What engines say differently.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    /// 9 bytes, made of `n`.
    pub(crate) channel: &'static str,
    /// 3 bytes.
    pub(crate) check_value: &'static str,
    /// 32 bytes.
    pub(crate) frame: &'static str,
    /// The table of accounts.
    pub(crate) accounts: &'static str,
}
