//! The nodes that share a database, and what one of them does for all.
//!
//! For: keeping [`Reading`](crate::Reading) and [`Unit`](crate::Unit) readable; both include these.
//! Refuses: deciding who may have a name or a lease (`server::nodes`). Of two who decide at once, the database lets one be first.

use model::UnixMillis;
use payment::OrderId;

use crate::StoreError;
use crate::rows::{Lease, StoredNode};

/// What can be read of nodes and leases.
pub trait LeaseReading {
    /// What the database's clock says, now and not when the unit of work began.
    fn database_clock(&self) -> Result<UnixMillis, StoreError>;
    /// A lease.
    fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError>;
    /// All leases, by name.
    fn leases(&self) -> Result<Vec<Lease>, StoreError>;
    /// A node.
    fn node(&self, name: &str) -> Result<Option<StoredNode>, StoreError>;
    /// All nodes that are remembered, by name.
    fn nodes(&self) -> Result<Vec<StoredNode>, StoreError>;
    /// The number of the newest event of any order; 0 where there is none.
    fn newest_event(&self) -> Result<i64, StoreError>;
    /// The orders of the events behind a number, oldest first, with the events' numbers.
    fn orders_changed_after(&self, seq: i64, limit: u32) -> Result<Vec<(i64, OrderId)>, StoreError>;
}

/// What can be changed of nodes and leases.
pub trait LeaseUnit: LeaseReading {
    /// Keeps a lease, in place of what its name stood for before.
    fn put_lease(&mut self, lease: &Lease) -> Result<(), StoreError>;
    /// Keeps a node, in place of what its name stood for before.
    fn put_node(&mut self, node: &StoredNode) -> Result<(), StoreError>;
    /// Forgets nodes whose lease ended before a moment; how many.
    fn forget_nodes(&mut self, before: UnixMillis) -> Result<u32, StoreError>;
}
