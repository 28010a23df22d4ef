//! The audit chain: each entry holds the hash of the one before it, so that none can be changed, left out or put between
//! without every later hash changing.
//!
//! What it does not do by itself: notice that entries at its end were cut off, or that all were made anew. Whoever notes the
//! [`AuditHead`] elsewhere from time to time notices that, too: [`Verifier::passed`].

use std::fmt;

use model::UnixMillis;
use sha2::{Digest as _, Sha256};

/// What is to be entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditNote {
    /// When.
    pub at: UnixMillis,
    /// Who: an operator's name, or a word in brackets: `(command line)`, `(nobody)`.
    pub operator: String,
    /// From where: an address, or `local`.
    pub address: String,
    /// What: a stable word.
    pub action: String,
    /// On what: an id, a name or a path; nothing that is personal.
    pub subject: String,
    /// How it ended: `done`, or the code of a refusal.
    pub outcome: String,
}

/// The longest text in an entry, in bytes; longer ones are cut.
pub const TEXT_MAX: usize = 256;

impl AuditNote {
    /// The note with texts no longer than [`TEXT_MAX`], cut at a character, and without U+0000, which no text may hold
    /// everywhere.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        for text in
            [&mut self.operator, &mut self.address, &mut self.action, &mut self.subject, &mut self.outcome]
        {
            text.retain(|c| c != '\0');
            text.truncate(text.floor_char_boundary(TEXT_MAX));
        }
        self
    }
}

/// An entry of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place, from 1, without a gap.
    pub seq: u64,
    /// What is entered.
    pub note: AuditNote,
    /// The hash of the entry before; zeros before the first.
    pub previous: [u8; 32],
    /// Its own hash, over all of that.
    pub hash: [u8; 32],
}

/// Where a chain ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditHead {
    /// The last entry's place; zero: there is none.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl fmt::Display for AuditHead {
    /// `SEQ:HASH`, to be noted elsewhere.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, data_encoding::HEXLOWER.encode(&self.hash))
    }
}

impl std::str::FromStr for AuditHead {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (seq, hash) = text.trim().split_once(':')?;
            let hash = data_encoding::HEXLOWER_PERMISSIVE.decode(hash.as_bytes()).ok()?;
            Some(Self { seq: seq.parse().ok()?, hash: hash.try_into().ok()? })
        };
        read().ok_or("a noted end is NUMBER:HASH, as `counterfoil audit verify` prints it")
    }
}

/// The first bytes of what is hashed: no other hash of this house begins so.
const DOMAIN: &[u8] = b"counterfoil audit entry v1";

impl AuditEntry {
    /// The entry after a head. The note is trimmed first.
    pub fn after(head: AuditHead, note: AuditNote) -> Self {
        let mut entry = Self {
            seq: head.seq.saturating_add(1),
            note: note.trimmed(),
            previous: head.hash,
            hash: [0; 32],
        };
        entry.hash = entry.reckoned();
        entry
    }

    /// Where the chain ends with it.
    pub const fn head(&self) -> AuditHead {
        AuditHead { seq: self.seq, hash: self.hash }
    }

    /// SHA-256 over its fields, each with its length before it (4 bytes, big endian): no two entries are encoded alike.
    pub fn reckoned(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let (seq, at) = (self.seq.to_be_bytes(), self.note.at.0.to_be_bytes());
        let fields: [&[u8]; 9] = [
            DOMAIN,
            &seq,
            &at,
            self.note.operator.as_bytes(),
            self.note.address.as_bytes(),
            self.note.action.as_bytes(),
            self.note.subject.as_bytes(),
            self.note.outcome.as_bytes(),
            &self.previous,
        ];
        for field in fields {
            // Texts are short, and what was stored longer than 4 GiB is not this entry's text anyway.
            hash.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            hash.update(field);
        }
        hash.finalize().into()
    }
}

/// The first entry that does not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditBreak {
    /// An entry is not there.
    #[error("entry {expected} is missing: entry {found} follows the one before it")]
    Missing {
        /// Which should follow.
        expected: u64,
        /// Which does.
        found: u64,
    },
    /// It does not continue the one before.
    #[error("entry {seq} does not continue the entry before it: something was put between or exchanged")]
    NotContinued {
        /// Which.
        seq: u64,
    },
    /// Its hash is not that of its fields.
    #[error("entry {seq} was changed: its hash is not that of its fields")]
    Changed {
        /// Which.
        seq: u64,
    },
    /// The chain ends before where it should.
    #[error("the last entries are missing: the chain ends at {found} and went on to {expected}")]
    CutOff {
        /// The last that was there.
        expected: u64,
        /// The last that is.
        found: u64,
    },
    /// The entry at a noted place is another.
    #[error("entry {seq} is not the one that was noted: the chain was made anew")]
    Remade {
        /// Which.
        seq: u64,
    },
}

impl AuditBreak {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing { .. } => "audit_entry_missing",
            Self::NotContinued { .. } => "audit_entry_not_continued",
            Self::Changed { .. } => "audit_entry_changed",
            Self::CutOff { .. } => "audit_cut_off",
            Self::Remade { .. } => "audit_remade",
        }
    }
}

/// Walks a chain from its beginning and names the first entry that does not stand.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    head: AuditHead,
    noted: Vec<AuditHead>,
}

impl Verifier {
    /// One that also wants to pass these ends, which were noted before.
    pub fn passed(noted: impl IntoIterator<Item = AuditHead>) -> Self {
        Self { head: AuditHead::default(), noted: noted.into_iter().collect() }
    }

