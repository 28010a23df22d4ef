//! What the holder gave, as the message that opens a driver.

use alloc::string::String;

use crypto::PinBlock;
use model::{Asn, Fen, IndustryCode, TerminalId};

use crate::message::{Body, CardPin, Message, Open, SmsAnswer, Transaction};

/// Builds an opening message. It is made by the face that asked the holder; the application hands it on as it
/// stands.
pub struct Opening {
    industry: IndustryCode,
    transaction: Transaction,
    open: Open,
}

impl Opening {
    /// What the card says of itself; the bank is not asked.
    pub fn balance(industry: IndustryCode, terminal: TerminalId) -> Self {
        Self::new(industry, Transaction::Balance, terminal)
    }

    /// A balance that the bank checks.
    pub fn verified_balance(industry: IndustryCode, terminal: TerminalId) -> Self {
        let mut opening = Self::balance(industry, terminal);
        opening.open.verified = true;
        opening
    }

    /// 充值. The PIN block is of this card, so the holder names the card first.
    pub fn load(
        industry: IndustryCode,
        terminal: TerminalId,
        asn: Asn,
        amount: Fen,
        sms: SmsAnswer,
        pin: PinBlock,
    ) -> Self {
        let mut opening = Self::new(industry, Transaction::Load, terminal).of_card(asn);
        opening.open.amount = Some(amount);
        opening.open.sms = Some(sms);
        opening.open.pin = Some(pin);
        opening
    }

    /// 补充值: finishes what is open of the card that is tapped.
    pub fn supplementary_load(industry: IndustryCode, terminal: TerminalId) -> Self {
        Self::new(industry, Transaction::SupplementaryLoad, terminal)
    }

    /// 激活.
    pub fn activation(industry: IndustryCode, terminal: TerminalId, asn: Asn, pin: PinBlock) -> Self {
        let mut opening = Self::new(industry, Transaction::Activation, terminal).of_card(asn);
        opening.open.pin = Some(pin);
        opening
    }

    /// Only this card: another ends with `another_card` before anything is sent.
    pub fn of_card(mut self, asn: Asn) -> Self {
        self.open.asn = Some(asn);
        self
    }

    /// The card's own PIN, for packs that ask for it.
    pub fn with_card_pin(mut self, pin: CardPin) -> Self {
        self.open.card_pin = Some(pin);
        self
    }

    /// The message. It holds what the holder typed: drop it once the driver has it.
    pub fn to_text(self) -> String {
        let Self { industry, transaction, open } = self;
        Message { industry, transaction, body: Body::Open(open) }.to_text()
    }

    fn new(industry: IndustryCode, transaction: Transaction, terminal: TerminalId) -> Self {
        let open =
            Open { asn: None, amount: None, terminal, sms: None, pin: None, verified: false, card_pin: None };
        Self { industry, transaction, open }
    }
}
