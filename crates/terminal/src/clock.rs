//! The bank's time, as this terminal knows it.
//!
//! The end of a key is judged by the bank's time, not by this terminal's clock, which may be set by anybody. What
//! the bank said is carried on by a clock that cannot be set.

use std::sync::{PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use model::UnixMillis;
use tokio::time::Instant;

/// A difference of more than this is told as `clock_wrong`: certificates and people's receipts go by the
/// terminal's clock.
pub const CLOCK_WRONG_MILLIS: i64 = 5 * 60 * 1_000;

#[derive(Debug, Default)]
pub(crate) struct Clock {
    heard: RwLock<Option<Heard>>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    when: Instant,
    bank: UnixMillis,
    /// How far this terminal's clock was ahead.
    ahead: i64,
}

impl Clock {
    /// The bank said its time in an answer.
    pub(crate) fn hear(&self, bank: UnixMillis) {
        let ahead = own_time().0.saturating_sub(bank.0);
        if ahead.abs() > CLOCK_WRONG_MILLIS {
            tracing::warn!(
                ahead_seconds = ahead / 1_000,
                "clock_wrong: this terminal's clock is not the bank's"
            );
        }
        let heard = Heard { when: Instant::now(), bank, ahead };
        *self.heard.write().unwrap_or_else(PoisonError::into_inner) = Some(heard);
    }

    /// The bank's time; this terminal's own until the bank was heard.
    pub(crate) fn bank_time(&self) -> UnixMillis {
        match *self.heard.read().unwrap_or_else(PoisonError::into_inner) {
            Some(Heard { when, bank, .. }) => {
                bank.plus(i64::try_from(when.elapsed().as_millis()).unwrap_or(i64::MAX))
            }
            None => own_time(),
        }
    }

    /// By how many seconds this terminal's clock was ahead of the bank's (negative: behind), where that is more
    /// than five minutes.
    pub(crate) fn wrong_by_seconds(&self) -> Option<i64> {
        let heard = *self.heard.read().unwrap_or_else(PoisonError::into_inner);
        heard
            .map(|heard| heard.ahead)
            .filter(|ahead| ahead.abs() > CLOCK_WRONG_MILLIS)
            .map(|ahead| ahead / 1_000)
    }
}

/// This terminal's own time.
pub(crate) fn own_time() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banks_time_goes_on_by_itself_and_a_wrong_clock_is_told() {
        let clock = Clock::default();
        assert_eq!(clock.wrong_by_seconds(), None);
        let bank = own_time().plus(-86_400_000);
        clock.hear(bank);
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!((20..10_000).contains(&clock.bank_time().since(bank)));
        assert!((86_399..=86_401).contains(&clock.wrong_by_seconds().unwrap()));
        clock.hear(own_time().plus(CLOCK_WRONG_MILLIS - 1_000));
        assert_eq!(clock.wrong_by_seconds(), None);
    }
}
