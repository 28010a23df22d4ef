//! PostgreSQL clusters of one's own: real servers from Debian's package, for tests and benches.
//!
//! For: a database for each story, and clusters that are killed, stopped, frozen, started and promoted. A cluster ends with the process
//! that started it, however that ends: a shell waits for the end of a pipe.
//! Refuses: being used for anything that must last. Its folder is removed with it, or by the next one that starts.
//! Next: [`Cluster`] for a server, [`Database`] for one of its databases.

mod cluster;
mod database;
mod frozen;
mod onlooker;
mod program;

pub use cluster::{Cluster, ClusterError, Durability};
pub use database::Database;
pub use frozen::Frozen;
pub use onlooker::Onlooker;
