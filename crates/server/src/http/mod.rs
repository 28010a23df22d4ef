//! What merchants call: REST and JSON under `/v1`.
//!
//! For: turning requests into use cases of `app`, and their refusals into problem+json with stable codes.
//! Refuses: deciding anything. Next: [`problem`] for every code, [`openapi`] for the published description.

mod auth;
mod balances;
mod cards;
mod created;
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
mod test_mode;
mod uses;
mod webhook_deliveries;
mod webhook_endpoints;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::HeaderValue;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_service::Service as _;

use crate::app::Mode;
use crate::fleet::Fleet;
use crate::test_mode::TestMode;
pub(crate) use input::Named;
use limits::Limits;
pub(crate) use orders::order_of_event;
use problem::{Code, Problem};
use uses::KeyUses;

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
    /// The test mode that this is the API of.
    test: Option<TestMode>,
    /// The API of the test mode beside this platform of live money.
    beside: Option<Arc<Api>>,
    uses: Arc<KeyUses>,
}

/// Where pages of the test mode are, beside those of live money.
pub const TEST_PAGES: &str = "/test";

impl Api {
    /// The API of a platform that is reached from outside at `public_url`.
    pub fn new(fleet: Fleet, public_url: &str) -> Self {
        let limits = Arc::new(Limits::new(fleet.app().rules()));
        let (uses, public_url) = (Arc::default(), public_url.trim_end_matches('/').into());
        Self { fleet, public_url, limits, uses, test: None, beside: None }
    }

    /// The same with a test mode beside it, which keys `cf_test_…` reach and no others.
    #[must_use]
    pub fn with_test_mode(self, mode: &TestMode) -> Self {
        let pages = format!("{}{TEST_PAGES}", self.public_url);
        let beside = Self { test: Some(mode.clone()), ..Self::new(mode.fleet().clone(), &pages) };
        Self { beside: Some(Arc::new(beside)), ..self }
    }

    /// The API of the test mode beside it.
    pub(crate) fn beside(&self) -> Option<&Self> {
        self.beside.as_deref()
    }

    /// The test mode that this is the API of.
    pub(crate) fn test_mode(&self) -> Option<&TestMode> {
        self.test.as_ref()
    }

    /// An order may wait for a card: it goes there if it can. A card of the test mode has acted when this ends.
    pub(crate) async fn card_asked(&self, card: model::CardId) {
        let Some(mode) = &self.test else { return self.fleet.order_made(card).await };
        if let Err(error) = mode.act(card, None).await {
            // It acts in the next turn.
            tracing::error!(%error, "a test card could not act");
        }
    }

    /// What the paths of its pages begin with.
    pub(crate) fn pages(&self) -> &'static str {
        if self.test.is_some() { TEST_PAGES } else { "" }
    }

    /// Whether a terminator with TLS stands in front, which says who calls.
    fn is_behind_tls(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// The merchant interface with its description and health: of live money, and of the test mode beside it.
pub fn router(api: Api) -> Router {
    let beside = api.beside.as_deref().cloned().map(of_one_mode);
    // Before any route is found: what one router finds in a path is not for another.
    Router::new().fallback_service(of_one_mode(api)).layer(from_fn_with_state(beside, by_mode))
}

/// A test key reaches the test mode, whatever else is asked for, and anything else never does. Nothing is looked up to say
/// which.
async fn by_mode(State(beside): State<Option<Router>>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/v1/") {
        return next.run(request).await;
    }
    match auth::token(request.headers()).and_then(Mode::of_key) {
        Some(Mode::Test) => match beside {
            Some(mut test) => match test.call(request).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            },
            None => Problem::new(Code::TestModeOff).into_response(),
        },
        Some(Mode::Live) | None => next.run(request).await,
    }
}

fn of_one_mode(api: Api) -> Router {
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
