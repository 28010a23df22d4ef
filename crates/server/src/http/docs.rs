//! `/docs`: the description for people, without a network.

use axum::Json;
use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;

use super::Api;

pub(super) async fn json(description: OpenApi) -> impl IntoResponse {
    Json(description)
}

/// Swagger UI from its vendored crate: every file is in the program.
pub(super) fn router() -> Router<Api> {
    // Its validator would be asked over the Internet, and told where we are.
    let config = Config::new(["/openapi.json"])
        .try_it_out_enabled(true)
        .persist_authorization(false)
        .validator_url("none");
    Router::<Api>::from(utoipa_swagger_ui::SwaggerUi::new("/docs").config(config))
        .route("/", get(|| async { axum::response::Redirect::to("/docs/") }))
}
