//! A line to one of the bank's servers under one key: seals, sends, opens, and sends again where that is right.
//!
//! Sent again, always with a new sequence and nonce: when the connection was not there or broke (once); when
//! another message of this terminal overtook this one (`out_of_order`) or a number was used before a backup was put
//! back (`replayed`); when the bank has too much to do (`overloaded`, `unavailable`; once, a moment later). No money
//! moves twice by it: the bank knows what it did by reference, or by card and counter. `authorize` and the asking for
//! an SMS code are not so: where only their answer was lost, a try or a code is used up. Not sent again: after a
//! whole exchange took too long, because then a holder waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crypto::{Direction, MessageError, MessageKey};
use model::TerminalId;
use tap::{EnvelopeError, Header, RefusalCode};
use tokio::time::sleep;
use zeroize::Zeroizing;

use crate::client::{Client, Media};
use crate::error::{BankError, ServerError, StateError};
use crate::state::State;
use crate::url::ServerUrl;

/// How often one message is sent at most.
const SENDINGS_MAX: u32 = 3;
/// How long a bank that has too much to do is left alone.
const PAUSE: Duration = Duration::from_millis(300);

/// Where the numbers of a key's messages come from.
#[derive(Clone, Debug)]
pub(crate) enum Numbers {
    /// Key id 0: durable, because the key lives as long as the terminal.
    Durable(std::sync::Arc<State>),
    /// A working key: it is forgotten when the process ends.
    Volatile(std::sync::Arc<AtomicU64>),
}

impl Numbers {
    async fn next(&self) -> Result<u64, StateError> {
        match self {
            Self::Volatile(last) => Ok(last.fetch_add(1, Ordering::Relaxed) + 1),
            Self::Durable(state) => {
                let state = std::sync::Arc::clone(state);
                let drawn = tokio::task::spawn_blocking(move || state.next_sequence()).await;
                drawn.unwrap_or(Err(StateError::Stopped))
            }
        }
    }
}

/// One key, and what stands in the headers of its messages.
#[derive(Clone, Debug)]
pub(crate) struct LineKey {
    pub(crate) terminal: TerminalId,
    pub(crate) key_id: u32,
    pub(crate) key: MessageKey,
    pub(crate) numbers: Numbers,
}

/// What a failed sending is followed by.
enum Next {
    Again(Option<Duration>),
    GiveUp,
}

impl LineKey {
    /// Says something to a server and returns what it answers.
    pub(crate) async fn say(
        &self,
        client: &Client,
        server: &ServerUrl,
        path: &'static str,
        text: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BankError> {
        let mut broken_before = false;
        let mut sendings = 0;
        loop {
            sendings += 1;
            let error = match self.say_once(client, server, path, text).await {
                Ok(answer) => return Ok(answer),
                Err(error) if sendings == SENDINGS_MAX => return Err(error),
                Err(error) => error,
            };
            match after(&error, &mut broken_before) {
                Next::Again(pause) => {
                    tracing::debug!(%error, path, "sent again");
                    sleep(pause.unwrap_or_default()).await;
                }
                Next::GiveUp => return Err(error),
            }
        }
    }

    async fn say_once(
        &self,
        client: &Client,
        server: &ServerUrl,
        path: &'static str,
        text: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BankError> {
        let suite = self.key.suite();
        let header = Header {
            suite,
            terminal: self.terminal,
            key_id: self.key_id,
            sequence: self.numbers.next().await?,
        };
        let nonce = random(suite.nonce_length())?;
        let envelope =
            tap::envelope::seal(&self.key, Direction::ToBank, &header, &nonce, text).map_err(not_sealed)?;
        let answer = client.post(server, path, Media::Envelope, envelope).await?;
        let text = tap::envelope::open_answer(&self.key, &header, &answer).map_err(not_opened)?;
        Ok(Zeroizing::new(text))
    }
}

fn after(error: &BankError, broken_before: &mut bool) -> Next {
    match (error, error.refusal()) {
        (BankError::Server(ServerError::Away { .. } | ServerError::Broken { .. }), _) if !*broken_before => {
            *broken_before = true;
            Next::Again(None)
        }
        (_, Some(RefusalCode::OutOfOrder | RefusalCode::Replayed)) => Next::Again(None),
        (_, Some(RefusalCode::Overloaded | RefusalCode::Unavailable)) if !*broken_before => {
            *broken_before = true;
            Next::Again(Some(PAUSE))
        }
        _ => Next::GiveUp,
    }
}

fn not_sealed(error: EnvelopeError) -> BankError {
    match error {
        EnvelopeError::Sealing(MessageError::SuiteNotBuilt) => BankError::SuiteNotBuilt,
        _ => BankError::TooLong,
    }
}

fn not_opened(error: EnvelopeError) -> BankError {
    match error {
        EnvelopeError::Sealing(MessageError::SuiteNotBuilt) => BankError::SuiteNotBuilt,
        _ => BankError::Forged,
    }
}

fn random(length: usize) -> Result<Vec<u8>, StateError> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(|_| StateError::NoRandomness)?;
    Ok(bytes)
}
