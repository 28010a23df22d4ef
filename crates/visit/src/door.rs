//! What browsers are told to allow, and whose forms are let in.

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// A content security policy: everything from the program itself, and what is named besides.
#[derive(Clone, Debug)]
pub struct Policy(HeaderValue);

impl Policy {
    /// `form_targets`: origins that forms may lead on to (browsers hold a form's redirects to this too).
    /// `framed_by`: origins that may show the pages in a frame. `frames`: what the pages may frame.
    pub fn new(form_targets: &[&str], framed_by: &[&str], frames: &str) -> Self {
        let policy = format!(
            "default-src 'self'; object-src 'none'; base-uri 'none'; frame-src {frames}; \
             form-action 'self'{}; frame-ancestors 'self'{}",
            listed(form_targets),
            listed(framed_by),
        );
        // An origin with a line end in it is no origin: then nothing is allowed.
        let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        Self(HeaderValue::try_from(policy).unwrap_or(nothing))
    }
}

fn listed(origins: &[&str]) -> String {
    origins.iter().map(|origin| format!(" {}", origin.replace([';', ',', ' '], ""))).collect()
}

/// Tells browsers what to allow, on every answer.
pub(crate) async fn tell(State(Policy(policy)): State<Policy>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// Lets forms in only when this program's own pages sent them.
pub(crate) async fn keep(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || is_own(request.headers()) {
        return next.run(request).await;
    }
    tracing::warn!(path = request.uri().path(), "a form from another site was refused");
    (StatusCode::FORBIDDEN, "This form was sent from another site. Go back and use the page itself.\n")
        .into_response()
}

/// Browsers say where a form comes from: `Sec-Fetch-Site`, or `Origin` where the page is not served securely.
/// Whoever says neither is no browser, and carries nobody's cookies.
fn is_own(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let (Ok(origin), Some(host)) = (origin.to_str(), headers.get(HOST).and_then(|host| host.to_str().ok()))
    else {
        return false;
    };
    origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_come_from_the_programs_own_pages_alone() {
        for (site, origin, own) in [
            (Some("same-origin"), None, true),
            (Some("none"), None, true),
            (Some("cross-site"), Some("http://shop.example:8081"), false),
            (Some("same-site"), None, false),
            (None, None, true),
            (None, Some("http://shop.example:8081"), true),
            (None, Some("http://shop.example:8080"), false),
            (None, Some("http://evil.example"), false),
            (None, Some("null"), false),
        ] {
            let mut headers = HeaderMap::new();
            let pairs = [("sec-fetch-site", site), ("origin", origin), ("host", Some("shop.example:8081"))];
            for (name, value) in pairs.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                headers.insert(name, HeaderValue::from_static(value));
            }
            assert_eq!(is_own(&headers), own, "{site:?} {origin:?}");
        }
    }

    #[test]
    fn a_policy_names_who_may_be_led_to_and_who_may_frame() {
        let Policy(policy) = Policy::new(&["http://pay.example"], &["http://desk.example"], "'none'");
        let policy = policy.to_str().unwrap();
        assert!(policy.contains("form-action 'self' http://pay.example;"));
        assert!(policy.ends_with("frame-ancestors 'self' http://desk.example"));
    }
}
