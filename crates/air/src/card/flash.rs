//! What a card keeps when its power goes.

use model::TimeFactor;

use crate::text::ResultText;
use crate::{Frame, FrameBytes, Kind};

/// The card's durable memory. It is written whole, before the frame that depends on it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flash {
    /// No uplink factor up to this one is used again. It may lie ahead of the last used one: a reserve.
    pub uplink_mark: Option<TimeFactor>,
    /// The highest factor accepted from the platform.
    pub downlink_mark: Option<TimeFactor>,
    /// The information was sent under this key version and not sent back since.
    pub introduced: bool,
    /// The first decision on the latest transaction, until its receipt.
    pub latched: Option<Latched>,
}

/// A decision that was taken: the result's bytes are sent again as they are, never computed anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latched {
    /// Time factor B of the transaction.
    pub b: TimeFactor,
    /// What was decided.
    pub text: ResultText,
    /// The frame.
    pub frame: FrameBytes,
}

/// Why bytes are not a flash image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the card's memory is damaged: re-inject the card under a new key version")]
pub struct FlashError;

/// Marks 8, flags 1; with a decision also B 4, result text 2, frame.
const IMAGE_MAX: usize = 15 + 64;

const INTRODUCED: u8 = 0b01;
const LATCHED: u8 = 0b10;

impl Flash {
    /// The image: at most 79 bytes. The shell adds what its medium needs (check sum, two banks).
    pub fn to_bytes(&self) -> heapless::Vec<u8, IMAGE_MAX> {
        let mut image = heapless::Vec::new();
        let seconds = |mark: Option<TimeFactor>| mark.map_or(0, TimeFactor::seconds).to_be_bytes();
        // 15 bytes and a frame of at most 64.
        let _ = image.extend_from_slice(&seconds(self.uplink_mark));
        let _ = image.extend_from_slice(&seconds(self.downlink_mark));
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let _ = image.push(flag(self.introduced, INTRODUCED) | flag(self.latched.is_some(), LATCHED));
        if let Some(latched) = &self.latched {
            let _ = image.extend_from_slice(&latched.b.seconds().to_be_bytes());
            let _ = image.extend_from_slice(&latched.text.to_bytes());
            let _ = image.extend_from_slice(&latched.frame);
        }
        image
    }

    /// Reads an image. One that was cut, or that contradicts itself, is damaged.
    pub fn from_bytes(image: &[u8]) -> Result<Self, FlashError> {
        let (head, rest) = image.split_first_chunk::<9>().ok_or(FlashError)?;
        let [u0, u1, u2, u3, d0, d1, d2, d3, flags] = *head;
        if flags & !(INTRODUCED | LATCHED) != 0 {
            return Err(FlashError);
        }
        let latched = match (flags & LATCHED != 0, rest) {
            (false, []) => None,
            (true, bytes) => Some(Latched::from_bytes(bytes)?),
            (false, _) => return Err(FlashError),
        };
        Ok(Self {
            uplink_mark: TimeFactor::new(u32::from_be_bytes([u0, u1, u2, u3])),
            downlink_mark: TimeFactor::new(u32::from_be_bytes([d0, d1, d2, d3])),
            introduced: flags & INTRODUCED != 0,
            latched,
        })
    }
}

impl Latched {
    fn from_bytes(bytes: &[u8]) -> Result<Self, FlashError> {
        let (head, frame) = bytes.split_first_chunk::<6>().ok_or(FlashError)?;
        let [b0, b1, b2, b3, r0, r1] = *head;
        let b = TimeFactor::new(u32::from_be_bytes([b0, b1, b2, b3])).ok_or(FlashError)?;
        // A result has one length: a frame that was cut is none.
        let result = Frame::parse(frame).map_err(|_| FlashError)?;
        if result.kind != Kind::Result || result.factor.complete(b) != Some(b) {
            return Err(FlashError);
        }
        Ok(Self {
            b,
            text: ResultText::from_bytes([r0, r1]).map_err(|_| FlashError)?,
            frame: FrameBytes::from_slice(frame).map_err(|_| FlashError)?,
        })
    }
}
