//! The column that each table goes by.

use core::fmt;

/// What a table's rows are spread by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Rows with the same value of this column lie together. What it is, in a word: tables that say the same word have the same
    /// values in it, and their rows of one value lie together.
    By {
        /// The column.
        column: &'static str,
        /// What it is.
        of: &'static str,
    },
    /// Small, rarely changed, and read from everywhere: each server has all of it.
    Everywhere,
}

/// A table and its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableKey {
    /// The table.
    pub table: &'static str,
    /// Its key.
    pub key: Key,
}

const fn by(table: &'static str, column: &'static str, of: &'static str) -> TableKey {
    TableKey { table, key: Key::By { column, of } }
}

const fn everywhere(table: &'static str) -> TableKey {
    TableKey { table, key: Key::Everywhere }
}

/// Every table of the schema. What is referred to stands before what refers to it.
///
/// A key is a column of every unique rule of its table; a test holds the migrations to that.
pub const KEYS: &[TableKey] = &[
    everywhere("merchant"),
    everywhere("api_key"),
    everywhere("operator_name"),
    everywhere("console_operator"),
    everywhere("recovery_code"),
    everywhere("operator_session"),
    everywhere("audit_entry"),
    everywhere("audit_head"),
    everywhere("lease"),
    everywhere("node"),
    everywhere("test_clock"),
    everywhere("channel_group"),
    everywhere("bank_file"),
    everywhere("bank_entry"),
    everywhere("difference"),
    everywhere("adjustment"),
    everywhere("webhook_endpoint"),
    everywhere("webhook_secret"),
    everywhere("secret_key"),
    everywhere("residue"),
    // What a card's frames change lies with the card.
    by("card", "id", "card"),
    by("link_state", "card", "card"),
    by("orders", "card", "card"),
    by("authorization", "card", "card"),
    by("downlink", "card", "card"),
    by("test_card", "card", "card"),
    by("card_number", "number", "card's number"),
    by("holder", "reference", "holder"),
    // A merchant's own.
    by("place", "merchant", "merchant"),
    by("fee_rule", "merchant", "merchant"),
    by("idempotency", "merchant", "merchant"),
    by("settlement", "merchant", "merchant"),
    by("payout", "merchant", "merchant"),
    // By the order, and not by its merchant: a big merchant's would all lie in one place.
    by("event", "seq", "event"),
    by("webhook_outbox", "event", "event"),
    by("refund", "order_id", "order"),
    by("payment_fee", "order_id", "order"),
    // An account's sums lie with it, and a transfer's entries with the transfer: neither a big merchant's nor the platform's own fees
    // make one place do all the work.
    by("account_base", "id", "account"),
    by("account_part", "account", "account"),
    by("account_owner", "owner", "account's owner"),
    by("transfer", "id", "transfer"),
    by("posting", "transfer", "transfer"),
    by("channel", "id", "channel"),
    by("card_channel", "channel", "channel"),
    by("channel_tag", "channel", "channel"),
    by("frame", "channel", "channel"),
    by("alert", "channel", "channel"),
    by("channel_device", "device", "device"),
    by("channel_tally_base", "group_id", "group of channels"),
    by("channel_tally_part", "group_id", "group of channels"),
    by("channel_import", "digest", "file of channels"),
    by("terminal", "id", "terminal"),
    by("working_key", "terminal", "terminal"),
    by("bank_card", "number", "bank card"),
    by("wallet", "asn", "serial number"),
    by("load", "asn", "serial number"),
    by("load_reversal", "asn", "serial number"),
    by("tap_authorization", "asn", "serial number"),
    by("sms_code", "asn", "serial number"),
    by("load_attempt", "load", "load"),
    by("outgoing_sms", "id", "text message"),
    by("alarm", "seq", "alarm"),
    // Messages with the deliveries of each.
    by("webhook_message", "id", "message"),
    by("webhook_delivery", "message", "message"),
    by("webhook_attempt", "delivery", "delivery"),
    by("commit_mark", "writer", "writer"),
];

impl TableKey {
    /// Of this table, if the schema has it.
    pub fn of(table: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.table == table)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By { column, of } => write!(f, "{of} ({column})"),
            Self::Everywhere => f.write_str("everywhere"),
        }
    }
}
