//! `/v1/test/cards`: software cards, made, read, told what to do, pressed, frozen, deleted.

use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{Amount, CardId, Currency};
use payment::{TestAnswer, TestHabit};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::auth::Tester;
use super::super::input::{Asked, Body, Named, object};
use super::super::orders::{
    PAGE_DEFAULT, PAGE_MAX, amount_problem, idempotency_key, minor_units, without_control,
};
use super::super::problem::{Code, Problem, ProblemBody};
use super::super::schema::{
    CardIdSchema, CardStateSchema, CurrencySchema, HolderSchema, OrderIdSchema, TestAnswerSchema,
    TestHabitSchema,
};
use crate::test_mode::{NewTestCard, TestCardView};

const NAME_CHARS_MAX: usize = 64;
const ANSWERS_MAX: usize = 100;

/// What the holder of a test card has.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FundsRequest {
    /// Minor units, 1 to 4,294,967,295.
    #[schema(value_type = i64, minimum = 1, maximum = 4_294_967_295_u32, example = 10000)]
    amount: serde_json::Number,
    /// ISO 4217 letters.
    #[schema(value_type = CurrencySchema, example = "CNY")]
    currency: String,
}

/// A test card to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct TestCardRequest {
    /// What you call it; at most 64 characters.
    #[serde(default)]
    #[schema(max_length = 64, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: String,
    /// Whether it has a display: without one, larger amounts want a number of presses.
    #[serde(default = "yes")]
    display: bool,
    /// What it does with its next orders, the first first: at most 100 words.
    #[serde(default)]
    #[schema(value_type = Vec<TestAnswerSchema>, max_items = 100)]
    answers: Vec<String>,
    /// What it does after those: `by_amount`, `wait` (until you press it), or an answer that it always gives.
    #[serde(default = "by_amount")]
    #[schema(value_type = TestHabitSchema)]
    otherwise: String,
    /// What its holder has. Without it, they have whatever an order needs.
    #[serde(default, deserialize_with = "object")]
    #[schema(value_type = Option<FundsRequest>)]
    funds: Option<FundsRequest>,
}

fn yes() -> bool {
    true
}

fn by_amount() -> String {
    TestHabit::ByAmount.name().to_owned()
}

/// What a test card does from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ScriptRequest {
    /// What it does with its next orders, the first first: at most 100 words.
    #[serde(default)]
    #[schema(value_type = Vec<TestAnswerSchema>, max_items = 100)]
    answers: Vec<String>,
    /// What it does after those: `by_amount`, `wait` (until you press it), or an answer that it always gives.
    #[serde(default = "by_amount")]
    #[schema(value_type = TestHabitSchema)]
    otherwise: String,
}

/// A press.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct PressRequest {
    /// What the holder does: `agree`, `refuse`, `not_me`, `wrong_presses`, `over_limit`, `unanswered`, `silent`, `late`,
    /// `repeat` or `fail`.
    #[schema(value_type = TestAnswerSchema)]
    answer: String,
}

/// A test card.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TestCard)]
pub(in super::super) struct TestCardBody {
    /// Give it in an order.
    #[schema(value_type = CardIdSchema)]
    id: String,
    /// First six and last four digits.
    #[schema(example = "621234••••1232")]
    number: String,
    /// Its holder.
    #[schema(value_type = Option<HolderSchema>, required = true)]
    holder: Option<String>,
    /// What you call it.
    name: String,
    /// Whether it has a display.
    display: bool,
    /// Where it stands.
    #[schema(value_type = CardStateSchema)]
    state: &'static str,
    /// What it does with its next orders.
    #[schema(value_type = Vec<TestAnswerSchema>)]
    answers: Vec<&'static str>,
    /// What it does after those.
    #[schema(value_type = TestHabitSchema)]
    otherwise: &'static str,
    /// Unix time in milliseconds.
    created_at: i64,
}

impl TestCardBody {
    fn new(view: &TestCardView) -> Self {
        let (test, record) = (&view.test, &view.card.record);
        Self {
            id: test.card.to_string(),
            number: record.information.number.to_string(),
            holder: record.bound_to.map(|holder| holder.to_string()),
            name: test.name.clone(),
            display: record.has_display,
            state: record.life_cycle.name(),
            answers: test.answers.iter().map(|answer| answer.name()).collect(),
            otherwise: test.habit.name(),
            created_at: test.created_at.0,
        }
    }
}

