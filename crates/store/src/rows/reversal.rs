//! Rows of reversals.

use model::UnixMillis;
use payment::{Reversal, TransferId};

/// A reversal with what it led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReversal {
    /// The reversal.
    pub reversal: Reversal,
    /// The transfer that gave the money back, once it was approved.
    pub transfer: Option<TransferId>,
    /// When its state last changed.
    pub updated_at: UnixMillis,
}
