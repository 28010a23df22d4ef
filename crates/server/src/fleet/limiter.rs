//! How many answers a source gets in a minute. Junk buys no more than that.

use std::collections::HashMap;
use std::net::IpAddr;

use model::{ChannelId, UnixMillis};

/// Sources that are counted at once; past that the minute starts anew for all.
const SOURCES_MAX: usize = 65_536;
const MINUTE_MILLIS: u64 = 60_000;

/// Whom to count wrong frames against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Whoever sends from this address.
    Address(IpAddr),
    /// The radio behind this channel, where a network vouches for it.
    Channel(ChannelId),
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

/// Counts by source in windows of a minute.
pub(super) struct Limiter {
    per_minute: u32,
    since: UnixMillis,
    counts: HashMap<Source, u32>,
}

impl Limiter {
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute, since: UnixMillis(0), counts: HashMap::new() }
    }

    /// Whether one more is allowed now.
    pub(super) fn allow(&mut self, source: Source, now: UnixMillis) -> bool {
        // A clock that was set back begins a new minute: nobody waits until it has caught up.
        let over = now < self.since || now.since(self.since) >= MINUTE_MILLIS;
        if over || self.counts.len() >= SOURCES_MAX {
            self.counts.clear();
            self.since = now;
        }
        let count = self.counts.entry(source).or_insert(0);
        *count = count.saturating_add(1);
        *count <= self.per_minute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_does_not_use_up_anothers_minute() {
        let mut limiter = Limiter::new(2);
        let (loud, quiet) =
            (Source::from(IpAddr::from([10, 0, 0, 1])), Source::from(IpAddr::from([10, 0, 0, 2])));
        let at = UnixMillis(1_000_000);
        assert_eq!([0; 4].map(|_| limiter.allow(loud, at)), [true, true, false, false]);
        assert!(limiter.allow(quiet, at));
        assert!(limiter.allow(loud, at.plus(60_000)));
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_waiting() {
        let mut limiter = Limiter::new(1);
        let (source, at) = (Source::Channel(ChannelId::imei(1).unwrap()), UnixMillis(1_000_000));
        assert_eq!([0; 2].map(|_| limiter.allow(source, at)), [true, false]);
        assert_eq!([0; 2].map(|_| limiter.allow(source, at.plus(-500_000))), [true, false]);
    }
}
