//! `/v1/orders`: made, read, listed, taken back.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use model::{Amount, AmountError, CardId, Currency};
use payment::{Order, OrderId, OrderIdError, OrderState, RefundState, Refundable};
use serde::{Deserialize, Serialize};
use store::{OrderDetails, Reading, StoreError, StoredOrder};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Caller;
use super::input::{Asked, Body, Named};
use super::problem::{Code, Problem, ProblemBody};
use super::schema::{
    CardIdSchema, CurrencySchema, DeclineReasonSchema, OrderIdSchema, OrderStateSchema, RefundStateSchema,
};
use crate::app::{CancelError, IdempotencyKey, NewOrder, OrderRefused, WEBHOOK_KINDS, WhenBusy};

const PLACE_CHARS_MAX: usize = 64;
pub(super) const REFERENCE_CHARS_MAX: usize = 64;
const URL_CHARS_MAX: usize = 512;
const KEY_CHARS_MAX: usize = 128;
const LIFETIME_SECONDS_MIN: u32 = 10;
pub(super) const PAGE_DEFAULT: u32 = 20;
pub(super) const PAGE_MAX: u32 = 100;

/// What a merchant sends to make an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderRequest {
    /// Minor units (fen, cents), 1 to 4,294,967,295.
    #[schema(value_type = i64, minimum = 1, maximum = 4_294_967_295_u32, example = 2000)]
    amount: serde_json::Number,
    /// ISO 4217 letters.
    #[schema(value_type = CurrencySchema, example = "CNY")]
    currency: String,
    /// If given, it must be the currency's number of decimals: a guard against a wrong factor of ten.
    #[serde(default)]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 4)]
    exponent: Option<serde_json::Number>,
    /// The card that is to pay.
    #[schema(value_type = CardIdSchema, example = "card_00c0ffee")]
    card: String,
    /// Where the payment happens, as the holder reads it; 1 to 64 characters.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "Corner Shop"
    )]
    place: String,
    /// For the card's display; 1 to 20 bytes of UTF-8.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 20, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    text: Option<String>,
    /// Your own reference; at most 64 characters.
    #[serde(default)]
    #[schema(max_length = 64, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", example = "invoice 17")]
    reference: Option<String>,
    /// Where the buyer goes afterwards.
    #[serde(default)]
    #[schema(
        min_length = 10,
        max_length = 512,
        pattern = r"^https?://[^\u0000-\u001f\u007f-\u009f]*$",
        example = "https://shop.example/thanks"
    )]
    return_url: Option<String>,
    /// How long the order waits: 10 to 86,400 seconds; 180 if not given.
    #[serde(default)]
    #[schema(value_type = Option<i32>, minimum = 10, maximum = 86400)]
    lifetime_seconds: Option<serde_json::Number>,
    /// What happens when another order waits for the card.
    #[serde(default)]
    when_busy: WhenBusyWord,
}

/// What happens when another order waits for the card.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WhenBusy)]
pub(super) enum WhenBusyWord {
    /// This one waits behind it.
    #[default]
    Wait,
    /// This one is refused.
    Refuse,
}

/// An order as merchants read it. The number of presses is on the order's page only: a merchant never has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub(super) struct OrderBody {
    /// Its id.
    #[schema(value_type = OrderIdSchema)]
    id: String,
    /// Where it stands.
    #[schema(value_type = OrderStateSchema)]
    state: &'static str,
    /// Why it was declined.
    #[schema(value_type = Option<DeclineReasonSchema>, required = true)]
    reason: Option<&'static str>,
    /// Minor units.
    #[schema(value_type = i64, minimum = 1, maximum = 4_294_967_295_u32)]
    amount: u32,
    /// ISO 4217 letters.
    #[schema(value_type = CurrencySchema)]
    currency: String,
    /// The card that is to pay.
    #[schema(value_type = CardIdSchema)]
    card: String,
    /// Where.
    place: String,
    /// For the card's display.
    #[schema(required = true)]
    text: Option<String>,
    /// Your own reference.
    #[schema(required = true)]
    reference: Option<String>,
    /// Whether the page shows a number of presses.
    counted: bool,
    /// The page to send the buyer to.
    pay_url: String,
    /// Where the buyer goes afterwards.
    #[schema(required = true)]
    return_url: Option<String>,
    /// What was given back of it, in minor units.
    refunded: i64,
    /// How much of it was given back.
    #[schema(value_type = RefundStateSchema)]
    refund_state: &'static str,
    /// What the platform kept of it, in minor units, where it keeps anything.
    #[schema(value_type = Option<i64>, required = true)]
    fee: Option<u32>,
    /// Unix time in milliseconds.
    created_at: i64,
    /// Unix time in milliseconds.
    updated_at: i64,
    /// Unix time in milliseconds.
    expires_at: i64,
}

