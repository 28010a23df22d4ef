//! Who reads: in which language, at which address, inside another page or not.
//!
//! For: the [`Page`] of every template, from `?lang=`, then the cookie, then `Accept-Language`. A language
//! that was asked for is kept in the cookie. Refuses: anything else that a query may say.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use pages::{Language, Page, Template};

/// A reader and the page that is made for them.
pub(super) struct Reader {
    pub(super) page: Page,
    /// The language was chosen just now.
    chosen: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        // A query that cannot be read says nothing; it is no reason to show no page.
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map(|Query(query)| query)
            .unwrap_or_default();
        let asked = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let chosen = asked("lang").and_then(|tag| Language::from_tag(tag));
        let language = chosen
            .or_else(|| cookie(&parts.headers, "lang").and_then(Language::from_tag))
            .or_else(|| preferred(&parts.headers))
            .unwrap_or_default();
        let bare = asked("bare").is_some_and(|value| value == "1");
        let path = parts.uri.path();
        let here = if bare { format!("{path}?bare=1") } else { path.to_owned() };
        Ok(Self { page: Page::new(language).at(here).bare(bare), chosen: chosen.is_some() })
    }
}

impl Reader {
    /// A page for this reader, with the cookie that keeps a chosen language.
    pub(super) fn answer(&self, status: StatusCode, page: &impl Template) -> Response {
        let mut response = super::rendered(status, page);
        if self.chosen {
            let cookie = match self.page.language {
                Language::English => "lang=en; Path=/; Max-Age=31536000; SameSite=Lax",
                Language::Chinese => "lang=zh; Path=/; Max-Age=31536000; SameSite=Lax",
            };
            let headers = response.headers_mut();
            headers.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
        }
        let vary = HeaderValue::from_static("Accept-Language, Cookie");
        response.headers_mut().insert(header::VARY, vary);
        response
    }
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

fn preferred(headers: &HeaderMap) -> Option<Language> {
    let value = headers.get(header::ACCEPT_LANGUAGE)?;
    Language::from_tag(value.to_str().ok()?)
}
