//! What the card is asked before the bank is: from SELECT to what `card` must say, or to a balance's end.

use alloc::boxed::Box;
use alloc::vec::Vec;

use model::Fen;

use super::case::Case;
use super::exchange::{Exchange, Heard, Said};
use crate::Outcome;
use crate::apdu::{self, StatusWord};
use crate::message::{CardReading, End, InitializeAnswer, LogRecord, PublicData, Transaction};
use crate::pack::DriverPack;

/// File 0015 has at least so many bytes; `card` carries the first of them.
const PUBLIC_DATA_LENGTH: u8 = 30;
const PUBLIC_DATA_FILE: u8 = 0x15;
/// The newest records that a balance shows.
const RECORDS_MAX: u8 = 10;
const CHALLENGE_LENGTH: u8 = 4;
/// INITIALIZE FOR LOAD over this proves a balance; nothing is written on the card.
const PROVING_AMOUNT: Fen = Fen(1);

/// A command before `card`, on its way.
pub(super) struct Reading {
    exchange: Exchange,
    asked: Asked,
}

enum Asked {
    Select,
    PublicData,
    Balance(Box<Known>),
    Record { known: Box<Known>, balance: Fen, records: Vec<LogRecord> },
    CardPin(Box<Known>),
    Initialize(Box<Known>),
    Challenge(Box<Known>),
}

/// File 0015 of the card in the field.
struct Known {
    bytes: [u8; PUBLIC_DATA_LENGTH as usize],
    data: PublicData,
}

pub(super) enum Turn {
    /// The card is asked more.
    Ask(Reading),
    /// The bank is told.
    Tell(CardReading),
    /// It ends here; nothing was sent.
    End(End),
}

impl Reading {
    /// Every transaction in the field begins so.
    pub(super) fn begin(pack: &DriverPack) -> Self {
        Self { exchange: Exchange::new(apdu::select_by_name(&pack.aid)), asked: Asked::Select }
    }

    /// The bytes to send now.
    pub(super) fn sent(&self) -> Vec<u8> {
        self.exchange.sent()
    }

    /// The card's answer to what it was asked.
    pub(super) fn answered(mut self, pack: &DriverPack, case: &Case, answer: &[u8]) -> Turn {
        let said = match self.exchange.heard(answer) {
            Heard::FollowUp => return Turn::Ask(self),
            Heard::Gone => return Turn::End(case.end_without_word(Outcome::CardGone)),
            Heard::Said(said) => said,
        };
        match self.asked {
            Asked::Select => selected(case, &said),
            Asked::PublicData => known(pack, case, &said),
            Asked::Balance(known) => balance(pack, known, &said),
            Asked::Record { known, balance, records } => record(pack, known, balance, records, &said),
            Asked::CardPin(known) => card_pin(pack, case, known, said.status),
            Asked::Initialize(known) => initialized(pack, case, &known, &said),
            Asked::Challenge(known) => challenge(pack, case, &known, &said),
        }
    }
}

fn ask(apdu: Vec<u8>, asked: Asked) -> Turn {
    Turn::Ask(Reading { exchange: Exchange::new(apdu), asked })
}

/// Ends about the card that is in the field.
fn end_of(known: &Known, outcome: Outcome) -> Turn {
    let mut end = End::of(outcome);
    end.asn = Some(known.data.asn);
    Turn::End(end)
}

fn selected(case: &Case, said: &Said) -> Turn {
    match said.status {
        StatusWord::DONE => {
            ask(apdu::read_binary(PUBLIC_DATA_FILE, 0, PUBLIC_DATA_LENGTH), Asked::PublicData)
        }
        StatusWord(0x6a82 | 0x6a87 | 0x6a88 | 0x6999 | 0x6d00 | 0x6e00) => {
            Turn::End(case.end_without_word(Outcome::NotAWallet))
        }
        status => Turn::End(case.end_without_word(refusal(status))),
    }
}

fn known(pack: &DriverPack, case: &Case, said: &Said) -> Turn {
    let end = |outcome| Turn::End(case.end_without_word(outcome));
    match said.status {
        StatusWord::DONE => {}
        StatusWord(0x6a82 | 0x6a83) => return end(Outcome::NotAWallet),
        status => return end(refusal(status)),
    }
    let Some(known) = Known::read(&said.data).map(Box::new) else {
        return end(Outcome::Malformed);
    };
    if case.opening.asn.is_some_and(|asn| asn != known.data.asn) {
        return end_of(&known, Outcome::AnotherCard);
    }
    let card_pin = case.opening.card_pin.as_ref().filter(|_| pack.card_pin);
    match (case.transaction, card_pin) {
        (Transaction::Balance, _) if !case.opening.verified => {
            ask(apdu::get_balance(pack.load_kind), Asked::Balance(known))
        }
        (Transaction::Balance | Transaction::Load | Transaction::SupplementaryLoad, Some(pin)) => {
            ask(apdu::verify_pin(pin.as_bytes()), Asked::CardPin(known))
        }
        (Transaction::Balance | Transaction::Load | Transaction::SupplementaryLoad, None) => {
            after_card_pin(pack, case, known)
        }
        (Transaction::Activation, _) => ask(apdu::get_challenge(CHALLENGE_LENGTH), Asked::Challenge(known)),
    }
}

