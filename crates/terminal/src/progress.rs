//! How far a transaction is, for whoever shows it; and the way to stop it.

use std::time::Duration;

use tap::CardNeed;
use tokio::sync::watch;
use tokio::time::Instant;

/// What happens now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The terminal looks after its keys.
    Preparing,
    /// The holder holds the card to the reader.
    HoldCard,
    /// The card is read: it must stay.
    ReadingCard,
    /// The bank is asked; the need says whether the card must stay.
    TalkingToBank(CardNeed),
    /// The bank's commands run: the card must stay.
    WritingCard,
    /// It is over.
    Over,
}

/// A stage and when it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What happens now.
    pub stage: Stage,
    /// When it ends at the latest.
    pub deadline: Instant,
}

impl Progress {
    /// How long it takes at most from now on.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// The transaction's end: it tells, and hears whether to stop.
#[derive(Debug)]
pub struct Events {
    told: watch::Sender<Progress>,
    canceled: watch::Receiver<bool>,
}

/// The other end: what happens, and [`Watcher::cancel`]. Clones watch the same transaction.
#[derive(Clone, Debug)]
pub struct Watcher {
    /// What happens; it ends when the transaction does.
    pub progress: watch::Receiver<Progress>,
    cancel: watch::Sender<bool>,
}

impl Events {
    /// Both ends, for one transaction.
    pub fn new() -> (Self, Watcher) {
        let begin = Progress { stage: Stage::Preparing, deadline: Instant::now() };
        let ((told, progress), (cancel, canceled)) = (watch::channel(begin), watch::channel(false));
        (Self { told, canceled }, Watcher { progress, cancel })
    }

    pub(crate) fn tell(&self, stage: Stage, within: Duration) {
        self.told.send_replace(Progress { stage, deadline: Instant::now() + within });
    }

    pub(crate) fn is_canceled(&self) -> bool {
        *self.canceled.borrow()
    }

    /// Waits until the holder does not want it any more; for ever where nobody can say so.
    pub(crate) fn hear(&self) -> impl Future<Output = ()> + use<> {
        let mut canceled = self.canceled.clone();
        async move {
            if canceled.wait_for(|canceled| *canceled).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Watcher {
    /// The holder does not want it any more. Heard until the bank was told of the card; after that the
    /// transaction comes to its own end, because money may be set aside.
    pub fn cancel(&self) {
        self.cancel.send_replace(true);
    }

    /// What happens now.
    pub fn now(&self) -> Progress {
        *self.progress.borrow()
    }
}
