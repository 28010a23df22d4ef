//! Logging in and out: name and password, then the code; or a link, once.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Form, Path, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use operator::{Permission, Role, SessionToken};
use pages::{ConsoleLogin, LoginStep};
use serde::Deserialize;
use visit::Visitor;

use super::{Console, failed};
use crate::operators::{LoginRefused, Signed};
use crate::web::caller::Caller;

const LOGIN: &str = "/console/login";
const CODE: &str = "/console/login/code";

/// The first page that a role may see.
const fn home(role: Role) -> &'static str {
    if role.may(Permission::SeePayments) { "/console" } else { "/console/cards" }
}

pub(super) async fn ask(signed: Option<Extension<Signed>>, visitor: Visitor) -> Response {
    match signed {
        Some(Extension(signed)) => Redirect::to(home(signed.role)).into_response(),
        None => shown(&visitor, LoginStep::Password, None, StatusCode::OK),
    }
}

fn shown(visitor: &Visitor, step: LoginStep, refused: Option<String>, status: StatusCode) -> Response {
    // These addresses can be posted to: the language switch leads to where they are asked.
    let page = visitor.page().at(if step == LoginStep::Code { CODE } else { LOGIN });
    visit::page(status, &ConsoleLogin { page, step, refused })
}

fn refused(visitor: &Visitor, step: LoginStep, refused: &LoginRefused) -> Response {
    let page = visitor.page();
    let w = &page.words().login;
    tracing::info!(code = refused.code(), "nobody was logged in");
    match refused {
        LoginRefused::Wrong => shown(visitor, step, Some(w.wrong.into()), StatusCode::UNAUTHORIZED),
        LoginRefused::Wait(seconds) => {
            let text = page.language.wait_before_login(*seconds);
            let mut response = shown(visitor, step, Some(text), StatusCode::TOO_MANY_REQUESTS);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*seconds));
            response
        }
        LoginRefused::BeginAgain => {
            shown(visitor, LoginStep::Password, Some(w.begin_again.into()), StatusCode::UNAUTHORIZED)
        }
        LoginRefused::Hashing => {
            let text = page.words().message.failed_todo.into();
            shown(visitor, step, Some(text), StatusCode::SERVICE_UNAVAILABLE)
        }
        LoginRefused::Sealed(error) => {
            tracing::error!(%error, "no one-time code is checked here");
            shown(visitor, step, Some(w.sealed.into()), StatusCode::SERVICE_UNAVAILABLE)
        }
        LoginRefused::Store(error) => failed(visitor, error),
    }
}

/// Name and password.
#[derive(Deserialize)]
pub(super) struct Known {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

pub(super) async fn password(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Extension(before): Extension<SessionToken>,
    visitor: Visitor,
    Form(known): Form<Known>,
) -> Response {
    let operators = &console.operators;
    match operators.password(&known.name, known.password, &caller.to_string()).await {
        Ok(token) => {
            // Whatever the browser had before ends here.
            if let Err(error) = operators.drop_token(&before).await {
                return failed(&visitor, &error);
            }
            let mut response = Redirect::to(CODE).into_response();
            console.cookie.put(&mut response, &token);
            response
        }
        Err(error) => refused(&visitor, LoginStep::Password, &error),
    }
}

pub(super) async fn ask_code(
    State(console): State<Console>,
    Extension(token): Extension<SessionToken>,
    visitor: Visitor,
) -> Response {
    match console.operators.awaits_code(&token) {
        Ok(true) => shown(&visitor, LoginStep::Code, None, StatusCode::OK),
        Ok(false) => Redirect::to(LOGIN).into_response(),
        Err(error) => failed(&visitor, &error),
    }
}

/// What the authenticator shows.
#[derive(Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    code: String,
}

pub(super) async fn code(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Extension(token): Extension<SessionToken>,
    visitor: Visitor,
    Form(shown): Form<Shown>,
) -> Response {
    match console.operators.code(&token, &shown.code, &caller.to_string()).await {
        Ok(token) => begun(&console, &visitor, &token),
        Err(error) => refused(&visitor, LoginStep::Code, &error),
    }
}

fn begun(console: &Console, visitor: &Visitor, token: &SessionToken) -> Response {
    match console.operators.signed(token) {
        Ok(signed) => {
            let to = signed.map_or(LOGIN, |signed| home(signed.role));
            let mut response = Redirect::to(to).into_response();
            console.cookie.put(&mut response, token);
            response
        }
        Err(error) => failed(visitor, &error),
    }
}

pub(super) async fn enter(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    visitor: Visitor,
    link: Result<Path<String>, PathRejection>,
) -> Response {
    let link = link.ok().and_then(|Path(link)| SessionToken::read(&link));
    let followed = match &link {
        Some(link) => console.operators.follow(link, &caller.to_string()).await,
        None => Err(LoginRefused::BeginAgain),
    };
    match followed {
        Ok(token) => begun(&console, &visitor, &token),
        Err(LoginRefused::BeginAgain) => {
            let text = visitor.page().words().login.link_used.into();
            shown(&visitor, LoginStep::Password, Some(text), StatusCode::UNAUTHORIZED)
        }
        Err(error) => refused(&visitor, LoginStep::Password, &error),
    }
}

pub(super) async fn logout(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Extension(signed): Extension<Signed>,
    visitor: Visitor,
) -> Response {
    match console.operators.logout(&signed, &caller.to_string()).await {
        Ok(()) => {
            let mut response = Redirect::to(LOGIN).into_response();
            console.cookie.take(&mut response);
            response
        }
        Err(error) => failed(&visitor, &error),
    }
}