    /// The next entry.
    pub fn take(&mut self, entry: &AuditEntry) -> Result<(), AuditBreak> {
        let (seq, expected) = (entry.seq, self.head.seq.saturating_add(1));
        if seq != expected {
            return Err(AuditBreak::Missing { expected, found: seq });
        }
        if entry.previous != self.head.hash {
            return Err(AuditBreak::NotContinued { seq });
        }
        if entry.hash != entry.reckoned() {
            return Err(AuditBreak::Changed { seq });
        }
        if self.noted.iter().any(|noted| noted.seq == seq && noted.hash != entry.hash) {
            return Err(AuditBreak::Remade { seq });
        }
        self.head = entry.head();
        Ok(())
    }

    /// Where it is.
    pub const fn head(&self) -> AuditHead {
        self.head
    }

    /// That was the last; `kept` is the end that the store keeps beside the entries.
    pub fn end(self, kept: AuditHead) -> Result<AuditHead, AuditBreak> {
        let furthest = self.noted.iter().map(|noted| noted.seq).chain([kept.seq]).max().unwrap_or(0);
        if furthest > self.head.seq {
            return Err(AuditBreak::CutOff { expected: furthest, found: self.head.seq });
        }
        if kept != self.head {
            return Err(AuditBreak::Remade { seq: self.head.seq });
        }
        Ok(self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(n: u64) -> AuditNote {
        AuditNote {
            at: UnixMillis(1_800_000_000_000 + n.cast_signed()),
            operator: "li.wei".into(),
            address: "127.0.0.1".into(),
            action: "view".into(),
            subject: format!("/console/{n}"),
            outcome: "done".into(),
        }
    }

    fn chain(length: u64) -> Vec<AuditEntry> {
        let mut head = AuditHead::default();
        (1..=length)
            .map(|n| {
                let entry = AuditEntry::after(head, note(n));
                head = entry.head();
                entry
            })
            .collect()
    }

    fn verified(entries: &[AuditEntry], kept: AuditHead) -> Result<AuditHead, AuditBreak> {
        let mut verifier = Verifier::default();
        entries.iter().try_for_each(|entry| verifier.take(entry))?;
        verifier.end(kept)
    }

    #[test]
    fn the_encoding_stays_what_it_is() {
        // Reckoned by another implementation (Python's hashlib and struct) over the fields of the first entry.
        let entry = AuditEntry::after(AuditHead::default(), note(1));
        let hash = data_encoding::HEXLOWER.encode(&entry.hash);
        assert_eq!(hash, "04a656096b36b5715ed20c3012d64fd4d35a4b88dd559bc7945560f4f318b669");
    }

    #[test]
    fn a_whole_chain_stands_and_the_first_broken_entry_is_named() {
        let whole = chain(9);
        let head = whole[8].head();
        assert_eq!(verified(&whole, head), Ok(head));
        assert_eq!(verified(&[], AuditHead::default()), Ok(AuditHead::default()));

        for at in 0..9_usize {
            let seq = at as u64 + 1;
            let mut changed = whole.clone();
            changed[at].note.outcome = "refused".into();
            assert_eq!(verified(&changed, head), Err(AuditBreak::Changed { seq }));
            // Whoever makes its hash anew, too, breaks with the next, or with the end that is kept.
            changed[at].hash = changed[at].reckoned();
            let expected = if at == 8 {
                AuditBreak::Remade { seq: 9 }
            } else {
                AuditBreak::NotContinued { seq: seq + 1 }
            };
            assert_eq!(verified(&changed, head), Err(expected));
            let mut missing = whole.clone();
            missing.remove(at);
            let expected = if at == 8 {
                AuditBreak::CutOff { expected: 9, found: 8 }
            } else {
                AuditBreak::Missing { expected: seq, found: seq + 1 }
            };
            assert_eq!(verified(&missing, head), Err(expected));
        }
    }

    #[test]
    fn a_chain_that_was_made_anew_does_not_pass_an_end_that_was_noted() {
        let whole = chain(5);
        let noted: AuditHead = whole[2].head().to_string().parse().unwrap();
        let walk = |entries: &[AuditEntry]| {
            let mut verifier = Verifier::passed([noted]);
            entries.iter().try_for_each(|entry| verifier.take(entry))?;
            verifier.end(entries.last().unwrap().head())
        };
        assert!(walk(&whole).is_ok());
        let mut head = AuditHead::default();
        let anew: Vec<_> = (1..=5)
            .map(|n| {
                let entry = AuditEntry::after(head, AuditNote { operator: "somebody".into(), ..note(n) });
                head = entry.head();
                entry
            })
            .collect();
        assert_eq!(walk(&anew), Err(AuditBreak::Remade { seq: 3 }));
        assert_eq!(walk(&whole[..2]), Err(AuditBreak::CutOff { expected: 3, found: 2 }));
        assert!("7".parse::<AuditHead>().is_err() && "7:zz".parse::<AuditHead>().is_err());
    }

    #[test]
    fn what_moves_from_one_field_to_the_next_changes_the_hash() {
        let one = AuditNote { action: "ab".into(), subject: "c".into(), ..note(1) };
        let other = AuditNote { action: "a".into(), subject: "bc".into(), ..note(1) };
        let head = AuditHead::default();
        assert_ne!(AuditEntry::after(head, one).hash, AuditEntry::after(head, other).hash);
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_at_a_character() {
        let long = AuditNote { subject: "号".repeat(100) + "\0", ..note(1) };
        assert_eq!(AuditEntry::after(AuditHead::default(), long).note.subject, "号".repeat(85));
    }
}
