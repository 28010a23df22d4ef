//! `/v1/settlements`: closed days, as JSON, CSV and camt.053; and `/v1/balance`.

use axum::Json;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, LINK, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use model::Currency;
use payment::AccountKind;
use serde::{Deserialize, Serialize};
use statement::{EntryKind, Line, Part, Statement, camt053, csv};
use store::{Day, StoredSettlement};
use time::macros::format_description;
use time::{Date, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Caller;
use super::input::{Asked, Named};
use super::orders::{PAGE_DEFAULT, PAGE_MAX, amount_problem};
use super::problem::{Code, Problem, ProblemBody};
use super::schema::{CurrencySchema, EntryKindSchema, OrderIdSchema, SettlementIdSchema};
use crate::app::{StatementRefused, day_of, statement_of};

/// A closed day of your account in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Settlement)]
pub(super) struct SettlementBody {
    /// What it is called: date and currency.
    #[schema(value_type = SettlementIdSchema)]
    id: String,
    /// The day, in the issuer's time zone.
    #[schema(format = Date, example = "2026-11-21")]
    date: String,
    /// ISO 4217 letters.
    #[schema(value_type = CurrencySchema)]
    currency: String,
    /// Its number among your settlements in this currency, from 1, without gaps.
    number: u32,
    /// The day's first moment: Unix time in milliseconds.
    from: i64,
    /// The first moment after it: Unix time in milliseconds.
    to: i64,
    /// The balance before, in minor units: the closing balance of the number before.
    opening: i64,
    /// The balance after, in minor units.
    closing: i64,
    /// How many entries lie between.
    count: u32,
}

impl SettlementBody {
    fn new(stored: &StoredSettlement) -> Self {
        let date = written(stored.day);
        Self {
            id: format!("{date}.{}", stored.currency),
            date,
            currency: stored.currency.to_string(),
            number: stored.number,
            from: stored.from.0,
            to: stored.to.0,
            opening: stored.opening,
            closing: stored.closing,
            count: stored.entries,
        }
    }
}

fn written(day: Day) -> String {
    format!("{:04}-{:02}-{:02}", day.0 / 10_000, day.0 / 100 % 100, day.0 % 100)
}

/// One movement of your account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entry)]
pub(super) struct EntryBody {
    /// Unix time in milliseconds.
    at: i64,
    /// What moved.
    #[schema(value_type = EntryKindSchema)]
    kind: &'static str,
    /// The order that it belongs to.
    #[schema(value_type = Option<OrderIdSchema>, required = true)]
    order: Option<String>,
    /// Your reference of that order.
    #[schema(required = true)]
    reference: Option<String>,
    /// The transfer; of a payout, the reference at your bank.
    transfer: String,
    /// Minor units: above zero into your account.
    amount: i64,
    /// The balance after it, in minor units.
    balance: i64,
}

impl EntryBody {
    fn new(line: &Line) -> Self {
        let entry = &line.entry;
        Self {
            at: entry.at.0,
            kind: entry.kind.name(),
            order: entry.order.map(|order| order.to_string()),
            reference: entry.reference.clone(),
            transfer: entry.transfer.to_string(),
            amount: entry.units,
            balance: line.running,
        }
    }
}

/// How many entries of a kind there are, and their sum.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Total)]
pub(super) struct TotalBody {
    /// What moved.
    #[schema(value_type = EntryKindSchema)]
    kind: &'static str,
    /// How many.
    count: u64,
    /// Minor units.
    amount: i64,
}

/// A settlement with its entries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Statement)]
pub(super) struct StatementBody {
    #[serde(flatten)]
    settlement: SettlementBody,
    /// Which part of the day's entries follows, from 1.
    part: u32,
    /// How many parts the day has: 1 up to 100,000 entries. Of the others, `?part=`; the header `Link` leads on.
    parts: u32,
    /// The sums by kind, of this part.
    totals: Vec<TotalBody>,
    /// What moved, the oldest first.
    entries: Vec<EntryBody>,
}

impl StatementBody {
    fn new(stored: &StoredSettlement, statement: &Statement) -> Self {
        let totals = EntryKind::ALL.map(|kind| {
            let total = statement.totals().of(kind);
            TotalBody {
                kind: kind.name(),
                count: u64::try_from(total.count).unwrap_or(u64::MAX),
                amount: i64::try_from(total.units).unwrap_or(i64::MAX),
            }
        });
        Self {
            settlement: SettlementBody::new(stored),
            part: statement.part().number(),
            parts: statement.part().of(),
            totals: totals.into(),
            entries: statement.lines().iter().map(EntryBody::new).collect(),
        }
    }
}

/// Which settlements are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SettlementQuery {
    /// Only this day's: `2026-11-21`.
    #[param(format = Date)]
    date: Option<String>,
    /// 1 to 100; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Go on below this settlement: the `next` of the page before.
    #[param(value_type = Option<SettlementIdSchema>)]
    before: Option<String>,
}

