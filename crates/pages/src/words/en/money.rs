//! English for settlements and the bank's files.

use crate::words::MoneyWords;

pub(super) const MONEY: MoneyWords = MoneyWords {
    title: "Money",
    differences: "Open differences with the bank",
    no_differences: "Nothing differs from the bank.",
    settlements: "Latest settlements",
    no_settlements: "No day is settled yet.",
    number: "No.",
    kind: "Kind",
    missing: "Not at the bank",
    unknown: "Not with us",
    duplicate: "Twice at the bank",
    differing: "Another amount",
    day: "Day",
    ours: "Ours",
    theirs: "Bank",
    place: "Bank file, entry",
    merchant: "Merchant",
    opening: "Opening",
    closing: "Closing",
    entries: "Entries",
    how: "Resolve a difference on the command line:",
};
