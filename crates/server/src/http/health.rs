//! `/healthz`: the process lives. `/readyz`: it can keep something, and does not stop. `/health`: this node among the others, for
//! operators. `/metrics`: what it counted.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use payment::LoadState;
use serde_json::{Value, json};

use super::Api;
use crate::nodes::{Job, Role, Verdict};

pub(super) fn router() -> Router<Api> {
    Router::new().route("/healthz", get(|| async { "alive\n" })).route("/readyz", get(ready))
}

pub(super) fn metrics() -> Router<Api> {
    Router::new().route("/metrics", get(encoded)).route("/health", get(health))
}

/// This node and the others, as its newest look saw them.
async fn health(State(api): State<Api>) -> Json<Value> {
    let Some(nodes) = api.fleet.app().nodes() else {
        return Json(json!({ "nodes": [], "warnings": [] }));
    };
    let (own, apart) = (nodes.name().as_str(), nodes.apart());
    let living: Vec<Value> = nodes
        .living()
        .into_iter()
        .map(|node| {
            json!({
                "name": node.name, "roles": node.roles.split(',').collect::<Vec<_>>(), "epoch": node.epoch,
                "version": node.version, "addresses": node.addresses, "entered_at": node.entered_at.0,
                "heard_at": node.heard_at.0, "clock_apart_ms": node.clock_apart,
            })
        })
        .collect();
    let duties: Vec<Value> = nodes
        .leases()
        .into_iter()
        .map(|lease| json!({ "job": lease.name, "node": lease.node, "epoch": lease.epoch }))
        .collect();
    let warnings = match apart.verdict() {
        Verdict::Together => Vec::new(),
        Verdict::Apart | Verdict::TooFar => {
            vec![format!("clock_apart: this node's clock is {} the database's", apart.words())]
        }
    };
    let roles: Vec<&str> = nodes.roles().iter().map(Role::name).collect();
    Json(json!({
        "node": own, "roles": roles, "epoch": nodes.epoch(), "serves": nodes.serves(),
        "clock_apart_ms": apart.millis, "warnings": warnings, "nodes": living, "duties": duties,
    }))
}

async fn ready(State(api): State<Api>) -> (StatusCode, String) {
    if api.fleet.app().nodes().is_some_and(|nodes| !nodes.serves()) {
        return (StatusCode::SERVICE_UNAVAILABLE, "node_leaves\n".into());
    }
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
    if let Some(nodes) = app.nodes() {
        app.metrics().nodes(nodes.living().len(), nodes.apart().millis);
        for job in Job::ALL {
            app.metrics().duty(job.name(), nodes.duty(job).is_some());
        }
    }
    let text = app.metrics().encode(app.store().queue().waiting);
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}
