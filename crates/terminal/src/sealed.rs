//! The form of the sealed file: AES-256-EAX under keys that Argon2id makes of a passphrase.
//!
//! ```text
//!  0  4  "CFTE"                      32 16  key check value: CMAC by the check key of bytes 0 to 31
//!  4  2  format version, 1           48 16  nonce of the body
//!  6  1  zero                        64  4  length of the sealed body
//!  7  1  Argon2id lanes              68  8  SHA-256 of bytes 0 to 67, its first 8 bytes
//!  8  4  Argon2id memory, KiB        76     the body, 16-byte tag last; these 76 bytes are its
//! 12  4  Argon2id passes                    associated data
//! 16 16  salt
//! ```
//!
//! As the key store's file, for the same reasons: the digest protects nothing, it tells a damaged header from a
//! wrong passphrase; the nonce is made of what is sealed, so that no two bodies share one, also where randomness
//! fails or a backup is put back. Numbers are big-endian.

use std::fmt;

use aes::Aes256;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use cmac::{Cmac, Mac};
use eax::Eax;
use eax::aead::{AeadInOut, KeyInit};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::error::Damage;
use crate::passphrase::Passphrase;

/// The largest file: an authority's certificates are the most of it.
pub(crate) const FILE_LENGTH_MAX: u64 = 256 * 1024;

const MAGIC: [u8; 4] = *b"CFTE";
const VERSION: u16 = 1;
const HEADER: usize = 76;
/// These bytes stay for the life of a file; the key check value is made of them.
const LASTING: usize = 32;
/// These bytes enter the nonce.
const BEFORE_NONCE: usize = 48;
const DIGESTED: usize = 68;
const TAG: usize = 16;

/// How dear it is to try one passphrase (Argon2id).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// 64 MiB, 3 passes, 1 lane: above OWASP's 19 MiB and 2; a fraction of a second, once at the start.
    Recommended,
    /// 64 KiB, 1 pass: for tests, which open terminals by the hundred.
    Testing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Argon2Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u8,
}

impl Argon2Cost {
    const fn of(cost: Cost) -> Self {
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

/// Why a file does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsealable {
    NotATerminal,
    Newer(u16),
    Damaged(Damage),
    WrongPassphrase,
    OutOfMemory,
}

#[derive(Clone, Copy, Debug)]
struct Header {
    cost: Argon2Cost,
    salt: [u8; 16],
    check: [u8; 16],
    nonce: [u8; 16],
    body_length: u32,
}

impl Header {
    fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&VERSION.to_be_bytes());
        bytes[7] = self.cost.lanes;
        bytes[8..12].copy_from_slice(&self.cost.memory_kib.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.cost.passes.to_be_bytes());
        bytes[16..32].copy_from_slice(&self.salt);
        bytes[32..48].copy_from_slice(&self.check);
        bytes[48..64].copy_from_slice(&self.nonce);
        bytes[64..68].copy_from_slice(&self.body_length.to_be_bytes());
        let digest = digest(&bytes[..DIGESTED]);
        bytes[DIGESTED..].copy_from_slice(&digest);
        bytes
    }

    /// Reads the header of a whole file, and that the file is as long as the header says.
    fn of_file(file: &[u8]) -> Result<Self, Unsealable> {
        let known = file.len().min(4);
        if file[..known] != MAGIC[..known] {
            return Err(Unsealable::NotATerminal);
        }
        match field::<2>(file, 4).map(u16::from_be_bytes).map_err(Unsealable::Damaged)? {
            VERSION => Self::of_this_version(file).map_err(Unsealable::Damaged),
            0 => Err(Unsealable::Damaged(Damage::Header)),
            newer => Err(Unsealable::Newer(newer)),
        }
    }

    fn of_this_version(file: &[u8]) -> Result<Self, Damage> {
        if field::<8>(file, DIGESTED)? != digest(&file[..DIGESTED]) {
            return Err(Damage::Header);
        }
        let [zero, lanes] = field(file, 6)?;
        let header = Self {
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
        if zero != 0 || !header.cost.is_bearable() {
            return Err(Damage::Header);
        }
        let body_length = u64::try_from(file.len() - HEADER).unwrap_or(u64::MAX);
        match body_length.cmp(&header.body_length.into()) {
            std::cmp::Ordering::Equal => Ok(header),
            std::cmp::Ordering::Less => Err(Damage::Truncated),
            std::cmp::Ordering::Greater => Err(Damage::Trailing),
        }
    }
}

/// The keys of one file: 32 bytes seal the body, 32 make the key check value, 32 make nonces.
pub(crate) struct FileKeys {
    header: Header,
    keys: Box<Zeroizing<[u8; 96]>>,
}

impl FileKeys {
    /// The keys of a new file.
    pub(crate) fn create(passphrase: &Passphrase, cost: Cost, salt: [u8; 16]) -> Result<Self, Unsealable> {
        let cost = Argon2Cost::of(cost);
        let header = Header { cost, salt, check: [0; 16], nonce: [0; 16], body_length: 0 };
        let mut keys = Self { header, keys: stretch(passphrase, &header)? };
        keys.header.check = keys.check_value(&header);
        Ok(keys)
    }

