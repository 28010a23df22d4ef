//! Who did what to a key, and when.

use std::fmt;

use crypto::{CheckValue, KeyName};
use model::UnixMillis;

/// A person who answers for a key or a component of it: a name of 2 to 64 bytes.
#[derive(Clone)]
pub struct Custodian(String);

/// A text is no custodian's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a custodian's name has 2 to 64 bytes, no control characters, and no space at its ends")]
pub struct CustodianError;

impl Custodian {
    /// The longest name, in bytes.
    pub const LENGTH_MAX: usize = 64;

    /// A custodian by name.
    pub fn new(name: &str) -> Result<Self, CustodianError> {
        let fits = (2..=Self::LENGTH_MAX).contains(&name.len());
        if !fits || name.trim() != name || name.chars().any(char::is_control) {
            return Err(CustodianError);
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// The same person, however the capitals fall.
impl PartialEq for Custodian {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_lowercase() == other.0.to_lowercase()
    }
}

impl Eq for Custodian {}

impl fmt::Display for Custodian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Custodian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// What a custodian did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Action {
    /// Had the store generate the key.
    Generated = 1,
    /// Gave one component of the key; the entry's check value is the component's.
    GaveComponent = 2,
    /// Took the key into use.
    Activated = 3,
    /// Stopped it.
    Suspended = 4,
    /// Let it go on.
    Resumed = 5,
    /// Let it protect nothing new.
    Retired = 6,
    /// Had its bytes erased.
    Destroyed = 7,
}

impl Action {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Generated),
            2 => Some(Self::GaveComponent),
            3 => Some(Self::Activated),
            4 => Some(Self::Suspended),
            5 => Some(Self::Resumed),
            6 => Some(Self::Retired),
            7 => Some(Self::Destroyed),
            _ => None,
        }
    }
}

/// One line of the custodian log. Lines are added, never changed or taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustodianEntry {
    /// When, by the caller's clock.
    pub at: UnixMillis,
    /// Who.
    pub custodian: Custodian,
    /// Did what.
    pub action: Action,
    /// To which key.
    pub key: KeyName,
    /// The check value of the key, or of the component that was given.
    pub check_value: CheckValue,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custodian_is_one_person_however_written() {
        let li = Custodian::new("Li Na").unwrap();
        assert_eq!(li, Custodian::new("LI NA").unwrap());
        assert_ne!(li, Custodian::new("Li Nan").unwrap());
        for name in ["", "L", " Li Na", "Li Na\n", "Li\0Na", &"x".repeat(65)] {
            assert_eq!(Custodian::new(name).err(), Some(CustodianError), "{name:?}");
        }
    }

    #[test]
    fn numbers_name_the_actions_of_the_file() {
        for number in 1..=7 {
            assert_eq!(Action::from_number(number).map(|action| action as u8), Some(number));
        }
        assert_eq!([0, 8].map(Action::from_number), [None; 2]);
    }
}
