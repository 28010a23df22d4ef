//! What the codes of a load are made over.

use model::{Fen, OnlineCounter, PurseTime, TerminalId};

use super::PurseKind;

/// What a card says when it is asked to begin a load. Its MAC1 proves balance, amount, kind and terminal; counter
/// and random number make the session key, and so are proven too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadRequest {
    /// The balance before the load.
    pub balance: Fen,
    /// The amount that is to be loaded.
    pub amount: Fen,
    /// Which purse.
    pub kind: PurseKind,
    /// The terminal's number, as the card was given it.
    pub terminal: TerminalId,
    /// The card's online counter, before the load.
    pub counter: OnlineCounter,
    /// The card's random number.
    pub random: [u8; 4],
}

impl LoadRequest {
    pub(super) fn text(&self) -> [u8; 15] {
        let mut text = [0; 15];
        text[..4].copy_from_slice(&self.balance.0.to_be_bytes());
        text[4..8].copy_from_slice(&self.amount.0.to_be_bytes());
        text[8] = self.kind.number();
        text[9..].copy_from_slice(&self.terminal.0);
        text
    }
}

/// What the bank tells a card to do: MAC2 is over it, under the session key of the card's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadOrder {
    /// The amount that is loaded.
    pub amount: Fen,
    /// Which purse.
    pub kind: PurseKind,
    /// The terminal's number, as the card was given it.
    pub terminal: TerminalId,
    /// The bank's date and time; the card writes them into its log.
    pub when: PurseTime,
}

impl LoadOrder {
    pub(super) fn text(&self) -> [u8; 18] {
        let mut text = [0; 18];
        text[..4].copy_from_slice(&self.amount.0.to_be_bytes());
        text[4] = self.kind.number();
        text[5..11].copy_from_slice(&self.terminal.0);
        text[11..].copy_from_slice(&self.when.to_bytes());
        text
    }
}

/// What a card did: its TAC is over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadReceipt {
    /// The balance after the load.
    pub balance_after: Fen,
    /// The online counter before the load.
    pub counter: OnlineCounter,
    /// The amount that was loaded.
    pub amount: Fen,
    /// Which purse.
    pub kind: PurseKind,
    /// The terminal's number, as the card was given it.
    pub terminal: TerminalId,
    /// The date and time of the bank's order.
    pub when: PurseTime,
}

impl LoadReceipt {
    pub(super) fn text(&self) -> [u8; 24] {
        let mut text = [0; 24];
        text[..4].copy_from_slice(&self.balance_after.0.to_be_bytes());
        text[4..6].copy_from_slice(&self.counter.0.to_be_bytes());
        text[6..10].copy_from_slice(&self.amount.0.to_be_bytes());
        text[10] = self.kind.number();
        text[11..17].copy_from_slice(&self.terminal.0);
        text[17..].copy_from_slice(&self.when.to_bytes());
        text
    }
}
