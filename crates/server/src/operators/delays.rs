//! Waits after wrong tries, by account and by address: in memory, for as many as fit.

use std::collections::HashMap;
use std::net::Ipv6Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::UnixMillis;
use operator::Tries;

/// Accounts and addresses that are remembered at once. Past that those that say nothing any more go, and then all: a
/// password of twelve bytes and a code are not guessed in what that gives.
pub(super) const REMEMBERED_MAX: usize = 65_536;

/// Whom to count against.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// A name as it was typed, whether or not there is such an operator.
    Account(String),
    /// An address.
    Address(String),
}

impl Who {
    /// An address as it is counted: of IPv6 the first 64 bits, which are one subscriber's.
    pub(super) fn from_address(text: &str) -> Self {
        Self::Address(match text.parse::<Ipv6Addr>() {
            Ok(address) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).to_string(),
            Err(_) => text.to_owned(),
        })
    }
}

/// A try that was begun: whom it counts against, with what stood before and after.
pub(super) struct Begun(Vec<(Who, Tries, Tries)>);

/// The waits.
#[derive(Default)]
pub(super) struct Delays(Mutex<HashMap<Who, Tries>>);

impl Delays {
    fn held(&self) -> MutexGuard<'_, HashMap<Who, Tries>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a try, which counts as wrong until it is [`Delays::forgive`]n: many at once get no more than one after the
    /// other. Or the seconds to wait.
    pub(super) fn begin(&self, whom: &[Who], now: UnixMillis) -> Result<Begun, u64> {
        let mut held = self.held();
        let waits = whom.iter().filter_map(|who| held.get(who)).map(|tries| tries.wait_millis(now));
        let wait = waits.max().unwrap_or(0);
        if wait > 0 {
            return Err(wait.unsigned_abs().div_ceil(1_000));
        }
        if held.len() + whom.len() > REMEMBERED_MAX {
            held.retain(|_, tries| !tries.is_forgotten(now));
            if held.len() + whom.len() > REMEMBERED_MAX {
                held.clear();
            }
        }
        let begun = |who: &Who| {
            let tries = held.entry(who.clone()).or_default();
            let before = *tries;
            *tries = before.wrong(now);
            (who.clone(), before, *tries)
        };
        Ok(Begun(whom.iter().map(begun).collect()))
    }

    /// A try was right after all.
    pub(super) fn forgive(&self, begun: Begun) {
        let mut held = self.held();
        for (who, before, counted) in begun.0 {
            if let Some(tries) = held.get_mut(&who) {
                // Others may have tried meanwhile: then one is taken off, and the time of the last stays.
                *tries = if *tries == counted { before } else { tries.forgiven() };
            }
        }
    }

    /// Somebody is logged in: nothing is held against them.
    pub(super) fn forget(&self, whom: &[Who]) {
        let mut held = self.held();
        for who in whom {
            held.remove(who);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn account(name: &str) -> Who {
        Who::Account(name.into())
    }

    #[test]
    fn an_account_waits_from_whatever_address_and_an_address_for_whatever_account() {
        let delays = Delays::default();
        for n in 0..5 {
            let whom = [account("li.wei"), Who::Address(n.to_string())];
            assert!(delays.begin(&whom, NOW).is_ok());
        }
        assert_eq!(delays.begin(&[account("li.wei"), Who::Address("9".into())], NOW).err(), Some(1));
        assert!(delays.begin(&[account("other"), Who::Address("9".into())], NOW).is_ok());
        delays.forget(&[account("li.wei")]);
        assert!(delays.begin(&[account("li.wei")], NOW).is_ok());
    }

    #[test]
    fn what_was_right_is_not_counted() {
        let delays = Delays::default();
        let whom = [account("li.wei")];
        for _ in 0..100 {
            let begun = delays.begin(&whom, NOW).map_err(|wait| format!("{wait} s")).unwrap();
            delays.forgive(begun);
        }
    }

    #[test]
    fn more_than_fit_are_not_remembered() {
        let delays = Delays::default();
        for n in 0..REMEMBERED_MAX + 10 {
            assert!(delays.begin(&[account(&n.to_string())], NOW).is_ok());
        }
        assert!(delays.held().len() <= REMEMBERED_MAX);
    }
}
