//! `vectors/tap.json`: an enrolment, working keys, a PIN block, the four transactions and a load that is torn on
//! either side of its credit, with every message, command and envelope, so that others can check theirs.
//!
//! Driver, application, wallet card and envelopes are the production code; the bank is played here, with the
//! functions of `crypto` that its key store calls. Keys, nonces and random numbers are fixed, as they never are
//! outside of a vector. Where this test fails it says where the file lies that this code makes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod bank;
mod published;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use bank::Bank;
use crypto::{
    ActivationSecret, Direction, MessageKey, Pin, PinBlock, PinKey, PurseKey, PurseKind, PurseMasterKey,
    TerminalMasterKey, TerminalRootKey, TerminalSuite,
};
use model::{Asn, Fen, IndustryCode, OnlineCounter, TerminalId};
use published::{CardVector, Enrolment, Line, PinVector, Suite, Told, Vectors, Working};
use tap::application::{Application, Step};
use tap::card::{WalletCard, WalletImage, WalletKeys};
use tap::pack::{DriverPack, Names, ProofNumber};
use tap::{Driver, Header, Message, Opening, Outcome, SmsAnswer, SmsCode};

const FILE: &str = include_str!("../../../../vectors/tap.json");

const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);
const KEY_ID: u32 = 7;
const ISSUER: [u8; 8] = [0x10, 0x00, 0x75, 0x01, 0x01, 0, 0, 0];
const AID: [u8; 9] = [0xa0, 0, 0, 0, 3, 0x86, 0x98, 7, 1];
const AMOUNT: Fen = Fen(5_000);
const SMS: [u8; 16] = [0x5a; 16];

fn bytes<const N: usize>(digits: &str) -> [u8; N] {
    hex::decode(digits).unwrap().try_into().unwrap()
}

fn root() -> TerminalRootKey {
    TerminalRootKey::from_bytes(core::array::from_fn(|i| i as u8))
}

fn message_key(suite: TerminalSuite) -> MessageKey {
    root().working_keys(TERMINAL, KEY_ID).message_key(suite)
}

fn asn() -> Asn {
    "01011234567890123456".parse().unwrap()
}

fn industry() -> IndustryCode {
    IndustryCode::new(101).unwrap()
}

/// What `examples/industries/0101-bus.pack.toml` says.
fn pack() -> DriverPack {
    DriverPack {
        code: industry(),
        version: 1,
        names: Names { en: "Bus".into(), zh: "公交".into() },
        icon: "bus".into(),
        aid: AID.to_vec(),
        load_kind: PurseKind::PurseLoad,
        key_index: 1,
        log_file: 24,
        load_log_file: 26,
        proof_number: ProofNumber::After,
        card_pin: false,
        per_load_max: Fen(50_000),
        balance_max: Fen(100_000),
        amounts: vec![Fen(5_000)],
    }
}

struct Masters {
    load: PurseMasterKey,
    tac: PurseMasterKey,
    maintenance: PurseMasterKey,
}

const LOAD_MASTER: &str = "00112233445566778899aabbccddeeff";
const TAC_MASTER: &str = "ffeeddccbbaa99887766554433221100";
const MAINTENANCE_MASTER: &str = "0123456789abcdeffedcba9876543210";

fn masters() -> Masters {
    let key = |digits| PurseMasterKey::from_bytes(bytes(digits));
    Masters { load: key(LOAD_MASTER), tac: key(TAC_MASTER), maintenance: key(MAINTENANCE_MASTER) }
}

fn card(balance: Fen, counter: u16) -> WalletCard {
    let key = |master: PurseMasterKey| master.diversify(asn());
    let Masters { load, tac, maintenance } = masters();
    let purchase = PurseKey::from_bytes([0x50; 16]);
    let keys = WalletKeys::new(key(load), purchase, key(tac), key(maintenance));
    let mut image = WalletImage::new(&AID, asn(), keys);
    image.memory.set_issuer(ISSUER);
    image.memory.set_validity([0x20, 0x26, 0x01, 0x01], [0x20, 0x35, 0x12, 0x31]);
    image.memory.balance = balance;
    image.memory.online = OnlineCounter(counter);
    WalletCard::personalise(image)
}

fn nonce(suite: TerminalSuite, direction: Direction, sequence: u64) -> Vec<u8> {
    let mut nonce = vec![0; suite.nonce_length() - 8];
    nonce.extend_from_slice(&sequence.to_be_bytes());
    nonce[0] |= if direction == Direction::ToBank { 0xb0 } else { 0xa0 };
    nonce
}

