//! The money: balance, load, purchase, and the proof of the latest of each.

use alloc::vec::Vec;

use crypto::{LoadOrder, LoadReceipt, LoadRequest, PurchaseReceipt, PurchaseRequest, PurseCode, PurseKind};
use model::{Fen, PurseTime, TerminalId};

use super::WRONG_LOAD_CODES_MAX;
use super::command::Command;
use super::image::{KeySet, Proof, WalletMemory};
use super::refusal::Refusal;
use super::wallet::{Initialized, Said, WalletCard};
use crate::message::LogRecord;
use crate::pack::ProofNumber;

/// The family of this card's keys: DES.
const ALGORITHM: u8 = 0;
/// A purse without credit: no overdraft.
const OVERDRAFT: [u8; 3] = [0; 3];

/// The data field of both INITIALIZE: index, amount, terminal.
struct Opening {
    index: u8,
    amount: Fen,
    terminal: TerminalId,
}

impl Opening {
    fn read(command: &Command<'_>) -> Result<Self, Refusal> {
        let [index, a, b, c, d, terminal @ ..] = command.data::<11>()?;
        Ok(Self { index, amount: Fen(u32::from_be_bytes([a, b, c, d])), terminal: TerminalId(terminal) })
    }
}

impl WalletCard {
    pub(super) fn get_balance(&mut self, command: &Command<'_>) -> Said {
        command.parameters(0, self.image.profile.purse.number())?;
        command.no_data()?;
        command.expects(4)?;
        self.application(Refusal::NotInThisState)?;
        Ok(self.image.memory.balance.0.to_be_bytes().to_vec())
    }

    pub(super) fn initialize(&mut self, command: &Command<'_>, random: &mut dyn FnMut(&mut [u8])) -> Said {
        // Refused or not: what an INITIALIZE before it began is over.
        self.volatile.initialized = None;
        if command.p2 != self.image.profile.purse.number() {
            return Err(Refusal::WrongParameters);
        }
        match command.p1 {
            0 => self.initialize_for_load(command, random),
            1 => self.initialize_for_purchase(command, random),
            _ => Err(Refusal::WrongParameters),
        }
    }

    /// The application works, is activated, and has keys of this index: their place.
    fn key_set(&self, index: u8) -> Result<(usize, &KeySet), Refusal> {
        let mut sets = self.image.keys.sets.iter().enumerate();
        sets.find(|(_, set)| set.index == index).ok_or(Refusal::UnknownKeyIndex)
    }

    fn may_begin(&self) -> Result<(), Refusal> {
        self.application(Refusal::NotInThisState)?;
        if self.image.memory.is_activated() { Ok(()) } else { Err(Refusal::NotInThisState) }
    }

    fn initialize_for_load(&mut self, command: &Command<'_>, random: &mut dyn FnMut(&mut [u8])) -> Said {
        let Opening { index, amount, terminal } = Opening::read(command)?;
        command.expects(16)?;
        self.may_begin()?;
        let (profile, memory) = (&self.image.profile, &self.image.memory);
        if profile.pin_for_load && !self.volatile.pin_verified {
            return Err(Refusal::SecurityStatus);
        }
        if memory.wrong_load_codes >= WRONG_LOAD_CODES_MAX {
            return Err(Refusal::Locked);
        }
        let (_, set) = self.key_set(index)?;
        let (balance, counter) = (memory.balance, memory.online);
        if counter.next().is_none() {
            return Err(Refusal::CounterEnd);
        }
        let mut drawn = [0; 4];
        random(&mut drawn);
        let session = set.load.load_session(drawn, counter);
        let mac1 = session.load_mac1(&LoadRequest {
            balance,
            amount,
            kind: profile.purse.load(),
            terminal,
            counter,
            random: drawn,
        });
        let mut answer = Vec::with_capacity(18);
        answer.extend_from_slice(&balance.0.to_be_bytes());
        answer.extend_from_slice(&counter.0.to_be_bytes());
        answer.extend_from_slice(&[set.version, ALGORITHM]);
        answer.extend_from_slice(&drawn);
        answer.extend_from_slice(&mac1.0);
        self.volatile.initialized = Some(Initialized::Load { session, amount, terminal });
        Ok(answer)
    }

