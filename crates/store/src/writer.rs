//! The one writer thread of a node, and its adaptive group commit: it takes what has queued, has it committed in one
//! transaction, and answers all.
//!
//! For: an engine, which is a [`Committer`]. Refuses: more than [`QUEUE_MAX`] units of work that wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::StoreError;
use crate::handle::{Job, Queue};

/// The most units of work in one commit.
pub const BATCH_MAX: usize = 256;

/// The most units of work that wait; one more is refused by name.
pub const QUEUE_MAX: usize = 8192;

/// How long nothing must come before [`Committer::idle`] is called.
const IDLE_AFTER: Duration = Duration::from_secs(1);

/// What an engine does with a batch.
pub(crate) trait Committer: Send + 'static {
    /// Commits a batch and answers each of its jobs.
    fn commit(&mut self, batch: &mut Vec<Box<dyn Job>>);
    /// Nothing waits: time for housekeeping.
    fn idle(&mut self) {}
}

pub(crate) struct Writer {
    sender: Mutex<Option<SyncSender<Box<dyn Job>>>>,
    waiting: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(committer: impl Committer) -> Result<Self, StoreError> {
        let (sender, receiver) = sync_channel(QUEUE_MAX);
        let waiting = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&waiting);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(committer, &receiver, &counter))
            .map_err(|error| StoreError::Engine(error.to_string()))?;
        Ok(Self { sender: Mutex::new(Some(sender)), waiting, thread: Some(thread) })
    }

    pub(crate) fn submit(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
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

    pub(crate) fn queue(&self) -> Queue {
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

fn run(mut committer: impl Committer, receiver: &Receiver<Box<dyn Job>>, waiting: &AtomicUsize) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    loop {
        match receiver.recv_timeout(IDLE_AFTER) {
            Ok(first) => batch.push(first),
            Err(RecvTimeoutError::Timeout) => {
                committer.idle();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while batch.len() < BATCH_MAX {
            match receiver.try_recv() {
                Ok(job) => batch.push(job),
                Err(_) => break,
            }
        }
        waiting.fetch_sub(batch.len(), Ordering::Relaxed);
        committer.commit(&mut batch);
    }
}
