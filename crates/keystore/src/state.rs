//! The life of a key, and what each state allows: here and nowhere else.

use std::fmt;

/// Where a key is in its life (after SP 800-57).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum KeyState {
    /// Made, and not yet in use.
    PreActive = 1,
    /// In use.
    Active = 2,
    /// Stopped; it may be resumed.
    Suspended = 3,
    /// Gives its keys to nobody new: a master key works for the cards that have its keys, a root for the
    /// terminals that were enrolled under it; a transport key opens what it wrapped; a key for PINs compares
    /// with the references that it made; a key of a database opens what it sealed.
    Retired = 4,
    /// Its bytes are erased; its name stays taken.
    Destroyed = 5,
}

/// What custodians do to a key's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyEvent {
    /// Takes a new key into use.
    Activate,
    /// Stops a key at once.
    Suspend,
    /// Lets a suspended key go on.
    Resume,
    /// Lets a key protect nothing new, for ever.
    Retire,
    /// Erases a key's bytes, for ever.
    Destroy,
}

/// What is done with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    /// A master key gives a new card its key.
    InjectCardKey,
    /// A master key derives a card's key again, for a frame or a check value.
    WorkFrame,
    /// A transport key wraps a card key or a purse key.
    WrapCardKey,
    /// A transport key opens a card key that came wrapped.
    UnwrapCardKey,
    /// A master gives a new wallet card its key.
    InjectPurseKey,
    /// A master of load keys compares a card's request, or orders the load.
    WorkLoad,
    /// A master of TAC keys compares a card's receipt.
    ProveLoad,
    /// A master of maintenance keys protects a command that changes a card.
    ProtectCommand,
    /// A root gives a new terminal its master key.
    EnrolTerminal,
    /// A root gives an enrolled terminal working keys, and works its messages and PIN blocks.
    ServeTerminal,
    /// A key for PINs makes the reference of a new PIN.
    MakePinReference,
    /// A key for PINs compares a PIN with a reference.
    VerifyPin,
    /// A key of a database seals a secret.
    SealSecret,
    /// A key of a database opens a secret.
    OpenSecret,
}

#[cfg(test)]
impl Operation {
    /// All operations.
    pub(crate) const ALL: [Self; 14] = [
        Self::InjectCardKey,
        Self::WorkFrame,
        Self::WrapCardKey,
        Self::UnwrapCardKey,
        Self::InjectPurseKey,
        Self::WorkLoad,
        Self::ProveLoad,
        Self::ProtectCommand,
        Self::EnrolTerminal,
        Self::ServeTerminal,
        Self::MakePinReference,
        Self::VerifyPin,
        Self::SealSecret,
        Self::OpenSecret,
    ];
}

/// The state does not know this event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key that is {state} does not take `{event}`; {advice}", advice = advice(*.state))]
pub struct ForbiddenTransition {
    /// The key's state, which stays.
    pub state: KeyState,
    /// What was asked.
    pub event: KeyEvent,
}

fn advice(state: KeyState) -> &'static str {
    match state {
        KeyState::PreActive => "activate or destroy it",
        KeyState::Active => "suspend or retire it first",
        KeyState::Suspended => "resume, retire or destroy it",
        KeyState::Retired => "destroy it, or destroy the keys of single cards",
        KeyState::Destroyed => "make a key of another name",
    }
}

impl KeyState {
    /// All states, in the order of a life.
    pub const ALL: [Self; 5] =
        [Self::PreActive, Self::Active, Self::Suspended, Self::Retired, Self::Destroyed];

    /// The state after an event.
    pub const fn after(self, event: KeyEvent) -> Result<Self, ForbiddenTransition> {
        use KeyEvent as E;
        use KeyState as S;
        match (self, event) {
            (S::PreActive, E::Activate) | (S::Suspended, E::Resume) => Ok(S::Active),
            (S::Active, E::Suspend) => Ok(S::Suspended),
            (S::Active | S::Suspended, E::Retire) => Ok(S::Retired),
            (S::PreActive | S::Suspended | S::Retired, E::Destroy) => Ok(S::Destroyed),
            // Never used: there is nothing to stop or wind down.
            (S::PreActive, E::Suspend | E::Resume | E::Retire)
            // Destroying is never one slip away from a key in use.
            | (S::Active, E::Activate | E::Resume | E::Destroy)
            | (S::Suspended, E::Activate | E::Suspend)
            // Retired is one way: through Suspended it could come back into use.
            | (S::Retired, E::Activate | E::Suspend | E::Resume | E::Retire)
            | (S::Destroyed, E::Activate | E::Suspend | E::Resume | E::Retire | E::Destroy) => {
                Err(ForbiddenTransition { state: self, event })
            }
        }
    }

