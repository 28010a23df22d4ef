//! A message of section 2 of `docs/protocol/tap.md`: text in, typed body out, and back.
//!
//! For: drivers and banks, which read messages, and the application, which reads [`letter_of`] one and no more.
//! Refuses: every text that is not exactly what [`Message::to_text`] would write; it never panics. What a body
//! means for cards and money is not known here.
//! Next: [`Body`] for what a step says; the crate's `tag.rs` for which fields that takes.

use alloc::string::String;
use alloc::vec::Vec;

use model::IndustryCode;
use zeroize::Zeroizing;

use crate::tag::Place;
use crate::tlv::{FieldWriter, Fields};

pub use crate::body::{Authorize, Authorized, CardReading, End, Open};
pub use crate::commands::{Command, CommandList, ListEnding, Output, Outputs};
pub use crate::error::MessageError;
pub use crate::field::{CardPin, CardPinError, Reference, SmsAnswer, SmsCode, SmsCodeError};
pub use crate::purse::{InitializeAnswer, LogRecord, LogRecordError, PublicData};

/// The first letter of a message: all that the application reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Letter {
    /// `A`: it opens or ends.
    End,
    /// `I`: it is for the other side.
    GoOn,
}

impl Letter {
    /// `A` or `I`.
    pub const fn letter(self) -> char {
        match self {
            Self::End => 'A',
            Self::GoOn => 'I',
        }
    }
}

/// The letter of a message. Nothing behind it is looked at.
pub fn letter_of(text: &str) -> Result<Letter, MessageError> {
    match text.bytes().next() {
        Some(b'A') => Ok(Letter::End),
        Some(b'I') => Ok(Letter::GoOn),
        Some(_) => Err(MessageError::OtherLetter),
        None => Err(MessageError::Cut),
    }
}

/// What a holder came for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Transaction {
    /// What is on the card.
    Balance = 1,
    /// 充值.
    Load = 2,
    /// 补充值: finishes a load that was paid and may not be on the card.
    SupplementaryLoad = 3,
    /// 激活.
    Activation = 4,
}

impl Transaction {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Balance, Self::Load, Self::SupplementaryLoad, Self::Activation];

    /// The number of the head.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The transaction of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|transaction| transaction.number() == number)
    }

    /// The name for interfaces and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Load => "load",
            Self::SupplementaryLoad => "supplementary_load",
            Self::Activation => "activation",
        }
    }

    /// The transaction of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transaction| transaction.name() == name)
    }
}

/// Where in a transaction a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Step {
    /// Application to driver: what the holder gave.
    Open = 0,
    /// Driver to bank, before the card is in the field.
    Authorize = 1,
    /// Bank to driver: a permission for some minutes.
    Authorized = 2,
    /// Driver to bank: what was read from the card.
    Card = 3,
    /// Bank to driver: a list of commands.
    Commands = 4,
    /// Driver to bank: what the card answered to them.
    Outputs = 5,
    /// Driver or bank to application: the outcome.
    End = 9,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Open, Self::Authorize, Self::Authorized, Self::Card, Self::Commands, Self::Outputs, Self::End];

    /// The number of the head.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The step of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.number() == number)
    }

    /// The name for interfaces and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Authorize => "authorize",
            Self::Authorized => "authorized",
            Self::Card => "card",
            Self::Commands => "commands",
            Self::Outputs => "outputs",
            Self::End => "end",
        }
    }

    /// The letter that its messages begin with.
    pub const fn letter(self) -> Letter {
        match self {
            Self::Open | Self::End => Letter::End,
            Self::Authorize | Self::Authorized | Self::Card | Self::Commands | Self::Outputs => Letter::GoOn,
        }
    }
}

/// A message. It may hold an SMS code or a card's PIN: those print `[redacted]` and are zeroised when dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Of which industry.
    pub industry: IndustryCode,
    /// In which transaction.
    pub transaction: Transaction,
    /// The step and what it says.
    pub body: Body,
}

/// What a message says. Letter and step follow from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Application to driver: what the holder gave.
    Open(Open),
    /// Driver to bank, before the card is in the field.
    Authorize(Authorize),
    /// Bank to driver: a permission for some minutes.
    Authorized(Authorized),
    /// Driver to bank: what was read from the card.
    Card(CardReading),
    /// Bank to driver: a list of commands.
    Commands(CommandList),
    /// Driver to bank: what the card answered to them.
    Outputs(Outputs),
    /// Driver or bank to application: the outcome.
    End(End),
}

impl Body {
    /// The step that says so.
    pub const fn step(&self) -> Step {
        match self {
            Self::Open(_) => Step::Open,
            Self::Authorize(_) => Step::Authorize,
            Self::Authorized(_) => Step::Authorized,
            Self::Card(_) => Step::Card,
            Self::Commands(_) => Step::Commands,
            Self::Outputs(_) => Step::Outputs,
            Self::End(_) => Step::End,
        }
    }

