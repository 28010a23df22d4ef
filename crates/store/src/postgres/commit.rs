//! A batch in one transaction of the database, and what is done when others change the same rows or the connection goes.
//!
//! A transaction is at repeatable read and begins with the writer's mark. Where the answer to a commit is lost, the same mark is
//! made again: that waits for a commit that is still under way, and finds the one that was made.

use std::time::{Duration, Instant};

use deadpool_postgres::{Object, Pool, PoolError};
use tokio::runtime::{Builder, Runtime};

use super::desk::{Counter, FOLD, FOLD_MAX};
use super::error::Trouble;
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

const BEGIN: &str = "begin isolation level repeatable read";
/// One row when this batch is new, none when it was committed before.
const MARK: &str = "insert into commit_mark (writer, batch) values ($1, $2) \
     on conflict (writer) do update set batch = excluded.batch, at = now() \
     where commit_mark.batch < excluded.batch";
const FORGET_MARKS: &str = "delete from commit_mark where at < now() - interval '1 day'";
const FOLD_TALLY: &str = "
    with gone as (
        delete from channel_tally_part where (xid, group_id, presence) in (
            select xid, group_id, presence from channel_tally_part limit 100000 for update skip locked
        ) returning group_id, presence, channels
    )
    insert into channel_tally_base
    select group_id, presence, cast(sum(channels) as bigint) from gone group by group_id, presence
    on conflict (group_id, presence) do update set channels = channel_tally_base.channels + excluded.channels";
/// One node folds at a time.
const FOLD_LOCK: &str = "select pg_try_advisory_xact_lock(4848765432)";

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
    folded: Instant,
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