/// What became of an order's money after it was paid.
#[derive(Clone, Copy, Default)]
struct Afterwards {
    refunded: i64,
    fee: Option<u32>,
}

impl Afterwards {
    fn of(rows: &dyn Reading, order: &Order) -> Result<Self, StoreError> {
        if order.state != OrderState::Paid {
            return Ok(Self::default());
        }
        let fee = rows.payment_fee(order.id)?.map(|fee| fee.amount.minor());
        Ok(Self { refunded: rows.refunded(order.id)?, fee })
    }

    fn refund_state(self, order: &Order) -> RefundState {
        Refundable::of(order, self.refunded).map_or(RefundState::None, |refundable| refundable.state())
    }
}

impl OrderBody {
    /// An order that was just made.
    fn new(stored: &StoredOrder, place: String, public_url: &str) -> Self {
        Self::with(stored, place, public_url, Afterwards::default())
    }

    fn with(stored: &StoredOrder, place: String, public_url: &str, afterwards: Afterwards) -> Self {
        let order = &stored.order;
        Self {
            id: order.id.to_string(),
            state: order.state.name(),
            reason: order.state.decline_reason().map(|reason| reason.code()),
            amount: order.amount.minor(),
            currency: order.amount.currency().to_string(),
            card: order.card.to_string(),
            place,
            text: stored.text.clone(),
            reference: stored.reference.clone(),
            counted: order.presses.is_some(),
            pay_url: format!("{public_url}/pay/{}", order.id),
            return_url: stored.return_url.clone(),
            refunded: afterwards.refunded,
            refund_state: afterwards.refund_state(order).name(),
            fee: afterwards.fee,
            created_at: order.created_at.0,
            updated_at: stored.updated_at.0,
            expires_at: order.expires_at.0,
        }
    }

    fn read(rows: &dyn Reading, stored: &StoredOrder, public_url: &str) -> Result<Self, StoreError> {
        let (place, afterwards) = (rows.place(stored.order.place)?, Afterwards::of(rows, &stored.order)?);
        let place = place.map(|place| place.name).unwrap_or_default();
        Ok(Self::with(stored, place, public_url, afterwards))
    }

    fn of(api: &Api, stored: &StoredOrder) -> Result<Self, Problem> {
        let store = api.fleet.app().store();
        Ok(store.peek(|rows| Self::read(rows, stored, &api.public_url))?)
    }
}

/// An order as a message about one of its events says it: as it is read, in the state that the event is about.
pub(crate) fn order_of_event(
    rows: &dyn Reading,
    stored: &StoredOrder,
    kind: &str,
    public_url: &str,
) -> Result<serde_json::Value, StoreError> {
    let mut body = OrderBody::read(rows, stored, public_url)?;
    let told = kind.strip_prefix("order.").unwrap_or(kind);
    // It may have gone on since; an order that is refunded stays paid.
    let states = WEBHOOK_KINDS.into_iter().filter_map(|kind| kind.strip_prefix("order."));
    let state = states.filter(|state| *state != "refunded").find(|state| *state == told);
    if let Some(state) = state.filter(|state| *state != body.state) {
        body.state = state;
        body.reason = None;
    }
    serde_json::to_value(&body).map_err(|_| StoreError::Malformed("an order that is no JSON"))
}

