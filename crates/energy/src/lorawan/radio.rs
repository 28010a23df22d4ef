//! What the radio draws.

use crate::assumption::Assumption;
use crate::bound::Bound;
use crate::error::EnergyError;

const TRANSMIT: Bound = Bound::new("transmit current", 0.1, 1_000.0, "mA");
const RECEIVE: Bound = Bound::new("receive current", 0.1, 1_000.0, "mA");
const SLEEP: Bound = Bound::new("the radio's sleep current", 0.0, 10_000.0, "µA");
const VOLTS: Bound = Bound::new("the radio's voltage", 1.0, 6.0, "V");

/// Currents of the radio, at one voltage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Radio {
    /// Sending.
    pub transmit_ma: f64,
    /// Listening.
    pub receive_ma: f64,
    /// Asleep.
    pub sleep_ua: f64,
    /// At which they were measured.
    pub volts: f64,
}

impl Radio {
    /// The SX1262 at +14 dBm.
    pub const SX1262: Self = Self { transmit_ma: 45.0, receive_ma: 4.2, sleep_ua: 0.6, volts: 3.3 };

    /// What sources say that sending at +14 dBm takes: least and most.
    pub const TRANSMIT_MA_SAID: (f64, f64) = (25.5, 90.0);

    pub(crate) fn check(&self) -> Result<(), EnergyError> {
        TRANSMIT.check(self.transmit_ma)?;
        RECEIVE.check(self.receive_ma)?;
        SLEEP.check(self.sleep_ua)?;
        VOLTS.check(self.volts)
    }

    pub(crate) fn assumptions(&self) -> Vec<Assumption> {
        let kept = Self::SX1262;
        let a = Assumption::settable;
        vec![
            a(
                ("transmit_ma", "--transmit-ma"),
                "radio: sending at +14 dBm",
                (self.transmit_ma, kept.transmit_ma),
                "mA",
                "SX1262 set for that power; sources disagree: 25.5 (SX1261), 28 (sellers of modules), 90 (set for +22 dBm); more where you send with more",
            ),
            a(
                ("receive_ma", "--receive-ma"),
                "radio: listening",
                (self.receive_ma, kept.receive_ma),
                "mA",
                "SX1262, first page of the data sheet; more where the receiver is boosted",
            ),
            a(
                ("radio_sleep_ua", "--radio-sleep-ua"),
                "radio: asleep",
                (self.sleep_ua, kept.sleep_ua),
                "µA",
                "SX1262, data sheet, its settings kept; 1.2 when its own timer runs",
            ),
            a(
                ("radio_volts", "--radio-volts"),
                "radio: voltage of these currents",
                (self.volts, kept.volts),
                "V",
                "SX1262, data sheet",
            ),
        ]
    }
}
