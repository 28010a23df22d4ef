//! What the codes of a purchase are made over.

use model::{Fen, PurseTime, TerminalId};

use super::PurseKind;

/// What a terminal tells a card to pay: its MAC1 is over it. In a purchase the terminal proves itself first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurchaseRequest {
    /// The amount that is paid.
    pub amount: Fen,
    /// Which purse.
    pub kind: PurseKind,
    /// The terminal's number.
    pub terminal: TerminalId,
    /// The terminal's date and time.
    pub when: PurseTime,
}

impl PurchaseRequest {
    pub(super) fn text(&self) -> [u8; 18] {
        let mut text = [0; 18];
        text[..4].copy_from_slice(&self.amount.0.to_be_bytes());
        text[4] = self.kind.number();
        text[5..11].copy_from_slice(&self.terminal.0);
        text[11..].copy_from_slice(&self.when.to_bytes());
        text
    }
}

/// What a card paid: its TAC is over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurchaseReceipt {
    /// The amount that was paid.
    pub amount: Fen,
    /// Which purse.
    pub kind: PurseKind,
    /// The terminal's number.
    pub terminal: TerminalId,
    /// The terminal's sequence number.
    pub terminal_sequence: [u8; 4],
    /// The terminal's date and time.
    pub when: PurseTime,
}

impl PurchaseReceipt {
    pub(super) fn text(&self) -> [u8; 22] {
        let mut text = [0; 22];
        text[..4].copy_from_slice(&self.amount.0.to_be_bytes());
        text[4] = self.kind.number();
        text[5..11].copy_from_slice(&self.terminal.0);
        text[11..15].copy_from_slice(&self.terminal_sequence);
        text[15..].copy_from_slice(&self.when.to_bytes());
        text
    }
}
