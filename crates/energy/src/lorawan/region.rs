//! The regions, their data rates, and what each carries.

use std::fmt;
use std::str::FromStr;

use crate::error::EnergyError;

/// How symbols are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modulation {
    /// 7 to 12.
    pub spreading_factor: u8,
    /// 125, 250 or 500 kHz.
    pub bandwidth_hz: u32,
}

impl Modulation {
    const fn new(spreading_factor: u8, khz: u32) -> Self {
        Self { spreading_factor, bandwidth_hz: khz * 1_000 }
    }

    /// Length of a symbol.
    pub fn symbol_ms(self) -> f64 {
        f64::from(1_u32 << self.spreading_factor.min(31)) * 1_000.0 / f64::from(self.bandwidth_hz)
    }
}

impl fmt::Display for Modulation {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "SF{}/{} kHz", self.spreading_factor, self.bandwidth_hz / 1_000)
    }
}

/// A data rate of uplinks, by its number in the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataRate(u8);

impl DataRate {
    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for DataRate {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "DR{}", self.0)
    }
}

/// North America's data rates of uplinks, by spreading factor and bandwidth in kHz.
const US915: &[Modulation] = &[
    Modulation::new(10, 125),
    Modulation::new(9, 125),
    Modulation::new(8, 125),
    Modulation::new(7, 125),
    Modulation::new(8, 500),
];
/// Everywhere else.
const SLOW_FIRST: [Modulation; 6] = [
    Modulation::new(12, 125),
    Modulation::new(11, 125),
    Modulation::new(10, 125),
    Modulation::new(9, 125),
    Modulation::new(8, 125),
    Modulation::new(7, 125),
];

/// A region of the regional parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// Europe: bound by duty cycle.
    Eu868,
    /// North America: bound by dwell time, so DR0 carries little.
    Us915,
    /// China: DR0 carries nothing.
    Cn470,
    /// Asia, where no dwell time is set.
    As923,
    /// Asia, where frames may last 400 ms.
    As923Dwell,
}

impl Region {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Eu868, Self::Us915, Self::Cn470, Self::As923, Self::As923Dwell];

    const fn rates(self) -> &'static [Modulation] {
        match self {
            Self::Us915 => US915,
            Self::Eu868 | Self::Cn470 | Self::As923 | Self::As923Dwell => &SLOW_FIRST,
        }
    }

    /// The same region where it is said what frames carry.
    const fn plan(self) -> networks::lorawan::Region {
        use networks::lorawan::Region as Plan;
        match self {
            Self::Eu868 => Plan::Eu868,
            Self::Us915 => Plan::Us915,
            Self::Cn470 => Plan::Cn470,
            Self::As923 => Plan::As923,
            Self::As923Dwell => Plan::As923Dwell,
        }
    }

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eu868 => "EU868",
            Self::Us915 => "US915",
            Self::Cn470 => "CN470",
            Self::As923 => "AS923",
            Self::As923Dwell => "AS923-dwell",
        }
    }

    /// Reads `DR3` or `3`.
    pub fn data_rate(self, text: &str) -> Result<DataRate, EnergyError> {
        let digits = text.strip_prefix("DR").or_else(|| text.strip_prefix("dr")).unwrap_or(text);
        self.data_rates().find(|rate| rate.0.to_string() == digits).ok_or_else(|| {
            EnergyError::UnknownDataRate {
                region: self,
                name: text.to_owned(),
                last: u8::try_from(self.rates().len().saturating_sub(1)).unwrap_or(u8::MAX),
            }
        })
    }

    /// Its data rates for uplinks, slowest first.
    pub fn data_rates(self) -> impl Iterator<Item = DataRate> {
        (0_u8..).take(self.rates().len()).map(DataRate)
    }

    /// How an uplink is sent.
    pub fn uplink(self, data_rate: DataRate) -> Modulation {
        // A data rate is only made by `data_rates` of some region; one of another region is taken as the last.
        let rates = self.rates();
        rates[usize::from(data_rate.0).min(rates.len() - 1)]
    }

    /// Application payload of an uplink.
    pub fn uplink_limit(self, data_rate: DataRate) -> u16 {
        in_bytes(networks::lorawan::limit(self.plan(), data_rate.0))
    }

    /// How the answer comes in the first window, at data rate offset 0.
    pub fn downlink(self, data_rate: DataRate) -> Modulation {
        match self {
            // DR0 answers by DR10, SF10 at 500 kHz, and so on to DR13, SF7.
            Self::Us915 => Modulation::new(10_u8.saturating_sub(data_rate.0).max(7), 500),
            Self::Eu868 | Self::Cn470 | Self::As923 | Self::As923Dwell => self.uplink(data_rate),
        }
    }

    /// Application payload of that answer.
    pub fn downlink_limit(self, data_rate: DataRate) -> u16 {
        in_bytes(networks::lorawan::downlink_limit(self.plan(), data_rate.0))
    }

    /// How the second window listens, as the regional parameters have it.
    pub const fn second_window(self) -> Modulation {
        match self {
            Self::Eu868 => Modulation::new(12, 125),
            Self::Us915 => Modulation::new(12, 500),
            Self::Cn470 => Modulation::new(11, 125),
            Self::As923 | Self::As923Dwell => Modulation::new(10, 125),
        }
    }

    /// Share of time that one sender may be on the air in the band of the join channels.
    pub const fn duty_cycle_percent(self) -> Option<f64> {
        match self {
            Self::Eu868 => Some(1.0),
            Self::Us915 | Self::Cn470 | Self::As923 | Self::As923Dwell => None,
        }
    }
}

/// A data rate that a region does not have carries nothing.
fn in_bytes(limit: Option<usize>) -> u16 {
    limit.and_then(|bytes| u16::try_from(bytes).ok()).unwrap_or(0)
}

impl fmt::Display for Region {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name())
    }
}

impl FromStr for Region {
    type Err = EnergyError;

    fn from_str(text: &str) -> Result<Self, EnergyError> {
        Self::ALL
            .into_iter()
            .find(|region| region.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| EnergyError::UnknownRegion { name: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_data_rate_carries_what_the_regional_parameters_say() {
        let cases: &[(&str, &str, u16)] = &[
            ("EU868", "DR0", 51),
            ("EU868", "2", 51),
            ("eu868", "DR3", 115),
            ("US915", "DR0", 11),
            ("US915", "DR1", 53),
            ("CN470", "DR0", 0),
            ("CN470", "DR1", 23),
            ("CN470", "DR2", 86),
            ("AS923", "DR0", 51),
            ("AS923-dwell", "DR0", 0),
            ("AS923-dwell", "DR2", 11),
            ("AS923-dwell", "DR3", 53),
        ];
        for &(region, data_rate, limit) in cases {
            let region: Region = region.parse().unwrap();
            assert_eq!(
                region.uplink_limit(region.data_rate(data_rate).unwrap()),
                limit,
                "{region} {data_rate}"
            );
        }
    }

    #[test]
    fn america_answers_on_wide_channels() {
        let answers: Vec<String> =
            Region::Us915.data_rates().map(|rate| Region::Us915.downlink(rate).to_string()).collect();
        assert_eq!(answers, ["SF10/500 kHz", "SF9/500 kHz", "SF8/500 kHz", "SF7/500 kHz", "SF7/500 kHz"]);
    }
}
