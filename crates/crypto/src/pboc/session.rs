//! The key of one load or purchase.

use model::Fen;

use super::des::single_mac;
use super::{LoadOrder, LoadRequest, PurchaseRequest, PurseCode};

secret!(
    /// The key of one load or purchase, made of a card's key, its random number and its counter. Good while
    /// the card stays in the field.
    PurseSession,
    8
);

impl PurseSession {
    fn code(&self, text: &[u8]) -> PurseCode {
        PurseCode::first_of(single_mac(&self.0, text))
    }

    /// Made by the card, compared by the bank.
    pub fn load_mac1(&self, request: &LoadRequest) -> PurseCode {
        self.code(&request.text())
    }

    /// Made by the bank, compared by the card.
    pub fn load_mac2(&self, order: &LoadOrder) -> PurseCode {
        self.code(&order.text())
    }

    /// Made by the terminal, compared by the card.
    pub fn purchase_mac1(&self, request: &PurchaseRequest) -> PurseCode {
        self.code(&request.text())
    }

    /// Made by the card, compared by the terminal.
    pub fn purchase_mac2(&self, amount: Fen) -> PurseCode {
        self.code(&amount.0.to_be_bytes())
    }
}
