//! `/v1/webhook_endpoints`: where a merchant's server is told, its secrets, a test, and what failed sent again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use store::{StoredEndpoint, StoredSecret};
use utoipa::{IntoParams, ToSchema};
use webhook::{EndpointId, EndpointState, EndpointUrl, IdError, ResendRefused, UrlError, Wanted};

use super::Api;
use super::auth::Caller;
use super::input::{Asked, Body, Named};
use super::orders::{PAGE_DEFAULT, PAGE_MAX, idempotency_key, whole, without_control};
use super::problem::{Code, Problem, ProblemBody};
use super::schema::{EndpointIdSchema, WebhookKindSchema};
use super::webhook_deliveries::DeliveryBody;
use crate::app::{Created, EndpointChange, NO_BODY, NewEndpoint, ShownSecret, WEBHOOK_KINDS, WebhookError};

const DESCRIPTION_CHARS_MAX: usize = 128;
/// How long the secret before signs as well, in seconds: a day if nothing is said, a week at most.
const OVERLAP_SECONDS_DEFAULT: u32 = 86_400;
const OVERLAP_SECONDS_MAX: u32 = 604_800;
/// The last moment of the year 9999, in Unix milliseconds.
const SINCE_MAX: i64 = 253_402_300_799_999;

/// What a merchant sends to be told.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WebhookEndpointRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointRequest {
    /// Where your server listens: `https://` and a public address.
    #[schema(max_length = 2048, pattern = "^https?://", example = "https://shop.example/hooks")]
    url: String,
    /// What you want to be told of, as `order.paid`; all by `["*"]`, which it is if not given.
    #[serde(default)]
    #[schema(value_type = Option<Vec<WebhookKindSchema>>, min_items = 1, max_items = 64, example = json!(["order.paid", "order.refunded"]))]
    kinds: Option<Vec<String>>,
    /// Your own words; at most 128 characters.
    #[serde(default)]
    #[schema(max_length = 128, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    description: Option<String>,
}

/// What a merchant changes of an endpoint. What is not given stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WebhookEndpointChange)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointChangeRequest {
    /// Where your server listens.
    #[serde(default)]
    #[schema(max_length = 2048, pattern = "^https?://")]
    url: Option<String>,
    /// What you want to be told of.
    #[serde(default)]
    #[schema(value_type = Option<Vec<WebhookKindSchema>>, min_items = 1, max_items = 64)]
    kinds: Option<Vec<String>>,
    /// Your own words.
    #[serde(default)]
    #[schema(max_length = 128, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    description: Option<String>,
    /// `false` stops everything, and cancels what waits; `true` starts anew.
    #[serde(default)]
    enabled: Option<bool>,
}

/// What a merchant sends for a new secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateRequest {
    /// How long the secret before signs as well: 0 to 604,800 seconds; 86,400 if not given.
    #[serde(default)]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 604800)]
    overlap_seconds: Option<serde_json::Number>,
}

/// What a merchant sends to have what failed sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResendRequest {
    /// Messages made from this moment on, in Unix milliseconds.
    #[schema(value_type = i64, minimum = 0, maximum = 253_402_300_799_999_u64, example = 1795199488000_i64)]
    since: serde_json::Number,
}

/// How many are sent again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResentBody {
    /// So many.
    resent: u32,
    /// Whether more failed than one request sends again: ask again.
    more: bool,
}

/// A secret of an endpoint, without itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SecretBody {
    /// Rises with each new one.
    number: u32,
    /// Until when it signs, in Unix milliseconds; null for the current one.
    #[schema(required = true)]
    until: Option<i64>,
}

/// Where a merchant's server is told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub(super) struct EndpointBody {
    /// Its id.
    #[schema(value_type = EndpointIdSchema)]
    id: String,
    /// Where your server listens.
    #[schema(pattern = "^https?://")]
    url: String,
    /// What you want to be told of.
    #[schema(value_type = Vec<WebhookKindSchema>)]
    kinds: Vec<String>,
    /// Your own words.
    description: String,
    /// `enabled` or `disabled`.
    state: &'static str,
    /// Who or what disabled it: `merchant`, `gone` (it answered 410) or `failing` (for five days).
    #[schema(required = true)]
    disabled_by: Option<&'static str>,
    /// Since when no attempt has succeeded, in Unix milliseconds.
    #[schema(required = true)]
    failing_since: Option<i64>,
    /// The secret that was just made: it is shown in this answer only. Null in every other.
    #[schema(
        pattern = "^whsec_[A-Za-z0-9+/]+={0,2}$",
        example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
        required = true
    )]
    secret: Option<String>,
    /// The secrets that sign, the current one first.
    secrets: Vec<SecretBody>,
    /// Unix time in milliseconds.
    created_at: i64,
    /// Unix time in milliseconds.
    updated_at: i64,
}

