//! Messages in DES and 3DES, encrypted and then authenticated: to work with terminals that have nothing else.
//!
//! DES has 56 bits of key, and its retail MAC says nothing after 2^32 messages. TLS 1.3 around it carries the
//! load; nobody should build on these.

use alloc::vec::Vec;

use cbc::cipher::block_padding::Iso7816;
use cbc::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit};
use cbc::{Decryptor, Encryptor};
use des::cipher::{BlockSizeUser, InnerIvInit, consts::U8};
use des::{Des, TdesEde2};
use subtle::ConstantTimeEq;

use super::message::{MessageError, make_room};
use super::suite::TerminalSuite;
use crate::pboc::retail_mac;

const BLOCK: usize = 8;

/// Single DES takes the left half of the message key.
fn des(message: &[u8; 16]) -> Des {
    let [a, b, c, d, e, f, g, h, ..] = *message;
    Des::new(&[a, b, c, d, e, f, g, h].into())
}

fn tag(mac: &[u8; 16], associated: &[u8], nonce: &[u8], sealed: &[u8]) -> [u8; 8] {
    retail_mac(mac, [associated, nonce, sealed])
}

pub(super) fn seal(
    suite: TerminalSuite,
    message: &[u8; 16],
    mac: &[u8; 16],
    associated: &[u8],
    nonce: &[u8],
    text: &mut Vec<u8>,
) -> Result<(), MessageError> {
    let nonce = <&[u8; BLOCK]>::try_from(nonce).map_err(|_| MessageError::Malformed)?;
    make_room(text, 2 * BLOCK);
    match suite {
        TerminalSuite::Des => encrypt(des(message), nonce, text),
        TerminalSuite::TripleDes => encrypt(TdesEde2::new(&(*message).into()), nonce, text),
        TerminalSuite::Aes128Gcm | TerminalSuite::Sm4Gcm => Err(MessageError::SuiteNotBuilt),
    }?;
    let tag = tag(mac, associated, nonce, text);
    text.extend_from_slice(&tag);
    Ok(())
}

pub(super) fn open(
    suite: TerminalSuite,
    message: &[u8; 16],
    mac: &[u8; 16],
    associated: &[u8],
    nonce: &[u8],
    text: &mut Vec<u8>,
) -> Result<(), MessageError> {
    let nonce = <&[u8; BLOCK]>::try_from(nonce).map_err(|_| MessageError::Malformed)?;
    let (sealed, found) = text.split_last_chunk_mut::<BLOCK>().ok_or(MessageError::Malformed)?;
    if sealed.is_empty() || sealed.len() % BLOCK != 0 {
        return Err(MessageError::Malformed);
    }
    if !bool::from(tag(mac, associated, nonce, sealed).ct_eq(found)) {
        return Err(MessageError::WrongCode);
    }
    let length = match suite {
        TerminalSuite::Des => decrypt(des(message), nonce, sealed),
        TerminalSuite::TripleDes => decrypt(TdesEde2::new(&(*message).into()), nonce, sealed),
        TerminalSuite::Aes128Gcm | TerminalSuite::Sm4Gcm => Err(MessageError::SuiteNotBuilt),
    }?;
    text.truncate(length);
    Ok(())
}

fn encrypt<C>(cipher: C, nonce: &[u8; BLOCK], text: &mut Vec<u8>) -> Result<(), MessageError>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U8>,
{
    let length = text.len();
    text.resize(length - length % BLOCK + BLOCK, 0);
    Encryptor::inner_iv_init(cipher, nonce.into())
        .encrypt_padded::<Iso7816>(text, length)
        .map_err(|_| MessageError::Malformed)?;
    Ok(())
}

/// Returns how long the text without its padding is.
fn decrypt<C>(cipher: C, nonce: &[u8; BLOCK], sealed: &mut [u8]) -> Result<usize, MessageError>
where
    C: BlockCipherDecrypt + BlockSizeUser<BlockSize = U8>,
{
    // The tag agreed: a padding that is none was made by who has the keys, and tells nobody anything.
    let text = Decryptor::inner_iv_init(cipher, nonce.into())
        .decrypt_padded::<Iso7816>(sealed)
        .map_err(|_| MessageError::Malformed)?;
    Ok(text.len())
}
