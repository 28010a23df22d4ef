//! What one node does for all that share a database.
//!
//! For: keeping [`Reading`](crate::Reading) and [`Unit`](crate::Unit) readable; both include these.
//! Refuses: deciding who may have a lease (`server::lease`). Of two who decide at once, the database lets one be first.

use crate::StoreError;
use crate::rows::Lease;

/// What can be read of leases.
pub trait LeaseReading {
    /// A lease.
    fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError>;
}

/// What can be changed of leases.
pub trait LeaseUnit: LeaseReading {
    /// Keeps a lease, in place of what its name stood for before.
    fn put_lease(&mut self, lease: &Lease) -> Result<(), StoreError>;
}
