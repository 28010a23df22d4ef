//! The one function that all keys of terminals come from.

use aes::Aes128;
use cmac::{Cmac, KeyInit, Mac};

/// SP 800-108r1 counter mode, one block of output, PRF AES-CMAC, over `01 label 00 context 0080`.
///
/// All contexts of one label have one length, so that no two inputs are the same.
pub(super) fn derive(key: &[u8; 16], label: &[u8; 4], context: &[&[u8]]) -> [u8; 16] {
    let mut mac = Cmac::<Aes128>::new(&(*key).into());
    mac.update(&[1]);
    mac.update(label);
    mac.update(&[0]);
    context.iter().for_each(|part| mac.update(part));
    mac.update(&[0, 0x80]);
    mac.finalize().into_bytes().into()
}
