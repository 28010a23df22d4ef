//! A card by script and a bank by hand, around one driver.

use std::sync::Arc;

use crypto::{PinBlock, PurseCode, PurseKind};
use model::{Asn, Fen, IndustryCode, PurseTime, TerminalId};
use tap::Outcome;
use tap::apdu::StatusWord;
use tap::driver::{CardNeed, Driver, Need, Opening, Report};
use tap::message::{
    Authorized, Body, Command, CommandList, End, Message, Outputs, Reference, SmsAnswer, SmsCode, Transaction,
};
use tap::pack::{DriverPack, Names, ProofNumber};

pub(crate) const ASN: &str = "00001000751234567890";
/// File 0015 of an activated card.
pub(crate) const PUBLIC: &str = "1000750101000000 01 01 00001000751234567890 20260101 20361231 5555";
/// The same before its activation.
pub(crate) const BLANK: &str = "1000750101000000 01 01 00001000751234567890 00000000 00000000 5555";
/// What INITIALIZE FOR LOAD answers; MAC1 is over 50 yuan.
pub(crate) const INITIALIZED: &str = "00002710 0007 01 00 A1B2C3D4 DA8AD9E6";
pub(crate) const INITIALIZE: &str = "805000020B 01 00001388 000001000050";
pub(crate) const CREDIT: &str = "805200000B 20261121093045 06EB1AEA 04";
pub(crate) const TAC: &str = "CB241FBE";
pub(crate) const SELECT: (&str, &str) = ("00A4040009 A00000000386980701", "6F00 9000");
pub(crate) const READ: &str = "00B095001E";
pub(crate) const GONE: &str = "gone";

/// What the terminal has of one transaction.
pub(crate) struct Desk {
    pub(crate) driver: Driver,
    /// Messages that were sent while the card waited.
    pub(crate) in_field: u8,
    /// All messages that were sent.
    pub(crate) sent: u8,
}

pub(crate) fn industry() -> IndustryCode {
    IndustryCode::new(101).unwrap()
}

pub(crate) fn asn() -> Asn {
    ASN.parse().unwrap()
}

pub(crate) fn terminal() -> TerminalId {
    "000001000050".parse().unwrap()
}

pub(crate) fn pack() -> DriverPack {
    DriverPack {
        code: industry(),
        version: 3,
        names: Names { en: "Bus".into(), zh: "公交".into() },
        icon: "bus".into(),
        aid: bytes("A00000000386980701"),
        load_kind: PurseKind::PurseLoad,
        key_index: 1,
        log_file: 0x18,
        load_log_file: 0x1a,
        proof_number: ProofNumber::After,
        card_pin: false,
        per_load_max: Fen(50_000),
        balance_max: Fen(100_000),
        amounts: vec![Fen(5_000)],
    }
}

pub(crate) fn bytes(digits: &str) -> Vec<u8> {
    hex::decode(digits.replace(' ', "")).unwrap()
}

pub(crate) fn hex_of(bytes: &[u8]) -> String {
    hex::encode_upper(bytes)
}

pub(crate) fn balance() -> Opening {
    Opening::balance(industry(), terminal())
}

pub(crate) fn verified_balance() -> Opening {
    Opening::verified_balance(industry(), terminal())
}

pub(crate) fn load() -> Opening {
    load_of(Fen(5_000))
}

pub(crate) fn load_of(amount: Fen) -> Opening {
    let sms = SmsAnswer { reference: [5; 16], code: SmsCode::new(*b"271828").unwrap() };
    Opening::load(industry(), terminal(), asn(), amount, sms, PinBlock([9; 16]))
}

pub(crate) fn supplementary() -> Opening {
    Opening::supplementary_load(industry(), terminal())
}

pub(crate) fn activation() -> Opening {
    Opening::activation(industry(), terminal(), asn(), PinBlock([9; 16]))
}

pub(crate) fn command(apdu: &str, allowed: &[u16]) -> Command {
    Command { apdu: bytes(apdu), allowed: allowed.iter().map(|status| StatusWord(*status)).collect() }
}

pub(crate) fn reference() -> Reference {
    Reference([0xd; 16])
}

/// The bank's list that credits a card.
pub(crate) fn credit(list: u8) -> Body {
    commands(list, vec![command(CREDIT, &[0x9000])])
}

