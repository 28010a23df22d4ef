//! A terminal's life: registered by an operator, activated once, revoked when it is lost.

use crypto::{ActivationSecret, TerminalSuite};
use model::{TerminalId, UnixMillis};
use operator::AuditAction;
use sha2::{Digest as _, Sha256};
use store::{Activation, StoreError, StoredTerminal, TerminalState, Unit};
use tap::SequenceMark;

use super::{RegisterError, RevokeError, Security};
use crate::nodes::Job;
use crate::operators::Actor;

/// The longest name, in characters.
const NAME_MAX: usize = 64;
/// How long what has ended is still known, so that its terminal reads `key_expired` rather than `unknown_key`, and
/// the codes of an hour are counted.
const ENDED_MILLIS: i64 = 24 * 3_600 * 1_000;

/// What happens to a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TerminalEvent {
    /// An operator gives it a code, and all its keys end.
    Register,
    /// The right code came.
    Activate,
    /// It was reported lost, and all its keys end.
    Revoke,
}

/// The state after an event; `None` where it changes nothing.
pub(super) const fn after(state: TerminalState, event: TerminalEvent) -> Option<TerminalState> {
    use TerminalEvent as E;
    use TerminalState as S;
    match (state, event) {
        // Whoever has the device of before must not go on: a new code is a new master key.
        (S::Registered | S::Active | S::Revoked, E::Register) => Some(S::Registered),
        (S::Registered, E::Activate) => Some(S::Active),
        (S::Registered | S::Active, E::Revoke) => Some(S::Revoked),
        // Only a code that an operator gave brings a terminal to life.
        (S::Active | S::Revoked, E::Activate) | (S::Revoked, E::Revoke) => None,
    }
}

/// What is kept of an activation code.
pub(super) fn digest(secret: &ActivationSecret) -> [u8; 32] {
    Sha256::digest(secret.claim()).into()
}

impl Security {
    /// Registers a terminal, or gives one that is registered a new code; the code is shown once. From then on
    /// the device that had this number is out: its master key has another version, its working keys ended.
    pub async fn register_terminal(
        &self,
        id: TerminalId,
        name: &str,
        suite: TerminalSuite,
    ) -> Result<ActivationSecret, RegisterError> {
        let length = name.chars().count();
        if !(1..=NAME_MAX).contains(&length) || name.chars().any(char::is_control) {
            return Err(RegisterError::Name);
        }
        if !suite.is_built() {
            return Err(RegisterError::SuiteNotBuilt(suite.name()));
        }
        let app = self.bank().app();
        let (now, rules) = (app.now(), self.bank().rules());
        let secret = ActivationSecret::from_bytes(app.random().to_be_bytes());
        let activation = Activation {
            digest: digest(&secret),
            expires_at: now.plus(rules.activation_millis),
            tries_left: rules.activation_tries,
        };
        let name = name.to_owned();
        app.write::<_, RegisterError>(move |unit| {
            let Some(mut terminal) = unit.terminal(id)? else {
                let new = StoredTerminal {
                    id,
                    name: name.clone(),
                    state: TerminalState::Registered,
                    suite,
                    master_version: 1,
                    activation: Some(activation),
                    key_id: 0,
                    mark: SequenceMark::default(),
                    heard_at: None,
                    created_at: now,
                };
                return Ok(unit.add_terminal(&new)?);
            };
            end_working_keys(unit, &terminal, now)?;
            let version = terminal.master_version.checked_add(1);
            terminal.master_version = version.ok_or(RegisterError::VersionsUsedUp(id))?;
            if let Some(state) = after(terminal.state, TerminalEvent::Register) {
                terminal.state = state;
            }
            terminal.name.clone_from(&name);
            terminal.suite = suite;
            terminal.activation = Some(activation);
            // Another master key: nothing was asked under it yet.
            terminal.mark = SequenceMark::default();
            Ok(unit.put_terminal(&terminal)?)
        })
        .await?;
        Ok(secret)
    }

    /// Revokes a terminal on the command line.
    pub async fn revoke_terminal(&self, id: TerminalId) -> Result<(), RevokeError> {
        self.revoke_terminal_by(Actor::command_line(), id).await
    }

    /// A terminal was lost: both servers refuse it from now on. Its master key and working keys end.
    pub async fn revoke_terminal_by(&self, by: Actor, id: TerminalId) -> Result<(), RevokeError> {
        let app = self.bank().app();
        let now = app.now();
        app.write::<_, RevokeError>(move |unit| {
            let mut terminal = unit.terminal(id)?.ok_or(RevokeError::NoSuchTerminal(id))?;
            let Some(state) = after(terminal.state, TerminalEvent::Revoke) else { return Ok(()) };
            end_working_keys(unit, &terminal, now)?;
            terminal.state = state;
            terminal.activation = None;
            unit.put_terminal(&terminal)?;
            Ok(by.enter(unit, now, AuditAction::TerminalRevoke, &id.to_string(), "done")?)
        })
        .await
    }

    /// Forgets working keys, SMS codes and authorizations that ended a day ago, in a small unit of work; how many.
    pub async fn forget_ended(&self) -> Result<u32, StoreError> {
        const BATCH: u32 = 500;
        let app = self.bank().app();
        let Some(fence) = app.on_duty(Job::Sweep) else { return Ok(0) };
        let before = app.now().plus(-ENDED_MILLIS);
        app.write(move |unit| {
            if !fence.holds(unit)? {
                return Ok(0);
            }
            let keys = unit.forget_working_keys_before(before, BATCH)?;
            let codes = unit.forget_sms_codes_before(before, BATCH)?;
            Ok(keys + codes + unit.forget_tap_authorizations_before(before, BATCH)?)
        })
        .await
    }
}

/// Ends the newest key and those before it that may still be good; ids are never used again.
fn end_working_keys(
    unit: &mut dyn Unit,
    terminal: &StoredTerminal,
    now: UnixMillis,
) -> Result<(), StoreError> {
    for id in (1..=terminal.key_id).rev() {
        let Some(mut key) = unit.working_key(terminal.id, id)? else { break };
        // Older ones ended before: each renewal leaves the one before it a short life.
        if key.expires_at <= now {
            break;
        }
        key.expires_at = now;
        unit.put_working_key(&key)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_states_and_events_is_this_one() {
        use TerminalEvent::{Activate, Register, Revoke};
        use TerminalState::{Active, Registered, Revoked};
        for (state, [register, activate, revoke]) in [
            (Registered, [Some(Registered), Some(Active), Some(Revoked)]),
            (Active, [Some(Registered), None, Some(Revoked)]),
            (Revoked, [Some(Registered), None, None]),
        ] {
            assert_eq!(after(state, Register), register);
            assert_eq!(after(state, Activate), activate);
            assert_eq!(after(state, Revoke), revoke);
        }
    }
}
