//! Supplementary load, and what a card answered: the counter decides, the TAC proves, a timeout means nothing.

use crypto::{KeyStoreError, LoadReceipt, PurseCode, PurseKind};
use model::{IndustryCode, OnlineCounter, PurseTime};
use packs::Product;
use payment::{CardSays, LoadEvent, LoadState};
use store::{LoadAttempt, StoredLoad, Unit, Wallet, WalletState};
use tap::{
    Body, CardReading, Command, CommandList, InitializeAnswer, ListEnding, LogRecord, Outcome, Outputs,
    ProofNumber, Reference, RefusalCode, StatusWord, apdu,
};

use super::Bank;
use super::envelope::{Asker, Refused};
use super::load::{
    LIST_CREDIT, LIST_LOG, LIST_PROBE, MAC1_WRONG, MAC2_REFUSED, Offer, RETURNED_LOAD_ON_CARD, TAC_WRONG,
    alarm, check_issuer, credit, same_activation,
};
use super::reply::{Answered, contradiction, end, loaded};
use super::settle::keep;

/// What a list of outputs was found to say, before the unit of work.
enum Finding {
    /// The card answered a TAC over this attempt, and the key store agrees.
    Proven(LoadAttempt),
    /// The card answered a TAC that agrees with no attempt.
    WrongTac,
    /// The card did not accept the MAC2.
    Mac2Refused,
    /// Nothing certain: the next tap decides.
    Torn,
    /// MAC1 of the card's new answer is wrong.
    WrongMac1,
    /// The card's counter and balance, proven by MAC1, with a MAC2 for the case that it did not take the load.
    Counter { counter: OnlineCounter, offer: Offer, proven: Option<LoadAttempt> },
    /// The card's counter is at its end: nothing more can be written.
    CounterEnd,
    /// The card's log, for the console.
    Log(Vec<u8>),
}

impl Bank {
    /// Supplementary load: is there a load of this card to be finished?
    pub(super) async fn take_up(
        &self,
        asker: Asker,
        industry: IndustryCode,
        reading: CardReading,
    ) -> Answered {
        let Some(product) = self.product(industry) else {
            return self.refuse(asker, Outcome::UnknownIndustry).await;
        };
        let pack = self.pack(industry);
        let first = pack.as_ref().map_or(ProofNumber::After, |pack| pack.proof_number);
        let key_index = pack.as_ref().map_or(1, |pack| pack.key_index);
        self.inner
            .app
            .write::<_, Refused>(move |unit| {
                asker.take_turn(unit)?;
                // What is paid reaches the card also after its last day.
                if let Err(outcome) = check_issuer(&reading, &product) {
                    return Ok(end(outcome));
                }
                let Some(wallet) = unit.wallet(reading.asn)? else { return Ok(end(Outcome::UnknownCard)) };
                if wallet.industry != industry {
                    return Ok(end(Outcome::ForeignCard));
                }
                let Some(open) = unit.unfinished_load(reading.asn)? else {
                    return Ok(end(Outcome::NothingOpen));
                };
                // One in doubt is asked about as well: a proof closes it, whoever else it waits for.
                Ok(probe(&open, first, key_index))
            })
            .await
    }

    /// What the card answered to a list.
    pub(super) async fn load_outputs(&self, asker: Asker, outputs: Outputs) -> Answered {
        let id = payment::LoadId(u128::from_be_bytes(outputs.reference.0));
        let known = self.inner.app.store().peek(|rows| {
            let Some(load) = rows.load(id)? else { return Ok(None) };
            Ok(Some((rows.attempts(id)?, load)))
        })?;
        // Neither is an end: a terminal that hears an end forgets what the card said.
        let Some((attempts, load)) = known else {
            let detail = Some("unknown_reference".to_owned());
            return Err(Refused { code: RefusalCode::MalformedMessage, detail });
        };
        let industry = load.load.industry;
        let product = self.product(industry).ok_or_else(|| Refused::new(RefusalCode::Unavailable))?;
        let finding = match outputs.list {
            LIST_CREDIT => self.credited(&product, &load, &attempts, &outputs)?,
            LIST_PROBE => self.probed(&product, &load, &attempts, &outputs, asker)?,
            LIST_LOG => Finding::Log(log(&outputs)),
            _ => return self.refuse(asker, Outcome::Malformed).await,
        };
        let attempts_max = self.inner.rules.attempts_max;
        let log_file = self.pack(industry).map_or(0x1a, |pack| pack.load_log_file);
        self.inner
            .app
            .write::<_, Refused>(move |unit| {
                asker.take_turn(unit)?;
                let load = unit.load(id)?.ok_or_else(|| contradiction("a load that went away"))?;
                decide(unit, load, &finding, asker, attempts_max, log_file)
            })
            .await
    }

