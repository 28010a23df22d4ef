//! What the steps say, but for those about commands: which fields they are, and what an end carries.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crypto::PinBlock;
use model::{Asn, Fen, TerminalId};

use crate::field::{CardPin, Reference, SmsAnswer, SmsCode};
use crate::purse::{InitializeAnswer, LogRecord, PublicData};
use crate::tag::Tag;
use crate::tlv::{FieldWriter, Fields};
use crate::{MessageError, Outcome};

/// What the holder gave: application to driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The card that was named; another is refused.
    pub asn: Option<Asn>,
    /// How much is to be loaded.
    pub amount: Option<Fen>,
    /// At which terminal.
    pub terminal: TerminalId,
    /// The SMS code.
    pub sms: Option<SmsAnswer>,
    /// The bank card's PIN, for this card only.
    pub pin: Option<PinBlock>,
    /// Whether the bank shall check the balance.
    pub verified: bool,
    /// The card's own PIN.
    pub card_pin: Option<CardPin>,
}

/// Before the card is in the field: driver to bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorize {
    /// The card that it is for.
    pub asn: Asn,
    /// How much is to be loaded.
    pub amount: Option<Fen>,
    /// The SMS code.
    pub sms: Option<SmsAnswer>,
    /// The bank card's PIN.
    pub pin: PinBlock,
    /// The version of the driver's pack.
    pub pack_version: u16,
}

/// A permission for 5 minutes: bank to driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorized {
    /// What it is called.
    pub reference: Reference,
}

/// What was read from the card: driver to bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardReading {
    /// The bank's permission.
    pub authorization: Option<Reference>,
    /// The card.
    pub asn: Asn,
    /// File 0015; see [`PublicData`].
    pub public_data: [u8; PublicData::LENGTH],
    /// What INITIALIZE was over.
    pub amount: Option<Fen>,
    /// At which terminal.
    pub terminal: TerminalId,
    /// What INITIALIZE FOR LOAD answered.
    pub initialized: Option<InitializeAnswer>,
    /// What GET CHALLENGE answered.
    pub challenge: Option<[u8; 4]>,
    /// The version of the driver's pack.
    pub pack_version: u16,
}

/// How it ended: driver or bank to application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The number of an [`Outcome`], maybe of one that a later version knows; see [`End::known`].
    pub outcome: u16,
    /// The bank's name for the transaction.
    pub reference: Option<Reference>,
    /// The card.
    pub asn: Option<Asn>,
    /// What is on it.
    pub balance: Option<Fen>,
    /// What was loaded, or is to be.
    pub amount: Option<Fen>,
    /// What its log says, newest first.
    pub records: Vec<LogRecord>,
    /// How often a PIN or code can still be tried.
    pub tries_left: Option<u8>,
    /// Whether the bank checked the balance.
    pub verified: bool,
    /// What the holder reads in English.
    pub english: Option<String>,
    /// What the holder reads in Chinese.
    pub chinese: Option<String>,
}

impl Open {
    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, MessageError> {
        let card_pin = fields.get(Tag::CardPin).map(CardPin::new).transpose();
        Ok(Self {
            asn: asn(fields)?,
            amount: amount(fields)?,
            terminal: TerminalId(fields.must(Tag::Terminal)?),
            sms: sms(fields)?,
            pin: fields.array(Tag::PinBlock)?.map(PinBlock),
            verified: fields.flag(Tag::VerifiedWish)?,
            card_pin: card_pin.map_err(|_| MessageError::InvalidValue(Tag::CardPin))?,
        })
    }

    pub(crate) fn write(&self, to: &mut FieldWriter) {
        let Self { asn, amount, terminal, sms, pin, verified, card_pin } = self;
        to.put_if(Tag::Asn, asn.map(Asn::to_bytes))
            .put_if(Tag::Amount, amount.map(four))
            .put(Tag::Terminal, &terminal.0);
        write_sms(sms.as_ref(), to);
        to.put_if(Tag::PinBlock, pin.map(|block| block.0))
            .put_flag(Tag::VerifiedWish, *verified)
            .put_if(Tag::CardPin, card_pin.as_ref().map(CardPin::as_bytes));
    }
}

impl Authorize {
    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            asn: asn(fields)?.ok_or(MessageError::MissingField(Tag::Asn))?,
            amount: amount(fields)?,
            sms: sms(fields)?,
            pin: PinBlock(fields.must(Tag::PinBlock)?),
            pack_version: u16::from_be_bytes(fields.must(Tag::PackVersion)?),
        })
    }

    pub(crate) fn write(&self, to: &mut FieldWriter) {
        let Self { asn, amount, sms, pin, pack_version } = self;
        to.put(Tag::Asn, &asn.to_bytes()).put_if(Tag::Amount, amount.map(four));
        write_sms(sms.as_ref(), to);
        to.put(Tag::PinBlock, &pin.0).put(Tag::PackVersion, &pack_version.to_be_bytes());
    }
}

impl Authorized {
    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, MessageError> {
        Ok(Self { reference: Reference(fields.must(Tag::Authorization)?) })
    }

    pub(crate) fn write(&self, to: &mut FieldWriter) {
        to.put(Tag::Authorization, &self.reference.0);
    }
}