/// Seals a text and writes the line down; and reads it back as the other end does.
fn sealed(key: &MessageKey, key_id: u32, direction: Direction, sequence: u64, text: &str) -> Line {
    let header = Header { suite: key.suite(), terminal: TERMINAL, key_id, sequence };
    let nonce = nonce(key.suite(), direction, sequence);
    let envelope = tap::envelope::seal(key, direction, &header, &nonce, text.as_bytes()).unwrap();
    let read = tap::Envelope::parse(&envelope).unwrap();
    assert_eq!(tap::envelope::open(key, direction, &read).unwrap(), text.as_bytes());
    let from = if direction == Direction::ToBank { "terminal" } else { "bank" };
    Line::Sent {
        from: from.into(),
        text: text.into(),
        sequence,
        nonce: hex::encode(nonce),
        envelope: hex::encode(envelope),
    }
}

/// When the card is torn away, on which side of CREDIT FOR LOAD.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Torn {
    No,
    BeforeCredit,
    AfterCredit,
}

/// A terminal, its card and its bank; sequences go on from one transaction to the next.
struct Desk {
    card: WalletCard,
    bank: Bank,
    sequence: u64,
    told: Vec<Told>,
}

impl Desk {
    fn run(&mut self, name: &str, opening: Opening, draws: &str, torn: Torn) -> Outcome {
        let memory = &self.card.image().memory;
        let (balance_before, counter_before) = (memory.balance.0, memory.online.0);
        let mut random: VecDeque<u8> = hex::decode(draws).unwrap().into();
        let mut lines = Vec::new();
        let opening = opening.to_text();
        lines.push(Line::Said { from: "application".into(), text: opening.clone() });
        let mut application = Application::new(Driver::new(Arc::new(pack())));
        application.open(&opening);
        let end = loop {
            match application.step() {
                Step::PresentCard => {
                    self.card.reset();
                    application.card_presented();
                }
                Step::Transmit(apdu) => {
                    let is_credit = apdu.starts_with(&[0x80, 0x52]);
                    let answer = if is_credit && torn == Torn::BeforeCredit {
                        Vec::new()
                    } else {
                        let draw = &mut |to: &mut [u8]| to.fill_with(|| random.pop_front().unwrap());
                        self.card.process(&apdu, draw).answer
                    };
                    let is_gone = is_credit && torn != Torn::No;
                    let answer = if is_gone { Vec::new() } else { answer };
                    lines.push(Line::Card {
                        command: hex::encode_upper(&apdu),
                        answer: hex::encode_upper(&answer),
                    });
                    if is_gone { application.card_gone() } else { application.answered(&answer) }
                }
                Step::Exchange { message, card: _ } => {
                    self.sequence += 1;
                    let key = message_key(TerminalSuite::Aes128Gcm);
                    lines.push(sealed(&key, KEY_ID, Direction::ToBank, self.sequence, &message));
                    let Message { industry, transaction, body } = Message::parse(&message).unwrap();
                    let body = self.bank.answer(transaction, body);
                    let answer = Message { industry, transaction, body }.to_text();
                    lines.push(sealed(&key, KEY_ID, Direction::ToTerminal, self.sequence, &answer));
                    application.received(&answer);
                }
                Step::End(text) => break text,
            }
        };
        // An end of the bank's stands in its line already.
        if !matches!(lines.last(), Some(Line::Sent { text, .. }) if *text == end) {
            lines.push(Line::Said { from: "driver".into(), text: end.clone() });
        }
        assert!(random.is_empty(), "the card draws no more than that");
        let memory = &self.card.image().memory;
        self.told.push(Told {
            name: name.into(),
            balance_before,
            counter_before,
            card_draws: draws.into(),
            lines,
            balance_after: memory.balance.0,
            counter_after: memory.online.0,
        });
        tap::Report::read(&end).unwrap().outcome().unwrap()
    }
}

