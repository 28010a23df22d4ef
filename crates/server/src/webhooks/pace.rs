//! How many attempts begin in a second: payments on the same machine go first, and a backlog waits.

use std::time::{Duration, Instant};

/// Attempts that a node begins in a second.
const ATTEMPTS_PER_SECOND: u32 = 2_500;
/// From one to the next.
const EACH: Duration = Duration::from_micros(1_000_000 / ATTEMPTS_PER_SECOND as u64);
/// How far the beginnings may be ahead: 32 at once after a rest.
const AHEAD: Duration = Duration::from_micros(32 * 1_000_000 / ATTEMPTS_PER_SECOND as u64);

/// When the next attempt may begin.
pub(super) struct Pace {
    /// All before this is spent.
    spent: Instant,
}

impl Pace {
    pub(super) const fn from(now: Instant) -> Self {
        Self { spent: now }
    }

    /// Spends one that may begin now.
    ///
    /// # Errors
    /// When the next may begin.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let spent = self.spent.max(now);
        if spent.duration_since(now) > AHEAD {
            return Err(now + (spent.duration_since(now) - AHEAD));
        }
        self.spent = spent + EACH;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_begin_at_once_and_then_so_many_a_second_however_long_it_rested() {
        let begin = Instant::now();
        let mut pace = Pace::from(begin);
        for rested in [Duration::ZERO, Duration::from_secs(3_600)] {
            let (mut now, mut began) = (begin + rested, 0_u32);
            let end = now + Duration::from_secs(1);
            while now < end {
                match pace.take(now) {
                    Ok(()) => began += 1,
                    Err(next) => {
                        assert!(next > now, "it goes on");
                        now = next;
                    }
                }
            }
            assert!((ATTEMPTS_PER_SECOND..=ATTEMPTS_PER_SECOND + 34).contains(&began), "{began}");
        }
    }
}