    /// The keys of a file and its body, where the passphrase is that of the file.
    pub(crate) fn open(
        passphrase: &Passphrase,
        file: Vec<u8>,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), Unsealable> {
        let header = Header::of_file(&file)?;
        let keys = Self { header, keys: stretch(passphrase, &header)? };
        if !bool::from(keys.check_value(&header).ct_eq(&header.check)) {
            return Err(Unsealable::WrongPassphrase);
        }
        let body = keys.unseal(file).map_err(Unsealable::Damaged)?;
        Ok((keys, body))
    }

    fn part(&self, index: usize) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(&self.keys[index * 32..][..32]);
        key
    }

    fn cipher(&self) -> Eax<Aes256> {
        Eax::new((&*self.part(0)).into())
    }

    fn check_value(&self, header: &Header) -> [u8; 16] {
        let lasting = &header.to_bytes()[..LASTING];
        Cmac::<Aes256>::new((&*self.part(1)).into()).chain_update(lasting).finalize().into_bytes().into()
    }

    fn nonce(&self, body: &[u8]) -> [u8; 16] {
        let before = &self.header.to_bytes()[..BEFORE_NONCE];
        let mac = Cmac::<Aes256>::new((&*self.part(2)).into()).chain_update(before).chain_update(body);
        mac.finalize().into_bytes().into()
    }

    /// The whole file of this body; `None` where no file can be so long.
    pub(crate) fn seal(&self, mut body: Zeroizing<Vec<u8>>) -> Option<Vec<u8>> {
        let body_length = u32::try_from(body.len() + TAG).ok()?;
        if u64::from(body_length) + HEADER as u64 > FILE_LENGTH_MAX {
            return None;
        }
        let header = Header { nonce: self.nonce(&body), body_length, ..self.header };
        let bytes = header.to_bytes();
        let tag = self
            .cipher()
            .encrypt_inout_detached(&header.nonce.into(), &bytes, body.as_mut_slice().into())
            .ok()?;
        Some([&bytes[..], &body[..], &tag[..]].concat())
    }

    fn unseal(&self, mut file: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, Damage> {
        if file.len() < HEADER + TAG {
            return Err(Damage::Truncated);
        }
        let mut body = Zeroizing::new(file.split_off(HEADER));
        let length = body.len() - TAG;
        let (sealed, tag) = body.split_last_chunk_mut::<TAG>().ok_or(Damage::Truncated)?;
        self.cipher()
            .decrypt_inout_detached(&self.header.nonce.into(), &file, sealed.into(), &(*tag).into())
            .map_err(|_| Damage::Body)?;
        body.truncate(length);
        Ok(body)
    }
}

impl fmt::Debug for FileKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKeys([redacted])")
    }
}

fn stretch(passphrase: &Passphrase, header: &Header) -> Result<Box<Zeroizing<[u8; 96]>>, Unsealable> {
    let Argon2Cost { memory_kib, passes, lanes } = header.cost;
    let refused = |_| Unsealable::OutOfMemory;
    let params = Params::new(memory_kib, passes, lanes.into(), Some(96)).map_err(refused)?;
    let mut memory: Vec<Block> = Vec::new();
    memory.try_reserve_exact(params.block_count()).map_err(|_| Unsealable::OutOfMemory)?;
    memory.resize(params.block_count(), Block::default());
    let mut keys = Box::new(Zeroizing::new([0; 96]));
    let stretched = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        passphrase.bytes(),
        &header.salt,
        &mut keys[..],
        memory.as_mut_slice(),
    );
    memory.zeroize();
    stretched.map_err(refused)?;
    Ok(keys)
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

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.into()).unwrap()
    }

    fn file(cost: Cost) -> Vec<u8> {
        let keys = FileKeys::create(&passphrase("correct horse battery"), cost, [5; 16]).unwrap();
        keys.seal(Zeroizing::new(b"contents".to_vec())).unwrap()
    }

    fn opened(file: Vec<u8>) -> Result<Vec<u8>, Unsealable> {
        FileKeys::open(&passphrase("correct horse battery"), file).map(|(_, body)| body.to_vec())
    }

    #[test]
    fn what_is_sealed_opens_and_no_two_bodies_share_a_nonce() {
        assert_eq!(opened(file(Cost::Recommended)).unwrap(), b"contents");
        let keys = FileKeys::create(&passphrase("correct horse battery"), Cost::Testing, [5; 16]).unwrap();
        let file = |body: &[u8]| keys.seal(Zeroizing::new(body.to_vec())).unwrap();
        assert_ne!(file(b"one")[48..64], file(b"two")[48..64]);
        assert_eq!(file(b"one"), file(b"one"));
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_found_and_none_panics() {
        let whole = file(Cost::Testing);
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(opened(changed).is_err(), "byte {at}");
            assert!(opened(whole[..at].to_vec()).is_err(), "cut at {at}");
        }
        let longer = [&whole[..], &[0]].concat();
        assert_eq!(opened(longer), Err(Unsealable::Damaged(Damage::Trailing)));
    }

    #[test]
    fn a_header_cannot_take_all_memory_or_time() {
        let bearable = Argon2Cost::of(Cost::Recommended);
        for cost in [
            Argon2Cost { memory_kib: u32::MAX, ..bearable },
            Argon2Cost { memory_kib: 0, ..bearable },
            Argon2Cost { passes: u32::MAX, ..bearable },
            Argon2Cost { lanes: 17, ..bearable },
        ] {
            let header = Header { cost, salt: [0; 16], check: [0; 16], nonce: [0; 16], body_length: 0 };
            assert_eq!(opened(header.to_bytes().to_vec()), Err(Unsealable::Damaged(Damage::Header)));
        }
    }
}
