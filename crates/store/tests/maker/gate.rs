//! A unit of work that holds the writer, so that what is handed in meanwhile stands in the queue together.

use std::sync::mpsc;

use store::{Store, StoreError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The writer, held. It goes on when the gate is opened.
pub(crate) struct Gate {
    opener: mpsc::Sender<()>,
    holding: JoinHandle<()>,
}

impl Gate {
    /// Holds the writer; answers when it is held.
    pub(crate) async fn shut(store: &Store) -> Self {
        let (opener, opened) = mpsc::channel();
        let (tell, held) = oneshot::channel();
        let (store, mut tell) = (store.clone(), Some(tell));
        let holding = tokio::spawn(async move {
            let work = move |_: &mut dyn store::Unit| {
                if let Some(tell) = tell.take() {
                    tell.send(()).unwrap();
                }
                // Ends as well when the gate is dropped, so that a failed test does not hang.
                let _ = opened.recv();
                Ok::<(), StoreError>(())
            };
            // `Locked` and its like are the business of whoever stands behind the gate.
            let _ = store.write(work).await;
        });
        held.await.unwrap();
        Self { opener, holding }
    }

    /// Lets go once this many units of work stand in the queue.
    pub(crate) async fn open_when_waiting(self, store: &Store, waiting: usize) {
        while store.queue().waiting < waiting {
            tokio::task::yield_now().await;
        }
        self.opener.send(()).unwrap();
        self.holding.await.unwrap();
    }

    /// Forgets whoever held it, and gives the means to open it to the caller.
    pub(crate) async fn into_opener(self) -> mpsc::Sender<()> {
        self.holding.abort();
        assert!(self.holding.await.unwrap_err().is_cancelled());
        self.opener
    }
}
