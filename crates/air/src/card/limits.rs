//! What one card allows itself, and how it talks: set when it is made.

use model::Currency;

/// What this card allows itself, and how it talks.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The most that the card agrees to in one payment, in minor units of `currency`; `None` for no limit.
    pub amount_minor_max: Option<u32>,
    /// The only currency the card pays in; `None` for any.
    pub currency: Option<Currency>,
    /// Whether uplinks carry the channel id, because the bearer does not vouch for it.
    pub channel_on_air: bool,
    /// How long an answer is waited for, in milliseconds: 15 s, or the bearer's.
    pub answer_millis: u64,
    /// How many uplink factors are reserved at once to spare the flash, 0 to 300.
    pub reserve_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            amount_minor_max: None,
            currency: None,
            channel_on_air: true,
            answer_millis: 15_000,
            reserve_seconds: 60,
        }
    }
}
