//! The field of a reader: at most one card is held into it.
//!
//! For: [`Field`], whose clones are the same field: a page holds a card, a reader reads it. Every holding is a
//! presentation of its own: who was connected to the one before is told that the card is gone.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tap::reader::{Reader, ReaderError};
use tokio::sync::watch;

use super::{SoftWallet, WalletError};

#[derive(Debug)]
struct Inner {
    held: Mutex<Held>,
    came: Condvar,
    /// The presentation, for those who wait without blocking.
    told: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Held {
    wallet: Option<SoftWallet>,
    /// Rises whenever the field's content changes.
    presentation: u64,
}

/// One holding of one card.
#[derive(Clone, Debug)]
pub(super) struct Presented {
    pub(super) wallet: SoftWallet,
    pub(super) presentation: u64,
}

/// A reader's field. Clones are the same field.
#[derive(Clone, Debug)]
pub struct Field {
    inner: Arc<Inner>,
}

impl Default for Field {
    fn default() -> Self {
        Self::new()
    }
}

impl Field {
    /// An empty field.
    pub fn new() -> Self {
        let inner = Inner { held: Mutex::default(), came: Condvar::new(), told: watch::Sender::new(0) };
        Self { inner: Arc::new(inner) }
    }

    /// Holds a card into the field; one that was there is taken away first.
    pub fn hold(&self, wallet: &SoftWallet) {
        self.change(self.held(), Some(wallet.clone()));
    }

    /// Takes the card away; without one it does nothing.
    pub fn remove(&self) {
        let held = self.held();
        if held.wallet.is_some() {
            self.change(held, None);
        }
    }

    /// The card in the field.
    pub fn wallet(&self) -> Option<SoftWallet> {
        self.held().wallet.clone()
    }

    /// Tells every change of the field's content.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.inner.told.subscribe()
    }

    pub(super) fn presented(&self) -> Option<Presented> {
        let held = self.held();
        held.wallet.clone().map(|wallet| Presented { wallet, presentation: held.presentation })
    }

    /// One command to this holding's card. A card that fails or is torn is out of the field afterwards.
    pub(super) fn transmit(&self, to: &Presented, apdu: &[u8]) -> Result<Vec<u8>, ReaderError> {
        if !self.is_there(to) {
            return Err(ReaderError::CardGone);
        }
        let answer = to.wallet.transmit(apdu);
        if !self.is_there(to) {
            // Taken away while it worked: it did the command, and nobody hears of it.
            return Err(ReaderError::CardGone);
        }
        answer.map_err(|failure| {
            self.lose(to);
            match failure {
                WalletError::Torn => ReaderError::CardGone,
                WalletError::MemoryFailed | WalletError::NoRandomness => {
                    ReaderError::Failed(failure.to_string())
                }
            }
        })
    }

    /// Takes this holding's card away, not one that came instead.
    fn lose(&self, presented: &Presented) {
        let held = self.held();
        if held.presentation == presented.presentation {
            self.change(held, None);
        }
    }

    fn is_there(&self, presented: &Presented) -> bool {
        self.held().presentation == presented.presentation
    }

    /// Waits for a card until this moment.
    fn wait(&self, until: Instant) -> Option<Presented> {
        let mut held = self.held();
        while held.wallet.is_none() {
            let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            held = self.inner.came.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        held.wallet.clone().map(|wallet| Presented { wallet, presentation: held.presentation })
    }

    fn change(&self, mut held: MutexGuard<'_, Held>, wallet: Option<SoftWallet>) {
        let before = std::mem::replace(&mut held.wallet, wallet);
        held.presentation += 1;
        let presentation = held.presentation;
        // Both without power for a moment.
        before.iter().chain(&held.wallet).for_each(SoftWallet::reset);
        drop(held);
        self.inner.came.notify_all();
        self.inner.told.send_replace(presentation);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.inner.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader of a software field.
#[derive(Debug)]
pub struct SoftReader {
    field: Field,
    wait: Duration,
    connected: Option<Presented>,
}

impl SoftReader {
    /// A reader whose [`Reader::connect`] waits so long for a card.
    pub fn new(field: Field, wait: Duration) -> Self {
        Self { field, wait, connected: None }
    }

    /// The field.
    pub fn field(&self) -> &Field {
        &self.field
    }
}

impl Reader for SoftReader {
    fn connect(&mut self) -> Result<(), ReaderError> {
        self.disconnect();
        let presented = self.field.wait(Instant::now() + self.wait).ok_or(ReaderError::NoCard)?;
        presented.wallet.reset();
        self.connected = Some(presented);
        Ok(())
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Vec<u8>, ReaderError> {
        let presented = self.connected.as_ref().ok_or(ReaderError::NoCard)?;
        let answer = self.field.transmit(presented, apdu);
        if answer.is_err() {
            self.connected = None;
        }
        answer
    }

    fn disconnect(&mut self) {
        if let Some(presented) = self.connected.take()
            && self.field.is_there(&presented)
        {
            presented.wallet.reset();
        }
    }
}
