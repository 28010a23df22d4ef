//! Who works at the platform: a name that is given with each command that moves money by hand. It is not yet asked for the
//! account of that name (`crate::operators`): whoever runs the command is believed.

use std::fmt;
use std::str::FromStr;

/// The longest name, in characters.
pub const OPERATOR_CHARS_MAX: usize = 40;

/// An operator's name: 1 to 40 characters, without spaces at its ends, in small letters: `Ann` and `ann` are one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorName(String);

/// Why a text is no operator's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an operator's name has 1 to {OPERATOR_CHARS_MAX} characters, none of them a control character")]
pub struct OperatorNameError;

impl OperatorName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OperatorName {
    type Err = OperatorNameError;
    fn from_str(text: &str) -> Result<Self, OperatorNameError> {
        let name = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let fits = (1..=OPERATOR_CHARS_MAX).contains(&name.chars().count());
        if fits && !text.chars().any(char::is_control) { Ok(Self(name)) } else { Err(OperatorNameError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_name_however_it_is_written() {
        for text in ["ann lee", " Ann  LEE ", "ANN LEE"] {
            assert_eq!(text.parse::<OperatorName>().unwrap().as_str(), "ann lee");
        }
        let long = "x".repeat(41);
        for text in ["", "  ", "a\nb", &long] {
            assert_eq!(text.parse::<OperatorName>(), Err(OperatorNameError));
        }
    }
}
