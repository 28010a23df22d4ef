//! Working keys: the next one is given, the one before it stays good for a transaction that runs.

use crypto::TerminalKeyReference;
use serde::Serialize;
use store::{StoredTerminal, WorkingKey};
use tap::{RefusalCode, SequenceMark};

use super::Security;
use super::ask::Turn;
use crate::bank::Refused;

/// What is answered to `working_key`.
#[derive(Serialize)]
pub(super) struct GivenKey {
    key_id: u32,
    wrapped: String,
    check_value: String,
    expires_at: i64,
    renew_before_seconds: i64,
    now: i64,
}

/// What is answered to `key_state`.
#[derive(Serialize)]
pub(super) struct StateOfKey {
    good: bool,
    expires_at: Option<i64>,
    must_renew: bool,
    now: i64,
}

impl Security {
    /// Gives a terminal its next working key. `seen` is the terminal as the ask found it.
    pub(super) async fn working_key(&self, turn: Turn, seen: &StoredTerminal) -> Result<GivenKey, Refused> {
        let bank = &self.bank().inner;
        let key_id = seen.key_id.checked_add(1).ok_or_else(|| {
            tracing::error!(terminal = %seen.id, "all key ids of a terminal are used up");
            Refused::new(RefusalCode::Unavailable)
        })?;
        // Before the unit of work: a key store that is away shortens no key's life.
        let reference = TerminalKeyReference {
            root: bank.names.terminal_root,
            terminal: seen.id,
            master_version: seen.master_version,
            key_id,
            suite: seen.suite,
        };
        let (wrapped, check_value) = bank.keys.wrap_working_keys(&reference)?;
        let overlap_ends = turn.now.plus(bank.rules.key_overlap_millis);
        let expires_at = turn.now.plus(bank.rules.key_millis);
        bank.app
            .write::<_, Refused>(move |unit| {
                let mut terminal = turn.take(unit)?;
                if terminal.key_id.checked_add(1) != Some(key_id) {
                    // Two asks of one terminal crossed: this one tries again.
                    return Err(Refused::new(RefusalCode::Unavailable));
                }
                if let Some(mut previous) = unit.working_key(terminal.id, terminal.key_id)?
                    && previous.expires_at > overlap_ends
                {
                    previous.expires_at = overlap_ends;
                    unit.put_working_key(&previous)?;
                }
                terminal.key_id = key_id;
                unit.add_working_key(&WorkingKey {
                    terminal: terminal.id,
                    key_id,
                    issued_at: turn.now,
                    expires_at,
                    mark: SequenceMark::default(),
                })?;
                Ok(unit.put_terminal(&terminal)?)
            })
            .await?;
        Ok(GivenKey {
            key_id,
            wrapped: hex::encode(wrapped.0),
            check_value: check_value.to_string(),
            expires_at: expires_at.0,
            renew_before_seconds: bank.rules.key_renew_millis / 1_000,
            now: turn.now.0,
        })
    }

    /// Says how a working key stands. One that was never given, or was forgotten, is not good.
    pub(super) async fn key_state(&self, turn: Turn, key_id: u32) -> Result<StateOfKey, Refused> {
        let bank = &self.bank().inner;
        let key = bank
            .app
            .write::<_, Refused>(move |unit| {
                let terminal = turn.take(unit)?;
                let key = unit.working_key(terminal.id, key_id)?;
                unit.put_terminal(&terminal)?;
                Ok(key)
            })
            .await?;
        let expires_at = key.map(|key| key.expires_at);
        let renew_at = turn.now.plus(bank.rules.key_renew_millis);
        Ok(StateOfKey {
            good: expires_at.is_some_and(|end| turn.now < end),
            expires_at: expires_at.map(|end| end.0),
            must_renew: expires_at.is_none_or(|end| renew_at > end),
            now: turn.now.0,
        })
    }
}
