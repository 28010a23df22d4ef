//! Rows of leases.

use model::UnixMillis;

/// What one node does for all, until a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What for.
    pub name: String,
    /// The node's name, for people.
    pub node: String,
    /// 16 random bytes of the node's start.
    pub start: [u8; 16],
    /// Rises with every new holder.
    pub epoch: u64,
    /// Its end, unless it is renewed.
    pub until: UnixMillis,
}