impl EndpointBody {
    fn new(endpoint: &StoredEndpoint, secrets: &[StoredSecret], now: i64) -> Self {
        let (disabled_by, failing_since) = match endpoint.state {
            EndpointState::Enabled { failing_since } => (None, failing_since.map(|at| at.0)),
            EndpointState::Disabled { by, .. } => (Some(by.code()), None),
        };
        let good = secrets.iter().filter(|secret| secret.until.is_none_or(|until| until.0 > now));
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url.as_str().to_owned(),
            kinds: endpoint.wanted.texts().map(str::to_owned).collect(),
            description: endpoint.description.clone(),
            state: endpoint.state.name(),
            disabled_by,
            failing_since,
            secret: None,
            secrets: good
                .map(|it| SecretBody { number: it.number, until: it.until.map(|until| until.0) })
                .collect(),
            created_at: endpoint.created_at.0,
            updated_at: endpoint.updated_at.0,
        }
    }

    /// With the secret that is shown now.
    fn shown(shown: &ShownSecret, now: i64) -> Response {
        let mut body = Self::new(&shown.endpoint, &shown.secrets, now);
        body.secret = shown.secret.as_ref().map(|secret| secret.reveal().to_string());
        let mut response = (StatusCode::CREATED, Json(body)).into_response();
        if shown.repeated {
            response.headers_mut().insert("idempotency-hit", HeaderValue::from_static("true"));
        }
        // No cache on the way keeps a secret.
        response.headers_mut().insert("cache-control", HeaderValue::from_static("no-store"));
        response
    }
}

fn url(api: &Api, text: &str) -> Result<EndpointUrl, Problem> {
    EndpointUrl::parse(text, api.fleet.app().rules().webhook_mode).map_err(|error| match error {
        UrlError::Address(refused) => Problem::with(Code::WebhookAddressRefused, refused.to_string()),
        UrlError::TooLong
        | UrlError::Malformed
        | UrlError::NotHttps
        | UrlError::NoHost
        | UrlError::Credentials
        | UrlError::Fragment => Problem::with(Code::InvalidWebhookUrl, error.to_string()),
    })
}

fn wanted(kinds: &[String]) -> Result<Wanted, Problem> {
    let known = |kind: &webhook::EventKind| WEBHOOK_KINDS.contains(&kind.as_str());
    Wanted::parse(kinds.iter().map(String::as_str), known)
        .map_err(|error| Problem::with(Code::InvalidWebhookKinds, error.to_string()))
}

fn description(text: String) -> Result<String, Problem> {
    let fits = without_control(&text, 0..=DESCRIPTION_CHARS_MAX);
    if fits { Ok(text) } else { Err(Problem::new(Code::InvalidWebhookDescription)) }
}

impl From<IdError> for Problem {
    fn from(error: IdError) -> Self {
        Self::new(match error {
            IdError::Endpoint => Code::InvalidWebhookEndpointId,
            IdError::Delivery => Code::InvalidDeliveryId,
        })
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NoSuchEndpoint => Self::new(Code::NoSuchWebhookEndpoint),
            WebhookError::NoSuchDelivery => Self::new(Code::NoSuchDelivery),
            WebhookError::TooManyEndpoints => Self::new(Code::TooManyWebhookEndpoints),
            WebhookError::Disabled => Self::new(Code::WebhookEndpointDisabled),
            WebhookError::Secret(webhook::SecretError::TooMany) => Self::new(Code::TooManyWebhookSecrets),
            WebhookError::Secret(error) => {
                tracing::error!(%error, "a webhook secret could not be made");
                Self::new(Code::Internal)
            }
            WebhookError::Resend(ResendRefused::Pending) => Self::new(Code::DeliveryPending),
            WebhookError::Resend(ResendRefused::Canceled) => Self::new(Code::DeliveryCanceled),
            WebhookError::IdempotencyConflict => Self::new(Code::IdempotencyConflict),
            WebhookError::Sealed(refused) => {
                tracing::error!(error = %refused, code = refused.code(), "a webhook secret is not sealed or opened here");
                Self::new(Code::SecretsUnavailable)
            }
            WebhookError::Store(error) => error.into(),
        }
    }
}