pub(super) fn without_control(text: &str, chars: std::ops::RangeInclusive<usize>) -> bool {
    chars.contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

impl OrderRequest {
    fn into_new(self, api: &Api, caller: Caller) -> Result<NewOrder, Problem> {
        let currency = Currency::from_letters(&self.currency).map_err(amount_problem)?;
        if self.exponent.is_some_and(|exponent| whole(&exponent) != Some(currency.exponent().into())) {
            return Err(amount_problem(AmountError::WrongExponent));
        }
        let amount = Amount::new(minor_units(&self.amount)?, currency).map_err(amount_problem)?;
        let card: CardId = self.card.parse().map_err(|_| Problem::new(Code::InvalidCardId))?;
        if !without_control(&self.place, 1..=PLACE_CHARS_MAX) {
            return Err(Problem::new(Code::InvalidPlace));
        }
        if self.text.as_deref().is_some_and(|text| air::PromptText::new(text).is_err()) {
            return Err(Problem::new(Code::InvalidText));
        }
        if self.reference.as_deref().is_some_and(|text| !without_control(text, 0..=REFERENCE_CHARS_MAX)) {
            return Err(Problem::new(Code::InvalidReference));
        }
        if self.return_url.as_deref().is_some_and(|url| !is_web_address(url)) {
            return Err(Problem::new(Code::InvalidReturnUrl));
        }
        let rules = api.fleet.app().rules();
        let lifetime_seconds = match self.lifetime_seconds {
            None => rules.order_seconds_default,
            Some(number) => whole(&number)
                .and_then(|seconds| u32::try_from(seconds).ok())
                .filter(|seconds| (LIFETIME_SECONDS_MIN..=rules.order_seconds_max).contains(seconds))
                .ok_or_else(|| {
                    let longest = rules.order_seconds_max;
                    let range = format!("lifetime_seconds is {LIFETIME_SECONDS_MIN} to {longest}, whole");
                    Problem::with(Code::InvalidLifetime, range)
                })?,
        };
        Ok(NewOrder {
            merchant: caller.merchant,
            card,
            amount,
            place: self.place,
            text: self.text,
            reference: self.reference,
            return_url: self.return_url,
            lifetime_seconds,
            when_busy: match self.when_busy {
                WhenBusyWord::Wait => WhenBusy::Wait,
                WhenBusyWord::Refuse => WhenBusy::Refuse,
            },
        })
    }
}

fn is_web_address(url: &str) -> bool {
    (url.starts_with("http://") || url.starts_with("https://")) && without_control(url, 10..=URL_CHARS_MAX)
}

/// A JSON number as a whole one: `2000.0` and `2e3` are written otherwise and are the same number. What is beyond an
/// `i64` is held at its ends, which are beyond every field's range too.
pub(super) fn whole(number: &serde_json::Number) -> Option<i64> {
    let float = || number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as i64);
    number.as_i64().or_else(float)
}

/// A JSON number as minor units.
pub(super) fn minor_units(number: &serde_json::Number) -> Result<i64, Problem> {
    whole(number).ok_or(Problem::new(Code::AmountNotInteger))
}

pub(super) fn amount_problem(error: AmountError) -> Problem {
    Problem::new(match error {
        AmountError::Negative => Code::AmountNegative,
        AmountError::Zero => Code::AmountZero,
        AmountError::TooLarge => Code::AmountTooLarge,
        AmountError::UnknownCurrency => Code::UnknownCurrency,
        AmountError::WrongExponent => Code::WrongExponent,
    })
}

impl From<OrderRefused> for Problem {
    fn from(refused: OrderRefused) -> Self {
        match refused {
            OrderRefused::NoSuchCard => Self::new(Code::NoSuchCard),
            OrderRefused::Card(refusal) => refusal.into(),
            OrderRefused::InsufficientFunds => Self::new(Code::InsufficientFunds),
            OrderRefused::CardBusy => Self::new(Code::CardBusy),
            OrderRefused::TooManyWaiting => Self::new(Code::TooManyWaiting),
            OrderRefused::IdempotencyConflict => Self::new(Code::IdempotencyConflict),
            OrderRefused::Ledger(error) => Self::with(Code::AmountTooLarge, error.to_string()),
            OrderRefused::Store(error) => error.into(),
        }
    }
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NoSuchOrder => Self::new(Code::NoSuchOrder),
            CancelError::Order(error) => Self::with(Code::OrderEnded, error.to_string()),
            CancelError::Store(error) => error.into(),
        }
    }
}

impl From<OrderIdError> for Problem {
    fn from(_: OrderIdError) -> Self {
        Self::new(Code::InvalidOrderId)
    }
}

pub(super) fn idempotency_key(
    headers: &HeaderMap,
    body_digest: [u8; 32],
) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > KEY_CHARS_MAX || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Problem::new(Code::InvalidIdempotencyKey));
    }
    Ok(Some(IdempotencyKey { key: key.to_owned(), body_digest }))
}

