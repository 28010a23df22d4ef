//! What a store's keys are for: the label of its file.

use std::fmt;

use sealed::Damage;

/// What a store's keys are for. A store is one or the other for its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Environment {
    /// Keys that guard no money.
    Test = 1,
    /// Keys that guard money.
    Production = 2,
}

impl Environment {
    /// The environment that a file's header names.
    pub(crate) const fn of(label: u8) -> Result<Self, Damage> {
        match label {
            1 => Ok(Self::Test),
            2 => Ok(Self::Production),
            _ => Err(Damage::Header),
        }
    }

    pub(crate) const fn label(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Test => "test",
            Self::Production => "production",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_read_back_from_its_label_and_no_other_is() {
        for environment in [Environment::Test, Environment::Production] {
            assert_eq!(Environment::of(environment.label()), Ok(environment));
        }
        for label in [0, 3, 255] {
            assert_eq!(Environment::of(label), Err(Damage::Header));
        }
    }
}
