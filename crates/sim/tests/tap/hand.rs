//! The holder's hand, the terminal's loop and the line to the bank, each of which can fail at any moment.

use std::time::Duration;

use model::{Asn, Fen};
use sim::wallet::{Field, SoftReader, SoftWallet, Tear};
use tap::application::{Application, Step};
use tap::reader::Reader as _;
use tap::{CardNeed, Driver, Opening, Outcome, Report};

use crate::counter::{Counter, TERMINAL, bus};

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

/// A terminal's hand: messages that are still on their way, and a field.
#[derive(Default)]
pub(crate) struct Hand {
    pub(crate) under_way: Vec<String>,
}

impl Hand {
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
        let pack = counter.industries.get(bus()).unwrap().pack.clone();
        let mut application = Application::new(Driver::new(pack));
        application.open(&opening.to_text());
        let mut ended = Ended { report: report_of(Outcome::Malformed), in_field: 0, elsewhere: 0, commands: 0 };
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
        match line {
            Line::Good => counter.exchange(message).await.ok(),
            Line::LoseRequest => None,
            Line::LoseAnswer => {
                let _ = counter.exchange(message).await;
                None
            }
            Line::KillBank => {
                let _ = counter.exchange(message).await;
                counter.kill();
                None
            }
            Line::Repeat => {
                let _ = counter.exchange(message).await;
                counter.exchange(message).await.ok()
            }
            Line::Delay => {
                self.under_way.push(message.to_owned());
                None
            }
        }
    }

    /// What was on its way arrives. Nobody waits for the answers.
    pub(crate) async fn deliver_late(&mut self, counter: &Counter) {
        for message in std::mem::take(&mut self.under_way) {
            let _ = counter.exchange(&message).await;
        }
    }
}

fn report_of(outcome: Outcome) -> Report {
    Report { industry: bus(), transaction: tap::Transaction::Balance, end: tap::End::of(outcome) }
}

pub(crate) async fn load_opening(counter: &Counter, asn: Asn, amount: Fen) -> Opening {
    let sms = counter.sms(asn, amount).await;
    Opening::load(bus(), TERMINAL, asn, amount, sms, counter.pin(asn))
}

pub(crate) fn finish_opening(asn: Asn) -> Opening {
    Opening::supplementary_load(bus(), TERMINAL).of_card(asn)
}
