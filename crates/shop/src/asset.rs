//! The files beside the pages.

use axum::Extension;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use pages::{Language, Page};

use crate::answer;

pub(crate) async fn show(
    Extension(language): Extension<Language>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    let Some(asset) = path.ok().and_then(|Path(name)| pages::asset(&name)) else {
        return answer::not_found(Page::new(language));
    };
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kept = [(CACHE_CONTROL, "no-cache"), (ETAG, asset.etag)];
    if known.split(',').any(|mark| mark.trim().trim_start_matches("W/") == asset.etag) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(CONTENT_TYPE, asset.content_type)], asset.bytes).into_response()
}
