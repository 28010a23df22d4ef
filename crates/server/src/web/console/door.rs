//! The door of each route: who is it, does the form belong to them, may they, and it is entered.
//!
//! Refuses, by name: a form without its session's token (`form_token_wrong`), a role that may not (`not_allowed`), and all but
//! the way in where nobody is logged in. What cannot be entered in the audit log is not shown.

use axum::body::{Body, to_bytes};
use axum::extract::{Form, FromRequest as _, FromRequestParts as _, Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use operator::{AuditAction, Role, SessionToken};
use pages::{ConsoleLogin, LoggedIn, LoginStep, MessagePage};
use serde::Deserialize;
use visit::{Badge, Visitor};

use super::routes::{self, Needs};
use super::{Console, failed};
use crate::operators::{Actor, Signed};
use crate::web::caller::Caller;

/// The longest form, in bytes.
const FORM_MAX: usize = 8 * 1024;

/// What stands before a route.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) console: Console,
    pub(super) needs: Needs,
}

/// The session's cookie.
#[derive(Clone, Copy)]
pub(super) struct SessionCookie {
    /// TLS stands in front: the browser sends it over nothing else, and to this host alone.
    pub(super) tls: bool,
}

impl SessionCookie {
    const fn name(self) -> &'static str {
        if self.tls { "__Host-counterfoil" } else { "counterfoil" }
    }

    pub(super) fn read(self, headers: &HeaderMap) -> Option<SessionToken> {
        SessionToken::read(visit::cookie(headers, self.name())?)
    }

    /// Puts a token into an answer.
    pub(super) fn put(self, response: &mut Response, token: &SessionToken) {
        self.set(response, &token.cookie(), "");
    }

    /// Takes it from the browser.
    pub(super) fn take(self, response: &mut Response) {
        self.set(response, "", "; Max-Age=0");
    }

    fn set(self, response: &mut Response, value: &str, age: &str) {
        let secure = if self.tls { "; Secure" } else { "" };
        let cookie = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}", self.name());
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
}

/// The field that every form carries.
#[derive(Deserialize)]
struct Carried {
    #[serde(default)]
    csrf: String,
}

pub(super) async fn pass(State(door): State<Door>, request: Request, next: Next) -> Response {
    let Door { console, needs } = door;
    let operators = &console.operators;
    let (mut parts, body) = request.into_parts();
    let caller = Caller::of(&parts.headers, &parts.extensions, console.cookie.tls);
    let address = caller.to_string();
    let asks = matches!(parts.method, Method::GET | Method::HEAD);
    let sent = console.cookie.read(&parts.headers);
    let token = sent.clone().unwrap_or_else(|| SessionToken::new(operators.drawn()));
    let signed = match &sent {
        Some(token) => operators.signed(token),
        None => Ok(None),
    };
    let (signed, is_anybody) = match (signed, operators.is_anybody()) {
        (Ok(signed), Ok(is_anybody)) => (signed, is_anybody),
        (Err(error), _) | (_, Err(error)) => return failed(&visitor(&mut parts).await, &error),
    };
    parts.extensions.insert(Badge {
        form_token: Some(token.csrf().field()),
        operator: signed.as_ref().map(|it| LoggedIn {
            name: it.name.to_string(),
            role: shown(it.role),
            reach: routes::reach(it.role),
        }),
    });
    let visitor = visitor(&mut parts).await;
    if !is_anybody {
        let first = ConsoleLogin { page: visitor.page(), step: LoginStep::First, refused: None };
        return visit::page(StatusCode::SERVICE_UNAVAILABLE, &first);
    }
    let Ok(bytes) = to_bytes(body, FORM_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    if !asks {
        let form = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
        let carried = Form::<Carried>::from_request(form, &()).await.map(|Form(it)| it.csrf);
        if sent.is_none() || !carried.is_ok_and(|carried| token.csrf().is(&carried)) {
            let path = parts.uri.path().to_owned();
            tracing::warn!(path, code = "form_token_wrong", "a form was refused");
            // Somebody may have forged it in an operator's name.
            if let Some(signed) = &signed {
                let by = Actor::operator(&signed.name, &address);
                let entered = operators.enter(by, AuditAction::Refused, path, "form_token_wrong".to_owned());
                if let Err(error) = entered.await {
                    return failed(&visitor, &error);
                }
            }
            return form_refused(&visitor);
        }
    }
    let path = parts.uri.path().to_owned();
    match (needs, &signed) {
        (Needs::Nothing, _) => {}
        (Needs::Login | Needs::May(_), None) => return Redirect::to("/console/login").into_response(),
        (Needs::Login, Some(_)) => {}
        (Needs::May(permission), Some(signed)) => {
            if !signed.role.may(permission) {
                let (by, outcome) = (Actor::operator(&signed.name, &address), permission.name());
                let entered =
                    operators.enter(by, AuditAction::Refused, path, format!("not_allowed {outcome}"));
                return match entered.await {
                    Ok(()) => not_allowed(&visitor),
                    Err(error) => failed(&visitor, &error),
                };
            }
            // Entered before it is shown. What is done is entered where it is done.
            if asks && let Err(error) = operators.view(signed, &address, &path).await {
                return failed(&visitor, &error);
            }
        }
    }
    let by = signed.as_ref().map(|it| Actor::operator(&it.name, &address));
    parts.extensions.insert(by.clone().unwrap_or_else(|| Actor::nobody(&address)));
    parts.extensions.insert(caller);
    parts.extensions.insert(token.clone());
    if let Some(signed) = signed {
        parts.extensions.insert::<Signed>(signed);
    }
    let mut response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    if let (false, Needs::May(_), Some(by)) = (asks, needs, by) {
        // Done, it answers with the way on, and its entry is in its unit of work. All else did nothing.
        if !response.status().is_redirection() {
            let outcome = format!("not_done {}", response.status().as_u16());
            if let Err(error) = operators.enter(by, AuditAction::Ask, path, outcome).await {
                return failed(&visitor, &error);
            }
        }
    }
    if needs == Needs::Nothing && sent.is_none() && !response.headers().contains_key(SET_COOKIE) {
        console.cookie.put(&mut response, &token);
    }
    response
}

async fn visitor(parts: &mut axum::http::request::Parts) -> Visitor {
    match Visitor::from_request_parts(parts, &()).await {
        Ok(visitor) => visitor,
        Err(never) => match never {},
    }
}

const fn shown(role: Role) -> pages::Role {
    match role {
        Role::Viewer => pages::Role::Viewer,
        Role::Operator => pages::Role::Operator,
        Role::KeyCustodian => pages::Role::KeyCustodian,
        Role::Administrator => pages::Role::Administrator,
    }
}

fn form_refused(visitor: &Visitor) -> Response {
    let page = visitor.page();
    let w = &page.words().login;
    let (title, what, todo) = (w.form_title.into(), w.form_what.into(), w.form_todo.into());
    visit::page(StatusCode::FORBIDDEN, &MessagePage { page, title, what, todo, link: None })
}

fn not_allowed(visitor: &Visitor) -> Response {
    let page = visitor.page();
    let w = &page.words().login;
    let (title, what) = (w.not_allowed_title.into(), w.not_allowed_what.into());
    let todo = w.not_allowed_todo.into();
    visit::page(StatusCode::FORBIDDEN, &MessagePage { page, title, what, todo, link: None })
}
