//! The one writer thread and its adaptive group commit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::session::Transaction;
use super::{BATCH_MAX, QUEUE_MAX};
use crate::error::StoreError;
use crate::handle::{Job, Queue};
use crate::sql::write::Changes;

pub(super) struct Writer {
    sender: Mutex<Option<SyncSender<Box<dyn Job>>>>,
    waiting: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (sender, receiver) = sync_channel(QUEUE_MAX);
        let waiting = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&waiting);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(connection, &receiver, &counter))
            .map_err(|error| StoreError::Engine(error.to_string()))?;
        Ok(Self { sender: Mutex::new(Some(sender)), waiting, thread: Some(thread) })
    }

    pub(super) fn submit(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = sender.as_ref() else { return Err(StoreError::Closed) };
        // Counted first, so that the writer never counts down below zero.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        sender.try_send(job).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => StoreError::QueueFull { limit: QUEUE_MAX },
                TrySendError::Disconnected(_) => StoreError::Closed,
            }
        })
    }

    pub(super) fn queue(&self) -> Queue {
        Queue { waiting: self.waiting.load(Ordering::Relaxed), limit: QUEUE_MAX }
    }
}

impl Drop for Writer {
    /// Finishes what has queued: whoever was promised an answer gets it.
    fn drop(&mut self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.take() {
            // The last handle may be dropped by a job's own answer, on the writer's thread.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

fn run(mut connection: Connection, receiver: &Receiver<Box<dyn Job>>, waiting: &AtomicUsize) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while let Ok(first) = receiver.recv() {
        batch.push(first);
        while batch.len() < BATCH_MAX {
            match receiver.try_recv() {
                Ok(job) => batch.push(job),
                Err(_) => break,
            }
        }
        waiting.fetch_sub(batch.len(), Ordering::Relaxed);
        commit(&mut connection, &mut batch);
    }
}

/// Commits a batch, or, when one of its jobs refused after it had changed something or met an error that
/// ended the transaction, each job by itself.
fn commit(connection: &mut Connection, batch: &mut Vec<Box<dyn Job>>) {
    match together(connection, batch) {
        Together::Kept(outcome) => {
            for job in batch.drain(..) {
                job.done(outcome.clone());
            }
        }
        Together::Apart => {
            for mut job in batch.drain(..) {
                let outcome = alone(connection, job.as_mut());
                job.done(outcome);
            }
        }
    }
}

enum Together {
    Kept(Result<(), StoreError>),
    Apart,
}

fn together(connection: &mut Connection, batch: &mut [Box<dyn Job>]) -> Together {
    let transaction = match Transaction::begin(connection) {
        Ok(transaction) => transaction,
        Err(error) => return Together::Kept(Err(error)),
    };
    for job in batch.iter_mut() {
        let before = transaction.changes();
        let keep = job.run(&mut Changes(&transaction));
        if transaction.still_open().is_err() || !keep && transaction.changes() != before {
            // Dropped without commit: rolled back.
            return Together::Apart;
        }
    }
    Together::Kept(transaction.commit())
}

fn alone(connection: &mut Connection, job: &mut dyn Job) -> Result<(), StoreError> {
    let transaction = Transaction::begin(connection)?;
    if job.run(&mut Changes(&transaction)) { transaction.commit() } else { Ok(()) }
}
