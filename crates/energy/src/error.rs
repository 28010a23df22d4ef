//! What a plan is refused for.

use thiserror::Error;

use crate::lorawan::{DataRate, Region};

/// Why there is no outlook. The sentence names the figure and what it may be.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EnergyError {
    /// Not a bearer that can be planned for.
    #[error("there is no bearer {name:?}: lorawan, nb-iot or sigfox")]
    UnknownBearer {
        /// What was given.
        name: String,
    },
    /// Not a region with its data rates in this crate.
    #[error("there is no region {name:?} here: EU868, US915, CN470, AS923 or AS923-dwell")]
    UnknownRegion {
        /// What was given.
        name: String,
    },
    /// A data rate that the region does not have for uplinks.
    #[error("{region} has no data rate {name:?} for uplinks: DR0 to DR{last}")]
    UnknownDataRate {
        /// The region.
        region: Region,
        /// What was given.
        name: String,
        /// The last that the region has.
        last: u8,
    },
    /// Not a cell whose figures are kept here.
    #[error("there is no cell {name:?} here: {known}; or take the nearest and give its figures")]
    UnknownCell {
        /// What was given.
        name: String,
        /// Those that are known.
        known: String,
    },
    /// Not an idle mode of NB-IoT.
    #[error("there is no idle mode {name:?}: psm or edrx")]
    UnknownIdle {
        /// What was given.
        name: String,
    },
    /// Not a form of the hello.
    #[error("there is no hello {name:?}: brief or full")]
    UnknownHello {
        /// What was given.
        name: String,
    },
    /// An eDRX cycle that NB-IoT does not have.
    #[error("eDRX has no cycle of {seconds} s: 20.48 s doubled up to nine times, to 10485.76 s")]
    UnknownEdrxCycle {
        /// What was given.
        seconds: f64,
    },
    /// Not a number, or endless.
    #[error("{figure} is not a number")]
    NotANumber {
        /// Which figure.
        figure: &'static str,
    },
    /// A figure outside of what a card can have.
    #[error("{figure} {value} is not between {least} and {most}{space}{unit}", space = if unit.is_empty() { "" } else { " " })]
    OutOfBounds {
        /// Which figure.
        figure: &'static str,
        /// What was given.
        value: f64,
        /// The least it may be.
        least: f64,
        /// The most it may be.
        most: f64,
        /// In which unit.
        unit: &'static str,
    },
    /// A frame that this data rate does not carry.
    #[error("the {frame} of {bytes} bytes does not fit {region} {data_rate}: its limit is {limit} bytes")]
    FrameTooLong {
        /// Which frame.
        frame: &'static str,
        /// Its length.
        bytes: u16,
        /// The region.
        region: Region,
        /// The data rate.
        data_rate: DataRate,
        /// What that data rate carries.
        limit: u16,
    },
    /// A payment over Sigfox.
    #[error(
        "a payment does not go over Sigfox: its transaction is {bytes} bytes and a downlink carries {limit}, four a day; plan it with 0 payments a day, for status only"
    )]
    NoPaymentsOverSigfox {
        /// Length of a transaction.
        bytes: u16,
        /// What a Sigfox downlink carries.
        limit: u16,
    },
    /// A plot of payments on a bearer without payments.
    #[error("there is nothing to plot: over Sigfox no payment goes")]
    NothingToPlot,
    /// The plot could not be drawn.
    #[error("the plot could not be drawn: {reason}")]
    Plot {
        /// What the drawing said.
        reason: String,
    },
}

impl EnergyError {
    /// A stable name for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownBearer { .. } => "unknown_bearer",
            Self::UnknownRegion { .. } => "unknown_region",
            Self::UnknownDataRate { .. } => "unknown_data_rate",
            Self::UnknownCell { .. } => "unknown_cell",
            Self::UnknownIdle { .. } => "unknown_idle",
            Self::UnknownHello { .. } => "unknown_hello",
            Self::UnknownEdrxCycle { .. } => "unknown_edrx_cycle",
            Self::NotANumber { .. } => "not_a_number",
            Self::OutOfBounds { .. } => "out_of_bounds",
            Self::FrameTooLong { .. } => "frame_too_long",
            Self::NoPaymentsOverSigfox { .. } => "no_payments_over_sigfox",
            Self::NothingToPlot => "nothing_to_plot",
            Self::Plot { .. } => "plot",
        }
    }
}
