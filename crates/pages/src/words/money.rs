//! The group of words for settlements and the bank's files in the console.

words! {
    /// Words on settlements and differences.
    MoneyWords {
        title: "Tab and title.",
        differences: "Heading: what differs from the bank and is open.",
        no_differences: "The table is empty.",
        settlements: "Heading: the newest closed days.",
        no_settlements: "The table is empty.",
        number: "Column: the difference's or settlement's number.",
        kind: "Column.",
        missing: "Kind: the bank does not have it.",
        unknown: "Kind: we do not have it.",
        duplicate: "Kind: the bank has it twice.",
        differing: "Kind: other money.",
        day: "Column.",
        ours: "Column: what we have.",
        theirs: "Column: what the bank has.",
        place: "Column: where it stands in the bank's file.",
        merchant: "Column.",
        opening: "Column.",
        closing: "Column.",
        entries: "Column: how many entries.",
        how: "What is done about a difference.",
    }
}
