//! Rows of nodes and leases.

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

/// A node on a shared database. Its times are the database's clock's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNode {
    /// Its name.
    pub name: String,
    /// 16 random bytes of its start.
    pub start: [u8; 16],
    /// Rises each time that the name is entered.
    pub epoch: u64,
    /// Its roles, separated by commas.
    pub roles: String,
    /// What others may reach it by: for people.
    pub addresses: String,
    /// The bearers that it carries for: `name=room`, separated by spaces.
    pub carries: String,
    /// The program's version.
    pub version: String,
    /// When it entered.
    pub entered_at: UnixMillis,
    /// When it was heard last.
    pub heard_at: UnixMillis,
    /// It lives until then, unless it is heard again.
    pub until: UnixMillis,
    /// Its clock less the database's, in milliseconds.
    pub clock_apart: i64,
}
