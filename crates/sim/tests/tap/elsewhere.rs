//! What happens to a card where this bank does not look: it pays, and whoever has its keys loads it.

use std::time::Duration;

use crypto::{LoadOrder, PurchaseRequest, PurseKind};
use model::{Fen, PurseTime, TerminalId, UnixMillis};
use sim::wallet::{Field, SoftReader, SoftWallet};
use tap::InitializeAnswer;
use tap::apdu::{self, CardAnswer, StatusWord};
use tap::reader::Reader as _;

const GATE: TerminalId = TerminalId([0, 0, 9, 0, 0, 1]);
const INDEX: u8 = 1;

/// A card in the field of its own reader, SELECTed.
pub(crate) fn connect(wallet: &SoftWallet) -> SoftReader {
    let field = Field::new();
    field.hold(wallet);
    let mut reader = SoftReader::new(field, Duration::ZERO);
    reader.connect().unwrap();
    let (_, status) = say(&mut reader, &apdu::select_by_name(&wallet.image().aid));
    assert_eq!(status, StatusWord::DONE);
    reader
}

/// One command to a card that stays.
pub(crate) fn say(reader: &mut SoftReader, apdu: &[u8]) -> (Vec<u8>, StatusWord) {
    match CardAnswer::from_bytes(&reader.transmit(apdu).unwrap()) {
        CardAnswer::Said { data, status } => (data, status),
        CardAnswer::Gone => panic!("the card is gone"),
    }
}

/// Pays at a gate; what the purse does not hold it does not pay, and neither does a card not activated.
pub(crate) fn spend(wallet: &SoftWallet, amount: Fen, now: UnixMillis) -> Fen {
    let mut reader = connect(wallet);
    let kind = PurseKind::PurseLoad;
    let (opened, status) = say(&mut reader, &apdu::initialize_for_purchase(INDEX, amount, GATE, kind));
    if status != StatusWord::DONE {
        return Fen(0);
    }
    let counter = u16::from_be_bytes([opened[4], opened[5]]);
    let random = opened[11..15].try_into().unwrap();
    let key = wallet.image().keys.sets[0].purchase.clone();
    let when = PurseTime::at(now);
    let request = PurchaseRequest { amount, kind: PurseKind::PursePurchase, terminal: GATE, when };
    let mac1 = key.purchase_session(random, counter, [0, 1]).purchase_mac1(&request);
    let (_, status) = say(&mut reader, &apdu::debit_for_purchase([0, 0, 0, 1], when, mac1));
    assert_eq!(status, StatusWord::DONE);
    amount
}

/// Loads the card without this bank: its counter goes on, and no TAC of it was made for an order of ours.
pub(crate) fn load_elsewhere(wallet: &SoftWallet, amount: Fen, now: UnixMillis) {
    let mut reader = connect(wallet);
    let kind = PurseKind::PurseLoad;
    let (answer, status) = say(&mut reader, &apdu::initialize_for_load(INDEX, amount, GATE, kind));
    assert_eq!(status, StatusWord::DONE);
    let answer = InitializeAnswer::parse(&answer.try_into().unwrap());
    let when = PurseTime::at(now);
    let session = wallet.image().keys.sets[0].load.load_session(answer.random, answer.counter);
    let mac2 = session.load_mac2(&LoadOrder { amount, kind, terminal: GATE, when });
    let (_, status) = say(&mut reader, &apdu::credit_for_load(when, mac2));
    assert_eq!(status, StatusWord::DONE);
}
