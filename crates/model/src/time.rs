//! Two clocks: the platform's milliseconds, and the seconds that enter key derivations.

use core::fmt;
use core::num::NonZeroU32;

/// 2020-01-01T00:00:00Z in Unix seconds: the air epoch.
pub const AIR_EPOCH_UNIX_SECONDS: i64 = 1_577_836_800;

/// Milliseconds since 1970-01-01T00:00:00Z, the platform's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// This moment and `millis` more, held at the ends of the range.
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// How many milliseconds lie between `earlier` and this moment; 0 when it lies after.
    pub const fn since(self, earlier: Self) -> u64 {
        let span = self.0.saturating_sub(earlier.0);
        if span < 0 { 0 } else { span.unsigned_abs() }
    }

    /// This moment in seconds since the air epoch, held within the values a time factor can have.
    pub fn time_factor(self) -> TimeFactor {
        let seconds = self.0.div_euclid(1000).saturating_sub(AIR_EPOCH_UNIX_SECONDS);
        let clamped = seconds.clamp(1, i64::from(u32::MAX));
        TimeFactor(u32::try_from(clamped).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN))
    }
}

/// 时间因子: seconds since 2020-01-01T00:00:00Z, 1 to 4,294,967,295 (until the year 2156).
///
/// For one card, direction and key version it never repeats and only rises. Zero is never a valid one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeFactor(NonZeroU32);

impl TimeFactor {
    /// The factor of this many seconds since the air epoch; `None` for zero.
    pub const fn new(seconds: u32) -> Option<Self> {
        match NonZeroU32::new(seconds) {
            Some(n) => Some(Self(n)),
            None => None,
        }
    }

    /// Seconds since the air epoch.
    pub const fn seconds(self) -> u32 {
        self.0.get()
    }

    /// The next factor; `None` at the end of time.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(n) => Some(Self(n)),
            None => None,
        }
    }

    /// The low 16 bits, as a narrow frame carries them.
    pub const fn narrow(self) -> u16 {
        (self.0.get() & 0xffff) as u16
    }

    /// The factor with these low 16 bits that is nearest to `reference`; `None` where that would be zero.
    /// Of two equally near ones, the later.
    pub fn nearest(low: u16, reference: Self) -> Option<Self> {
        let reference = i64::from(reference.seconds());
        let step = i64::from((u32::from(low)).wrapping_sub(reference as u32) as u16 as i16);
        // `step` is -32768..=32767; of the two ends, +32768 is the later one.
        let step = if step == -32768 { 32768 } else { step };
        let candidate = reference + step;
        let candidate = match candidate {
            below if below < 0 => below + 0x1_0000,
            above if above > i64::from(u32::MAX) => above - 0x1_0000,
            within => within,
        };
        u32::try_from(candidate).ok().and_then(Self::new)
    }

    /// Whole seconds from `earlier` to this factor, negative when it lies before.
    pub const fn seconds_after(self, earlier: Self) -> i64 {
        self.0.get() as i64 - earlier.0.get() as i64
    }

    /// The moment this factor names.
    pub const fn unix_millis(self) -> UnixMillis {
        UnixMillis((self.0.get() as i64 + AIR_EPOCH_UNIX_SECONDS) * 1000)
    }
}

impl fmt::Debug for TimeFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for TimeFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(seconds: u32) -> TimeFactor {
        TimeFactor::new(seconds).unwrap()
    }

    #[test]
    fn the_published_factor_is_the_published_moment() {
        // 2026-11-20T18:31:28Z
        assert_eq!(factor(217_362_688).unix_millis(), UnixMillis(1_795_199_488_000));
        assert_eq!(UnixMillis(1_795_199_488_999).time_factor(), factor(217_362_688));
    }

    #[test]
    fn a_narrow_factor_becomes_the_nearest_whole_one() {
        for (low, reference, expected) in [
            (0xb100_u16, 217_362_695, Some(217_362_688)),
            (0xffff, 0x0001_0000, Some(0x0000_ffff)),
            (0x0000, 0x0000_ffff, Some(0x0001_0000)),
            (0x8000, 0x0001_0000, Some(0x0001_8000)),
            (0x0000, 5, None),
            (0xffff, 5, Some(0xffff)),
            (0x0001, u32::MAX, Some(0xffff_0001)),
        ] {
            assert_eq!(
                TimeFactor::nearest(low, factor(reference)).map(TimeFactor::seconds),
                expected,
                "{low:#x} near {reference:#x}"
            );
        }
    }
}
