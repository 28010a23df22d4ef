//! What is kept of a holder's visit, and what follows on what.
//!
//! For: one [`Session`] from the first holding of a card to a result, under an id that nobody guesses. Refuses: a PIN
//! or a code: they go into the opening of a transaction and nowhere else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Asn, Fen, UnixMillis};
use pages::Task;
use tap::{DriverPack, LogRecord, Outcome};
use tokio::sync::watch;
use tokio::time::Instant;

use super::SESSIONS_MAX;
use super::run::Run;
use super::wrong::Wrong;
use crate::opening::Ending;

/// What a holder came for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Balance,
    VerifiedBalance,
    Load,
    Finish,
    Activate,
}

impl Goal {
    pub(super) fn task(self) -> Task {
        match self {
            Self::Balance | Self::VerifiedBalance => Task::Balance,
            Self::Load => Task::Load,
            Self::Finish => Task::Finish,
            Self::Activate => Task::Activate,
        }
    }

    /// What a visit with this goal begins with. A load and an activation are for one card, so it is read before
    /// anything is entered.
    pub(super) fn first(self) -> Purpose {
        match self {
            Self::Load | Self::Activate => Purpose::Read,
            Self::Balance | Self::VerifiedBalance | Self::Finish => Purpose::Do,
        }
    }
}

/// What a transaction is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To know the card, before a form.
    Read,
    /// To do what the holder came for.
    Do,
}

/// How a visit begins.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) pack: Arc<DriverPack>,
    pub(super) goal: Goal,
    /// Only this card.
    pub(super) expected: Option<Asn>,
    /// What is being finished, for the page.
    pub(super) amount: Option<Fen>,
    /// What was read of the card just before.
    pub(super) records: Vec<LogRecord>,
}

impl Plan {
    pub(super) fn new(pack: Arc<DriverPack>, goal: Goal) -> Self {
        Self { pack, goal, expected: None, amount: None, records: Vec::new() }
    }
}

/// A card that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Card {
    pub(super) asn: Asn,
    pub(super) balance: Fen,
}

/// A code that is on its way.
#[derive(Clone, Debug)]
pub(super) struct Code {
    /// It proves nothing without its digits.
    pub(super) reference: [u8; 16],
    pub(super) phone_hint: String,
    /// Both by the bank's time.
    pub(super) sent_at: UnixMillis,
    pub(super) expires_at: UnixMillis,
}

/// What was wrong, and where it is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Wrongs {
    pub(super) amount: Option<Wrong>,
    pub(super) whole: Option<Wrong>,
    pub(super) code: Option<Wrong>,
    pub(super) pin: Option<Wrong>,
    pub(super) card_pin: Option<Wrong>,
}

impl Wrongs {
    pub(super) fn is_empty(&self) -> bool {
        let Self { amount, whole, code, pin, card_pin } = self;
        [amount, whole, code, pin, card_pin].iter().all(|wrong| wrong.is_none())
    }
}

/// What was entered that is no secret.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) chosen: Option<String>,
    pub(super) other: String,
    pub(super) amount: Option<Fen>,
    pub(super) code: Option<Code>,
    pub(super) wrongs: Wrongs,
}

/// How a transaction ended, and when.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) ending: Ending,
    /// By the bank's time.
    pub(super) at: UnixMillis,
}

/// Where a visit is.
#[derive(Debug)]
pub(super) enum Stage {
    /// A transaction runs.
    Running,
    /// The amount is asked for.
    Amount,
    /// Code and PIN of a load are asked for.
    Code,
    /// The PIN of an activation is asked for.
    Pin,
    /// It is over.
    Ended(Box<Ended>),
}

/// A holder's visit.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) pack: Arc<DriverPack>,
    pub(super) goal: Goal,
    pub(super) expected: Option<Asn>,
    pub(super) card: Option<Card>,
    pub(super) draft: Draft,
    pub(super) records: Vec<LogRecord>,
    pub(super) stage: Stage,
    /// The transaction that runs, or ran last.
    pub(super) run: Run,
    touched: Instant,
}

/// Where an end leads.
enum After {
    Amount,
    /// The bank says what was entered wrong; no card was there yet, and the code's reference is still good.
    WrongCode,
    WrongPin,
    /// The bank was not reached: the code may be good still.
    TryAgain,
    Pin,
    WrongActivationPin,
    Result,
}