pub(crate) fn commands(list: u8, commands: Vec<Command>) -> Body {
    Body::Commands(CommandList { reference: reference(), list, commands })
}

pub(crate) fn end(outcome: Outcome) -> Body {
    Body::End(End::of(outcome))
}

impl Desk {
    pub(crate) fn open(opening: Opening) -> Self {
        Self::open_with(pack(), opening)
    }

    pub(crate) fn open_with(pack: DriverPack, opening: Opening) -> Self {
        let mut driver = Driver::new(Arc::new(pack));
        driver.open(&opening.to_text());
        Self { driver, in_field: 0, sent: 0 }
    }

    /// A card is put on and answers by this script.
    pub(crate) fn card(&mut self, script: &[(&str, &str)]) -> &mut Self {
        assert_eq!(self.driver.need(), Need::PresentCard);
        self.driver.card_presented();
        self.goes_on(script)
    }

    /// The card in the field answers by this script; what is sent must begin as it says.
    pub(crate) fn goes_on(&mut self, script: &[(&str, &str)]) -> &mut Self {
        for (command, answer) in script {
            let Need::Transmit(apdu) = self.driver.need() else {
                panic!("no command where {command} was expected: {:?}", self.driver.need());
            };
            let (apdu, command) = (hex_of(&apdu), command.replace(' ', ""));
            assert!(apdu.starts_with(&command), "{apdu} where {command} was expected");
            match *answer {
                GONE => self.driver.card_gone(),
                answer => self.driver.answered(&bytes(answer)),
            }
        }
        self
    }

    /// What goes to the bank now.
    pub(crate) fn sends(&mut self) -> (Body, CardNeed) {
        let Need::Send { message, card } = self.driver.need() else {
            panic!("nothing is sent: {:?}", self.driver.need());
        };
        self.sent += 1;
        self.in_field += u8::from(card == CardNeed::Waits);
        let message = Message::parse(&message).unwrap();
        assert_eq!(message.industry, industry());
        (message.body, card)
    }

    /// What a list gave: its outputs as one text each, and how it ended.
    pub(crate) fn reports(&mut self) -> (Outputs, CardNeed) {
        match self.sends() {
            (Body::Outputs(outputs), card) => (outputs, card),
            (body, _) => panic!("{body:?}"),
        }
    }

    /// The bank's answer.
    pub(crate) fn bank(&mut self, transaction: Transaction, body: Body) -> &mut Self {
        let text = Message { industry: industry(), transaction, body }.to_text();
        self.driver.received(&text);
        self
    }

    /// The bank permits what `authorize` asked.
    pub(crate) fn permits(&mut self, transaction: Transaction) -> &mut Self {
        assert!(matches!(self.sends(), (Body::Authorize(_), CardNeed::NotYet)));
        self.bank(transaction, Body::Authorized(Authorized { reference: Reference([4; 16]) }))
    }

    /// How it ended.
    pub(crate) fn ends(&mut self) -> Report {
        match self.driver.need() {
            Need::End(text) => Report::read(&text).unwrap(),
            need => panic!("it goes on: {need:?}"),
        }
    }

    pub(crate) fn outcome(&mut self) -> Outcome {
        self.ends().outcome().unwrap()
    }
}

/// A load whose card has been read: `card` is with the bank.
pub(crate) fn load_at_the_bank() -> Desk {
    let mut desk = Desk::open(load());
    desk.permits(Transaction::Load);
    desk.card(&[SELECT, (READ, &format!("{PUBLIC} 9000")), (INITIALIZE, &format!("{INITIALIZED} 9000"))]);
    desk
}

/// A supplementary load whose card has been read.
pub(crate) fn supplementary_at_the_bank() -> Desk {
    let mut desk = Desk::open(supplementary());
    desk.card(&[SELECT, (READ, &format!("{PUBLIC} 9000"))]);
    desk
}

pub(crate) fn mac1() -> PurseCode {
    PurseCode([0xda, 0x8a, 0xd9, 0xe6])
}

pub(crate) fn moment() -> PurseTime {
    PurseTime::from_bytes([0x20, 0x26, 0x11, 0x21, 0x09, 0x30, 0x45])
}
