//! What the card draws beside its radio.

use crate::assumption::Assumption;
use crate::bound::Bound;
use crate::error::EnergyError;

const SLEEP: Bound = Bound::new("the controller's sleep current", 0.0, 10_000.0, "µA");
const LIGHT: Bound = Bound::new("the light's charge", 0.0, 10_000.0, "mC a payment");
const WORK: Bound = Bound::new("the controller's charge", 0.0, 10_000.0, "mC a payment");

/// Controller, secure element, light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Card {
    /// Asleep, its clock running. Where the radio's module is the controller too, zero.
    pub controller_sleep_ua: f64,
    /// Light or display while the holder decides, each payment.
    pub light_mc: f64,
    /// Controller and secure element awake, each payment.
    pub work_mc: f64,
}

impl Card {
    /// A controller beside a radio: LoRaWAN, Sigfox.
    pub const APART: Self = Self { controller_sleep_ua: 1.4, light_mc: 10.0, work_mc: 2.0 };
    /// A module whose measured figures hold its controller: NB-IoT.
    pub const IN_MODULE: Self = Self { controller_sleep_ua: 0.0, light_mc: 10.0, work_mc: 0.0 };

    pub(crate) fn check(&self) -> Result<(), EnergyError> {
        SLEEP.check(self.controller_sleep_ua)?;
        LIGHT.check(self.light_mc)?;
        WORK.check(self.work_mc)
    }

    pub(crate) fn assumptions(&self, kept: &Self) -> Vec<Assumption> {
        let a = Assumption::settable;
        vec![
            a(
                ("controller_sleep_ua", "--controller-sleep-ua"),
                "card: controller asleep, clock running",
                (self.controller_sleep_ua, kept.controller_sleep_ua),
                "µA",
                "our guess, usual for low-power controllers; 0 where the module's figure holds it",
            ),
            a(
                ("light_mc", "--light-mc"),
                "card: light while the holder decides, each payment",
                (self.light_mc, kept.light_mc),
                "mC",
                "our guess: 2 mA for 5 s",
            ),
            a(
                ("work_mc", "--work-mc"),
                "card: controller and secure element, each payment",
                (self.work_mc, kept.work_mc),
                "mC",
                "our guess: 5 mA for 100 ms, four frames; 0 where the module's figure holds it",
            ),
        ]
    }
}
