//! What a `POST` that makes something answers: 201 and the body, and whether it is the first answer again.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::app::Created;

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        self.with_status(StatusCode::CREATED)
    }
}

impl Created {
    /// The same of a `POST` that makes nothing new.
    pub(super) fn with_status(self, status: StatusCode) -> Response {
        let mut response = (status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.repeated {
            headers.insert("idempotency-hit", HeaderValue::from_static("true"));
        }
        response
    }
}
