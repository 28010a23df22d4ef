//! A list of the bank: run to its end, to the first answer that is not allowed, or until the card is gone.

use alloc::vec::{self, Vec};

use super::CardNeed;
use super::exchange::{Exchange, Heard, Said};
use crate::apdu::StatusWord;
use crate::message::{Command, CommandList, ListEnding, Message, Output, Outputs, Reference};

/// A list that runs; there is always one command on its way.
pub(super) struct Run {
    reference: Reference,
    list: u8,
    current: Current,
    rest: vec::IntoIter<Command>,
    outputs: Vec<Output>,
    /// How many bytes of outputs still fit into a message.
    room: usize,
    /// What the card must do once the list has run.
    card: CardNeed,
    credited: bool,
}

struct Current {
    exchange: Exchange,
    allowed: Vec<StatusWord>,
    credits: bool,
}

pub(super) enum Turn {
    /// The list goes on.
    Ask(Run),
    /// It stopped.
    Stopped(Stopped),
}

/// A list that stopped.
pub(super) struct Stopped {
    pub(super) outputs: Outputs,
    pub(super) card: CardNeed,
    /// A CREDIT FOR LOAD was done, and its TAC is among the outputs.
    pub(super) credited: bool,
}

impl Run {
    /// The list's first command.
    pub(super) fn begin(list: CommandList) -> Turn {
        let card = list.commands.last().map_or(CardNeed::Done, |last| card_after(&last.apdu));
        let mut rest = list.commands.into_iter();
        let outputs = Vec::new();
        let (reference, list) = (list.reference, list.list);
        match rest.next() {
            Some(first) => {
                let current = Current::new(first);
                Turn::Ask(Self { reference, list, current, rest, outputs, room: ROOM, card, credited: false })
            }
            None => {
                let outputs = Outputs { reference, list, outputs, ending: ListEnding::Done };
                Turn::Stopped(Stopped { outputs, card, credited: false })
            }
        }
    }

    /// The bytes to send now.
    pub(super) fn sent(&self) -> Vec<u8> {
        self.current.exchange.sent()
    }

    /// The card's answer to the command on its way.
    pub(super) fn answered(mut self, answer: &[u8]) -> Turn {
        let Said { data, status } = match self.current.exchange.heard(answer) {
            Heard::FollowUp => return Turn::Ask(self),
            Heard::Gone => return Turn::Stopped(self.card_gone()),
            Heard::Said(said) => said,
        };
        // Tag and length, at most five bytes, and the status word.
        self.room = self.room.saturating_sub(data.len() + 7);
        if self.room == 0 {
            return Turn::Stopped(self.card_gone());
        }
        self.credited |= self.current.credits && status == StatusWord::DONE && data.len() >= TAC_LENGTH;
        self.outputs.push(Output::Said { data, status });
        if !self.current.allowed.contains(&status) {
            return Turn::Stopped(self.stopped(ListEnding::Mismatch));
        }
        match self.rest.next() {
            Some(next) => {
                self.current = Current::new(next);
                Turn::Ask(self)
            }
            None => Turn::Stopped(self.stopped(ListEnding::Done)),
        }
    }

    /// The card went away under the command on its way: all before it is told.
    pub(super) fn card_gone(mut self) -> Stopped {
        self.outputs.push(Output::Gone);
        self.card = CardNeed::Done;
        self.stopped(ListEnding::CardGone)
    }

    fn stopped(self, ending: ListEnding) -> Stopped {
        let Self { reference, list, outputs, card, credited, .. } = self;
        Stopped { outputs: Outputs { reference, list, outputs, ending }, card, credited }
    }
}

impl Current {
    fn new(command: Command) -> Self {
        Self {
            credits: command.apdu.starts_with(&CREDIT_FOR_LOAD),
            allowed: command.allowed,
            exchange: Exchange::new(command.apdu),
        }
    }
}

/// Of a message's characters, two for each byte, what its head and the other fields leave.
const ROOM: usize = (Message::LENGTH_MAX - Message::HEAD_LENGTH) / 2 - 40;
const TAC_LENGTH: usize = 4;
const CREDIT_FOR_LOAD: [u8; 2] = [0x80, 0x52];
const INITIALIZE: [u8; 2] = [0x80, 0x50];
const GET_CHALLENGE: [u8; 2] = [0x00, 0x84];

/// Whether the card is wanted after a list that ends with this command: what INITIALIZE and GET CHALLENGE begin
/// is lost when the card leaves the field, and only a next list can use it.
fn card_after(last: &[u8]) -> CardNeed {
    if last.starts_with(&INITIALIZE) || last.starts_with(&GET_CHALLENGE) {
        CardNeed::Waits
    } else {
        CardNeed::Done
    }
}