impl CardReading {
    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, MessageError> {
        let initialized = fields.array(Tag::Initialized)?;
        Ok(Self {
            authorization: fields.array(Tag::Authorization)?.map(Reference),
            asn: asn(fields)?.ok_or(MessageError::MissingField(Tag::Asn))?,
            public_data: fields.must(Tag::PublicData)?,
            amount: amount(fields)?,
            terminal: TerminalId(fields.must(Tag::Terminal)?),
            initialized: initialized.map(|bytes| InitializeAnswer::parse(&bytes)),
            challenge: fields.array(Tag::Challenge)?,
            pack_version: u16::from_be_bytes(fields.must(Tag::PackVersion)?),
        })
    }

    pub(crate) fn write(&self, to: &mut FieldWriter) {
        let Self { authorization, asn, public_data, amount, terminal, initialized, challenge, pack_version } =
            self;
        to.put(Tag::Asn, &asn.to_bytes())
            .put_if(Tag::Amount, amount.map(four))
            .put(Tag::Terminal, &terminal.0)
            .put_if(Tag::Authorization, authorization.map(|reference| reference.0))
            .put(Tag::PublicData, public_data)
            .put_if(Tag::Initialized, initialized.map(|answer| answer.to_bytes()))
            .put_if(Tag::Challenge, *challenge)
            .put(Tag::PackVersion, &pack_version.to_be_bytes());
    }
}

impl End {
    /// The most records of a log that an end carries.
    pub const RECORDS_MAX: usize = Tag::Record.times();

    /// An end by this outcome, with its texts and nothing else.
    pub fn of(outcome: Outcome) -> Self {
        Self {
            outcome: outcome.number(),
            reference: None,
            asn: None,
            balance: None,
            amount: None,
            records: Vec::new(),
            tries_left: None,
            verified: false,
            english: Some(outcome.english().into()),
            chinese: Some(outcome.chinese().into()),
        }
    }

    /// The outcome; `None` for one that this build does not know: show the end's own texts.
    pub fn known(&self) -> Option<Outcome> {
        Outcome::from_number(self.outcome)
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, MessageError> {
        let records = fields.all(Tag::Record).map(LogRecord::parse).collect::<Result<_, _>>();
        Ok(Self {
            outcome: u16::from_be_bytes(fields.must(Tag::Outcome)?),
            reference: fields.array(Tag::Reference)?.map(Reference),
            asn: asn(fields)?,
            balance: fields.array(Tag::Balance)?.map(fen),
            amount: amount(fields)?,
            records: records.map_err(|_| MessageError::WrongLength(Tag::Record))?,
            tries_left: fields.array(Tag::TriesLeft)?.map(|[left]| left),
            verified: fields.flag(Tag::Verified)?,
            english: text(fields, Tag::English)?,
            chinese: text(fields, Tag::Chinese)?,
        })
    }

    pub(crate) fn write(&self, to: &mut FieldWriter) {
        let Self {
            outcome,
            reference,
            asn,
            balance,
            amount,
            records,
            tries_left,
            verified,
            english,
            chinese,
        } = self;
        to.put_if(Tag::Asn, asn.map(Asn::to_bytes))
            .put_if(Tag::Amount, amount.map(four))
            .put_if(Tag::Balance, balance.map(four));
        for record in records {
            to.put(Tag::Record, &record.to_bytes());
        }
        to.put_if(Tag::Reference, reference.map(|reference| reference.0))
            .put(Tag::Outcome, &outcome.to_be_bytes())
            .put_if(Tag::TriesLeft, tries_left.map(|left| [left]))
            .put_if(Tag::English, english.as_ref())
            .put_if(Tag::Chinese, chinese.as_ref())
            .put_flag(Tag::Verified, *verified);
    }
}

fn four(amount: Fen) -> [u8; 4] {
    amount.0.to_be_bytes()
}

fn fen(bytes: [u8; 4]) -> Fen {
    Fen(u32::from_be_bytes(bytes))
}

fn amount(fields: &Fields<'_>) -> Result<Option<Fen>, MessageError> {
    Ok(fields.array(Tag::Amount)?.map(fen))
}

fn asn(fields: &Fields<'_>) -> Result<Option<Asn>, MessageError> {
    let asn = fields.array(Tag::Asn)?.map(Asn::new).transpose();
    asn.map_err(|_| MessageError::InvalidValue(Tag::Asn))
}

/// A code without its reference, or the other way round, says nothing.
fn sms(fields: &Fields<'_>) -> Result<Option<SmsAnswer>, MessageError> {
    let code = fields.array(Tag::SmsCode)?.map(SmsCode::new).transpose();
    let code = code.map_err(|_| MessageError::InvalidValue(Tag::SmsCode))?;
    match (fields.array(Tag::SmsReference)?, code) {
        (None, None) => Ok(None),
        (Some(reference), Some(code)) => Ok(Some(SmsAnswer { reference, code })),
        (None, Some(_)) => Err(MessageError::MissingField(Tag::SmsReference)),
        (Some(_), None) => Err(MessageError::MissingField(Tag::SmsCode)),
    }
}

fn write_sms(sms: Option<&SmsAnswer>, to: &mut FieldWriter) {
    to.put_if(Tag::SmsReference, sms.map(|sms| sms.reference))
        .put_if(Tag::SmsCode, sms.map(|sms| sms.code.digits()));
}

fn text(fields: &Fields<'_>, tag: Tag) -> Result<Option<String>, MessageError> {
    let text = fields.get(tag).map(core::str::from_utf8).transpose();
    Ok(text.map_err(|_| MessageError::InvalidValue(tag))?.map(ToOwned::to_owned))
}
