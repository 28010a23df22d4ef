//! The machine: what was selected and begun since the field was there, and one table of instructions.

use alloc::vec::Vec;
use core::mem;

use crypto::PurseSession;
use model::{Fen, TerminalId};

use super::command::{Command, Instruction};
use super::image::{Blocking, WalletImage, WalletMemory};
use super::refusal::Refusal;
use crate::apdu::StatusWord;

/// What a card did with a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardStep {
    /// Data and status word. It leaves once the image is durable.
    pub answer: Vec<u8>,
    /// Whether the image is another than before.
    pub changed: bool,
}

/// Data for the answer, or why there is none.
pub(super) type Said = Result<Vec<u8>, Refusal>;

/// The last challenge that nobody used yet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Challenge {
    Four([u8; 4]),
    Eight([u8; 8]),
}

/// A transaction that INITIALIZE began.
#[derive(Debug)]
pub(super) enum Initialized {
    Load {
        session: PurseSession,
        amount: Fen,
        terminal: TerminalId,
    },
    /// The session's key needs the terminal's sequence number, which comes with DEBIT.
    Purchase {
        random: [u8; 4],
        set: usize,
        amount: Fen,
        terminal: TerminalId,
    },
}

/// What dies with the field.
#[derive(Debug, Default)]
pub(super) struct Volatile {
    /// The application; otherwise the root.
    pub(super) selected: bool,
    pub(super) pin_verified: bool,
    pub(super) authenticated: bool,
    pub(super) challenge: Option<Challenge>,
    pub(super) initialized: Option<Initialized>,
}

/// A wallet card in a field.
#[derive(Debug)]
pub struct WalletCard {
    pub(super) image: WalletImage,
    pub(super) volatile: Volatile,
    changed: bool,
}

impl WalletCard {
    /// The card of this image, just switched on.
    pub fn personalise(image: WalletImage) -> Self {
        Self { image, volatile: Volatile::default(), changed: false }
    }

    /// The field was lost, or the reader resets: whatever was selected, proven or begun is over.
    pub fn reset(&mut self) {
        self.volatile = Volatile::default();
    }

    /// Everything durable.
    pub fn image(&self) -> &WalletImage {
        &self.image
    }

    /// Does one command. `random` fills what it is given with random bytes.
    pub fn process(&mut self, apdu: &[u8], random: &mut dyn FnMut(&mut [u8])) -> CardStep {
        let (mut answer, status) = match self.execute(apdu, random) {
            Ok(data) => (data, StatusWord::DONE),
            Err(refusal) => (Vec::new(), refusal.status()),
        };
        answer.extend_from_slice(&status.to_bytes());
        CardStep { answer, changed: mem::take(&mut self.changed) }
    }

    fn execute(&mut self, apdu: &[u8], random: &mut dyn FnMut(&mut [u8])) -> Said {
        let command = Command::parse(apdu)?;
        match command.instruction {
            Instruction::Select => self.select(&command),
            Instruction::ReadBinary => self.read_binary(&command),
            Instruction::ReadRecord => self.read_record(&command),
            Instruction::UpdateBinary => self.update_binary(&command),
            Instruction::UpdateBinarySecure => self.update_binary_secure(&command),
            Instruction::VerifyPin => self.verify_pin(&command),
            Instruction::GetChallenge => self.get_challenge(&command, random),
            Instruction::ExternalAuthenticate => self.external_authenticate(&command),
            Instruction::ApplicationBlock => self.application_block(&command),
            Instruction::ApplicationUnblock => self.application_unblock(&command),
            Instruction::GetBalance => self.get_balance(&command),
            Instruction::Initialize => self.initialize(&command, random),
            Instruction::CreditForLoad => self.credit_for_load(&command),
            Instruction::DebitForPurchase => self.debit_for_purchase(&command),
            Instruction::GetTransactionProve => self.get_transaction_prove(&command),
        }
    }

    /// The application is selected and works; `missing` says what it means if none is selected.
    pub(super) fn application(&self, missing: Refusal) -> Result<(), Refusal> {
        if !self.volatile.selected {
            return Err(missing);
        }
        match self.image.memory.blocking {
            Blocking::Open => Ok(()),
            Blocking::Blocked => Err(Refusal::ApplicationBlocked),
            Blocking::Locked => Err(Refusal::Locked),
        }
    }

    /// The one place where durable state changes.
    pub(super) fn commit(&mut self, memory: WalletMemory) {
        if memory != self.image.memory {
            self.image.memory = memory;
            self.changed = true;
        }
    }
}
