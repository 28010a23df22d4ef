//! What merchants call: REST and JSON under `/v1`.
//!
//! For: turning requests into use cases of `app`, and their refusals into problem+json with stable codes.
//! Refuses: deciding anything. Next: [`problem`] for every code, [`openapi`] for the published description.

mod auth;
mod balances;
mod cards;
mod docs;
mod events;
mod health;
mod input;
mod limits;
pub mod openapi;
mod orders;
pub mod problem;
mod refunds;
mod schema;
mod settlements;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::HeaderValue;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::fleet::Fleet;
pub(crate) use input::Named;
use limits::Limits;
use problem::{Code, Problem};

/// The longest body of a request, in bytes.
const BODY_MAX: usize = 16 * 1024;
/// The longest that an answer may take; event streams begin their answer at once.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// What every handler is given.
#[derive(Clone)]
pub struct Api {
    pub(crate) fleet: Fleet,
    /// Where holders' browsers reach the pages of this platform, without a slash at the end.
    pub(crate) public_url: Arc<str>,
    limits: Arc<Limits>,
}

impl Api {
    /// The API of a platform that is reached from outside at `public_url`.
    pub fn new(fleet: Fleet, public_url: &str) -> Self {
        let limits = Arc::new(Limits::new(fleet.app().rules()));
        Self { fleet, public_url: public_url.trim_end_matches('/').into(), limits }
    }

    /// Whether a terminator with TLS stands in front, which says who calls.
    fn is_behind_tls(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// The merchant interface with its description and health.
pub fn router(api: Api) -> Router {
    let (routes, description) = openapi::split();
    routes
        .route_layer(from_fn_with_state(api.clone(), limits::address))
        .route("/openapi.json", get(move || docs::json(description.clone())))
        .merge(docs::router())
        .merge(health::router())
        .fallback(|| async { Problem::new(Code::NoSuchEndpoint) })
        .method_not_allowed_fallback(|| async { Problem::new(Code::MethodNotAllowed) })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn(in_time))
        .layer(SetResponseHeaderLayer::if_not_present(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .with_state(api)
}

/// Health and metrics for the operators' listener.
pub fn operations(api: Api) -> Router {
    health::router().merge(health::metrics()).with_state(api)
}

/// An answer that takes too long is a problem like any other; what was kept meanwhile stays kept.
async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER_WAIT, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => Problem::new(Code::TimedOut).into_response(),
    }
}
