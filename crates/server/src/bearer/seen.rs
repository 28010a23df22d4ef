//! What was taken already: networks repeat what they were not told of.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Events that are remembered; the oldest is forgotten first. What is repeated later than that is known by its bytes.
const EVENTS_MAX: usize = 65_536;

/// The last that were taken.
#[derive(Default)]
pub(crate) struct Seen(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    ids: HashSet<u128>,
    order: VecDeque<u128>,
}

impl Seen {
    /// Whether it is seen for the first time.
    pub(crate) fn first(&self, id: u128) -> bool {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !inner.ids.insert(id) {
            return false;
        }
        inner.order.push_back(id);
        if inner.order.len() > EVENTS_MAX
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.ids.remove(&oldest);
        }
        true
    }

    /// Takes it back: it was not kept, and must be taken when it comes again.
    pub(crate) fn forget(&self, id: u128) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.ids.remove(&id)
            && let Some(place) = inner.order.iter().rposition(|other| *other == id)
        {
            inner.order.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_new_once_until_65536_others_came() {
        let seen = Seen::default();
        assert_eq!([1, 2, 1, 2].map(|id| seen.first(id)), [true, true, false, false]);
        (10..10 + EVENTS_MAX as u128 - 1).for_each(|id| assert!(seen.first(id)));
        assert!(!seen.first(2));
        assert!(seen.first(1), "the oldest was forgotten");
        // One that is taken back and taken again is as young as it was taken last.
        seen.forget(1);
        assert!(seen.first(1) && !seen.first(1));
        (100_000..100_000 + EVENTS_MAX as u128 - 1).for_each(|id| assert!(seen.first(id)));
        assert!(!seen.first(1));
    }
}