/// A page of settlements, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SettlementPage {
    /// The settlements, without their entries.
    data: Vec<SettlementBody>,
    /// Give it as `before` for the next page; null on the last.
    #[schema(required = true)]
    next: Option<String>,
}

/// Which statement of a day.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StatementQuery {
    /// ISO 4217 letters; needed on a day with several.
    #[param(value_type = Option<CurrencySchema>)]
    currency: Option<String>,
    /// Which part of a long day, from 1; 1 if not given.
    #[param(minimum = 1)]
    part: Option<u32>,
}

fn date(text: &str) -> Result<Date, Problem> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .ok()
        .filter(|date| (1..=9_999).contains(&date.year()))
        .ok_or(Problem::new(Code::InvalidDate))
}

fn cursor(text: &str) -> Result<(Day, Currency), Problem> {
    let (day, currency) = text.split_once('.').ok_or(Problem::new(Code::InvalidDate))?;
    Ok((day_of(date(day)?), Currency::from_letters(currency).map_err(amount_problem)?))
}

impl From<StatementRefused> for Problem {
    fn from(refused: StatementRefused) -> Self {
        match refused {
            StatementRefused::NoSuchPart { .. } => Self::with(Code::NoSuchPart, refused.to_string()),
            StatementRefused::Statement(error) => {
                tracing::error!(%error, code = error.code(), "a settlement does not add up");
                Self::new(Code::Internal)
            }
            StatementRefused::Store(error) => error.into(),
        }
    }
}

/// List your settlements, newest first: the days that were closed, without their entries. With `date` and
/// `Accept: text/csv` or `application/xml`, that day as `/v1/settlements/{date}` gives it.
#[utoipa::path(
    get, path = "/v1/settlements", operation_id = "list_settlements", tag = "settlements", params(SettlementQuery),
    responses(
        (status = 200, description = "A page of settlements", content(
            (SettlementPage = "application/json"),
            (String = "text/csv"),
            (String = "application/xml"),
        )),
        (status = 400, description = "A query parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "As a file: the day is not settled, or nothing moved in it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 406, description = "None of the forms that there are", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not a date", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Asked(query): Asked<SettlementQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::with(Code::InvalidQuery, format!("limit is 1 to {PAGE_MAX}")));
    }
    let day = query.date.as_deref().map(date).transpose()?.map(day_of);
    match (day, Form::accepted(&headers)) {
        (Some(day), Some(form @ (Form::Csv | Form::Camt053))) => {
            return written_as(&api, caller, day, StatementQuery { currency: None, part: None }, form).await;
        }
        (_, Some(Form::Json)) => {}
        // A page of days is no statement.
        (None, Some(Form::Csv | Form::Camt053)) | (_, None) => return Err(Problem::new(Code::NotAcceptable)),
    }
    let before = query.before.as_deref().map(cursor).transpose()?;
    let (merchant, store) = (caller.merchant, api.fleet.app().store());
    let mut settlements = store
        .read(move |rows| match day {
            // As many as a merchant has currencies.
            Some(day) => rows.settlements_of(merchant, day),
            None => rows.settlements_before(merchant, before, limit + 1),
        })
        .await?;
    let shown = if day.is_some() { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
    let more = settlements.len() > shown;
    settlements.truncate(shown);
    let data: Vec<SettlementBody> = settlements.iter().map(SettlementBody::new).collect();
    let next = data.last().filter(|_| more).map(|last| last.id.clone());
    Ok(Json(SettlementPage { data, next }).into_response())
}

/// A form of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Csv,
    Camt053,
}

