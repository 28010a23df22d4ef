//! What every program that serves pages does for a visitor: their language, the files beside a page, what their
//! browser is told to allow, and whose forms are let in.
//!
//! For: the shop, the platform's pages and the cards' faces, which are three programs. Refuses: knowing what any
//! page says (see `pages`).
//! Next: [`welcome`], which puts it all around a router.

mod door;
mod files;
mod host;
mod visitor;

pub use door::Policy;
pub use files::file;
pub use host::HostNames;
pub use visitor::{Badge, Visitor, cookie};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use pages::Template;

/// Puts language, files, policy and the check of forms around a program's own routes.
pub fn welcome<S: Clone + Send + Sync + 'static>(routes: Router<S>, policy: Policy) -> Router<S> {
    routes
        .route("/assets/{name}", get(file))
        .layer(from_fn(door::keep))
        .layer(from_fn_with_state(policy, door::tell))
        .layer(from_fn(visitor::know))
}

/// Lets a program without a login answer only under names that are its own.
pub fn only_under<S: Clone + Send + Sync + 'static>(routes: Router<S>, names: HostNames) -> Router<S> {
    routes.layer(from_fn_with_state(names, host::known))
}

/// A page as an answer. It is the visitor's own, so nobody on the way keeps it.
pub fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, [(CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
