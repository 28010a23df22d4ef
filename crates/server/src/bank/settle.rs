//! What a change of a load does to its money: the one place that all its use cases end in; and settlement by
//! hand for what the card cannot decide.

use model::UnixMillis;
use operator::AuditAction;
use payment::{LoadError, LoadEvent, LoadId, Money, PendingTransfer};
use store::{StoreError, StoredLoad, Unit, Wallet, WalletState};

use super::Bank;
use super::envelope::Refused;
use crate::operators::Actor;

/// The longest note of a person, in characters.
const NOTE_MAX: usize = 200;
/// The longest that all notes of a load may be together, in characters.
const NOTES_MAX: usize = 2_000;

/// Why a load was not settled by hand.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// No such load.
    #[error("there is no load with this id")]
    NoSuchLoad,
    /// Its state forbids it.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Who settles says why.
    #[error("say in a note of 1 to 200 characters what you found")]
    NoteMissing,
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Applies an event, and moves or frees the money with it.
pub(super) fn keep(
    unit: &mut dyn Unit,
    stored: &mut StoredLoad,
    event: LoadEvent,
    note: Option<String>,
    now: UnixMillis,
) -> Result<(), Refused> {
    let was = stored.load.state;
    let change = stored.load.apply(event).map_err(|error| {
        tracing::error!(%error, ?was, ?event, "a load was asked for what it cannot do");
        StoreError::Constraint(error.to_string())
    })?;
    Ok(keep_change(unit, stored, change.money(), note, now)?)
}

fn keep_change(
    unit: &mut dyn Unit,
    stored: &mut StoredLoad,
    money: Money,
    note: Option<String>,
    now: UnixMillis,
) -> Result<(), StoreError> {
    stored.updated_at = now;
    if let Some(note) = note {
        stored.note = Some(with_line(stored.note.take(), note));
    }
    unit.put_load(stored)?;
    match money {
        Money::Stays => return Ok(()),
        Money::Moves => {
            // The card took it: its counter is one further, and an older answer of it is worth nothing.
            if let (Some(mut wallet), Some(after)) =
                (unit.wallet(stored.load.asn)?, stored.load.counter.next())
                && wallet.counter < after
            {
                wallet.counter = after;
                unit.put_wallet(&wallet)?;
            }
        }
        // A MAC2 was out: until somebody has seen the card, it is not loaded again.
        Money::Freed => {
            if let Some(wallet) = unit.wallet(stored.load.asn)?.filter(|it| it.state.may_be_loaded()) {
                unit.put_wallet(&Wallet { state: WalletState::Frozen, ..wallet })?;
            }
        }
    }
    let id = stored.load.transfer;
    let transfer = unit.transfer(id)?.ok_or(StoreError::Malformed("a load without its transfer"))?;
    let pending =
        PendingTransfer::from_stored(id, transfer.amount, transfer.from, transfer.to, transfer.state)
            .map_err(ledger)?;
    let missing = StoreError::Malformed("a transfer without its account");
    let mut from = unit.account(transfer.from)?.ok_or(missing.clone())?;
    let mut to = unit.account(transfer.to)?.ok_or(missing)?;
    if money == Money::Moves {
        let posted = pending.post(None, &mut from, &mut to).map_err(ledger)?;
        unit.post_transfer(&posted, now)?;
    } else {
        let voided = pending.void(&mut from, &mut to).map_err(ledger)?;
        unit.void_transfer(&voided, now)?;
    }
    unit.put_account(&from)?;
    unit.put_account(&to)
}

/// The notes of a load with one more line. What was said before stays: whoever settles a load reads why it came
/// into doubt. A card that is tapped again and again says the same once; where lines become too many, the oldest go.
pub(super) fn with_line(notes: Option<String>, line: String) -> String {
    let Some(mut notes) = notes else { return line };
    if notes.lines().next_back() == Some(line.as_str()) {
        return notes;
    }
    notes.push('\n');
    notes.push_str(&line);
    while notes.chars().count() > NOTES_MAX {
        let Some((_, rest)) = notes.split_once('\n') else { break };
        notes = rest.to_owned();
    }
    notes
}

/// The ledger refuses here only if the rows contradict each other.
fn ledger(error: payment::LedgerError) -> StoreError {
    StoreError::Constraint(format!("the ledger contradicts the load: {error}"))
}

/// What a person at the bank found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The card cannot be read any more: the load waits for a person, not for a tap.
    CardUnreadable,
    /// The card holds the money.
    Credited,
    /// The card does not hold it.
    NotCredited,
}

impl Found {
    /// The word for the audit log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CardUnreadable => "card_unreadable",
            Self::Credited => "credited",
            Self::NotCredited => "not_credited",
        }
    }
}

impl Bank {
    /// A note as it is kept: one line, not empty and not too long.
    pub fn settlement_note(text: &str) -> Result<String, SettleError> {
        let note = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let fits = (1..=NOTE_MAX).contains(&note.chars().count()) && !note.chars().any(char::is_control);
        if fits { Ok(note) } else { Err(SettleError::NoteMissing) }
    }

    /// Settles by hand, on the command line, what the card cannot decide.
    pub async fn settle(&self, id: LoadId, found: Found, note: &str) -> Result<(), SettleError> {
        self.settle_by(Actor::command_line(), id, found, note).await
    }

    /// Settles by hand what the card cannot decide. The note is kept with the load.
    pub async fn settle_by(
        &self,
        by: Actor,
        id: LoadId,
        found: Found,
        note: &str,
    ) -> Result<(), SettleError> {
        let note = Self::settlement_note(note)?;
        let now = self.inner.app.now();
        let event = match found {
            Found::CardUnreadable => LoadEvent::Undecidable,
            Found::Credited => LoadEvent::SettleCredited,
            Found::NotCredited => LoadEvent::SettleReturned,
        };
        self.inner
            .app
            .write::<_, SettleError>(move |unit| {
                let mut stored = unit.load(id)?.ok_or(SettleError::NoSuchLoad)?;
                let change = stored.load.apply(event)?;
                keep_change(unit, &mut stored, change.money(), Some(note.clone()), now)?;
                Ok(by.enter(unit, now, AuditAction::LoadSettle, &format!("{id} {}", found.name()), "done")?)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_one_line_of_at_most_two_hundred_characters() {
        let longest = "卡".repeat(NOTE_MAX);
        for (text, kept) in [
            (" read at\r\n the  counter\t", Some("read at the counter")),
            (longest.as_str(), Some(longest.as_str())),
            (&format!("{longest}卡"), None),
            (" \n ", None),
            ("", None),
            ("bell\u{7}", None),
        ] {
            assert_eq!(Bank::settlement_note(text).ok().as_deref(), kept, "{text:?}");
        }
    }

    #[test]
    fn a_load_keeps_what_was_said_of_it_and_what_is_repeated_once() {
        let first = with_line(None, "why".into());
        let second = with_line(Some(with_line(Some(first), "why".into())), "found".into());
        assert_eq!(second, "why\nfound");
        let mut notes = second;
        for n in 0..100 {
            notes = with_line(Some(notes), format!("{n} {}", "卡".repeat(NOTE_MAX - 3)));
            assert!(notes.chars().count() <= NOTES_MAX);
            assert!(notes.lines().next_back().is_some_and(|line| line.starts_with(&n.to_string())));
        }
        assert!(notes.lines().count() > 8);
    }
}
