//! Commands to an electronic purse (JR/T 0025.1 and .2) as bytes, and what a card answers.
//!
//! For: one spelling of each command for driver, bank and tests.
//! Refuses: sending, and knowing when a command is right: that is for driver and bank.
//! Next: [`StatusWord`] for what cards say, [`CardAnswer`] for a card that says nothing.

use alloc::vec::Vec;
use core::fmt;

use crypto::{PurseCode, PurseKind};
use model::{Fen, PurseTime, TerminalId};

/// The two bytes that end a card's answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusWord(pub u16);

macro_rules! status_words {
    ($($word:literal $name:ident $meaning:literal;)*) => {
        impl StatusWord {
            $(#[doc = $meaning] pub const $name: Self = Self($word);)*

            /// What it means, in words for a log or a maker's display.
            pub const fn meaning(self) -> &'static str {
                match self.0 {
                    $($word => $meaning,)*
                    0x6100..=0x61ff => "more data waits: GET RESPONSE",
                    0x6c00..=0x6cff => "another length is expected: send again with it",
                    0x63c0..=0x63cf => "wrong; the last digit says how many tries are left",
                    _ => "not known to JR/T 0025",
                }
            }
        }
    };
}

status_words! {
    0x9000 DONE "done";
    0x6283 SELECTED_BLOCKED "the selected file or application is blocked";
    0x6581 MEMORY_FAILURE "the card's memory failed while it wrote";
    0x6700 WRONG_LENGTH "wrong length";
    0x6901 NOT_ACCEPTED "not accepted in this state";
    0x6982 SECURITY_STATUS "PIN or authentication is missing";
    0x6983 BLOCKED "PIN or key is blocked";
    0x6984 DATA_INVALID "challenge or referenced data invalid";
    0x6985 NOT_NOW "conditions of use are not met";
    0x6987 CODE_MISSING "the code of secure messaging is missing";
    0x6988 CODE_WRONG "the code of secure messaging is wrong";
    0x6a80 WRONG_DATA "wrong data";
    0x6a81 NOT_SUPPORTED "not supported, or the application is locked";
    0x6a82 NO_SUCH_FILE "no such file or application";
    0x6a83 NO_SUCH_RECORD "no such record";
    0x6a84 NO_ROOM "no room in the file";
    0x6a86 WRONG_PARAMETERS "wrong P1 or P2";
    0x6a88 NO_SUCH_KEY "no such key or data";
    0x6b00 WRONG_OFFSET "the offset is outside the file";
    0x6d00 UNKNOWN_INSTRUCTION "unknown instruction";
    0x6e00 UNKNOWN_CLASS "unknown class";
    0x6f00 NO_DIAGNOSIS "no diagnosis";
    0x9301 INSUFFICIENT "not enough on the purse";
    0x9302 MAC_INVALID "the purse's code is wrong";
    0x9303 LOCKED "the application is locked for good";
    0x9401 INSUFFICIENT_FUNDS "not enough money on the purse";
    0x9402 COUNTER_END "a transaction counter is at its end";
    0x9403 NO_SUCH_KEY_INDEX "no key of this index";
    0x9406 PROOF_NOT_AVAILABLE "the proof is not available";
}

impl StatusWord {
    /// How many tries are left after a wrong PIN or authentication (`63Cx`).
    pub const fn tries_left(self) -> Option<u8> {
        match self.0 {
            0x63c0..=0x63cf => Some((self.0 & 0x0f) as u8),
            _ => None,
        }
    }

    /// The two bytes.
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What came back for a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardAnswer {
    /// Nothing that has a status word: the card is gone, and nobody knows what it did.
    Gone,
    /// An answer.
    Said {
        /// What precedes the status word.
        data: Vec<u8>,
        /// How the command went.
        status: StatusWord,
    },
}

impl CardAnswer {
    /// The answer in these bytes. Fewer than two are none.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        match bytes.split_last_chunk() {
            Some((data, status)) => {
                Self::Said { data: data.to_vec(), status: StatusWord(u16::from_be_bytes(*status)) }
            }
            None => Self::Gone,
        }
    }

    /// The bytes; none of a card that is gone.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Gone => Vec::new(),
            Self::Said { data, status } => [data, &status.to_bytes()[..]].concat(),
        }
    }

    /// The status word, where there is one.
    pub const fn status(&self) -> Option<StatusWord> {
        match self {
            Self::Gone => None,
            Self::Said { status, .. } => Some(*status),
        }
    }

    /// What precedes the status word.
    pub fn data(&self) -> &[u8] {
        match self {
            Self::Gone => &[],
            Self::Said { data, .. } => data,
        }
    }
}

