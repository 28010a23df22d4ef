//! Sessions: a random token in a cookie, of which only the digest is kept; and the token of forms that is bound to it.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::UnixMillis;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What a browser holds: 256 random bits.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SessionToken([u8; Self::LENGTH]);

impl SessionToken {
    /// Bytes of a token.
    pub const LENGTH: usize = 32;

    /// A token of bytes that were drawn for it.
    pub const fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Reads a cookie's value, or what a link ends in.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// The cookie's value: 43 characters.
    pub fn cookie(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// What is kept of it.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::new().chain_update(b"counterfoil session v1").chain_update(self.0).finalize().into()
    }

    /// The token of forms that belongs to it.
    pub fn csrf(&self) -> Csrf {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return Csrf([0; 32]) };
        mac.update(b"counterfoil form v1");
        Csrf(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken([redacted])")
    }
}

/// What each form carries, so that another site cannot send one: HMAC-SHA-256 of a fixed text under the session's token.
#[derive(Clone, Copy)]
pub struct Csrf([u8; 32]);

impl Csrf {
    /// The field's value: 43 characters.
    pub fn field(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// Whether a field's value is it, in constant time.
    pub fn is(&self, text: &str) -> bool {
        BASE64URL_NOPAD.decode(text.as_bytes()).is_ok_and(|bytes| self.0.ct_eq(&bytes).into())
    }
}

impl fmt::Debug for Csrf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Csrf([redacted])")
    }
}

/// How far somebody is with logging in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// A link that logs in once.
    Link,
    /// The password was right; the one-time code is asked.
    Password,
    /// Logged in.
    Full,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 3] = [Self::Link, Self::Password, Self::Full];

    /// The word for tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Password => "password",
            Self::Full => "full",
        }
    }

    /// The stage of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Whether what is in this stage still holds. A clock that was set back ends nothing that began in its future by more
    /// than the longest it could hold.
    pub fn holds(self, times: SessionTimes, now: UnixMillis) -> bool {
        let within = |since: UnixMillis, millis: i64| {
            now.0.checked_sub(since.0).is_some_and(|passed| (-millis..millis).contains(&passed))
        };
        match self {
            Self::Link => within(times.created_at, SessionTimes::ABSOLUTE_MILLIS),
            Self::Password => within(times.created_at, SessionTimes::PASSWORD_MILLIS),
            Self::Full => {
                within(times.created_at, SessionTimes::ABSOLUTE_MILLIS)
                    && within(times.seen_at, SessionTimes::IDLE_MILLIS)
            }
        }
    }
}

/// When a session began and was last used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimes {
    /// When it began.
    pub created_at: UnixMillis,
    /// When it was last used.
    pub seen_at: UnixMillis,
}

impl SessionTimes {
    /// Without use: 15 minutes.
    pub const IDLE_MILLIS: i64 = 15 * 60_000;
    /// However used: 12 hours. A link as long.
    pub const ABSOLUTE_MILLIS: i64 = 12 * 3_600_000;
    /// From the password to the one-time code: 5 minutes.
    pub const PASSWORD_MILLIS: i64 = 5 * 60_000;
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: UnixMillis = UnixMillis(1_800_000_000_000);

    #[test]
    fn a_session_ends_after_a_quarter_of_an_hour_unused_and_after_half_a_day_in_any_case() {
        let holds = |stage: Stage, seen: i64, now: i64| {
            let times = SessionTimes { created_at: BEGAN, seen_at: BEGAN.plus(seen) };
            stage.holds(times, BEGAN.plus(now))
        };
        let (idle, absolute) = (SessionTimes::IDLE_MILLIS, SessionTimes::ABSOLUTE_MILLIS);
        assert!(holds(Stage::Full, 0, idle - 1) && !holds(Stage::Full, 0, idle));
        assert!(
            holds(Stage::Full, absolute - 5, absolute - 1) && !holds(Stage::Full, absolute - 5, absolute)
        );
        assert!(holds(Stage::Password, 0, 299_999) && !holds(Stage::Password, 299_999, 300_000));
        assert!(holds(Stage::Link, 0, absolute - 1) && !holds(Stage::Link, 0, absolute));
        assert!(holds(Stage::Full, 0, -1_000), "a clock that was set back a little");
        assert!(!holds(Stage::Full, 0, -absolute - 1));
    }

    #[test]
    fn a_form_s_token_belongs_to_one_session() {
        let (mine, other) = (SessionToken::new([1; 32]), SessionToken::new([2; 32]));
        assert!(mine.csrf().is(&mine.csrf().field()));
        for wrong in [other.csrf().field(), mine.cookie(), String::new(), "%%%".into()] {
            assert!(!mine.csrf().is(&wrong), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_read_as_it_was_written_and_prints_nothing() {
        let token = SessionToken::new([0xfa; 32]);
        assert_eq!(token.cookie().len(), 43);
        assert_eq!(SessionToken::read(&token.cookie()).unwrap().digest(), token.digest());
        assert!(SessionToken::read("short").is_none());
        assert_eq!(format!("{token:?} {:?}", token.csrf()), "SessionToken([redacted]) Csrf([redacted])");
        for stage in Stage::ALL {
            assert_eq!(Stage::from_name(stage.name()), Some(stage));
        }
    }
}