impl Session {
    pub(super) fn new(plan: Plan, run: Run) -> Self {
        let Plan { pack, goal, expected, amount, records } = plan;
        let draft = Draft { amount, ..Draft::default() };
        let (card, stage, touched) = (None, Stage::Running, Instant::now());
        Self { pack, goal, expected, card, draft, records, stage, run, touched }
    }

    /// The page that shows where the visit is.
    pub(super) fn path(&self, id: &str) -> String {
        match self.stage {
            Stage::Running => format!("/taps/{id}"),
            Stage::Amount => format!("/taps/{id}/load"),
            Stage::Code => format!("/taps/{id}/confirm"),
            Stage::Pin => format!("/taps/{id}/activate"),
            Stage::Ended(_) => format!("/taps/{id}/result"),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.stage, Stage::Running)
    }

    /// A transaction ended.
    pub(super) fn over(&mut self, ending: Ending, at: UnixMillis) {
        let (outcome, end) = (ending.outcome(), &ending.report.end);
        // The end of a transaction with another card names that one.
        if outcome != Some(Outcome::AnotherCard)
            && let Some(asn) = end.asn
        {
            let known = self.card.filter(|card| card.asn == asn).map(|card| card.balance);
            self.card = Some(Card { asn, balance: end.balance.or(known).unwrap_or_default() });
        }
        let wrong = |outcome| Some(Wrong::reported(outcome, &ending.report));
        self.stage = match (after(self.goal, self.run.purpose, outcome), outcome) {
            (After::Amount, _) => Stage::Amount,
            (After::WrongCode, Some(outcome)) => {
                self.draft.wrongs = Wrongs { code: wrong(outcome), ..Wrongs::default() };
                Stage::Code
            }
            (After::WrongPin, Some(outcome)) => {
                self.draft.wrongs = Wrongs { pin: wrong(outcome), ..Wrongs::default() };
                Stage::Code
            }
            (After::TryAgain, Some(outcome)) => {
                self.draft.wrongs = Wrongs { whole: wrong(outcome), ..Wrongs::default() };
                Stage::Code
            }
            (After::WrongActivationPin, Some(outcome)) => {
                self.draft.wrongs = Wrongs { pin: wrong(outcome), ..Wrongs::default() };
                Stage::Pin
            }
            (After::Pin, _) => Stage::Pin,
            (
                After::Result
                | After::WrongCode
                | After::WrongPin
                | After::TryAgain
                | After::WrongActivationPin,
                _,
            ) => {
                self.end(ending, at);
                return;
            }
        };
    }

    /// Nothing more follows. A code that was sent is used up, or of no use.
    pub(super) fn end(&mut self, ending: Ending, at: UnixMillis) {
        self.draft.code = None;
        self.draft.wrongs = Wrongs::default();
        self.stage = Stage::Ended(Box::new(Ended { ending, at }));
    }
}

fn after(goal: Goal, purpose: Purpose, outcome: Option<Outcome>) -> After {
    use Outcome as O;
    match (purpose, goal, outcome) {
        (Purpose::Read, Goal::Load, Some(O::BalanceRead)) => After::Amount,
        (Purpose::Read, Goal::Activate, Some(O::BalanceRead)) => After::Pin,
        (Purpose::Do, Goal::Load, Some(O::SmsWrong | O::SmsExpired | O::SmsBlocked | O::SmsNotForThis)) => {
            After::WrongCode
        }
        (Purpose::Do, Goal::Load, Some(O::PinWrong)) => After::WrongPin,
        (Purpose::Do, Goal::Load, Some(O::ServerAway | O::Unavailable)) => After::TryAgain,
        (Purpose::Do, Goal::Activate, Some(O::PinWrong)) => After::WrongActivationPin,
        (Purpose::Read | Purpose::Do, _, _) => After::Result,
    }
}

/// Why a transaction was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotBegun {
    /// Another has the reader.
    Busy,
    /// The face stops.
    Stopping,
    /// The visit is not kept any more, or a transaction of it runs.
    Gone,
    /// The system gives no random numbers.
    NoRandomness,
}

