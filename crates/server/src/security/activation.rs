//! The one time that a terminal gets its master key: for a code that was read to whoever installs it.

use std::fmt;

use crypto::{ActivationSecret, CheckValue, TerminalSuite, WrappedTerminalMaster};
use model::{TerminalId, UnixMillis};
use store::{Activation, StoredTerminal, TerminalState, Unit};
use subtle::ConstantTimeEq as _;

use super::terminal::{TerminalEvent, after, digest};
use super::{ActivationRefused, Security};

/// How long the code that activated a terminal is answered again. Its answer may be lost on the way, and a
/// terminal that never heard its key would need an operator. The first envelope under the key ends this: who
/// can seal one has the key.
const AGAIN_MILLIS: i64 = 10 * 60 * 1_000;
/// The longest that a terminal may say of its software, in bytes.
const SOFTWARE_MAX: usize = 64;

/// A terminal asks for its master key.
pub struct ActivationRequest {
    /// Which.
    pub terminal: TerminalId,
    /// The code, as its operator read it.
    pub code: ActivationSecret,
    /// What it runs, for the log.
    pub software: String,
}

impl fmt::Debug for ActivationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("ActivationRequest");
        f.field("terminal", &self.terminal).field("code", &"[redacted]");
        f.field("software", &self.software).finish()
    }
}

impl ActivationRequest {
    /// A request of three texts.
    pub fn parse(terminal: &str, code: &str, software: &str) -> Result<Self, ActivationRefused> {
        let terminal = terminal.parse().map_err(|_| ActivationRefused::InvalidRequest)?;
        let is_printable = software.bytes().all(|b| (b' '..=b'~').contains(&b));
        if software.len() > SOFTWARE_MAX || !is_printable {
            return Err(ActivationRefused::InvalidRequest);
        }
        let code = code.parse().map_err(|_| ActivationRefused::InvalidCode)?;
        Ok(Self { terminal, code, software: software.to_owned() })
    }
}

/// What a terminal is given for the right code.
#[derive(Clone, Debug)]
pub struct Activated {
    /// Its master key under the key that comes from the code.
    pub wrapped_master: WrappedTerminalMaster,
    /// Says that both ends hold the same key.
    pub check_value: CheckValue,
    /// The suite of its messages.
    pub suite: TerminalSuite,
    /// Public keys whose driver packs it may take.
    pub pack_signers: Vec<[u8; 32]>,
    /// The bank's time.
    pub now: UnixMillis,
}

/// What a code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    Refused(ActivationRefused),
}

impl Security {
    /// Gives a terminal its master key, once, for the right code.
    pub async fn activate(&self, request: ActivationRequest) -> Result<Activated, ActivationRefused> {
        let app = self.bank().app();
        let (now, id, digest) = (app.now(), request.terminal, digest(&request.code));
        let terminal = app.store().peek(|rows| rows.terminal(id))?;
        let terminal = terminal.ok_or(ActivationRefused::UnknownTerminal)?;
        // Made before the code is used up: a key store that is away costs nobody their code. It leaves here only
        // after the unit of work below found the code right.
        let master = match judge(&terminal, &digest, now) {
            Verdict::Right => Some(self.wrapped_master(&terminal, &request.code)?),
            Verdict::Refused(_) => None,
        };
        let version = terminal.master_version;
        let verdict = app
            .write::<_, ActivationRefused>(move |unit| {
                let terminal = unit.terminal(id)?.ok_or(ActivationRefused::UnknownTerminal)?;
                if terminal.master_version != version {
                    // Registered anew meanwhile: what was made is of another key.
                    return Ok(Verdict::Refused(ActivationRefused::WrongCode));
                }
                let verdict = judge(&terminal, &digest, now);
                keep(unit, terminal, verdict, now)?;
                Ok(verdict)
            })
            .await?;
        match (verdict, master) {
            (Verdict::Right, Some((wrapped_master, check_value))) => {
                tracing::info!(terminal = %id, software = %request.software, "a terminal was activated");
                let pack_signers = self.inner.pack_signers.clone();
                Ok(Activated { wrapped_master, check_value, suite: terminal.suite, pack_signers, now })
            }
            // Right only now: an operator's doing in the same moment. The terminal asks again.
            (Verdict::Right, None) => Err(ActivationRefused::Unavailable),
            (Verdict::Refused(refused), _) => Err(refused),
        }
    }

    fn wrapped_master(
        &self,
        terminal: &StoredTerminal,
        code: &ActivationSecret,
    ) -> Result<(WrappedTerminalMaster, CheckValue), ActivationRefused> {
        let bank = &self.bank().inner;
        let root = bank.names.terminal_root;
        Ok(bank.keys.wrap_terminal_master(root, terminal.id, terminal.master_version, code)?)
    }
}

/// What this code is worth now. A code that is blocked or expired is not compared any more.
fn judge(terminal: &StoredTerminal, digest: &[u8; 32], now: UnixMillis) -> Verdict {
    use ActivationRefused as R;
    let refused = match (terminal.state, &terminal.activation) {
        (TerminalState::Revoked, _) => R::TerminalRevoked,
        (TerminalState::Active, None) => R::CodeUsed,
        (TerminalState::Active, Some(activation)) if now >= activation.expires_at => R::CodeUsed,
        (TerminalState::Registered, None) => R::CodeBlocked,
        (TerminalState::Registered, Some(activation)) if now >= activation.expires_at => R::CodeExpired,
        (TerminalState::Registered | TerminalState::Active, Some(activation)) => {
            if activation.tries_left == 0 {
                R::CodeBlocked
            } else if bool::from(activation.digest.ct_eq(digest)) {
                return Verdict::Right;
            } else {
                R::WrongCode
            }
        }
    };
    Verdict::Refused(refused)
}

fn keep(
    unit: &mut dyn Unit,
    mut terminal: StoredTerminal,
    verdict: Verdict,
    now: UnixMillis,
) -> Result<(), ActivationRefused> {
    let Some(activation) = terminal.activation.take() else { return Ok(()) };
    match verdict {
        Verdict::Right => match after(terminal.state, TerminalEvent::Activate) {
            Some(state) => {
                terminal.state = state;
                terminal.activation = Some(Activation { expires_at: now.plus(AGAIN_MILLIS), ..activation });
            }
            // Its answer was lost, and is given again: nothing changes.
            None => return Ok(()),
        },
        Verdict::Refused(ActivationRefused::WrongCode) => {
            let tries_left = activation.tries_left.saturating_sub(1);
            terminal.activation = Some(Activation { tries_left, ..activation });
        }
        Verdict::Refused(_) => return Ok(()),
    }
    Ok(unit.put_terminal(&terminal)?)
}
