//! The files beside the pages.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

/// One embedded file, or that the browser has it already.
pub async fn file(headers: HeaderMap, Path(name): Path<String>) -> Response {
    let Some(asset) = pages::asset(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kept = [(CACHE_CONTROL, "no-cache"), (ETAG, asset.etag)];
    if known.split(',').any(|mark| mark.trim().trim_start_matches("W/") == asset.etag) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(CONTENT_TYPE, asset.content_type)], asset.bytes).into_response()
}
