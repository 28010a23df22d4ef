//! Whether a channel was heard, and how well.

/// Where a channel stands by when it was last heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// It has never been heard.
    #[default]
    Unheard,
    /// It was heard in time.
    Present,
    /// It has been silent for longer than it may.
    Silent,
}

impl Presence {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unheard, Self::Present, Self::Silent];

    /// As it is stored.
    pub const fn number(self) -> u8 {
        match self {
            Self::Unheard => 0,
            Self::Present => 1,
            Self::Silent => 2,
        }
    }

    /// From its number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|presence| presence.number() == number)
    }

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unheard => "unheard",
            Self::Present => "present",
            Self::Silent => "silent",
        }
    }

    /// From its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|presence| presence.name() == name)
    }
}

/// How a network heard a frame; what it does not tell is not here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reception {
    /// Signal strength at the best gateway or cell, in dBm.
    pub rssi_dbm: Option<i16>,
    /// Signal to noise there, in tenths of a dB.
    pub snr_tenths: Option<i16>,
    /// The network's number of the data rate.
    pub data_rate: Option<u8>,
    /// Battery as the network asked it of the radio, 0 to 200.
    pub battery: Option<u8>,
}
