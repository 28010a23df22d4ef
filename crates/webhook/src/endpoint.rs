//! An endpoint's life: whether anything is sent to a merchant's server.
//!
//! For: the one table of what enables and disables an endpoint.
//! Refuses: deciding about one delivery (see `delivery`), and coming back by itself: only the merchant enables.
//! Next: `location` for its URL, `kind` for what it wants to hear, `secret` for its secrets.

use model::UnixMillis;

/// Who or what disabled an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DisabledBy {
    /// The merchant.
    Merchant,
    /// Its own answer: 410 Gone.
    Gone,
    /// Five days of failed attempts without one that succeeded.
    Failing,
}

impl DisabledBy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Merchant, Self::Gone, Self::Failing];

    /// For machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    /// From its code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.code() == code)
    }
}

/// Where an endpoint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndpointState {
    /// Messages go to it.
    Enabled {
        /// The first failed attempt after the last that succeeded.
        failing_since: Option<UnixMillis>,
    },
    /// Nothing goes to it, and what waited is canceled.
    Disabled {
        /// By whom or what.
        by: DisabledBy,
        /// When.
        at: UnixMillis,
    },
}

/// What happens to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndpointEvent {
    /// An attempt was answered with 2xx.
    Succeeded,
    /// An attempt was answered otherwise, or not at all.
    AttemptFailed,
    /// An attempt was answered with 410.
    Gone,
    /// The merchant enables it.
    Enable,
    /// The merchant disables it.
    Disable,
}

impl EndpointState {
    /// How long it may fail without one success, in milliseconds: 5 days.
    pub const FAILING_MAX_MS: u64 = 5 * 24 * 3_600_000;

    /// A new one.
    pub const fn new() -> Self {
        Self::Enabled { failing_since: None }
    }

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled { .. } => "enabled",
            Self::Disabled { .. } => "disabled",
        }
    }

    /// Whether messages go to it.
    pub const fn is_enabled(self) -> bool {
        matches!(self, Self::Enabled { .. })
    }

    /// What an event at a moment makes of it; `None` where it changes nothing.
    ///
    /// Attempts that were on their way when it was disabled change nothing, whatever they answer.
    pub const fn apply(self, event: EndpointEvent, at: UnixMillis) -> Option<Self> {
        use EndpointEvent as E;
        match (self, event) {
            (Self::Enabled { failing_since: None }, E::Succeeded | E::Enable) => None,
            (Self::Enabled { failing_since: Some(_) }, E::Succeeded) => Some(Self::new()),
            (Self::Enabled { failing_since: None }, E::AttemptFailed) => {
                Some(Self::Enabled { failing_since: Some(at) })
            }
            (Self::Enabled { failing_since: Some(since) }, E::AttemptFailed) => {
                if at.since(since) >= Self::FAILING_MAX_MS {
                    Some(Self::Disabled { by: DisabledBy::Failing, at })
                } else {
                    None
                }
            }
            (Self::Enabled { failing_since: Some(_) }, E::Enable) => None,
            (Self::Enabled { .. }, E::Gone) => Some(Self::Disabled { by: DisabledBy::Gone, at }),
            (Self::Enabled { .. }, E::Disable) => Some(Self::Disabled { by: DisabledBy::Merchant, at }),
            (Self::Disabled { .. }, E::Enable) => Some(Self::new()),
            (Self::Disabled { .. }, E::Succeeded | E::AttemptFailed | E::Gone | E::Disable) => None,
        }
    }
}

impl Default for EndpointState {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_lives_by_the_table() {
        use EndpointEvent as E;
        use EndpointState as S;
        let at = UnixMillis(1_000);
        let by = |by| Some(S::Disabled { by, at });
        let well = S::new();
        let failing = S::Enabled { failing_since: Some(UnixMillis(500)) };
        let events = [E::Succeeded, E::AttemptFailed, E::Gone, E::Enable, E::Disable];
        let begins = Some(S::Enabled { failing_since: Some(at) });
        let (gone, merchant) = (by(DisabledBy::Gone), by(DisabledBy::Merchant));
        let disabled = |by| S::Disabled { by, at: UnixMillis(1) };
        for (state, ends) in [
            (well, [None, begins, gone, None, merchant]),
            (failing, [Some(well), None, gone, None, merchant]),
            (disabled(DisabledBy::Merchant), [None, None, None, Some(well), None]),
            (disabled(DisabledBy::Gone), [None, None, None, Some(well), None]),
            (disabled(DisabledBy::Failing), [None, None, None, Some(well), None]),
        ] {
            for (event, end) in events.into_iter().zip(ends) {
                assert_eq!(state.apply(event, at), end, "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn five_days_of_failures_without_a_success_disable_it() {
        let since = UnixMillis(7);
        let failing = EndpointState::Enabled { failing_since: Some(since) };
        let last = since.plus(5 * 24 * 3_600_000);
        assert_eq!(failing.apply(EndpointEvent::AttemptFailed, last.plus(-1)), None);
        assert_eq!(
            failing.apply(EndpointEvent::AttemptFailed, last),
            Some(EndpointState::Disabled { by: DisabledBy::Failing, at: last })
        );
        assert_eq!(failing.apply(EndpointEvent::Succeeded, last), Some(EndpointState::new()));
        for by in DisabledBy::ALL {
            assert_eq!(DisabledBy::from_code(by.code()), Some(by));
        }
    }
}
