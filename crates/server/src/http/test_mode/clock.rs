//! `/v1/test/clock`: the test clock, read and set ahead.

use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::auth::Tester;
use super::super::input::Body;
use super::super::orders::{idempotency_key, whole};
use super::super::problem::{Problem, ProblemBody};
use crate::app::Created;
use crate::test_mode::Advanced;

/// The test clock.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct ClockBody {
    /// What it says: Unix time in milliseconds.
    now: i64,
    /// How far it is ahead of the real one, in seconds. It never goes back.
    ahead_seconds: i64,
}

impl ClockBody {
    fn new(advanced: Advanced) -> Self {
        Self { now: advanced.now.0, ahead_seconds: advanced.ahead / 1_000 }
    }
}

/// How far to set the clock ahead.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct AdvanceRequest {
    /// 1 to 2,678,400: 31 days at once.
    #[schema(value_type = i32, minimum = 1, maximum = 2_678_400, example = 200)]
    seconds: serde_json::Number,
}

/// Read the test clock. All merchants' tests on a platform share it.
#[utoipa::path(
    get, path = "/v1/test/clock", operation_id = "read_test_clock", tag = "test mode",
    responses(
        (status = 200, description = "The clock", body = ClockBody),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not a test key", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(in super::super) async fn read(tester: Tester) -> Json<ClockBody> {
    Json(ClockBody::new(tester.mode.clock()))
}

/// Set the test clock ahead. What is due by then has happened when the answer comes: orders have lapsed, late answers have
/// arrived, days are closed.
#[utoipa::path(
    post, path = "/v1/test/clock/advance", operation_id = "advance_test_clock", tag = "test mode", request_body = AdvanceRequest,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128, pattern = r"^[!-~]+$", description = "Makes a repeated request answer as the first did, for 24 hours of the test clock: 1 to 128 visible ASCII characters")),
    responses(
        (status = 200, description = "The clock", body = ClockBody),
        (status = 400, description = "Not the JSON that this takes", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not a test key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "As far ahead as it may be, or the idempotency key conflicts", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "By nothing, or by too much at once", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again with the same idempotency key", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(in super::super) async fn advance(
    tester: Tester,
    headers: HeaderMap,
    body: Body<AdvanceRequest>,
) -> Result<Response, Problem> {
    let idempotency = idempotency_key(&headers, body.digest)?;
    let render =
        Arc::new(|advanced: Advanced| serde_json::to_string(&ClockBody::new(advanced)).unwrap_or_default());
    // What is no such number is refused as nothing is.
    let seconds = whole(&body.value.seconds).and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(0);
    let (body, repeated) = tester.mode.advance(tester.merchant, seconds, idempotency, render).await?;
    Ok(Created { body, repeated }.with_status(StatusCode::OK))
}
