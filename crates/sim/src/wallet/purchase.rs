//! A purchase terminal: it spends what a wallet card holds.
//!
//! For: changing a balance between a load and its rescue, and seeing that a loaded purse buys. It stands in
//! for a gate on a bus with its security module. Refuses: keeping what it took; it settles with nobody.

use crypto::{PurchaseReceipt, PurchaseRequest, PurseCode, PurseKey, PurseKind, PurseMasterKey};
use model::{Asn, Fen, PurseTime, TerminalId};
use tap::apdu::StatusWord;
use tap::reader::Reader;

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

/// A purchase terminal.
#[derive(Clone, Debug)]
pub struct PurchaseTerminal {
    master: PurseMasterKey,
    aid: Vec<u8>,
    terminal: TerminalId,
    sequence: u32,
}

impl PurchaseTerminal {
    /// A terminal of this number with the purchase master key, for purses of this name.
    pub fn new(master: PurseMasterKey, aid: &[u8], terminal: TerminalId) -> Self {
        Self { master, aid: aid.to_vec(), terminal, sequence: 0 }
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
        let mut select = vec![0x00, 0xa4, 0x04, 0x00, self.aid.len() as u8];
        select.extend_from_slice(&self.aid);
        ask(reader, "SELECT", &select)?;
        let public = ask(reader, "READ BINARY", &[0x00, 0xb0, 0x95, 0x00, 30])?;
        let asn = public.get(10..20).and_then(|bytes| Asn::new(bytes.try_into().ok()?).ok());
        let asn = asn.ok_or(BuyError::Malformed("READ BINARY"))?;
        let key: PurseKey = self.master.diversify(asn);

        let mut initialize = vec![0x80, 0x50, 0x01, 0x02, 11, 1];
        initialize.extend_from_slice(&amount.0.to_be_bytes());
        initialize.extend_from_slice(&self.terminal.0);
        initialize.push(15);
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
        let mut debit = vec![0x80, 0x54, 0x01, 0x00, 15];
        debit.extend_from_slice(&terminal_sequence);
        debit.extend_from_slice(&when.to_bytes());
        debit.extend_from_slice(&mac1.0);
        debit.push(8);
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
    let mut answer = reader.transmit(apdu)?;
    let status = answer.split_off(answer.len().saturating_sub(2));
    match status.as_slice() {
        [0x90, 0x00] => Ok(answer),
        &[high, low] => Err(BuyError::Refused { command, status: StatusWord(u16::from_be_bytes([high, low])) }),
        _ => Err(BuyError::Malformed(command)),
    }
}
