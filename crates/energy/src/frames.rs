//! The frames of a payment and their lengths: `docs/protocol/air.md` section 10.

use std::str::FromStr;

use crate::error::EnergyError;

/// Bytes of a channel id, on bearers that do not vouch for the channel.
pub(crate) const CHANNEL: u16 = 9;

/// A frame in the form that a plan reckons with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Up: the card asks, its information unsent.
    HelloBrief,
    /// Up: the card asks, its information sent.
    HelloFull,
    /// Up: the first hello after the card was switched on: full, with a wide time factor.
    HelloFirst,
    /// Down: what is to be paid, without a display text.
    Transaction,
    /// Up: what the holder decided.
    Result,
    /// Down: what became of it.
    Receipt,
    /// Up: battery and firmware version.
    Status,
}

impl Frame {
    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HelloBrief => "brief hello",
            Self::HelloFull => "full hello",
            Self::HelloFirst => "first hello after power on",
            Self::Transaction => "transaction",
            Self::Result => "result",
            Self::Receipt => "receipt",
            Self::Status => "status",
        }
    }

    /// Length where the bearer vouches for the channel.
    pub const fn bytes(self) -> u16 {
        match self {
            Self::HelloBrief => 12,
            Self::HelloFull => 44,
            Self::HelloFirst => 46,
            Self::Transaction => 23,
            Self::Result => 14,
            Self::Receipt => 13,
            Self::Status => 16,
        }
    }

    /// Length where uplinks name their channel, as on CoAP.
    pub const fn bytes_with_channel(self) -> u16 {
        match self {
            Self::Transaction | Self::Receipt => self.bytes(),
            Self::HelloBrief | Self::HelloFull | Self::HelloFirst | Self::Result | Self::Status => {
                self.bytes() + CHANNEL
            }
        }
    }
}

/// Which hello the payments of a plan begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hello {
    /// As every one after the first.
    #[default]
    Brief,
    /// As after a power cycle.
    Full,
}

impl Hello {
    /// The frame.
    pub const fn frame(self) -> Frame {
        match self {
            Self::Brief => Frame::HelloBrief,
            Self::Full => Frame::HelloFull,
        }
    }
}

impl FromStr for Hello {
    type Err = EnergyError;

    fn from_str(text: &str) -> Result<Self, EnergyError> {
        match text {
            "brief" => Ok(Self::Brief),
            "full" => Ok(Self::Full),
            _ => Err(EnergyError::UnknownHello { name: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_is_as_long_as_the_protocol_says() {
        let sum = |frames: &[Frame]| frames.iter().map(|frame| frame.bytes()).sum::<u16>();
        assert_eq!(sum(&[Frame::HelloBrief, Frame::Transaction, Frame::Result]), 49);
        assert_eq!(sum(&[Frame::HelloFull, Frame::Transaction, Frame::Result]), 81);
        let with = |frames: &[Frame]| frames.iter().map(|frame| frame.bytes_with_channel()).sum::<u16>();
        assert_eq!(with(&[Frame::HelloBrief, Frame::Transaction, Frame::Result]), 67);
        assert_eq!(with(&[Frame::HelloFull, Frame::Transaction, Frame::Result]), 99);
    }
}
