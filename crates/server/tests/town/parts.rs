//! Time and chance as a story wants them.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use model::UnixMillis;
use server::{Chance, Clock};

/// A clock that stands still until it is moved.
pub(crate) struct StandingClock(pub(crate) AtomicI64);

impl StandingClock {
    pub(crate) fn at(now: UnixMillis) -> Self {
        Self(AtomicI64::new(now.0))
    }
}

impl Clock for StandingClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

/// Numbers that look random and are the same in every run; single throws can be loaded.
#[derive(Default)]
pub(crate) struct Dice {
    thrown: AtomicU64,
    loaded: Mutex<VecDeque<Option<u128>>>,
}

impl Dice {
    /// As they fall after so many throws: another node's are not these.
    pub(crate) fn after(throws: u64) -> Self {
        Self { thrown: AtomicU64::new(throws), loaded: Mutex::default() }
    }

    /// Loads the next throws; `None` leaves one as it falls.
    pub(crate) fn load(&self, throws: impl IntoIterator<Item = Option<u128>>) {
        self.loaded.lock().unwrap().extend(throws);
    }
}

impl Chance for Dice {
    fn draw(&self) -> u128 {
        // A loaded throw is counted too: what comes after it falls as it would have.
        let thrown = self.thrown.fetch_add(1, Ordering::SeqCst);
        let fair = u128::from(mixed(2 * thrown)) << 64 | u128::from(mixed(2 * thrown + 1));
        self.loaded.lock().unwrap().pop_front().flatten().unwrap_or(fair)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn mixed(count: u64) -> u64 {
    let z = count.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
