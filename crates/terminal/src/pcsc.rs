//! Readers of PC/SC (pcsc-lite, Windows, macOS).
//!
//! For: [`list_readers`] and [`PcscReader`]. Refuses: sharing a card: what one program began must not meet another's
//! commands. A call may hang as long as the service does; [`crate::AttachedReader`] gives it up.

use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

use pcsc::{Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};
use tap::{Reader, ReaderError};

/// How long one look for a card takes; whoever waits longer looks again.
const LOOK: Duration = Duration::from_millis(500);
/// How long the service is left to notice that a card left: it looks every 400 ms. Connected before, it would talk
/// to a card that is gone.
const SETTLE: Duration = Duration::from_millis(600);
/// An answer with its status word, and room for more than short commands give.
const ANSWER_MAX: usize = 512;

/// The names of the readers that are connected.
pub fn list_readers() -> Result<Vec<String>, ReaderError> {
    let context = establish()?;
    match context.list_readers_owned() {
        Ok(names) => Ok(names.iter().map(|name| name.to_string_lossy().into_owned()).collect()),
        Err(Error::NoReadersAvailable) => Ok(Vec::new()),
        Err(error) => Err(meaning(error)),
    }
}

/// One reader, by its name.
pub struct PcscReader {
    name: CString,
    /// `None` once the service or the reader was gone: it is asked anew.
    context: Option<Context>,
    card: Option<pcsc::Card>,
    /// When a card left under our hands.
    gone: Option<Instant>,
}

impl PcscReader {
    /// The reader of this name, as [`list_readers`] gives it. It need not be connected yet.
    pub fn new(name: &str) -> Result<Self, ReaderError> {
        let name = CString::new(name)
            .map_err(|_| ReaderError::Failed("a reader's name has no zero in it".into()))?;
        Ok(Self { name, context: None, card: None, gone: None })
    }

    /// Its name.
    pub fn name(&self) -> &CStr {
        &self.name
    }

    fn context(&mut self) -> Result<&Context, ReaderError> {
        // A context does not outlive a restart of the service.
        if self.context.as_ref().is_some_and(|context| context.is_valid().is_err()) {
            self.context = None;
        }
        match &mut self.context {
            Some(context) => Ok(context),
            none => Ok(none.insert(establish()?)),
        }
    }

    /// Waits a little for a card.
    fn look(&mut self) -> Result<pcsc::Card, Error> {
        if let Some(gone) = self.gone.take() {
            std::thread::sleep(SETTLE.saturating_sub(gone.elapsed()));
        }
        let name = self.name.clone();
        let context = match self.context() {
            Ok(context) => context,
            Err(_) => return Err(Error::NoService),
        };
        let mut readers = [ReaderState::new(name.as_c_str(), State::UNAWARE)];
        let until = Instant::now() + LOOK;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            context.get_status_change(left, &mut readers)?;
            let state = readers[0].event_state();
            if state.intersects(State::UNKNOWN | State::UNAVAILABLE) {
                return Err(Error::ReaderUnavailable);
            }
            if state.contains(State::PRESENT) {
                return context.connect(&name, ShareMode::Exclusive, Protocols::ANY);
            }
            if left.is_zero() {
                return Err(Error::NoSmartcard);
            }
            readers[0].sync_current_state();
        }
    }

    fn failed(&mut self, error: Error) -> ReaderError {
        let meaning = meaning(error);
        match meaning {
            ReaderError::ReaderGone => {
                self.card = None;
                self.context = None;
            }
            ReaderError::CardGone => self.gone = Some(Instant::now()),
            ReaderError::NoCard | ReaderError::TimedOut | ReaderError::Failed(_) => {}
        }
        meaning
    }
}

impl Reader for PcscReader {
    /// A card is reset when it is let go of, so each connection finds it fresh; one that left lost its power.
    fn connect(&mut self) -> Result<(), ReaderError> {
        self.disconnect();
        match self.look() {
            Ok(card) => {
                self.card = Some(card);
                Ok(())
            }
            // Both mean that no card came while it was looked for.
            Err(Error::NoSmartcard | Error::Timeout) => Err(ReaderError::NoCard),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Vec<u8>, ReaderError> {
        let Some(card) = &self.card else { return Err(ReaderError::NoCard) };
        let mut answer = [0; ANSWER_MAX];
        match card.transmit(apdu, &mut answer) {
            // What some services say of a card that was torn out: success, and no status word.
            Ok(answer) if answer.len() < 2 => Err(self.failed(Error::RemovedCard)),
            Ok(answer) => Ok(answer.to_vec()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Resets the card. Not one that left: pcscd would take the failed reset for an empty reader, and not notice a
    /// card that came back before it looked again.
    fn disconnect(&mut self) {
        let disposition = if self.gone.is_some() { Disposition::LeaveCard } else { Disposition::ResetCard };
        if let Some(card) = self.card.take()
            && let Err((card, _)) = card.disconnect(disposition)
        {
            // Its reader is gone; dropping it frees the service's handle.
            drop(card);
        }
    }
}

impl Drop for PcscReader {
    fn drop(&mut self) {
        self.disconnect();
    }
}

impl std::fmt::Debug for PcscReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PcscReader").field("name", &self.name).finish_non_exhaustive()
    }
}

fn establish() -> Result<Context, ReaderError> {
    Context::establish(Scope::User).map_err(meaning)
}

/// What an error of the service means for a transaction.
fn meaning(error: Error) -> ReaderError {
    match error {
        // On a connected card: it left. While looking for one, `connect` has asked before.
        Error::NoSmartcard
        | Error::RemovedCard
        | Error::ResetCard
        | Error::UnpoweredCard
        | Error::UnresponsiveCard
        | Error::NotTransacted
        | Error::CommError
        | Error::ProtoMismatch
        | Error::InvalidAtr => ReaderError::CardGone,
        Error::ReaderUnavailable
        | Error::UnknownReader
        | Error::NoReadersAvailable
        | Error::NoService
        | Error::ServiceStopped
        | Error::Shutdown
        | Error::InvalidHandle => ReaderError::ReaderGone,
        Error::Timeout | Error::WaitedTooLong => ReaderError::TimedOut,
        Error::SharingViolation => {
            ReaderError::Failed("another program uses the reader: close it and begin again".into())
        }
        Error::NoAccess | Error::SecurityViolation => {
            ReaderError::Failed("this user may not use the reader (polkit: org.debian.pcsc-lite)".into())
        }
        other => ReaderError::Failed(other.to_string()),
    }
}
