//! Wrong codes of a card: they close nothing, they raise alarms, and after 2^20 of them the card needs a new key.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::CardId;
use store::{Alarm, StoreError};

use super::App;

/// Wrong codes in one alarm: fewer than that are lost at a restart, and junk writes no more rows than this allows.
const CODES_AN_ALARM: u32 = 1 << 10;
/// Alarms after which a card must be re-injected: 2^20 codes of 8 bytes were tried against its key.
const ALARMS_MAX: u64 = 1 << 10;
/// Cards that are counted at once; past that all begin anew.
const CARDS_MAX: usize = 65_536;

/// The alarm of so many wrong codes.
const WRONG_CODES: &str = "wrong_codes";
/// The alarm that says that the card needs a new key.
const REINJECT: &str = "reinject";
/// The note that a card got a new key, from which the count begins again.
pub(super) const REINJECTED: &str = "reinjected";

/// Wrong codes since the last alarm, by card.
#[derive(Default)]
pub(super) struct WrongCodes(Mutex<HashMap<CardId, u32>>);

impl WrongCodes {
    /// Counts one; whether an alarm is due.
    fn count(&self, card: CardId) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= CARDS_MAX && !counts.contains_key(&card) {
            counts.clear();
        }
        let count = counts.entry(card).or_insert(0);
        *count += 1;
        if *count < CODES_AN_ALARM {
            return false;
        }
        counts.remove(&card);
        true
    }
}

impl App {
    /// A frame for this card had a wrong code.
    pub async fn wrong_code(&self, card: CardId) -> Result<(), StoreError> {
        if !self.inner.wrong_codes.count(card) {
            return Ok(());
        }
        let now = self.now();
        self.write::<_, StoreError>(move |unit| {
            let alarm = |kind: &str| Alarm { card: Some(card), subject: None, kind: kind.into(), at: now };
            unit.add_alarm(&alarm(WRONG_CODES))?;
            if unit.alarms_since(card, WRONG_CODES, REINJECTED)? == ALARMS_MAX {
                unit.add_alarm(&alarm(REINJECT))?;
            }
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_due_after_1024_wrong_codes_of_one_card() {
        let codes = WrongCodes::default();
        let due = |card| (0..CODES_AN_ALARM).filter(|_| codes.count(CardId(card))).count();
        assert_eq!((due(1), due(2), due(1)), (1, 1, 1));
        assert!(!codes.count(CardId(1)));
    }
}
