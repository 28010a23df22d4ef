//! S6: the first decision, latched; its bytes are all that is ever sent for its B.

use model::{Decision, TimeFactor};

use super::{Card, State};
use crate::card::{Action, Latched, SecureElement, Shown, Uptime};
use crate::frame::{FrameBytes, Head, Kind};
use crate::seal::seal;
use crate::text::{ResultText, Transaction, TransactionContext};

impl<E: SecureElement> Card<E> {
    /// S6: the first decision is latched with the result's bytes, durably, and only then sent.
    pub(super) fn decide(&mut self, now: Uptime, decision: Decision) {
        let State::Prompting(prompt) = &self.state else {
            return;
        };
        let text = ResultText { decision, battery: self.battery };
        let (b, context, shown) = (prompt.b, prompt.context.to_bytes(), prompt.transaction.to_bytes());
        let Some(frame) = self.seal_result(b, &context, &shown, text) else {
            self.show(now, Shown::SentBack);
            return;
        };
        self.asked_for_receipt = false;
        self.flash.latched = Some(Latched { b, text, frame: frame.clone() });
        self.store();
        self.act(Action::Transmit(frame));
        self.state = State::Reporting { until: now + self.limits.answer_millis, repeats: 0 };
    }

    pub(super) fn answer_busy(
        &mut self,
        b: TimeFactor,
        context: &TransactionContext,
        transaction: &Transaction,
    ) {
        let text = ResultText { decision: Decision::Busy, battery: self.battery };
        if let Some(frame) = self.seal_result(b, &context.to_bytes(), &transaction.to_bytes(), text) {
            self.act(Action::Transmit(frame));
        }
    }

    fn seal_result(
        &self,
        b: TimeFactor,
        context: &[u8],
        transaction: &[u8],
        text: ResultText,
    ) -> Option<FrameBytes> {
        let head = Head {
            kind: Kind::Result,
            channel_on_air: self.limits.channel_on_air,
            wide: false,
            x: false,
            z: false,
        };
        seal(&self.element, &self.element.link(), head, b, &[context, transaction], &text.to_bytes()).ok()
    }

    /// Sends the latched result's bytes again.
    pub(super) fn ask_again(&mut self, now: Uptime, repeats: u8) {
        let Some(latched) = &self.flash.latched else {
            self.state = State::Idle;
            return;
        };
        let frame = latched.frame.clone();
        self.act(Action::Transmit(frame));
        // Each wait is twice the one before: a platform that is away is not hammered.
        let wait = self.limits.answer_millis << repeats;
        self.state = State::Reporting { until: now + wait, repeats };
    }
}
