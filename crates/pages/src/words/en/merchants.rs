//! English for merchants and their API keys.

use crate::words::MerchantWords;

pub(super) const MERCHANTS: MerchantWords = MerchantWords {
    title: "Merchants",
    keys: "API keys of merchants",
    hint: "A key itself is shown once, when it is made: counterfoil merchant key add.",
    none: "There is no API key.",
    merchant: "Merchant",
    name: "Name",
    key: "Key",
    scope: "May",
    all: "everything",
    read: "read only",
    created: "Made",
    used: "Last used",
    state: "State",
    good: "Good",
    revoked: "Revoked",
    revoke: "Revoke",
    revoke_title: "Revoke this API key?",
    revoke_text: "From this moment every request with it is refused. It cannot be undone; the merchant gets another key by counterfoil merchant key add.",
    revoke_now: "Revoke it now",
};
