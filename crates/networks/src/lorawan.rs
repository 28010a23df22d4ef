//! What LoRaWAN carries in one frame, by region and data rate.
//!
//! Bytes of application payload where no MAC commands ride along and no repeater must be able to pass the frame on: the
//! column N of the second tables of maximum payload size in the LoRaWAN regional parameters, RP002-1.0.4, of EU863-870, US902-928,
//! CN470-510 and AS923. Where a repeater must, nothing is over 222.
//!
//! Revisions differ. AS923 at DR2 without dwell time was 51 before RP002-1.0.1 and is 115 since: 51 fits both. CN470 had
//! 51, 51, 51 and 115 at DR0 to DR3, and devices of LoRaWAN 1.0.3 and before still do. A network server goes by the revision in
//! the device's profile, and tells when what it was given does not fit.
//!
//! Compared with the tables of ChirpStack's crate `lrwn` 4.13 for RP002-1.0.4, which differ twice beside that of AS923: EU868 DR4 has
//! 222 there, and CN470 has no receive window after DR6 and DR7.

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

/// What a frame at a data rate carries, in bytes; `None` for a data rate that the region does not define. Some are for one
/// direction only: those of LR-FHSS (EU868 8 to 11, US915 5 and 6) go up, US915 8 to 13 go down.
pub fn limit(region: Region, data_rate: u8) -> Option<usize> {
    let table: &[Option<usize>] = match region {
        Region::Eu868 => &EU868,
        Region::Us915 => &US915,
        Region::Cn470 => &CN470,
        Region::As923 => &AS923,
        Region::As923Dwell => &AS923_DWELL,
    };
    table.get(usize::from(data_rate)).copied().flatten()
}

const fn all<const N: usize>(bytes: [usize; N]) -> [Option<usize>; N] {
    let mut table = [None; N];
    let mut rate = 0;
    while rate < N {
        table[rate] = Some(bytes[rate]);
        rate += 1;
    }
    table
}

const EU868: [Option<usize>; 12] = all([51, 51, 51, 115, 242, 242, 242, 242, 50, 115, 50, 115]);
const US915: [Option<usize>; 14] = {
    let mut table = all([11, 53, 125, 242, 242, 50, 125, 0, 53, 129, 242, 242, 242, 242]);
    table[7] = None;
    table
};
const CN470: [Option<usize>; 8] = all([0, 23, 86, 184, 242, 242, 242, 242]);
const AS923: [Option<usize>; 8] = all([51, 51, 51, 115, 242, 242, 242, 242]);
const AS923_DWELL: [Option<usize>; 8] = all([0, 0, 11, 53, 125, 242, 242, 242]);

/// What the first receive window after an uplink at a data rate carries, in bytes, with no offset between the two; `None` for
/// a data rate that no uplink has.
///
/// In North America the window after data rate 0 has data rate 10: more bytes go down than came up.
pub fn downlink_limit(region: Region, uplink_data_rate: u8) -> Option<usize> {
    let down = match (region, uplink_data_rate) {
        (Region::Eu868, 8 | 10) => 1,
        (Region::Eu868, 9 | 11) => 2,
        (Region::Us915, 0 | 5) => 10,
        (Region::Us915, 1 | 6) => 11,
        (Region::Us915, 2) => 12,
        (Region::Us915, 3 | 4) => 13,
        (Region::Us915, _) => return None,
        // A downlink must not last longer than 400 ms either, so it is never slower than this.
        (Region::As923Dwell, 0 | 1) => 2,
        (Region::As923 | Region::As923Dwell, 6 | 7) => 5,
        (_, same) => same,
    };
    limit(region, down)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_rate_carries_what_the_regional_parameters_say() {
        let n = |bytes: &[usize]| -> Vec<Option<usize>> { bytes.iter().map(|bytes| Some(*bytes)).collect() };
        let us915 = [n(&[11, 53, 125, 242, 242, 50, 125]), vec![None], n(&[53, 129, 242, 242, 242, 242])];
        for (region, rates) in [
            (Region::Eu868, n(&[51, 51, 51, 115, 242, 242, 242, 242, 50, 115, 50, 115])),
            (Region::Us915, us915.concat()),
            (Region::Cn470, n(&[0, 23, 86, 184, 242, 242, 242, 242])),
            (Region::As923, n(&[51, 51, 51, 115, 242, 242, 242, 242])),
            (Region::As923Dwell, n(&[0, 0, 11, 53, 125, 242, 242, 242])),
        ] {
            for data_rate in 0..=u8::MAX {
                let bytes = rates.get(usize::from(data_rate)).copied().flatten();
                assert_eq!(limit(region, data_rate), bytes, "{region} DR{data_rate}");
            }
        }
    }

    #[test]
    fn the_window_after_an_uplink_carries_what_its_own_data_rate_does() {
        for (region, windows) in [
            (Region::Eu868, &[51, 51, 51, 115, 242, 242, 242, 242, 51, 51, 51, 51][..]),
            (Region::Us915, &[242; 7]),
            (Region::Cn470, &[0, 23, 86, 184, 242, 242, 242, 242]),
            (Region::As923, &[51, 51, 51, 115, 242, 242, 242, 242]),
            (Region::As923Dwell, &[11, 11, 11, 53, 125, 242, 242, 242]),
        ] {
            for data_rate in 0..=u8::MAX {
                let bytes = windows.get(usize::from(data_rate)).copied();
                assert_eq!(downlink_limit(region, data_rate), bytes, "{region} DR{data_rate}");
            }
        }
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