const PIN: &str = "246810";
const PIN_RANDOM: [u8; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

fn pin_block() -> PinBlock {
    let pin: Pin = PIN.parse().unwrap();
    root().working_keys(TERMINAL, KEY_ID).pin_key().format4(&pin, asn(), PIN_RANDOM)
}

fn load() -> Opening {
    let sms = SmsAnswer { reference: SMS, code: SmsCode::new(*b"493817").unwrap() };
    Opening::load(industry(), TERMINAL, asn(), AMOUNT, sms, pin_block())
}

fn finish() -> Opening {
    Opening::supplementary_load(industry(), TERMINAL).of_card(asn())
}

fn transactions() -> Vec<Told> {
    let mut desk = Desk { card: card(Fen(10_000), 7), bank: Bank::default(), sequence: 0, told: Vec::new() };
    let balance = Opening::balance(industry(), TERMINAL);
    assert_eq!(desk.run("balance", balance, "", Torn::No), Outcome::BalanceRead);
    let verified = Opening::verified_balance(industry(), TERMINAL);
    assert_eq!(desk.run("verified balance", verified, "d1d2d3d4", Torn::No), Outcome::BalanceRead);
    desk.bank.next();
    assert_eq!(desk.run("load", load(), "a1b2c3d4", Torn::No), Outcome::Loaded);

    desk.bank.next();
    let torn = desk.run("load, torn before the credit", load(), "b1b2b3b4", Torn::BeforeCredit);
    assert_eq!(torn, Outcome::PaidNotWritten);
    let name = "supplementary load, the card did not take it";
    assert_eq!(desk.run(name, finish(), "c1c2c3c4", Torn::No), Outcome::Loaded);

    desk.bank.next();
    let torn = desk.run("load, torn after the credit", load(), "e1e2e3e4", Torn::AfterCredit);
    assert_eq!(torn, Outcome::PaidNotWritten);
    let name = "supplementary load, the card took it";
    assert_eq!(desk.run(name, finish(), "f1f2f3f4", Torn::No), Outcome::Loaded);

    desk.bank.next();
    let mut blank = card(Fen(0), 0).image().clone();
    blank.memory.set_validity([0; 4], [0; 4]);
    desk.card = WalletCard::personalise(blank);
    let activation = Opening::activation(industry(), TERMINAL, asn(), pin_block());
    assert_eq!(desk.run("activation", activation, "11223344", Torn::No), Outcome::Activated);
    desk.told
}

fn asks(master: &TerminalMasterKey, wrapped: &str, check_value: &str) -> Vec<Line> {
    let key = master.message_key();
    let question = r#"{"ask":"working_key"}"#;
    let answer = format!(
        r#"{{"key_id":{KEY_ID},"wrapped":"{wrapped}","check_value":"{check_value}","expires_at":1795268388000,"renew_before_seconds":900,"now":1795225188000}}"#
    );
    vec![sealed(&key, 0, Direction::ToBank, 1, question), sealed(&key, 0, Direction::ToTerminal, 1, &answer)]
}

/// One message in each suite. Those that are not built are taken from the file as they stand.
fn suites(file: &Vectors) -> Vec<Suite> {
    let text = Opening::balance(industry(), TERMINAL).to_text();
    let suite = |suite: TerminalSuite| {
        let line = sealed(&message_key(suite), KEY_ID, Direction::ToBank, 9, &text);
        let Line::Sent { nonce, envelope, text, .. } = line else { panic!("{line:?}") };
        Suite { suite: suite.number(), nonce, text, envelope }
    };
    let taken = |suite: TerminalSuite| {
        let Suite { suite, nonce, text, envelope } =
            file.suites.iter().find(|found| found.suite == suite.number()).unwrap();
        Suite { suite: *suite, nonce: nonce.clone(), text: text.clone(), envelope: envelope.clone() }
    };
    TerminalSuite::ALL.into_iter().map(|one| if one.is_built() { suite(one) } else { taken(one) }).collect()
}

fn made(file: &Vectors) -> Vectors {
    let secret = ActivationSecret::from_bytes(core::array::from_fn(|i| 16 + i as u8));
    let master = root().master_key(TERMINAL, 1);
    let working = root().working_keys(TERMINAL, KEY_ID);
    let wrapped = hex::encode(master.wrapping().wrap_keys(&working).unwrap().0);
    let check_value = working.check_value().to_string();
    let key = |key: &PurseKey| hex::encode(key.expose_to_key_store());
    let Masters { load, tac, maintenance } = masters();
    // These leave `crypto` in no other way: made by another library, and what comes of them is compared below.
    let (wrapping, message) = ("7f63d24cbb17f21965847024588f4121", "20e3f16a0e25bce77687fb53492b93f5");
    let (mac, pin) = ("e002f5bf9a1f62625e6098b5f42fbb50", "f9a4d6e787a935e4aec78db742c3498d");
    Vectors {
        about: "Fixed keys, nonces and random numbers: see docs/protocol/tap.md, section 12. A message is text; \
                all else is hexadecimal, but amounts in fen, counters and sequences. An empty answer of a card \
                is a card that is gone."
            .into(),
        terminal: TERMINAL.to_string(),
        terminal_root: hex::encode(root().expose_to_key_store()),
        enrolment: Enrolment {
            code: secret.to_string(),
            secret: hex::encode(core::array::from_fn::<u8, 16, _>(|i| 16 + i as u8)),
            claim: hex::encode(secret.claim()),
            master_version: 1,
            master: hex::encode(master.expose_to_key_store()),
            master_check_value: master.check_value().to_string(),
            wrapped_master: hex::encode(secret.wrap(TERMINAL, &master).unwrap().0),
        },
        asks: asks(&master, &wrapped, &check_value),
        working_keys: Working {
            key_id: KEY_ID,
            wrapping: wrapping.into(),
            master_message_check_value: master.message_key().check_value().to_string(),
            message: message.into(),
            mac: mac.into(),
            pin: pin.into(),
            wrapped,
            check_value,
        },
        pin: PinVector {
            digits: PIN.into(),
            asn: asn().to_string(),
            random: hex::encode(PIN_RANDOM),
            block: hex::encode(pin_block().0),
        },
        card: CardVector {
            asn: asn().to_string(),
            issuer: hex::encode(ISSUER),
            aid: hex::encode(AID),
            load_master: LOAD_MASTER.into(),
            load: key(&load.diversify(asn())),
            tac_master: TAC_MASTER.into(),
            tac: key(&tac.diversify(asn())),
            maintenance_master: MAINTENANCE_MASTER.into(),
            maintenance: key(&maintenance.diversify(asn())),
        },
        suites: suites(file),
        transactions: transactions(),
    }
}

#[test]
fn the_published_vectors_are_what_this_code_makes() {
    let file: Vectors = serde_json::from_str(FILE).unwrap();
    let made = made(&file);
    let text = serde_json::to_string_pretty(&made).unwrap() + "\n";
    let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tap.json");
    std::fs::write(&beside, &text).unwrap();
    let told =
        |vectors: &Vectors| vectors.transactions.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    assert_eq!(told(&made), told(&file));
    for (made, published) in made.transactions.iter().zip(&file.transactions) {
        assert_eq!(made, published, "what this code makes: {}", beside.display());
    }
    assert!(made == file, "what this code makes: {}", beside.display());
    assert_eq!(text, FILE, "in one form only");
}

#[test]
fn keys_that_leave_crypto_wrapped_only_are_the_published_ones() {
    let file: Vectors = serde_json::from_str(FILE).unwrap();
    let keys = &file.working_keys;
    let wrapped = crypto::WrappedWorkingKeys(bytes(&keys.wrapped));
    let unwrapped = crypto::WrappingKey::from_bytes(bytes(&keys.wrapping)).unwrap_keys(&wrapped).unwrap();
    assert_eq!(unwrapped.check_value().to_string(), keys.check_value);
    let block = PinKey::from_bytes(bytes(&keys.pin)).format4(&PIN.parse().unwrap(), asn(), PIN_RANDOM);
    assert_eq!(block, PinBlock(bytes(&file.pin.block)));
    let secret: ActivationSecret = file.enrolment.code.parse().unwrap();
    let master = crypto::WrappedTerminalMaster(bytes(&file.enrolment.wrapped_master));
    let master = secret.unwrap(TERMINAL, &master).unwrap();
    assert!(master == TerminalMasterKey::from_bytes(bytes(&file.enrolment.master)));
}

#[test]
fn a_load_in_the_vectors_moves_the_money_once_wherever_it_was_torn() {
    let file: Vectors = serde_json::from_str(FILE).unwrap();
    let told = |name: &str| file.transactions.iter().find(|told| told.name == name).unwrap();
    let moved =
        |told: &Told| (told.balance_after - told.balance_before, told.counter_after - told.counter_before);
    assert_eq!(moved(told("load")), (AMOUNT.0, 1));
    for (torn, rescue, first, second) in [
        ("load, torn before the credit", "supplementary load, the card did not take it", 0, AMOUNT.0),
        ("load, torn after the credit", "supplementary load, the card took it", AMOUNT.0, 0),
    ] {
        assert_eq!((moved(told(torn)).0, moved(told(rescue)).0), (first, second), "{torn}");
    }
}
