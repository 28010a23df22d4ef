//! `POST /ask`: an envelope under a terminal's master message key, with JSON inside.

use std::time::Instant;

use crypto::{TerminalKeyReference, TerminalSuite};
use model::{TerminalId, UnixMillis};
use serde::{Deserialize, Serialize};
use store::{StoredTerminal, Unit};
use tap::{Envelope, EnvelopeError, Header, RefusalCode};
use zeroize::Zeroizing;

use super::Security;
use super::code::CodeRequest;
use crate::bank::{Refused, may_talk};

/// The id of the master message key: no working key has it.
const MASTER_KEY_ID: u32 = 0;

/// What a terminal asks.
#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
enum Ask {
    WorkingKey {},
    KeyState { key_id: u32 },
    SmsCode { industry: String, asn: String, transaction: String, amount: Option<u32> },
}

/// One that was opened: whose it is, and the number that it used up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    terminal: TerminalId,
    master_version: u8,
    sequence: u64,
    pub(super) now: UnixMillis,
}

impl Turn {
    /// Uses up the sequence, in the unit of work that keeps the ask's effect and puts the terminal back.
    pub(super) fn take(&self, unit: &mut dyn Unit) -> Result<StoredTerminal, Refused> {
        let mut terminal = may_talk(unit.terminal(self.terminal)?)?;
        if terminal.master_version != self.master_version {
            // Registered and activated anew since it was opened: this key is not its key any more.
            return Err(Refused::new(RefusalCode::WrongCode));
        }
        terminal.mark.accept(self.sequence)?;
        terminal.heard_at = Some(self.now);
        // It has its master key: the activation code has done what it was for.
        terminal.activation = None;
        Ok(terminal)
    }
}

impl Security {
    /// Answers an envelope under key id 0 with another.
    pub async fn ask(&self, request: &[u8]) -> Result<Vec<u8>, Refused> {
        let began = Instant::now();
        let answered = self.answer(request).await;
        let metrics = self.bank().app().metrics();
        match &answered {
            Ok(_) => metrics.step("ask", began.elapsed()),
            Err(refused) => metrics.tap_refused(refused.code.code()),
        }
        answered
    }

    async fn answer(&self, request: &[u8]) -> Result<Vec<u8>, Refused> {
        let bank = &self.bank().inner;
        let now = bank.app.now();
        let envelope = Envelope::parse(request).map_err(|error| {
            Refused::new(match error {
                EnvelopeError::TooLong => RefusalCode::TooLarge,
                EnvelopeError::UnknownSuite(_) => RefusalCode::SuiteRefused,
                EnvelopeError::Cut
                | EnvelopeError::OtherVersion(_)
                | EnvelopeError::OtherSuite
                | EnvelopeError::OtherHeader
                | EnvelopeError::Sealing(_) => RefusalCode::MalformedEnvelope,
            })
        })?;
        let header = envelope.header;
        let terminal = self.asker(&header)?;
        let key = TerminalKeyReference {
            root: bank.names.terminal_root,
            terminal: terminal.id,
            master_version: terminal.master_version,
            key_id: MASTER_KEY_ID,
            suite: TerminalSuite::Aes128Gcm,
        };
        let mut text = Zeroizing::new(envelope.text.to_vec());
        bank.keys.open_message(&key, &header.to_bytes(), envelope.nonce, &mut text)?;
        let ask = serde_json::from_slice(&text).map_err(|_| malformed("not_an_ask"))?;
        let turn = Turn {
            terminal: terminal.id,
            master_version: terminal.master_version,
            sequence: header.sequence,
            now,
        };
        let mut answer = match ask {
            Ask::WorkingKey {} => json(&self.working_key(turn, &terminal).await?)?,
            Ask::KeyState { key_id } => json(&self.key_state(turn, key_id).await?)?,
            Ask::SmsCode { industry, asn, transaction, amount } => {
                let request = CodeRequest::parse(&industry, &asn, &transaction, amount);
                json(&self.sms_code(turn, request.map_err(malformed)?).await?)?
            }
        };
        let nonce = self.bank().nonce(key.suite);
        bank.keys.seal_message(&key, &header.to_bytes(), &nonce, &mut answer)?;
        Ok([&header.to_bytes()[..], &nonce, &answer].concat())
    }

    /// Whose envelope a header says it is, if that terminal may ask now.
    fn asker(&self, header: &Header) -> Result<StoredTerminal, Refused> {
        let terminal = may_talk(self.bank().app().store().peek(|rows| rows.terminal(header.terminal))?)?;
        if header.key_id != MASTER_KEY_ID {
            return Err(Refused::new(RefusalCode::UnknownKey));
        }
        if header.suite != TerminalSuite::Aes128Gcm {
            return Err(Refused::new(RefusalCode::SuiteRefused));
        }
        // Before anything is decrypted: what was seen is not worth it. The unit of work asks again.
        let mut mark = terminal.mark;
        mark.accept(header.sequence)?;
        Ok(terminal)
    }
}

fn malformed(rule: &str) -> Refused {
    Refused { code: RefusalCode::MalformedMessage, detail: Some(rule.to_owned()) }
}

fn json(answer: &impl Serialize) -> Result<Vec<u8>, Refused> {
    serde_json::to_vec(answer).map_err(|_| Refused::new(RefusalCode::Unavailable))
}
