//! Bodies, queries and path ids, with the reason when they are not what an endpoint takes.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use super::problem::{Code, Problem};

/// A JSON body and the digest of its bytes.
pub(super) struct Body<T> {
    pub(super) value: T,
    pub(super) digest: [u8; 32],
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
                value.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json")
            });
        if !is_json {
            return Err(Problem::new(Code::WrongMediaType));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|error: BytesRejection| match error
            .status()
        {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::BodyTooLarge),
            _ => Problem::with(Code::InvalidJson, error.body_text()),
        })?;
        // Serde takes a list for an object whose fields it has in their order: `[]` would be a refund of all that is left.
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|&first| first != b'{') {
            return Err(Problem::with(Code::InvalidJson, "the body is a JSON object: {…}"));
        }
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| Problem::with(Code::InvalidJson, error.to_string()))?;
        Ok(Self { value, digest: Sha256::digest(&bytes).into() })
    }
}

/// An object inside a body, for `deserialize_with`: no list, as with the body itself.
pub(super) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    let fields = Option::<serde_json::Map<String, serde_json::Value>>::deserialize(from)?;
    let read = |fields| T::deserialize(serde_json::Value::Object(fields)).map_err(D::Error::custom);
    fields.map(read).transpose()
}

/// Query parameters.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(value) = Query::<T>::from_request_parts(parts, state).await.map_err(|error| {
            // Which parameter it is, without how it was read.
            let said = error.body_text();
            let which = said.strip_prefix("Failed to deserialize query string: ").unwrap_or(&said);
            Problem::with(Code::InvalidQuery, which)
        })?;
        Ok(Self(value))
    }
}

/// What a path names. A text that is no UTF-8 names nothing, as an empty one does.
pub(crate) struct Named(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(name.map(|Path(name)| name).unwrap_or_default()))
    }
}