    /// List 2: CREDIT FOR LOAD answered a TAC, or it did not.
    fn credited(
        &self,
        product: &Product,
        load: &StoredLoad,
        attempts: &[LoadAttempt],
        outputs: &Outputs,
    ) -> Result<Finding, Refused> {
        let Some(output) = outputs.outputs.first() else { return Ok(Finding::Torn) };
        match (outputs.ending, output.status()) {
            (ListEnding::Done, Some(StatusWord::DONE)) => {}
            (ListEnding::Mismatch, Some(StatusWord::MAC_INVALID)) => return Ok(Finding::Mac2Refused),
            (ListEnding::Done | ListEnding::Mismatch | ListEnding::CardGone, _) => return Ok(Finding::Torn),
        }
        let Ok(tac) = <[u8; 4]>::try_from(output.data()) else { return Ok(Finding::WrongTac) };
        let proven = self.proven(product, load, attempts, PurseCode(tac))?;
        Ok(proven.map_or(Finding::WrongTac, Finding::Proven))
    }

    /// List 1: two proofs and a fresh INITIALIZE.
    fn probed(
        &self,
        product: &Product,
        load: &StoredLoad,
        attempts: &[LoadAttempt],
        outputs: &Outputs,
        asker: Asker,
    ) -> Result<Finding, Refused> {
        let Some((initialized, proofs)) = outputs.outputs.split_last() else { return Ok(Finding::Torn) };
        let mut proven = None;
        for proof in proofs.iter().filter(|proof| proof.status() == Some(StatusWord::DONE)) {
            // MAC2 or MAC1 4, then TAC 4.
            let Some(tac) = proof.data().get(4..8).and_then(|tac| <[u8; 4]>::try_from(tac).ok()) else {
                continue;
            };
            proven = proven.or(self.proven(product, load, attempts, PurseCode(tac))?);
        }
        match outputs.ending {
            ListEnding::Done => {}
            ListEnding::Mismatch | ListEnding::CardGone => {
                // No code proves this word: it is believed only where the load is the last that a counter allows.
                let at_its_end = initialized.status() == Some(StatusWord::COUNTER_END)
                    && load.load.counter.0 >= u16::MAX - 1;
                let unproven = if at_its_end { Finding::CounterEnd } else { Finding::Torn };
                // What is proven is proven, whatever the card did not do after it: one at its counter's end
                // initializes no more.
                return Ok(proven.map_or(unproven, Finding::Proven));
            }
        }
        let Ok(answer) = <[u8; 16]>::try_from(initialized.data()) else { return Ok(Finding::Torn) };
        let answer = InitializeAnswer::parse(&answer);
        let request = answer.request(load.load.amount, PurseKind::PurseLoad, load.terminal);
        let when = PurseTime::at(asker.now);
        let Some(offer) = self.offer(product, request, load.load.asn, answer.mac1, when)? else {
            return Ok(Finding::WrongMac1);
        };
        Ok(Finding::Counter { counter: answer.counter, offer, proven })
    }

