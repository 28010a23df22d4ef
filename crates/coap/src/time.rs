//! A moment, as the caller's clock gives it.
//!
//! The endpoint owns no clock: every call that depends on time is told what time it is. This type
//! only keeps moments from being mixed up with other numbers; it does not read any clock and does
//! not know when zero was. Durations are plain milliseconds and live in [`crate::Config`].

/// Milliseconds since a moment the caller chose. Must never run backwards between calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// The moment `ms` later, or the end of time.
    #[must_use]
    pub const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// How long after `earlier` this is, in milliseconds; zero if it is not after.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
