//! LoRaWAN, class A: regions, time on air, what an uplink with its two receive windows takes, duty cycle.
//!
//! Formulas of the radio's data sheet; limits of the regional parameters. Refused: a payload over the limit
//! of its data rate, by [`crate::EnergyError::FrameTooLong`].

mod link;
mod radio;
mod region;
mod time_on_air;

pub use link::{Duty, Link};
pub use radio::Radio;
pub use region::{DataRate, Modulation, Region};
pub use time_on_air::TimeOnAir;
