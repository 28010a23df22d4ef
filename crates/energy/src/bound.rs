//! The bounds that every figure from outside has.

use crate::error::EnergyError;

/// One figure's bounds, both ends allowed.
pub(crate) struct Bound {
    pub(crate) figure: &'static str,
    pub(crate) least: f64,
    pub(crate) most: f64,
    pub(crate) unit: &'static str,
}

impl Bound {
    pub(crate) const fn new(figure: &'static str, least: f64, most: f64, unit: &'static str) -> Self {
        Self { figure, least, most, unit }
    }

    /// The figure again, when it is a number within its bounds.
    pub(crate) fn check(&self, value: f64) -> Result<(), EnergyError> {
        if !value.is_finite() {
            return Err(EnergyError::NotANumber { figure: self.figure });
        }
        if value < self.least || value > self.most {
            return Err(EnergyError::OutOfBounds {
                figure: self.figure,
                value,
                least: self.least,
                most: self.most,
                unit: self.unit,
            });
        }
        Ok(())
    }
}