/// A page of test cards.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct TestCardPage {
    /// The cards, by id.
    data: Vec<TestCardBody>,
    /// Give it as `after` for the next page; null on the last.
    #[schema(required = true)]
    next: Option<String>,
}

/// What was pressed.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct PressBody {
    /// The order that was answered.
    #[schema(value_type = OrderIdSchema)]
    order: String,
    /// What was done with it.
    #[schema(value_type = TestAnswerSchema)]
    answer: &'static str,
}

fn answers_of(words: &[String]) -> Result<Vec<TestAnswer>, Problem> {
    if words.len() > ANSWERS_MAX {
        return Err(Problem::new(Code::TooManyAnswers));
    }
    let answer = |word: &String| TestAnswer::from_name(word).ok_or(Problem::new(Code::InvalidTestAnswer));
    words.iter().map(answer).collect()
}

fn habit_of(word: &str) -> Result<TestHabit, Problem> {
    TestHabit::from_name(word).ok_or_else(|| {
        Problem::with(
            Code::InvalidTestAnswer,
            "otherwise is by_amount, wait, or an answer that is always given",
        )
    })
}

fn card_of(id: &str) -> Result<CardId, Problem> {
    id.parse().map_err(|_| Problem::new(Code::InvalidCardId))
}

/// Make a test card. Without more said, it does what an order's amount says.
#[utoipa::path(
    post, path = "/v1/test/cards", operation_id = "create_test_card", tag = "test mode", request_body = TestCardRequest,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128, pattern = r"^[!-~]+$", description = "Makes a repeated request answer as the first did, for 24 hours of the test clock: 1 to 128 visible ASCII characters")),
    responses(
        (status = 201, description = "The card can be asked", body = TestCardBody),
        (status = 400, description = "Not the JSON that this takes", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not a test key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "You have as many as there may be, or the idempotency key conflicts", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is out of its range", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again with the same idempotency key", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(in super::super) async fn create(
    tester: Tester,
    headers: HeaderMap,
    body: Body<TestCardRequest>,
) -> Result<Response, Problem> {
    let idempotency = idempotency_key(&headers, body.digest)?;
    let TestCardRequest { name, display, answers, otherwise, funds } = body.value;
    if !without_control(&name, 0..=NAME_CHARS_MAX) {
        return Err(Problem::new(Code::InvalidName));
    }
    let funds = match funds {
        Some(FundsRequest { amount, currency }) => {
            let currency = Currency::from_letters(&currency).map_err(amount_problem)?;
            Some(Amount::new(minor_units(&amount)?, currency).map_err(amount_problem)?)
        }
        None => None,
    };
    let new = NewTestCard {
        merchant: tester.merchant,
        name,
        has_display: display,
        answers: answers_of(&answers)?,
        habit: habit_of(&otherwise)?,
        funds,
    };
    let render =
        Arc::new(|view: &TestCardView| serde_json::to_string(&TestCardBody::new(view)).unwrap_or_default());
    let created = tester.mode.make_card(new, idempotency, render).await?;
    let mut response = (StatusCode::CREATED, created.body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if created.repeated {
        headers.insert("idempotency-hit", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Where a list begins and how long it is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct CardQuery {
    /// 1 to 100; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Go on above this card: the `next` of the page before.
    #[param(value_type = Option<CardIdSchema>)]
    after: Option<String>,
}

/// List your test cards, by id.
#[utoipa::path(
    get, path = "/v1/test/cards", operation_id = "list_test_cards", tag = "test mode", params(CardQuery),
    responses(
        (status = 200, description = "A page of test cards", body = TestCardPage),
        (status = 400, description = "A query parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not a test key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not a card id", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(in super::super) async fn list(
    tester: Tester,
    Asked(query): Asked<CardQuery>,
) -> Result<Json<TestCardPage>, Problem> {
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::with(Code::InvalidQuery, format!("limit is 1 to {PAGE_MAX}")));
    }
    let after = query.after.as_deref().map(card_of).transpose()?;
    let mut cards = tester.mode.cards(tester.merchant, after, limit + 1).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = cards.len() > most;
    cards.truncate(most);
    let next = cards.last().filter(|_| more).map(|last| last.test.card.to_string());
    Ok(Json(TestCardPage { data: cards.iter().map(TestCardBody::new).collect(), next }))
}

/// Read a test card.
#[utoipa::path(
    get, path = "/v1/test/cards/{id}", operation_id = "read_test_card", tag = "test mode",
    params(("id" = CardIdSchema, Path, description = "The card's id")),
    responses(
        (status = 200, description = "The card", body = TestCardBody),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not a test key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such test card of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not a card id", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(in super::super) async fn read(tester: Tester, Named(id): Named) -> Result<Json<TestCardBody>, Problem> {
    Ok(Json(TestCardBody::new(&tester.mode.card(tester.merchant, card_of(&id)?)?)))
}

/// Delete a test card. What waits for it is declined.
#[utoipa::path(
    delete, path = "/v1/test/cards/{id}", operation_id = "delete_test_card", tag = "test mode",
    params(("id" = CardIdSchema, Path, description = "The card's id")),
    responses(
        (status = 204, description = "It is closed and gone"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not a test key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such test card of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not a card id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(in super::super) async fn remove(tester: Tester, Named(id): Named) -> Result<StatusCode, Problem> {
    tester.mode.remove_card(tester.merchant, card_of(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say what a test card does from now on. If an order waits for it, it acts at once.
#[utoipa::path(
    put, path = "/v1/test/cards/{id}/script", operation_id = "script_test_card", tag = "test mode", request_body = ScriptRequest,
    params(("id" = CardIdSchema, Path, description = "The card's id")),
    responses(
        (status = 200, description = "The card", body = TestCardBody),
        (status = 400, description = "Not the JSON that this takes", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not a test key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such test card of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an answer, or too many", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(in super::super) async fn script(
    tester: Tester,
    Named(id): Named,
    body: Body<ScriptRequest>,
) -> Result<Json<TestCardBody>, Problem> {
    let (answers, habit) = (answers_of(&body.value.answers)?, habit_of(&body.value.otherwise)?);
    let view = tester.mode.script(tester.merchant, card_of(&id)?, answers, habit).await?;
    Ok(Json(TestCardBody::new(&view)))
}

/// Press a test card: it answers the order that waits for it, whatever it was told before.
#[utoipa::path(
    post, path = "/v1/test/cards/{id}/press", operation_id = "press_test_card", tag = "test mode", request_body = PressRequest,
    params(("id" = CardIdSchema, Path, description = "The card's id")),
    responses(
        (status = 200, description = "What was answered", body = PressBody),
        (status = 400, description = "Not the JSON that this takes", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not a test key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such test card of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "No order waits for it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an answer", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(in super::super) async fn press(
    tester: Tester,
    Named(id): Named,
    body: Body<PressRequest>,
) -> Result<Json<PressBody>, Problem> {
    let answer = TestAnswer::from_name(&body.value.answer).ok_or(Problem::new(Code::InvalidTestAnswer))?;
    let order = tester.mode.press(tester.merchant, card_of(&id)?, answer).await?;
    Ok(Json(PressBody { order: order.to_string(), answer: answer.name() }))
}

/// Freeze a test card, as its holder or issuer would. What waits for it is declined.
#[utoipa::path(
    post, path = "/v1/test/cards/{id}/freeze", operation_id = "freeze_test_card", tag = "test mode",
    params(("id" = CardIdSchema, Path, description = "The card's id")),
    responses(
        (status = 200, description = "The card", body = TestCardBody),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not a test key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such test card of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It is frozen already", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not a card id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(in super::super) async fn freeze(
    tester: Tester,
    Named(id): Named,
) -> Result<Json<TestCardBody>, Problem> {
    let view = tester.mode.set_frozen(tester.merchant, card_of(&id)?, true).await?;
    Ok(Json(TestCardBody::new(&view)))
}

/// Unfreeze a test card, as its issuer would after "not me".
#[utoipa::path(
    post, path = "/v1/test/cards/{id}/unfreeze", operation_id = "unfreeze_test_card", tag = "test mode",
    params(("id" = CardIdSchema, Path, description = "The card's id")),
    responses(
        (status = 200, description = "The card", body = TestCardBody),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not a test key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such test card of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It is not frozen", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not a card id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(in super::super) async fn unfreeze(
    tester: Tester,
    Named(id): Named,
) -> Result<Json<TestCardBody>, Problem> {
    let view = tester.mode.set_frozen(tester.merchant, card_of(&id)?, false).await?;
    Ok(Json(TestCardBody::new(&view)))
}
