//! When somebody must be told of a channel.

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertKind {
    /// The battery is low.
    BatteryLow,
    /// It was not heard for longer than it may be silent.
    Silent,
    /// Many frames came with a wrong code.
    WrongCodes,
    /// It is heard by another network, or another application of it, than before.
    ChannelMoved,
}

impl AlertKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::BatteryLow, Self::Silent, Self::WrongCodes, Self::ChannelMoved];

    /// As it is stored.
    pub const fn number(self) -> u8 {
        match self {
            Self::BatteryLow => 1,
            Self::Silent => 2,
            Self::WrongCodes => 3,
            Self::ChannelMoved => 4,
        }
    }

    /// From its number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BatteryLow => "battery_low",
            Self::Silent => "silent",
            Self::WrongCodes => "wrong_codes",
            Self::ChannelMoved => "channel_moved",
        }
    }

    /// From its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Whether a battery is worth an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatteryVerdict {
    /// Raise it.
    Low,
    /// Between the two bounds: as it is.
    Between,
    /// Clear it.
    Well,
}

/// The bounds of alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertRules {
    /// Below this (200 = full) a battery is low.
    pub battery_low_below: u8,
    /// From this on it is well again: higher, so that one that wavers does not ring all day.
    pub battery_well_from: u8,
    /// A channel that says nothing for so many seconds is silent, unless it has a bound of its own.
    pub silent_seconds: u32,
    /// So many wrong codes of one channel in an hour.
    pub wrong_codes_an_hour: u32,
}

impl Default for AlertRules {
    fn default() -> Self {
        Self {
            battery_low_below: 40,
            battery_well_from: 60,
            silent_seconds: 3 * 86_400,
            wrong_codes_an_hour: 10,
        }
    }
}

impl AlertRules {
    /// Judges a battery, 0 to 200.
    pub const fn battery(&self, battery: u8) -> BatteryVerdict {
        if battery < self.battery_low_below {
            BatteryVerdict::Low
        } else if battery >= self.battery_well_from {
            BatteryVerdict::Well
        } else {
            BatteryVerdict::Between
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_battery_that_wavers_rings_once() {
        let rules = AlertRules::default();
        assert_eq!(
            [200, 60, 59, 40, 39, 0].map(|battery| rules.battery(battery)),
            [
                BatteryVerdict::Well,
                BatteryVerdict::Well,
                BatteryVerdict::Between,
                BatteryVerdict::Between,
                BatteryVerdict::Low,
                BatteryVerdict::Low
            ]
        );
    }

    #[test]
    fn every_kind_reads_back() {
        for kind in AlertKind::ALL {
            assert_eq!(AlertKind::from_number(kind.number()), Some(kind));
            assert_eq!(AlertKind::from_name(kind.name()), Some(kind));
        }
    }
}