/// Make an order: its money is set aside, and the card is asked.
#[utoipa::path(
    post, path = "/v1/orders", operation_id = "create_order", tag = "orders", request_body = OrderRequest,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128, pattern = r"^[!-~]+$", description = "Makes a repeated request answer as the first did, for 24 hours: 1 to 128 visible ASCII characters")),
    responses(
        (status = 201, description = "The order waits for its card", body = OrderBody, headers(("Idempotency-Hit" = Option<String>, description = "`true` when this is the first answer again"))),
        (status = 400, description = "Not the JSON that this takes", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The API key may only read", body = ProblemBody, content_type = "application/problem+json"),
        (status = 402, description = "The holder does not have it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such card", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The card may not pay, is busy, or the idempotency key conflicts", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is out of its range", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again with the same idempotency key", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    body: Body<OrderRequest>,
) -> Result<Response, Problem> {
    let began = std::time::Instant::now();
    let idempotency = idempotency_key(&headers, body.digest)?;
    let new = body.value.into_new(&api, caller)?;
    let (public_url, place) = (Arc::clone(&api.public_url), new.place.clone());
    let render = Arc::new(move |stored: &StoredOrder| {
        serde_json::to_string(&OrderBody::new(stored, place.clone(), &public_url)).unwrap_or_default()
    });
    let app = api.fleet.app();
    if let Some(mode) = api.test_mode() {
        mode.before_order(&new).await?;
    }
    let (created, push) = app.create_order(new, idempotency, render).await?;
    if let Some(card) = push {
        api.card_asked(card).await;
    }
    app.metrics().step("order_created", began.elapsed());
    Ok(created.into_response())
}

/// Read an order.
#[utoipa::path(
    get, path = "/v1/orders/{id}", operation_id = "read_order", tag = "orders",
    params(("id" = OrderIdSchema, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order", body = OrderBody),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such order of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an order id", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn read(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
) -> Result<Json<OrderBody>, Problem> {
    let stored = find(&api, caller, id.parse()?)?;
    Ok(Json(OrderBody::of(&api, &stored)?))
}

/// An order of the caller's; another merchant's is as good as none.
pub(super) fn find(api: &Api, caller: Caller, id: OrderId) -> Result<StoredOrder, Problem> {
    api.fleet
        .app()
        .store()
        .peek(|rows| rows.order(id))?
        .filter(|stored| stored.order.merchant == caller.merchant)
        .ok_or(Problem::new(Code::NoSuchOrder))
}

/// Where a list begins and how long it is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// 1 to 100; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Go on below this order: the `next` of the page before.
    #[param(value_type = Option<OrderIdSchema>)]
    before: Option<String>,
}

/// A page of orders, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderPage {
    /// The orders.
    data: Vec<OrderBody>,
    /// Give it as `before` for the next page; null on the last.
    #[schema(required = true)]
    next: Option<String>,
}

/// List your orders, newest first.
#[utoipa::path(
    get, path = "/v1/orders", operation_id = "list_orders", tag = "orders", params(ListQuery),
    responses(
        (status = 200, description = "A page of orders", body = OrderPage),
        (status = 400, description = "A query parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an order id", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<OrderPage>, Problem> {
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::with(Code::InvalidQuery, format!("limit is 1 to {PAGE_MAX}")));
    }
    let before = query.before.map(|id| id.parse::<OrderId>()).transpose()?;
    let (merchant, shown) = (caller.merchant, usize::try_from(limit).unwrap_or(usize::MAX));
    let read = api.fleet.app().store().read(move |rows| {
        let mut orders = rows.orders_before(Some(merchant), before, limit + 1)?;
        let more = orders.len() > shown;
        orders.truncate(shown);
        // As few journeys for a long page as for a short one.
        let details = match (orders.last(), orders.first()) {
            (Some(oldest), Some(newest)) => rows.order_details(merchant, oldest.order.id, newest.order.id)?,
            (None, _) | (_, None) => Vec::new(),
        };
        Ok((orders, details, more))
    });
    let (orders, details, more) = read.await?;
    let next = orders.last().filter(|_| more).map(|last| last.order.id.to_string());
    let mut details: HashMap<OrderId, OrderDetails> = details.into_iter().map(|it| (it.order, it)).collect();
    let body = |stored: &StoredOrder| {
        let id = stored.order.id;
        let found = details.remove(&id).ok_or(StoreError::Malformed("an order without its details"))?;
        let afterwards = Afterwards { refunded: found.refunded, fee: found.fee };
        Ok(OrderBody::with(stored, found.place, &api.public_url, afterwards))
    };
    let data = orders.iter().map(body).collect::<Result<_, StoreError>>()?;
    Ok(Json(OrderPage { data, next }))
}

/// Take an order back before the holder agreed: its money is free again.
#[utoipa::path(
    post, path = "/v1/orders/{id}/cancel", operation_id = "cancel_order", tag = "orders",
    params(("id" = OrderIdSchema, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The canceled order", body = OrderBody),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The API key may only read", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such order of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The order has ended already", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an order id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn cancel(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
) -> Result<Json<OrderBody>, Problem> {
    let stored = api.fleet.app().cancel_order(Some(caller.merchant), id.parse()?).await?;
    // The next order may go to a card that listens.
    api.card_asked(stored.order.card).await;
    Ok(Json(OrderBody::of(&api, &stored)?))
}
