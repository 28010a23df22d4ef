//! What PostgreSQL's errors mean to the store.

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
            return Self::Lost(StoreError::Away(reason(error)));
        };
        let state = told.code();
        if *state == SqlState::T_R_SERIALIZATION_FAILURE || *state == SqlState::T_R_DEADLOCK_DETECTED {
            return Self::Again;
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
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
