//! Reversals of loads: the form that asks, the list, and what a second person answers.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use model::{Currency, Fen};
use pages::{
    AskedReversal, ConsoleReversal, ConsoleReversals, Href, ReversalForm, ReversalRefusal, ReversalView,
};
use payment::{Ground, LoadId, LoadState, ReversalError, ReversalId, ReversalState, ReversalWish};
use serde::Deserialize;
use store::{Reading, StoreError, StoredLoad, StoredReversal};
use visit::Visitor;

use super::{Asked, Console, Older, ROWS, ROWS_LENGTH, failed, found, loads, not_found};
use crate::bank::ReverseError;
use crate::http::Api;
use crate::operators::Signed;
use crate::web::caller::Caller;
use crate::web::text;

pub(super) const PATH: &str = "/console/reversals";

fn href(id: ReversalId) -> Href {
    Href::new(format!("{PATH}/{id}"))
}

const fn shown(state: ReversalState) -> pages::ReversalState {
    match state {
        ReversalState::Asked => pages::ReversalState::Asked,
        ReversalState::Posted { .. } => pages::ReversalState::Posted,
        ReversalState::Rejected { .. } => pages::ReversalState::Rejected,
        ReversalState::Expired => pages::ReversalState::Expired,
    }
}

const fn shown_ground(ground: Ground) -> pages::Ground {
    match ground {
        Ground::InHand { .. } => pages::Ground::InHand,
        Ground::Blacklisted { .. } => pages::Ground::Blacklisted,
        Ground::NotWritten => pages::Ground::NotWritten,
    }
}

/// The reversal of a load that was asked for last.
pub(super) fn asked_of(rows: &dyn Reading, load: LoadId) -> Result<Option<AskedReversal>, StoreError> {
    let newest = rows.reversals_of(load, 1)?.pop();
    Ok(newest.map(|stored| AskedReversal {
        state: shown(stored.reversal.state()),
        href: href(stored.reversal.id()),
    }))
}

/// The form of a load that its card was credited with.
pub(super) fn form_of(stored: &StoredLoad) -> Option<ReversalForm> {
    match stored.load.state {
        LoadState::Closed | LoadState::SettledCredited => Some(ReversalForm {
            ask: Href::new(format!("{}/{}/reversal", loads::PATH, stored.load.id)),
            amount: stored.load.amount.to_string(),
            ground: pages::Ground::InHand,
            held: String::new(),
            reason: String::new(),
            refused: None,
        }),
        LoadState::Open | LoadState::InDoubt | LoadState::SettledReturned | LoadState::Reversed => None,
    }
}

/// What was typed.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    amount: String,
    #[serde(default)]
    ground: String,
    #[serde(default)]
    held: String,
    #[serde(default)]
    reason: String,
}

impl Typed {
    fn read(&self) -> Result<ReversalWish, ReversalRefusal> {
        let amount = yuan(&self.amount).ok_or(ReversalRefusal::Amount)?;
        let held = || yuan(&self.held).ok_or(ReversalRefusal::Amount);
        let ground = match pages::Ground::from_tag(&self.ground) {
            Some(pages::Ground::InHand) => Ground::InHand { held: held()? },
            Some(pages::Ground::Blacklisted) => Ground::Blacklisted { held: held()? },
            // A balance beside it would contradict it.
            Some(pages::Ground::NotWritten) if self.held.trim().is_empty() => Ground::NotWritten,
            Some(pages::Ground::NotWritten) | None => return Err(ReversalRefusal::Amount),
        };
        let reason = self.reason.trim().parse().map_err(|_| ReversalRefusal::Reason)?;
        Ok(ReversalWish { amount, reason, ground })
    }
}

/// Yuan with at most two decimals.
fn yuan(text: &str) -> Option<Fen> {
    text::minor(text, Currency::CNY.exponent()).map(Fen)
}

type Named = Result<Path<String>, PathRejection>;

