//! The first 76 bytes of a sealed file: what must be known before the passphrase is asked for.
//!
//! ```text
//!  0  4  magic: the kind of file     32 16  key check value: CMAC by the check key of bytes 0 to 31
//!  4  2  format version, 1           48 16  nonce of the body
//!  6  1  label: its owner's word     64  4  length of the sealed body
//!  7  1  Argon2id lanes              68  8  SHA-256 of bytes 0 to 67, its first 8 bytes
//!  8  4  Argon2id memory, KiB        76     the body: AES-256-EAX, 16-byte tag last; these 76 bytes are
//! 12  4  Argon2id passes                    its associated data
//! 16 16  salt
//! ```
//!
//! The digest protects nothing: it tells a damaged header from a wrong passphrase. Numbers are big-endian.

use std::cmp::Ordering;

use sha2::{Digest, Sha256};

use crate::cost::Argon2Cost;
use crate::error::{Damage, HeaderError};

/// The format that this build writes, and the latest that it reads.
pub const VERSION: u16 = 1;

/// A kind of sealed file: one for each crate that keeps something in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its first four bytes; no two kinds have the same.
    pub magic: [u8; 4],
    /// The longest file of this kind, in bytes, header and tag with it.
    pub length_max: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) magic: [u8; 4],
    pub(crate) label: u8,
    pub(crate) cost: Argon2Cost,
    pub(crate) salt: [u8; 16],
    pub(crate) check: [u8; 16],
    pub(crate) nonce: [u8; 16],
    pub(crate) body_length: u32,
}

impl Header {
    pub(crate) const LENGTH: usize = 76;
    /// These bytes stay for the life of a file; the key check value is made of them.
    pub(crate) const LASTING: usize = 32;
    /// These bytes enter the nonce.
    pub(crate) const BEFORE_NONCE: usize = 48;
    const DIGESTED: usize = 68;

    pub(crate) fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..4].copy_from_slice(&self.magic);
        bytes[4..6].copy_from_slice(&VERSION.to_be_bytes());
        bytes[6] = self.label;
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
    fn of_file(magic: [u8; 4], file: &[u8]) -> Result<Self, HeaderError> {
        let known = file.len().min(4);
        if file[..known] != magic[..known] {
            return Err(HeaderError::OtherKind);
        }
        match u16::from_be_bytes(field(file, 4)?) {
            VERSION => Ok(Self::of_this_version(file)?),
            0 => Err(HeaderError::Damaged(Damage::Header)),
            newer => Err(HeaderError::Newer(newer)),
        }
    }

    fn of_this_version(file: &[u8]) -> Result<Self, Damage> {
        if field::<8>(file, Self::DIGESTED)? != digest(&file[..Self::DIGESTED]) {
            return Err(Damage::Header);
        }
        let [label, lanes] = field(file, 6)?;
        let header = Self {
            magic: field(file, 0)?,
            label,
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
            Ordering::Equal => Ok(header),
            Ordering::Less => Err(Damage::Truncated),
            Ordering::Greater => Err(Damage::Trailing),
        }
    }
}

/// A whole file whose header was read: what it says in clear, before anybody gives a passphrase.
#[derive(Debug)]
pub struct Unopened {
    pub(crate) kind: Kind,
    pub(crate) header: Header,
    pub(crate) file: Vec<u8>,
}

impl Unopened {
    /// Reads the header of a whole file of this kind.
    pub fn new(kind: Kind, file: Vec<u8>) -> Result<Self, HeaderError> {
        Ok(Self { kind, header: Header::of_file(kind.magic, &file)?, file })
    }

    /// What its owner said of it in clear when it was made. Changing it makes every passphrase wrong.
    pub const fn label(&self) -> u8 {
        self.header.label
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
    use crate::cost::Cost;

    const MAGIC: [u8; 4] = *b"TEST";

    fn header(cost: Argon2Cost) -> Header {
        let (salt, check, nonce) = ([1; 16], [2; 16], [3; 16]);
        Header { magic: MAGIC, label: 7, cost, salt, check, nonce, body_length: 0 }
    }

    #[test]
    fn a_header_reads_back() {
        let header = header(Argon2Cost::of(Cost::Recommended));
        assert_eq!(Header::of_file(MAGIC, &header.to_bytes()), Ok(header));
        assert_eq!(Header::of_file(*b"TESU", &header.to_bytes()), Err(HeaderError::OtherKind));
    }

    #[test]
    fn a_newer_form_is_named_with_its_number() {
        let mut bytes = header(Argon2Cost::of(Cost::Testing)).to_bytes();
        bytes[5] = 2;
        assert_eq!(Header::of_file(MAGIC, &bytes), Err(HeaderError::Newer(2)));
        bytes[5] = 0;
        assert_eq!(Header::of_file(MAGIC, &bytes), Err(HeaderError::Damaged(Damage::Header)));
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
            let refused = Header::of_file(MAGIC, &header(cost).to_bytes());
            assert_eq!(refused, Err(HeaderError::Damaged(Damage::Header)), "{cost:?}");
        }
    }
}
