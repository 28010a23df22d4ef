//! The first 76 bytes of a sealed file: what must be known before the passphrase is asked for.
//!
//! ```text
//!  0  4  "CFKS"                      32 16  key check value: CMAC by the check key of bytes 0 to 31
//!  4  2  format version, 1           48 16  nonce of the body
//!  6  1  environment                 64  4  length of the sealed body
//!  7  1  Argon2id lanes              68  8  SHA-256 of bytes 0 to 67, its first 8 bytes
//!  8  4  Argon2id memory, KiB        76     the body: AES-256-EAX, 16-byte tag last; these 76 bytes are
//! 12  4  Argon2id passes                    its associated data
//! 16 16  salt
//! ```
//!
//! The digest protects nothing: it tells a damaged header from a wrong passphrase. Numbers are big-endian.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::error::Damage;

/// What a store's keys are for. A store is one or the other for its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Environment {
    /// Keys that guard no money.
    Test = 1,
    /// Keys that guard money.
    Production = 2,
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Test => "test",
            Self::Production => "production",
        })
    }
}

/// How dear it is to try one passphrase (Argon2id).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// 64 MiB, 3 passes, 1 lane: above OWASP's 19 MiB and 2; a fraction of a second, once at the start.
    Recommended,
    /// 64 KiB, 1 pass: for tests, which open stores by the hundred. Refused for a production store.
    Testing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Argon2Cost {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u8,
}

impl Argon2Cost {
    pub(crate) const fn of(cost: Cost) -> Self {
        match cost {
            Cost::Recommended => Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 },
            Cost::Testing => Self { memory_kib: 64, passes: 1, lanes: 1 },
        }
    }

    /// A header may not have this process take a gibibyte and more, or count for hours.
    fn is_bearable(self) -> bool {
        (8 * u32::from(self.lanes)..=1024 * 1024).contains(&self.memory_kib)
            && (1..=64).contains(&self.passes)
            && (1..=16).contains(&self.lanes)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) environment: Environment,
    pub(crate) cost: Argon2Cost,
    pub(crate) salt: [u8; 16],
    pub(crate) check: [u8; 16],
    pub(crate) nonce: [u8; 16],
    pub(crate) body_length: u32,
}

/// Why the first bytes of a file are no header that this build reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderRefused {
    NotAKeyStore,
    Newer(u16),
    Damaged(Damage),
}

impl Header {
    pub(crate) const LENGTH: usize = 76;
    pub(crate) const MAGIC: [u8; 4] = *b"CFKS";
    pub(crate) const VERSION: u16 = 1;
    /// These bytes stay for the life of a store; the key check value is made of them.
    pub(crate) const LASTING: usize = 32;
    /// These bytes enter the nonce.
    pub(crate) const BEFORE_NONCE: usize = 48;
    const DIGESTED: usize = 68;

    pub(crate) fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..4].copy_from_slice(&Self::MAGIC);
        bytes[4..6].copy_from_slice(&Self::VERSION.to_be_bytes());
        bytes[6] = self.environment as u8;
        bytes[7] = self.cost.lanes;
        bytes[8..12].copy_from_slice(&self.cost.memory_kib.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.cost.passes.to_be_bytes());
        bytes[16..32].copy_from_slice(&self.salt);
        bytes[32..48].copy_from_slice(&self.check);
        bytes[48..64].copy_from_slice(&self.nonce);
        bytes[64..68].copy_from_slice(&self.body_length.to_be_bytes());
        let digest = digest(&bytes[..Self::DIGESTED]);
        bytes[Self::DIGESTED..].copy_from_slice(&digest);
        bytes
    }

    /// Reads the header of a whole file, and that the file is as long as the header says.
    pub(crate) fn of_file(file: &[u8]) -> Result<Self, HeaderRefused> {
        let known = file.len().min(4);
        if file[..known] != Self::MAGIC[..known] {
            return Err(HeaderRefused::NotAKeyStore);
        }
        let version = field::<2>(file, 4).map(u16::from_be_bytes);
        match version.map_err(HeaderRefused::Damaged)? {
            Self::VERSION => Self::of_this_version(file).map_err(HeaderRefused::Damaged),
            0 => Err(HeaderRefused::Damaged(Damage::Header)),
            newer => Err(HeaderRefused::Newer(newer)),
        }
    }

    fn of_this_version(file: &[u8]) -> Result<Self, Damage> {
        if field::<8>(file, Self::DIGESTED)? != digest(&file[..Self::DIGESTED]) {
            return Err(Damage::Header);
        }
        let [environment, lanes] = field(file, 6)?;
        let header = Self {
            environment: match environment {
                1 => Environment::Test,
                2 => Environment::Production,
                _ => return Err(Damage::Header),
            },
            cost: Argon2Cost {
                memory_kib: u32::from_be_bytes(field(file, 8)?),
                passes: u32::from_be_bytes(field(file, 12)?),
                lanes,
            },
            salt: field(file, 16)?,
            check: field(file, 32)?,
            nonce: field(file, 48)?,
            body_length: u32::from_be_bytes(field(file, 64)?),
        };
        if !header.cost.is_bearable() {
            return Err(Damage::Header);
        }
        let body_length = u64::try_from(file.len() - Self::LENGTH).unwrap_or(u64::MAX);
        match body_length.cmp(&header.body_length.into()) {
            std::cmp::Ordering::Equal => Ok(header),
            std::cmp::Ordering::Less => Err(Damage::Truncated),
            std::cmp::Ordering::Greater => Err(Damage::Trailing),
        }
    }
}

fn field<const N: usize>(file: &[u8], at: usize) -> Result<[u8; N], Damage> {
    file.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).ok_or(Damage::Truncated)
}

fn digest(bytes: &[u8]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(bytes));
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(cost: Argon2Cost) -> Header {
        Header {
            environment: Environment::Production,
            cost,
            salt: [1; 16],
            check: [2; 16],
            nonce: [3; 16],
            body_length: 0,
        }
    }

    #[test]
    fn a_header_reads_back() {
        let header = header(Argon2Cost::of(Cost::Recommended));
        assert_eq!(Header::of_file(&header.to_bytes()), Ok(header));
    }

    #[test]
    fn a_header_cannot_take_all_memory_or_time() {
        let bearable = Argon2Cost::of(Cost::Recommended);
        for cost in [
            Argon2Cost { memory_kib: u32::MAX, ..bearable },
            Argon2Cost { memory_kib: 0, ..bearable },
            Argon2Cost { passes: u32::MAX, ..bearable },
            Argon2Cost { passes: 0, ..bearable },
            Argon2Cost { lanes: 0, ..bearable },
            Argon2Cost { lanes: 17, ..bearable },
        ] {
            let refused = Header::of_file(&header(cost).to_bytes());
            assert_eq!(refused, Err(HeaderRefused::Damaged(Damage::Header)), "{cost:?}");
        }
    }
}
