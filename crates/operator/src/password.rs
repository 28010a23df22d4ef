//! Passwords, and what is kept of them: argon2id (RFC 9106) as a PHC string.

use std::fmt;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

/// A password as it was typed: zeroised when dropped, printed as `[redacted]`.
pub struct Password(Zeroizing<String>);

/// Why a text is no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Guessable by trying.
    #[error("a password has at least {min} bytes; take four words or more", min = Password::LENGTH_MIN)]
    TooShort,
    /// More than anybody types.
    #[error("a password has at most {max} bytes", max = Password::LENGTH_MAX)]
    TooLong,
    /// A line end or another control character.
    #[error("a password has no control characters; take the line end off")]
    ControlCharacter,
}

impl PasswordError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "password_too_short",
            Self::TooLong => "password_too_long",
            Self::ControlCharacter => "password_control_character",
        }
    }
}

impl Password {
    /// The shortest, in bytes.
    pub const LENGTH_MIN: usize = 12;
    /// The longest, in bytes.
    pub const LENGTH_MAX: usize = 1024;

    /// Takes the text over; it is zeroised also when it is refused.
    pub fn new(text: String) -> Result<Self, PasswordError> {
        let text = Zeroizing::new(text);
        if text.len() < Self::LENGTH_MIN {
            return Err(PasswordError::TooShort);
        }
        if text.len() > Self::LENGTH_MAX {
            return Err(PasswordError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(PasswordError::ControlCharacter);
        }
        Ok(Self(text))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password([redacted])")
    }
}

/// How dear it is to try one password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// 19 MiB, 2 passes, 1 lane: the least that OWASP's Password Storage Cheat Sheet recommends.
    Recommended,
    /// 64 KiB, 1 pass: for tests, which log in by the hundred.
    Testing,
}

/// Why a password's hash cannot be made or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordHashError {
    /// The machine has no 19 MiB to give.
    #[error("the password could not be hashed: {0}")]
    Hashing(String),
    /// A stored text that is no PHC string of argon2id.
    #[error("a stored password hash is no PHC string of argon2id")]
    Malformed,
}

impl PasswordHashError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Hashing(_) => "password_hashing",
            Self::Malformed => "password_hash_malformed",
        }
    }
}

/// What is kept of a password: `$argon2id$v=19$m=…,t=…,p=…$SALT$HASH`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Bytes of a salt.
    pub const SALT_LENGTH: usize = 16;

    /// Hashes a password with a salt that was drawn for it alone.
    pub fn make(
        password: &Password,
        salt: [u8; Self::SALT_LENGTH],
        cost: Cost,
    ) -> Result<Self, PasswordHashError> {
        let (memory_kib, passes) = match cost {
            Cost::Recommended => (19 * 1024, 2),
            Cost::Testing => (64, 1),
        };
        let failed = |reason: &dyn fmt::Display| PasswordHashError::Hashing(reason.to_string());
        let params = Params::new(memory_kib, passes, 1, Some(32)).map_err(|error| failed(&error))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let made = argon.hash_password_with_salt(password.0.as_bytes(), &salt);
        made.map(|hash| Self(hash.to_string())).map_err(|error| failed(&error))
    }

    /// Takes a stored text.
    pub fn read(text: String) -> Result<Self, PasswordHashError> {
        match Phc::new(&text) {
            Ok(hash) if hash.algorithm.as_str() == "argon2id" => Ok(Self(text)),
            Ok(_) | Err(_) => Err(PasswordHashError::Malformed),
        }
    }

    /// The text to be stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a password is the one. It takes as long as making the hash did; the comparison is in constant time.
    pub fn is_of(&self, password: &Password) -> bool {
        Phc::new(&self.0)
            .is_ok_and(|hash| Argon2::default().verify_password(password.0.as_bytes(), &hash).is_ok())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.into()).unwrap()
    }

    #[test]
    fn what_can_be_guessed_or_was_never_meant_is_refused() {
        let made = |text: &str| Password::new(text.into()).map(|_| ());
        assert_eq!(made("elevenbytes"), Err(PasswordError::TooShort));
        assert_eq!(made("twelve bytes"), Ok(()));
        assert_eq!(made(&"x".repeat(1_024)), Ok(()));
        assert_eq!(made(&"x".repeat(1_025)), Err(PasswordError::TooLong));
        assert_eq!(made("correct horse\n"), Err(PasswordError::ControlCharacter));
    }

    #[test]
    fn a_hash_says_owasps_parameters_and_knows_its_password_alone() {
        let hash =
            PasswordHash::make(&password("correct horse battery"), [7; 16], Cost::Recommended).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        let kept = PasswordHash::read(hash.as_str().to_owned()).unwrap();
        assert!(kept.is_of(&password("correct horse battery")));
        assert!(!kept.is_of(&password("correct horse batterz")));
        let salted =
            PasswordHash::make(&password("correct horse battery"), [8; 16], Cost::Recommended).unwrap();
        assert_ne!(salted, hash);
    }

    #[test]
    fn a_stored_text_that_is_no_hash_of_argon2id_is_refused() {
        for text in ["", "plain", "$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"]
        {
            assert_eq!(PasswordHash::read(text.into()), Err(PasswordHashError::Malformed), "{text}");
        }
    }

    #[test]
    fn neither_prints_itself() {
        let hash = PasswordHash::make(&password("correct horse battery"), [7; 16], Cost::Testing).unwrap();
        assert_eq!(
            format!("{:?} {hash:?}", password("correct horse battery")),
            "Password([redacted]) PasswordHash([redacted])"
        );
    }
}