pub(super) async fn ask(
    State(console): State<Console>,
    Extension(signed): Extension<Signed>,
    Extension(caller): Extension<Caller>,
    visitor: Visitor,
    id: Named,
    Form(typed): Form<Typed>,
) -> Response {
    let Some((bank, Ok(Path(id)))) = console.bank.zip(Some(id)) else { return not_found(&visitor) };
    let Ok(id) = id.parse::<LoadId>() else { return not_found(&visitor) };
    let asked = match typed.read() {
        Ok(wish) => bank.ask_reversal(signed.account(&caller.to_string()), id, wish).await,
        Err(refused) => return again(&bank, &visitor, id, typed, refused).await,
    };
    match asked {
        Ok(asked) => Redirect::to(href(asked.reversal.id()).as_str()).into_response(),
        Err(ReverseError::NoSuchLoad | ReverseError::NoSuchReversal(_)) => not_found(&visitor),
        Err(ReverseError::Store(error)) => failed(&visitor, &error),
        Err(error) => again(&bank, &visitor, id, typed, refusal(&error)).await,
    }
}

/// The load's page with what was typed, and why it was refused.
async fn again(
    bank: &crate::bank::Bank,
    visitor: &Visitor,
    id: LoadId,
    typed: Typed,
    refused: ReversalRefusal,
) -> Response {
    // This address can be posted to and not read: the language switch leads to the load.
    let page = visitor.page().at(loads::href(id).as_str());
    let industries = bank.industries().clone();
    let looked = bank.app().store().read(move |rows| loads::view(rows, &industries, id, page)).await;
    let mut view = match looked {
        Ok(Some(view)) => view,
        Ok(None) => return not_found(visitor),
        Err(error) => return failed(visitor, &error),
    };
    let page = view.page.clone();
    let Some(form) = &mut view.reversal else {
        let message = ConsoleReversal::refused(page, refused, loads::href(id));
        return visit::page(StatusCode::CONFLICT, &message);
    };
    let Typed { amount, ground, held, reason } = typed;
    *form = ReversalForm {
        ask: form.ask.clone(),
        amount,
        ground: pages::Ground::from_tag(&ground).unwrap_or(pages::Ground::InHand),
        held,
        reason,
        refused: Some(refused.sentence(page.language)),
    };
    visit::page(StatusCode::UNPROCESSABLE_ENTITY, &view)
}

/// What people are told. The stable code goes to the log.
fn refusal(error: &ReverseError) -> ReversalRefusal {
    tracing::info!(code = error.code(), "a load was not given back");
    match error {
        ReverseError::SamePerson(_) | ReverseError::Refused(ReversalError::SamePerson(_)) => {
            ReversalRefusal::SamePerson
        }
        ReverseError::Refused(ReversalError::CardMayBeLoaded) => ReversalRefusal::CardNotFrozen,
        ReverseError::Refused(ReversalError::CardUnfinished) => ReversalRefusal::CardUnfinished,
        ReverseError::Refused(ReversalError::CardProvedIt) => ReversalRefusal::CardProvedIt,
        ReverseError::Refused(
            ReversalError::NotAnAmount(_)
            | ReversalError::AboveTheLoad { .. }
            | ReversalError::AboveWhatTheCardHolds { .. },
        ) => ReversalRefusal::Amount,
        ReverseError::Refused(ReversalError::Ledger(_)) => ReversalRefusal::Ledger,
        ReverseError::Refused(
            ReversalError::Load(_)
            | ReversalError::OtherLoad
            | ReversalError::TooLate
            | ReversalError::NotYetLapsed
            | ReversalError::AlreadyEnded(_)
            | ReversalError::StoredBySamePerson,
        )
        | ReverseError::AlreadyAsked(_)
        | ReverseError::NoSuchLoad
        | ReverseError::NoSuchReversal(_)
        | ReverseError::NotAllowed(_)
        | ReverseError::Store(_) => ReversalRefusal::Ended,
    }
}

pub(super) async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(older): Query<Older>,
) -> Response {
    let before = match older.before.as_deref().map(str::parse::<ReversalId>) {
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return not_found(&visitor),
        None => None,
    };
    found(console.api.fleet.app().store(), &visitor, move |rows, visitor| {
        let mut reversals = rows.reversals_before(false, before, ROWS + 1)?;
        let more = reversals.len() > ROWS_LENGTH;
        reversals.truncate(ROWS_LENGTH);
        let last = reversals.last().filter(|_| more).map(|last| last.reversal.id());
        Ok(Some(ConsoleReversals {
            page: visitor.page(),
            rows: reversals.iter().map(|stored| view(rows, stored)).collect::<Result<_, StoreError>>()?,
            older: last.map(|id| Href::new(PATH).with("before", &id.to_string())),
        }))
    })
    .await
}

