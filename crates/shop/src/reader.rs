//! Who reads: the language that a request asks for, and the cookies it brings.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::middleware::Next;
use axum::response::Response;
use pages::Language;

use crate::answer;
use crate::shop::Shop;

/// The cookie that keeps the language.
const LANGUAGE: &str = "lang";
const YEAR_SECONDS: u32 = 31_536_000;

/// Puts the reader's [`Language`] beside the request, and keeps it when it was asked for by address.
pub(crate) async fn know(State(shop): State<Shop>, mut request: Request, next: Next) -> Response {
    let asked = request.uri().query().and_then(|query| {
        query.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Language::from_tag)
    });
    let language = asked
        .or_else(|| cookie(request.headers(), LANGUAGE).and_then(Language::from_tag))
        .or_else(|| {
            let header = request.headers().get(ACCEPT_LANGUAGE)?;
            Language::from_tag(header.to_str().ok()?)
        })
        .unwrap_or_default();
    request.extensions_mut().insert(language);
    let response = next.run(request).await;
    match asked {
        Some(language) => {
            let cookie = shop.cookie(LANGUAGE, language.tag(), "/", YEAR_SECONDS);
            answer::with_cookie(response, cookie)
        }
        None => response,
    }
}

/// A cookie's value.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}
