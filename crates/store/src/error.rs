//! Why something could not be kept or read.

use std::path::PathBuf;

/// Why the store did not do what it was asked. Nothing that it answers so was made durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The file is of a newer version of the program.
    #[error(
        "the database is of schema version {found}, newer than {known}, the last this program knows; use the newer program"
    )]
    NewerVersion {
        /// The file's.
        found: i64,
        /// This program's.
        known: i64,
    },
    /// Another process holds the database.
    #[error("the database is locked by another process; stop that process, then try again")]
    Locked,
    /// No room on the disk.
    #[error("the disk is full: free some space; nothing was lost, and the payment can be tried again")]
    Full,
    /// The file is not a database, or was damaged.
    #[error("the database file is damaged or not a database: {0}")]
    Damaged(String),
    /// The file cannot be opened.
    #[error("the database {path} cannot be opened: {reason}")]
    Unreachable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// More work waits than the queue holds.
    #[error("more than {limit} writes wait; try again")]
    QueueFull {
        /// The queue's length.
        limit: usize,
    },
    /// A unique rule of the schema was broken: somebody else was first.
    #[error("a rule of the schema was broken: {0}")]
    Constraint(String),
    /// A row says something that this program cannot read.
    #[error("a stored row is malformed: {0}")]
    Malformed(&'static str),
    /// The writer has stopped.
    #[error("the store is closed")]
    Closed,
    /// What was to run panicked: a mistake in the program, told on its standard error.
    #[error("the work stopped by a mistake in the program; nothing of it was kept")]
    Panicked,
    /// Anything else that the engine says.
    #[error("the database failed: {0}")]
    Engine(String),
}

impl StoreError {
    /// The stable code for metrics and logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NewerVersion { .. } => "database_newer",
            Self::Locked => "database_locked",
            Self::Full => "disk_full",
            Self::Damaged(_) => "database_damaged",
            Self::Unreachable { .. } => "database_unreachable",
            Self::QueueFull { .. } => "write_queue_full",
            Self::Constraint(_) => "constraint",
            Self::Malformed(_) => "row_malformed",
            Self::Closed => "store_closed",
            Self::Panicked => "work_panicked",
            Self::Engine(_) => "database_failed",
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as E;
        match error.sqlite_error_code() {
            Some(E::DatabaseBusy | E::DatabaseLocked) => Self::Locked,
            Some(E::DiskFull) => Self::Full,
            Some(E::DatabaseCorrupt | E::NotADatabase) => Self::Damaged(error.to_string()),
            Some(E::ConstraintViolation) => Self::Constraint(error.to_string()),
            _ => Self::Engine(error.to_string()),
        }
    }
}

/// Why a unit of work was not kept: its own reason, or the store's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError<E> {
    /// The unit of work refused.
    #[error(transparent)]
    Refused(E),
    /// The store could not.
    #[error(transparent)]
    Store(StoreError),
}
