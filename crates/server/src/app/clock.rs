//! Time and randomness as the platform is given them.

use std::time::{SystemTime, UNIX_EPOCH};

use model::UnixMillis;

/// Tells the platform's time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UnixMillis;

    /// What the machine's own clock says, and with it everybody else's: another time where this one was set ahead.
    fn machine(&self) -> UnixMillis {
        self.now()
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Draws the platform's random numbers: ids, press counts, API keys.
pub trait Chance: Send + Sync {
    /// 128 bits that nobody can foresee.
    fn draw(&self) -> u128;
}

/// The machine's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn draw(&self) -> u128 {
        let mut bytes = [0; 16];
        // Without random numbers no id is safe to give away: the process must not go on.
        if let Err(error) = getrandom::fill(&mut bytes) {
            tracing::error!(%error, "the system's random source failed");
            std::process::abort();
        }
        u128::from_be_bytes(bytes)
    }
}
