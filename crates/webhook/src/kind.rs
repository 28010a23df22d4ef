//! What kinds of event there are by name, and which of them an endpoint wants.
//!
//! For: reading a kind and a list of kinds (Standard Webhooks 1.0, "Event types").
//! Refuses: knowing which kinds the platform raises: whoever reads a list says so.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString as _};
use core::fmt;
use core::str::FromStr;

/// A kind of event: names of letters, digits and `_`, with full stops between; 1 to 64 bytes. `order.paid`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventKind(String);

/// Why a text is not a kind, or a list not a list of kinds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KindError {
    /// It is longer than 64 bytes.
    #[error("a kind of event has at most 64 bytes")]
    TooLong,
    /// It is not names with full stops between.
    #[error("a kind of event is names of letters, digits and `_` with full stops between, as `order.paid`")]
    Malformed,
    /// The platform raises no such kind.
    #[error("there is no kind of event `{}`", .0)]
    Unknown(EventKind),
    /// It stands twice in the list.
    #[error("`{}` stands twice in the list", .0)]
    Twice(EventKind),
    /// The list is empty.
    #[error("the list of kinds is empty; name some, or all by `*`")]
    NoKinds,
    /// The list has more than 64.
    #[error("the list names more than 64 kinds; name all by `*`")]
    TooMany,
}

impl KindError {
    /// For machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "kind_too_long",
            Self::Malformed => "kind_malformed",
            Self::Unknown(_) => "kind_unknown",
            Self::Twice(_) => "kind_twice",
            Self::NoKinds => "no_kinds",
            Self::TooMany => "too_many_kinds",
        }
    }
}

impl EventKind {
    /// The longest, in bytes.
    pub const LENGTH_MAX: usize = 64;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventKind {
    type Err = KindError;
    fn from_str(text: &str) -> Result<Self, KindError> {
        if text.len() > Self::LENGTH_MAX {
            return Err(KindError::TooLong);
        }
        let name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if text.split('.').all(name) { Ok(Self(text.to_string())) } else { Err(KindError::Malformed) }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which kinds an endpoint wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All, with those that are yet to come.
    All,
    /// These: see [`Wanted::parse`].
    Listed(BTreeSet<EventKind>),
}

impl Wanted {
    /// The most kinds in a list.
    pub const LENGTH_MAX: usize = 64;

    /// From a list of texts: `*` alone is all; else each is a kind that `known` holds.
    ///
    /// # Errors
    /// [`KindError`], for the first that is wrong.
    pub fn parse<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        known: impl Fn(&EventKind) -> bool,
    ) -> Result<Self, KindError> {
        let mut texts = texts.into_iter().peekable();
        let mut kinds = BTreeSet::new();
        while let Some(text) = texts.next() {
            if text == "*" && kinds.is_empty() && texts.peek().is_none() {
                return Ok(Self::All);
            }
            if kinds.len() == Self::LENGTH_MAX {
                return Err(KindError::TooMany);
            }
            let kind: EventKind = text.parse()?;
            if !known(&kind) {
                return Err(KindError::Unknown(kind));
            }
            if let Some(twice) = kinds.replace(kind) {
                return Err(KindError::Twice(twice));
            }
        }
        if kinds.is_empty() { Err(KindError::NoKinds) } else { Ok(Self::Listed(kinds)) }
    }

    /// Whether it wants this kind.
    pub fn wants(&self, kind: &EventKind) -> bool {
        match self {
            Self::All => true,
            Self::Listed(kinds) => kinds.contains(kind),
        }
    }

    /// As texts that [`Self::parse`] reads.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let (all, listed) = match self {
            Self::All => (Some("*"), None),
            Self::Listed(kinds) => (None, Some(kinds)),
        };
        all.into_iter().chain(listed.into_iter().flatten().map(EventKind::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;

    fn any(_: &EventKind) -> bool {
        true
    }

    #[test]
    fn a_list_of_kinds_is_read_and_refused_by_name() {
        let paid: EventKind = "order.paid".parse().unwrap();
        let wanted = Wanted::parse(["order.paid", "order.expired"], any).unwrap();
        assert!(wanted.wants(&paid));
        assert!(!wanted.wants(&"order.failed".parse().unwrap()));
        assert_eq!(wanted.texts().collect::<Vec<_>>(), ["order.expired", "order.paid"]);
        let all = Wanted::parse(["*"], any).unwrap();
        assert_eq!((all.wants(&paid), all.texts().collect::<Vec<_>>()), (true, Vec::from(["*"])));
        for (texts, code) in [
            (&[][..], "no_kinds"),
            (&["order..paid"], "kind_malformed"),
            (&[".order"], "kind_malformed"),
            (&[""], "kind_malformed"),
            (&["order paid"], "kind_malformed"),
            (&["*", "order.paid"], "kind_malformed"),
            (&["order.paid", "*"], "kind_malformed"),
            (&["order.paid", "order.paid"], "kind_twice"),
        ] {
            assert_eq!(
                Wanted::parse(texts.iter().copied(), any).map_err(|e| e.code()),
                Err(code),
                "{texts:?}"
            );
        }
        let unknown = Wanted::parse(["order.eaten"], |kind| kind.as_str() == "order.paid");
        assert_eq!(unknown.map_err(|error| error.code()), Err("kind_unknown"));
    }

    #[test]
    fn a_kind_has_64_bytes_and_a_list_64_kinds_at_most() {
        let letters = "a".repeat(65);
        assert!(letters[..64].parse::<EventKind>().is_ok());
        assert_eq!(letters.parse::<EventKind>(), Err(KindError::TooLong));
        let kinds: Vec<_> = (0..65).map(|n| format!("kind.n{n}")).collect();
        assert!(Wanted::parse(kinds.iter().take(64).map(|kind| kind.as_str()), any).is_ok());
        assert_eq!(Wanted::parse(kinds.iter().map(|kind| kind.as_str()), any), Err(KindError::TooMany));
    }
}
