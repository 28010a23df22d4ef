//! Measuring, as JSON for machines and lines for people.

mod air;
mod process;

pub(crate) use air::{AirArguments, air};