    /// The attempt that a TAC proves. Every attempt is asked: a delayed message may have made one more after
    /// the one that the card took.
    fn proven(
        &self,
        product: &Product,
        load: &StoredLoad,
        attempts: &[LoadAttempt],
        tac: PurseCode,
    ) -> Result<Option<LoadAttempt>, Refused> {
        for attempt in attempts {
            let Some(balance_after) = attempt.balance.plus(load.load.amount) else { continue };
            let receipt = LoadReceipt {
                balance_after,
                counter: load.load.counter,
                amount: load.load.amount,
                kind: PurseKind::PurseLoad,
                terminal: attempt.terminal,
                when: attempt.when,
            };
            match self.inner.keys.verify_load_receipt(product.keys.tac, load.load.asn, &receipt, tac) {
                Ok(()) => return Ok(Some(attempt.clone())),
                Err(KeyStoreError::WrongCode) => {}
                Err(trouble) => return Err(trouble.into()),
            }
        }
        Ok(None)
    }
}

/// What the card says becomes what the load is: one place.
fn decide(
    unit: &mut dyn Unit,
    mut stored: StoredLoad,
    finding: &Finding,
    asker: Asker,
    attempts_max: usize,
    log_file: u8,
) -> Answered {
    if !stored.load.state.is_unfinished() {
        // Said before: a repeated report, or a message that was long on its way. It changes nothing.
        return Ok(match stored.load.state {
            LoadState::Closed | LoadState::SettledCredited => loaded(&stored.load, None),
            LoadState::SettledReturned | LoadState::Reversed => {
                return given_back(unit, &stored, finding, asker);
            }
            LoadState::Open | LoadState::InDoubt => end(Outcome::NothingOpen),
        });
    }
    let asn = stored.load.asn;
    match finding {
        Finding::Proven(attempt) => close(unit, stored, attempt, asker),
        Finding::Counter { counter, offer, proven } => match (stored.load.card_says(*counter), proven) {
            (_, Some(attempt)) => close(unit, stored, attempt, asker),
            (CardSays::NotTaken, None) => {
                if stored.load.state == LoadState::InDoubt {
                    return Ok(end(Outcome::InDoubt));
                }
                if let Some(attempt) = same_activation(unit, stored.load.id, offer)? {
                    return Ok(credit(&attempt));
                }
                let newest = unit.attempts(stored.load.id)?.first().map_or(0, |attempt| attempt.number);
                if usize::from(newest) >= attempts_max {
                    return doubt(unit, stored, "too many attempts", asker).map(|()| end(Outcome::InDoubt));
                }
                let attempt = offer.attempt(stored.load.id, newest.saturating_add(1));
                unit.add_attempt(&attempt)?;
                keep(unit, &mut stored, LoadEvent::OfferedAgain, None, asker.now)?;
                Ok(credit(&attempt))
            }
            (CardSays::Taken, None) => {
                let commands = read_log(&stored, log_file);
                doubt(unit, stored, "the counter says taken, no proof agrees", asker)?;
                Ok(commands)
            }
            (CardSays::Neither, None) => {
                let commands = read_log(&stored, log_file);
                let note =
                    format!("the card's counter is {}, the load's {}", counter.0, stored.load.counter.0);
                doubt(unit, stored, &note, asker)?;
                Ok(commands)
            }
        },
        Finding::WrongTac => {
            alarm(unit, TAC_WRONG, asn, asker)?;
            Ok(end(Outcome::TacWrong))
        }
        Finding::Mac2Refused => {
            alarm(unit, MAC2_REFUSED, asn, asker)?;
            Ok(end(Outcome::Mac2Refused))
        }
        Finding::WrongMac1 => {
            alarm(unit, MAC1_WRONG, asn, asker)?;
            Ok(end(Outcome::PaidNotWritten))
        }
        Finding::Torn => Ok(end(Outcome::PaidNotWritten)),
        Finding::CounterEnd => {
            doubt(unit, stored, "the card's counter is at its end", asker)?;
            Ok(end(Outcome::InDoubt))
        }
        Finding::Log(records) => {
            if stored.load.state != LoadState::InDoubt || records.len() <= stored.evidence.len() {
                return Ok(end(if stored.load.state == LoadState::InDoubt {
                    Outcome::InDoubt
                } else {
                    Outcome::PaidNotWritten
                }));
            }
            stored.evidence.clone_from(records);
            stored.updated_at = asker.now;
            unit.put_load(&stored)?;
            Ok(end(Outcome::InDoubt))
        }
    }
}

