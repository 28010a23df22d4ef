//! Why something in the test mode was not done.

use store::{StoreError, WriteError};

use crate::app::{CardUseError, FundError, IssueError, KeyConflict, SettleError};

/// Why a store is not opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TestModeError {
    /// It holds a platform's own data.
    #[error(
        "the database that is named for the test mode holds live data; give the test mode one of its own: test_mode.database"
    )]
    LiveData,
    /// It holds test data.
    #[error("this database holds the data of a test mode, and no live money can be kept in it; name another")]
    TestData,
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(super) fn flattened(error: WriteError<TestModeError>) -> TestModeError {
    match error {
        WriteError::Refused(refused) => refused,
        WriteError::Store(error) => error.into(),
    }
}

/// Why a software card was not made or changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TestCardError {
    /// As many as a merchant may have.
    #[error("you have {0} test cards, which is as many as there may be; delete some")]
    TooMany(u32),
    /// No such card, or another merchant's.
    #[error("there is no test card of yours with this id")]
    NoSuchCard,
    /// The idempotency key came with another body.
    #[error("this idempotency key came with another body before")]
    IdempotencyConflict,
    /// The card's life does not allow it.
    #[error(transparent)]
    Use(#[from] CardUseError),
    /// It could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// Its holder could not be given money.
    #[error(transparent)]
    Fund(#[from] FundError),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyConflict> for TestCardError {
    fn from(_: KeyConflict) -> Self {
        Self::IdempotencyConflict
    }
}

/// Why a press changed nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PressError {
    /// No such card, or another merchant's.
    #[error("there is no test card of yours with this id")]
    NoSuchCard,
    /// No order waits for it that it could still answer.
    #[error("no order waits for this card that it has not answered")]
    NothingWaits,
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the clock was not set ahead.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdvanceError {
    /// By nothing, or by too much at once.
    #[error("the test clock is set ahead by 1 to {0} seconds at once")]
    Step(u32),
    /// Too far from the machine's clock.
    #[error(
        "the test clock can be {0} seconds ahead at most; the platform's operator can begin its test mode anew"
    )]
    TooFar(u32),
    /// The idempotency key came with another body.
    #[error("this idempotency key came with another body before")]
    IdempotencyConflict,
    /// A day could not be closed.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyConflict> for AdvanceError {
    fn from(_: KeyConflict) -> Self {
        Self::IdempotencyConflict
    }
}
