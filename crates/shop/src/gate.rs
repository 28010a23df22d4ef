//! The shop's door: who may send forms in, and what browsers are told to allow.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use pages::{Language, Page};
use reqwest::Url;

use crate::config::Config;
use crate::shop::Shop;
use crate::{answer, desk, words};

/// The content security policies, made once.
pub(crate) struct Policies {
    shop: HeaderValue,
    desk: HeaderValue,
}

impl Policies {
    /// The shop may send forms to itself and on to the platform (browsers hold a form's redirects to `form-action`
    /// too). The desk may frame anything, since its cards live where they like, and is framed by nobody.
    pub(crate) fn new(config: &Config) -> Self {
        let origin = |url: &Url| url.origin().ascii_serialization();
        let common = "default-src 'self'; object-src 'none'; base-uri 'none'";
        let ancestors: String =
            config.frame_ancestors.iter().map(|url| format!(" {}", origin(url))).collect();
        let platform = origin(&config.platform_origin);
        let shop = format!(
            "{common}; frame-src 'none'; form-action 'self' {platform}; frame-ancestors 'self'{ancestors}"
        );
        let desk = format!("{common}; frame-src *; form-action 'self'; frame-ancestors 'none'");
        // An origin is ASCII without line ends, so the second halves are never needed; they allow nothing.
        let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        Self {
            shop: HeaderValue::try_from(shop).unwrap_or_else(|_| nothing.clone()),
            desk: HeaderValue::try_from(desk).unwrap_or(nothing),
        }
    }
}

/// Tells browsers what to allow, on every answer.
pub(crate) async fn tell(State(shop): State<Shop>, request: Request, next: Next) -> Response {
    let policies = shop.policies();
    let policy = if request.uri().path() == desk::PATH { &policies.desk } else { &policies.shop }.clone();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// Lets forms in only when this shop's own pages sent them.
pub(crate) async fn keep(
    State(shop): State<Shop>,
    Extension(language): Extension<Language>,
    request: Request,
    next: Next,
) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || is_own(request.headers(), &shop.config().origin) {
        return next.run(request).await;
    }
    tracing::warn!(path = request.uri().path(), "a form from another site was refused");
    answer::refused(Page::new(language).at("/"), StatusCode::FORBIDDEN, words::cross_site(language))
}

/// Browsers say where a form comes from: `Sec-Fetch-Site`, or `Origin` where the shop is not served securely.
/// Whoever says neither is no browser, and carries nobody's cookies.
fn is_own(headers: &HeaderMap, own: &Url) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Some(origin) = origin.to_str().ok().and_then(|text| Url::parse(text).ok()) else { return false };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let here = host.and_then(|host| Url::parse(&format!("{}://{host}", own.scheme())).ok());
    origin.origin().is_tuple()
        && (origin.origin() == own.origin() || here.is_some_and(|here| here.origin() == origin.origin()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_come_from_the_shop_alone() {
        let own = Url::parse("http://shop.example:8081/").unwrap();
        for (site, origin, host, expected) in [
            (Some("same-origin"), None, "x", true),
            (Some("none"), None, "x", true),
            (Some("cross-site"), Some("http://shop.example:8081"), "x", false),
            (Some("same-site"), None, "x", false),
            (Some("SAME-ORIGIN"), None, "x", false),
            (None, None, "x", true),
            (None, Some("http://shop.example:8081"), "x", true),
            (None, Some("http://shop.example:8080"), "shop.example:8081", false),
            (None, Some("https://shop.example:8081"), "shop.example:8081", false),
            (None, Some("http://127.0.0.1:8081"), "127.0.0.1:8081", true),
            (None, Some("http://evil.example"), "shop.example:8081", false),
            (None, Some("null"), "null", false),
            (None, Some("data:x"), "x", false),
        ] {
            let mut headers = HeaderMap::new();
            let pairs = [("sec-fetch-site", site), ("origin", origin), ("host", Some(host))];
            for (name, value) in pairs.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                headers.insert(name, HeaderValue::from_static(value));
            }
            assert_eq!(is_own(&headers, &own), expected, "{site:?} {origin:?} {host}");
        }
    }
}
