//! An activation: the bank card's PIN.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use crypto::Pin;
use pages::{ActivatePage, Href};
use serde::Deserialize;
use visit::Visitor;
use zeroize::Zeroizing;

use super::load::card_in_hand;
use super::session::{Goal, Plan, Stage, Wrongs};
use super::wrong::Wrong;
use super::{Desk, notice, text};
use crate::opening::{Asked, Opening};

/// What is typed; zeroised once it is read.
#[derive(Deserialize)]
pub(super) struct PinForm {
    #[serde(default)]
    pin: Zeroizing<String>,
}

/// From another page: a card that was read is not read again.
pub(super) async fn begin(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Response {
    let next = desk.sessions.with(&id, |session| {
        if session.is_running() {
            return Ok(session.path(&id));
        }
        if session.card.is_none() {
            return Err(Plan::new(Arc::clone(&session.pack), Goal::Activate));
        }
        session.goal = Goal::Activate;
        session.draft.wrongs = Wrongs::default();
        session.stage = Stage::Pin;
        Ok(session.path(&id))
    });
    match next {
        None => notice::gone(&visitor),
        Some(Ok(path)) => Redirect::to(&path).into_response(),
        Some(Err(plan)) => desk.begin(&visitor, plan),
    }
}

pub(super) async fn form(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Response {
    desk.look_at_bank();
    let page = desk.sessions.with(&id, |session| {
        let card = card_in_hand(session, &id)?;
        let pin = &session.draft.wrongs.pin;
        Ok::<_, String>(ActivatePage {
            page: visitor.page(),
            nav: desk.nav.clone(),
            industry: text::industry(&session.pack),
            masked_card: text::masked(card.asn),
            error: None,
            pin_error: pin.as_ref().map(|wrong| wrong.shown(visitor.language)),
            // An activation never asks a card for its own PIN.
            card_pin: None,
            submit: Href::new(format!("/taps/{id}/activate")),
            back: Href::new(format!("/industries/{}", session.pack.code)),
        })
    });
    match page {
        None => notice::gone(&visitor),
        Some(Err(path)) => Redirect::to(&path).into_response(),
        Some(Ok(page)) => visit::page(StatusCode::OK, &page),
    }
}

pub(super) async fn submit(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    visitor: Visitor,
    Form(form): Form<PinForm>,
) -> Response {
    let opening = desk.sessions.with(&id, |session| {
        let card = card_in_hand(session, &id)?;
        match form.pin.parse::<Pin>() {
            Ok(pin) => {
                let (industry, asked) = (session.pack.code, Asked::Activation { pin });
                Ok(Opening { industry, card: Some(card.asn), card_pin: None, asked })
            }
            Err(_) => {
                session.goal = Goal::Activate;
                session.draft.wrongs = Wrongs { pin: Some(Wrong::pin_malformed()), ..Wrongs::default() };
                session.stage = Stage::Pin;
                Err(session.path(&id))
            }
        }
    });
    drop(form);
    match opening {
        None => notice::gone(&visitor),
        Some(Err(path)) => Redirect::to(&path).into_response(),
        Some(Ok(opening)) => desk.go_on(&visitor, id, Goal::Activate, opening),
    }
}
