//! Why something could not be kept or read.

use std::path::PathBuf;

use crate::postgres::layout::Fault;

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
    /// A node serves on a database that is of an earlier version of the program.
    #[error(
        "{node} serves on this database, which is of an earlier version: newer and older programs do not share one. Stop all nodes \
         first; one that was killed holds its lease for another ten seconds"
    )]
    Served {
        /// Its name.
        node: String,
    },
    /// Another process holds the database.
    #[error("the database is locked by another process; stop that process, then try again")]
    Locked,
    /// No room on the disk.
    #[error("the disk is full: free some space; nothing was lost, and the payment can be tried again")]
    Full,
    /// The disk takes or gives nothing for another reason: a quota, a limit of a file's size, a fault.
    #[error(
        "the disk failed: {0}; look at its health, at quotas and at the largest size that a file may have"
    )]
    Disk(String),
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
    /// Whoever answers cannot show that they are the database server.
    #[error(
        "the database's server is not believed: {0}; look at its certificate, its name and [database] authorities"
    )]
    Untrusted(String),
    /// Other nodes changed the same rows, again and again.
    #[error("others changed the same at the same time, too often in a row; try again")]
    Contended,
    /// What was given as a database cannot be one.
    #[error("{0}; give --database postgres://USER:PASSWORD@HOST/NAME")]
    Settings(String),
    /// A copy into the database was begun and has not ended: what is there is not the whole.
    #[error(
        "a copy into this database was begun and has not ended: run `counterfoil store copy` again, or use another database"
    )]
    UnfinishedCopy,
    /// The file was copied to a server, where its platform goes on.
    #[error(
        "this file was moved to a database server, and what is paid is paid there: serve with [database] url. (Had the move \
         not ended, run `counterfoil store copy` again; a way back is docs/guides/operate.md, \"Moving to a server\")"
    )]
    Moved,
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
            Self::Served { .. } => "database_served",
            Self::Locked => "database_locked",
            Self::Full => "disk_full",
            Self::Disk(_) => "disk_failed",
            Self::Damaged(_) => "database_damaged",
            Self::Unreachable { .. } => "database_unreachable",
            Self::QueueFull { .. } => "write_queue_full",
            Self::Away(_) => "database_away",
            Self::Unresolved => "database_unresolved",
            Self::ReadOnly => "database_read_only",
            Self::TooManyConnections => "database_connections",
            Self::NotLetIn(_) => "database_not_let_in",
            Self::Untrusted(_) => "database_not_trusted",
            Self::Contended => "database_contended",
            Self::Settings(_) => "database_settings",
            Self::UnfinishedCopy => "database_unfinished",
            Self::Moved => "database_moved",
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
            Some(E::SystemIoFailure) => Self::Disk(error.to_string()),
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

/// One of the two databases of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The file.
    Source,
    /// The server's.
    Target,
}

impl core::fmt::Display for Side {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Source => "file",
            Self::Target => "server's database",
        })
    }
}

/// Why a database was not moved. Nothing of it was kept at the server, but perhaps what is [`MoveError::Unresolved`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// One of the two could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file is of an earlier version of the program.
    #[error(
        "the file is of schema version {found}, older than {known}, this program's: run `counterfoil store migrate` on it first"
    )]
    Older {
        /// The file's.
        found: i64,
        /// This program's.
        known: i64,
    },
    /// The target has been used.
    #[error(
        "the server's database has rows in {0}: a copy goes into an empty database, and replaces nothing; give another"
    )]
    NotEmpty(String),
    /// A node serves on the target.
    #[error("{0} serves on the server's database: stop it, and wait ten seconds if it was killed")]
    Served(String),
    /// Another copy into the same target.
    #[error("another copy into this database is under way: wait for its end")]
    UnderWay,
    /// A table without a counterpart.
    #[error(
        "the table {0} has no counterpart at the other side: the two are not of one program; nothing was copied"
    )]
    UnknownTable(String),
    /// A column without a counterpart, or of another type.
    #[error("the column {table}.{column} has no counterpart at the other side; nothing was copied")]
    UnknownColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A row that the server does not take.
    #[error("the server does not take a row of {table}, about the {row}th: {reason}; nothing was kept")]
    Row {
        /// The table.
        table: String,
        /// Which, counted from 1; the server may say so a little later.
        row: u64,
        /// What it says.
        reason: String,
    },
    /// Not as many rows as there were.
    #[error("{table} has {file} rows in the file and {server} at the server; nothing was kept")]
    CountDiffers {
        /// The table.
        table: String,
        /// Rows in the file.
        file: u64,
        /// Rows at the server.
        server: u64,
    },
    /// As many rows, and not the same.
    #[error("the rows of {0} are not at the server what they are in the file; nothing was kept")]
    RowsDiffer(String),
    /// Books that are not sound.
    #[error(
        "the books of the {side} are not sound: {fault}; nothing was kept. `counterfoil ledger check` and `counterfoil audit verify` say more"
    )]
    NotSound {
        /// Whose.
        side: Side,
        /// What is wrong.
        fault: String,
    },
    /// Sound books, and not the same.
    #[error("the books of the file and of the server's database are not the same; nothing was kept")]
    BooksDiffer,
    /// Somebody asked to stop.
    #[error(
        "stopped; nothing was kept. The server's database is refused by `serve` until a copy into it has ended"
    )]
    Stopped,
    /// The answer to the last commit was lost.
    #[error(
        "whether the server kept the copy is not known: the connection was lost in that moment. Run the same command again: it copies, \
         or says that the database is not empty, which then is the whole"
    )]
    Unresolved,
}

impl MoveError {
    /// The stable code for scripts and logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Older { .. } => "source_older",
            Self::NotEmpty(_) => "target_not_empty",
            Self::Served(_) => "target_served",
            Self::UnderWay => "copy_under_way",
            Self::UnknownTable(_) => "unknown_table",
            Self::UnknownColumn { .. } => "unknown_column",
            Self::Row { .. } => "row_not_taken",
            Self::CountDiffers { .. } => "count_differs",
            Self::RowsDiffer(_) => "rows_differ",
            Self::NotSound { .. } => "not_sound",
            Self::BooksDiffer => "books_differ",
            Self::Stopped => "stopped",
            Self::Unresolved => "copy_unresolved",
        }
    }
}

/// Why a database was not laid out in parts. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The database could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A node serves on it.
    #[error("{0} serves on this database: stop it, and wait ten seconds if it was killed")]
    Served(String),
    /// A table has rows.
    #[error(
        "the table {0} has rows: tables are laid out while they are empty. Lay out a new database; \
         `counterfoil store copy` brings a file's rows into it"
    )]
    NotEmpty(String),
    /// The schema is not what the keys say.
    #[error(
        "{0}: the database and this program are not of one version, or somebody changed the schema by hand"
    )]
    Contradicted(Fault),
}

impl LayoutError {
    /// The stable code for scripts and logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Served(_) => "layout_served",
            Self::NotEmpty(_) => "layout_not_empty",
            Self::Contradicted(_) => "layout_contradicted",
        }
    }
}
