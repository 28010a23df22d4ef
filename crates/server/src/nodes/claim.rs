//! Who has a name or a lease: whoever entered it first, until its time ends unrenewed.

use model::UnixMillis;

/// How long a name or a lease is good for without being renewed, in milliseconds of the database's clock.
pub const LEASE_MILLIS: i64 = 8_000;

/// What is known of whoever has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// 16 random bytes of its start.
    pub start: [u8; 16],
    /// Rises each time that it is taken.
    pub epoch: u64,
    /// Its end, unless it is renewed.
    pub until: UnixMillis,
}

/// Whether what is good until then is good now. Further ahead than a lease reaches is nothing: the clock was set back, or is
/// another machine's now.
pub(crate) fn lives(until: UnixMillis, now: UnixMillis) -> bool {
    until > now && until <= now.plus(LEASE_MILLIS)
}

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Its own, which goes on under this epoch.
    Renewed(u64),
    /// Free, and taken under this epoch. What was begun under an earlier one is not finished.
    Taken(u64),
    /// Another's, until then at least.
    Others(UnixMillis),
}

impl Claim {
    /// What a node of this start may make of it now, by the database's clock.
    pub fn of(held: Option<Held>, start: [u8; 16], now: UnixMillis) -> Self {
        match held {
            Some(held) if held.start == start && lives(held.until, now) => Self::Renewed(held.epoch),
            Some(held) if held.start != start && lives(held.until, now) => Self::Others(held.until),
            // It ended. Even where nobody else was here meanwhile, somebody may have acted as if this node were dead.
            held => Self::Taken(held.map_or(0, |held| held.epoch).saturating_add(1)),
        }
    }

    /// The epoch that it is held under.
    pub const fn epoch(self) -> Option<u64> {
        match self {
            Self::Renewed(epoch) | Self::Taken(epoch) => Some(epoch),
            Self::Others(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORTH: [u8; 16] = [1; 16];
    const SOUTH: [u8; 16] = [2; 16];

    #[test]
    fn one_has_it_until_it_leaves_or_is_silent_and_each_taking_has_a_higher_epoch() {
        let at = |seconds: i64| UnixMillis(1_795_199_488_000 + seconds * 1_000);
        let held = |start, epoch, until| Some(Held { start, epoch, until: at(until) });
        for (held, start, now, expected) in [
            (None, NORTH, 0, Claim::Taken(1)),
            (held(NORTH, 1, 8), NORTH, 7, Claim::Renewed(1)),
            (held(NORTH, 1, 8), SOUTH, 7, Claim::Others(at(8))),
            (held(NORTH, 1, 8), SOUTH, 8, Claim::Taken(2)),
            // It was silent, and nobody took it.
            (held(NORTH, 1, 8), NORTH, 8, Claim::Taken(2)),
            // It was silent, and somebody did.
            (held(SOUTH, 2, 16), NORTH, 9, Claim::Others(at(16))),
            // The clock was set back by a minute.
            (held(NORTH, 1, 69), SOUTH, 1, Claim::Taken(2)),
            (held(NORTH, u64::MAX, 0), SOUTH, 9, Claim::Taken(u64::MAX)),
        ] {
            assert_eq!(Claim::of(held, start, at(now)), expected, "{held:?} at {now}");
        }
    }
}
