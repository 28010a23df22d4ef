//! Who may press a card and frame its page.
//!
//! For: the headers that every answer carries, and the refusal of another site's requests. A card's key is
//! pressed by a plain form; without this any page that its holder looks at could press it.
//! Refuses: being a login. A program that is no browser sends neither header and is let through.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Which pages may show a card in a frame. Whoever may can lay something over its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// None.
    #[default]
    Nobody,
    /// Any: for a demonstration, whose desk shows shop and card side by side.
    Anybody,
    /// Those of one origin, such as `http://127.0.0.1:8080`.
    Origin(String),
}

impl Framing {
    /// Everything from this host and nothing inline, as the pages are written.
    pub(super) fn content_security_policy(&self) -> HeaderValue {
        let ancestors = match self {
            Self::Anybody => "*",
            // An origin that could end the directive and begin another is none.
            Self::Origin(origin) if origin.bytes().all(is_of_an_origin) && !origin.is_empty() => origin,
            Self::Nobody | Self::Origin(_) => "'none'",
        };
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
        );
        // Only visible ASCII was let in.
        HeaderValue::try_from(policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
    }
}

fn is_of_an_origin(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b":/.-[]".contains(&byte)
}

/// Puts on every answer what a browser must know.
pub(super) async fn add_headers(State(policy): State<HeaderValue>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // A page shows a moment; only assets may be kept, and say so themselves.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Lets a request through that this host's own page made, or no page at all.
pub(super) async fn refuse_cross_site(request: Request, next: Next) -> Response {
    if is_cross_site(request.headers()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

fn is_cross_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin";
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    // `null` has no host and is cross-site.
    let origin_host = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    origin_host.map(|(_, host)| host.as_bytes()) != host || host.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_site_is_told_by_either_header() {
        let cross = |headers: &[(&'static str, &'static str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
                .collect::<HeaderMap>();
            is_cross_site(&headers)
        };
        let host = ("host", "127.0.0.1:8090");
        assert!(!cross(&[host]));
        assert!(!cross(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(cross(&[host, ("sec-fetch-site", "cross-site")]));
        // Another port is another origin and the same site.
        assert!(cross(&[host, ("sec-fetch-site", "same-site")]));
        assert!(!cross(&[host, ("origin", "http://127.0.0.1:8090")]));
        assert!(cross(&[host, ("origin", "http://127.0.0.1:8080")]));
        assert!(cross(&[host, ("origin", "null")]));
        assert!(cross(&[("origin", "http://127.0.0.1:8090")]));
    }

    #[test]
    fn a_framing_page_cannot_widen_the_policy() {
        let policy = |framing: Framing| framing.content_security_policy().to_str().unwrap().to_owned();
        assert!(policy(Framing::Nobody).ends_with("frame-ancestors 'none'"));
        assert!(policy(Framing::Anybody).ends_with("frame-ancestors *"));
        let desk = Framing::Origin("http://127.0.0.1:8080".into());
        assert!(policy(desk).ends_with("frame-ancestors http://127.0.0.1:8080"));
        let evil = Framing::Origin("*; script-src *".into());
        assert!(policy(evil).ends_with("frame-ancestors 'none'"));
    }
}
