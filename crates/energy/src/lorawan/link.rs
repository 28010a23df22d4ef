//! One card's link: what an uplink takes with the windows after it, and how often the band allows it.

use super::radio::Radio;
use super::region::{DataRate, Region};
use super::time_on_air::TimeOnAir;
use crate::assumption::Assumption;
use crate::bound::Bound;
use crate::error::EnergyError;
use crate::frames::Frame;

const CLOCK_ERROR: Bound = Bound::new("the clock's error", 0.0, 500.0, "ms");
const LOST: Bound = Bound::new("the share of lost exchanges", 0.0, 90.0, "%");

/// Symbols of a preamble that a receiver needs to notice it.
const NOTICED_SYMBOLS: f64 = 6.0;
/// Symbols of a preamble, out of which those must fall.
const PREAMBLE_SYMBOLS: f64 = 8.0;
/// What a duty cycle is reckoned over.
const HOUR_MS: f64 = 3_600_000.0;

const CLOCK_ERROR_MS: f64 = 10.0;
const LOST_PERCENT: f64 = 10.0;

/// A class A card on one data rate of one region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// The region.
    pub region: Region,
    /// The data rate of its uplinks; the answers follow from it.
    pub data_rate: DataRate,
    /// Its radio.
    pub radio: Radio,
    /// How far the card's clock may be off when a window opens: it opens that much early.
    pub clock_error_ms: f64,
    /// Share of uplinks with their answer that are lost and repeated.
    pub lost_percent: f64,
}

/// What the band allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duty {
    /// Share of an hour that a sender may be on the air.
    pub percent: f64,
    /// Time that the card sends for a payment, repeats included.
    pub payment_ms: f64,
    /// Payments a day that the card may make beside its status frames.
    pub payments_a_day: f64,
    /// Payments an hour that one gateway may answer in the same band, for all its cards together.
    pub payments_an_hour_a_gateway: f64,
    /// How long a stack that counts frame by frame makes the result wait after the hello.
    pub wait_after_hello_ms: f64,
}

impl Link {
    /// A link with the figures kept here.
    pub const fn new(region: Region, data_rate: DataRate) -> Self {
        let (clock_error_ms, lost_percent) = (CLOCK_ERROR_MS, LOST_PERCENT);
        Self { region, data_rate, radio: Radio::SX1262, clock_error_ms, lost_percent }
    }

    pub(crate) fn check(&self) -> Result<(), EnergyError> {
        self.radio.check()?;
        CLOCK_ERROR.check(self.clock_error_ms)?;
        LOST.check(self.lost_percent)
    }

    /// Whether an uplink frame fits.
    pub fn fits_up(&self, frame: Frame) -> Result<(), EnergyError> {
        self.fits(frame, self.region.uplink_limit(self.data_rate))
    }

    /// Whether a downlink frame fits.
    pub fn fits_down(&self, frame: Frame) -> Result<(), EnergyError> {
        self.fits(frame, self.region.downlink_limit(self.data_rate))
    }

    fn fits(&self, frame: Frame, limit: u16) -> Result<(), EnergyError> {
        let (region, data_rate) = (self.region, self.data_rate);
        if frame.bytes() <= limit {
            Ok(())
        } else {
            let (frame, bytes) = (frame.name(), frame.bytes());
            Err(EnergyError::FrameTooLong { frame, bytes, region, data_rate, limit })
        }
    }

    /// How long a window stays open in which nothing comes: long enough to notice a preamble, and for the
    /// clock's error on both sides.
    pub fn empty_window_ms(&self, symbol_ms: f64) -> f64 {
        let spare = 2.0 * NOTICED_SYMBOLS - PREAMBLE_SYMBOLS + 2.0 * self.clock_error_ms / symbol_ms;
        spare.ceil().max(NOTICED_SYMBOLS) * symbol_ms
    }

