//! While a card is wanted, or is in the field: the page, its live part, and giving up.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::stream;
use pages::{
    HoldFragment, HoldPage, HoldState, HoldStep, HoldStepName, HoldView, Href, StepState, Template, TimeLimit,
};
use tap::{CardNeed, Money};
use tokio::sync::{OwnedSemaphorePermit, watch};
use visit::Visitor;

use super::run::Pulse;
use super::session::{Goal, Purpose, Session, Stage as Where};
use super::{Desk, notice, text};
use crate::clock::own_time;
use crate::progress::Stage;

/// A proxy takes a line that is silent for a minute for a dead one.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Response {
    let seen = desk.sessions.with(&id, |session| match session.is_running() {
        true => Ok(view(&id, session)),
        false => Err(session.path(&id)),
    });
    match seen {
        None => notice::gone(&visitor),
        Some(Err(path)) => Redirect::to(&path).into_response(),
        Some(Ok(hold)) => {
            let page = HoldPage { page: visitor.page(), nav: desk.nav.clone(), hold };
            visit::page(StatusCode::OK, &page)
        }
    }
}

pub(super) async fn cancel(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Response {
    match desk.sessions.with(&id, |session| session.run.watcher.cancel()) {
        Some(()) => Redirect::to(&format!("/taps/{id}")).into_response(),
        None => notice::gone(&visitor),
    }
}

pub(super) async fn live(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Response {
    let Some(pulse) = desk.sessions.with(&id, |session| session.run.pulse.clone()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(seat) = Arc::clone(&desk.live).try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let stopping = desk.stopping.subscribe();
    let follower = Follower { desk, id, visitor, pulse, stopping, turn: Turn::First, _seat: seat };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// A page that follows a transaction.
struct Follower {
    desk: Arc<Desk>,
    id: String,
    visitor: Visitor,
    pulse: watch::Receiver<Pulse>,
    stopping: watch::Receiver<bool>,
    turn: Turn,
    _seat: OwnedSemaphorePermit,
}

enum Turn {
    First,
    Next,
    /// The page was told where it leads.
    Told,
    Over,
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        match self.turn {
            Turn::First => self.turn = Turn::Next,
            Turn::Next => {
                tokio::select! {
                    // A sender that is gone has told the visit how it ended.
                    _ = self.pulse.changed() => {}
                    // What runs is waited for; the pages that follow it are not.
                    _ = self.stopping.wait_for(|is_stopping| *is_stopping) => return None,
                }
            }
            Turn::Told => {
                // Without this the browser would connect again, for ever.
                self.turn = Turn::Over;
                return Some(Event::default().event("end").data("ended"));
            }
            Turn::Over => return None,
        }
        self.pulse.mark_unchanged();
        let hold = self.desk.sessions.with(&self.id, |session| view(&self.id, session));
        let Some(hold) = hold else {
            self.turn = Turn::Over;
            return Some(Event::default().event("end").data("gone"));
        };
        if hold.leads_to.is_some() {
            self.turn = Turn::Told;
        }
        match (HoldFragment { page: self.visitor.page(), hold }).render() {
            // A carriage return would end a field in the middle of a page.
            Ok(html) => Some(Event::default().event("tap").data(html.replace('\r', ""))),
            Err(error) => {
                tracing::error!(%error, "a transaction cannot be rendered");
                None
            }
        }
    }
}

fn view(id: &str, session: &Session) -> HoldView {
    let pulse = *session.run.pulse.borrow();
    let is_running = session.is_running();
    let state = if is_running { state(session, pulse.stage) } else { HoldState::Ended };
    let can_cancel = is_running && is_cancelable(pulse.stage);
    HoldView {
        task: session.goal.task(),
        industry: text::industry(&session.pack),
        amount: amount(session),
        masked_card: session.run.only.map(text::masked),
        state,
        steps: steps(session, pulse.stage),
        limit: TimeLimit {
            opened_at_ms: pulse.since_ms,
            expires_at_ms: pulse.until_ms,
            now_ms: text::millis(own_time()),
        },
        cancel: can_cancel.then(|| Href::new(format!("/taps/{id}/cancel"))),
        live: Href::new(format!("/taps/{id}/live")),
        leads_to: (!is_running).then(|| Href::new(session.path(id))),
    }
}

fn amount(session: &Session) -> Option<pages::Money> {
    match session.run.purpose {
        Purpose::Read => None,
        Purpose::Do => session.draft.amount.map(text::money),
    }
}

fn state(session: &Session, stage: Stage) -> HoldState {
    match stage {
        Stage::Preparing if asks_first(session) => HoldState::Authorizing,
        // The card may come already: it is read once the keys are looked after.
        Stage::Preparing | Stage::HoldCard => HoldState::Waiting,
        Stage::ReadingCard => HoldState::Reading,
        Stage::TalkingToBank(CardNeed::NotYet) => HoldState::Authorizing,
        Stage::TalkingToBank(CardNeed::Waits) => HoldState::Talking,
        Stage::WritingCard => HoldState::Writing,
        Stage::TalkingToBank(CardNeed::Done) => HoldState::Reporting,
        Stage::Over => HoldState::Ended,
    }
}

/// Until the bank was told of the card, stopping has no consequences.
fn is_cancelable(stage: Stage) -> bool {
    match stage {
        Stage::Preparing | Stage::HoldCard | Stage::ReadingCard | Stage::TalkingToBank(CardNeed::NotYet) => {
            true
        }
        Stage::TalkingToBank(CardNeed::Waits | CardNeed::Done) | Stage::WritingCard | Stage::Over => false,
    }
}

/// Whether the bank is asked before the card is wanted.
fn asks_first(session: &Session) -> bool {
    match (session.run.purpose, session.goal) {
        (Purpose::Do, Goal::Load | Goal::Activate) => true,
        (Purpose::Do, Goal::Balance | Goal::VerifiedBalance | Goal::Finish) | (Purpose::Read, _) => false,
    }
}

fn steps(session: &Session, stage: Stage) -> Vec<HoldStep> {
    use HoldStepName::{Authorize, Done, Hold, Report, Talk, Write};
    let names: &[HoldStepName] = match (session.run.purpose, session.goal) {
        (Purpose::Read, _) | (Purpose::Do, Goal::Balance) => &[Hold, Done],
        (Purpose::Do, Goal::VerifiedBalance) => &[Hold, Talk, Done],
        (Purpose::Do, Goal::Finish) => &[Hold, Talk, Write, Report, Done],
        (Purpose::Do, Goal::Load | Goal::Activate) => &[Authorize, Hold, Talk, Write, Report, Done],
    };
    let now = match stage {
        Stage::Preparing if asks_first(session) => Authorize,
        Stage::TalkingToBank(CardNeed::NotYet) => Authorize,
        Stage::Preparing | Stage::HoldCard | Stage::ReadingCard => Hold,
        Stage::TalkingToBank(CardNeed::Waits) => Talk,
        Stage::WritingCard => Write,
        Stage::TalkingToBank(CardNeed::Done) => Report,
        Stage::Over => Done,
    };
    let active = names.iter().position(|name| *name == now).unwrap_or(0);
    let is_good = match &session.stage {
        Where::Running => None,
        Where::Amount | Where::Pin if session.draft.wrongs.is_empty() => Some(true),
        Where::Amount | Where::Pin | Where::Code => Some(false),
        Where::Ended(ended) => Some(ended.ending.report.money() == Money::Done),
    };
    let state = |place: usize| match (is_good, place.cmp(&active)) {
        (Some(true), _) | (_, std::cmp::Ordering::Less) => StepState::Done,
        (None, std::cmp::Ordering::Equal) => StepState::Active,
        (Some(false), std::cmp::Ordering::Equal) => StepState::Failed,
        (None | Some(false), std::cmp::Ordering::Greater) => StepState::Waiting,
    };
    names.iter().enumerate().map(|(place, name)| HoldStep { name: *name, state: state(place) }).collect()
}