/// All visits.
#[derive(Debug)]
pub(super) struct Sessions {
    life: Duration,
    kept: Mutex<Kept>,
    is_busy: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Kept {
    by_id: HashMap<String, Session>,
    /// The visit whose transaction runs.
    running: Option<String>,
    is_stopping: bool,
}

impl Sessions {
    pub(super) fn new(life: Duration) -> Self {
        Self { life, kept: Mutex::default(), is_busy: watch::Sender::new(false) }
    }

    /// Does something with a visit, which is kept for longer by that.
    pub(super) fn with<T>(&self, id: &str, act: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let mut kept = self.kept();
        kept.forget_after(self.life);
        let session = kept.by_id.get_mut(id)?;
        session.touched = Instant::now();
        Some(act(session))
    }

    /// Begins a visit, whose transaction runs.
    pub(super) fn begin(&self, plan: Plan, run: Run) -> Result<String, NotBegun> {
        let mut kept = self.kept();
        kept.forget_after(self.life);
        kept.is_free()?;
        let id = unguessable()?;
        while kept.by_id.len() >= SESSIONS_MAX {
            let oldest = kept.by_id.iter().min_by_key(|(_, session)| session.touched);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else { break };
            kept.by_id.remove(&oldest);
        }
        kept.by_id.insert(id.clone(), Session::new(plan, run));
        kept.running = Some(id.clone());
        self.is_busy.send_replace(true);
        Ok(id)
    }

    /// Begins the next transaction of a visit.
    pub(super) fn go_on(&self, id: &str, goal: Goal, run: Run) -> Result<(), NotBegun> {
        let mut kept = self.kept();
        kept.is_free()?;
        let session = kept.by_id.get_mut(id).ok_or(NotBegun::Gone)?;
        (session.goal, session.run, session.stage) = (goal, run, Stage::Running);
        session.draft.wrongs = Wrongs::default();
        kept.running = Some(id.to_owned());
        self.is_busy.send_replace(true);
        Ok(())
    }

    /// The transaction of a visit ended.
    pub(super) fn over(&self, id: &str, ending: Ending, at: UnixMillis) {
        let mut kept = self.kept();
        kept.running = None;
        if let Some(session) = kept.by_id.get_mut(id) {
            session.touched = Instant::now();
            session.over(ending, at);
        }
        self.is_busy.send_replace(false);
    }

    /// Begins nothing more, and waits until nothing runs.
    pub(super) async fn stop_running(&self) {
        {
            let mut kept = self.kept();
            kept.is_stopping = true;
            if let Some(session) = kept.running.as_ref().and_then(|id| kept.by_id.get(id)) {
                session.run.watcher.cancel();
            }
        }
        // The sender is here.
        let _ = self.is_busy.subscribe().wait_for(|is_busy| !is_busy).await;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_free(&self) -> Result<(), NotBegun> {
        match (self.is_stopping, &self.running) {
            (true, _) => Err(NotBegun::Stopping),
            (false, Some(_)) => Err(NotBegun::Busy),
            (false, None) => Ok(()),
        }
    }

    fn forget_after(&mut self, life: Duration) {
        self.by_id.retain(|_, session| session.is_running() || session.touched.elapsed() < life);
    }
}

/// 128 random bits.
fn unguessable() -> Result<String, NotBegun> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| NotBegun::NoRandomness)?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use tap::Report;
    use tap::message::{End, Transaction};

    use super::*;

    fn sessions() -> Sessions {
        Sessions::new(Duration::from_secs(600))
    }

    fn plan(goal: Goal) -> Plan {
        let packs = packs::Packs::examples();
        Plan::new(packs.get("0101".parse().unwrap()).unwrap(), goal)
    }

    fn begin(sessions: &Sessions, goal: Goal) -> Result<String, NotBegun> {
        sessions.begin(plan(goal), Run::idle(goal.first()))
    }

    fn ending(outcome: Outcome) -> Ending {
        let mut end = End::of(outcome);
        end.asn = Some("00001000751234567801".parse().unwrap());
        let report = Report { industry: "0101".parse().unwrap(), transaction: Transaction::Balance, end };
        Ending { report, report_pending: false, cause: None }
    }

    fn path(sessions: &Sessions, id: &str) -> Option<String> {
        sessions.with(id, |session| session.path(id).replace(id, "x"))
    }

