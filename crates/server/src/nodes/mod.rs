//! Nodes that serve together on one database: any node serves any card.
//!
//! For: who is there ([`Nodes::beat`]), which of them reaches an address ([`Nodes::way`]), what one does for all
//! ([`Nodes::duty`]), and telling the others ([`Nodes::tell`]). All times are the database's clock's, so that no node's own decides
//! who is alive.
//! Refuses: guarding money. Whatever a node writes that was taken for dead is a unit of work like any other, which keeps every
//! rule; a duty's epoch keeps what is done by itself from being done by two.
//! Next: `claim` for names and leases, `clock` for clocks that are apart, `signal` for what is told, `roll` for the heartbeat.
//!
//! A platform on the file of its data folder has none of this: it is one process.

mod claim;
mod clock;
mod duty;
mod name;
mod role;
mod roll;
mod signal;

pub(crate) use claim::lives;
pub use claim::{Claim, Held, LEASE_MILLIS};
pub use clock::{APART_MAX, APART_WARNED, Apart, Verdict};
pub use duty::{Duty, Fence, Job};
pub use name::{NODE_NAME_MAX, NodeName, NodeNameError, untagged};
pub use role::{Role, Roles, RolesError};
pub use roll::{Beat, Nodes, Oneself, RETURN_MILLIS, Way};
pub use signal::Hint;
