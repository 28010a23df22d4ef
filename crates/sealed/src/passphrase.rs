//! What opens a sealed file.

use std::fmt;

use zeroize::Zeroizing;

/// A passphrase: zeroised when dropped, printed as `[redacted]`.
///
/// Its bytes are used as they come. Whoever reads it (prompt, file, environment) takes the line end off.
pub struct Passphrase(Zeroizing<String>);

/// Why a text is no passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// Guessable by trying.
    #[error("a passphrase has at least {min} bytes; take six words or more", min = Passphrase::LENGTH_MIN)]
    TooShort,
    /// More than any sensible one; perhaps a wrong file was read.
    #[error("a passphrase has at most {max} bytes; was another file read?", max = Passphrase::LENGTH_MAX)]
    TooLong,
    /// A line end or another control character, which no keyboard can repeat.
    #[error("a passphrase has no control characters; take the line end off")]
    ControlCharacter,
}

impl Passphrase {
    /// The shortest, in bytes.
    pub const LENGTH_MIN: usize = 12;
    /// The longest, in bytes.
    pub const LENGTH_MAX: usize = 1024;

    /// Takes the text over; it is zeroised also when it is refused.
    pub fn new(text: String) -> Result<Self, PassphraseError> {
        let text = Zeroizing::new(text);
        if text.len() < Self::LENGTH_MIN {
            return Err(PassphraseError::TooShort);
        }
        if text.len() > Self::LENGTH_MAX {
            return Err(PassphraseError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(PassphraseError::ControlCharacter);
        }
        Ok(Self(text))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_could_mean_is_refused() {
        let made = |text: &str| Passphrase::new(text.into()).map(|_| ());
        assert_eq!(made("short"), Err(PassphraseError::TooShort));
        assert_eq!(made(&"x".repeat(1025)), Err(PassphraseError::TooLong));
        assert_eq!(made("correct horse battery\n"), Err(PassphraseError::ControlCharacter));
        assert_eq!(made("correct horse battery"), Ok(()));
    }

    #[test]
    fn it_does_not_print_itself() {
        let passphrase = Passphrase::new("correct horse battery".into()).unwrap();
        assert_eq!(format!("{passphrase:?}"), "Passphrase([redacted])");
    }
}
