//! What comes of a plan.

use crate::assumption::Assumption;
use crate::lorawan::Duty;
use crate::warning::Warning;

/// What a day takes, in millijoules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    /// Payments: radio, light, controller.
    pub payments_mj: f64,
    /// Status frames.
    pub status_mj: f64,
    /// Radio and controller asleep.
    pub sleep_mj: f64,
    /// What the cell loses by itself.
    pub self_discharge_mj: f64,
}

impl Day {
    /// All of it.
    pub fn total_mj(&self) -> f64 {
        self.payments_mj + self.status_mj + self.sleep_mj + self.self_discharge_mj
    }

    /// Each taker with its part, most first.
    pub fn takers(&self) -> [(Taker, f64); 4] {
        let mut all = [
            (Taker::Payments, self.payments_mj),
            (Taker::Status, self.status_mj),
            (Taker::Sleep, self.sleep_mj),
            (Taker::SelfDischarge, self.self_discharge_mj),
        ];
        all.sort_by(|left, right| right.1.total_cmp(&left.1));
        all
    }
}

/// Who empties the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taker {
    /// Payments.
    Payments,
    /// Status frames.
    Status,
    /// Sleep, or waiting to be paged.
    Sleep,
    /// The cell by itself.
    SelfDischarge,
}

impl Taker {
    /// A stable name for machines.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Status => "status",
            Self::Sleep => "sleep",
            Self::SelfDischarge => "self_discharge",
        }
    }

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Status => "status frames",
            Self::Sleep => "sleep",
            Self::SelfDischarge => "self-discharge",
        }
    }
}

/// Whether "many years" holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// At least [`crate::MANY_YEARS`].
    ManyYears,
    /// The sum gives more than the cell's maker vouches for, and that is many years.
    ShelfLifeFirst,
    /// The sum would give many years, and the cell's own shelf life does not.
    CellTooShortLived,
    /// Less.
    NotManyYears {
        /// Who takes most.
        mostly: Taker,
        /// Which share of the day's energy.
        percent: f64,
    },
}

impl Verdict {
    /// A stable name for machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ManyYears => "many_years",
            Self::ShelfLifeFirst => "shelf_life_first",
            Self::CellTooShortLived => "cell_too_short_lived",
            Self::NotManyYears { .. } => "not_many_years",
        }
    }
}

/// A protocol on the same radio.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// For people.
    pub name: &'static str,
    /// A stable name for machines.
    pub key: &'static str,
    /// All its bytes on this bearer.
    pub bytes: u16,
    /// How they fall on messages.
    pub split: &'static str,
    /// Frames (LoRaWAN) or messages (NB-IoT) for one payment; none where it cannot be carried.
    pub frames: Option<u16>,
    /// Energy of one payment's radio; none where it cannot be carried.
    pub radio_mj: Option<f64>,
    /// Years by the sum alone with it in place of ours; none where it cannot be carried.
    pub years_by_sum: Option<f64>,
    /// Why it does not fit, or makes no sense.
    pub misfit: Option<&'static str>,
}

/// The sum of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// Energy of one payment, light and controller included; none on a bearer without payments.
    pub payment_mj: Option<f64>,
    /// Of which the radio.
    pub payment_radio_mj: Option<f64>,
    /// Energy of one status frame.
    pub status_mj: f64,
    /// Of a day.
    pub day: Day,
    /// What the card can take from the cell.
    pub usable_mj: f64,
    /// By the sum alone.
    pub years_by_sum: f64,
    /// That, or the cell's shelf life where it is shorter.
    pub years: f64,
    /// Years with the least and the most that sources say of sending; none on NB-IoT.
    pub years_as_sources_disagree: Option<(f64, f64)>,
    /// Whether "many years" holds.
    pub verdict: Verdict,
    /// What the band allows.
    pub duty: Option<Duty>,
    /// What stands in the way.
    pub warnings: Vec<Warning>,
    /// Ours and other protocols on the same radio.
    pub comparisons: Vec<Comparison>,
    /// Every figure that was used.
    pub assumptions: Vec<Assumption>,
}
