//! From a passphrase to keys, and from a body to a sealed file and back.

use std::fmt;

use aes::Aes256;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use cmac::{Cmac, Mac};
use eax::Eax;
use eax::aead::{AeadInOut, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::cost::{Argon2Cost, Cost};
use crate::error::{Damage, OpenError, OutOfMemory, TooLarge};
use crate::header::{Header, Kind, Unopened};
use crate::passphrase::Passphrase;

const TAG: usize = 16;

/// The keys of one file, from its passphrase by one run of Argon2id: 32 bytes seal the body, 32 make the
/// key check value, 32 make nonces.
pub struct FileKeys {
    kind: Kind,
    /// What lasts of the header; its nonce and body length change with each rewrite.
    header: Header,
    keys: Box<Zeroizing<[u8; 96]>>,
}

impl FileKeys {
    /// The keys of a new file. `label` stands in its header in clear, for its life.
    ///
    /// The salt is random bytes: two files of one passphrase must not share their keys.
    pub fn create(
        kind: Kind,
        label: u8,
        passphrase: &Passphrase,
        cost: Cost,
        salt: [u8; 16],
    ) -> Result<Self, OutOfMemory> {
        let header = Header {
            magic: kind.magic,
            label,
            cost: Argon2Cost::of(cost),
            salt,
            check: [0; 16],
            nonce: [0; 16],
            body_length: 0,
        };
        let mut keys = Self { kind, header, keys: stretch(passphrase, &header)? };
        keys.header.check = keys.check_value(&header);
        Ok(keys)
    }

    /// The keys of a file that is there, where the passphrase is that of the file.
    pub fn open(passphrase: &Passphrase, file: &Unopened) -> Result<Self, OpenError> {
        let header = file.header;
        let keys = Self { kind: file.kind, header, keys: stretch(passphrase, &header)? };
        if keys.check_value(&header).ct_eq(&header.check).into() {
            Ok(keys)
        } else {
            Err(OpenError::WrongPassphrase)
        }
    }

    /// What the file's owner said of it in clear when it was made.
    pub const fn label(&self) -> u8 {
        self.header.label
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
        let lasting = &header.to_bytes()[..Header::LASTING];
        Cmac::<Aes256>::new((&*self.part(1)).into()).chain_update(lasting).finalize().into_bytes().into()
    }

    /// The nonce is a CMAC of all that is sealed, under a key that does nothing else (a synthetic nonce, as
    /// in SIV): two different bodies have two nonces also where randomness fails or a backup is put back.
    fn nonce(&self, body: &[u8]) -> [u8; 16] {
        let before = &self.header.to_bytes()[..Header::BEFORE_NONCE];
        let mac = Cmac::<Aes256>::new((&*self.part(2)).into()).chain_update(before).chain_update(body);
        mac.finalize().into_bytes().into()
    }

    /// The whole file that holds this body. The body is sealed where it stands: no copy of it is left.
    pub fn seal(&self, mut body: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, TooLarge> {
        let body_length = u32::try_from(body.len() + TAG).map_err(|_| TooLarge)?;
        if u64::from(body_length) + Header::LENGTH as u64 > self.kind.length_max {
            return Err(TooLarge);
        }
        let header = Header { nonce: self.nonce(&body), body_length, ..self.header };
        let bytes = header.to_bytes();
        let tag = self
            .cipher()
            .encrypt_inout_detached(&header.nonce.into(), &bytes, body.as_mut_slice().into())
            .map_err(|_| TooLarge)?;
        Ok([&bytes[..], &body[..], &tag[..]].concat())
    }

    /// The body of a file; `None` where it is another file than the one these are the keys of.
    pub fn unseal(&self, file: Unopened) -> Result<Option<Zeroizing<Vec<u8>>>, Damage> {
        let Unopened { header, file, .. } = file;
        if header.salt != self.header.salt || header.check != self.header.check {
            return Ok(None);
        }
        let mut body = Zeroizing::new(file);
        // Before there is anything to hide in it: what is opened below is not moved any more.
        body.drain(..Header::LENGTH);
        let (sealed, tag) = body.split_last_chunk_mut::<TAG>().ok_or(Damage::Truncated)?;
        self.cipher()
            .decrypt_inout_detached(&header.nonce.into(), &header.to_bytes(), sealed.into(), &(*tag).into())
            .map_err(|_| Damage::Body)?;
        let length = body.len() - TAG;
        body.truncate(length);
        Ok(Some(body))
    }
}

impl fmt::Debug for FileKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKeys([redacted])")
    }
}

