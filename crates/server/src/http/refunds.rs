//! `/v1/orders/{id}/refunds` and `/v1/refunds`: money of a paid order given back, in part or whole.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use model::Currency;
use payment::{OrderId, RefundId, RefundIdError, RefundRefused};
use serde::{Deserialize, Serialize};
use store::StoredRefund;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Caller;
use super::input::{Asked, Body, Named};
use super::orders::{
    PAGE_DEFAULT, PAGE_MAX, REFERENCE_CHARS_MAX, amount_problem, find, idempotency_key, minor_units,
    without_control,
};
use super::problem::{Code, Problem, ProblemBody};
use super::schema::{CurrencySchema, OrderIdSchema, RefundIdSchema};
use crate::app::{NewRefund, RefundError};

/// What a merchant sends to give money back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundRequest {
    /// Minor units (fen, cents), at most what is left of the order; all that is left if not given.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 4_294_967_295_u32, example = 500)]
    amount: Option<serde_json::Number>,
    /// ISO 4217 letters: those of the order, which they are if not given.
    #[serde(default)]
    #[schema(value_type = Option<CurrencySchema>, example = "CNY")]
    currency: Option<String>,
    /// Your own reference; at most 64 characters.
    #[serde(default)]
    #[schema(max_length = 64, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", example = "cold tea")]
    reference: Option<String>,
}

/// A refund. It is posted when it is made, and never changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refund)]
pub(super) struct RefundBody {
    /// Its id.
    #[schema(value_type = RefundIdSchema)]
    id: String,
    /// The order's id.
    #[schema(value_type = OrderIdSchema)]
    order: String,
    /// Minor units that the holder got back.
    #[schema(value_type = i64, minimum = 1, maximum = 4_294_967_295_u32)]
    amount: u32,
    /// ISO 4217 letters.
    #[schema(value_type = CurrencySchema)]
    currency: String,
    /// Minor units of the order that are refunded with this one.
    refunded: i64,
    /// Minor units of the fee that you got back.
    #[schema(value_type = i64, minimum = 0, maximum = 4_294_967_295_u32)]
    fee_back: u32,
    /// Your own reference.
    #[schema(required = true)]
    reference: Option<String>,
    /// Unix time in milliseconds.
    created_at: i64,
}

impl RefundBody {
    fn new(stored: &StoredRefund) -> Self {
        Self {
            id: stored.id.to_string(),
            order: stored.order.to_string(),
            amount: stored.amount.minor(),
            currency: stored.amount.currency().to_string(),
            refunded: stored.refunded_before.saturating_add(stored.amount.ledger_units()),
            fee_back: stored.fee_back,
            reference: stored.reference.clone(),
            created_at: stored.created_at.0,
        }
    }
}

impl RefundRequest {
    fn into_new(self, caller: Caller, order: OrderId) -> Result<NewRefund, Problem> {
        let minor = self.amount.as_ref().map(minor_units).transpose()?;
        let currency =
            self.currency.as_deref().map(Currency::from_letters).transpose().map_err(amount_problem)?;
        if self.reference.as_deref().is_some_and(|text| !without_control(text, 0..=REFERENCE_CHARS_MAX)) {
            return Err(Problem::new(Code::InvalidReference));
        }
        Ok(NewRefund { merchant: caller.merchant, order, minor, currency, reference: self.reference })
    }
}

impl From<RefundError> for Problem {
    fn from(error: RefundError) -> Self {
        match error {
            RefundError::NoSuchOrder => Self::new(Code::NoSuchOrder),
            RefundError::Refused(refused) => refused.into(),
            RefundError::IdempotencyConflict => Self::new(Code::IdempotencyConflict),
            RefundError::Store(error) => error.into(),
        }
    }
}

impl From<RefundRefused> for Problem {
    fn from(refused: RefundRefused) -> Self {
        let code = match refused {
            RefundRefused::NotPaid(_) => Code::OrderNotPaid,
            RefundRefused::Zero => Code::AmountZero,
            RefundRefused::NotAnAmount(error) => return amount_problem(error),
            RefundRefused::OtherCurrency { .. } => Code::RefundOtherCurrency,
            RefundRefused::NothingLeft => Code::RefundNothingLeft,
            RefundRefused::AboveWhatIsLeft { .. } => Code::RefundAboveWhatIsLeft,
            RefundRefused::MerchantHasNotEnough { .. } => Code::MerchantHasNotEnough,
            RefundRefused::BooksDisagree { .. } | RefundRefused::WrongAccounts | RefundRefused::Ledger(_) => {
                tracing::error!(%refused, "a refund contradicts the books");
                return Self::new(Code::Internal);
            }
        };
        Self::with(code, refused.to_string())
    }
}

