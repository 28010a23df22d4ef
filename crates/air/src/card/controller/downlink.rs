//! S5 and what else comes from the platform: right code first, then the mark, then anything else.

use model::{Decision, Outcome, TimeFactor};

use super::{Card, Greeted, PUSH_AHEAD_SECONDS_MAX, Prompt, RETRIES_MAX, RETRY_PAUSE_MILLIS, State};
use crate::card::key::KeyReader;
use crate::card::{Ignored, SecureElement, Shown, Uptime};
use crate::frame::{Factor, Frame, Kind, retry_reason};
use crate::seal::{OpenText, open};
use crate::text::{Answering, Transaction, TransactionContext};
use crate::{OpenError, TextError};

impl<E: SecureElement> Card<E> {
    /// A frame from the platform. `Err` says why it changed nothing; a card shows none of that.
    pub fn handle_frame(&mut self, now: Uptime, bytes: &[u8]) -> Result<(), Ignored> {
        self.handle_timeout(now);
        if let Some(_reason) = retry_reason(bytes) {
            return self.handle_retry(now);
        }
        let frame = Frame::parse(bytes)?;
        if frame.channel.is_some_and(|channel| channel != self.element.link().channel) {
            return Err(Ignored::OtherChannel);
        }
        match frame.kind {
            Kind::Transaction => self.handle_transaction(now, &frame),
            Kind::Clock => self.handle_clock(now, &frame),
            Kind::Receipt => self.handle_receipt(now, &frame),
            Kind::Hello | Kind::Result | Kind::Status | Kind::Retry => Err(Ignored::WrongDirection),
        }
    }

    /// A card obeys a retry only while it waits for the answer to a hello, and not for ever.
    fn handle_retry(&mut self, now: Uptime) -> Result<(), Ignored> {
        let State::Greeting { sent_back, .. } = self.state else {
            return Err(Ignored::NotAwaited);
        };
        // Durably: the next hello is full even if the power goes first, or if that hello is lost.
        if self.flash.introduced {
            self.flash.introduced = false;
            self.store();
        }
        if sent_back >= RETRIES_MAX {
            self.show(now, Shown::SentBack);
            return Ok(());
        }
        let pause = RETRY_PAUSE_MILLIS << (2 * sent_back);
        self.state = State::Pausing { until: now + pause, sent_back: sent_back + 1 };
        Ok(())
    }

    /// The factor of a downlink: wide, or completed against the card's own clock.
    fn complete(&self, now: Uptime, factor: Factor) -> Result<TimeFactor, Ignored> {
        match factor {
            Factor::Wide(factor) => Ok(factor),
            Factor::Narrow(_) => {
                let clock = self.clock.now(now).ok_or(Ignored::NarrowWithoutClock)?;
                factor.complete(clock).ok_or(Ignored::WrongCode)
            }
        }
    }

    /// The hello whose answer would be taken.
    fn greeted(&self) -> Option<Greeted> {
        match &self.state {
            State::Greeting { a, until, .. } => Some(Greeted { a: *a, until: *until }),
            State::Prompting(prompt) => prompt.greeted,
            State::Idle | State::Pausing { .. } | State::Reporting { .. } | State::Showing { .. } => None,
        }
    }

    fn is_above_mark(&self, b: TimeFactor) -> bool {
        self.flash.downlink_mark.is_none_or(|mark| b > mark)
    }

    /// S5.
    fn handle_transaction(&mut self, now: Uptime, frame: &Frame<'_>) -> Result<(), Ignored> {
        let b = self.complete(now, frame.factor)?;
        let mut greeted = self.greeted().filter(|greeted| now < greeted.until);
        let (text, context) = self.open_transaction(frame, b, greeted.map(|greeted| greeted.a))?;
        if !self.is_above_mark(b) {
            return Err(Ignored::NotAboveMark);
        }
        let transaction = Transaction::from_bytes(&text)?;
        match context.answering {
            Answering::Hello(_) => {
                self.clock.set(now, b);
                self.flash.introduced = true;
                greeted = None;
            }
            Answering::Nothing => {
                // A push never sets the clock; without one it cannot be judged.
                let clock = self.clock.now(now).ok_or(Ignored::NotFresh)?;
                let age = clock.seconds_after(b);
                if age >= i64::from(transaction.lifetime.seconds()) || age < -PUSH_AHEAD_SECONDS_MAX {
                    return Err(Ignored::NotFresh);
                }
            }
        }
        self.flash.downlink_mark = Some(b);
        if let State::Prompting(prompt) = &mut self.state
            && prompt.key.is_touched()
        {
            prompt.greeted = greeted;
            // A finger that answers one question must not be taken for the answer to another.
            self.store();
            self.answer_busy(b, &context, &transaction);
            return Ok(());
        }
        self.flash.latched = None;
        self.store();
        let lifetime = transaction.lifetime.seconds();
        // A factor ahead of the card's clock lengthens nothing.
        let until = self.clock.uptime_at(b, lifetime).min(now + u64::from(lifetime) * 1000);
        let over_limit = self.is_over_limit(&transaction);
        let key = KeyReader::lit(now, self.finger_on_key);
        self.state = State::Prompting(Prompt { b, context, transaction, until, key, greeted });
        if over_limit {
            self.decide(now, Decision::OverLimit);
        }
        Ok(())
    }

