//! What a card does not believe, or does not wait for.

use crate::{FrameError, TextError};

/// Why an event from outside changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// Not a frame.
    #[error("not a frame: {0}")]
    Malformed(#[from] FrameError),
    /// A kind that only cards send.
    #[error("a frame of another card's direction")]
    WrongDirection,
    /// A channel id that is not this card's.
    #[error("a frame for another channel")]
    OtherChannel,
    /// The code does not agree.
    #[error("the verification code is wrong")]
    WrongCode,
    /// The code agreed, the factor is not above the mark: an old or repeated frame.
    #[error("the time factor is not above the mark")]
    NotAboveMark,
    /// A narrow factor, and no clock to complete it with.
    #[error("a narrow time factor while the clock is not set")]
    NarrowWithoutClock,
    /// A push whose factor is past its lifetime or too far ahead.
    #[error("the pushed transaction is not fresh")]
    NotFresh,
    /// A retry, clock or receipt that nothing waits for.
    #[error("nothing waits for this frame")]
    NotAwaited,
    /// The code agreed and the text is malformed.
    #[error("the text is malformed: {0}")]
    Text(#[from] TextError),
    /// The secure element failed.
    #[error("the secure element failed")]
    ElementFailed,
}