impl Form {
    /// What the caller accepts most (RFC 9110, 12.5.1); of equals, what stands first; JSON where nothing is said.
    fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut best: Option<(u16, Self)> = None;
        let mut any = false;
        for range in headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()) {
            for range in range.split(',').map(str::trim).filter(|range| !range.is_empty()) {
                any = true;
                let mut parts = range.split(';').map(str::trim);
                let form = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                    "application/json" | "application/*" | "*/*" => Self::Json,
                    "text/csv" | "text/*" => Self::Csv,
                    "application/xml" | "text/xml" => Self::Camt053,
                    _ => continue,
                };
                // In thousandths: `q` has three decimals at most.
                let quality = parts
                    .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
                    .map_or(1_000, |q| q.parse::<f32>().map_or(0, |q| (q.clamp(0.0, 1.0) * 1_000.0) as u16));
                if quality > 0 && best.is_none_or(|(most, _)| quality > most) {
                    best = Some((quality, form));
                }
            }
        }
        if any { best.map(|(_, form)| form) } else { Some(Self::Json) }
    }
}

/// Read a settlement with its entries: as JSON, as CSV (`Accept: text/csv`) or as ISO 20022 camt.053.001.08
/// (`Accept: application/xml`). A day with more than 100,000 entries comes in parts.
#[utoipa::path(
    get, path = "/v1/settlements/{date}", operation_id = "read_settlement", tag = "settlements",
    params(("date" = String, Path, format = Date, description = "The day: 2026-11-21"), StatementQuery),
    responses(
        (status = 200, description = "The settlement", content(
            (StatementBody = "application/json"),
            (String = "text/csv"),
            (String = "application/xml"),
        )),
        (status = 400, description = "A query parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The day is not settled, nothing moved in it, or it has no such part", body = ProblemBody, content_type = "application/problem+json"),
        (status = 406, description = "None of the forms that there are", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not a date, not a currency, or several currencies", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn read(
    State(api): State<Api>,
    caller: Caller,
    Named(day): Named,
    Asked(query): Asked<StatementQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let day = day_of(date(&day)?);
    let form = Form::accepted(&headers).ok_or(Problem::new(Code::NotAcceptable))?;
    written_as(&api, caller, day, query, form).await
}

/// A part of a day's settlement in a form; where another follows, a link to it (RFC 8288).
async fn written_as(
    api: &Api,
    caller: Caller,
    day: Day,
    query: StatementQuery,
    form: Form,
) -> Result<Response, Problem> {
    let currency =
        query.currency.as_deref().map(Currency::from_letters).transpose().map_err(amount_problem)?;
    let app = api.fleet.app();
    let (number, entries_max) = (query.part.unwrap_or(1), app.rules().statement_entries_max);
    let merchant = caller.merchant;
    let found = app
        .store()
        .read(move |rows| {
            let mut settlements = rows.settlements_of(merchant, day)?;
            settlements.retain(|stored| currency.is_none_or(|currency| stored.currency == currency));
            let Some(stored) = settlements.pop() else {
                return Ok(Err(Problem::new(Code::NoSuchSettlement)));
            };
            if !settlements.is_empty() {
                return Ok(Err(Problem::new(Code::CurrencyNeeded)));
            }
            let statement = statement_of(rows, &stored, number, entries_max);
            Ok(statement.map(|statement| (stored, statement)).map_err(Problem::from))
        })
        .await?;
    let (stored, statement) = found?;
    let part = statement.part();
    let mut name = format!("{}-{}", written(stored.day), stored.currency);
    if part.of() > 1 {
        name += &format!("-part-{}-of-{}", part.number(), part.of());
    }
    let failed = |error: std::io::Error| {
        tracing::error!(%error, "a statement was not written");
        Problem::new(Code::Internal)
    };
    let mut file = Vec::new();
    let (mut response, disposition) = match form {
        Form::Json => (Json(StatementBody::new(&stored, &statement)).into_response(), None),
        Form::Csv => {
            csv::write(&statement, &mut file).map_err(failed)?;
            let content = HeaderValue::from_static("text/csv; charset=utf-8");
            (([(CONTENT_TYPE, content)], file).into_response(), Some(format!("{name}.csv")))
        }
        Form::Camt053 => {
            let created_at = OffsetDateTime::from_unix_timestamp(stored.made_at.0.div_euclid(1_000))
                .unwrap_or(OffsetDateTime::UNIX_EPOCH);
            let header = camt053::Header { message_id: statement.id(), created_at };
            camt053::write(&statement, header, &mut file).map_err(failed)?;
            let content = HeaderValue::from_static("application/xml");
            (([(CONTENT_TYPE, content)], file).into_response(), Some(format!("{name}.xml")))
        }
    };
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept"));
    if let Some(next) = next_part(&stored, part) {
        headers.insert(LINK, next);
    }
    if let Some(name) = disposition
        && let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"settlement-{name}\""))
    {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

fn next_part(stored: &StoredSettlement, part: Part) -> Option<HeaderValue> {
    let next = Part::new(part.number().checked_add(1)?, part.of())?;
    let (day, currency) = (written(stored.day), stored.currency);
    let link = format!("</v1/settlements/{day}?currency={currency}&part={}>; rel=\"next\"", next.number());
    HeaderValue::from_str(&link).ok()
}

/// What you have in one currency, in minor units.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Holding)]
pub(super) struct HoldingBody {
    /// ISO 4217 letters.
    #[schema(value_type = CurrencySchema)]
    currency: String,
    /// What was paid to you, less refunds, fees and payouts.
    posted: i64,
    /// What of it can be refunded or paid out now.
    available: i64,
    /// Set aside for your open orders.
    pending: i64,
    /// The newest settlement, if there is one.
    #[schema(required = true)]
    settled: Option<SettlementBody>,
}

/// What you have, by currency.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HoldingList {
    /// One for each currency that you were paid in.
    data: Vec<HoldingBody>,
}

