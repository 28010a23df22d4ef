//! The keys of a card's purse and the issuer's masters they come from.

use model::{Asn, OnlineCounter};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::des::{retail_mac, single_mac, triple};
use super::{LoadReceipt, PurchaseReceipt, PurseCode, PurseSession};
use crate::CheckValue;

secret!(
    /// An issuer's master of one use (load, TAC, purchase, maintenance): gives each card its key (two-key 3DES).
    PurseMasterKey,
    16
);
secret!(
    /// A key of one use in one wallet card (two-key 3DES).
    PurseKey,
    16
);

kept_by_a_key_store!(PurseMasterKey, PurseKey);

fn check_value(key: &[u8; 16]) -> CheckValue {
    let [a, b, c, ..] = triple(key, [0; 8]);
    CheckValue([a, b, c])
}

impl PurseMasterKey {
    /// A card's key: its serial number's right half encrypted, then that half's complement encrypted.
    pub fn diversify(&self, asn: Asn) -> PurseKey {
        let factor = asn.factor();
        let mut key = PurseKey([0; 16]);
        key.0[..8].copy_from_slice(&triple(&self.0, factor));
        key.0[8..].copy_from_slice(&triple(&self.0, factor.map(|byte| !byte)));
        key
    }

    /// The key's check value: the first 3 bytes of a zero block under 3DES, as issuers write it on key letters.
    pub fn check_value(&self) -> CheckValue {
        check_value(&self.0)
    }
}

impl PurseKey {
    /// The key's check value: the first 3 bytes of a zero block under 3DES.
    pub fn check_value(&self) -> CheckValue {
        check_value(&self.0)
    }

    /// The session key of one load; of a load key.
    pub fn load_session(&self, random: [u8; 4], counter: OnlineCounter) -> PurseSession {
        self.session(random, counter.0, [0x80, 0])
    }

    /// The session key of one purchase, with the last two bytes of the terminal's sequence number; of a purchase
    /// key.
    pub fn purchase_session(
        &self,
        random: [u8; 4],
        offline: u16,
        terminal_sequence_low: [u8; 2],
    ) -> PurseSession {
        self.session(random, offline, terminal_sequence_low)
    }

    fn session(&self, random: [u8; 4], counter: u16, last: [u8; 2]) -> PurseSession {
        let mut block = [0; 8];
        block[..4].copy_from_slice(&random);
        block[4..6].copy_from_slice(&counter.to_be_bytes());
        block[6..].copy_from_slice(&last);
        PurseSession(triple(&self.0, block))
    }

    /// What the card answers to a load that it took; of a TAC key.
    pub fn load_tac(&self, receipt: &LoadReceipt) -> PurseCode {
        self.tac(&receipt.text())
    }

    /// What the card answers to a purchase; of a TAC key.
    pub fn purchase_tac(&self, receipt: &PurchaseReceipt) -> PurseCode {
        self.tac(&receipt.text())
    }

    fn tac(&self, text: &[u8]) -> PurseCode {
        let mut key = Zeroizing::new([0; 8]);
        let (left, right) = self.0.split_at(8);
        key.iter_mut().zip(left.iter().zip(right)).for_each(|(byte, (l, r))| *byte = l ^ r);
        PurseCode::first_of(single_mac(&key, text))
    }

    /// The MAC of a command of secure messaging, over its header (whose last byte counts the MAC too) and data,
    /// begun with the card's challenge; of a maintenance key.
    pub fn secure_message(&self, challenge: [u8; 4], header: [u8; 5], data: &[u8]) -> PurseCode {
        // The chain begins with the challenge and four zeros, which is: these bytes added to the first block.
        let mut begun = header;
        begun.iter_mut().zip(challenge).for_each(|(byte, random)| *byte ^= random);
        PurseCode::first_of(retail_mac(&self.0, [&begun[..], data]))
    }

    /// The answer to EXTERNAL AUTHENTICATE. A challenge of four bytes has four zeros behind it.
    pub fn authenticate(&self, challenge: [u8; 8]) -> [u8; 8] {
        triple(&self.0, challenge)
    }
}

