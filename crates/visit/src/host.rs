//! Under which names a program without a login answers.
//!
//! A page of another site can have its own name point to this machine (DNS rebinding): to a browser it is then
//! one site with us, and the check of forms lets it in. Such a name is not ours, so it gets no answer at all.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Names beside addresses and `localhost`.
#[derive(Clone, Debug, Default)]
pub struct HostNames(Arc<[String]>);

impl HostNames {
    /// These names, without ports; addresses and `localhost` are always good.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(str::to_ascii_lowercase).collect())
    }

    fn has(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            Some(_) | None => host,
        };
        let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        bare.parse::<IpAddr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self.0.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Answers only under a name that is ours.
pub(crate) async fn known(State(names): State<HostNames>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    if host.is_some_and(|host| names.has(host)) {
        return next.run(request).await;
    }
    tracing::warn!("a request under a name that is not ours was refused");
    (StatusCode::MISDIRECTED_REQUEST, "This program does not answer under this name. Use its address.\n")
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_named_hosts_are_ours_and_no_other() {
        let names = HostNames::new(["console.bank.example"]);
        for (host, ours) in [
            ("127.0.0.1:8082", true),
            ("[::1]:8082", true),
            ("[::1]", true),
            ("10.0.0.7", true),
            ("localhost:8082", true),
            ("Console.Bank.example", true),
            ("console.bank.example:443", true),
            ("evil.example:8082", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
            ("", false),
        ] {
            assert_eq!(names.has(host), ours, "{host}");
        }
    }
}