    pub(crate) const fn allows(self, operation: Operation) -> bool {
        use KeyState as S;
        use Operation as O;
        match (self, operation) {
            (
                S::Active,
                O::InjectCardKey
                | O::WorkFrame
                | O::WrapCardKey
                | O::UnwrapCardKey
                | O::InjectPurseKey
                | O::WorkLoad
                | O::ProveLoad
                | O::ProtectCommand
                | O::EnrolTerminal
                | O::ServeTerminal
                | O::MakePinReference
                | O::VerifyPin
                | O::SealSecret
                | O::OpenSecret,
            )
            | (
                S::Retired,
                O::WorkFrame
                | O::UnwrapCardKey
                | O::WorkLoad
                | O::ProveLoad
                | O::ProtectCommand
                | O::ServeTerminal
                | O::VerifyPin
                | O::OpenSecret,
            ) => true,
            (
                S::Retired,
                O::InjectCardKey
                | O::WrapCardKey
                | O::InjectPurseKey
                | O::EnrolTerminal
                | O::MakePinReference
                | O::SealSecret,
            )
            | (
                S::PreActive | S::Suspended | S::Destroyed,
                O::InjectCardKey
                | O::WorkFrame
                | O::WrapCardKey
                | O::UnwrapCardKey
                | O::InjectPurseKey
                | O::WorkLoad
                | O::ProveLoad
                | O::ProtectCommand
                | O::EnrolTerminal
                | O::ServeTerminal
                | O::MakePinReference
                | O::VerifyPin
                | O::SealSecret
                | O::OpenSecret,
            ) => false,
        }
    }

    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::PreActive),
            2 => Some(Self::Active),
            3 => Some(Self::Suspended),
            4 => Some(Self::Retired),
            5 => Some(Self::Destroyed),
            _ => None,
        }
    }

    /// The state's name, as the command line and the console write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreActive => "pre-active",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Retired => "retired",
            Self::Destroyed => "destroyed",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl KeyEvent {
    /// All events.
    pub const ALL: [Self; 5] = [Self::Activate, Self::Suspend, Self::Resume, Self::Retire, Self::Destroy];

    /// The event's name, as the command line writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Retire => "retire",
            Self::Destroy => "destroy",
        }
    }
}

impl fmt::Display for KeyEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_states_and_events_is_this_one() {
        // A row a state, a column an event, in the order of `ALL`; `-` is refused.
        let table = [
            ("pre-active", ["active", "-", "-", "-", "destroyed"]),
            ("active", ["-", "suspended", "-", "retired", "-"]),
            ("suspended", ["-", "-", "active", "retired", "destroyed"]),
            ("retired", ["-", "-", "-", "-", "destroyed"]),
            ("destroyed", ["-", "-", "-", "-", "-"]),
        ];
        for (state, (name, row)) in KeyState::ALL.into_iter().zip(table) {
            assert_eq!(state.name(), name);
            for (event, expected) in KeyEvent::ALL.into_iter().zip(row) {
                let after = state.after(event).map_or("-", KeyState::name);
                assert_eq!(after, expected, "{state} then {event}");
            }
        }
    }

    #[test]
    fn the_table_of_states_and_operations_is_this_one() {
        // A column a state, in the order of `ALL`: pre-active, active, suspended, retired, destroyed.
        let table = [
            (Operation::InjectCardKey, [false, true, false, false, false]),
            (Operation::WorkFrame, [false, true, false, true, false]),
            (Operation::WrapCardKey, [false, true, false, false, false]),
            (Operation::UnwrapCardKey, [false, true, false, true, false]),
            (Operation::InjectPurseKey, [false, true, false, false, false]),
            (Operation::WorkLoad, [false, true, false, true, false]),
            (Operation::ProveLoad, [false, true, false, true, false]),
            (Operation::ProtectCommand, [false, true, false, true, false]),
            (Operation::EnrolTerminal, [false, true, false, false, false]),
            (Operation::ServeTerminal, [false, true, false, true, false]),
            (Operation::MakePinReference, [false, true, false, false, false]),
            (Operation::VerifyPin, [false, true, false, true, false]),
            (Operation::SealSecret, [false, true, false, false, false]),
            (Operation::OpenSecret, [false, true, false, true, false]),
        ];
        assert_eq!(table.map(|(operation, _)| operation), Operation::ALL);
        for (operation, row) in table {
            assert_eq!(KeyState::ALL.map(|state| state.allows(operation)), row, "{operation:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_can_be_done() {
        let refused = KeyState::Active.after(KeyEvent::Destroy).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a key that is active does not take `destroy`; suspend or retire it first"
        );
    }

    #[test]
    fn numbers_name_the_states_of_the_file() {
        for state in KeyState::ALL {
            assert_eq!(KeyState::from_number(state as u8), Some(state));
        }
        assert_eq!([0, 6, 255].map(KeyState::from_number), [None; 3]);
    }
}