    /// Charge of an uplink that is answered in the first window.
    pub fn answered_mc(&self, up_bytes: u16, down_bytes: u16) -> f64 {
        let down = TimeOnAir::downlink(self.region.downlink(self.data_rate), down_bytes);
        self.sent_mc(up_bytes) + (self.clock_error_ms + down.ms) * self.radio.receive_ma / 1_000.0
    }

    /// Charge of an uplink after which both windows stay empty.
    pub fn unanswered_mc(&self, up_bytes: u16) -> f64 {
        let first = self.empty_window_ms(self.region.downlink(self.data_rate).symbol_ms());
        let second = self.empty_window_ms(self.region.second_window().symbol_ms());
        self.sent_mc(up_bytes) + (first + second) * self.radio.receive_ma / 1_000.0
    }

    fn sent_mc(&self, bytes: u16) -> f64 {
        self.up_ms(bytes) * self.radio.transmit_ma / 1_000.0
    }

    /// How long an uplink is on the air.
    pub fn up_ms(&self, bytes: u16) -> f64 {
        TimeOnAir::uplink(self.region.uplink(self.data_rate), bytes).ms
    }

    fn down_ms(&self, bytes: u16) -> f64 {
        TimeOnAir::downlink(self.region.downlink(self.data_rate), bytes).ms
    }

    /// How often each exchange happens, lost ones counted.
    pub fn tries(&self) -> f64 {
        1.0 / (1.0 - self.lost_percent / 100.0)
    }

    /// Charge of a payment: hello with its transaction, result with its receipt.
    pub fn payment_mc(&self, hello: Frame) -> Result<f64, EnergyError> {
        self.fits_up(hello)?;
        self.fits_down(Frame::Transaction)?;
        self.fits_up(Frame::Result)?;
        self.fits_down(Frame::Receipt)?;
        let asked = self.answered_mc(hello.bytes(), Frame::Transaction.bytes());
        let told = self.answered_mc(Frame::Result.bytes(), Frame::Receipt.bytes());
        Ok((asked + told) * self.tries())
    }

    /// Charge of a status frame, which nothing answers.
    pub fn status_mc(&self) -> Result<f64, EnergyError> {
        self.fits_up(Frame::Status)?;
        Ok(self.unanswered_mc(Frame::Status.bytes()) * self.tries())
    }

    /// What the band allows, where it is bound by a duty cycle.
    pub fn duty(&self, hello: Frame, status_a_day: f64) -> Option<Duty> {
        let percent = self.region.duty_cycle_percent()?;
        let hour_ms = HOUR_MS * percent / 100.0;
        let payment_ms = (self.up_ms(hello.bytes()) + self.up_ms(Frame::Result.bytes())) * self.tries();
        let status_ms = status_a_day * self.up_ms(Frame::Status.bytes()) * self.tries();
        let answers_ms =
            (self.down_ms(Frame::Transaction.bytes()) + self.down_ms(Frame::Receipt.bytes())) * self.tries();
        Some(Duty {
            percent,
            payment_ms,
            payments_a_day: ((24.0 * hour_ms - status_ms) / payment_ms).floor().max(0.0),
            payments_an_hour_a_gateway: (hour_ms / answers_ms).floor(),
            wait_after_hello_ms: self.up_ms(hello.bytes()) * (100.0 / percent - 1.0),
        })
    }

