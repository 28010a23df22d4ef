//! The cells that cards are built around.

use std::str::FromStr;

use crate::assumption::Assumption;
use crate::bound::Bound;
use crate::error::EnergyError;

const CAPACITY: Bound = Bound::new("capacity", 1.0, 100_000.0, "mAh");
const VOLTS: Bound = Bound::new("the cell's voltage", 0.8, 12.0, "V");
const SELF_DISCHARGE: Bound = Bound::new("self-discharge", 0.0, 50.0, "% a year");
const USABLE: Bound = Bound::new("usable share", 1.0, 100.0, "%");
const PULSE: Bound = Bound::new("the cell's pulse current", 0.1, 10_000.0, "mA");
const SHELF: Bound = Bound::new("shelf life", 0.5, 40.0, "years");

/// Millijoules of a milliampere-hour at one volt.
const MJ_A_MAH_VOLT: f64 = 3_600.0;

const SHEETS: &str = "typical of data sheets; take your cell's";

/// A cell, or cells in series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The name it is known by here.
    pub name: &'static str,
    /// Nominal capacity.
    pub capacity_mah: f64,
    /// Mean voltage while it is drained.
    pub volts: f64,
    /// Share of the nominal capacity that it loses in a year by itself.
    pub self_discharge_percent: f64,
    /// Share that comes out before the voltage is too low, cold and age included.
    pub usable_percent: f64,
    /// Current that it gives in pulses without breaking down.
    pub pulse_ma: f64,
    /// Years that its maker vouches for, drained or not.
    pub shelf_years: f64,
}

impl Cell {
    /// Lithium coin of 20 mm.
    pub const CR2032: Self = Self::of("cr2032", [225.0, 3.0, 1.0, 80.0, 15.0, 10.0]);
    /// Lithium coin of 24.5 mm, 7.7 mm high.
    pub const CR2477: Self = Self::of("cr2477", [1_000.0, 3.0, 1.0, 80.0, 15.0, 10.0]);
    /// Lithium thionyl chloride, AA size.
    pub const LS14500: Self = Self::of("ls14500", [2_600.0, 3.6, 1.0, 85.0, 250.0, 20.0]);
    /// Two alkaline AAA in series.
    pub const TWO_AAA: Self = Self::of("2xaaa", [1_100.0, 2.6, 3.0, 80.0, 500.0, 10.0]);
    /// A thin lithium cell that fits a bank card.
    pub const CARD: Self = Self::of("card", [40.0, 3.0, 5.0, 80.0, 10.0, 5.0]);

    /// Every cell whose figures are kept here.
    pub const KNOWN: [Self; 5] = [Self::CR2032, Self::CR2477, Self::LS14500, Self::TWO_AAA, Self::CARD];

    const fn of(name: &'static str, figures: [f64; 6]) -> Self {
        let [capacity_mah, volts, self_discharge_percent, usable_percent, pulse_ma, shelf_years] = figures;
        Self { name, capacity_mah, volts, self_discharge_percent, usable_percent, pulse_ma, shelf_years }
    }

    /// Checks what a caller may have changed.
    pub fn check(&self) -> Result<(), EnergyError> {
        CAPACITY.check(self.capacity_mah)?;
        VOLTS.check(self.volts)?;
        SELF_DISCHARGE.check(self.self_discharge_percent)?;
        USABLE.check(self.usable_percent)?;
        PULSE.check(self.pulse_ma)?;
        SHELF.check(self.shelf_years)
    }

    /// All that it holds when new.
    pub fn energy_mj(&self) -> f64 {
        self.capacity_mah * self.volts * MJ_A_MAH_VOLT
    }

    /// What of it the card can use.
    pub fn usable_mj(&self) -> f64 {
        self.energy_mj() * self.usable_percent / 100.0
    }

    /// What it loses by itself in a day, as if evenly.
    pub fn self_discharge_mj_a_day(&self) -> f64 {
        self.energy_mj() * self.self_discharge_percent / 100.0 / crate::plan::DAYS_A_YEAR
    }

    pub(crate) fn assumptions(&self) -> Vec<Assumption> {
        let kept = Self::KNOWN.into_iter().find(|known| known.name == self.name).unwrap_or(*self);
        let a = Assumption::settable;
        vec![
            a(
                ("capacity_mah", "--capacity-mah"),
                "cell: capacity",
                (self.capacity_mah, kept.capacity_mah),
                "mAh",
                SHEETS,
            ),
            a(("cell_volts", "--cell-volts"), "cell: mean voltage", (self.volts, kept.volts), "V", SHEETS),
            a(
                ("self_discharge_percent", "--self-discharge-percent"),
                "cell: self-discharge a year, of the nominal capacity",
                (self.self_discharge_percent, kept.self_discharge_percent),
                "%",
                SHEETS,
            ),
            a(
                ("usable_percent", "--usable-percent"),
                "cell: share that comes out (cut-off, cold, a converter's loss)",
                (self.usable_percent, kept.usable_percent),
                "%",
                "our guess",
            ),
            a(
                ("pulse_ma", "--pulse-ma"),
                "cell: current in pulses",
                (self.pulse_ma, kept.pulse_ma),
                "mA",
                SHEETS,
            ),
            a(
                ("shelf_years", "--shelf-years"),
                "cell: years that makers vouch for",
                (self.shelf_years, kept.shelf_years),
                "years",
                SHEETS,
            ),
        ]
    }
}

impl FromStr for Cell {
    type Err = EnergyError;

    fn from_str(text: &str) -> Result<Self, EnergyError> {
        let name = text.to_ascii_lowercase();
        Self::KNOWN.into_iter().find(|cell| cell.name == name).ok_or_else(|| EnergyError::UnknownCell {
            name: text.to_owned(),
            known: Self::KNOWN.map(|cell| cell.name).join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coin_cell_holds_2430_joules_of_which_four_fifths_come_out() {
        assert_eq!(Cell::CR2032.energy_mj(), 2_430_000.0);
        assert_eq!(Cell::CR2032.usable_mj(), 1_944_000.0);
    }

    #[test]
    fn every_known_cell_passes_its_own_check_and_is_found_by_its_name() {
        for cell in Cell::KNOWN {
            assert_eq!(cell.check(), Ok(()), "{}", cell.name);
            assert_eq!(cell.name.to_ascii_uppercase().parse(), Ok(cell));
        }
    }
}
