//! What PostgreSQL's errors mean to the store.

use std::error::Error;
use std::io::ErrorKind;

use deadpool_postgres::{HookError, PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

use crate::error::StoreError;

/// What can be done about an error in the middle of a unit of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Another node changed the same rows at the same time: run it again.
    Again,
    /// The connection is gone, and with it all that was not committed.
    Lost(StoreError),
    /// It will not be otherwise next time.
    Final(StoreError),
}

impl Trouble {
    pub(super) fn of(error: &tokio_postgres::Error) -> Self {
        let Some(told) = error.as_db_error() else {
            return Self::on_the_way(error);
        };
        let state = told.code();
        let again = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            // Another holds a row for longer than `lock_timeout`.
            SqlState::LOCK_NOT_AVAILABLE,
        ];
        if again.contains(state) {
            return Self::Again;
        }
        if *state == SqlState::INSUFFICIENT_PRIVILEGE {
            return Self::Final(StoreError::NotLetIn(told.message().to_owned()));
        }
        if *state == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT {
            return Self::Lost(StoreError::Away(told.message().to_owned()));
        }
        if *state == SqlState::DISK_FULL {
            return Self::Final(StoreError::Full);
        }
        if *state == SqlState::TOO_MANY_CONNECTIONS {
            return Self::Lost(StoreError::TooManyConnections);
        }
        if *state == SqlState::READ_ONLY_SQL_TRANSACTION {
            // A standby that was asked instead of its primary, perhaps for the moment.
            return Self::Lost(StoreError::ReadOnly);
        }
        match state.code().get(..2).unwrap_or_default() {
            "23" => Self::Final(StoreError::Constraint(told.message().to_owned())),
            "28" | "3D" => Self::Lost(StoreError::NotLetIn(told.message().to_owned())),
            // Connections that broke, and servers that stop, start or recover.
            "08" | "57" => Self::Lost(StoreError::Away(told.message().to_owned())),
            "XX" => Self::Final(StoreError::Damaged(told.message().to_owned())),
            _ => Self::Final(StoreError::Engine(format!("{} ({})", told.message(), state.code()))),
        }
    }

    /// What the server did not say itself. The library tells its kinds apart by their words alone; the stories of
    /// `tests/postgres` hold it to them.
    fn on_the_way(error: &tokio_postgres::Error) -> Self {
        let io = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
        match error.to_string().as_str() {
            "error connecting to server" if io.is_some_and(|io| io.kind() == ErrorKind::PermissionDenied) => {
                Self::Lost(StoreError::ReadOnly)
            }
            // A handshake that broke off is no refusal.
            "error performing TLS handshake"
                if io.is_none_or(|io| matches!(io.kind(), ErrorKind::InvalidData | ErrorKind::Other)) =>
            {
                Self::Lost(StoreError::Untrusted(reason(error)))
            }
            // No password where one is asked for, or a way to ask that the library does not know.
            "invalid configuration" | "authentication error" => {
                Self::Lost(StoreError::NotLetIn(reason(error)))
            }
            text if text.starts_with("error serializing parameter") => {
                Self::Final(StoreError::Engine(reason(error)))
            }
            _ => Self::Lost(StoreError::Away(reason(error))),
        }
    }

    /// Nobody has answered for so long that nobody will.
    pub(super) fn silence() -> Self {
        Self::Lost(StoreError::Away("it does not answer".into()))
    }

    /// What is answered when nothing more is tried.
    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::Again => StoreError::Contended,
            Self::Lost(error) | Self::Final(error) => error,
        }
    }
}

/// An error with what caused it: the outermost alone says "error connecting to server".
fn reason(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Why there is no connection.
pub(super) fn unconnected(error: &PoolError) -> Trouble {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            Trouble::of(error)
        }
        PoolError::Timeout(TimeoutType::Wait) => {
            Trouble::Lost(StoreError::Away("too many read at once, or it does not answer".into()))
        }
        PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => Trouble::silence(),
        PoolError::Closed
        | PoolError::NoRuntimeSpecified
        | PoolError::PostCreateHook(HookError::Message(_)) => {
            Trouble::Lost(StoreError::Away(error.to_string().trim_end().to_owned()))
        }
    }
}