    /// Compares the code as an answer to the awaited hello, then as a push.
    fn open_transaction(
        &self,
        frame: &Frame<'_>,
        b: TimeFactor,
        awaited: Option<TimeFactor>,
    ) -> Result<(OpenText, TransactionContext), Ignored> {
        let information = self.element.information();
        let candidates = [awaited.map(Answering::Hello), Some(Answering::Nothing)];
        for answering in candidates.into_iter().flatten() {
            let context =
                TransactionContext { answering, number: information.number, holder: information.holder };
            match open(&self.element, &self.element.link(), frame, b, &[&context.to_bytes()]) {
                Ok(text) => return Ok((text, context)),
                Err(OpenError::WrongCode) => {}
                Err(OpenError::KeyUnavailable) => return Err(Ignored::ElementFailed),
            }
        }
        Err(Ignored::WrongCode)
    }

    fn is_over_limit(&self, transaction: &Transaction) -> bool {
        let amount = transaction.amount;
        self.limits.amount_minor_max.is_some_and(|max| amount.minor() > max)
            || self.limits.currency.is_some_and(|only| amount.currency() != only)
    }

    fn handle_clock(&mut self, now: Uptime, frame: &Frame<'_>) -> Result<(), Ignored> {
        let State::Greeting { a, clocks, without_clock, .. } = self.state else {
            return Err(Ignored::NotAwaited);
        };
        let b = self.complete(now, frame.factor)?;
        match open(&self.element, &self.element.link(), frame, b, &[&a.seconds().to_be_bytes()]) {
            Ok(_) => {}
            Err(OpenError::WrongCode) => return Err(Ignored::WrongCode),
            Err(OpenError::KeyUnavailable) => return Err(Ignored::ElementFailed),
        }
        if !self.is_above_mark(b) {
            return Err(Ignored::NotAboveMark);
        }
        self.flash.downlink_mark = Some(b);
        self.flash.introduced = true;
        self.store();
        self.clock.set(now, b);
        // Without a clock, the clock is the whole answer: no order waits. With a wrong one, the hello was
        // not admitted and is made anew with the right time, once.
        if without_clock || clocks > 0 {
            self.show(now, Shown::NothingWaits);
        } else {
            self.greet(now, 0, clocks + 1);
        }
        Ok(())
    }

    /// S7, the card's side.
    fn handle_receipt(&mut self, now: Uptime, frame: &Frame<'_>) -> Result<(), Ignored> {
        let Some(latched) = &self.flash.latched else {
            return Err(Ignored::NotAwaited);
        };
        let b = frame.factor.complete(latched.b).ok_or(Ignored::WrongCode)?;
        if b != latched.b {
            return Err(Ignored::NotAwaited);
        }
        let link = self.element.link();
        let text = match open(&self.element, &link, frame, b, &[&latched.text.to_bytes()]) {
            Ok(text) => text,
            Err(OpenError::WrongCode) => return Err(Ignored::WrongCode),
            Err(OpenError::KeyUnavailable) => return Err(Ignored::ElementFailed),
        };
        let &[outcome] = text.as_slice() else {
            return Err(TextError::WrongLength.into());
        };
        let outcome = Outcome::from_byte(outcome).ok_or(TextError::UnknownOutcome)?;
        self.flash.latched = None;
        self.store();
        // A receipt that comes late must not take the light from a newer question.
        if matches!(self.state, State::Reporting { .. } | State::Showing { .. } | State::Idle) {
            self.show(now, Shown::Receipt(outcome));
        }
        Ok(())
    }
}
