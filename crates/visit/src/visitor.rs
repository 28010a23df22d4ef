//! Who visits: the language that a request asks for.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use pages::{Language, LoggedIn, Page};

/// The cookie that keeps the language.
const LANGUAGE: &str = "lang";
const YEAR_SECONDS: u32 = 31_536_000;

/// What a program with a login knows of a request: put it beside the request, and pages have it.
#[derive(Clone, Debug, Default)]
pub struct Badge {
    /// What the forms of the answer carry.
    pub form_token: Option<String>,
    /// Who is logged in.
    pub operator: Option<LoggedIn>,
}

/// A visitor: the language they read, and where they are.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The language.
    pub language: Language,
    /// Path and query without `lang`.
    here: String,
    /// The page stands inside another (`?bare=1`).
    bare: bool,
    badge: Badge,
}

impl Visitor {
    /// The setting of a page for this visitor.
    pub fn page(&self) -> Page {
        let page = Page::new(self.language).at(self.here.as_str()).bare(self.bare);
        let Badge { form_token, operator } = self.badge.clone();
        page.with_form_token(form_token).for_operator(operator)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let pairs = || parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let kept: Vec<&str> = pairs().filter(|pair| !pair.starts_with("lang=")).collect();
        let path = parts.uri.path();
        let here = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
        let language = parts.extensions.get::<Language>().copied().unwrap_or_default();
        let badge = parts.extensions.get::<Badge>().cloned().unwrap_or_default();
        Ok(Self { language, here, bare: kept.contains(&"bare=1"), badge })
    }
}

/// Puts the visitor's [`Language`] beside the request, and keeps it when it was asked for by address.
pub(crate) async fn know(mut request: Request, next: Next) -> Response {
    let asked = request.uri().query().and_then(|query| {
        query.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Language::from_tag)
    });
    let language = asked
        .or_else(|| cookie(request.headers(), LANGUAGE).and_then(Language::from_tag))
        .or_else(|| Language::from_tag(request.headers().get(ACCEPT_LANGUAGE)?.to_str().ok()?))
        .unwrap_or_default();
    request.extensions_mut().insert(language);
    let mut response = next.run(request).await;
    if let Some(language) = asked {
        let tag = language.tag();
        let cookie = format!("{LANGUAGE}={tag}; Path=/; Max-Age={YEAR_SECONDS}; SameSite=Lax; HttpOnly");
        if let Ok(value) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(SET_COOKIE, value);
        }
    }
    response
}

/// A cookie's value.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}
