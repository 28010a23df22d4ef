//! A batch in one transaction of the database, and what is done when others change the same rows or the connection goes.
//!
//! A transaction is at repeatable read and begins with the writer's mark. Where the answer to a commit is lost, the same mark is
//! made again: that waits for a commit that is still under way, and finds the one that was made. Such a one is committed on top
//! of, and only then acknowledged: it is on the standbys that the server waits for.

use std::time::{Duration, Instant};

use deadpool_postgres::{Object, Pool};
use futures_util::join;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;

use super::connection::WHOLE_TABLES;
use super::desk::{Attempted, Counter, FOLD, FOLD_MAX};
use super::error::{Trouble, unconnected};
use super::gather::Gather;
use super::session::{Drive, Work};
use crate::error::StoreError;
use crate::handle::Job;
use crate::sql::Desk as _;
use crate::sql::write::Changes;
use crate::writer::Committer;

/// The first pause before trying again; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// How often parts are added to their bases, and old marks forgotten.
const FOLD_EVERY: Duration = Duration::from_secs(1);
/// How long it is believed that there is no server, by those who are not patient any more.
const LOST_FOR: Duration = Duration::from_secs(1);
/// How long a server that was away is left alone by housekeeping: whoever hands in a unit of work does not wait behind it.
const LOST_PAUSE: Duration = Duration::from_secs(15);
/// How often a job by itself is run where others take what it finds free: it must see what they took.
const TAKEN_RUNS: u32 = 3;

/// How often the units of work of a batch are tried before they are run one by one.
const ASK_ROUNDS: u32 = 4;

const BEGIN: &str = "begin isolation level repeatable read";
/// One row when this batch is new, none when it was committed before.
const MARK: &str = "insert into commit_mark (writer, batch) values ($1, $2) \
     on conflict (writer) do update set batch = excluded.batch, at = now() \
     where commit_mark.batch < excluded.batch";
/// So that there is something to commit on top of a batch that was committed before.
const TOUCH: &str = "update commit_mark set at = now() where writer = $1";
const FORGET_MARKS: &str = "delete from commit_mark where at < now() - interval '1 day'";
const FOLD_TALLY: &str = "
    with gone as (
        delete from channel_tally_part where (xid, group_id, presence) in (
            select xid, group_id, presence from channel_tally_part limit 20000 for update skip locked
        ) returning group_id, presence, channels
    )
    insert into channel_tally_base
    select group_id, presence, cast(sum(channels) as bigint) from gone group by group_id, presence
    on conflict (group_id, presence) do update set channels = channel_tally_base.channels + excluded.channels";
/// One node folds at a time.
const FOLD_LOCK: &str = "select pg_try_advisory_xact_lock(4848765433)";

/// The writer's end of the database.
pub(super) struct Desk {
    pool: Pool,
    /// Drives the connection, on the writer's own thread.
    runtime: Runtime,
    /// This writer's own name, which no other ever has.
    name: [u8; 16],
    /// The newest batch that was begun.
    batch: i64,
    connection: Option<Object>,
    patience: Duration,
    /// When the newest try found no server that answers, and why.
    lost: Option<(Instant, StoreError)>,
    folded: Instant,
}

/// How units of work speak to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statements {
    /// What can be read or written together is.
    Gathered,
    /// Each by itself, when it is run.
    Plain,
}

/// What is known of a batch that was tried before.
#[derive(Default)]
struct Tried {
    /// It may have been committed, or may yet be.
    perhaps: Option<StoreError>,
    /// The server has answered in this try.
    answered: bool,
}

/// How a transaction came out.
enum Outcome {
    /// Durable.
    Kept,
    /// One of its jobs must not be kept with the others.
    Apart,
    /// It was one job, and it refused; `taken`: over something that another may have taken a moment ago.
    Refused { taken: bool },
    /// It was not committed.
    Not(Trouble),
    /// It may have been.
    Perhaps(StoreError),
}

impl Outcome {
    /// Whether it was refused by a rule of what is unique: somebody was faster.
    const fn is_taken(&self) -> bool {
        matches!(self, Self::Refused { taken: true } | Self::Not(Trouble::Final(StoreError::Constraint(_))))
    }
}