/// Be told. The answer holds the secret that verifies what you are sent: keep it, it is not shown again.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints", operation_id = "create_webhook_endpoint", tag = "webhooks", request_body = EndpointRequest,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128, pattern = r"^[!-~]+$", description = "Makes a repeated request answer as the first did, for 24 hours: 1 to 128 visible ASCII characters")),
    responses(
        (status = 201, description = "You are told from now on", body = EndpointBody),
        (status = 400, description = "Not the JSON that this takes", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The API key may only read", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "You have 16 already, or the idempotency key conflicts", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is out of its range, or nothing is sent to this URL", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again with the same idempotency key", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    body: Body<EndpointRequest>,
) -> Result<Response, Problem> {
    let idempotency = idempotency_key(&headers, body.digest)?;
    let EndpointRequest { url: given, kinds, description: text } = body.value;
    let new = NewEndpoint {
        merchant: caller.merchant,
        url: url(&api, &given)?,
        wanted: kinds.as_deref().map_or(Ok(Wanted::All), wanted)?,
        description: description(text.unwrap_or_default())?,
    };
    let app = api.fleet.app();
    let shown = app.create_webhook_endpoint(new, idempotency).await?;
    Ok(EndpointBody::shown(&shown, app.now().0))
}

/// Where a list begins and how long it is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EndpointQuery {
    /// 1 to 100; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Go on below this endpoint: the `next` of the page before.
    #[param(value_type = Option<EndpointIdSchema>)]
    before: Option<String>,
}

/// A page of endpoints, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpointPage)]
pub(super) struct EndpointPage {
    /// The endpoints.
    data: Vec<EndpointBody>,
    /// Give it as `before` for the next page; null on the last.
    #[schema(value_type = Option<EndpointIdSchema>, required = true)]
    next: Option<String>,
}

/// How long a page is.
pub(super) fn page_limit(limit: Option<u32>) -> Result<u32, Problem> {
    let limit = limit.unwrap_or(PAGE_DEFAULT);
    if (1..=PAGE_MAX).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::with(Code::InvalidQuery, format!("limit is 1 to {PAGE_MAX}")))
    }
}

