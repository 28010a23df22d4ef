//! Stories of wallet cards in software: their files, their field, tearing, and the virtual reader.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod file;
mod panel;
mod reader;
mod story;
mod tearing;
mod vpcd;

use std::collections::VecDeque;
use std::time::Duration;

use crypto::{LoadOrder, LoadRequest, PurseCode, PurseKind, PurseMasterKey};
use model::{Asn, Fen, OnlineCounter, PurseTime, TerminalId, UnixMillis};
use sim::wallet::{Field, PurchaseTerminal, SoftReader};
use tap::card::{StoredPin, WalletImage, WalletKeys};
use tap::reader::{Reader, ReaderError};

const AID: [u8; 9] = [0xa0, 0, 0, 0, 3, 0x86, 0x98, 7, 1];
const SELECT: &str = "00a4040009a00000000386980701";
const READ_PUBLIC: &str = "00b095001e";
const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);
const GATE: TerminalId = TerminalId([0x11, 0x22, 0x33, 0x44, 0x55, 0x66]);

fn master(byte: u8) -> PurseMasterKey {
    PurseMasterKey::from_bytes(core::array::from_fn(|place| byte.wrapping_add(place as u8)))
}

fn load_master() -> PurseMasterKey {
    master(0x10)
}

fn purchase_master() -> PurseMasterKey {
    master(0x30)
}

fn tac_master() -> PurseMasterKey {
    master(0x50)
}

fn asn(last: u8) -> Asn {
    Asn::new([0, 0, 0x10, 0, 0x75, 0x12, 0x34, 0x56, 0x78, last]).unwrap()
}

/// An activated card with 100.00 yuan, a PIN, and counters that are not zero.
fn image(last: u8) -> WalletImage {
    let asn = asn(last);
    let mut keys = WalletKeys::new(
        load_master().diversify(asn),
        purchase_master().diversify(asn),
        tac_master().diversify(asn),
        master(0x70).diversify(asn),
    );
    keys.pin = StoredPin::new(&[0x12, 0x34]);
    let mut image = WalletImage::new(&AID, asn, keys);
    image.memory.set_validity([0x20, 0x26, 1, 1], [0x20, 0x36, 0x12, 0x31]);
    image.memory.balance = Fen(10_000);
    image.memory.online = OnlineCounter(7);
    image.memory.offline = 0x12;
    image
}

fn when(minute: i64) -> PurseTime {
    PurseTime::at(UnixMillis(1_795_200_000_000 + minute * 60_000))
}

fn gate() -> PurchaseTerminal {
    PurchaseTerminal::new(purchase_master(), &AID, GATE)
}

/// Random numbers that are the same in every run.
fn counting() -> impl FnMut(&mut [u8]) + Send + 'static {
    let mut bytes: VecDeque<u8> = (1..=255).cycle().take(4096).collect();
    move |wanted| wanted.iter_mut().for_each(|byte| *byte = bytes.pop_front().unwrap())
}

fn reader(field: &Field) -> SoftReader {
    SoftReader::new(field.clone(), Duration::from_millis(50))
}

fn send(reader: &mut dyn Reader, apdu: &str) -> Result<String, ReaderError> {
    reader.transmit(&hex::decode(apdu).unwrap()).map(hex::encode)
}

/// The data of an answer that must end well.
fn ok(reader: &mut dyn Reader, apdu: &str) -> String {
    let answer = send(reader, apdu).unwrap();
    answer.strip_suffix("9000").unwrap_or_else(|| panic!("{apdu} -> {answer}")).to_owned()
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

fn initialize(amount: Fen) -> String {
    format!("805000020b01{:08x}{TERMINAL}10", amount.0)
}

/// What a bank reads from an answer to INITIALIZE FOR LOAD, its MAC1 checked.
struct Opened {
    balance: Fen,
    counter: OnlineCounter,
    request: LoadRequest,
}

impl Opened {
    fn read(answer: &str, amount: Fen) -> Self {
        let balance = Fen(u32::from_be_bytes(bytes(&answer[..8])));
        let counter = OnlineCounter(u16::from_be_bytes(bytes(&answer[8..12])));
        let random = bytes(&answer[16..24]);
        let kind = PurseKind::PurseLoad;
        let request = LoadRequest { balance, amount, kind, terminal: TERMINAL, counter, random };
        let session = load_master().diversify(asn(1)).load_session(random, counter);
        assert_eq!(session.load_mac1(&request), PurseCode(bytes(&answer[24..32])));
        Self { balance, counter, request }
    }

    /// CREDIT FOR LOAD with the bank's MAC2.
    fn credit(&self, when: PurseTime) -> String {
        let LoadRequest { amount, kind, terminal, counter, random, .. } = self.request;
        let session = load_master().diversify(asn(1)).load_session(random, counter);
        let code = session.load_mac2(&LoadOrder { amount, kind, terminal, when });
        format!("805200000b{}{code}04", hex::encode(when.to_bytes()))
    }
}
