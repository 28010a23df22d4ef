//! The holder's hand, the terminal's loop and the line to the bank, each of which can fail at any moment.

use std::time::Duration;

use model::{Asn, Fen, TerminalId};
use sim::wallet::{Field, SoftReader, SoftWallet, Tear};
use tap::application::{Application, Step};
use tap::reader::Reader as _;
use tap::{CardNeed, Driver, Message, Opening, Outcome, Report};

use crate::counter::{Counter, OTHER_TERMINAL, TERMINAL, bus};

/// What becomes of one message to the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// It arrives, and so does its answer.
    Good,
    /// It never arrives.
    LoseRequest,
    /// The bank does what it says; the answer never arrives.
    LoseAnswer,
    /// The bank does what it says, durably, and is killed before it answers.
    KillBank,
    /// It arrives twice; the terminal goes on with the second answer.
    Repeat,
    /// The terminal hears nothing; the message arrives much later, when others have gone past it.
    Delay,
}

impl Line {
    pub(crate) const BAD: [Self; 5] =
        [Self::LoseRequest, Self::LoseAnswer, Self::KillBank, Self::Repeat, Self::Delay];
}

/// How one transaction is disturbed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Disturbance {
    /// At which command the card is torn away.
    pub(crate) tear: Option<Tear>,
    /// What becomes of the how many-th message, counted from 1.
    pub(crate) line: Option<(u8, Line)>,
    /// Before the how many-th message the late ones of earlier transactions arrive.
    pub(crate) late: Option<u8>,
}

/// What a transaction came to.
pub(crate) struct Ended {
    pub(crate) report: Report,
    /// Round trips while the card had to stay in the field.
    pub(crate) in_field: u8,
    /// Round trips before and after.
    pub(crate) elsewhere: u8,
    /// Commands to the card.
    pub(crate) commands: u32,
}

impl Ended {
    pub(crate) fn outcome(&self) -> Outcome {
        self.report.outcome().unwrap()
    }
}

/// A message that is still on its way.
pub(crate) struct Late {
    terminal: TerminalId,
    message: String,
    envelope: Vec<u8>,
}

/// A holder's hand at a terminal, and what is on its way from wherever it was before.
pub(crate) struct Hand {
    pub(crate) terminal: TerminalId,
    pub(crate) under_way: Vec<Late>,
}

impl Default for Hand {
    fn default() -> Self {
        Self { terminal: TERMINAL, under_way: Vec::new() }
    }
}

impl Hand {
    /// Goes to the other terminal.
    pub(crate) fn walk_over(&mut self) {
        self.terminal = if self.terminal == TERMINAL { OTHER_TERMINAL } else { TERMINAL };
    }

    /// Runs one transaction to its end in peace.
    pub(crate) async fn tap(
        &mut self,
        counter: &mut Counter,
        opening: Opening,
        wallet: &SoftWallet,
    ) -> Ended {
        self.run(counter, opening, wallet, Disturbance::default()).await
    }

    /// Runs one transaction to its end, disturbed.
    pub(crate) async fn run(
        &mut self,
        counter: &mut Counter,
        opening: Opening,
        wallet: &SoftWallet,
        disturbance: Disturbance,
    ) -> Ended {
        wallet.mend();
        if let Some(tear) = disturbance.tear {
            wallet.tear(tear);
        }
        let field = Field::new();
        field.hold(wallet);
        let mut reader = SoftReader::new(field, Duration::ZERO);
        let opening = opening.to_text();
        let industry = Message::parse(&opening).unwrap().industry;
        let pack = counter.industries.get(industry).unwrap().pack.clone();
        let mut application = Application::new(Driver::new(pack));
        application.open(&opening);
        let mut ended =
            Ended { report: report_of(Outcome::Malformed), in_field: 0, elsewhere: 0, commands: 0 };
        let mut message_number = 0;
        loop {
            match application.step() {
                Step::PresentCard => match reader.connect() {
                    Ok(()) => application.card_presented(),
                    Err(_) => application.time_out(),
                },
                Step::Transmit(apdu) => {
                    ended.commands += 1;
                    match reader.transmit(&apdu) {
                        Ok(answer) => application.answered(&answer),
                        Err(_) => application.card_gone(),
                    }
                }
                Step::Exchange { message, card } => {
                    message_number += 1;
                    match card {
                        CardNeed::Waits => ended.in_field += 1,
                        CardNeed::NotYet | CardNeed::Done => ended.elsewhere += 1,
                    }
                    if disturbance.late == Some(message_number) {
                        self.deliver_late(counter).await;
                    }
                    let line = match disturbance.line {
                        Some((number, line)) if number == message_number => line,
                        _ => Line::Good,
                    };
                    match self.send(counter, &message, line).await {
                        Some(answer) => application.received(&answer),
                        None => application.unanswered(),
                    }
                }
                Step::End(text) => {
                    ended.report = Report::read(&text).unwrap();
                    wallet.mend();
                    return ended;
                }
            }
        }
    }

    async fn send(&mut self, counter: &mut Counter, message: &str, line: Line) -> Option<String> {
        let terminal = self.terminal;
        match line {
            Line::Good => counter.exchange_at(terminal, message).await.ok(),
            Line::LoseRequest => None,
            Line::LoseAnswer => {
                let _ = counter.exchange_at(terminal, message).await;
                None
            }
            Line::KillBank => {
                let _ = counter.exchange_at(terminal, message).await;
                counter.kill();
                None
            }
            Line::Repeat => {
                let _ = counter.exchange_at(terminal, message).await;
                counter.exchange_at(terminal, message).await.ok()
            }
            Line::Delay => {
                let (_, envelope) = counter.till(terminal).seal(message, &counter.dice);
                self.under_way.push(Late { terminal, message: message.to_owned(), envelope });
                None
            }
        }
    }

    /// What was on its way arrives: the envelope as it was sealed then, which the bank refuses where newer ones
    /// went past it, and the same message as the terminal sends it once more. Nobody waits for the answers.
    pub(crate) async fn deliver_late(&mut self, counter: &Counter) {
        for late in std::mem::take(&mut self.under_way) {
            let _ = counter.bank.answer(&late.envelope).await;
            let _ = counter.exchange_at(late.terminal, &late.message).await;
        }
    }

    /// An opening of a load here, with a code and a PIN that are right.
    pub(crate) async fn load(&self, counter: &Counter, asn: Asn, amount: Fen) -> Opening {
        let sms = counter.sms_at(self.terminal, asn, amount).await;
        Opening::load(bus(), self.terminal, asn, amount, sms, counter.pin_at(self.terminal, asn))
    }

    /// An opening of a supplementary load here.
    pub(crate) fn finish(&self, asn: Asn) -> Opening {
        Opening::supplementary_load(bus(), self.terminal).of_card(asn)
    }

    /// An opening of an activation here.
    pub(crate) fn activation(&self, counter: &Counter, asn: Asn) -> Opening {
        Opening::activation(bus(), self.terminal, asn, counter.pin_at(self.terminal, asn))
    }
}

fn report_of(outcome: Outcome) -> Report {
    Report { industry: bus(), transaction: tap::Transaction::Balance, end: tap::End::of(outcome) }
}