/// The holder has the money again, and the card may prove that it took the load all the same: a MAC2 that was
/// out. Nobody else can mend that; the card is stopped and the issuer told.
fn given_back(unit: &mut dyn Unit, stored: &StoredLoad, finding: &Finding, asker: Asker) -> Answered {
    let proven = match finding {
        Finding::Proven(_) | Finding::Counter { proven: Some(_), .. } => true,
        Finding::Counter { proven: None, .. }
        | Finding::WrongTac
        | Finding::Mac2Refused
        | Finding::Torn
        | Finding::WrongMac1
        | Finding::CounterEnd
        | Finding::Log(_) => false,
    };
    if !proven {
        return Ok(end(Outcome::NothingOpen));
    }
    alarm(unit, RETURNED_LOAD_ON_CARD, stored.load.asn, asker)?;
    let wallet = unit.wallet(stored.load.asn)?;
    if let Some(wallet) = wallet.filter(|wallet| wallet.state.may_be_loaded()) {
        unit.put_wallet(&Wallet { state: WalletState::Frozen, ..wallet })?;
    }
    Ok(end(Outcome::InDoubt))
}

/// The card proved it: the money moves, once.
fn close(unit: &mut dyn Unit, mut stored: StoredLoad, attempt: &LoadAttempt, asker: Asker) -> Answered {
    stored.proven = Some(attempt.number);
    keep(unit, &mut stored, LoadEvent::Proven, None, asker.now)?;
    Ok(loaded(&stored.load, attempt.balance.plus(stored.load.amount)))
}

fn doubt(unit: &mut dyn Unit, mut stored: StoredLoad, note: &str, asker: Asker) -> Result<(), Refused> {
    keep(unit, &mut stored, LoadEvent::Undecidable, Some(note.to_owned()), asker.now)
}

/// Two proofs, in the order that most cards of the pack take, then an INITIALIZE whose answer proves the
/// counter. It comes last: any other command would end what it began.
fn probe(open: &StoredLoad, first: ProofNumber, key_index: u8) -> Body {
    let kind = PurseKind::PurseLoad;
    let load = &open.load;
    let before = load.counter;
    let after = before.next().unwrap_or(before);
    let numbers = match first {
        ProofNumber::After => [after, before],
        ProofNumber::Before => [before, after],
    };
    let mut commands: Vec<Command> = numbers
        .into_iter()
        .map(|number| Command {
            apdu: apdu::get_transaction_prove(kind, number.0),
            allowed: vec![StatusWord::DONE, StatusWord::PROOF_NOT_AVAILABLE],
        })
        .collect();
    commands.push(Command {
        apdu: apdu::initialize_for_load(key_index, load.amount, open.terminal, kind),
        allowed: vec![StatusWord::DONE],
    });
    list(open, LIST_PROBE, commands)
}

fn read_log(stored: &StoredLoad, log_file: u8) -> Body {
    const RECORDS: u8 = 10;
    let commands = (1..=RECORDS)
        .map(|number| Command {
            apdu: apdu::read_record(number, log_file, 23),
            allowed: vec![StatusWord::DONE, StatusWord::NO_SUCH_RECORD],
        })
        .collect();
    list(stored, LIST_LOG, commands)
}

fn list(stored: &StoredLoad, number: u8, commands: Vec<Command>) -> Body {
    Body::Commands(CommandList {
        reference: Reference(stored.load.id.0.to_be_bytes()),
        list: number,
        commands,
    })
}

/// The records that were read, one behind the other.
fn log(outputs: &Outputs) -> Vec<u8> {
    let done = outputs.outputs.iter().filter(|output| {
        output.status() == Some(StatusWord::DONE) && output.data().len() == LogRecord::LENGTH
    });
    done.flat_map(|output| output.data().to_vec()).collect()
}
