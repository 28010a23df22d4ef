//! NB-IoT: what a session takes, and what waiting takes.

use std::str::FromStr;

use crate::assumption::Assumption;
use crate::bound::Bound;
use crate::error::EnergyError;

const SESSION: Bound = Bound::new("charge of a session", 0.1, 100_000.0, "mC");
const ROUND_TRIP: Bound = Bound::new("charge of a round trip", 0.0, 10_000.0, "mC");
const SESSIONS: Bound = Bound::new("sessions a payment", 1.0, 10.0, "");
const IDLE: Bound = Bound::new("idle current", 0.0, 100_000.0, "µA");
const PEAK: Bound = Bound::new("peak current", 1.0, 5_000.0, "mA");

const SESSION_ASSISTED_MC: f64 = 28.0;
const SESSION_UNASSISTED_MC: f64 = 395.0;
const ROUND_TRIP_MC: f64 = 17.0;
const SESSIONS_A_PAYMENT: f64 = 2.0;
const PEAK_MA: f64 = 250.0;
const PSM_UA: f64 = 2.7;
/// What one paging window of eDRX takes beside the floor: measured 37 µA at this cycle.
const EDRX_UA: f64 = 37.0;
const EDRX_MEASURED_S: f64 = 81.92;
/// The shortest cycle; each next one is twice as long.
const EDRX_SHORTEST_S: f64 = 20.48;
const EDRX_CYCLES: u32 = 10;

/// How the card waits between sessions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Idle {
    /// Power saving mode: not reachable until it speaks.
    Psm,
    /// Reachable once a cycle.
    Edrx {
        /// Length of the cycle.
        seconds: f64,
    },
}

impl Idle {
    /// Reads the mode; the cycle counts for eDRX only.
    pub fn named(text: &str, edrx_seconds: f64) -> Result<Self, EnergyError> {
        match text.to_ascii_lowercase().as_str() {
            "psm" => Ok(Self::Psm),
            "edrx" => Self::edrx(edrx_seconds),
            _ => Err(EnergyError::UnknownIdle { name: text.to_owned() }),
        }
    }

    /// A cycle that NB-IoT has.
    pub fn edrx(seconds: f64) -> Result<Self, EnergyError> {
        let known = (0..EDRX_CYCLES).any(|doubled| seconds == EDRX_SHORTEST_S * f64::from(1_u32 << doubled));
        if known { Ok(Self::Edrx { seconds }) } else { Err(EnergyError::UnknownEdrxCycle { seconds }) }
    }

    /// Mean current while nothing happens.
    pub fn ua(self) -> f64 {
        match self {
            Self::Psm => PSM_UA,
            Self::Edrx { seconds } => PSM_UA + (EDRX_UA - PSM_UA) * EDRX_MEASURED_S / seconds,
        }
    }
}

impl FromStr for Idle {
    type Err = EnergyError;

    fn from_str(text: &str) -> Result<Self, EnergyError> {
        Self::named(text, EDRX_MEASURED_S)
    }
}

/// A card with an NB-IoT module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NbIot {
    /// Whether the network is told that nothing more comes, and believes it.
    pub release_assistance: bool,
    /// How it waits.
    pub idle: Idle,
    /// Charge of a session with one request and its answer.
    pub session_mc: f64,
    /// Charge of each further request and answer in a session.
    pub round_trip_mc: f64,
    /// Sessions that a payment takes.
    pub sessions_a_payment: f64,
    /// Mean current while nothing happens.
    pub idle_ua: f64,
    /// Highest current of a transmission.
    pub peak_ma: f64,
}

impl NbIot {
    /// Voltage at which the module was measured.
    pub const VOLTS: f64 = 3.7;
    /// The least voltage that the module works at.
    pub const LEAST_VOLTS: f64 = 3.0;
    /// What a datagram may hold.
    pub const PAYLOAD_BYTES: u16 = 1_358;

