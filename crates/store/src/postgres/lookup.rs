//! Readings of one row by many at once: what waits while one answer is under way is asked together, as one statement.
//!
//! For: what each frame begins with. A reading of its own would be a connection, a transaction and three messages for each.
//! Refuses: more than one statement a question: what must be of one moment is a [`Reading`](crate::Reading).

use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::Row;

use super::error::{Trouble, unconnected};
use super::gather::{answers, by_statement, first_trouble};
use crate::error::StoreError;
use crate::sql::Ask;
use crate::writer::QUEUE_MAX;

/// The most questions in one statement.
const TOGETHER_MAX: usize = 256;

/// How long an answer is waited for: all others wait behind it, and a few rows by their keys never take so long.
const LOOKUP_WAIT: Duration = Duration::from_secs(5);

/// How often it is asked where the connection is lost.
const TRIES: u32 = 2;

type Answer = oneshot::Sender<Result<Vec<Row>, StoreError>>;

struct Wanted {
    ask: Ask,
    /// Whoever asked waits no longer than this.
    until: Instant,
    answer: Answer,
}

/// Where questions are handed in.
pub(crate) struct Lookups {
    sender: mpsc::Sender<Wanted>,
    /// How long whoever asks waits, from when they asked: not one behind the other.
    patience: Duration,
}

impl Lookups {
    /// Begins to answer; ends when this is dropped.
    pub(super) fn start(network: &Handle, readers: Pool, patience: Duration) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        network.spawn(answer_all(receiver, readers));
        Self { sender, patience }
    }

    /// The first row that a question finds.
    pub(crate) async fn one<T>(
        &self,
        ask: Ask,
        read: impl FnOnce(&crate::sql::Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let until = Instant::now() + self.patience;
        self.sender.try_send(Wanted { ask, until, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::QueueFull { limit: QUEUE_MAX },
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        let answered = timeout_at(until, answered).await.map_err(|_| Trouble::silence().into_error())?;
        let rows = answered.unwrap_or(Err(StoreError::Closed))?;
        rows.first().map(|row| read(row)).transpose()
    }
}

async fn answer_all(mut receiver: mpsc::Receiver<Wanted>, readers: Pool) {
    let mut waiting = Vec::with_capacity(TOGETHER_MAX);
    let mut connection: Option<Object> = None;
    // What the newest try came to, where it came to nothing.
    let mut lost: Option<StoreError> = None;
    while receiver.recv_many(&mut waiting, TOGETHER_MAX).await > 0 {
        let now = Instant::now();
        let (too_late, wanted): (Vec<_>, Vec<_>) = waiting.drain(..).partition(|wanted| wanted.until <= now);
        // It waited behind others who were not answered either; asked for it once more, more would wait behind it.
        let error = lost.clone().unwrap_or_else(|| Trouble::silence().into_error());
        too_late.into_iter().for_each(|wanted| drop(wanted.answer.send(Err(error.clone()))));
        let Some(end) = wanted.iter().map(|wanted| wanted.until).max() else { continue };
        let groups = by_statement(wanted, |wanted| wanted.ask.sql);
        let (asks, tell): (Vec<Vec<Ask>>, Vec<Vec<Answer>>) = groups
            .into_iter()
            .map(|group| group.into_iter().map(|wanted| (wanted.ask, wanted.answer)).unzip())
            .unzip();
        let tell = tell.into_iter().flatten();
        // Whoever asked may have gone.
        match ask_until(end, &mut connection, &readers, &asks).await {
            Ok(rows) => {
                lost = None;
                tell.zip(rows).for_each(|(tell, rows)| drop(tell.send(Ok(rows))));
            }
            Err(trouble) => {
                let error = trouble.into_error();
                lost = Some(error.clone());
                tell.for_each(|tell| drop(tell.send(Err(error.clone()))));
            }
        }
    }
}

/// Asks, and once more where the connection was lost, while anybody waits for it.
async fn ask_until(
    end: Instant,
    connection: &mut Option<Object>,
    readers: &Pool,
    groups: &[Vec<Ask>],
) -> Result<Vec<Vec<Row>>, Trouble> {
    let mut tries = 0..TRIES;
    loop {
        tries.next();
        let asked = timeout_at(end, ask(connection, readers, groups)).await;
        let trouble = match asked.unwrap_or_else(|_| Err(Trouble::silence())) {
            Err(trouble @ Trouble::Lost(_)) => trouble,
            answered => return answered,
        };
        // A connection that was kept may have ended with its server: another may be there by now.
        connection.take().map(Object::take);
        if tries.is_empty() || Instant::now() >= end {
            return Err(trouble);
        }
    }
}

async fn ask(
    connection: &mut Option<Object>,
    readers: &Pool,
    groups: &[Vec<Ask>],
) -> Result<Vec<Vec<Row>>, Trouble> {
    if connection.as_ref().is_none_or(|connection| connection.is_closed()) {
        connection.take().map(Object::take);
        *connection = Some(readers.get().await.map_err(|error| unconnected(&error))?);
    }
    let Some(client) = connection.as_ref() else { return Err(Trouble::silence()) };
    let asking = join_all(groups.iter().map(|group| answers(client, group)));
    let answered = timeout(LOOKUP_WAIT, asking).await.map_err(|_| Trouble::silence())?;
    let answered = first_trouble(answered).map_err(|error| Trouble::of(&error))?;
    Ok(answered.into_iter().flatten().collect())
}
