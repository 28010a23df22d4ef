//! What LoRaWAN carries in one frame, by region and data rate.
//!
//! Bytes of application payload where no MAC commands ride along, without a repeater: the column N of the tables of
//! maximum payload size in the LoRaWAN regional parameters (RP002-1.0.4, sections 2.4 to 2.12). A region's data rates
//! that carry nothing, or that are not defined, carry nothing here.

use core::fmt;

/// A regional plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Region {
    /// Europe, 863 to 870 MHz.
    Eu868,
    /// North America, 902 to 928 MHz.
    Us915,
    /// China, 470 to 510 MHz.
    Cn470,
    /// Asia, 915 to 928 MHz, without a limit on dwell time.
    As923,
    /// The same where a transmission lasts at most 400 ms.
    As923Dwell,
}

impl Region {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Eu868, Self::Us915, Self::Cn470, Self::As923, Self::As923Dwell];

    /// Its word, as configurations say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eu868 => "eu868",
            Self::Us915 => "us915",
            Self::Cn470 => "cn470",
            Self::As923 => "as923",
            Self::As923Dwell => "as923-dwell",
        }
    }

    /// From its word, or from the id of a ChirpStack region: `eu868`, `us915_0`, `cn470_10`, `as923_2`.
    pub fn from_name(name: &str) -> Option<Self> {
        let plan = name.split_once('_').map_or(name, |(plan, _)| plan);
        Self::ALL.into_iter().find(|region| region.name().eq_ignore_ascii_case(plan))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eu868 => "EU868",
            Self::Us915 => "US915",
            Self::Cn470 => "CN470",
            Self::As923 => "AS923",
            Self::As923Dwell => "AS923 with dwell time",
        })
    }
}

/// What an uplink at a data rate carries, in bytes; `None` for a data rate that the region does not define.
pub fn limit(region: Region, data_rate: u8) -> Option<usize> {
    let table: &[usize] = match region {
        Region::Eu868 => &[51, 51, 51, 115, 222, 222, 222, 222],
        Region::Us915 => &[11, 53, 125, 242, 242],
        Region::Cn470 => &[0, 23, 86, 184, 220, 220, 220, 242],
        Region::As923 => &[51, 51, 51, 115, 222, 222, 222, 222],
        Region::As923Dwell => &[0, 0, 11, 53, 125, 242, 242, 242],
    };
    table.get(usize::from(data_rate)).copied()
}

/// What the first receive window after an uplink at a data rate carries, in bytes, with no offset between the two.
///
/// In North America the window after data rate 0 has data rate 10: more bytes go down than came up.
pub fn downlink_limit(region: Region, uplink_data_rate: u8) -> Option<usize> {
    match region {
        Region::Us915 => limit(region, uplink_data_rate).map(|_| 242),
        Region::Eu868 | Region::Cn470 | Region::As923 | Region::As923Dwell => limit(region, uplink_data_rate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_rate_carries_what_the_regional_parameters_say() {
        for (region, data_rate, bytes) in [
            (Region::Eu868, 0, Some(51)),
            (Region::Eu868, 3, Some(115)),
            (Region::Us915, 0, Some(11)),
            (Region::Us915, 1, Some(53)),
            (Region::Cn470, 0, Some(0)),
            (Region::Cn470, 1, Some(23)),
            (Region::Cn470, 2, Some(86)),
            (Region::As923, 0, Some(51)),
            (Region::As923Dwell, 2, Some(11)),
            (Region::As923Dwell, 3, Some(53)),
            (Region::Eu868, 15, None),
        ] {
            assert_eq!(limit(region, data_rate), bytes, "{region} DR{data_rate}");
        }
        assert_eq!(downlink_limit(Region::Us915, 0), Some(242));
        assert_eq!(downlink_limit(Region::Cn470, 1), Some(23));
        assert_eq!(downlink_limit(Region::Us915, 9), None);
    }

    #[test]
    fn regions_have_the_names_that_chirpstack_gives_them() {
        for (name, region) in [
            ("eu868", Some(Region::Eu868)),
            ("us915_0", Some(Region::Us915)),
            ("cn470_10", Some(Region::Cn470)),
            ("as923_2", Some(Region::As923)),
            ("as923-dwell", Some(Region::As923Dwell)),
            ("EU868", Some(Region::Eu868)),
            ("in865", None),
            ("", None),
        ] {
            assert_eq!(Region::from_name(name), region, "{name}");
        }
    }
}