fn stretch(passphrase: &Passphrase, header: &Header) -> Result<Box<Zeroizing<[u8; 96]>>, OutOfMemory> {
    let Argon2Cost { memory_kib, passes, lanes } = header.cost;
    let refused = |_| OutOfMemory;
    let params = Params::new(memory_kib, passes, lanes.into(), Some(96)).map_err(refused)?;
    let mut memory: Vec<Block> = Vec::new();
    memory.try_reserve_exact(params.block_count()).map_err(|_| OutOfMemory)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::HeaderError;

    const KIND: Kind = Kind { magic: *b"TEST", length_max: 1_000 };

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.into()).unwrap()
    }

    fn keys(cost: Cost) -> FileKeys {
        FileKeys::create(KIND, 7, &passphrase("correct horse battery"), cost, [5; 16]).unwrap()
    }

    fn sealed(keys: &FileKeys, body: &[u8]) -> Vec<u8> {
        keys.seal(Zeroizing::new(body.to_vec())).unwrap()
    }

    fn unopened(file: Vec<u8>) -> Result<Unopened, HeaderError> {
        Unopened::new(KIND, file)
    }

    #[test]
    fn what_is_sealed_opens_at_the_recommended_cost() {
        let file = unopened(sealed(&keys(Cost::Recommended), b"contents")).unwrap();
        let keys = FileKeys::open(&passphrase("correct horse battery"), &file).unwrap();
        assert_eq!((file.label(), keys.label()), (7, 7));
        assert_eq!(**keys.unseal(file).unwrap().unwrap(), *b"contents");
    }

    #[test]
    fn different_bodies_have_different_nonces_and_equal_ones_the_same_file() {
        let keys = keys(Cost::Testing);
        assert_ne!(sealed(&keys, b"one")[48..64], sealed(&keys, b"two")[48..64]);
        assert_eq!(sealed(&keys, b"one"), sealed(&keys, b"one"));
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_found_and_none_panics() {
        let keys = keys(Cost::Testing);
        let whole = sealed(&keys, b"contents");
        let opened = |file: Vec<u8>| match unopened(file) {
            Ok(file) => keys.unseal(file).map_err(HeaderError::Damaged),
            Err(refused) => Err(refused),
        };
        assert_eq!(**opened(whole.clone()).unwrap().unwrap(), *b"contents");
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(opened(changed).is_err(), "byte {at}");
            assert!(opened(whole[..at].to_vec()).is_err(), "cut at {at}");
        }
        let longer = [&whole[..], &[0]].concat();
        assert_eq!(opened(longer), Err(HeaderError::Damaged(Damage::Trailing)));
        // The shortest: a header that is whole, and says that nothing follows.
        let header = Header { body_length: 0, ..keys.header };
        assert_eq!(opened(header.to_bytes().to_vec()), Err(HeaderError::Damaged(Damage::Truncated)));
    }

    #[test]
    fn a_wrong_passphrase_is_no_damage_and_other_keys_are_told() {
        let file = || unopened(sealed(&keys(Cost::Testing), b"contents")).unwrap();
        let wrong = FileKeys::open(&passphrase("incorrect horse battery"), &file());
        assert_eq!(wrong.map(drop), Err(OpenError::WrongPassphrase));
        let other = passphrase("correct horse battery");
        let other = FileKeys::create(KIND, 7, &other, Cost::Testing, [6; 16]).unwrap();
        assert_eq!(other.unseal(file()), Ok(None));
    }

    #[test]
    fn a_label_is_part_of_what_the_passphrase_opens() {
        let passphrase = passphrase("correct horse battery");
        let file = unopened(sealed(&keys(Cost::Testing), b"contents")).unwrap();
        // Whoever changes it makes the digest fit as well.
        let header = Header { label: 8, ..file.header };
        let mut changed = file.file;
        changed[..Header::LENGTH].copy_from_slice(&header.to_bytes());
        let opened = FileKeys::open(&passphrase, &unopened(changed).unwrap());
        assert_eq!(opened.map(drop), Err(OpenError::WrongPassphrase));
    }

    #[test]
    fn no_file_is_longer_than_its_kind() {
        let keys = keys(Cost::Testing);
        let room = 1_000 - Header::LENGTH - TAG;
        assert_eq!(keys.seal(Zeroizing::new(vec![0; room])).unwrap().len(), 1_000);
        assert_eq!(keys.seal(Zeroizing::new(vec![0; room + 1])), Err(TooLarge));
    }

    #[test]
    fn keys_do_not_print_themselves() {
        assert_eq!(format!("{:?}", keys(Cost::Testing)), "FileKeys([redacted])");
    }
}
