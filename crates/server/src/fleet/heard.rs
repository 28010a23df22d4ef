//! A frame as a bearer heard it, and what goes back.

use fleet::{DownlinkId, Reception};
use model::{ChannelId, UnixMillis};

use super::Source;
use crate::app::{self, Greeted, HelloRefused, Judged, ResultRefused, StatusRefused};
use crate::bearer::FrameLimit;

/// A frame as a bearer heard it.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// The channel, when the bearer vouches for it.
    pub channel: Option<ChannelId>,
    /// Where an answer or a push would go: the bearer's name, a colon, and what that bearer reads.
    pub address: &'a str,
    /// By which bearer and application it came. A channel that comes by another one has moved.
    pub by: &'a str,
    /// Whom to count wrong frames against.
    pub source: Source,
    /// What the bearer carries back.
    pub limit: FrameLimit<'a>,
    /// How it was heard.
    pub reception: Reception,
    /// Whether the bearer hears later what became of an answer: then the answer has an id.
    pub tracked: bool,
}

impl<'a> Heard<'a> {
    /// A frame of which nothing is known but its bytes and where it came from.
    pub fn plain(bytes: &'a [u8], address: &'a str, source: impl Into<Source>) -> Self {
        let by = address.split_once(':').map_or(address, |(bearer, _)| bearer);
        Self {
            bytes,
            channel: None,
            address,
            by,
            source: source.into(),
            limit: FrameLimit::COAP,
            reception: Reception::default(),
            tracked: false,
        }
    }
}

/// What goes back to a card at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The downlink that it is, where its bearer tells later what became of it.
    pub id: Option<DownlinkId>,
    /// The frame.
    pub frame: Vec<u8>,
    /// Sent later than this, it is of no use.
    pub expires_at: UnixMillis,
}

/// The store could not keep what a frame leads to: nothing of it happened. The code is the store's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store could not keep it ({0})")]
pub struct NotKept(pub &'static str);

/// What the platform says to a frame, taken for one card's.
pub(super) enum Spoken {
    Hello(Result<Greeted, HelloRefused>),
    Result(Result<Judged, ResultRefused>),
    Status(Result<app::Told, StatusRefused>),
}

impl Spoken {
    /// Whether its code is not against its being this card's.
    pub(super) fn is_of_this_card(&self) -> bool {
        !matches!(
            self,
            Self::Hello(Err(HelloRefused::WrongCode))
                | Self::Result(Err(ResultRefused::WrongResult))
                | Self::Status(Err(StatusRefused::WrongCode))
        )
    }

    /// Whether it holds for a card that is remembered, and was not looked up: the card's row was not asked, or the key of a card
    /// that may be another's now is not to be had.
    pub(super) fn is_doubtful(&self) -> bool {
        !self.is_of_this_card()
            || matches!(
                self,
                Self::Hello(Err(HelloRefused::KeyUnavailable))
                    | Self::Result(Err(ResultRefused::KeyUnavailable) | Ok(Judged::Repeated { .. }))
            )
    }

    /// The step of a payment that it is, as it is counted.
    pub(super) const fn step(&self) -> Option<&'static str> {
        match self {
            Self::Hello(_) => Some("hello_to_transaction"),
            Self::Result(_) => Some("result_to_receipt"),
            Self::Status(_) => None,
        }
    }
}

/// What a frame led to.
pub(super) struct Outcome {
    /// As a code.
    pub(super) code: &'static str,
    /// What goes back.
    pub(super) frame: Option<Vec<u8>>,
    /// What the card told of itself, if its code was right and it is not a repetition.
    pub(super) told: Option<Told>,
    /// Whether the card can be asked for its next order now, once this is answered.
    pub(super) asks: bool,
}

impl Outcome {
    pub(super) fn silence(code: &'static str) -> Self {
        Self { code, frame: None, told: None, asks: false }
    }
}

/// What a card told of itself.
#[derive(Clone, Copy, Default)]
pub(super) struct Told {
    pub(super) battery: Option<u8>,
    pub(super) firmware: Option<u16>,
}