fn balance(pack: &DriverPack, known: Box<Known>, said: &Said) -> Turn {
    match (said.status, said.data.first_chunk::<4>()) {
        (StatusWord::DONE, Some(bytes)) if said.data.len() == 4 => {
            let balance = Fen(u32::from_be_bytes(*bytes));
            next_record(pack, known, balance, Vec::new(), 1)
        }
        (StatusWord::DONE, Some(_) | None) => end_of(&known, Outcome::Malformed),
        (status, _) => end_of(&known, refusal(status)),
    }
}

fn next_record(
    pack: &DriverPack,
    known: Box<Known>,
    balance: Fen,
    records: Vec<LogRecord>,
    number: u8,
) -> Turn {
    let apdu = apdu::read_record(number, pack.log_file, LogRecord::LENGTH as u8);
    ask(apdu, Asked::Record { known, balance, records })
}

/// The balance is what was asked for: a log that cannot be read, or holds something else, only ends the records.
fn record(
    pack: &DriverPack,
    known: Box<Known>,
    balance: Fen,
    mut records: Vec<LogRecord>,
    said: &Said,
) -> Turn {
    let record = if said.status == StatusWord::DONE { LogRecord::parse(&said.data).ok() } else { None };
    let ended = record.is_none();
    records.extend(record);
    let next = u8::try_from(records.len()).unwrap_or(RECORDS_MAX).saturating_add(1);
    if !ended && next <= RECORDS_MAX {
        return next_record(pack, known, balance, records, next);
    }
    let mut end = End::of(Outcome::BalanceRead);
    end.asn = Some(known.data.asn);
    end.balance = Some(balance);
    end.records = records;
    Turn::End(end)
}

fn card_pin(pack: &DriverPack, case: &Case, known: Box<Known>, status: StatusWord) -> Turn {
    match status {
        StatusWord::DONE => after_card_pin(pack, case, known),
        StatusWord(0x63c1..=0x63cf) => {
            let mut end = End::of(Outcome::CardPinWrong);
            end.asn = Some(known.data.asn);
            end.tries_left = Some((status.0 & 0x0f) as u8);
            Turn::End(end)
        }
        StatusWord(0x63c0 | 0x6983) => end_of(&known, Outcome::CardPinBlocked),
        status => end_of(&known, refusal(status)),
    }
}

fn after_card_pin(pack: &DriverPack, case: &Case, known: Box<Known>) -> Turn {
    match case.transaction {
        Transaction::Balance | Transaction::Load => {
            let apdu = apdu::initialize_for_load(
                pack.key_index,
                amount(case),
                case.opening.terminal,
                pack.load_kind,
            );
            ask(apdu, Asked::Initialize(known))
        }
        // The bank's list asks for the proofs first, and initializes after them.
        Transaction::SupplementaryLoad | Transaction::Activation => Turn::Tell(tell(pack, case, &known)),
    }
}

/// What INITIALIZE is over. An opening of a load without an amount was refused.
fn amount(case: &Case) -> Fen {
    case.opening.amount.filter(|_| case.transaction == Transaction::Load).unwrap_or(PROVING_AMOUNT)
}

fn initialized(pack: &DriverPack, case: &Case, known: &Known, said: &Said) -> Turn {
    match said.status {
        StatusWord::DONE => {}
        StatusWord(0x6985 | 0x6901) if !known.data.is_activated() => {
            return end_of(known, Outcome::NotActivated);
        }
        StatusWord(0x9402) => return end_of(known, Outcome::CounterEnd),
        status => return end_of(known, refusal(status)),
    }
    let answer = <[u8; 16]>::try_from(said.data.as_slice());
    let Ok(answer) = answer.map(|bytes| InitializeAnswer::parse(&bytes)) else {
        return end_of(known, Outcome::Malformed);
    };
    let amount = amount(case);
    if case.transaction == Transaction::Load && !pack.leaves_room(answer.balance, amount) {
        return end_of(known, Outcome::BalanceOverLimit);
    }
    let mut card = tell(pack, case, known);
    card.amount = Some(amount);
    card.initialized = Some(answer);
    Turn::Tell(card)
}

fn challenge(pack: &DriverPack, case: &Case, known: &Known, said: &Said) -> Turn {
    match (said.status, <[u8; CHALLENGE_LENGTH as usize]>::try_from(said.data.as_slice())) {
        (StatusWord::DONE, Ok(challenge)) => {
            let mut card = tell(pack, case, known);
            card.challenge = Some(challenge);
            Turn::Tell(card)
        }
        (StatusWord::DONE, Err(_)) => end_of(known, Outcome::Malformed),
        (status, _) => end_of(known, refusal(status)),
    }
}

fn tell(pack: &DriverPack, case: &Case, known: &Known) -> CardReading {
    CardReading {
        authorization: case.authorization,
        asn: known.data.asn,
        public_data: known.bytes,
        amount: None,
        terminal: case.opening.terminal,
        initialized: None,
        challenge: None,
        pack_version: pack.version,
    }
}

/// What a status word says that has no meaning of its own where it came.
fn refusal(status: StatusWord) -> Outcome {
    match status.0 {
        0x6283 | 0x9303 | 0x6a81 => Outcome::CardLocked,
        _ => Outcome::CardRefused,
    }
}

impl Known {
    fn read(file: &[u8]) -> Option<Self> {
        let bytes = *file.first_chunk()?;
        Some(Self { data: PublicData::parse(&bytes).ok()?, bytes })
    }
}