    pub(crate) fn assumptions(&self) -> Vec<Assumption> {
        let fixed = Assumption::fixed;
        let mut all = self.radio.assumptions();
        all.extend([
            Assumption::settable(
                ("clock_error_ms", "--clock-error-ms"),
                "windows: the clock's error, listened through before and after",
                (self.clock_error_ms, CLOCK_ERROR_MS),
                "ms",
                "usual in LoRaWAN stacks",
            ),
            Assumption::settable(
                ("lost_percent", "--lost-percent"),
                "exchanges that are lost and repeated",
                (self.lost_percent, LOST_PERCENT),
                "%",
                "our guess",
            ),
            fixed(
                "rx1_ms",
                "windows: the first opens after, the radio asleep till then",
                1_000.0,
                "ms",
                "regional parameters",
            ),
            fixed(
                "rx2_ms",
                "windows: the second opens after, unless the first heard something",
                2_000.0,
                "ms",
                "regional parameters",
            ),
            fixed("mac_bytes", "bytes around a payload", 13.0, "bytes", "LoRaWAN, no MAC commands aboard"),
            fixed("preamble_symbols", "preamble", 8.0, "symbols", "regional parameters"),
            fixed(
                "payload_limit_bytes",
                "payload of an uplink at this data rate",
                f64::from(self.region.uplink_limit(self.data_rate)),
                "bytes",
                "regional parameters",
            ),
        ]);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(region: Region, data_rate: &str) -> Link {
        Link { lost_percent: 0.0, ..Link::new(region, region.data_rate(data_rate).unwrap()) }
    }

    #[test]
    fn a_payment_takes_what_a_sum_by_hand_gives() {
        // DR5: uplinks of 61.696 and 66.816 ms, answers of 77.056 and 61.696 ms, each window 10 ms early.
        let mc = link(Region::Eu868, "DR5").payment_mc(Frame::HelloBrief).unwrap();
        let by_hand = ((61.696 + 66.816) * 45.0 + (77.056 + 61.696 + 20.0) * 4.2) / 1_000.0;
        assert!((mc - by_hand).abs() < 1e-9, "{mc} {by_hand}");
    }

    #[test]
    fn an_empty_window_is_six_symbols_or_the_clocks_error_on_both_sides() {
        let link = link(Region::Eu868, "DR0");
        assert_eq!(link.empty_window_ms(32.768), 6.0 * 32.768);
        // 4 symbols and 20 ms of 1.024 ms each: 23.53, so 24 symbols.
        assert!((link.empty_window_ms(1.024) - 24.0 * 1.024).abs() < 1e-9);
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_bytes_and_the_limit() {
        type Refused = Option<(&'static str, u16, u16)>;
        let cases: &[(Region, &str, Frame, Refused)] = &[
            (Region::Cn470, "DR0", Frame::HelloBrief, Some(("brief hello", 12, 0))),
            (Region::Cn470, "DR1", Frame::HelloBrief, None),
            (Region::Cn470, "DR1", Frame::HelloFull, Some(("full hello", 44, 23))),
            (Region::Us915, "DR0", Frame::HelloBrief, Some(("brief hello", 12, 11))),
            (Region::Us915, "DR1", Frame::HelloFull, None),
            (Region::As923Dwell, "DR2", Frame::HelloBrief, Some(("brief hello", 12, 11))),
            (Region::Eu868, "DR0", Frame::HelloFull, None),
        ];
        for &(region, data_rate, hello, expected) in cases {
            let refused = match link(region, data_rate).payment_mc(hello) {
                Ok(_) => None,
                Err(EnergyError::FrameTooLong { frame, bytes, limit, .. }) => Some((frame, bytes, limit)),
                Err(other) => panic!("{other}"),
            };
            assert_eq!(refused, expected, "{region} {data_rate}");
        }
    }

    #[test]
    fn europe_bounds_payments_a_day_and_america_does_not() {
        let duty = link(Region::Eu868, "DR0").duty(Frame::HelloBrief, 0.0).unwrap();
        // Uplinks of 25 and 27 bytes: 5 blocks, then 6; 864 s a day.
        let payment_ms = 45.25 * 32.768 + 50.25 * 32.768;
        assert!((duty.payment_ms - payment_ms).abs() < 1e-6, "{}", duty.payment_ms);
        assert_eq!(duty.payments_a_day, (864_000.0 / payment_ms).floor());
        assert!(link(Region::Us915, "DR1").duty(Frame::HelloBrief, 0.0).is_none());
    }
}