impl From<RefundIdError> for Problem {
    fn from(_: RefundIdError) -> Self {
        Self::new(Code::InvalidRefundId)
    }
}

/// Give money of a paid order back to its holder, at once: in part, or all that is left.
#[utoipa::path(
    post, path = "/v1/orders/{id}/refunds", operation_id = "create_refund", tag = "refunds", request_body = RefundRequest,
    params(
        ("id" = OrderIdSchema, Path, description = "The order's id"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128, pattern = r"^[!-~]+$", description = "Makes a repeated request answer as the first did, for 24 hours: 1 to 128 visible ASCII characters"),
    ),
    responses(
        (status = 201, description = "The holder has it", body = RefundBody, headers(("Idempotency-Hit" = Option<String>, description = "`true` when this is the first answer again"))),
        (status = 400, description = "Not the JSON that this takes", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The API key may only read", body = ProblemBody, content_type = "application/problem+json"),
        (status = 402, description = "You do not have it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such order of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Not paid, nothing left, above what is left, or the idempotency key conflicts", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is out of its range, or another currency", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again with the same idempotency key", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body<RefundRequest>,
) -> Result<Response, Problem> {
    let idempotency = idempotency_key(&headers, body.digest)?;
    let new = body.value.into_new(caller, id.parse()?)?;
    let render =
        Arc::new(|stored: &StoredRefund| serde_json::to_string(&RefundBody::new(stored)).unwrap_or_default());
    let created = api.fleet.app().refund(new, idempotency, render).await?;
    Ok(created.into_response())
}

/// Read a refund.
#[utoipa::path(
    get, path = "/v1/refunds/{id}", operation_id = "read_refund", tag = "refunds",
    params(("id" = RefundIdSchema, Path, description = "The refund's id")),
    responses(
        (status = 200, description = "The refund", body = RefundBody),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such refund of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not a refund id", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn read(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
) -> Result<Json<RefundBody>, Problem> {
    let id: RefundId = id.parse()?;
    let stored = api.fleet.app().store().peek(|rows| rows.refund(id))?;
    let stored = stored.filter(|stored| stored.merchant == caller.merchant);
    Ok(Json(RefundBody::new(&stored.ok_or(Problem::new(Code::NoSuchRefund))?)))
}

/// Where a list begins and how long it is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RefundQuery {
    /// 1 to 100; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Go on below this refund: the `next` of the page before.
    #[param(value_type = Option<RefundIdSchema>)]
    before: Option<String>,
}

/// A page of refunds, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefundPage {
    /// The refunds.
    data: Vec<RefundBody>,
    /// Give it as `before` for the next page; null on the last.
    #[schema(required = true)]
    next: Option<String>,
}

/// List an order's refunds, newest first.
#[utoipa::path(
    get, path = "/v1/orders/{id}/refunds", operation_id = "list_refunds", tag = "refunds",
    params(("id" = OrderIdSchema, Path, description = "The order's id"), RefundQuery),
    responses(
        (status = 200, description = "A page of refunds", body = RefundPage),
        (status = 400, description = "A query parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such order of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an order id or refund id", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
    Asked(query): Asked<RefundQuery>,
) -> Result<Json<RefundPage>, Problem> {
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::with(Code::InvalidQuery, format!("limit is 1 to {PAGE_MAX}")));
    }
    let before = query.before.map(|id| id.parse::<RefundId>()).transpose()?;
    let order = find(&api, caller, id.parse()?)?.order.id;
    let store = api.fleet.app().store();
    let mut refunds = store.read(move |rows| rows.refunds_before(order, before, limit + 1)).await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = refunds.len() > shown;
    refunds.truncate(shown);
    let next = refunds.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Json(RefundPage { data: refunds.iter().map(RefundBody::new).collect(), next }))
}
