//! Who calls: an API key as a bearer token (RFC 6750).

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use payment::MerchantId;
use store::ApiScope;

use super::Api;
use super::problem::{Code, Problem};
use crate::test_mode::TestMode;

/// A merchant whose key was right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    pub(super) merchant: MerchantId,
}

/// The bearer token of a request.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("Bearer") && !token.trim().is_empty())
        .map(|(_, token)| token.trim())
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Api: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let api = Api::from_ref(state);
        let token = token(&parts.headers).ok_or(Problem::new(Code::NoApiKey))?;
        let key = api.fleet.app().merchant_of_key(token)?.ok_or(Problem::new(Code::WrongApiKey))?;
        let now = api.fleet.app().now();
        api.limits.key(key.digest, now)?;
        if api.uses.is_news(key.digest, now) {
            api.fleet.app().key_used(key.digest, now);
        }
        let asks = matches!(parts.method, Method::GET | Method::HEAD);
        match key.scope {
            ApiScope::Read if !asks => return Err(Problem::new(Code::KeyMayOnlyRead)),
            ApiScope::Read | ApiScope::All => {}
        }
        Ok(Self { merchant: key.merchant })
    }
}

/// A merchant whose test key was right, at a test mode.
#[derive(Clone)]
pub(super) struct Tester {
    pub(super) merchant: MerchantId,
    pub(super) mode: TestMode,
}

impl<S> FromRequestParts<S> for Tester
where
    S: Send + Sync,
    Api: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Caller { merchant } = Caller::from_request_parts(parts, state).await?;
        let api = Api::from_ref(state);
        let mode = api.test_mode().cloned().ok_or(Problem::new(Code::TestKeyNeeded))?;
        Ok(Self { merchant, mode })
    }
}
