//! The ticket that a checkout form is given out with: what makes one form one purchase.
//!
//! The form itself has no hidden number, so the number travels in a cookie that each rendering of the form renews.
//! Everything that could be sent twice follows from it, so that a double click, a reload of the POST or the form
//! brought back by the browser's history ask for the same order again and never for another one.

use std::fmt;

use sha2::{Digest, Sha256};

/// The cookie's name.
pub(crate) const COOKIE: &str = "shop_ticket";

const DIGITS: usize = 32;

/// A form's number: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    number: [u8; 16],
    in_doubt: bool,
}

/// What one ticket buys of one good with one card.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Purchase {
    /// For `Idempotency-Key`.
    pub(crate) key: String,
    /// The shop's own name for the order, which may be seen by anyone who sees the order.
    pub(crate) reference: String,
}

impl Ticket {
    /// A new one.
    pub(crate) fn draw() -> Result<Self, getrandom::Error> {
        let mut number = [0; 16];
        getrandom::fill(&mut number)?;
        Ok(Self { number, in_doubt: false })
    }

    /// The one of a cookie's value.
    pub(crate) fn from_cookie(value: &str) -> Option<Self> {
        let (digits, in_doubt) = match value.strip_suffix('?') {
            Some(digits) => (digits, true),
            None => (value, false),
        };
        if digits.len() != DIGITS {
            return None;
        }
        let mut number = [0; 16];
        hex::decode_to_slice(digits, &mut number).ok()?;
        Some(Self { number, in_doubt })
    }

    /// The cookie's value.
    pub(crate) fn to_cookie(self) -> String {
        format!("{}{}", hex::encode(self.number), if self.in_doubt { "?" } else { "" })
    }

    /// Nobody knows whether its order was made: the next form goes out with the same ticket.
    pub(crate) fn in_doubt(self) -> bool {
        self.in_doubt
    }

    /// The same ticket, in doubt or not.
    pub(crate) fn with_doubt(self, in_doubt: bool) -> Self {
        Self { in_doubt, ..self }
    }

    /// The purchase that this ticket stands for. The digest keeps the reference from telling the key.
    pub(crate) fn purchase(self, good: &str, card: &str) -> Purchase {
        let mut hash = Sha256::new_with_prefix(b"counterfoil shop purchase\0");
        hash.update(self.number);
        for part in [good, card] {
            hash.update(part);
            hash.update([0]);
        }
        let digits = hex::encode(hash.finalize());
        let (key, reference) = digits.split_at(DIGITS);
        Purchase { key: format!("shop-{key}"), reference: format!("mm-{reference}") }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_brings_back_its_ticket() {
        let ticket = Ticket::draw().unwrap();
        for in_doubt in [false, true] {
            let ticket = ticket.with_doubt(in_doubt);
            assert!(Ticket::from_cookie(&ticket.to_cookie()) == Some(ticket));
        }
        for bad in ["", "?", "00", &"g".repeat(32), &"0".repeat(33), &"?".repeat(32), &"é".repeat(16)] {
            assert!(Ticket::from_cookie(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn one_ticket_one_good_and_one_card_are_one_purchase() {
        let (a, b) = (Ticket::draw().unwrap(), Ticket::draw().unwrap());
        assert_eq!(a.purchase("x", "y"), a.with_doubt(true).purchase("x", "y"));
        let others = [b.purchase("x", "y"), a.purchase("x", "z"), a.purchase("z", "y"), a.purchase("xy", "")];
        for other in others {
            assert_ne!(a.purchase("x", "y").key, other.key);
            assert_ne!(a.purchase("x", "y").reference, other.reference);
        }
    }
}
