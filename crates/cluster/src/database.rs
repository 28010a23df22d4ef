//! One database of a cluster.

use crate::cluster::Cluster;

/// A database; it stays until its cluster ends.
pub struct Database {
    /// How it is reached.
    pub url: String,
    /// Its name.
    pub name: String,
}

impl Database {
    pub(crate) fn of(cluster: &Cluster, name: String) -> Self {
        Self { url: cluster.url(&name), name }
    }
}
