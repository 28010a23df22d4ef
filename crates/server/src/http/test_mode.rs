//! `/v1/test/…`: what a merchant's tests need and live money never has. A test key only.

mod cards;
mod clock;

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::auth::Tester;
use super::problem::{Code, Problem, ProblemBody};
use crate::app::{CardUseError, FundError, IssueError};
use crate::test_mode::{AdvanceError, PressError, TestCardError};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(cards::create, cards::list))
        .routes(routes!(cards::read, cards::remove))
        .routes(routes!(cards::script))
        .routes(routes!(cards::press))
        .routes(routes!(cards::freeze))
        .routes(routes!(cards::unfreeze))
        .routes(routes!(clock::read))
        .routes(routes!(clock::advance))
        .routes(routes!(clear))
}

/// What was cleared away.
#[derive(Debug, Serialize, ToSchema)]
struct ClearedBody {
    /// Open orders that were taken back.
    orders_canceled: u32,
    /// Test cards that were deleted.
    cards_deleted: u32,
}

/// Take all your open test orders back and delete all your test cards. What has ended stays in the test books.
#[utoipa::path(
    delete, path = "/v1/test/data", operation_id = "delete_test_data", tag = "test mode",
    responses(
        (status = 200, description = "Nothing of yours is open any more", body = ClearedBody),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not a test key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
async fn clear(tester: Tester) -> Result<Json<ClearedBody>, Problem> {
    let (orders_canceled, cards_deleted) = tester.mode.clear(tester.merchant).await?;
    Ok(Json(ClearedBody { orders_canceled, cards_deleted }))
}

impl From<TestCardError> for Problem {
    fn from(error: TestCardError) -> Self {
        let detail = error.to_string();
        match error {
            TestCardError::TooMany(_) => Self::with(Code::TooManyTestCards, detail),
            TestCardError::NoSuchCard | TestCardError::Use(CardUseError::NoSuchCard) => {
                Self::new(Code::NoSuchTestCard)
            }
            TestCardError::IdempotencyConflict => Self::new(Code::IdempotencyConflict),
            TestCardError::Use(CardUseError::Card(_)) => Self::with(Code::CardStateDiffers, detail),
            TestCardError::Fund(FundError::Ledger(_)) => Self::with(Code::AmountTooLarge, detail),
            TestCardError::Store(error)
            | TestCardError::Use(CardUseError::Store(error))
            | TestCardError::Issue(IssueError::Store(error))
            | TestCardError::Fund(FundError::Store(error)) => error.into(),
            TestCardError::Issue(
                IssueError::ChannelTaken
                | IssueError::NoSuchCard
                | IssueError::VersionsUsedUp
                | IssueError::Key(_),
            )
            | TestCardError::Fund(FundError::NoSuchHolder | FundError::OtherTransfer) => {
                tracing::error!(error = detail, "a test card could not be made");
                Self::new(Code::Internal)
            }
        }
    }
}

impl From<PressError> for Problem {
    fn from(error: PressError) -> Self {
        match error {
            PressError::NoSuchCard => Self::new(Code::NoSuchTestCard),
            PressError::NothingWaits => Self::new(Code::NothingWaits),
            PressError::Store(error) => error.into(),
        }
    }
}

impl From<AdvanceError> for Problem {
    fn from(error: AdvanceError) -> Self {
        let detail = error.to_string();
        match error {
            AdvanceError::Step(_) => Self::with(Code::InvalidClockStep, detail),
            AdvanceError::TooFar(_) => Self::with(Code::ClockTooFarAhead, detail),
            AdvanceError::IdempotencyConflict => Self::new(Code::IdempotencyConflict),
            AdvanceError::Settle(error) => {
                tracing::error!(%error, "the test mode's days could not be closed");
                Self::new(Code::Internal)
            }
            AdvanceError::Store(error) => error.into(),
        }
    }
}
