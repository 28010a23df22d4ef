//! The platform as a merchant meets it: three calls of its HTTP API, and every way they can end.

use std::time::Duration;

use axum::http::header::{ACCEPT, AUTHORIZATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::config::{Config, SetupError, is_hex, under};

/// How long one call may take, from the first byte out to the last byte in.
const LIMIT: Duration = Duration::from_secs(5);
/// No answer of the API is nearly this long.
const ANSWER_MAX: usize = 256 * 1024;
/// How much of a problem's own words is passed on.
const WORDS_MAX: usize = 300;

/// The client of the merchant API.
pub(crate) struct Platform {
    client: Client,
    base: Url,
}

/// How a call can fail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlatformError {
    /// No connection, or it broke.
    #[error("the platform cannot be reached")]
    Unreachable,
    /// No whole answer within the limit.
    #[error("the platform did not answer in time")]
    TimedOut,
    /// The platform said no, and why.
    #[error("the platform refused with {status}, code {code:?}: {detail:?}")]
    Problem {
        /// The stable word for programs.
        code: String,
        /// The HTTP status.
        status: StatusCode,
        /// The words for people; may be empty.
        detail: String,
    },
    /// An answer that is none of the API's.
    #[error("the platform's answer makes no sense: {0}")]
    Malformed(&'static str),
}

impl PlatformError {
    /// The platform may have done what was asked and only its answer was lost.
    pub(crate) fn leaves_doubt(&self) -> bool {
        match self {
            Self::Unreachable | Self::TimedOut | Self::Malformed(_) => true,
            Self::Problem { status, .. } => status.is_server_error(),
        }
    }
}

/// What an order is asked for with. The field order is the body's: the same purchase is the same bytes.
#[derive(Debug, Serialize)]
pub(crate) struct NewOrder<'a> {
    pub(crate) amount: i64,
    pub(crate) currency: &'a str,
    pub(crate) card: &'a str,
    pub(crate) place: &'a str,
    pub(crate) text: &'a str,
    pub(crate) reference: &'a str,
    pub(crate) return_url: &'a str,
    pub(crate) lifetime_seconds: u32,
}

/// An order as far as a shop cares.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) state: State,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) card: String,
    #[serde(default)]
    pub(crate) text: Option<String>,
    pub(crate) pay_url: String,
    pub(crate) created_at: i64,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    AwaitingCard,
    Processing,
    Paid,
    Declined,
    Expired,
    Canceled,
    Failed,
}

/// A holder's card as far as a shop may see it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Card {
    pub(crate) id: String,
    pub(crate) number: String,
    pub(crate) has_display: bool,
    pub(crate) state: String,
}

#[derive(Deserialize)]
struct List<T> {
    data: Vec<T>,
}

#[derive(Deserialize)]
struct ProblemDocument {
    code: String,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    title: Option<String>,
}

/// Whether a text is an order's id: `ord_` and 32 hexadecimal digits.
pub(crate) fn is_order_id(text: &str) -> bool {
    text.strip_prefix("ord_").is_some_and(|digits| digits.len() == 32 && digits.bytes().all(is_hex))
}

impl Platform {
    /// A client that follows no redirects and no proxy of the environment: the key goes to the platform alone.
    pub(crate) fn new(config: &Config) -> Result<Self, SetupError> {
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, config.api_key.header()),
            (ACCEPT, HeaderValue::from_static("application/json, application/problem+json")),
        ]);
        let client = Client::builder()
            .default_headers(headers)
            .redirect(Policy::none())
            .no_proxy()
            .timeout(LIMIT)
            .build()
            .map_err(SetupError::Client)?;
        Ok(Self { client, base: config.platform.clone() })
    }

    /// Makes an order. The same key and body make it once, however often they are sent.
    pub(crate) async fn create(&self, key: &str, new: &NewOrder<'_>) -> Result<Order, PlatformError> {
        let url = under(&self.base, &["v1", "orders"]);
        order(ask(self.client.post(url).header("Idempotency-Key", key).json(new)).await?)
    }

    /// Reads an order.
    pub(crate) async fn order(&self, id: &str) -> Result<Order, PlatformError> {
        order(ask(self.client.get(under(&self.base, &["v1", "orders", id]))).await?)
    }

    /// Reads a holder's cards.
    pub(crate) async fn cards(&self, holder: &str) -> Result<Vec<Card>, PlatformError> {
        let url = under(&self.base, &["v1", "holders", holder, "cards"]);
        let list: List<Card> = ask(self.client.get(url)).await?;
        Ok(list.data)
    }
}

/// The id enters addresses and pages: it is checked where it enters the shop.
fn order(order: Order) -> Result<Order, PlatformError> {
    if is_order_id(&order.id) { Ok(order) } else { Err(PlatformError::Malformed("an order's id")) }
}

async fn ask<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, PlatformError> {
    let response = request.send().await.map_err(|error| broken(&error))?;
    let status = response.status();
    let body = read(response).await?;
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|_| PlatformError::Malformed("the body"));
    }
    if !status.is_client_error() && !status.is_server_error() {
        return Err(PlatformError::Malformed("the status"));
    }
    let problem: ProblemDocument =
        serde_json::from_slice(&body).map_err(|_| PlatformError::Malformed("the problem"))?;
    let detail = problem.detail.or(problem.title).unwrap_or_default();
    let short = |text: String| text.chars().take(WORDS_MAX).collect();
    Err(PlatformError::Problem { code: short(problem.code), status, detail: short(detail) })
}

async fn read(mut response: Response) -> Result<Vec<u8>, PlatformError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(PlatformError::Malformed("the length"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn broken(error: &reqwest::Error) -> PlatformError {
    if error.is_timeout() { PlatformError::TimedOut } else { PlatformError::Unreachable }
}
