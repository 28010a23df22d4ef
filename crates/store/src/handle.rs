//! The handle that everybody holds: hand in a unit of work, get its answer when it is durable.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use model::{CardId, ChannelId};
use tokio::sync::oneshot;

use crate::error::{StoreError, WriteError};
use crate::postgres::Lookups;
use crate::rows::{StoredAuthorization, StoredCard};
use crate::sql::{Ask, row};
use crate::unit::{Reading, Unit};

/// A unit of work, as a back end sees it. It may be run more than once before it is done.
pub(crate) trait Job: Send {
    /// Runs; whether its changes are to be kept.
    fn run(&mut self, unit: &mut dyn Unit) -> bool;
    /// When it was handed in.
    fn since(&self) -> Instant;
    /// Whether what was handed in after it must find what it did. Of others in a batch the order is free: nobody was answered.
    fn goes_first(&self) -> bool;
    /// Its changes are durable, or why not. Called once, last.
    fn done(self: Box<Self>, kept: Result<(), StoreError>);
}

/// How full the writer's queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Units of work that wait.
    pub waiting: usize,
    /// The most that may wait.
    pub limit: usize,
}

/// What became of writing a database anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiped {
    /// Its files hold nothing of earlier rows.
    Clean,
    /// They may: somebody still looks at an earlier moment (a dump, a long statement, a standby), and rows of then are kept for
    /// them. It is to be done again.
    StillSeen,
}

/// A back end.
pub(crate) trait Engine: Send + Sync {
    /// Queues a job, or says at once why not.
    fn submit(&self, job: Box<dyn Job>) -> Result<(), StoreError>;
    /// Runs a reading on some connection.
    fn read(&self, reading: &mut dyn FnMut(&dyn Reading)) -> Result<(), StoreError>;
    /// Where single rows are asked for together, if a reading of one's own is dear.
    fn lookups(&self) -> Option<&Lookups> {
        None
    }
    /// How full the queue is.
    fn queue(&self) -> Queue;
    /// Writes the tables of secrets anew, so that the disk holds nothing of earlier rows.
    fn wipe(&self) -> Result<Wiped, StoreError>;
}

/// The store, whichever back end holds it. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
}

struct Pending<F, T, E> {
    work: F,
    result: Option<Result<T, E>>,
    since: Instant,
    first: bool,
    answer: oneshot::Sender<Result<T, WriteError<E>>>,
}

impl<F, T, E> Job for Pending<F, T, E>
where
    F: FnMut(&mut dyn Unit) -> Result<T, E> + Send,
    T: Send,
    E: Send,
{
    fn run(&mut self, unit: &mut dyn Unit) -> bool {
        // A mistake in one unit of work must not stop the writer for all. What it changed is undone, and
        // what it captured is not used again unless it is run again from its beginning.
        self.result = catch_unwind(AssertUnwindSafe(|| (self.work)(unit))).ok();
        matches!(self.result, Some(Ok(_)))
    }

    fn since(&self) -> Instant {
        self.since
    }

    fn goes_first(&self) -> bool {
        self.first
    }

    fn done(self: Box<Self>, kept: Result<(), StoreError>) {
        let answer = match (kept, self.result) {
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Ok(()), Some(Err(refused))) => Err(WriteError::Refused(refused)),
            (Ok(()), None) => Err(WriteError::Store(StoreError::Panicked)),
            // A refusal may rest on what others of its batch had changed ("taken already"): when that is
            // lost, so is the refusal.
            (Err(error), _) => Err(WriteError::Store(error)),
        };
        // Whoever asked may have gone; what was kept is kept.
        let _ = self.answer.send(answer);
    }
}

