//! 交易认证: what a card can say about an order, and how the platform can end it.

/// What the card says about a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The holder pressed this many times, 1 to 15.
    Agreed {
        /// How many times.
        presses: u8,
    },
    /// The holder held the key for 1.5 s.
    Refused,
    /// The holder held the key for 5 s: this order is not mine. Freeze the card, tell the issuer.
    NotMe,
    /// Over the card's own limit.
    OverLimit,
    /// Nobody pressed in time.
    NotAnswered,
    /// The card was in the middle of another answer.
    Busy,
}

/// What a receipt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// The money has moved.
    Settled = 1,
    /// Voided: the answer came too late.
    TooLate = 2,
    /// Voided: the card refused.
    Refused = 3,
    /// Voided by the platform: funds, risk, frozen.
    ByPlatform = 4,
    /// Voided: wrong number of presses.
    WrongPresses = 5,
}

impl Outcome {
    /// The outcome of a receipt's one byte.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Settled,
            2 => Self::TooLate,
            3 => Self::Refused,
            4 => Self::ByPlatform,
            5 => Self::WrongPresses,
            _ => return None,
        })
    }
}
