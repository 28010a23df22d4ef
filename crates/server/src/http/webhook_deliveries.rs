//! `/v1/webhook_deliveries`: what was sent to an endpoint, each attempt, and sending it again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use store::{DeliverySummary, StoredAttempt};
use utoipa::{IntoParams, ToSchema};
use webhook::{DeliveryId, End, EndpointId};

use super::Api;
use super::auth::Caller;
use super::input::{Asked, Named};
use super::orders::idempotency_key;
use super::problem::{Code, Problem, ProblemBody};
use super::schema::{DeliveryIdSchema, EndpointIdSchema, MessageIdSchema, OrderIdSchema};
use super::webhook_endpoints::page_limit;
use crate::app::NO_BODY;

/// The most attempts that are shown of a delivery.
const ATTEMPTS_MAX: u32 = 100;

/// A message for one endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryBody {
    /// Its id.
    #[schema(value_type = DeliveryIdSchema)]
    id: String,
    /// The endpoint's id.
    #[schema(value_type = EndpointIdSchema)]
    endpoint: String,
    /// What your server knows the message by: `webhook-id`.
    #[schema(value_type = MessageIdSchema)]
    message: String,
    /// What it tells.
    kind: String,
    /// The order's id, where it is about one.
    #[schema(value_type = Option<OrderIdSchema>, required = true)]
    order: Option<String>,
    /// `pending`, `delivered`, `failed` or `canceled`.
    state: &'static str,
    /// Why it failed (`exhausted`, `redirected`) or was canceled (`disabled`, `deleted`).
    #[schema(required = true)]
    reason: Option<&'static str>,
    /// Attempts of all time.
    attempts: u32,
    /// When the next attempt is due, in Unix milliseconds.
    #[schema(required = true)]
    due: Option<i64>,
    /// Unix time in milliseconds.
    created_at: i64,
    /// Unix time in milliseconds.
    updated_at: i64,
}

impl DeliveryBody {
    /// As the body of an answer.
    pub(super) fn render(found: &DeliverySummary) -> String {
        serde_json::to_string(&Self::new(found)).unwrap_or_default()
    }

    pub(super) fn new(found: &DeliverySummary) -> Self {
        let delivery = &found.delivery;
        Self {
            id: delivery.id.to_string(),
            endpoint: delivery.endpoint.to_string(),
            message: delivery.message.to_string(),
            kind: found.kind.to_string(),
            order: found.order.map(|order| order.to_string()),
            state: delivery.state.name(),
            reason: delivery.state.reason(),
            attempts: delivery.attempts,
            due: delivery.state.due().map(|due| due.0),
            created_at: found.created_at.0,
            updated_at: delivery.updated_at.0,
        }
    }
}

/// An attempt to send a message.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AttemptBody {
    /// From 1.
    number: u32,
    /// When it began, in Unix milliseconds.
    at: i64,
    /// How long it took, in milliseconds.
    duration_ms: u64,
    /// The status of your server's answer.
    #[schema(required = true)]
    status: Option<u16>,
    /// Why there was no answer: `unreachable`, `timed_out`, `name_not_found`, `private_address`, `answer_too_long`, `tls`,
    /// `certificate_expired`, `certificate_other_name`, `certificate_untrusted` or `certificate_bad`.
    #[schema(required = true)]
    reason: Option<&'static str>,
    /// The first 1,024 bytes of your server's answer.
    excerpt: String,
}

impl AttemptBody {
    fn new(stored: &StoredAttempt) -> Self {
        let (status, reason) = match stored.attempt.end {
            End::Answered(status) => (Some(status.number()), None),
            End::NotAnswered(reason) => (None, Some(reason.code())),
        };
        Self {
            number: stored.number,
            at: stored.attempt.at.0,
            duration_ms: stored.attempt.duration_ms,
            status,
            reason,
            excerpt: stored.attempt.excerpt.as_str().to_owned(),
        }
    }
}

/// A delivery with its attempts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryDetail {
    /// The delivery.
    #[serde(flatten)]
    delivery: DeliveryBody,
    /// What is sent: exactly these bytes are signed.
    body: String,
    /// The newest first, at most 100.
    log: Vec<AttemptBody>,
}

/// Where a list begins and how long it is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveryQuery {
    /// 1 to 100; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Go on below this delivery: the `next` of the page before.
    #[param(value_type = Option<DeliveryIdSchema>)]
    before: Option<String>,
    /// `failed` shows only what was given up.
    #[param(pattern = "^failed$")]
    state: Option<String>,
}