/// List your endpoints, newest first.
#[utoipa::path(
    get, path = "/v1/webhook_endpoints", operation_id = "list_webhook_endpoints", tag = "webhooks", params(EndpointQuery),
    responses(
        (status = 200, description = "A page of endpoints", body = EndpointPage),
        (status = 400, description = "A query parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an endpoint's id", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Asked(query): Asked<EndpointQuery>,
) -> Result<Json<EndpointPage>, Problem> {
    let limit = page_limit(query.limit)?;
    let before = query.before.map(|id| id.parse::<EndpointId>()).transpose()?;
    let app = api.fleet.app();
    let read = app.store().read(move |rows| {
        let found = rows.webhook_endpoints(caller.merchant, before, limit + 1)?;
        let with = |endpoint: StoredEndpoint| Ok((rows.webhook_secrets(endpoint.id)?, endpoint));
        found.into_iter().map(with).collect::<Result<Vec<_>, _>>()
    });
    let mut found = read.await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > shown;
    found.truncate(shown);
    let next = found.last().filter(|_| more).map(|(_, last)| last.id.to_string());
    let now = app.now().0;
    let data = found.iter().map(|(secrets, endpoint)| EndpointBody::new(endpoint, secrets, now)).collect();
    Ok(Json(EndpointPage { data, next }))
}

/// Read an endpoint.
#[utoipa::path(
    get, path = "/v1/webhook_endpoints/{id}", operation_id = "read_webhook_endpoint", tag = "webhooks",
    params(("id" = EndpointIdSchema, Path, description = "The endpoint's id")),
    responses(
        (status = 200, description = "The endpoint", body = EndpointBody),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such endpoint of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an endpoint's id", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn read(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
) -> Result<Json<EndpointBody>, Problem> {
    let app = api.fleet.app();
    let (endpoint, secrets) = app.webhook_endpoint(Some(caller.merchant), id.parse()?).await?;
    Ok(Json(EndpointBody::new(&endpoint, &secrets, app.now().0)))
}

/// Change an endpoint: where it is, what it is told of, whether it is told anything.
#[utoipa::path(
    patch, path = "/v1/webhook_endpoints/{id}", operation_id = "change_webhook_endpoint", tag = "webhooks", request_body = EndpointChangeRequest,
    params(("id" = EndpointIdSchema, Path, description = "The endpoint's id")),
    responses(
        (status = 200, description = "The endpoint as it is now", body = EndpointBody),
        (status = 400, description = "Not the JSON that this takes", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The API key may only read", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such endpoint of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an endpoint's id, or a field is out of its range", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn change(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
    body: Body<EndpointChangeRequest>,
) -> Result<Json<EndpointBody>, Problem> {
    let id: EndpointId = id.parse()?;
    let EndpointChangeRequest { url: given, kinds, description: text, enabled } = body.value;
    let change = EndpointChange {
        url: given.map(|given| url(&api, &given)).transpose()?,
        wanted: kinds.map(|kinds| wanted(&kinds)).transpose()?,
        description: text.map(description).transpose()?,
        enabled,
    };
    let app = api.fleet.app();
    app.change_webhook_endpoint(Some(caller.merchant), id, change).await?;
    let (endpoint, secrets) = app.webhook_endpoint(Some(caller.merchant), id).await?;
    Ok(Json(EndpointBody::new(&endpoint, &secrets, app.now().0)))
}

/// Delete an endpoint: nothing is sent to it any more, and its secrets are forgotten.
#[utoipa::path(
    delete, path = "/v1/webhook_endpoints/{id}", operation_id = "delete_webhook_endpoint", tag = "webhooks",
    params(("id" = EndpointIdSchema, Path, description = "The endpoint's id")),
    responses(
        (status = 204, description = "It is deleted"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The API key may only read", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such endpoint of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an endpoint's id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
) -> Result<StatusCode, Problem> {
    api.fleet.app().delete_webhook_endpoint(Some(caller.merchant), id.parse()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a new secret. For the time that you say, the one before signs as well.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}/secrets", operation_id = "rotate_webhook_secret", tag = "webhooks", request_body = RotateRequest,
    params(("id" = EndpointIdSchema, Path, description = "The endpoint's id"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128, pattern = r"^[!-~]+$", description = "Makes a repeated request answer as the first did, for 24 hours: 1 to 128 visible ASCII characters")),
    responses(
        (status = 201, description = "The endpoint with its new secret", body = EndpointBody),
        (status = 400, description = "Not the JSON that this takes", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The API key may only read", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such endpoint of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Four secrets sign already, or the idempotency key conflicts", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an endpoint's id, or a field is out of its range", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again with the same idempotency key", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn rotate(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body<RotateRequest>,
) -> Result<Response, Problem> {
    let idempotency = idempotency_key(&headers, body.digest)?;
    let id: EndpointId = id.parse()?;
    let overlap = match body.value.overlap_seconds {
        None => OVERLAP_SECONDS_DEFAULT,
        Some(number) => whole(&number)
            .and_then(|seconds| u32::try_from(seconds).ok())
            .filter(|seconds| *seconds <= OVERLAP_SECONDS_MAX)
            .ok_or(Problem::new(Code::InvalidWebhookOverlap))?,
    };
    let app = api.fleet.app();
    let millis = i64::from(overlap) * 1_000;
    let shown = app.rotate_webhook_secret(caller.merchant, id, millis, idempotency).await?;
    Ok(EndpointBody::shown(&shown, app.now().0))
}

/// Be sent a message of kind `webhook.test`, whatever you want to be told of.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}/test", operation_id = "test_webhook_endpoint", tag = "webhooks",
    params(("id" = EndpointIdSchema, Path, description = "The endpoint's id"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128, pattern = r"^[!-~]+$", description = "Makes a repeated request answer as the first did, for 24 hours: 1 to 128 visible ASCII characters")),
    responses(
        (status = 201, description = "It is on its way", body = DeliveryBody, headers(("Idempotency-Hit" = Option<String>, description = "`true` when this is the first answer again"))),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The API key may only read", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such endpoint of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The endpoint is disabled, or the idempotency key conflicts", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an endpoint's id, or no idempotency key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again with the same idempotency key", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn test(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Created, Problem> {
    let idempotency = idempotency_key(&headers, NO_BODY)?;
    let (app, id) = (api.fleet.app(), id.parse()?);
    Ok(app.test_webhook_once(caller.merchant, id, idempotency, Arc::new(DeliveryBody::render)).await?)
}

/// Have everything sent again that failed for an endpoint since a moment.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}/resend", operation_id = "resend_failed_webhooks", tag = "webhooks", request_body = ResendRequest,
    params(("id" = EndpointIdSchema, Path, description = "The endpoint's id"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128, pattern = r"^[!-~]+$", description = "Makes a repeated request answer as the first did, for 24 hours: 1 to 128 visible ASCII characters")),
    responses(
        (status = 200, description = "They are on their way", body = ResentBody, headers(("Idempotency-Hit" = Option<String>, description = "`true` when this is the first answer again"))),
        (status = 400, description = "Not the JSON that this takes", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The API key may only read", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such endpoint of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The endpoint is disabled, or the idempotency key conflicts", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an endpoint's id, or no idempotency key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again with the same idempotency key", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn resend(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body<ResendRequest>,
) -> Result<Response, Problem> {
    let idempotency = idempotency_key(&headers, body.digest)?;
    let since = whole(&body.value.since)
        .filter(|since| (0..=SINCE_MAX).contains(since))
        .map(model::UnixMillis)
        .ok_or(Problem::with(
            Code::InvalidJson,
            "since is a moment before the year 10000, in whole milliseconds",
        ))?;
    let (app, id) = (api.fleet.app(), id.parse()?);
    let render =
        Arc::new(|(resent, more)| serde_json::to_string(&ResentBody { resent, more }).unwrap_or_default());
    let answer = app.resend_failed_webhooks(caller.merchant, id, since, idempotency, render).await?;
    Ok(answer.with_status(StatusCode::OK))
}
