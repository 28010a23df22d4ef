//! A wallet card with its memory: what it answers is durable before it leaves.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::Fen;
use tap::card::{WalletCard, WalletImage, WalletMemory};
use tokio::sync::watch;
use tracing::error;

use super::{WalletError, WalletFileError, WalletMedium};

/// At which command the card leaves the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tear {
    /// The how many-th command from now, counted from 1.
    pub nth: u32,
    /// On which side of it.
    pub when: When,
}

/// On which side of a command a tear is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The card does not see the command.
    Before,
    /// The card has done it, durably; its answer is lost.
    After,
}

impl Tear {
    /// The card does not see the `nth` command.
    pub const fn before(nth: u32) -> Self {
        Self { nth, when: When::Before }
    }

    /// The answer to the `nth` command is lost.
    pub const fn after(nth: u32) -> Self {
        Self { nth, when: When::After }
    }
}

/// The tear that a card waits for.
#[derive(Clone, Copy, Debug)]
enum Scripted {
    Nth(Tear),
    /// At the first command that writes what a bank sent.
    Writing(When),
}

/// Fills what it is given with random bytes; says whether it could.
type Randomness = Box<dyn FnMut(&mut [u8]) -> bool + Send>;

struct Silicon {
    card: WalletCard,
    medium: WalletMedium,
    randomness: Randomness,
    tear: Option<Scripted>,
    /// Rises whenever the memory changes.
    told: watch::Sender<u64>,
}

/// A handle on one wallet card. Clones are the same card.
#[derive(Clone)]
pub struct SoftWallet {
    silicon: Arc<Mutex<Silicon>>,
}

impl SoftWallet {
    /// The card in this medium, in nobody's field, with the system's random numbers.
    pub fn new(medium: impl Into<WalletMedium>) -> Self {
        Self::with(medium.into(), Box::new(|bytes| getrandom::fill(bytes).is_ok()))
    }

    /// A card that draws these random numbers: for stories whose bytes are known beforehand.
    pub fn scripted(
        medium: impl Into<WalletMedium>,
        mut random: impl FnMut(&mut [u8]) + Send + 'static,
    ) -> Self {
        let randomness = move |bytes: &mut [u8]| {
            random(bytes);
            true
        };
        Self::with(medium.into(), Box::new(randomness))
    }

    fn with(medium: WalletMedium, randomness: Randomness) -> Self {
        let card = WalletCard::personalise(medium.image().clone());
        Self {
            silicon: Arc::new(Mutex::new(Silicon {
                card,
                medium,
                randomness,
                tear: None,
                told: watch::Sender::new(0),
            })),
        }
    }

    /// Everything durable, as it is now.
    pub fn image(&self) -> WalletImage {
        self.silicon().card.image().clone()
    }

    /// What commands change, as it is now. No key is in it.
    pub fn memory(&self) -> WalletMemory {
        self.silicon().card.image().memory.clone()
    }

    /// Tells every change of the memory.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.silicon().told.subscribe()
    }

    /// Whether this is a handle on the same card.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.silicon, &other.silicon)
    }

    /// What is on the purse.
    pub fn balance(&self) -> Fen {
        self.silicon().card.image().memory.balance
    }

    /// Scripts the next tear in place of the one before; it happens once.
    pub fn tear(&self, tear: Tear) {
        self.silicon().tear = Some(Scripted::Nth(tear));
    }

    /// The same at the first command that writes what a bank sent: CREDIT FOR LOAD, or UPDATE BINARY under its
    /// code. How many commands come before is the terminal's affair.
    pub fn tear_writing(&self, when: When) {
        self.silicon().tear = Some(Scripted::Writing(when));
    }

    /// Whether a scripted tear has not happened yet.
    pub fn is_tear_pending(&self) -> bool {
        self.silicon().tear.is_some()
    }

    /// Forgets the scripted tear.
    pub fn mend(&self) {
        self.silicon().tear = None;
    }

    /// The field went, or came back.
    pub(super) fn reset(&self) {
        self.silicon().card.reset();
    }

    /// One command. A changed memory is on the disk before this returns; where it cannot be brought there,
    /// nothing is answered and the card is what its file holds.
    pub(super) fn transmit(&self, apdu: &[u8]) -> Result<Vec<u8>, WalletError> {
        self.silicon().transmit(apdu)
    }

    fn silicon(&self) -> MutexGuard<'_, Silicon> {
        // Whoever panicked did not do it between a change and its store: that is one call.
        self.silicon.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Silicon {
    fn transmit(&mut self, apdu: &[u8]) -> Result<Vec<u8>, WalletError> {
        let torn = self.next_tear(apdu);
        if torn == Some(When::Before) {
            self.card.reset();
            return Err(WalletError::Torn);
        }
        let mut drawn = true;
        let randomness = &mut self.randomness;
        let step = self.card.process(apdu, &mut |bytes| drawn &= randomness(bytes));
        if !drawn {
            self.card.reset();
            return Err(WalletError::NoRandomness);
        }
        if step.changed
            && let Err(failure) = self.medium.store(self.card.image())
        {
            log(&failure);
            self.card = WalletCard::personalise(self.medium.image().clone());
            return Err(WalletError::MemoryFailed);
        }
        if step.changed {
            self.told.send_modify(|count| *count += 1);
        }
        if torn == Some(When::After) {
            self.card.reset();
            return Err(WalletError::Torn);
        }
        Ok(step.answer)
    }

    /// Counts a command; on which side of it the tear is, if it is at this one.
    fn next_tear(&mut self, apdu: &[u8]) -> Option<When> {
        let when = match self.tear.as_mut()? {
            Scripted::Nth(tear) if tear.nth > 1 => {
                tear.nth -= 1;
                return None;
            }
            Scripted::Nth(tear) => tear.when,
            Scripted::Writing(_) if !writes(apdu) => return None,
            Scripted::Writing(when) => *when,
        };
        self.tear = None;
        Some(when)
    }
}

/// Whether a command writes what a bank sent: CREDIT FOR LOAD, or UPDATE BINARY under secure messaging.
fn writes(apdu: &[u8]) -> bool {
    matches!(apdu, [0x80, 0x52, ..] | [0x04, 0xd6, ..])
}

fn log(failure: &WalletFileError) {
    error!(%failure, "a wallet card does not answer");
}

impl fmt::Debug for SoftWallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let silicon = self.silicon();
        f.debug_struct("SoftWallet")
            .field("last_four", &silicon.card.image().memory.asn().map(model::Asn::last_four))
            .field("tear", &silicon.tear)
            .finish_non_exhaustive()
    }
}
