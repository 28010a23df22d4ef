//! A token bucket: so many a second, so many at once.

use model::UnixMillis;

/// How much is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second, in the long run; at least 1.
    pub per_second: u32,
    /// Requests at once, after a rest; at least 1.
    pub burst: u32,
}

/// What is left for one caller. In thousandths, so that a millisecond is worth `per_second` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    thousandths: u64,
    at: UnixMillis,
}

impl Bucket {
    /// A full bucket.
    pub fn full(rate: Rate, now: UnixMillis) -> Self {
        Self { thousandths: u64::from(rate.burst) * 1_000, at: now }
    }

    /// What is in it by now. A clock that was set back adds nothing.
    #[must_use]
    pub fn filled(self, rate: Rate, now: UnixMillis) -> Self {
        let passed = u64::try_from(now.0.saturating_sub(self.at.0)).unwrap_or(0);
        let more = passed.saturating_mul(rate.per_second.max(1).into());
        let most = u64::from(rate.burst) * 1_000;
        Self { thousandths: self.thousandths.saturating_add(more).min(most), at: now }
    }

    /// Takes one, or says in how many whole seconds there is one.
    pub fn take(&mut self, rate: Rate, now: UnixMillis) -> Result<(), u64> {
        *self = self.filled(rate, now);
        match self.thousandths.checked_sub(1_000) {
            Some(left) => {
                self.thousandths = left;
                Ok(())
            }
            None => {
                let millis = (1_000 - self.thousandths).div_ceil(rate.per_second.max(1).into());
                Err(millis.div_ceil(1_000).max(1))
            }
        }
    }

    /// Whether it says no more than that its caller is new.
    pub fn is_full(self, rate: Rate, now: UnixMillis) -> bool {
        self.filled(rate, now).thousandths >= u64::from(rate.burst) * 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_through_then_so_many_a_second() {
        let rate = Rate { per_second: 2, burst: 3 };
        let now = UnixMillis(1_000_000);
        let mut bucket = Bucket::full(rate, now);
        assert_eq!([0; 4].map(|_| bucket.take(rate, now)), [Ok(()), Ok(()), Ok(()), Err(1)]);
        assert_eq!(bucket.take(rate, now.plus(499)), Err(1));
        assert_eq!(bucket.take(rate, now.plus(500)), Ok(()));
        assert!(!bucket.is_full(rate, now.plus(1_999)) && bucket.is_full(rate, now.plus(2_000)));
        assert_eq!(bucket.take(rate, now.plus(-60_000)), Err(1), "a clock that was set back adds nothing");
    }

    #[test]
    fn a_slow_rate_says_how_long() {
        let rate = Rate { per_second: 1, burst: 1 };
        let mut bucket = Bucket::full(rate, UnixMillis(0));
        bucket.take(rate, UnixMillis(0)).unwrap();
        assert_eq!(bucket.take(rate, UnixMillis(1)), Err(1));
    }
}
