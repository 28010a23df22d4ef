//! What a unit of work can see and change of reversals: loads that two persons gave back.
//!
//! For: keeping [`Reading`](crate::Reading) and [`Unit`](crate::Unit) readable; both include these.
//! Refuses: the rules (`payment::reversal`). What is guarded here holds when everything above fails: one reversal of a load
//! waits, one is posted for ever, nobody approves their own, what has ended never changes.
//! Next: [`crate::rows`] for the values.

use model::{Asn, Fen};
use payment::{LoadId, ReversalId};

use crate::StoreError;
use crate::rows::{StoredLoad, StoredReversal};

/// What can be read of reversals.
pub trait ReversalReading {
    /// A reversal.
    fn reversal(&self, id: ReversalId) -> Result<Option<StoredReversal>, StoreError>;
    /// Reversals, newest first, below a cursor: those that wait, or all.
    fn reversals_before(
        &self,
        waiting: bool,
        before: Option<ReversalId>,
        limit: u32,
    ) -> Result<Vec<StoredReversal>, StoreError>;
    /// The reversals of a load, newest first.
    fn reversals_of(&self, load: LoadId, limit: u32) -> Result<Vec<StoredReversal>, StoreError>;
    /// What came back of the value on a card; a load that it never took was not on it. More than a purse can say is the
    /// most that a purse can say.
    fn given_back_of(&self, asn: Asn) -> Result<Fen, StoreError>;
}

/// What can be changed of reversals.
pub trait ReversalUnit: ReversalReading {
    /// Adds a reversal of a load that is there: the only one of it that waits.
    fn add_reversal(&mut self, reversal: &StoredReversal) -> Result<(), StoreError>;
    /// Keeps the state of a reversal that waits. [`StoreError::Malformed`] with its table where it does not.
    fn put_reversal(&mut self, reversal: &StoredReversal) -> Result<(), StoreError>;
    /// Keeps time and note of a load that was credited, and that it is reversed. [`StoreError::Malformed`] with its
    /// table where it was not credited, or is reversed already.
    fn reverse_load(&mut self, load: &StoredLoad) -> Result<(), StoreError>;
}