    fn read(step: Step, bytes: &[u8]) -> Result<Self, MessageError> {
        let fields = Fields::read(Place::In(step), bytes)?;
        Ok(match step {
            Step::Open => Self::Open(Open::read(&fields)?),
            Step::Authorize => Self::Authorize(Authorize::read(&fields)?),
            Step::Authorized => Self::Authorized(Authorized::read(&fields)?),
            Step::Card => Self::Card(CardReading::read(&fields)?),
            Step::Commands => Self::Commands(CommandList::read(&fields)?),
            Step::Outputs => Self::Outputs(Outputs::read(&fields)?),
            Step::End => Self::End(End::read(&fields)?),
        })
    }

    fn write(&self, to: &mut FieldWriter) {
        match self {
            Self::Open(body) => body.write(to),
            Self::Authorize(body) => body.write(to),
            Self::Authorized(body) => body.write(to),
            Self::Card(body) => body.write(to),
            Self::Commands(body) => body.write(to),
            Self::Outputs(body) => body.write(to),
            Self::End(body) => body.write(to),
        }
    }
}

const VERSION: &[u8; 2] = b"01";

impl Message {
    /// The longest message, in characters.
    pub const LENGTH_MAX: usize = 16_384;
    /// The characters before the fields: letter 1, version 2, industry 4, transaction 2, step 2.
    pub const HEAD_LENGTH: usize = 11;

    /// Reads a message. What it gives back is written as the same text.
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        if text.len() > Self::LENGTH_MAX {
            return Err(MessageError::TooLong);
        }
        if !text.is_ascii() {
            return Err(MessageError::NotAscii);
        }
        let letter = letter_of(text)?;
        let (head, fields) =
            text.as_bytes().split_first_chunk::<{ Self::HEAD_LENGTH }>().ok_or(MessageError::Cut)?;
        let [_, v1, v2, i1, i2, i3, i4, t1, t2, s1, s2] = *head;
        if [v1, v2] != *VERSION {
            return Err(MessageError::OtherVersion);
        }
        let industry = [[i1, i2], [i3, i4]].map(two_digits);
        let [Some(high), Some(low)] = industry else { return Err(MessageError::IndustryNotDigits) };
        let industry = IndustryCode::new(u16::from(high) * 100 + u16::from(low))
            .map_err(|_| MessageError::IndustryNotDigits)?;
        let transaction = two_digits([t1, t2])
            .and_then(Transaction::from_number)
            .ok_or(MessageError::UnknownTransaction)?;
        let step = two_digits([s1, s2]).and_then(Step::from_number).ok_or(MessageError::UnknownStep)?;
        if letter != step.letter() {
            return Err(MessageError::WrongLetterForStep);
        }
        Ok(Self { industry, transaction, body: Body::read(step, &from_hex(fields)?)? })
    }

    /// Writes the message. Where it holds a secret, the text does, too: drop it once it is sealed.
    ///
    /// A body with more in it than the protocol allows is written all the same, and refused by whoever reads it.
    pub fn to_text(&self) -> String {
        let mut fields = FieldWriter::new();
        self.body.write(&mut fields);
        let bytes = fields.bytes();
        let mut text = String::with_capacity(Self::HEAD_LENGTH + 2 * bytes.len());
        let step = self.body.step();
        let numbers = [self.industry.number() / 100, self.industry.number() % 100]
            .into_iter()
            .chain([self.transaction.number(), step.number()].map(u16::from));
        text.push(step.letter().letter());
        text.extend(VERSION.map(char::from));
        for number in numbers {
            text.extend([number / 10, number % 10].map(digit));
        }
        for byte in bytes {
            text.extend([byte >> 4, byte & 0x0f].map(|half| digit(half.into())));
        }
        text
    }
}

fn two_digits(text: [u8; 2]) -> Option<u8> {
    let [high, low] = text.map(|c| c.is_ascii_digit().then(|| c - b'0'));
    Some(high? * 10 + low?)
}

/// 0 to 9 and A to F; callers give halves of bytes and decimal digits.
fn digit(value: u16) -> char {
    char::from_digit(value.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

fn from_hex(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, MessageError> {
    let half = |c: u8| match c {
        b'0'..=b'9' => Ok(c - b'0'),
        b'A'..=b'F' => Ok(c - b'A' + 10),
        _ => Err(MessageError::NotHex),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    let (pairs, rest) = text.as_chunks::<2>();
    for [high, low] in pairs {
        bytes.push(half(*high)? << 4 | half(*low)?);
    }
    match rest {
        [] => Ok(bytes),
        [c, ..] => half(*c).and(Err(MessageError::Cut)),
    }
}
