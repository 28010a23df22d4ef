//! The wait after wrong tries: it doubles, and it ends. Nobody is locked out for good, so nobody can lock another out for good.

use model::UnixMillis;

/// Wrong tries of one account, or from one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    wrong: u32,
    last: UnixMillis,
}

impl Tries {
    /// Wrong tries without a wait.
    pub const FREE: u32 = 5;
    /// The first wait.
    pub const FIRST_MILLIS: i64 = 1_000;
    /// The longest wait: 5 minutes.
    pub const LONGEST_MILLIS: i64 = 300_000;
    /// After so long without a wrong try all are forgotten: an hour.
    pub const FORGOTTEN_MILLIS: i64 = 3_600_000;

    /// One more was wrong.
    #[must_use]
    pub fn wrong(self, now: UnixMillis) -> Self {
        let wrong = if self.is_forgotten(now) { 0 } else { self.wrong };
        Self { wrong: wrong.saturating_add(1), last: now }
    }

    /// One that was counted was right.
    #[must_use]
    pub fn forgiven(self) -> Self {
        Self { wrong: self.wrong.saturating_sub(1), ..self }
    }

    /// How long to wait from now, in milliseconds; zero: try.
    pub fn wait_millis(self, now: UnixMillis) -> i64 {
        let Some(beyond) = self.wrong.checked_sub(Self::FREE) else { return 0 };
        if self.is_forgotten(now) {
            return 0;
        }
        let wait = Self::FIRST_MILLIS.checked_shl(beyond.min(20)).unwrap_or(Self::LONGEST_MILLIS);
        let wait = wait.min(Self::LONGEST_MILLIS);
        // A clock that was set back makes nobody wait longer than that.
        (wait - now.0.saturating_sub(self.last.0)).clamp(0, wait)
    }

    /// Whether this says nothing any more.
    pub fn is_forgotten(self, now: UnixMillis) -> bool {
        now.0.saturating_sub(self.last.0) >= Self::FORGOTTEN_MILLIS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_begins_with_the_fifth_wrong_try_doubles_and_has_a_longest() {
        let now = UnixMillis(1_800_000_000_000);
        let mut tries = Tries::default();
        for expected in [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] {
            tries = tries.wrong(now);
            assert_eq!(tries.wait_millis(now), expected * 1_000);
        }
        assert_eq!(tries.wait_millis(now.plus(299_999)), 1);
        assert_eq!(tries.wait_millis(now.plus(300_000)), 0);
        assert_eq!(tries.wait_millis(now.plus(-9_000_000)), 300_000);
        for _ in 0..100 {
            tries = tries.wrong(now);
        }
        assert_eq!(tries.wait_millis(now), 300_000);
        assert_eq!(tries.wrong(now.plus(3_600_000)).wait_millis(now.plus(3_600_000)), 0, "forgotten");
    }
}
