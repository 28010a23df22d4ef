//! A MAC or TAC of a purse.

use core::fmt;

use subtle::ConstantTimeEq;

/// Four bytes that prove something about a load or a purchase. Compared in constant time. It is no secret: it
/// travels in clear between a card and its reader, and is good for one transaction.
#[derive(Clone, Copy)]
pub struct PurseCode(pub [u8; 4]);

impl PurseCode {
    pub(super) const fn first_of(mac: [u8; 8]) -> Self {
        let [a, b, c, d, ..] = mac;
        Self([a, b, c, d])
    }
}

impl PartialEq for PurseCode {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for PurseCode {}

impl fmt::Display for PurseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PurseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
