//! An amount as a person reads it.

/// An amount that somebody else already formatted. The pages never compute with money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    /// The amount as text, with its sign or symbol: `¥20.00`.
    pub text: String,
    /// The alphabetic code of its currency: `CNY`.
    pub code: String,
}

impl Money {
    /// An amount from its text and its currency's code.
    pub fn new(text: impl Into<String>, code: impl Into<String>) -> Money {
        Money { text: text.into(), code: code.into() }
    }
}
