//! `POST /tap`: an envelope in, an envelope out. What both of the bank's doors have in common is here, too.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use tap::RefusalCode;
use tower_http::set_header::SetResponseHeaderLayer;

use super::{Bank, Refused};

/// The longest body of a request, in bytes.
const BODY_MAX: usize = 32 * 1024;
/// The longest that an answer may take, from the request's headers on.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// What an envelope is sent as.
const OCTETS: &str = "application/octet-stream";

/// The transaction server's interface.
pub fn router(bank: Bank) -> Router {
    door(Router::new().route("/tap", post(tap)).with_state(bank))
}

async fn tap(State(bank): State<Bank>, request: Request) -> Response {
    let envelope = match envelope(request).await {
        Ok(envelope) => envelope,
        Err(refusal) => return refusal.counted(bank.app().metrics()),
    };
    answered(bank.answer(&envelope).await)
}

/// An envelope, or a refusal in clear.
pub(crate) fn answered(answer: Result<Vec<u8>, Refused>) -> Response {
    match answer {
        Ok(envelope) => ([(CONTENT_TYPE, OCTETS)], envelope).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// Limits, health and refusals that do not depend on what a door is for.
pub(crate) fn door(routes: Router) -> Router {
    routes
        .route("/healthz", get(|| async { "alive\n" }))
        .fallback(|| async { Refusal::new(404, "no_such_endpoint", "there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            Refusal::new(405, "method_not_allowed", "this path does not take this method")
        })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn(in_time))
        .layer(SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .layer(SetResponseHeaderLayer::if_not_present(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
}

/// What was kept when an answer takes too long stays kept: the terminal's next tap finds it.
async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER_WAIT, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => Refusal::new(504, "timed_out", "no answer within 30 s").into_response(),
    }
}

/// The body of a request that is an envelope.
pub(crate) async fn envelope(request: Request) -> Result<Bytes, Refusal> {
    body(request, OCTETS).await
}

/// The body of a request that says it is of this media type.
pub(crate) async fn body(request: Request, wanted: &'static str) -> Result<Bytes, Refusal> {
    let said = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let said = said.split(';').next().unwrap_or("").trim();
    if !said.eq_ignore_ascii_case(wanted) {
        return Err(Refusal::new(415, "wrong_media_type", format!("send Content-Type: {wanted}")));
    }
    Bytes::from_request(request, &()).await.map_err(|error: BytesRejection| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refused::new(RefusalCode::TooLarge).into(),
        _ => Refusal::new(400, "body_cut", "the body ended before its length"),
    })
}

/// A request that is refused in clear: `{"code": …, "detail": …}`.
pub(crate) struct Refusal {
    status: u16,
    code: &'static str,
    detail: Option<String>,
}

#[derive(Serialize)]
struct RefusalBody {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: Some(detail.into()) }
    }

    /// Counts it and answers it.
    pub(crate) fn counted(self, metrics: &crate::Metrics) -> Response {
        metrics.tap_refused(self.code);
        self.into_response()
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self { status: refused.code.status(), code: refused.code.code(), detail: refused.detail }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response =
            (status, Json(RefusalBody { code: self.code, detail: self.detail })).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        Refusal::from(self).into_response()
    }
}
