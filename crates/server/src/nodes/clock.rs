//! How far a node's clock is from the database's, which is every node's.
//!
//! A clock that is apart by more than [`APART_WARNED`] is told of, in the log, the metrics and `/health`. One that is apart by more
//! than [`APART_MAX`] is not served by: as long as an answer's grace, so that one node would end what another still waits for.

use model::UnixMillis;

/// Apart by more than this many milliseconds is told of.
pub const APART_WARNED: i64 = 1_000;
/// Apart by more than this many milliseconds is refused.
pub const APART_MAX: i64 = 5_000;

/// The node's clock less the database's, as far as it can be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Apart {
    /// In milliseconds: above zero the node is ahead. What the asking took is no distance.
    pub millis: i64,
}

/// What is to be made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Together,
    /// Somebody must know.
    Apart,
    /// A node like this one does not serve.
    TooFar,
}

impl Apart {
    /// What is certain, of a database that said `there` between two looks at the node's own clock.
    pub fn measured(before: UnixMillis, there: UnixMillis, after: UnixMillis) -> Self {
        let (before, after) = (before.0.min(after.0), before.0.max(after.0));
        // The last to look was surely later than the answer, the first surely earlier.
        let millis = if there.0 < before {
            before - there.0
        } else if there.0 > after {
            after - there.0
        } else {
            0
        };
        Self { millis }
    }

    /// What is to be made of it.
    pub const fn verdict(self) -> Verdict {
        match self.millis.unsigned_abs() {
            0..=APART_WARNED_U => Verdict::Together,
            millis if millis <= APART_MAX.unsigned_abs() => Verdict::Apart,
            _ => Verdict::TooFar,
        }
    }

    /// For people: `7.2 s ahead of`.
    pub fn words(self) -> String {
        let side = if self.millis < 0 { "behind" } else { "ahead of" };
        let tenths = self.millis.unsigned_abs() / 100;
        format!("{}.{} s {side}", tenths / 10, tenths % 10)
    }
}

const APART_WARNED_U: u64 = APART_WARNED.unsigned_abs();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_is_apart() {
        let measured = |before, there, after| {
            Apart::measured(UnixMillis(before), UnixMillis(there), UnixMillis(after)).millis
        };
        assert_eq!(measured(10_000, 10_000, 10_000), 0);
        // A busy machine took three seconds to ask: nothing is known to be wrong.
        assert_eq!(measured(10_000, 11_000, 13_000), 0);
        assert_eq!(measured(10_000, 7_500, 13_000), 2_500);
        assert_eq!(measured(10_000, 15_000, 13_000), -2_000);
        // The clock was set back between the looks.
        assert_eq!(measured(13_000, 12_000, 10_000), 0);
    }

    #[test]
    fn a_second_is_told_of_and_five_are_too_many() {
        let verdict = |millis| Apart { millis }.verdict();
        assert_eq!([0, 1_000, -1_000].map(verdict), [Verdict::Together; 3]);
        assert_eq!([1_001, -5_000].map(verdict), [Verdict::Apart; 2]);
        assert_eq!([5_001, -5_001, i64::MIN].map(verdict), [Verdict::TooFar; 3]);
        assert_eq!(Apart { millis: 7_250 }.words(), "7.2 s ahead of");
        assert_eq!(Apart { millis: -1_999 }.words(), "1.9 s behind");
    }
}