pub(super) async fn one(State(console): State<Console>, visitor: Visitor, id: Named) -> Response {
    let Some(id) = id.ok().and_then(|Path(id)| id.parse().ok()) else { return not_found(&visitor) };
    question(&console.api, &visitor, id).await
}

async fn question(api: &Api, visitor: &Visitor, id: ReversalId) -> Response {
    found(api.fleet.app().store(), visitor, move |rows, visitor| {
        let Some(stored) = rows.reversal(id)? else { return Ok(None) };
        let waits = stored.reversal.state() == ReversalState::Asked;
        let answer = |answer| waits.then(|| Href::new(format!("{PATH}/{id}/{answer}")));
        Ok(Some(ConsoleReversal {
            page: visitor.page().at(href(id).as_str()),
            reversal: view(rows, &stored)?,
            approve: answer("approve"),
            reject: answer("reject"),
            back: Href::new(PATH),
        }))
    })
    .await
}

fn view(rows: &dyn Reading, stored: &StoredReversal) -> Result<ReversalView, StoreError> {
    let reversal = &stored.reversal;
    let (state, wish) = (reversal.state(), reversal.wish());
    let name = |id| Ok::<_, StoreError>(rows.operator_name(id)?.unwrap_or_default());
    Ok(ReversalView {
        reversal_id: reversal.id().to_string(),
        href: href(reversal.id()),
        state: shown(state),
        amount: text::fen(wish.amount),
        masked_card: text::masked(reversal.asn()),
        load_id: reversal.load().to_string(),
        load_href: loads::href(reversal.load()),
        ground: shown_ground(wish.ground),
        held: wish.ground.held().map(text::fen),
        reason: wish.reason.as_str().to_owned(),
        asked_by: name(reversal.asked_by())?,
        asked_at: text::day_and_time(reversal.asked_at()),
        decided_by: state.operator().map(name).transpose()?,
        ended_at: (state != ReversalState::Asked).then(|| text::day_and_time(stored.updated_at)),
        transfer: stored.transfer.map(|transfer| transfer.to_string()),
    })
}

pub(super) async fn answer(
    State(console): State<Console>,
    Extension(signed): Extension<Signed>,
    Extension(caller): Extension<Caller>,
    visitor: Visitor,
    path: Result<Path<(String, String)>, PathRejection>,
    Form(asked): Form<Asked>,
) -> Response {
    let Some((bank, Ok(Path((id, answer))))) = console.bank.clone().zip(Some(path)) else {
        return not_found(&visitor);
    };
    let Ok(id) = id.parse::<ReversalId>() else { return not_found(&visitor) };
    let account = signed.account(&caller.to_string());
    let answered = match answer.as_str() {
        "approve" if asked.is_confirmed() => bank.approve_reversal(account, id).await,
        // The page asks for the tick; without it, it is asked again.
        "approve" => return question(&console.api, &visitor, id).await,
        "reject" => bank.reject_reversal(account, id).await,
        _ => return not_found(&visitor),
    };
    match answered {
        Ok(answered) => Redirect::to(href(answered.reversal.id()).as_str()).into_response(),
        Err(ReverseError::NoSuchLoad | ReverseError::NoSuchReversal(_)) => not_found(&visitor),
        Err(ReverseError::Store(error)) => failed(&visitor, &error),
        Err(error) => {
            let page = visitor.page().at(href(id).as_str());
            visit::page(StatusCode::CONFLICT, &ConsoleReversal::refused(page, refusal(&error), href(id)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_are_read_with_at_most_two_decimals() {
        for (text, fen) in
            [("50", 5_000), ("50.0", 5_000), (" 50.05 ", 5_005), ("0", 0), ("99999999.99", u32::MAX)]
        {
            let expected = u64::from(fen);
            let read = yuan(text).map(|fen| u64::from(fen.0));
            assert_eq!(read, (text != "99999999.99").then_some(expected), "{text}");
        }
        for text in ["", ".5", "5.001", "-1", "+1", "1e3", "１", "123456789"] {
            assert_eq!(yuan(text), None, "{text}");
        }
    }
}
