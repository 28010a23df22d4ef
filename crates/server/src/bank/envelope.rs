//! From an envelope to a message and back: who asks, under which key, and that it was not asked before.

use std::fmt;
use std::time::Instant;

use crypto::{KeyStoreError, TerminalKeyReference};
use model::{TerminalId, UnixMillis};
use store::{StoreError, StoredTerminal, TerminalState, Unit, WorkingKey};
use tap::{Envelope, Header, Message, RefusalCode, SequenceError};

use super::Bank;

/// A request that got no message for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which rule of section 4 of the protocol.
    pub code: RefusalCode,
    /// More for people, never anything that was encrypted.
    pub detail: Option<String>,
}

impl Refused {
    pub(crate) fn new(code: RefusalCode) -> Self {
        Self { code, detail: None }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.code())
    }
}

impl From<StoreError> for Refused {
    /// What the store says stays in the log.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::QueueFull { .. } => Self::new(RefusalCode::Overloaded),
            other => {
                tracing::error!(error = %other, "the store failed a terminal");
                Self::new(RefusalCode::Unavailable)
            }
        }
    }
}

impl From<KeyStoreError> for Refused {
    fn from(error: KeyStoreError) -> Self {
        match error {
            KeyStoreError::WrongCode => Self::new(RefusalCode::WrongCode),
            other => {
                tracing::error!(error = %other, "the key store failed a terminal");
                Self::new(RefusalCode::Unavailable)
            }
        }
    }
}

impl From<SequenceError> for Refused {
    fn from(error: SequenceError) -> Self {
        Self::new(match error {
            SequenceError::Replayed => RefusalCode::Replayed,
            SequenceError::OutOfOrder => RefusalCode::OutOfOrder,
        })
    }
}

/// A request that was opened: whose it is, and the number that it used up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    pub(crate) terminal: TerminalId,
    pub(crate) key_id: u32,
    pub(crate) sequence: u64,
    pub(crate) now: UnixMillis,
}

impl Asker {
    /// Marks the sequence as used, in the unit of work that keeps the message's effect; refuses one that was.
    pub(crate) fn take_turn(&self, unit: &mut dyn Unit) -> Result<(), Refused> {
        // Asked again here: it may have been revoked while this message waited.
        may_talk(unit.terminal(self.terminal)?)?;
        let mut key = unit
            .working_key(self.terminal, self.key_id)?
            .ok_or_else(|| Refused::new(RefusalCode::UnknownKey))?;
        if self.now >= key.expires_at {
            return Err(Refused::new(RefusalCode::KeyExpired));
        }
        key.mark.accept(self.sequence)?;
        Ok(unit.put_working_key(&key)?)
    }
}

impl Bank {
    /// Answers a terminal's envelope with another.
    pub async fn answer(&self, request: &[u8]) -> Result<Vec<u8>, Refused> {
        let began = Instant::now();
        let answered = self.answer_message(request).await;
        let metrics = self.inner.app.metrics();
        match &answered {
            Ok((_, step)) => metrics.step(step, began.elapsed()),
            Err(refused) => metrics.tap_refused(refused.code.code()),
        }
        answered.map(|(envelope, _)| envelope)
    }

    async fn answer_message(&self, request: &[u8]) -> Result<(Vec<u8>, &'static str), Refused> {
        let now = self.inner.app.now();
        let envelope = Envelope::parse(request).map_err(|error| Refused::new(error.refusal()))?;
        let header = envelope.header;
        let key = self.key_of(&header, now)?;
        let mut text = envelope.text.to_vec();
        self.inner.keys.open_message(&key, &header.to_bytes(), envelope.nonce, &mut text)?;
        let text = zeroize::Zeroizing::new(text);
        let message = parse(&text)?;
        let asker =
            Asker { terminal: header.terminal, key_id: header.key_id, sequence: header.sequence, now };
        let (reply, step) = self.reply(asker, message).await?;
        let mut text = reply.to_text().into_bytes();
        let nonce = self.nonce(key.suite);
        self.inner.keys.seal_message(&key, &header.to_bytes(), &nonce, &mut text)?;
        Ok(([&header.to_bytes()[..], &nonce, &text].concat(), step))
    }

    /// The key that an envelope names, if this terminal may use it now.
    fn key_of(&self, header: &Header, now: UnixMillis) -> Result<TerminalKeyReference, Refused> {
        let found = self.inner.app.store().peek(|rows| {
            Ok((rows.terminal(header.terminal)?, rows.working_key(header.terminal, header.key_id)?))
        })?;
        let (terminal, key) = found;
        let terminal = may_talk(terminal)?;
        let key: WorkingKey = key.ok_or_else(|| Refused::new(RefusalCode::UnknownKey))?;
        if now >= key.expires_at {
            return Err(Refused::new(RefusalCode::KeyExpired));
        }
        if header.suite != terminal.suite || !terminal.suite.is_built() {
            return Err(Refused::new(RefusalCode::SuiteRefused));
        }
        // Before anything is decrypted: what was seen is not worth it. The unit of work asks again.
        let mut mark = key.mark;
        mark.accept(header.sequence)?;
        Ok(TerminalKeyReference {
            root: self.inner.names.terminal_root,
            terminal: terminal.id,
            master_version: terminal.master_version,
            key_id: header.key_id,
            suite: terminal.suite,
        })
    }

    /// A random nonce of a suite's length.
    pub(crate) fn nonce(&self, suite: crypto::TerminalSuite) -> Vec<u8> {
        let mut nonce = self.inner.app.random().to_be_bytes().to_vec();
        nonce.truncate(suite.nonce_length());
        nonce
    }
}

/// Whether a terminal may ask anything.
pub(crate) fn may_talk(terminal: Option<StoredTerminal>) -> Result<StoredTerminal, Refused> {
    let terminal = terminal.ok_or_else(|| Refused::new(RefusalCode::UnknownTerminal))?;
    match terminal.state {
        TerminalState::Active => Ok(terminal),
        TerminalState::Registered => Err(Refused::new(RefusalCode::UnknownTerminal)),
        TerminalState::Revoked => Err(Refused::new(RefusalCode::TerminalRevoked)),
    }
}

fn parse(text: &[u8]) -> Result<Message, Refused> {
    let malformed =
        |code: &str| Refused { code: RefusalCode::MalformedMessage, detail: Some(code.to_owned()) };
    let text = std::str::from_utf8(text).map_err(|_| malformed("not_ascii"))?;
    Message::parse(text).map_err(|error| malformed(error.code()))
}
