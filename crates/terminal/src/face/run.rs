//! A transaction that a page follows.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use model::Asn;
use pages::MessagePage;
use tap::Outcome;
use tokio::sync::watch;
use tokio::time::Instant;
use visit::Visitor;

use super::session::{Goal, NotBegun, Plan, Purpose};
use super::{Desk, notice};
use crate::attached::AttachedReader;
use crate::clock::own_time;
use crate::opening::{Asked, Opening};
use crate::progress::{Events, Progress, Stage, Watcher};

/// What goes on in a transaction, since when, and how long at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pulse {
    pub(super) stage: Stage,
    /// Epoch milliseconds of this machine, as the page's countdown wants them.
    pub(super) since_ms: u64,
    pub(super) until_ms: u64,
}

impl Pulse {
    fn of(progress: Progress) -> Self {
        let since_ms = super::text::millis(own_time());
        let left = u64::try_from(progress.remaining().as_millis()).unwrap_or(u64::MAX);
        Self { stage: progress.stage, since_ms, until_ms: since_ms.saturating_add(left) }
    }
}

/// The transaction of a visit.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) purpose: Purpose,
    /// The only card that will do.
    pub(super) only: Option<Asn>,
    pub(super) watcher: Watcher,
    /// Ends once the visit knows how the transaction ended.
    pub(super) pulse: watch::Receiver<Pulse>,
}

/// What runs it.
struct Engine {
    opening: Opening,
    reader: AttachedReader,
    events: Events,
    progress: watch::Receiver<Progress>,
    pulses: watch::Sender<Pulse>,
}

impl Run {
    fn prepare(purpose: Purpose, opening: Opening, reader: AttachedReader) -> (Self, Engine) {
        let (events, watcher) = Events::new();
        let (pulses, pulse) = watch::channel(Pulse::of(watcher.now()));
        let (only, progress) = (opening.card, watcher.progress.clone());
        let engine = Engine { opening, reader, events, progress, pulses };
        (Self { purpose, only, watcher, pulse }, engine)
    }

    /// One that nobody runs.
    #[cfg(test)]
    pub(super) fn idle(purpose: Purpose) -> Self {
        let (_, watcher) = Events::new();
        let pulse = watch::channel(Pulse::of(watcher.now())).1;
        Self { purpose, only: None, watcher, pulse }
    }
}

impl Desk {
    /// Begins a visit, and leads to its page.
    pub(super) fn begin(self: &Arc<Self>, visitor: &Visitor, plan: Plan) -> Response {
        let asked = match plan.goal {
            Goal::Balance | Goal::Load | Goal::Activate => Asked::Balance,
            Goal::VerifiedBalance => Asked::VerifiedBalance,
            Goal::Finish => Asked::SupplementaryLoad,
        };
        let opening = Opening { industry: plan.pack.code, card: plan.expected, card_pin: None, asked };
        let reader = match self.free_reader(visitor) {
            Ok(reader) => reader,
            Err(refused) => return *refused,
        };
        let (run, engine) = Run::prepare(plan.goal.first(), opening, reader);
        match self.sessions.begin(plan, run) {
            Ok(id) => self.start(id, engine),
            Err(why) => not_begun(visitor, why),
        }
    }

    /// Begins the next transaction of a visit, for which something was entered.
    pub(super) fn go_on(
        self: &Arc<Self>,
        visitor: &Visitor,
        id: String,
        goal: Goal,
        opening: Opening,
    ) -> Response {
        let reader = match self.free_reader(visitor) {
            Ok(reader) => reader,
            Err(refused) => return *refused,
        };
        let (run, engine) = Run::prepare(Purpose::Do, opening, reader);
        match self.sessions.go_on(&id, goal, run) {
            Ok(()) => self.start(id, engine),
            Err(why) => not_begun(visitor, why),
        }
    }

    fn free_reader(&self, visitor: &Visitor) -> Result<AttachedReader, Box<Response>> {
        if let Some(locked) = self.locked(visitor) {
            return Err(Box::new(locked));
        }
        self.reader().cloned().ok_or_else(|| Box::new(notice::no_reader(visitor)))
    }

    fn start(self: &Arc<Self>, id: String, engine: Engine) -> Response {
        let to = Redirect::to(&format!("/taps/{id}"));
        let desk = Arc::clone(self);
        tokio::spawn(async move { desk.run(id, engine).await });
        to.into_response()
    }

    async fn run(self: Arc<Self>, id: String, engine: Engine) {
        let Engine { opening, reader, events, mut progress, pulses } = engine;
        let began = Instant::now();
        let ending = {
            let mut run = std::pin::pin!(self.terminal.run(opening, &reader, events));
            loop {
                tokio::select! {
                    ending = &mut run => break ending,
                    changed = progress.changed() => match changed {
                        Ok(()) => {
                            let now = *progress.borrow_and_update();
                            if now.stage != Stage::Over {
                                pulses.send_replace(Pulse::of(now));
                            }
                        }
                        // It is over, and says how in a moment.
                        Err(_) => break run.await,
                    },
                }
            }
        };
        let outcome = ending.outcome();
        let seconds = began.elapsed().as_secs();
        tracing::info!(
            outcome = outcome.map(Outcome::name),
            cause = ending.cause,
            seconds,
            "a transaction ended"
        );
        self.standing.hear_ending(&ending);
        if matches!(outcome, Some(Outcome::TerminalRefused | Outcome::ServerAway)) {
            self.look_at_bank_again();
        }
        self.sessions.over(&id, ending, self.terminal.bank_time());
        // Only now the pages that follow it are told.
        drop(pulses);
    }
}

fn not_begun(visitor: &Visitor, why: NotBegun) -> Response {
    match why {
        NotBegun::Busy => notice::reader_busy(visitor),
        NotBegun::Stopping => notice::stopping(visitor),
        NotBegun::Gone => notice::gone(visitor),
        NotBegun::NoRandomness => {
            tracing::error!("the system gives no random numbers");
            visit::page(StatusCode::INTERNAL_SERVER_ERROR, &MessagePage::failed(visitor.page(), None))
        }
    }
}
