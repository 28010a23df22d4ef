//! How many requests a caller may send to `/v1`: a token bucket for each address, and one for each API key.
//!
//! In memory, for as many callers as fit: a start begins anew. Refused is 429 `too_many_requests` with `Retry-After`, before a key
//! is looked up (address) or a handler runs (key).

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::UnixMillis;
use operator::{Bucket, Rate};

use super::Api;
use super::problem::Problem;
use crate::app::Rules;
use crate::web::Caller;

/// Callers of each kind that are remembered at once. Past that, those with a full bucket are forgotten; if there are none,
/// newcomers share one bucket.
pub(super) const REMEMBERED_MAX: usize = 65_536;

/// How often it is looked who has rested.
const LOOK_MILLIS: u64 = 1_000;

/// Buckets of one kind.
struct Buckets<K> {
    rate: Rate,
    held: Mutex<Held<K>>,
}

struct Held<K> {
    known: HashMap<K, Bucket>,
    /// For newcomers, when there is no room.
    shared: Bucket,
    looked_at: UnixMillis,
}

impl<K: Eq + Hash> Buckets<K> {
    fn new(rate: Rate) -> Self {
        let never = UnixMillis(0);
        let held = Held { known: HashMap::new(), shared: Bucket::full(rate, never), looked_at: never };
        Self { rate, held: Mutex::new(held) }
    }

    /// Takes one, or says in how many seconds there is one.
    fn take(&self, who: K, now: UnixMillis) -> Result<(), u64> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Held { known, shared, looked_at } = &mut *held;
        let rate = self.rate;
        if known.len() >= REMEMBERED_MAX && !known.contains_key(&who) {
            // A clock that was set back is no reason to look at each request.
            if now.0.abs_diff(looked_at.0) >= LOOK_MILLIS {
                *looked_at = now;
                known.retain(|_, bucket| !bucket.is_full(rate, now));
            }
            if known.len() >= REMEMBERED_MAX {
                return shared.take(rate, now);
            }
        }
        known.entry(who).or_insert_with(|| Bucket::full(rate, now)).take(rate, now)
    }
}

/// The limits of a listener.
pub(crate) struct Limits {
    addresses: Buckets<Caller>,
    keys: Buckets<[u8; 32]>,
}

impl Limits {
    pub(super) fn new(rules: &Rules) -> Self {
        Self { addresses: Buckets::new(rules.address_rate), keys: Buckets::new(rules.key_rate) }
    }

    /// One request under a key that is known.
    pub(super) fn key(&self, digest: [u8; 32], now: UnixMillis) -> Result<(), Problem> {
        self.keys.take(digest, now).map_err(Problem::too_many)
    }
}

/// Lets an address in as often as it may.
pub(super) async fn address(State(api): State<Api>, request: Request, next: Next) -> Response {
    let caller = Caller::of(request.headers(), request.extensions(), api.is_behind_tls()).network();
    match api.limits.addresses.take(caller, api.fleet.app().now()) {
        Ok(()) => next.run(request).await,
        Err(seconds) => Problem::too_many(seconds).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    #[test]
    fn one_caller_s_requests_are_nobody_else_s() {
        let buckets = Buckets::new(Rate { per_second: 1, burst: 2 });
        assert_eq!([0; 3].map(|_| buckets.take("a", NOW)), [Ok(()), Ok(()), Err(1)]);
        assert_eq!(buckets.take("b", NOW), Ok(()));
        assert_eq!(buckets.take("a", NOW.plus(1_000)), Ok(()));
    }

    #[test]
    fn more_callers_than_fit_share_one_bucket_until_others_have_rested() {
        let buckets = Buckets::new(Rate { per_second: 1, burst: 2 });
        for n in 0..REMEMBERED_MAX {
            buckets.take(n, NOW).unwrap();
        }
        let more = REMEMBERED_MAX..REMEMBERED_MAX + 3;
        let taken: Vec<_> = more.map(|n| buckets.take(n, NOW)).collect();
        assert_eq!(taken, [Ok(()), Ok(()), Err(1)]);
        assert_eq!(buckets.held.lock().unwrap().known.len(), REMEMBERED_MAX);
        buckets.take(usize::MAX, NOW.plus(2_000)).unwrap();
        assert_eq!(buckets.held.lock().unwrap().known.len(), 1, "who has rested is forgotten");
    }
}