impl Desk {
    pub(super) fn new(pool: Pool, name: [u8; 16], patience: Duration) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Engine(error.to_string()))?;
        Ok(Self {
            pool,
            runtime,
            name,
            batch: 0,
            connection: None,
            patience,
            lost: None,
            folded: Instant::now(),
        })
    }

    fn connection(&mut self) -> Result<(&Object, &Runtime), Trouble> {
        if self.connection.as_ref().is_none_or(|object| object.is_closed()) {
            self.abandon();
            let (pool, patience) = (&self.pool, self.patience);
            let connected = self.runtime.block_on(async { timeout(patience, pool.get()).await });
            let connected = connected.map_err(|_| Trouble::silence())?;
            self.connection = Some(connected.map_err(|error| unconnected(&error))?);
        }
        let connection = self.connection.as_ref().ok_or(Trouble::Lost(StoreError::Closed))?;
        Ok((connection, &self.runtime))
    }

    /// Who knows what the connection is in the middle of: nobody uses it again.
    fn abandon(&mut self) {
        self.connection.take().map(Object::take);
    }

    /// How long one answer is waited for. What is left of the patience is for asking again.
    fn longest(&self) -> Duration {
        self.patience / 2
    }

    /// Runs jobs in one transaction until it is known what became of it. Each is as patient as since it was handed in: they do
    /// not wait one batch after the other.
    fn transact(&mut self, jobs: &mut [Box<dyn Job>], statements: Statements) -> Outcome {
        self.batch += 1;
        let (began, longest) = (Instant::now(), self.longest());
        let handed_in = jobs.iter().map(|job| job.since()).max().unwrap_or(began);
        if let Some((at, error)) = &self.lost
            && handed_in.elapsed() >= self.patience
            && at.elapsed() < LOST_FOR
        {
            return Outcome::Not(Trouble::Lost(error.clone()));
        }
        let (mut pause, mut tried) = (PAUSE_MIN, Tried::default());
        loop {
            let (name, batch) = (self.name, self.batch);
            tried.answered = false;
            let outcome = match self.connection() {
                Ok((connection, runtime)) => {
                    let work = Work::on(connection, Drive::Here(runtime), longest);
                    attempt(&work, jobs, (&name, batch), &mut tried, statements)
                }
                Err(trouble) => Outcome::Not(trouble),
            };
            if tried.answered {
                self.lost = None;
            }
            let trouble = match outcome {
                Outcome::Kept | Outcome::Apart | Outcome::Refused { .. } => return outcome,
                Outcome::Perhaps(error) => {
                    tried.perhaps = Some(error.clone());
                    Trouble::Lost(error)
                }
                Outcome::Not(trouble) => trouble,
            };
            let since = match &trouble {
                // Of an earlier try that may have been committed this says nothing.
                Trouble::Final(_) => return tried.perhaps.map_or(Outcome::Not(trouble), Outcome::Perhaps),
                Trouble::Lost(error) => {
                    self.abandon();
                    self.lost = Some((Instant::now(), error.clone()));
                    // What became of a commit is asked for at least once, however long it has waited before.
                    if tried.perhaps.is_some() { began } else { handed_in }
                }
                Trouble::Again => began,
            };
            if since.elapsed() >= self.patience {
                return tried.perhaps.map_or(Outcome::Not(trouble), Outcome::Perhaps);
            }
            if trouble != Trouble::Again {
                tracing::warn!(error = %trouble.into_error(), "a unit of work waits for the database");
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// One job in a transaction of its own. What it finds taken may have been taken a moment ago by another node: that it
    /// sees when it is run once more.
    fn alone(&mut self, job: Box<dyn Job>) {
        let mut jobs = [job];
        let mut outcome = self.transact(&mut jobs, Statements::Gathered);
        // Met when it was sent, an error is nobody's in particular: run plainly, the unit of work meets it where it is.
        if let Outcome::Apart = outcome {
            outcome = self.transact(&mut jobs, Statements::Plain);
        }
        for _ in 1..TAKEN_RUNS {
            if !outcome.is_taken() {
                break;
            }
            outcome = self.transact(&mut jobs, Statements::Plain);
        }
        let [job] = jobs;
        job.done(answer(outcome));
    }

    fn fold(&mut self) -> Result<(), Trouble> {
        self.folded = Instant::now();
        let longest = self.longest();
        let (connection, runtime) = self.connection()?;
        let folding = async {
            // At read committed: it adds to what is there now, whoever has changed it meanwhile.
            connection
                .batch_execute(&format!("begin isolation level read committed; {WHOLE_TABLES}"))
                .await?;
            if connection.query_one(FOLD_LOCK, &[]).await?.get::<_, bool>(0) {
                let fold = connection.prepare_cached(FOLD).await?;
                connection.execute(&fold, &[&FOLD_MAX]).await?;
                let fold = connection.prepare_cached(FOLD_TALLY).await?;
                connection.execute(&fold, &[]).await?;
                let forget = connection.prepare_cached(FORGET_MARKS).await?;
                connection.execute(&forget, &[]).await?;
            }
            connection.batch_execute("commit").await
        };
        let folded = Drive::Here(runtime).ask(longest, folding);
        if folded.is_err() {
            // It is in a transaction that has failed: nobody's unit of work comes into that.
            self.abandon();
        }
        folded
    }

    fn fold_if_due(&mut self) {
        if self.folded.elapsed() < FOLD_EVERY {
            return;
        }
        match self.fold() {
            Ok(()) => self.lost = None,
            Err(Trouble::Again) => {}
            Err(Trouble::Final(error)) => tracing::debug!(%error, "parts were not added to their bases"),
            Err(Trouble::Lost(error)) => {
                tracing::debug!(%error, "parts were not added to their bases");
                self.lost = Some((Instant::now(), error));
            }
        }
    }
}

fn answer(outcome: Outcome) -> Result<(), StoreError> {
    match outcome {
        // Whoever refused is answered with their own refusal; nothing of it was kept.
        Outcome::Kept | Outcome::Apart | Outcome::Refused { .. } => Ok(()),
        Outcome::Not(trouble) => Err(trouble.into_error()),
        Outcome::Perhaps(_) => Err(StoreError::Unresolved),
    }
}

fn attempt(
    work: &Work<'_>,
    jobs: &mut [Box<dyn Job>],
    (name, batch): (&[u8; 16], i64),
    tried: &mut Tried,
    statements: Statements,
) -> Outcome {
    let connection = work.client();
    let marked = work.run(async {
        let mark = connection.prepare_cached(MARK).await?;
        let name = name.as_slice();
        let slots: [&(dyn ToSql + Sync); 2] = [&name, &batch];
        let (begun, marked) = join!(connection.batch_execute(BEGIN), connection.execute(&mark, &slots));
        begun?;
        marked
    });
    match marked {
        Err(_) => return roll_back(work),
        // The earlier try was committed, with what its jobs answered then.
        Ok(0) if tried.perhaps.is_some() => {
            tried.answered = true;
            let touched = work.run(async {
                let touch = connection.prepare_cached(TOUCH).await?;
                connection.execute(&touch, &[&name.as_slice()]).await
            });
            return if touched.is_ok() { commit(work) } else { roll_back(work) };
        }
        Ok(0) => {
            let _ = work.run(connection.batch_execute("rollback"));
            let why = "another writer has the name of this one: each start draws its own";
            return Outcome::Not(Trouble::Final(StoreError::Engine(why.into())));
        }
        // If there was an earlier try, it was not committed, and will not be.
        Ok(_) => *tried = Tried { perhaps: None, answered: true },
    }
    let gather = Gather::over(work, statements == Statements::Plain);
    let counter = Counter::over(&gather);
    let alone = jobs.len() == 1;
    // Whose error it is, and where, is seen when each is run by itself and says each thing by itself.
    let unclear = !alone || statements == Statements::Gathered;
    let run = |job: &mut Box<dyn Job>| {
        let before = counter.changes();
        let keep = job.run(&mut Changes(&counter));
        if work.trouble().is_some() {
            return Err(match roll_back(work) {
                Outcome::Not(Trouble::Final(_)) if unclear => Outcome::Apart,
                // It saw what was wrong, and has its own words for it.
                Outcome::Not(Trouble::Final(error)) if !keep => {
                    Outcome::Refused { taken: matches!(error, StoreError::Constraint(_)) }
                }
                outcome => outcome,
            });
        }
        if !keep && (alone || counter.changes() != before) {
            let _ = work.run(connection.batch_execute("rollback"));
            return Err(if alone { Outcome::Refused { taken: false } } else { Outcome::Apart });
        }
        Ok(())
    };
    let (first, others): (Vec<_>, Vec<_>) = jobs.iter_mut().partition(|job| alone || job.goes_first());
    for job in first {
        let done = !alone && counter.attempt(|| job.run(&mut Changes(&counter))) == Attempted::Done;
        if !done && let Err(outcome) = run(job) {
            return outcome;
        }
    }
    let left = match try_together(&gather, &counter, others) {
        Ok(left) => left,
        Err(error) => {
            return match roll_back_for(work, error) {
                Outcome::Not(Trouble::Final(_)) => Outcome::Apart,
                outcome => outcome,
            };
        }
    };
    for job in left {
        if let Err(outcome) = run(job) {
            return outcome;
        }
    }
    if let Err(error) = gather.send().and_then(|()| counter.write()) {
        return match roll_back_for(work, error) {
            Outcome::Not(Trouble::Final(_)) if unclear => Outcome::Apart,
            outcome => outcome,
        };
    }
    commit(work)
}

/// Runs units of work from what is known, and reads what they ask for, in turn. What is left must be run one by one.
fn try_together<'j>(
    gather: &Gather<'_>,
    counter: &Counter<'_>,
    mut asking: Vec<&'j mut Box<dyn Job>>,
) -> Result<Vec<&'j mut Box<dyn Job>>, StoreError> {
    let mut left = Vec::new();
    for round in 1..=ASK_ROUNDS {
        let mut again = Vec::new();
        for job in asking {
            match counter.attempt(|| job.run(&mut Changes(counter))) {
                Attempted::Done => {}
                Attempted::Asked if round < ASK_ROUNDS => again.push(job),
                Attempted::Asked | Attempted::Unclear => left.push(job),
            }
        }
        gather.read_ahead()?;
        asking = again;
        if asking.is_empty() {
            break;
        }
    }
    Ok(left)
}

