//! The terminal application: hands messages between driver and bank until one says that it is the end. Sans-IO.
//!
//! For: one loop for every industry and every flow, old and new. Of a message it reads the first letter and no
//! more; a test holds this file to that.
//! Refuses: any meaning. What a card is asked, what is paid and what is shown is for driver, bank and face.
//!
//! **The contract.** [`Application::open`], then do what [`Application::step`] says and tell how that went, until
//! [`Step::End`]. Between two calls the step stays the same.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::Outcome;
use crate::driver::{CardNeed, DriverEnd, Need};
use crate::message::{Letter, letter_of};

/// How many messages one transaction may send to the bank. The longest flow of this version sends three.
pub const ROUNDS_MAX: u8 = 8;

/// What the shell does next.
#[derive(Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask the holder for the card, and wait for it: [`Application::card_presented`] or [`Application::time_out`].
    PresentCard,
    /// This command to the card: [`Application::answered`] or [`Application::card_gone`].
    Transmit(Vec<u8>),
    /// This message to the bank: [`Application::received`] or [`Application::unanswered`].
    Exchange {
        /// As it stands.
        message: String,
        /// What becomes of the card meanwhile.
        card: CardNeed,
    },
    /// The transaction is over; the face shows this.
    End(String),
}

/// A step shows no more of itself than the need it comes from.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let need = match self.clone() {
            Self::PresentCard => Need::PresentCard,
            Self::Transmit(apdu) => Need::Transmit(apdu),
            Self::Exchange { message, card } => Need::Send { message, card },
            Self::End(text) => Need::End(text),
        };
        need.fmt(f)
    }
}

/// The loop between a driver and the bank, for one transaction.
pub struct Application<D> {
    driver: D,
    rounds: u8,
    /// A message is with the bank. Two rounds may send the same bytes, so the step alone does not tell.
    waits: bool,
    step: Step,
}

impl<D: DriverEnd> Application<D> {
    /// A loop around a driver to which nothing was said yet.
    pub fn new(mut driver: D) -> Self {
        let step = match driver.need() {
            Need::PresentCard => Step::PresentCard,
            Need::Transmit(apdu) => Step::Transmit(apdu),
            Need::Send { message, card } => Step::Exchange { message, card },
            Need::End(text) => Step::End(text),
        };
        Self { driver, rounds: 0, waits: false, step }
    }

    /// Begins with what the holder gave, as the face wrote it.
    pub fn open(&mut self, text: &str) {
        self.driver.open(text);
        self.go_on();
    }

    /// What to do now; the same until something is told.
    pub fn step(&self) -> Step {
        self.step.clone()
    }

    /// How many messages went to the bank.
    pub fn rounds(&self) -> u8 {
        self.rounds
    }

    /// The card is in the field.
    pub fn card_presented(&mut self) {
        self.tell(D::card_presented);
    }

    /// What the card answered, with its status word.
    pub fn answered(&mut self, answer: &[u8]) {
        if let Step::Transmit(_) = self.step {
            self.driver.answered(answer);
            self.go_on();
        }
    }

    /// The card is gone. While a message is with the bank, its answer is still waited for.
    pub fn card_gone(&mut self) {
        self.tell(D::card_gone);
    }

    /// What the bank answered. An end is shown as it stands; all else is the driver's.
    pub fn received(&mut self, text: &str) {
        let Step::Exchange { .. } = self.step else {
            return;
        };
        self.waits = false;
        match letter_of(text) {
            Ok(Letter::End) => self.step = Step::End(text.into()),
            // What is no message at all is the driver's too: it knows whether money may be set aside.
            Ok(Letter::GoOn) | Err(_) => {
                self.driver.received(text);
                self.go_on();
            }
        }
    }

    /// The bank did not answer.
    pub fn unanswered(&mut self) {
        if let Step::Exchange { .. } = self.step {
            self.waits = false;
            self.driver.unanswered();
            self.go_on();
        }
    }

    /// The holder does not want it any more.
    pub fn cancel(&mut self) {
        self.stop(Outcome::Canceled);
    }

    /// No card came in time.
    pub fn time_out(&mut self) {
        self.stop(Outcome::TimedOut);
    }

    /// It cannot go on: the reader is gone, the bank refuses the terminal… The driver says something else where
    /// money may be set aside, and first tells the bank what the card has said.
    pub fn stop(&mut self, why: Outcome) {
        self.tell(|driver| driver.stop(why));
    }

    fn tell(&mut self, event: impl FnOnce(&mut D)) {
        if let Step::End(_) = self.step {
            return;
        }
        event(&mut self.driver);
        self.go_on();
    }

    /// Takes the driver's next need for the step. A need that stays the same is the same round.
    fn go_on(&mut self) {
        self.step = match self.driver.need() {
            Need::PresentCard => Step::PresentCard,
            Need::Transmit(apdu) => Step::Transmit(apdu),
            Need::Send { message, card } => match letter_of(&message) {
                Ok(Letter::End) => Step::End(message),
                Ok(Letter::GoOn) => return self.exchange(message, card),
                Err(_) => self.end_because(Outcome::Malformed),
            },
            Need::End(text) => Step::End(text),
        };
    }

    fn exchange(&mut self, message: String, card: CardNeed) {
        let next = Step::Exchange { message, card };
        if self.waits && next == self.step {
            return;
        }
        self.step = if self.rounds == ROUNDS_MAX {
            self.end_because(Outcome::TooManyRounds)
        } else {
            self.rounds += 1;
            self.waits = true;
            next
        };
    }

    fn end_because(&mut self, why: Outcome) -> Step {
        self.driver.stop(why);
        match self.driver.need() {
            Need::End(text) => Step::End(text),
            // A driver that does not stop has nothing to show either; the face says what an empty end means.
            Need::PresentCard | Need::Transmit(_) | Need::Send { .. } => Step::End(String::new()),
        }
    }
}

impl<D> fmt::Debug for Application<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Application");
        f.field("rounds", &self.rounds).field("step", &self.step).finish_non_exhaustive()
    }
}