impl Store {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    /// Runs a unit of work in one database transaction and answers when it is durable.
    ///
    /// Of units of work that wait at the same time the order is free: whoever needs one waits for the first, or queues it
    /// ([`Store::queue_write`]).
    ///
    /// `work` may be run more than once; only one run is kept. A refusal (`Err`) keeps nothing, nor does a
    /// panic, which is answered as [`StoreError::Panicked`]. Dropping the future does not stop the work.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, WriteError<E>>
    where
        F: FnMut(&mut dyn Unit) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.submit(work, false).await
    }

    /// [`Store::write`], queued before it returns: what is queued after it is done after it, whoever is polled first.
    pub fn queue_write<T, E, F>(
        &self,
        work: F,
    ) -> impl Future<Output = Result<T, WriteError<E>>> + Send + use<T, E, F>
    where
        F: FnMut(&mut dyn Unit) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.submit(work, true)
    }

    fn submit<T, E, F>(
        &self,
        work: F,
        first: bool,
    ) -> impl Future<Output = Result<T, WriteError<E>>> + Send + use<T, E, F>
    where
        F: FnMut(&mut dyn Unit) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let pending = Pending { work, result: None, since: Instant::now(), first, answer };
        let submitted = self.engine.submit(Box::new(pending));
        async move {
            submitted.map_err(WriteError::Store)?;
            answered.await.unwrap_or(Err(WriteError::Store(StoreError::Closed)))
        }
    }

    /// Reads a few rows by their keys, on the caller's thread: microseconds while the pages are cached. All
    /// that one reading sees is of one moment.
    pub fn peek<T>(
        &self,
        reading: impl FnOnce(&dyn Reading) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (mut reading, mut result) = (Some(reading), None);
        self.engine.read(&mut |unit| {
            result = reading.take().map(|reading| reading(unit));
        })?;
        result.unwrap_or(Err(StoreError::Closed))
    }

    /// [`Reading::card_on_channel`] by itself, together with all that ask at the same time.
    pub async fn card_heard(&self, channel: ChannelId) -> Result<Option<StoredCard>, StoreError> {
        match self.engine.lookups() {
            Some(lookups) => lookups.one(Ask::card_heard(channel), row::card).await,
            None => self.peek(|rows| rows.card_on_channel(channel)),
        }
    }

    /// [`Reading::open_authorization`] by itself, together with all that ask at the same time.
    pub async fn open_question(&self, card: CardId) -> Result<Option<StoredAuthorization>, StoreError> {
        match self.engine.lookups() {
            Some(lookups) => lookups.one(Ask::open_question(card), row::authorization).await,
            None => self.peek(|rows| rows.open_authorization(card)),
        }
    }

    /// Whether any order waits for a card, asked together with all that ask at the same time.
    pub async fn has_waiting_order(&self, card: CardId) -> Result<bool, StoreError> {
        match self.engine.lookups() {
            Some(lookups) => Ok(lookups.one(Ask::waiting_order(card), |_| Ok(())).await?.is_some()),
            None => self.peek(|rows| Ok(!rows.waiting_orders(card)?.is_empty())),
        }
    }

    /// Reads what may be long (lists, sums) without holding up the runtime; all of it of one moment.
    pub async fn read<T: Send + 'static>(
        &self,
        reading: impl FnOnce(&dyn Reading) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        match tokio::task::spawn_blocking(move || store.peek(reading)).await {
            Ok(result) => result,
            Err(stopped) if stopped.is_panic() => Err(StoreError::Panicked),
            // The runtime is shutting down.
            Err(_) => Err(StoreError::Closed),
        }
    }

    /// Has the database written anew where it held secrets, so that its files hold nothing of earlier rows: the whole file of an
    /// embedded database, which takes its time and as much room again; two small tables of a server's.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Locked`]: nothing has changed, and it can be done again.
    pub async fn wipe(&self) -> Result<Wiped, StoreError> {
        let store = self.clone();
        match tokio::task::spawn_blocking(move || store.engine.wipe()).await {
            Ok(result) => result,
            Err(stopped) if stopped.is_panic() => Err(StoreError::Panicked),
            // The runtime is shutting down.
            Err(_) => Err(StoreError::Closed),
        }
    }

    /// How full the writer's queue is.
    pub fn queue(&self) -> Queue {
        self.engine.queue()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_may_rest_on_lost_work_is_not_told_as_one() {
        let answer_when = |kept| {
            let (answer, mut answered) = oneshot::channel();
            let work = |_: &mut dyn Unit| Err("taken");
            let (result, since) = (Some(Err("taken")), Instant::now());
            Box::new(Pending::<_, (), _> { work, result, since, first: false, answer }).done(kept);
            answered.try_recv().unwrap()
        };
        assert_eq!(answer_when(Ok(())), Err(WriteError::Refused("taken")));
        assert_eq!(answer_when(Err(StoreError::Full)), Err(WriteError::Store(StoreError::Full)));
    }
}
