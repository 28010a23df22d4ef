//! The card's idea of the time: unset until the platform answers a hello.

use model::TimeFactor;

use super::Uptime;

/// A clock that may not be set.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock(Option<Setting>);

#[derive(Clone, Copy, Debug)]
struct Setting {
    at: Uptime,
    factor: TimeFactor,
}

impl Clock {
    pub(super) fn is_set(self) -> bool {
        self.0.is_some()
    }

    pub(super) fn set(&mut self, at: Uptime, factor: TimeFactor) {
        self.0 = Some(Setting { at, factor });
    }

    pub(super) fn now(self, uptime: Uptime) -> Option<TimeFactor> {
        let Setting { at, factor } = self.0?;
        let seconds = uptime.since(at) / 1000;
        TimeFactor::new(factor.seconds().saturating_add(u32::try_from(seconds).unwrap_or(u32::MAX)))
    }

    /// When the clock will say `factor` and `seconds` more; the end of time where it is not set.
    pub(super) fn uptime_at(self, factor: TimeFactor, seconds: u32) -> Uptime {
        let Some(Setting { at, factor: set }) = self.0 else {
            return Uptime(u64::MAX);
        };
        let ahead = factor.seconds_after(set).saturating_add(i64::from(seconds)).saturating_mul(1000);
        Uptime(at.0.saturating_add_signed(ahead))
    }
}