    #[test]
    fn an_end_leads_where_the_holder_can_go_on() {
        use Outcome as O;
        for (goal, purpose, outcome, leads_to) in [
            (Goal::Balance, Purpose::Do, O::BalanceRead, "/taps/x/result"),
            (Goal::Load, Purpose::Read, O::BalanceRead, "/taps/x/load"),
            (Goal::Load, Purpose::Read, O::CardGone, "/taps/x/result"),
            (Goal::Load, Purpose::Do, O::SmsWrong, "/taps/x/confirm"),
            (Goal::Load, Purpose::Do, O::SmsBlocked, "/taps/x/confirm"),
            (Goal::Load, Purpose::Do, O::PinWrong, "/taps/x/confirm"),
            (Goal::Load, Purpose::Do, O::ServerAway, "/taps/x/confirm"),
            (Goal::Load, Purpose::Do, O::PinBlocked, "/taps/x/result"),
            (Goal::Load, Purpose::Do, O::PaidNotWritten, "/taps/x/result"),
            (Goal::Activate, Purpose::Read, O::BalanceRead, "/taps/x/activate"),
            (Goal::Activate, Purpose::Do, O::PinWrong, "/taps/x/activate"),
            (Goal::Activate, Purpose::Do, O::Activated, "/taps/x/result"),
            (Goal::Finish, Purpose::Do, O::Loaded, "/taps/x/result"),
        ] {
            let sessions = sessions();
            let id = sessions.begin(plan(goal), Run::idle(purpose)).unwrap();
            assert_eq!(path(&sessions, &id).unwrap(), "/taps/x");
            sessions.over(&id, ending(outcome), UnixMillis(0));
            assert_eq!(path(&sessions, &id).unwrap(), leads_to, "{goal:?} {purpose:?} {outcome:?}");
        }
    }

    #[test]
    fn one_transaction_runs_at_a_time_and_none_once_it_stops() {
        let sessions = sessions();
        let first = begin(&sessions, Goal::Balance).unwrap();
        assert_eq!(begin(&sessions, Goal::Balance), Err(NotBegun::Busy));
        sessions.over(&first, ending(Outcome::BalanceRead), UnixMillis(0));
        let second = begin(&sessions, Goal::Finish).unwrap();
        assert_ne!(first, second);
        sessions.over(&second, ending(Outcome::Loaded), UnixMillis(0));
        sessions.kept().is_stopping = true;
        assert_eq!(begin(&sessions, Goal::Balance), Err(NotBegun::Stopping));
        assert_eq!(sessions.go_on(&first, Goal::Load, Run::idle(Purpose::Do)), Err(NotBegun::Stopping));
    }

    #[test]
    fn the_visit_that_was_asked_for_longest_ago_makes_place() {
        let sessions = sessions();
        let ids: Vec<String> = (0..=SESSIONS_MAX)
            .map(|_| {
                let id = begin(&sessions, Goal::Balance).unwrap();
                sessions.over(&id, ending(Outcome::BalanceRead), UnixMillis(0));
                id
            })
            .collect();
        assert_eq!(sessions.kept().by_id.len(), SESSIONS_MAX);
        assert_eq!(path(&sessions, &ids[0]), None);
        assert!(ids[1..].iter().all(|id| path(&sessions, id).is_some()));
    }

    #[test]
    fn a_visit_is_forgotten_after_its_time_unless_its_transaction_runs() {
        for (life, is_kept) in [(Duration::ZERO, false), (Duration::from_secs(600), true)] {
            let sessions = Sessions::new(life);
            let id = begin(&sessions, Goal::Balance).unwrap();
            assert_eq!(path(&sessions, &id).unwrap(), "/taps/x");
            sessions.over(&id, ending(Outcome::BalanceRead), UnixMillis(0));
            assert_eq!(path(&sessions, &id).is_some(), is_kept);
        }
    }

    #[test]
    fn another_card_does_not_take_the_place_of_the_one_that_was_read() {
        let sessions = sessions();
        let id = begin(&sessions, Goal::Load).unwrap();
        sessions.over(&id, ending(Outcome::BalanceRead), UnixMillis(0));
        sessions.go_on(&id, Goal::Load, Run::idle(Purpose::Do)).unwrap();
        let mut other = ending(Outcome::AnotherCard);
        other.report.end.asn = Some("00001000751234567899".parse().unwrap());
        sessions.over(&id, other, UnixMillis(0));
        assert_eq!(sessions.with(&id, |s| s.card.unwrap().asn.last_four()), Some(7801));
    }
}