/// A page of deliveries, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryPage {
    /// The deliveries.
    data: Vec<DeliveryBody>,
    /// Give it as `before` for the next page; null on the last.
    #[schema(value_type = Option<DeliveryIdSchema>, required = true)]
    next: Option<String>,
}

/// List what was sent to an endpoint, newest first.
#[utoipa::path(
    get, path = "/v1/webhook_endpoints/{id}/deliveries", operation_id = "list_webhook_deliveries", tag = "webhooks",
    params(("id" = EndpointIdSchema, Path, description = "The endpoint's id"), DeliveryQuery),
    responses(
        (status = 200, description = "A page of deliveries", body = DeliveryPage),
        (status = 400, description = "A query parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such endpoint of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an endpoint's or a delivery's id", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
    Asked(query): Asked<DeliveryQuery>,
) -> Result<Json<DeliveryPage>, Problem> {
    let limit = page_limit(query.limit)?;
    let failed = match query.state.as_deref() {
        None => false,
        Some("failed") => true,
        Some(_) => return Err(Problem::with(Code::InvalidQuery, "state is `failed` or not given")),
    };
    let id: EndpointId = id.parse()?;
    let before = query.before.map(|id| id.parse::<DeliveryId>()).transpose()?;
    let app = api.fleet.app();
    app.webhook_endpoint(Some(caller.merchant), id).await?;
    let read = app.store().read(move |rows| {
        if failed {
            rows.webhook_failed(id, before, limit + 1)
        } else {
            rows.webhook_deliveries(id, before, limit + 1)
        }
    });
    let mut found = read.await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > shown;
    found.truncate(shown);
    let next = found.last().filter(|_| more).map(|last| last.delivery.id.to_string());
    Ok(Json(DeliveryPage { data: found.iter().map(DeliveryBody::new).collect(), next }))
}

/// Read a delivery with what is sent and its attempts.
#[utoipa::path(
    get, path = "/v1/webhook_deliveries/{id}", operation_id = "read_webhook_delivery", tag = "webhooks",
    params(("id" = DeliveryIdSchema, Path, description = "The delivery's id")),
    responses(
        (status = 200, description = "The delivery", body = DeliveryDetail),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such delivery of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not a delivery's id", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn read(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
) -> Result<Json<DeliveryDetail>, Problem> {
    let id: DeliveryId = id.parse()?;
    let read = api.fleet.app().store().read(move |rows| {
        let Some(found) = rows.webhook_delivery(id)? else { return Ok(None) };
        let message = rows.webhook_message(found.delivery.message)?;
        let attempts = rows.webhook_attempts(id, ATTEMPTS_MAX)?;
        Ok(message
            .filter(|message| message.merchant == caller.merchant)
            .map(|message| (found, message, attempts)))
    });
    let (found, message, attempts) = read.await?.ok_or(Problem::new(Code::NoSuchDelivery))?;
    Ok(Json(DeliveryDetail {
        delivery: DeliveryBody::new(&found),
        body: message.body.as_str().to_owned(),
        log: attempts.iter().map(AttemptBody::new).collect(),
    }))
}

/// Have a delivery sent again, under the same id and with the same bytes.
#[utoipa::path(
    post, path = "/v1/webhook_deliveries/{id}/resend", operation_id = "resend_webhook_delivery", tag = "webhooks",
    params(("id" = DeliveryIdSchema, Path, description = "The delivery's id"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128, pattern = r"^[!-~]+$", description = "Makes a repeated request answer as the first did, for 24 hours: 1 to 128 visible ASCII characters")),
    responses(
        (status = 200, description = "It is on its way", body = DeliveryBody, headers(("Idempotency-Hit" = Option<String>, description = "`true` when this is the first answer again"))),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The API key may only read", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such delivery of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It is on its way already, was canceled, the endpoint is disabled, or the idempotency key conflicts", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not a delivery's id, or no idempotency key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again with the same idempotency key", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn resend(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let idempotency = idempotency_key(&headers, NO_BODY)?;
    let (app, id) = (api.fleet.app(), id.parse()?);
    let render = Arc::new(DeliveryBody::render);
    let answer = app.resend_webhook(caller.merchant, id, idempotency, render).await?;
    Ok(answer.with_status(StatusCode::OK))
}
