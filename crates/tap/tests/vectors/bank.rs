//! The bank, played with the functions of `crypto` that its key store calls.

use crypto::{LoadOrder, LoadReceipt, LoadRequest, PurseCode, PurseKind};
use model::{Fen, OnlineCounter, PurseTime};
use tap::{
    Authorized, Body, CardReading, Command, CommandList, End, InitializeAnswer, ListEnding, Outcome, Outputs,
    Reference, StatusWord, Transaction, apdu,
};

use crate::{AMOUNT, TERMINAL, asn, masters};

/// The bank's clock at each of its decisions.
const FIRST: [u8; 7] = [0x20, 0x26, 0x11, 0x21, 0x09, 0x30, 0x45];
const SECOND: [u8; 7] = [0x20, 0x26, 0x11, 0x21, 0x09, 0x31, 0x10];
const LIST_PROBE: u8 = 1;
const LIST_CREDIT: u8 = 2;

/// One attempt of the load, as the bank keeps it.
#[derive(Clone, Copy)]
struct Attempt {
    initialized: InitializeAnswer,
    when: PurseTime,
}

/// The bank, played with the functions that its key store calls.
#[derive(Default)]
pub(crate) struct Bank {
    /// Which of its loads and permissions it is.
    number: u8,
    open: Vec<Attempt>,
}

impl Bank {
    /// The next load or activation.
    pub(crate) fn next(&mut self) {
        *self = Self { number: self.number + 1, open: Vec::new() };
    }

    fn authorization(&self) -> Reference {
        reference(0x44, self.number)
    }

    fn load(&self) -> Reference {
        reference(0x4c, self.number)
    }

    fn attempt(&mut self, initialized: InitializeAnswer) -> Body {
        let when = PurseTime::from_bytes(if self.open.is_empty() { FIRST } else { SECOND });
        let request: LoadRequest = initialized.request(AMOUNT, PurseKind::PurseLoad, TERMINAL);
        let session = masters().load.diversify(asn()).load_session(request.random, request.counter);
        assert_eq!(session.load_mac1(&request), initialized.mac1, "MAC1");
        let order = LoadOrder { amount: AMOUNT, kind: PurseKind::PurseLoad, terminal: TERMINAL, when };
        let mac2 = session.load_mac2(&order);
        self.open.push(Attempt { initialized, when });
        let credit = command(apdu::credit_for_load(when, mac2), &[StatusWord::DONE]);
        Body::Commands(CommandList { reference: self.load(), list: LIST_CREDIT, commands: vec![credit] })
    }

    fn proven(&self, tac: &[u8]) -> Option<Fen> {
        let said = PurseCode(tac.try_into().ok()?);
        let key = masters().tac.diversify(asn());
        self.open.iter().find_map(|attempt| {
            let balance_after = attempt.initialized.balance.plus(AMOUNT)?;
            let receipt = LoadReceipt {
                balance_after,
                counter: self.open[0].initialized.counter,
                amount: AMOUNT,
                kind: PurseKind::PurseLoad,
                terminal: TERMINAL,
                when: attempt.when,
            };
            (key.load_tac(&receipt) == said).then_some(balance_after)
        })
    }

    pub(crate) fn answer(&mut self, transaction: Transaction, body: Body) -> Body {
        use Transaction::{Activation, Balance, Load, SupplementaryLoad};
        match (transaction, body) {
            (Load | Activation, Body::Authorize(_)) => {
                Body::Authorized(Authorized { reference: self.authorization() })
            }
            (Balance, Body::Card(CardReading { initialized: Some(answer), .. })) => Body::End(End {
                asn: Some(asn()),
                balance: Some(answer.balance),
                verified: true,
                ..End::of(Outcome::BalanceRead)
            }),
            (Load, Body::Card(CardReading { initialized: Some(answer), .. })) => self.attempt(answer),
            (SupplementaryLoad, Body::Card(_)) => self.probe(),
            (Activation, Body::Card(CardReading { challenge: Some(challenge), .. })) => {
                activate(self.authorization(), challenge)
            }
            (Activation, Body::Outputs(outputs)) => {
                assert_eq!(outputs.ending, ListEnding::Done);
                Body::End(End { asn: Some(asn()), ..End::of(Outcome::Activated) })
            }
            (Load | SupplementaryLoad, Body::Outputs(outputs)) => self.heard(&outputs),
            (transaction, body) => panic!("{transaction:?}: {body:?}"),
        }
    }

    fn probe(&self) -> Body {
        let before = self.open[0].initialized.counter;
        let prove = |number: OnlineCounter| {
            let apdu = apdu::get_transaction_prove(PurseKind::PurseLoad, number.0);
            command(apdu, &[StatusWord::DONE, StatusWord::PROOF_NOT_AVAILABLE])
        };
        let initialize = apdu::initialize_for_load(1, AMOUNT, TERMINAL, PurseKind::PurseLoad);
        let commands =
            vec![prove(before.next().unwrap()), prove(before), command(initialize, &[StatusWord::DONE])];
        Body::Commands(CommandList { reference: self.load(), list: LIST_PROBE, commands })
    }

    fn heard(&mut self, outputs: &Outputs) -> Body {
        if outputs.ending != ListEnding::Done {
            return Body::End(End::of(Outcome::PaidNotWritten));
        }
        if outputs.list == LIST_CREDIT {
            return self.loaded(self.proven(outputs.outputs[0].data()).expect("TAC"));
        }
        let (initialized, proofs) = outputs.outputs.split_last().unwrap();
        let tacs = proofs.iter().filter_map(|proof| proof.data().get(4..));
        match tacs.filter_map(|tac| self.proven(tac)).next() {
            Some(balance) => self.loaded(balance),
            None => self.attempt(InitializeAnswer::parse(initialized.data().try_into().unwrap())),
        }
    }

    fn loaded(&self, balance: Fen) -> Body {
        Body::End(End {
            reference: Some(self.load()),
            asn: Some(asn()),
            amount: Some(AMOUNT),
            balance: Some(balance),
            ..End::of(Outcome::Loaded)
        })
    }
}

fn reference(byte: u8, number: u8) -> Reference {
    let mut reference = Reference([byte; 16]);
    reference.0[15] = number;
    reference
}

fn activate(reference: Reference, challenge: [u8; 4]) -> Body {
    let dates = [[0x20, 0x26, 0x11, 0x21], [0x20, 0x36, 0x11, 0x21]].concat();
    let header = apdu::update_binary_secure_header(0x15, 20, dates.len());
    let mac = masters().maintenance.diversify(asn()).secure_message(challenge, header, &dates);
    let update = command(apdu::update_binary_secure(0x15, 20, &dates, mac), &[StatusWord::DONE]);
    Body::Commands(CommandList { reference, list: 1, commands: vec![update] })
}

fn command(apdu: Vec<u8>, allowed: &[StatusWord]) -> Command {
    Command { apdu, allowed: allowed.to_vec() }
}