fn commit(work: &Work<'_>) -> Outcome {
    match work.run(work.client().batch_execute("commit")) {
        Ok(()) => Outcome::Kept,
        Err(_) => match work.trouble() {
            // What the server says it refused, it did not commit.
            Some(trouble @ (Trouble::Again | Trouble::Final(_))) => Outcome::Not(trouble),
            Some(Trouble::Lost(error)) => Outcome::Perhaps(error),
            None => Outcome::Perhaps(StoreError::Closed),
        },
    }
}

/// Ends a transaction over an error, whoever found it.
fn roll_back_for(work: &Work<'_>, error: StoreError) -> Outcome {
    if work.trouble().is_none() {
        work.fail(error);
    }
    roll_back(work)
}

/// Ends a transaction that is in trouble. Of a connection that is gone nothing is asked.
fn roll_back(work: &Work<'_>) -> Outcome {
    let trouble = work.trouble().unwrap_or(Trouble::Lost(StoreError::Closed));
    if !matches!(trouble, Trouble::Lost(_)) && work.undo().is_err() {
        return Outcome::Not(Trouble::Lost(StoreError::Closed));
    }
    Outcome::Not(trouble)
}

impl Committer for Desk {
    fn commit(&mut self, batch: &mut Vec<Box<dyn Job>>) {
        if batch.len() == 1 {
            batch.drain(..).for_each(|job| self.alone(job));
        } else {
            match self.transact(batch, Statements::Gathered) {
                Outcome::Apart => batch.drain(..).for_each(|job| self.alone(job)),
                outcome => {
                    let answer = answer(outcome);
                    batch.drain(..).for_each(|job| job.done(answer.clone()));
                }
            }
        }
        // Who waits for a server that is away does not wait for this as well.
        if self.lost.is_none() {
            self.fold_if_due();
        }
    }

    fn idle(&mut self) {
        // A server that was away is asked again now and then, and not with every look.
        if self.lost.as_ref().is_none_or(|(at, _)| at.elapsed() >= LOST_PAUSE) {
            self.fold_if_due();
        }
    }
}
