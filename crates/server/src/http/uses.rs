//! When each API key was last used: told to the store once a minute and key, and not with each request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::UnixMillis;

/// How long one note is good for, in milliseconds.
const NOTED_EVERY: i64 = 60_000;
/// Keys that are remembered at once. Past that all are forgotten, and each is noted once more.
const REMEMBERED_MAX: usize = 65_536;

/// Which keys were noted when.
#[derive(Default)]
pub(super) struct KeyUses(Mutex<HashMap<[u8; 32], UnixMillis>>);

impl KeyUses {
    /// Whether the use of a key at this moment is to be noted.
    pub(super) fn is_news(&self, digest: [u8; 32], now: UnixMillis) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&digest).is_some_and(|at| now.0.saturating_sub(at.0) < NOTED_EVERY) {
            return false;
        }
        if noted.len() >= REMEMBERED_MAX {
            noted.clear();
        }
        noted.insert(digest, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_noted_once_a_minute_and_no_more_are_remembered_than_fit() {
        let (uses, now) = (KeyUses::default(), UnixMillis(1_800_000_000_000));
        assert!(uses.is_news([1; 32], now));
        assert!(!uses.is_news([1; 32], now.plus(NOTED_EVERY - 1)));
        assert!(uses.is_news([2; 32], now), "another key");
        assert!(uses.is_news([1; 32], now.plus(NOTED_EVERY)));
        for n in 0..REMEMBERED_MAX as u64 {
            let mut digest = [3; 32];
            digest[..8].copy_from_slice(&n.to_be_bytes());
            assert!(uses.is_news(digest, now));
        }
        assert!(uses.0.lock().unwrap().len() <= REMEMBERED_MAX);
    }
}
