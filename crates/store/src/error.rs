//! Why something could not be kept or read.

use std::path::PathBuf;

/// Why the store did not do what it was asked. Nothing that it answers so was made durable, but perhaps what is
/// [`StoreError::Unresolved`].
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
    /// The database server cannot be reached, or went away.
    #[error("the database cannot be reached: {0}; nothing was lost, and the payment can be tried again")]
    Away(String),
    /// The connection went away while a commit was under way, and did not come back in time to ask what became of it.
    #[error(
        "whether it was kept is not known yet: the database went away in that moment; ask again with the same key"
    )]
    Unresolved,
    /// The database server takes no changes: a standby, or its primary was set so.
    #[error("the database takes no changes at the moment: it is a standby or was set read-only")]
    ReadOnly,
    /// The database server has no connection left.
    #[error("the database has no connection left: raise its max_connections, or run fewer nodes")]
    TooManyConnections,
    /// The database server knows no such user, password or database.
    #[error("the database does not let us in: {0}; look at user, password and name in --database")]
    NotLetIn(String),
    /// Other nodes changed the same rows, again and again.
    #[error("others changed the same at the same time, too often in a row; try again")]
    Contended,
    /// What was given as a database cannot be one.
    #[error("{0}; give --database postgres://USER:PASSWORD@HOST/NAME")]
    Settings(String),
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
    /// Whether a database server's absence is all that is wrong: it may pass by itself.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Away(_) | Self::ReadOnly | Self::TooManyConnections)
    }

    /// The stable code for metrics and logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NewerVersion { .. } => "database_newer",
            Self::Locked => "database_locked",
            Self::Full => "disk_full",
            Self::Damaged(_) => "database_damaged",
            Self::Unreachable { .. } => "database_unreachable",
            Self::QueueFull { .. } => "write_queue_full",
            Self::Away(_) => "database_away",
            Self::Unresolved => "database_unresolved",
            Self::ReadOnly => "database_read_only",
            Self::TooManyConnections => "database_connections",
            Self::NotLetIn(_) => "database_not_let_in",
            Self::Contended => "database_contended",
            Self::Settings(_) => "database_settings",
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
