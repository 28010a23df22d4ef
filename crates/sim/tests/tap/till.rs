//! One terminal: its number, its working key, its sequence.

use std::sync::atomic::{AtomicU64, Ordering};

use crypto::{
    ActivationSecret, Direction, MessageKey, Pin, PinBlock, PinKey, TerminalKeyReference, TerminalKeys as _,
    TerminalSuite,
};
use keystore::SealedFile;
use model::{Asn, TerminalId};
use tap::Header;

use crate::counter::Dice;
use crate::vault::root;

pub(crate) const KEY_ID: u32 = 1;
const SUITE: TerminalSuite = TerminalSuite::Aes128Gcm;

pub(crate) struct Till {
    pub(crate) id: TerminalId,
    message_key: MessageKey,
    pin_key: PinKey,
    sequence: AtomicU64,
}

impl Till {
    /// Activated, and with its first working key.
    pub(crate) fn new(keys: &SealedFile, id: TerminalId) -> Self {
        let secret = ActivationSecret::from_bytes([7; 16]);
        let (wrapped, _) = keys.wrap_terminal_master(root(), id, 1, &secret).unwrap();
        let master = secret.unwrap(id, &wrapped).unwrap();
        let reference = TerminalKeyReference {
            root: root(),
            terminal: id,
            master_version: 1,
            key_id: KEY_ID,
            suite: SUITE,
        };
        let (working, _) = keys.wrap_working_keys(&reference).unwrap();
        let (message_key, pin_key) = master.unwrap_working(&working, SUITE).unwrap();
        Self { id, message_key, pin_key, sequence: AtomicU64::new(0) }
    }

    pub(crate) fn pin_block(&self, asn: Asn, digits: &str, dice: &Dice) -> PinBlock {
        let pin: Pin = digits.parse().unwrap();
        self.pin_key.format4(&pin, asn, dice.throw().to_be_bytes())
    }

    /// The header of the next request.
    pub(crate) fn next_header(&self) -> Header {
        let sequence = self.sequence.fetch_add(1, Ordering::SeqCst) + 1;
        Header { suite: SUITE, terminal: self.id, key_id: KEY_ID, sequence }
    }

    /// An envelope under this header.
    pub(crate) fn seal_under(&self, header: &Header, text: &[u8], dice: &Dice) -> Vec<u8> {
        let nonce = [dice.throw().to_be_bytes(), dice.throw().to_be_bytes()].concat();
        tap::envelope::seal(&self.message_key, Direction::ToBank, header, &nonce[..12], text).unwrap()
    }

    /// An envelope under the next sequence.
    pub(crate) fn seal(&self, message: &str, dice: &Dice) -> (Header, Vec<u8>) {
        let header = self.next_header();
        (header, self.seal_under(&header, message.as_bytes(), dice))
    }

    pub(crate) fn open(&self, asked: &Header, answer: &[u8]) -> String {
        let text = tap::envelope::open_answer(&self.message_key, asked, answer).unwrap();
        String::from_utf8(text).unwrap()
    }
}
