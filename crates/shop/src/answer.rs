//! Pages as HTTP answers.

use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use pages::{MessageLink, MessagePage, Page, Template};

use crate::platform::PlatformError;
use crate::words::{self, Message};

/// A page. It is the reader's own, so nobody on the way keeps it.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, [(CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The same answer with a cookie.
pub(crate) fn with_cookie(mut response: Response, cookie: String) -> Response {
    if let Ok(value) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
    response
}

/// There is no such page, good or order.
pub(crate) fn not_found(reader: Page) -> Response {
    let link = Some(to_counter(&reader));
    page(StatusCode::NOT_FOUND, &MessagePage::not_found(reader, link))
}

/// Something failed here, and it is not the reader's doing.
pub(crate) fn failed(reader: Page, status: StatusCode) -> Response {
    let link = Some(to_counter(&reader));
    page(status, &MessagePage::failed(reader, link))
}

/// Something was wrong with what was sent.
pub(crate) fn refused(reader: Page, status: StatusCode, message: Message) -> Response {
    let link = to_counter(&reader);
    page(status, &said(reader, message, link))
}

/// The platform did not do its part. `reader.here` is where to try again.
pub(crate) fn trouble(reader: Page, error: &PlatformError) -> Response {
    tracing::warn!(%error, "the platform did not do its part");
    let language = reader.language;
    let again = MessageLink { href: reader.here.as_str().into(), label: words::try_again(language).into() };
    match error {
        PlatformError::Unreachable => {
            page(StatusCode::BAD_GATEWAY, &said(reader, words::unreachable(language), again))
        }
        PlatformError::TimedOut => {
            page(StatusCode::GATEWAY_TIMEOUT, &said(reader, words::timed_out(language), again))
        }
        PlatformError::Problem { .. } | PlatformError::Malformed(_) => {
            page(StatusCode::BAD_GATEWAY, &MessagePage::failed(reader, Some(again)))
        }
    }
}

fn said(page: Page, message: Message, link: MessageLink) -> MessagePage {
    MessagePage {
        page,
        title: message.title.into(),
        what: message.what.into(),
        todo: message.todo.into(),
        link: Some(link),
    }
}

fn to_counter(reader: &Page) -> MessageLink {
    MessageLink { href: "/".into(), label: reader.words().shop.back.into() }
}