impl Desk {
    pub(super) fn new(pool: Pool, name: [u8; 16], patience: Duration) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Engine(error.to_string()))?;
        Ok(Self { pool, runtime, name, batch: 0, connection: None, patience, folded: Instant::now() })
    }

    fn connection(&mut self) -> Result<(&Object, &Runtime), Trouble> {
        if self.connection.as_ref().is_none_or(|object| object.is_closed()) {
            self.connection = None;
            let connection = self.runtime.block_on(self.pool.get()).map_err(|error| away(&error))?;
            self.connection = Some(connection);
        }
        let connection = self.connection.as_ref().ok_or(Trouble::Lost(StoreError::Closed))?;
        Ok((connection, &self.runtime))
    }

    /// Runs jobs in one transaction until it is known what became of it.
    fn transact(&mut self, jobs: &mut [Box<dyn Job>]) -> Outcome {
        self.batch += 1;
        let until = Instant::now() + self.patience;
        let (mut pause, mut perhaps) = (PAUSE_MIN, None);
        loop {
            let (name, batch) = (self.name, self.batch);
            let tried = match self.connection() {
                Ok((connection, runtime)) => {
                    attempt(connection, Drive::Here(runtime), jobs, (&name, batch), perhaps.is_some())
                }
                Err(trouble) => Outcome::Not(trouble),
            };
            let trouble = match tried {
                Outcome::Kept | Outcome::Apart | Outcome::Refused { .. } => return tried,
                Outcome::Perhaps(error) => {
                    self.connection = None;
                    perhaps = Some(error.clone());
                    Trouble::Lost(error)
                }
                Outcome::Not(Trouble::Final(error)) => return Outcome::Not(Trouble::Final(error)),
                Outcome::Not(Trouble::Lost(error)) => {
                    self.connection = None;
                    Trouble::Lost(error)
                }
                Outcome::Not(Trouble::Again) => Trouble::Again,
            };
            if Instant::now() >= until {
                return perhaps.map_or(Outcome::Not(trouble), Outcome::Perhaps);
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
        let mut outcome = self.transact(&mut jobs);
        if matches!(outcome, Outcome::Refused { taken: true }) {
            outcome = self.transact(&mut jobs);
        }
        let [job] = jobs;
        job.done(answer(outcome));
    }

    fn fold(&mut self) -> Result<(), Trouble> {
        self.folded = Instant::now();
        let (connection, runtime) = self.connection()?;
        let folding = async {
            // At read committed: it adds to what is there now, whoever has changed it meanwhile.
            connection.batch_execute("begin isolation level read committed").await?;
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
        let folded = runtime.block_on(folding).map_err(|error| Trouble::of(&error));
        if folded.is_err() {
            self.connection = None;
        }
        folded
    }

    fn fold_if_due(&mut self) {
        if self.folded.elapsed() < FOLD_EVERY {
            return;
        }
        match self.fold() {
            Ok(()) | Err(Trouble::Again) => {}
            Err(trouble) => {
                tracing::debug!(error = %trouble.into_error(), "parts were not added to their bases")
            }
        }
    }
}

fn away(error: &PoolError) -> Trouble {
    match error {
        PoolError::Backend(error) => Trouble::of(error),
        PoolError::Timeout(_) => Trouble::Lost(StoreError::Away("it does not answer".into())),
        error => Trouble::Lost(StoreError::Away(error.to_string())),
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
    connection: &Object,
    drive: Drive<'_>,
    jobs: &mut [Box<dyn Job>],
    (name, batch): (&[u8; 16], i64),
    perhaps: bool,
) -> Outcome {
    let work = Work::on(connection, drive);
    let marked = work.run(async {
        let mark = connection.prepare_cached(MARK).await?;
        connection.batch_execute(BEGIN).await?;
        connection.execute(&mark, &[&name.as_slice(), &batch]).await
    });
    match marked {
        Err(_) => return roll_back(connection, drive, &work),
        // The earlier try was committed, with what its jobs answered then.
        Ok(0) if perhaps => {
            drop(drive.wait(connection.batch_execute("rollback")));
            return Outcome::Kept;
        }
        Ok(_) => {}
    }
    let counter = Counter::over(&work);
    let alone = jobs.len() == 1;
    for job in jobs.iter_mut() {
        let before = counter.changes();
        let keep = job.run(&mut Changes(&counter));
        if work.trouble().is_some() {
            return match roll_back(connection, drive, &work) {
                // Which of them it was is seen when each is run by itself.
                Outcome::Not(Trouble::Final(_)) if !alone => Outcome::Apart,
                // It saw what was wrong, and has its own words for it.
                Outcome::Not(Trouble::Final(error)) if !keep => {
                    Outcome::Refused { taken: matches!(error, StoreError::Constraint(_)) }
                }
                outcome => outcome,
            };
        }
        if !keep && (alone || counter.changes() != before) {
            drop(drive.wait(connection.batch_execute("rollback")));
            return if alone { Outcome::Refused { taken: false } } else { Outcome::Apart };
        }
    }
    if counter.write().is_err() {
        return match roll_back(connection, drive, &work) {
            Outcome::Not(Trouble::Final(_)) if !alone => Outcome::Apart,
            outcome => outcome,
        };
    }
    match drive.wait(connection.batch_execute("commit")) {
        Ok(()) => Outcome::Kept,
        Err(error) => match Trouble::of(&error) {
            Trouble::Lost(error) => Outcome::Perhaps(error),
            // What the server says it refused, it did not commit.
            trouble => Outcome::Not(trouble),
        },
    }
}

fn roll_back(connection: &Object, drive: Drive<'_>, work: &Work<'_>) -> Outcome {
    if !connection.is_closed() {
        drop(drive.wait(connection.batch_execute("rollback")));
    }
    Outcome::Not(work.trouble().unwrap_or(Trouble::Lost(StoreError::Closed)))
}

impl Committer for Desk {
    fn commit(&mut self, batch: &mut Vec<Box<dyn Job>>) {
        if batch.len() == 1 {
            batch.drain(..).for_each(|job| self.alone(job));
        } else {
            match self.transact(batch) {
                Outcome::Apart => batch.drain(..).for_each(|job| self.alone(job)),
                outcome => {
                    let answer = answer(outcome);
                    batch.drain(..).for_each(|job| job.done(answer.clone()));
                }
            }
        }
        self.fold_if_due();
    }

    fn idle(&mut self) {
        self.fold_if_due();
    }
}