    pub(super) fn credit_for_load(&mut self, command: &Command<'_>) -> Said {
        command.parameters(0, 0)?;
        let [when @ .., a, b, c, d] = command.data::<11>()?;
        command.expects(4)?;
        self.application(Refusal::NotInThisState)?;
        // One MAC2 for one INITIALIZE, right or wrong.
        let Some(Initialized::Load { session, amount, terminal }) = self.volatile.initialized.take() else {
            return Err(Refusal::NotInThisState);
        };
        let (code, when) = (PurseCode([a, b, c, d]), PurseTime::from_bytes(when));
        let kind = self.image.profile.purse.load();
        let mut memory = self.image.memory.clone();
        if session.load_mac2(&LoadOrder { amount, kind, terminal, when }) != code {
            memory.wrong_load_codes = memory.wrong_load_codes.saturating_add(1);
            self.commit(memory);
            return Err(Refusal::WrongPurseCode);
        }
        let before = memory.online;
        let after = before.next().ok_or(Refusal::CounterEnd)?;
        let balance = memory.balance.plus(amount).filter(|sum| *sum <= self.image.profile.balance_max);
        let balance = balance.ok_or(Refusal::NotInThisState)?;
        let receipt = LoadReceipt { balance_after: balance, counter: before, amount, kind, terminal, when };
        let tac = self.image.keys.tac.load_tac(&receipt);
        memory.balance = balance;
        memory.online = after;
        memory.wrong_load_codes = 0;
        memory.load_proof = Some(Proof { before: before.0, code, tac });
        let record = record(after.0, amount, kind, terminal, when);
        WalletMemory::log(&mut memory.loads, record);
        self.commit(memory);
        Ok(tac.0.to_vec())
    }

    fn initialize_for_purchase(&mut self, command: &Command<'_>, random: &mut dyn FnMut(&mut [u8])) -> Said {
        let Opening { index, amount, terminal } = Opening::read(command)?;
        command.expects(15)?;
        self.may_begin()?;
        let memory = &self.image.memory;
        let (place, set) = self.key_set(index)?;
        if memory.offline == u16::MAX {
            return Err(Refusal::CounterEnd);
        }
        if memory.balance < amount {
            return Err(Refusal::InsufficientFunds);
        }
        let mut drawn = [0; 4];
        random(&mut drawn);
        let mut answer = Vec::with_capacity(17);
        answer.extend_from_slice(&memory.balance.0.to_be_bytes());
        answer.extend_from_slice(&memory.offline.to_be_bytes());
        answer.extend_from_slice(&OVERDRAFT);
        answer.extend_from_slice(&[set.version, ALGORITHM]);
        answer.extend_from_slice(&drawn);
        self.volatile.initialized =
            Some(Initialized::Purchase { random: drawn, set: place, amount, terminal });
        Ok(answer)
    }

    pub(super) fn debit_for_purchase(&mut self, command: &Command<'_>) -> Said {
        command.parameters(1, 0)?;
        let [s0, s1, s2, s3, when @ .., a, b, c, d] = command.data::<15>()?;
        command.expects(8)?;
        self.application(Refusal::NotInThisState)?;
        let begun = self.volatile.initialized.take();
        let Some(Initialized::Purchase { random, set, amount, terminal }) = begun else {
            return Err(Refusal::NotInThisState);
        };
        let set = self.image.keys.sets.get(set).ok_or(Refusal::UnknownKeyIndex)?;
        let (said, when) = (PurseCode([a, b, c, d]), PurseTime::from_bytes(when));
        let kind = self.image.profile.purse.purchase();
        let mut memory = self.image.memory.clone();
        let session = set.purchase.purchase_session(random, memory.offline, [s2, s3]);
        if session.purchase_mac1(&PurchaseRequest { amount, kind, terminal, when }) != said {
            return Err(Refusal::WrongPurseCode);
        }
        let before = memory.offline;
        let after = before.checked_add(1).ok_or(Refusal::CounterEnd)?;
        memory.balance = memory.balance.minus(amount).ok_or(Refusal::InsufficientFunds)?;
        memory.offline = after;
        let code = session.purchase_mac2(amount);
        let terminal_sequence = [s0, s1, s2, s3];
        let tac = self.image.keys.tac.purchase_tac(&PurchaseReceipt {
            amount,
            kind,
            terminal,
            terminal_sequence,
            when,
        });
        memory.purchase_proof = Some(Proof { before, code, tac });
        WalletMemory::log(&mut memory.purchases, record(after, amount, kind, terminal, when));
        self.commit(memory);
        Ok([tac.0, code.0].concat())
    }

    pub(super) fn get_transaction_prove(&mut self, command: &Command<'_>) -> Said {
        if command.p1 != 0 {
            return Err(Refusal::WrongParameters);
        }
        let kind = PurseKind::from_number(command.p2).ok_or(Refusal::WrongParameters)?;
        let asked = u16::from_be_bytes(command.data()?);
        command.expects(8)?;
        self.application(Refusal::NotInThisState)?;
        let (profile, memory) = (&self.image.profile, &self.image.memory);
        let proof = if kind == profile.purse.load() {
            memory.load_proof
        } else if kind == profile.purse.purchase() {
            memory.purchase_proof
        } else {
            None
        };
        let number = |proof: &Proof| match profile.proof_number {
            ProofNumber::Before => Some(proof.before),
            ProofNumber::After => proof.before.checked_add(1),
        };
        let proof = proof.filter(|proof| number(proof) == Some(asked)).ok_or(Refusal::NoProof)?;
        Ok([proof.code.0, proof.tac.0].concat())
    }
}

fn record(sequence: u16, amount: Fen, kind: PurseKind, terminal: TerminalId, when: PurseTime) -> LogRecord {
    LogRecord { sequence, overdraft: OVERDRAFT, amount, kind: kind.number(), terminal, when }
}
