//! What a `POST` that makes something answers: 201 and the body, and whether it is the first answer again.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::app::Created;

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.repeated {
            headers.insert("idempotency-hit", HeaderValue::from_static("true"));
        }
        response
    }
}
