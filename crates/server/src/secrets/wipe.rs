//! A database written anew, so that its files hold nothing of secrets that stood there in clear.
//!
//! For: a start, and a platform that serves, which tries again until it is done: a mark in the database says that it is not.
//! Refuses: doing it at once again where it failed. It may hold up payments for as long as it takes, and what was in the way (a disk
//! that is full) seldom goes away within seconds.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use store::{Reading, Residue, Store, StoreError, Wiped, WriteError};

use super::Secrets;

/// How long nothing is tried again after it failed.
pub const WIPE_PAUSE: Duration = Duration::from_secs(3_600);

/// What came of having a database written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiping {
    /// There was nothing to do, or it is too early for it: something still stands in clear, or it failed a moment ago.
    Nothing,
    /// It is done.
    Done,
    /// Somebody still looks at a moment of before, or more was sealed meanwhile: it is to be done again.
    Again,
}

async fn wiped(store: &Store, seen: Residue) -> Result<Wiping, StoreError> {
    match store.wipe().await? {
        Wiped::StillSeen => return Ok(Wiping::Again),
        Wiped::Clean => {}
    }
    let cleared = store.write(move |unit| unit.clear_residue(&seen)).await.map_err(|error| match error {
        WriteError::Refused(error) | WriteError::Store(error) => error,
    })?;
    Ok(if cleared { Wiping::Done } else { Wiping::Again })
}

impl Secrets {
    /// Has the database written anew where its files may still hold secrets in clear. A mark that was set meanwhile stays.
    pub async fn wipe(&self, store: &Store, now: Instant) -> Result<Wiping, StoreError> {
        if self.failed().is_some_and(|at| now.saturating_duration_since(at) < WIPE_PAUSE) {
            return Ok(Wiping::Nothing);
        }
        let to_do = |rows: &dyn Reading| {
            let in_clear = !rows.totp_secrets_under(None, None, 1)?.is_empty()
                || !rows.webhook_secrets_under(None, None, 1)?.is_empty();
            if in_clear { Ok(None) } else { rows.residue() }
        };
        let Some(seen) = store.read(to_do).await? else { return Ok(Wiping::Nothing) };
        let wiped = wiped(store, seen).await;
        // A server that is away comes back by itself.
        let in_vain = wiped.as_ref().is_err_and(|error| !error.may_pass());
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = in_vain.then_some(now);
        wiped
    }

    fn failed(&self) -> Option<Instant> {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
