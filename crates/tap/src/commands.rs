//! Lists of commands and what the card answered to them: how the bank works with a card that is not there.

use alloc::vec::Vec;
use core::fmt;

use crate::MessageError;
use crate::apdu::{CardAnswer, StatusWord};
use crate::field::Reference;
use crate::tag::{Place, Tag};
use crate::tlv::{FieldWriter, Fields};

/// What the card answered to a command of a list: the last may be that it was gone.
pub type Output = CardAnswer;

/// What the card shall do: bank to driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandList {
    /// The bank's name for the transaction.
    pub reference: Reference,
    /// Which list of it this is; the outputs say the same.
    pub list: u8,
    /// In this order, until one answers what it may not.
    pub commands: Vec<Command>,
}

/// One command of a list.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// 5 to 261 bytes.
    pub apdu: Vec<u8>,
    /// With these status words the list goes on; 1 to 8 of them.
    pub allowed: Vec<StatusWord>,
}

/// A command may carry what only the card shall see; its first four bytes say which it is.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.apdu.get(..4).unwrap_or_default();
        write!(f, "Command({head:02x?}…, allowed {:?})", self.allowed)
    }
}

/// What the card did: driver to bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outputs {
    /// The list's.
    pub reference: Reference,
    /// The list's.
    pub list: u8,
    /// One for each command that was sent.
    pub outputs: Vec<Output>,
    /// Why there is no more.
    pub ending: ListEnding,
}

/// How a list ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ListEnding {
    /// All commands were done.
    Done = 0,
    /// The last output has another status word than allowed.
    Mismatch = 1,
    /// The card was gone; nobody knows whether it did the last command.
    CardGone = 2,
}

impl ListEnding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Done, Self::Mismatch, Self::CardGone];

    /// The number of tag `DF25`.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The ending of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|ending| ending.number() == number)
    }
}

impl CommandList {
    /// The most commands of one list.
    pub const COMMANDS_MAX: usize = Tag::Command.times();

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, MessageError> {
        let [list] = fields.must(Tag::List)?;
        Ok(Self {
            reference: Reference(fields.must(Tag::Reference)?),
            list,
            commands: fields.all(Tag::Command).map(Command::read).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn write(&self, to: &mut FieldWriter) {
        to.put(Tag::Reference, &self.reference.0).put(Tag::List, &[self.list]);
        for command in &self.commands {
            let mut inside = FieldWriter::new();
            command.write(&mut inside);
            to.put(Tag::Command, inside.bytes());
        }
    }
}

impl Command {
    fn read(bytes: &[u8]) -> Result<Self, MessageError> {
        let fields = Fields::read(Place::InCommand, bytes)?;
        let apdu = fields.get(Tag::Apdu).ok_or(MessageError::MissingField(Tag::Apdu))?;
        let allowed = fields.get(Tag::Allowed).ok_or(MessageError::MissingField(Tag::Allowed))?;
        // The registry allows whole pairs only.
        let (words, _) = allowed.as_chunks();
        let allowed = words.iter().map(|word| StatusWord(u16::from_be_bytes(*word))).collect();
        Ok(Self { apdu: apdu.to_vec(), allowed })
    }

    fn write(&self, to: &mut FieldWriter) {
        let allowed: Vec<u8> = self.allowed.iter().flat_map(|word| word.0.to_be_bytes()).collect();
        to.put(Tag::Apdu, &self.apdu).put(Tag::Allowed, &allowed);
    }
}

impl Outputs {
    /// The most outputs of one list.
    pub const OUTPUTS_MAX: usize = Tag::Output.times();

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, MessageError> {
        let [list] = fields.must(Tag::List)?;
        let [ending] = fields.must(Tag::Ending)?;
        Ok(Self {
            reference: Reference(fields.must(Tag::Reference)?),
            list,
            outputs: fields.all(Tag::Output).map(Output::from_bytes).collect(),
            ending: ListEnding::from_number(ending).ok_or(MessageError::InvalidValue(Tag::Ending))?,
        })
    }

    pub(crate) fn write(&self, to: &mut FieldWriter) {
        to.put(Tag::Reference, &self.reference.0).put(Tag::List, &[self.list]);
        for output in &self.outputs {
            to.put(Tag::Output, &output.to_bytes());
        }
        to.put(Tag::Ending, &[self.ending.number()]);
    }
}