/// SELECT by name: the application of this AID.
pub fn select_by_name(name: &[u8]) -> Vec<u8> {
    with_answer([0x00, 0xa4, 0x04, 0x00], &[name], 0)
}

/// READ BINARY of the file with this short identifier.
pub fn read_binary(file: u8, offset: u8, length: u8) -> Vec<u8> {
    [0x00, 0xb0, by_short_identifier(file), offset, length].to_vec()
}

/// READ RECORD; number 1 is the newest.
pub fn read_record(number: u8, file: u8, length: u8) -> Vec<u8> {
    [0x00, 0xb2, number, (file & SHORT_IDENTIFIER) << 3 | 0x04, length].to_vec()
}

/// GET BALANCE.
pub fn get_balance(kind: PurseKind) -> Vec<u8> {
    [0x80, 0x5c, 0x00, kind.number(), 4].to_vec()
}

/// INITIALIZE FOR LOAD. What it begins dies with the field.
pub fn initialize_for_load(key_index: u8, amount: Fen, terminal: TerminalId, kind: PurseKind) -> Vec<u8> {
    let data: [&[u8]; 3] = [&[key_index], &amount.0.to_be_bytes(), &terminal.0];
    with_answer([0x80, 0x50, 0x00, kind.number()], &data, 16)
}

/// CREDIT FOR LOAD: the card takes the money where MAC2 is right.
pub fn credit_for_load(when: PurseTime, mac2: PurseCode) -> Vec<u8> {
    with_answer([0x80, 0x52, 0x00, 0x00], &[&when.to_bytes(), &mac2.0], 4)
}

/// GET TRANSACTION PROVE: what the card answered to the transaction of this number, if it is the latest of its kind.
pub fn get_transaction_prove(kind: PurseKind, sequence: u16) -> Vec<u8> {
    with_answer([0x80, 0x5a, 0x00, kind.number()], &[&sequence.to_be_bytes()], 8)
}

/// GET CHALLENGE of 4 or 8 bytes.
pub fn get_challenge(length: u8) -> Vec<u8> {
    [0x00, 0x84, 0x00, 0x00, length].to_vec()
}

/// VERIFY of the card's own PIN. The bytes are a secret: whoever sends them zeroises them.
pub fn verify_pin(pin: &[u8]) -> Vec<u8> {
    without_answer([0x00, 0x20, 0x00, 0x00], &[pin])
}

/// EXTERNAL AUTHENTICATE: what a challenge becomes under this key of the card.
pub fn external_authenticate(key: u8, answer: [u8; 8]) -> Vec<u8> {
    without_answer([0x00, 0x82, 0x00, key], &[&answer])
}

/// UPDATE BINARY with secure messaging; `mac` is over [`update_binary_secure_header`] and the data.
pub fn update_binary_secure(file: u8, offset: u8, data: &[u8], mac: PurseCode) -> Vec<u8> {
    let [class, instruction, p1, p2, _] = update_binary_secure_header(file, offset, data.len());
    without_answer([class, instruction, p1, p2], &[data, &mac.0])
}

/// CLA INS P1 P2 Lc of UPDATE BINARY with secure messaging. Lc counts the MAC.
pub fn update_binary_secure_header(file: u8, offset: u8, data_length: usize) -> [u8; 5] {
    [0x04, 0xd6, by_short_identifier(file), offset, length_byte(data_length.saturating_add(4))]
}

/// INITIALIZE FOR PURCHASE.
pub fn initialize_for_purchase(key_index: u8, amount: Fen, terminal: TerminalId, kind: PurseKind) -> Vec<u8> {
    let data: [&[u8]; 3] = [&[key_index], &amount.0.to_be_bytes(), &terminal.0];
    with_answer([0x80, 0x50, 0x01, kind.number()], &data, 15)
}

/// DEBIT FOR PURCHASE.
pub fn debit_for_purchase(terminal_sequence: [u8; 4], when: PurseTime, mac1: PurseCode) -> Vec<u8> {
    with_answer([0x80, 0x54, 0x01, 0x00], &[&terminal_sequence, &when.to_bytes(), &mac1.0], 8)
}

/// GET RESPONSE: what waits in the card after `61xx`.
pub fn get_response(length: u8) -> Vec<u8> {
    [0x00, 0xc0, 0x00, 0x00, length].to_vec()
}

const SHORT_IDENTIFIER: u8 = 0x1f;

/// P1 that names a file by its short identifier.
fn by_short_identifier(file: u8) -> u8 {
    0x80 | file & SHORT_IDENTIFIER
}

