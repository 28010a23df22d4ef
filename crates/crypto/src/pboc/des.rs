//! The two primitives of a purse, over the DES of the `des` crate. Parity bits are ignored, as cards do.

use des::TdesEde2;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use retail_mac::{Mac, RetailMac};
use zeroize::Zeroizing;

/// One block under two-key triple DES.
pub(super) fn triple(key: &[u8; 16], block: [u8; 8]) -> [u8; 8] {
    let mut block = block.into();
    TdesEde2::new(&(*key).into()).encrypt_block(&mut block);
    block.into()
}

/// ISO 9797-1 algorithm 3 with padding method 2, over the parts one after another.
pub(crate) fn retail_mac<'a>(key: &[u8; 16], parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 8] {
    let mut mac = RetailMac::<des::Des>::new(&(*key).into());
    parts.into_iter().for_each(|part| mac.update(part));
    // Padding method 2 is `80` always and then zeros to a whole block; the zeros are what the MAC adds itself.
    mac.update(&[0x80]);
    mac.finalize().into_bytes().into()
}

/// The CBC-MAC with single DES of session keys, with padding method 2: that of [`retail_mac`] where both halves
/// are one, as its two last steps undo each other.
pub(super) fn single_mac(key: &[u8; 8], text: &[u8]) -> [u8; 8] {
    let mut both = Zeroizing::new([0; 16]);
    both[..8].copy_from_slice(key);
    both[8..].copy_from_slice(key);
    retail_mac(&both, [text])
}
