//! A purchase terminal: it spends what a wallet card holds.
//!
//! For: changing a balance between a load and its rescue, and seeing that a loaded purse buys. It stands in
//! for a gate on a bus with its security module. Refuses: keeping what it took; it settles with nobody.

use crypto::{PurchaseReceipt, PurchaseRequest, PurseCode, PurseKey, PurseKind, PurseMasterKey};
use model::{Asn, Fen, PurseTime, TerminalId};
use tap::apdu::{self, CardAnswer, StatusWord};
use tap::message::PublicData;
use tap::reader::{Reader, ReaderError};

use super::BuyError;

/// What was bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// With which card.
    pub asn: Asn,
    /// What it held before.
    pub balance_before: Fen,
    /// The card's purchase counter before.
    pub counter: u16,
    /// For whom the card's issuer pays.
    pub receipt: PurchaseReceipt,
    /// The card's TAC over it.
    pub tac: PurseCode,
    /// The card's MAC2, checked.
    pub code: PurseCode,
}

/// Whence a terminal has the purchase key of a card.
#[derive(Clone, Debug)]
enum Keys {
    Master(PurseMasterKey),
    Card(PurseKey),
}

/// A purchase terminal.
#[derive(Clone, Debug)]
pub struct PurchaseTerminal {
    keys: Keys,
    aid: Vec<u8>,
    terminal: TerminalId,
    sequence: u32,
}

impl PurchaseTerminal {
    /// A terminal of this number with the purchase master key, for purses of this name.
    pub fn new(master: PurseMasterKey, aid: &[u8], terminal: TerminalId) -> Self {
        Self { keys: Keys::Master(master), aid: aid.to_vec(), terminal, sequence: 0 }
    }

    /// A terminal that knows the purchase key of one card alone: for demonstrations, where nobody has the master
    /// key and the card's own stands in its file.
    pub fn of_card(key: PurseKey, aid: &[u8], terminal: TerminalId) -> Self {
        Self { keys: Keys::Card(key), aid: aid.to_vec(), terminal, sequence: 0 }
    }

    /// Connects the card in the field and buys.
    pub fn buy(
        &mut self,
        reader: &mut dyn Reader,
        amount: Fen,
        when: PurseTime,
    ) -> Result<Purchase, BuyError> {
        reader.connect()?;
        let bought = self.buy_connected(reader, amount, when);
        reader.disconnect();
        bought
    }

    fn buy_connected(
        &mut self,
        reader: &mut dyn Reader,
        amount: Fen,
        when: PurseTime,
    ) -> Result<Purchase, BuyError> {
        ask(reader, "SELECT", &apdu::select_by_name(&self.aid))?;
        let public = ask(reader, "READ BINARY", &apdu::read_binary(0x15, 0, 30))?;
        let public: [u8; 30] = public.try_into().map_err(|_| BuyError::Malformed("READ BINARY"))?;
        let asn = PublicData::parse(&public).map_err(|_| BuyError::Malformed("READ BINARY"))?.asn;
        let key = match &self.keys {
            Keys::Master(master) => master.diversify(asn),
            Keys::Card(key) => key.clone(),
        };

        // P2 names the purse, as it does for a load; the purchase's own type is in its codes.
        let initialize = apdu::initialize_for_purchase(1, amount, self.terminal, PurseKind::PurseLoad);
        let opened = ask(reader, "INITIALIZE FOR PURCHASE", &initialize)?;
        let opened: [u8; 15] =
            opened.try_into().map_err(|_| BuyError::Malformed("INITIALIZE FOR PURCHASE"))?;
        let [b0, b1, b2, b3, c0, c1, _, _, _, _, _, random @ ..] = opened;
        let (balance_before, counter) =
            (Fen(u32::from_be_bytes([b0, b1, b2, b3])), u16::from_be_bytes([c0, c1]));

        self.sequence = self.sequence.wrapping_add(1);
        let (terminal, terminal_sequence) = (self.terminal, self.sequence.to_be_bytes());
        let [_, _, low @ ..] = terminal_sequence;
        let session = key.purchase_session(random, counter, low);
        let kind = PurseKind::PursePurchase;
        let mac1 = session.purchase_mac1(&PurchaseRequest { amount, kind, terminal, when });
        let debit = apdu::debit_for_purchase(terminal_sequence, when, mac1);
        let paid = ask(reader, "DEBIT FOR PURCHASE", &debit)?;
        let [t0, t1, t2, t3, code @ ..]: [u8; 8] =
            paid.try_into().map_err(|_| BuyError::Malformed("DEBIT FOR PURCHASE"))?;
        let (tac, code) = (PurseCode([t0, t1, t2, t3]), PurseCode(code));
        if session.purchase_mac2(amount) != code {
            return Err(BuyError::WrongCode);
        }
        let receipt = PurchaseReceipt { amount, kind, terminal, terminal_sequence, when };
        Ok(Purchase { asn, balance_before, counter, receipt, tac, code })
    }
}

fn ask(reader: &mut dyn Reader, command: &'static str, apdu: &[u8]) -> Result<Vec<u8>, BuyError> {
    match CardAnswer::from_bytes(&reader.transmit(apdu)?) {
        CardAnswer::Gone => Err(BuyError::Reader(ReaderError::CardGone)),
        CardAnswer::Said { data, status: StatusWord::DONE } => Ok(data),
        CardAnswer::Said { data: _, status } => Err(BuyError::Refused { command, status }),
    }
}