    /// A module with the figures kept here.
    pub fn new(release_assistance: bool, idle: Idle) -> Self {
        let session_mc = if release_assistance { SESSION_ASSISTED_MC } else { SESSION_UNASSISTED_MC };
        Self {
            release_assistance,
            idle,
            session_mc,
            round_trip_mc: ROUND_TRIP_MC,
            sessions_a_payment: SESSIONS_A_PAYMENT,
            idle_ua: idle.ua(),
            peak_ma: PEAK_MA,
        }
    }

    pub(crate) fn check(&self) -> Result<(), EnergyError> {
        SESSION.check(self.session_mc)?;
        ROUND_TRIP.check(self.round_trip_mc)?;
        SESSIONS.check(self.sessions_a_payment)?;
        IDLE.check(self.idle_ua)?;
        PEAK.check(self.peak_ma)
    }

    /// Charge of so many requests with their answers, spread over the sessions of a payment.
    pub fn exchange_mc(&self, round_trips: f64) -> f64 {
        let further = (round_trips - self.sessions_a_payment).max(0.0);
        self.sessions_a_payment * self.session_mc + further * self.round_trip_mc
    }

    pub(crate) fn assumptions(&self) -> Vec<Assumption> {
        let kept = Self::new(self.release_assistance, self.idle);
        let a = Assumption::settable;
        vec![
            a(
                ("session_mc", "--session-mc"),
                "module: a session with one request and its answer",
                (self.session_mc, kept.session_mc),
                "mC",
                "nRF9160 measured at +23 dBm, 584 bytes of CoAP over DTLS, inactivity timer 12 s: 28 with release assistance, 395 without; a bad place takes several times as much",
            ),
            a(
                ("round_trip_mc", "--round-trip-mc"),
                "module: each further request and answer in a session",
                (self.round_trip_mc, kept.round_trip_mc),
                "mC",
                "from the same measurement: (395 - 28) mC in 10.5 s connected are 35 mA; 0.5 s is our guess",
            ),
            a(
                ("sessions_a_payment", "--sessions-a-payment"),
                "sessions a payment: hello, then the result after the holder decided",
                (self.sessions_a_payment, kept.sessions_a_payment),
                "",
                "1 where the result goes within the inactivity timer",
            ),
            a(
                ("idle_ua", "--idle-ua"),
                "module: asleep, controller included",
                (self.idle_ua, kept.idle_ua),
                "µA",
                "nRF9160: 2.7 in PSM; eDRX 37 at 81.92 s, other cycles reckoned from these two",
            ),
            a(
                ("peak_ma", "--peak-ma"),
                "module: peak while sending",
                (self.peak_ma, kept.peak_ma),
                "mA",
                "our guess for +23 dBm; take your module's",
            ),
            Assumption::fixed(
                "module_volts",
                "module: voltage of these figures",
                Self::VOLTS,
                "V",
                "measured at it",
            ),
            Assumption::fixed(
                "payload_limit_bytes",
                "payload of a datagram",
                f64::from(Self::PAYLOAD_BYTES),
                "bytes",
                "bytes are not reckoned: sessions cost, bytes do not",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edrx_at_the_measured_cycle_draws_what_was_measured_and_longer_cycles_less() {
        assert_eq!(Idle::edrx(81.92).unwrap().ua(), 37.0);
        let long = Idle::edrx(10_485.76).unwrap().ua();
        assert!(long > PSM_UA && long < 3.0, "{long}");
    }

    #[test]
    fn a_payment_is_two_sessions_and_a_handshake_adds_round_trips() {
        let assisted = NbIot::new(true, Idle::Psm);
        assert_eq!(assisted.exchange_mc(2.0), 56.0);
        assert_eq!(assisted.exchange_mc(4.0), 56.0 + 34.0);
        assert_eq!(NbIot::new(false, Idle::Psm).exchange_mc(2.0), 790.0);
    }
}
