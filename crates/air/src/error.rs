//! What can be wrong with bytes from the air, one variant a rule.

/// Why bytes are not a frame of this protocol. Nothing was derived or decrypted to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Fewer bytes than this kind of frame has.
    #[error("the frame is cut short")]
    TooShort,
    /// More bytes than this kind of frame has.
    #[error("the frame is too long")]
    TooLong,
    /// The version bits are not 01.
    #[error("protocol version {0} is not supported")]
    UnknownVersion(u8),
    /// The kind bits name no frame.
    #[error("frame kind {0} is not known")]
    UnknownKind(u8),
    /// The suite bits name no suite that this build speaks.
    #[error("suite {0} is not supported")]
    UnsupportedSuite(u8),
    /// Key version 0.
    #[error("key version 0 is never used")]
    KeyVersionZero,
    /// A flag that this kind does not have is set.
    #[error("a reserved flag is set")]
    ReservedFlag,
    /// Z without W: a card whose clock is not set says its factor in full.
    #[error("a hello without a set clock must carry a wide time factor")]
    UnsetClockNeedsWideFactor,
    /// The nine bytes of channel are no channel id.
    #[error("the channel id is malformed")]
    MalformedChannel,
    /// A wide time factor of zero.
    #[error("time factor zero is never valid")]
    ZeroTimeFactor,
    /// A frame of the other direction.
    #[error("a frame of this kind does not travel in this direction")]
    WrongDirection,
}

impl FrameError {
    /// The stable code that metrics and logs carry.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "frame_too_short",
            Self::TooLong => "frame_too_long",
            Self::UnknownVersion(_) => "unknown_version",
            Self::UnknownKind(_) => "unknown_kind",
            Self::UnsupportedSuite(_) => "unsupported_suite",
            Self::KeyVersionZero => "key_version_zero",
            Self::ReservedFlag => "reserved_flag",
            Self::UnsetClockNeedsWideFactor => "unset_clock_needs_wide_factor",
            Self::MalformedChannel => "malformed_channel",
            Self::ZeroTimeFactor => "zero_time_factor",
            Self::WrongDirection => "wrong_direction",
        }
    }
}

/// Why a plaintext, although its code was right, says nothing that this protocol knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Not the length of its kind.
    #[error("the text does not have the length of its kind")]
    WrongLength,
    /// A card number out of its range.
    #[error("the card number is out of its range")]
    CardNumber,
    /// An amount of zero.
    #[error("an amount of zero")]
    ZeroAmount,
    /// A currency number that is not known here.
    #[error("the currency is not known")]
    UnknownCurrency,
    /// A lifetime of zero.
    #[error("a lifetime of zero")]
    ZeroLifetime,
    /// A text for the display that is empty, longer than 20 bytes or not UTF-8.
    #[error("the display text must be 1 to 20 bytes of UTF-8 without control characters")]
    DisplayText,
    /// A decision out of 1 to 6, or with a number of presses it cannot have.
    #[error("the decision is not known")]
    UnknownDecision,
    /// An outcome out of 1 to 5.
    #[error("the outcome is not known")]
    UnknownOutcome,
}
