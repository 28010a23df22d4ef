//! From a passphrase to keys, and from contents to a sealed file and back.

use aes::Aes256;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use cmac::{Cmac, Mac};
use eax::Eax;
use eax::aead::{AeadInOut, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::contents::Contents;
use crate::error::{Damage, SealingRefused};
use crate::header::{Argon2Cost, Environment, Header};
use crate::passphrase::Passphrase;

const TAG: usize = 16;

/// The keys of one file, from its passphrase by one run of Argon2id: 32 bytes seal the body, 32 make the
/// key check value, 32 make nonces.
pub(crate) struct FileKeys {
    /// The header as it was written last; its nonce and body length change with each rewrite.
    header: Header,
    keys: Box<Zeroizing<[u8; 96]>>,
}

impl FileKeys {
    /// The keys of a new file.
    pub(crate) fn create(
        passphrase: &Passphrase,
        environment: Environment,
        cost: Argon2Cost,
        salt: [u8; 16],
    ) -> Result<Self, SealingRefused> {
        let header = Header { environment, cost, salt, check: [0; 16], nonce: [0; 16], body_length: 0 };
        let mut keys = Self { header, keys: stretch(passphrase, &header)? };
        keys.header.check = keys.check_value(&header);
        Ok(keys)
    }

    /// The keys of a file that is there, where the passphrase is that of the file.
    pub(crate) fn open(passphrase: &Passphrase, header: Header) -> Result<Self, SealingRefused> {
        let keys = Self { header, keys: stretch(passphrase, &header)? };
        if keys.check_value(&header).ct_eq(&header.check).into() {
            Ok(keys)
        } else {
            Err(SealingRefused::WrongPassphrase)
        }
    }

    pub(crate) const fn environment(&self) -> Environment {
        self.header.environment
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

    /// The whole file that holds these contents.
    pub(crate) fn seal(&self, contents: &Contents) -> Result<Vec<u8>, SealingRefused> {
        let mut body = contents.encode(0);
        let length = u32::try_from(body.len() + TAG).map_err(|_| SealingRefused::TooLarge)?;
        let header = Header { nonce: self.nonce(&body), body_length: length, ..self.header };
        let bytes = header.to_bytes();
        let tag = self
            .cipher()
            .encrypt_inout_detached(&header.nonce.into(), &bytes, body.as_mut_slice().into())
            .map_err(|_| SealingRefused::TooLarge)?;
        Ok([&bytes[..], &body[..], &tag[..]].concat())
    }

    /// The contents of the whole file; `None` where it is another file than the one these are the keys of.
    pub(crate) fn unseal(&self, file: Vec<u8>, header: &Header) -> Result<Option<Contents>, Damage> {
        let mut file = Zeroizing::new(file);
        if header.salt != self.header.salt || header.check != self.header.check {
            return Ok(None);
        }
        let (bytes, sealed) = file.split_at_mut_checked(Header::LENGTH).ok_or(Damage::Truncated)?;
        let (body, tag) = sealed.split_last_chunk_mut::<TAG>().ok_or(Damage::Truncated)?;
        self.cipher()
            .decrypt_inout_detached(&header.nonce.into(), bytes, (&mut *body).into(), &(*tag).into())
            .map_err(|_| Damage::Body)?;
        Contents::decode(body).map(Some).map_err(|_| Damage::Contents)
    }
}

fn stretch(passphrase: &Passphrase, header: &Header) -> Result<Box<Zeroizing<[u8; 96]>>, SealingRefused> {
    let Argon2Cost { memory_kib, passes, lanes } = header.cost;
    let refused = |_| SealingRefused::OutOfMemory;
    let params = Params::new(memory_kib, passes, lanes.into(), Some(96)).map_err(refused)?;
    let mut memory: Vec<Block> = Vec::new();
    memory.try_reserve_exact(params.block_count()).map_err(|_| SealingRefused::OutOfMemory)?;
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
    use crate::header::Cost;

    fn keys(cost: Cost) -> FileKeys {
        let passphrase = Passphrase::new("correct horse battery".into()).unwrap();
        FileKeys::create(&passphrase, Environment::Test, Argon2Cost::of(cost), [5; 16]).unwrap()
    }

    #[test]
    fn different_contents_have_different_nonces_and_equal_ones_the_same_file() {
        let keys = keys(Cost::Testing);
        let file = |generation| keys.seal(&Contents { generation, ..Contents::default() }).unwrap();
        assert_ne!(file(1)[48..64], file(2)[48..64]);
        assert_eq!(file(1), file(1));
    }

    #[test]
    fn the_recommended_cost_works() {
        let keys = keys(Cost::Recommended);
        let file = keys.seal(&Contents::default()).unwrap();
        let header = Header::of_file(&file).unwrap();
        assert!(keys.unseal(file, &header).unwrap().is_some());
    }
}