/// Lc. No command of this protocol has more data than it can say.
fn length_byte(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}

fn without_answer(head: [u8; 4], data: &[&[u8]]) -> Vec<u8> {
    let length = length_byte(data.iter().map(|part| part.len()).sum());
    // Room for Le too: a buffer that grew would leave a PIN behind where it was.
    let mut apdu = Vec::with_capacity(6 + usize::from(length));
    apdu.extend_from_slice(&head);
    apdu.push(length);
    apdu.extend(data.iter().copied().flatten().take(length.into()));
    apdu
}

fn with_answer(head: [u8; 4], data: &[&[u8]], expected: u8) -> Vec<u8> {
    let mut apdu = without_answer(head, data);
    apdu.push(expected);
    apdu
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);
    const WHEN: PurseTime = PurseTime::from_bytes([0x20, 0x14, 0x08, 0x25, 0x10, 0x31, 0x00]);

    #[test]
    fn every_command_is_the_standards() {
        let kind = PurseKind::PurseLoad;
        for (apdu, written) in [
            (select_by_name(b"1PAY.SYS.DDF01"), "00a404000e315041592e5359532e444446303100"),
            (read_binary(0x15, 0, 30), "00b095001e"),
            (read_record(1, 0x18, 23), "00b201c417"),
            (get_balance(kind), "805c000204"),
            (initialize_for_load(1, Fen(0x1c37), TERMINAL, kind), "805000020b0100001c3700000100005010"),
            (credit_for_load(WHEN, PurseCode([6, 0x41, 0xdc, 0xd8])), "805200000b201408251031000641dcd804"),
            (get_transaction_prove(kind, 0x1234), "805a000202123408"),
            (get_challenge(4), "0084000004"),
            (verify_pin(&[0x12, 0x34, 0x5f]), "002000000312345f"),
            (
                external_authenticate(0, [0xcb, 0x16, 0x93, 0x33, 0x9a, 0x34, 0x23, 0x36]),
                "0082000008cb1693339a342336",
            ),
            (
                update_binary_secure(0x15, 20, &[1, 2, 3, 4, 5, 6, 7, 8], PurseCode([9, 8, 7, 6])),
                "04d695140c010203040506070809080706",
            ),
            (
                initialize_for_purchase(1, Fen(200), TERMINAL, PurseKind::PursePurchase),
                "805001060b01000000c80000010000500f",
            ),
            (
                debit_for_purchase([0, 0, 1, 0x23], WHEN, PurseCode([1, 2, 3, 4])),
                "805401000f00000123201408251031000102030408",
            ),
            (get_response(0x10), "00c0000010"),
        ] {
            assert_eq!(hex::encode(apdu), written);
        }
    }

    #[test]
    fn the_code_of_secure_messaging_is_over_the_head_that_is_sent() {
        let sent = update_binary_secure(0x15, 20, &[0; 8], PurseCode([0; 4]));
        assert_eq!(update_binary_secure_header(0x15, 20, 8), sent[..5]);
    }

    #[test]
    fn no_length_of_data_panics() {
        for length in [0, 1, 255, 256, 70_000] {
            let apdu = select_by_name(&alloc::vec![7; length]);
            assert_eq!(apdu.len(), 6 + length.min(255));
            update_binary_secure(0xff, 0xff, &alloc::vec![7; length], PurseCode([0; 4]));
        }
    }

    #[test]
    fn fewer_bytes_than_a_status_word_are_a_card_that_is_gone() {
        for gone in [&[][..], &[0x90]] {
            assert_eq!(CardAnswer::from_bytes(gone), CardAnswer::Gone);
        }
        let answer = CardAnswer::from_bytes(&[1, 2, 0x90, 0x00]);
        assert_eq!((answer.data(), answer.status()), (&[1, 2][..], Some(StatusWord::DONE)));
        assert_eq!(answer.to_bytes(), [1, 2, 0x90, 0x00]);
        assert_eq!((CardAnswer::Gone.data(), CardAnswer::Gone.status()), (&[][..], None));
    }

    #[test]
    fn a_status_word_says_what_it_means_and_how_many_tries_are_left() {
        assert_eq!(StatusWord::PROOF_NOT_AVAILABLE.meaning(), "the proof is not available");
        assert_eq!(StatusWord(0x1234).meaning(), "not known to JR/T 0025");
        assert_eq!(StatusWord(0x63c2).tries_left(), Some(2));
        assert_eq!(StatusWord(0x63d2).tries_left(), None);
        assert_eq!(alloc::format!("{:?}", StatusWord(0x6a83)), "6A83");
    }
}
