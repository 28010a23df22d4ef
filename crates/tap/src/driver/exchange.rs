//! One command and its whole answer: fetches what waits, corrects a length, and knows a card that is gone.

use alloc::vec::Vec;

use zeroize::Zeroize;

use crate::apdu::{self, CardAnswer, StatusWord};

/// How often one command may be followed by GET RESPONSE or a corrected length. A card that wants more than
/// that would keep the driver for ever.
const FOLLOW_UPS_MAX: u8 = 8;
/// The longest answer that a message can carry, without its status word.
const DATA_MAX: usize = 256;

/// A command on its way.
pub(super) struct Exchange {
    /// What was sent last: the command, or what follows it up.
    sent: Vec<u8>,
    /// What the card gave before its last status word.
    gathered: Vec<u8>,
    follow_ups: u8,
}

/// What a card's answer means for its command.
pub(super) enum Heard {
    /// The answer is not whole: send [`Exchange::sent`].
    FollowUp,
    /// The answer.
    Said(Said),
    /// No answer, or none that a card would give.
    Gone,
}

/// A card's whole answer.
#[derive(Clone)]
pub(super) struct Said {
    pub(super) data: Vec<u8>,
    pub(super) status: StatusWord,
}

impl Exchange {
    pub(super) fn new(apdu: Vec<u8>) -> Self {
        Self { sent: apdu, gathered: Vec::new(), follow_ups: 0 }
    }

    /// The bytes to send now.
    pub(super) fn sent(&self) -> Vec<u8> {
        self.sent.clone()
    }

    /// `61xx` fetches, `6Cxx` corrects the length of what was sent last: after `61xx` that is the GET RESPONSE,
    /// so that a command that the card has done is never sent again.
    pub(super) fn heard(&mut self, answer: &[u8]) -> Heard {
        let CardAnswer::Said { data, status } = CardAnswer::from_bytes(answer) else {
            return Heard::Gone;
        };
        if self.gathered.len() + data.len() > DATA_MAX {
            return Heard::Gone;
        }
        let [class, length] = status.0.to_be_bytes();
        let follow_up = match class {
            0x61 => Some(apdu::get_response(length)),
            0x6c => with_length(&self.sent, length),
            _ => None,
        };
        match follow_up {
            Some(apdu) if self.follow_ups < FOLLOW_UPS_MAX => {
                self.gathered.extend_from_slice(&data);
                self.follow_ups += 1;
                self.sent.zeroize();
                self.sent = apdu;
                Heard::FollowUp
            }
            Some(_) | None => {
                let mut whole = core::mem::take(&mut self.gathered);
                whole.extend_from_slice(&data);
                Heard::Said(Said { data: whole, status })
            }
        }
    }
}

/// The card's own PIN may be in it.
impl Drop for Exchange {
    fn drop(&mut self) {
        self.sent.zeroize();
    }
}

/// The command with this expected length: in place of its own, or added; `None` where the bytes are no command.
fn with_length(apdu: &[u8], length: u8) -> Option<Vec<u8>> {
    let data = match apdu.len() {
        0..4 => return None,
        4 | 5 => 4,
        _ => 5 + usize::from(apdu[4]),
    };
    let mut corrected = apdu.get(..data)?.to_vec();
    corrected.push(length);
    Some(corrected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(exchange: &mut Exchange, answer: &[u8]) -> (Vec<u8>, u16) {
        match exchange.heard(answer) {
            Heard::Said(said) => (said.data, said.status.0),
            Heard::FollowUp => panic!("sends {:02x?}", exchange.sent()),
            Heard::Gone => panic!("gone"),
        }
    }

    fn follow_up(exchange: &mut Exchange, answer: &[u8]) -> Vec<u8> {
        match exchange.heard(answer) {
            Heard::FollowUp => exchange.sent(),
            Heard::Said(_) | Heard::Gone => panic!("ends"),
        }
    }

    #[test]
    fn a_length_is_corrected_whatever_the_command_looks_like() {
        for (sent, corrected) in [
            (&[0x00, 0x84, 0, 0][..], &[0x00, 0x84, 0, 0, 4][..]),
            (&[0x00, 0x84, 0, 0, 8], &[0x00, 0x84, 0, 0, 4]),
            (&[0x80, 0x5a, 0, 2, 2, 0, 7], &[0x80, 0x5a, 0, 2, 2, 0, 7, 4]),
            (&[0x80, 0x5a, 0, 2, 2, 0, 7, 8], &[0x80, 0x5a, 0, 2, 2, 0, 7, 4]),
        ] {
            assert_eq!(follow_up(&mut Exchange::new(sent.to_vec()), &[0x6c, 0x04]), corrected);
        }
    }

    #[test]
    fn what_waits_is_fetched_and_the_command_itself_never_sent_again() {
        let credit = vec_of(&[0x80, 0x52, 0, 0, 0x0b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 4]);
        let mut exchange = Exchange::new(credit);
        assert_eq!(follow_up(&mut exchange, &[0x61, 0x08]), [0, 0xc0, 0, 0, 8]);
        assert_eq!(follow_up(&mut exchange, &[0x6c, 0x04]), [0, 0xc0, 0, 0, 4]);
        assert_eq!(follow_up(&mut exchange, &[1, 2, 0x61, 0x02]), [0, 0xc0, 0, 0, 2]);
        assert_eq!(said(&mut exchange, &[3, 4, 0x90, 0x00]), (vec_of(&[1, 2, 3, 4]), 0x9000));
    }

    #[test]
    fn a_card_that_never_comes_to_an_end_is_taken_at_its_word() {
        let mut exchange = Exchange::new(vec_of(&[0, 0xb0, 0x95, 0, 0x1e]));
        for _ in 0..FOLLOW_UPS_MAX {
            follow_up(&mut exchange, &[0x61, 0x01]);
        }
        assert_eq!(said(&mut exchange, &[0x61, 0x01]), (Vec::new(), 0x6101));
    }

    #[test]
    fn less_than_a_status_word_or_more_than_a_message_holds_is_a_card_that_is_gone() {
        for length in [0, 1, 259, 400] {
            let answer = alloc::vec![0x90; length];
            assert!(matches!(Exchange::new(Vec::new()).heard(&answer), Heard::Gone), "{length}");
        }
        assert!(matches!(Exchange::new(Vec::new()).heard(&alloc::vec![0x90; 258]), Heard::Said(_)));
    }

    fn vec_of(bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }
}