/// What you have, by currency, with the newest settlement.
#[utoipa::path(
    get, path = "/v1/balance", operation_id = "read_balance", tag = "balances",
    responses(
        (status = 200, description = "What you have", body = HoldingList),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn balance(State(api): State<Api>, caller: Caller) -> Result<Json<HoldingList>, Problem> {
    let owner = i64::from(caller.merchant.0);
    let data = api.fleet.app().store().peek(|rows| {
        let mut data = Vec::new();
        for currency in Currency::KNOWN {
            if let Some(account) = rows.account_of(AccountKind::Merchant, owner, *currency)? {
                let settled = rows.newest_settlement(account.id)?;
                data.push(HoldingBody {
                    currency: currency.to_string(),
                    posted: account.posted,
                    available: account.available(),
                    pending: account.pending_in,
                    settled: settled.as_ref().map(SettlementBody::new),
                });
            }
        }
        Ok(data)
    })?;
    Ok(Json(HoldingList { data }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted_most_is_given() {
        for (accept, form) in [
            (None, Some(Form::Json)),
            (Some(""), Some(Form::Json)),
            (Some("*/*"), Some(Form::Json)),
            (Some("text/csv"), Some(Form::Csv)),
            (Some("TEXT/CSV; charset=utf-8"), Some(Form::Csv)),
            (Some("application/xml"), Some(Form::Camt053)),
            (Some("text/html, application/xml;q=0.9, */*;q=0.8"), Some(Form::Camt053)),
            (Some("text/csv;q=0.5, application/json;q=0.6"), Some(Form::Json)),
            (Some("text/csv;q=0, application/xml;q=0.1"), Some(Form::Camt053)),
            (Some("text/csv;q=0"), None),
            (Some("text/csv;q=much"), None),
            (Some("application/pdf"), None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(Form::accepted(&headers), form, "{accept:?}");
        }
    }
}
