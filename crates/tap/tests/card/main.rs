//! The wallet card, command by command: published and computed exchanges, status words, what dies with the
//! field, and what stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod exchange;
mod purse;
mod security;
mod status_words;

use std::collections::VecDeque;

use crypto::{LoadOrder, LoadReceipt, PurseCode, PurseKey, PurseKind, PurseMasterKey};
use model::{Asn, Fen, OnlineCounter, PurseTime, TerminalId};
use tap::card::{
    ATR, Blocking, CardProfile, LOG_RECORDS, ProofNumber, PurseType, StoredPin, WalletCard, WalletImage,
    WalletKeys,
};

const AID: &str = "a00000000386980701";
const SELECT: &str = "00a4040009a00000000386980701";
const INITIALIZE: &str = "805000020b0100001388000001000050";
const WHEN: &str = "20261121093045";
const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

fn when() -> PurseTime {
    PurseTime::from_bytes(bytes(WHEN))
}

fn asn() -> Asn {
    "00001000751234567890".parse().unwrap()
}

fn master(hex: &str) -> PurseKey {
    PurseMasterKey::from_bytes(bytes(hex)).diversify(asn())
}

/// The keys of an issuer that is made up, diversified for one card.
fn keys() -> WalletKeys {
    let mut keys = WalletKeys::new(
        master("00112233445566778899aabbccddeeff"),
        master("0123456789abcdeffedcba9876543210"),
        master("ffeeddccbbaa99887766554433221100"),
        PurseKey::from_bytes(bytes("404142434445464748494a4b4c4d4e4f")),
    );
    keys.pin = StoredPin::new(&[0x12, 0x34]);
    keys
}

fn image() -> WalletImage {
    let mut image = WalletImage::new(&hex::decode(AID).unwrap(), asn(), keys());
    image.memory.set_validity([0x20, 0x26, 1, 1], [0x20, 0x36, 0x12, 0x31]);
    image.memory.balance = Fen(10_000);
    image.memory.online = OnlineCounter(7);
    image.memory.offline = 0x12;
    image
}

/// A card in a field whose random numbers are known beforehand.
struct Bench {
    card: WalletCard,
    random: VecDeque<u8>,
    changed: bool,
}

impl Bench {
    fn new(image: WalletImage) -> Self {
        Self { card: WalletCard::personalise(image), random: VecDeque::new(), changed: false }
    }

    /// An activated card whose application is selected.
    fn selected() -> Self {
        let mut bench = Self::new(image());
        bench.ok(SELECT);
        bench
    }

    fn with(change: impl FnOnce(&mut WalletImage)) -> Self {
        let mut image = image();
        change(&mut image);
        let mut bench = Self::new(image);
        bench.ok(SELECT);
        bench
    }

    fn drawing(mut self, random: &str) -> Self {
        self.draw(random);
        self
    }

    fn draw(&mut self, random: &str) {
        self.random.extend(hex::decode(random).unwrap());
    }

    fn send(&mut self, apdu: &str) -> String {
        let apdu = hex::decode(apdu.replace(' ', "")).unwrap();
        let before = self.card.image().memory.clone();
        let random = &mut self.random;
        let step = self.card.process(&apdu, &mut |bytes| {
            bytes.iter_mut().for_each(|byte| *byte = random.pop_front().unwrap_or(0x5a));
        });
        assert_eq!(step.changed, before != self.card.image().memory);
        self.changed = step.changed;
        hex::encode(step.answer)
    }

    /// The data of an answer that must end well.
    fn ok(&mut self, apdu: &str) -> String {
        let answer = self.send(apdu);
        answer.strip_suffix("9000").unwrap_or_else(|| panic!("{apdu} -> {answer}")).to_owned()
    }

    /// A command that is refused with this status word, and changes nothing.
    fn refuses(&mut self, apdu: &str, status: &str) {
        assert_eq!(self.send(apdu), status, "{apdu}");
        assert!(!self.changed, "{apdu}");
    }

    /// INITIALIZE, then the CREDIT that a bank with the right keys would send.
    fn credit_command(&mut self, initialize: &str) -> String {
        let answer = self.ok(initialize);
        let (counter, random) = (&answer[8..12], &answer[16..24]);
        let amount = Fen(u32::from_be_bytes(bytes(&initialize[12..20])));
        let key = &self.card.image().keys.sets[0].load;
        let session = key.load_session(bytes(random), OnlineCounter(u16::from_be_bytes(bytes(counter))));
        let kind = self.card.image().profile.purse.load();
        let code = session.load_mac2(&LoadOrder { amount, kind, terminal: TERMINAL, when: when() });
        format!("805200000b{WHEN}{code}")
    }

    fn load(&mut self) -> String {
        let credit = self.credit_command(INITIALIZE);
        self.ok(&credit)
    }

    /// A command under secure messaging, with its challenge.
    fn secured(&mut self, head: &str, data: &str) -> String {
        let challenge = self.ok("0084000004");
        let header = format!("{head}{:02x}", data.len() / 2 + 4);
        let key = &self.card.image().keys.maintenance;
        let code = key.secure_message(bytes(&challenge), bytes(&header), &hex::decode(data).unwrap());
        format!("{header}{data}{code}")
    }
}
