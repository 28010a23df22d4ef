//! The group of words for merchants and their API keys in the console.

words! {
    /// Words on merchants and their API keys.
    MerchantWords {
        title: "Tab.",
        keys: "Title.",
        hint: "Under it.",
        none: "The table is empty.",
        merchant: "Column.",
        name: "Column.",
        key: "Column.",
        scope: "Column.",
        all: "Scope.",
        read: "Scope.",
        created: "Column.",
        used: "Column.",
        state: "Column.",
        good: "State.",
        revoked: "State.",
        revoke: "Leads to the question.",
        revoke_title: "Title of the question.",
        revoke_text: "What follows.",
        revoke_now: "Does it.",
    }
}
