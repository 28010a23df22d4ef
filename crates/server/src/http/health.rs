//! `/healthz`: the process lives. `/readyz`: it can keep something. `/metrics`: what it counted.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use payment::LoadState;

use super::Api;

pub(super) fn router() -> Router<Api> {
    Router::new().route("/healthz", get(|| async { "alive\n" })).route("/readyz", get(ready))
}

pub(super) fn metrics() -> Router<Api> {
    Router::new().route("/metrics", get(encoded))
}

async fn ready(State(api): State<Api>) -> (StatusCode, String) {
    let store = api.fleet.app().store();
    let queue = store.queue();
    match api.fleet.app().can_keep().await {
        Ok(_) if queue.waiting < queue.limit => (StatusCode::OK, "ready\n".into()),
        Ok(_) => (StatusCode::SERVICE_UNAVAILABLE, "write_queue_full\n".into()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", error.code())),
    }
}

async fn encoded(State(api): State<Api>) -> impl IntoResponse {
    let app = api.fleet.app();
    // A store that is away is what the other series tell; this one stays as it was.
    if let Ok([open, in_doubt]) = app.store().read(|rows| rows.unfinished_loads()).await {
        app.metrics().loads(LoadState::Open.name(), open);
        app.metrics().loads(LoadState::InDoubt.name(), in_doubt);
    }
    let text = app.metrics().encode(app.store().queue().waiting);
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}