impl PartialEq for PurseKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::{PurseKind, TransportKey, WrapError};
    use model::{Fen, PurseTime, TerminalId};
    use std::format;
    use std::string::ToString;

    #[test]
    fn check_values_are_those_that_another_library_computes() {
        // Python's `cryptography`: a zero block under 3DES.
        assert_eq!(PurseMasterKey::from_bytes([7; 16]).check_value().to_string(), "E81873");
        assert_eq!(PurseKey::from_bytes([7; 16]).check_value().to_string(), "E81873");
    }

    #[test]
    fn parity_bits_are_ignored() {
        let (even, odd) = (PurseKey([6; 16]), PurseKey([7; 16]));
        assert_eq!(even.check_value(), odd.check_value());
        assert_eq!(even.authenticate([1; 8]), odd.authenticate([1; 8]));
    }

    #[test]
    fn a_wrapped_purse_key_opens_under_its_transport_key_only() {
        let (key, transport) = (PurseKey([5; 16]), TransportKey::from_bytes([1; 32]));
        let mut wrapped = transport.wrap_purse_key(&key).unwrap();
        assert!(transport.unwrap_purse_key(&wrapped) == Ok(key));
        assert!(TransportKey::from_bytes([2; 32]).unwrap_purse_key(&wrapped) == Err(WrapError));
        wrapped.0[11] ^= 1;
        assert!(transport.unwrap_purse_key(&wrapped) == Err(WrapError));
    }

    #[test]
    fn whatever_enters_a_receipt_changes_its_tac() {
        let key = PurseKey(core::array::from_fn(|i| i as u8));
        let receipt = LoadReceipt {
            balance_after: Fen(300),
            counter: OnlineCounter(7),
            amount: Fen(200),
            kind: PurseKind::PurseLoad,
            terminal: TerminalId([1; 6]),
            when: PurseTime::from_bytes([0x20; 7]),
        };
        for other in [
            LoadReceipt { balance_after: Fen(301), ..receipt },
            LoadReceipt { counter: OnlineCounter(8), ..receipt },
            LoadReceipt { amount: Fen(201), ..receipt },
            LoadReceipt { kind: PurseKind::DepositLoad, ..receipt },
            LoadReceipt { terminal: TerminalId([2; 6]), ..receipt },
            LoadReceipt { when: PurseTime::from_bytes([0x21; 7]), ..receipt },
        ] {
            assert_ne!(key.load_tac(&other), key.load_tac(&receipt), "{other:?}");
        }
    }

    #[test]
    fn a_protected_command_of_any_length_has_a_mac_of_its_own() {
        let key = PurseKey(core::array::from_fn(|i| i as u8));
        let header = [0x04, 0xd6, 0x95, 0x14, 0x0c];
        let mac = |challenge: [u8; 4], data: &[u8]| key.secure_message(challenge, header, data);
        // `80` and zeros are padding, and data too: they are not to be confused.
        assert_ne!(mac([0; 4], &[]), mac([0; 4], &[0x80]));
        assert_ne!(mac([0; 4], &[1, 2, 3]), mac([0; 4], &[1, 2, 3, 0x80, 0, 0, 0, 0]));
        assert_ne!(mac([0; 4], &[1, 2, 3]), mac([0, 0, 0, 1], &[1, 2, 3]));
    }

    #[test]
    fn no_key_of_a_purse_prints_itself() {
        assert_eq!(format!("{:?}", PurseMasterKey([7; 16])), "PurseMasterKey([redacted])");
        let key = PurseKey([7; 16]);
        let session = key.load_session([0; 4], OnlineCounter(0));
        assert_eq!(format!("{key:?} {session:?}"), "PurseKey([redacted]) PurseSession([redacted])");
        let code = PurseCode([0, 0x9a, 0xbc, 0xff]);
        assert_eq!(format!("{code} {code:?}"), "009abcff 009abcff");
    }
}
