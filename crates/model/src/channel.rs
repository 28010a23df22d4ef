//! 信道唯一标识: the unique id of a card's radio channel. It enters every key and every code.

use core::fmt;
use core::str::FromStr;

/// What sort of id a channel has; one byte on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ChannelKind {
    /// LoRaWAN DevEUI.
    DevEui = 1,
    /// MAC-48, padded right with zeros.
    Mac48 = 2,
    /// IMEI: its 15 digits as a number.
    Imei = 3,
    /// Sigfox device id, as a number.
    Sigfox = 4,
    /// Any other EUI-64.
    Eui64 = 5,
}

impl ChannelKind {
    const NAMES: [(Self, &'static str); 5] = [
        (Self::DevEui, "deveui"),
        (Self::Mac48, "mac48"),
        (Self::Imei, "imei"),
        (Self::Sigfox, "sigfox"),
        (Self::Eui64, "eui64"),
    ];

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(kind, _)| *kind == self).map_or("?", |(_, name)| name)
    }
}

/// A channel's kind and id: 9 bytes on the air.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId {
    kind: ChannelKind,
    id: [u8; 8],
}

/// Why bytes or a text are not a channel id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The kind byte or name is not one of those in the protocol.
    #[error("the kind of channel is not known; deveui, mac48, imei, sigfox or eui64")]
    UnknownKind,
    /// The id does not have the form of its kind.
    #[error("the id does not have the form of its kind")]
    WrongForm,
}

impl ChannelId {
    /// Length on the air.
    pub const LENGTH: usize = 9;

    /// A channel id from its kind and eight bytes, checked against the kind's form.
    pub fn new(kind: ChannelKind, id: [u8; 8]) -> Result<Self, ChannelError> {
        let number = u64::from_be_bytes(id);
        let fits = match kind {
            ChannelKind::DevEui | ChannelKind::Eui64 => true,
            ChannelKind::Mac48 => id[6] == 0 && id[7] == 0,
            ChannelKind::Imei => number <= 999_999_999_999_999,
            ChannelKind::Sigfox => u32::try_from(number).is_ok(),
        };
        if fits { Ok(Self { kind, id }) } else { Err(ChannelError::WrongForm) }
    }

    /// The channel of an IMEI, given as its 15 digits' number.
    pub fn imei(number: u64) -> Result<Self, ChannelError> {
        Self::new(ChannelKind::Imei, number.to_be_bytes())
    }

    /// Kind and id as they stand on the air.
    pub const fn to_bytes(self) -> [u8; Self::LENGTH] {
        let i = self.id;
        [self.kind as u8, i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7]]
    }

    /// Reads kind and id.
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Result<Self, ChannelError> {
        let [kind, id @ ..] = bytes;
        let kind = ChannelKind::NAMES
            .iter()
            .find(|(known, _)| *known as u8 == kind)
            .map(|(known, _)| *known)
            .ok_or(ChannelError::UnknownKind)?;
        Self::new(kind, id)
    }

    /// What sort of id it is.
    pub const fn kind(self) -> ChannelKind {
        self.kind
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind.name())?;
        let number = u64::from_be_bytes(self.id);
        match self.kind {
            ChannelKind::Imei => write!(f, "{number:015}"),
            ChannelKind::Sigfox => write!(f, "{number:x}"),
            ChannelKind::Mac48 => write!(f, "{:012x}", number >> 16),
            ChannelKind::DevEui | ChannelKind::Eui64 => write!(f, "{number:016x}"),
        }
    }
}

impl fmt::Debug for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ChannelId {
    type Err = ChannelError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, id) = text.split_once(':').ok_or(ChannelError::UnknownKind)?;
        let (kind, _) =
            *ChannelKind::NAMES.iter().find(|(_, name)| *name == kind).ok_or(ChannelError::UnknownKind)?;
        let (digits, radix) = match kind {
            ChannelKind::Imei => (15, 10),
            ChannelKind::Sigfox => (id.len().clamp(1, 8), 16),
            ChannelKind::Mac48 => (12, 16),
            ChannelKind::DevEui | ChannelKind::Eui64 => (16, 16),
        };
        if id.len() != digits || !id.chars().all(|c| c.is_digit(radix)) {
            return Err(ChannelError::WrongForm);
        }
        let number = u64::from_str_radix(id, radix).map_err(|_| ChannelError::WrongForm)?;
        let number = if kind == ChannelKind::Mac48 { number << 16 } else { number };
        Self::new(kind, number.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn every_kind_reads_back_from_text_and_bytes() {
        for text in [
            "deveui:70b3d57ed0000001",
            "mac48:0a1b2c3d4e5f",
            "imei:356938035643809",
            "sigfox:2a4f1b",
            "eui64:0123456789abcdef",
        ] {
            let channel: ChannelId = text.parse().unwrap();
            assert_eq!(channel.to_string(), text);
            assert_eq!(ChannelId::from_bytes(channel.to_bytes()), Ok(channel));
        }
    }

    #[test]
    fn a_channel_that_does_not_fit_its_kind_is_refused_by_name() {
        for (text, error) in [
            ("70b3d57ed0000001", ChannelError::UnknownKind),
            ("lora:70b3d57ed0000001", ChannelError::UnknownKind),
            ("deveui:70b3", ChannelError::WrongForm),
            ("imei:35693803564380a", ChannelError::WrongForm),
            ("sigfox:123456789", ChannelError::WrongForm),
            ("eui64:+123456789abcdef", ChannelError::WrongForm),
        ] {
            assert_eq!(text.parse::<ChannelId>(), Err(error), "{text}");
        }
        assert_eq!(ChannelId::from_bytes([2, 1, 2, 3, 4, 5, 6, 7, 8]), Err(ChannelError::WrongForm));
        assert_eq!(ChannelId::from_bytes([15; 9]), Err(ChannelError::UnknownKind));
    }
}
