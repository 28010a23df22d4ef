//! What operators are called.

use std::fmt;
use std::str::FromStr;

/// An operator's name: 1 to 32 of `a` to `z`, `0` to `9`, `.`, `-`, `_`, beginning with a letter. It stands in audit entries
/// for ever, so no two operators share one and none is given again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperatorName(String);

/// Why a text is no operator's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorNameError {
    /// Empty, or more than fits.
    #[error("an operator's name has 1 to {max} characters", max = OperatorName::LENGTH_MAX)]
    Length,
    /// A character that could be mistaken, or a beginning that is no letter.
    #[error("an operator's name is of a to z, 0 to 9, '.', '-' and '_', and begins with a letter")]
    Character,
}

impl OperatorNameError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Length => "operator_name_length",
            Self::Character => "operator_name_character",
        }
    }
}

impl OperatorName {
    /// The longest, in characters, which are bytes.
    pub const LENGTH_MAX: usize = 32;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OperatorName {
    type Err = OperatorNameError;

    fn from_str(text: &str) -> Result<Self, OperatorNameError> {
        if text.is_empty() || text.len() > Self::LENGTH_MAX {
            return Err(OperatorNameError::Length);
        }
        let may = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        if !text.starts_with(|first: char| first.is_ascii_lowercase()) || !text.bytes().all(may) {
            return Err(OperatorNameError::Character);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain_so_that_no_two_look_the_same() {
        for good in ["a", "li.wei", "night-shift_2"] {
            assert_eq!(good.parse::<OperatorName>().unwrap().as_str(), good);
        }
        for bad in ["Li", "1a", ".a", "li wei", "李", "a/b", "(a)"] {
            assert_eq!(bad.parse::<OperatorName>(), Err(OperatorNameError::Character), "{bad}");
        }
        for bad in [String::new(), "a".repeat(33)] {
            assert_eq!(bad.parse::<OperatorName>(), Err(OperatorNameError::Length));
        }
    }
}
