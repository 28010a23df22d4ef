//! Sigfox: status only.

use crate::assumption::Assumption;
use crate::error::EnergyError;
use crate::lorawan::Radio;

/// A card that says over Sigfox that it lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sigfox {
    /// Its radio.
    pub radio: Radio,
}

impl Sigfox {
    /// Payload of an uplink.
    pub const UPLINK_BYTES: u16 = 12;
    /// Payload of a downlink.
    pub const DOWNLINK_BYTES: u16 = 8;
    /// Uplinks that a subscription and the European band allow a day.
    pub const UPLINKS_A_DAY: f64 = 140.0;
    /// Bytes of a full uplink on the air, at 100 bit/s, sent on three frequencies.
    const FRAME_BYTES: f64 = 26.0;
    const BITS_A_SECOND: f64 = 100.0;
    const TIMES: f64 = 3.0;

    pub(crate) fn check(&self) -> Result<(), EnergyError> {
        self.radio.check()
    }

    /// How long a full uplink is on the air, all three times.
    pub fn up_ms(&self) -> f64 {
        Self::FRAME_BYTES * 8.0 * 1_000.0 / Self::BITS_A_SECOND * Self::TIMES
    }

    /// Charge of a status message.
    pub fn status_mc(&self) -> f64 {
        self.up_ms() * self.radio.transmit_ma / 1_000.0
    }

    pub(crate) fn assumptions(&self) -> Vec<Assumption> {
        let fixed = Assumption::fixed;
        let mut all = self.radio.assumptions();
        all.extend([
            fixed(
                "uplink_ms",
                "a full uplink on the air: 26 bytes at 100 bit/s, three times",
                self.up_ms(),
                "ms",
                "Sigfox, zones with 100 bit/s",
            ),
            fixed(
                "payload_limit_bytes",
                "payload of an uplink",
                f64::from(Self::UPLINK_BYTES),
                "bytes",
                "Sigfox",
            ),
        ]);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_message_takes_six_seconds_of_sending() {
        assert_eq!(Sigfox { radio: Radio::SX1262 }.up_ms(), 6_240.0);
    }
}
