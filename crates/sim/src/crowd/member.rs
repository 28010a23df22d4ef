//! One card of a crowd: a controller whose time its lane moves.
//!
//! For: taking a payment through its stages, frame by frame. Refuses: sockets and CoAP; the lane carries
//! what [`Member`] wants sent and hands it what came.

use std::time::Instant;

use air::card::{
    Action, Card, Edge, Flash, GUARD_MILLIS, Light, Limits, PRESS_GAP_MILLIS, Screen, Shown, Uptime,
};
use air::{FrameBytes, Kind, Outcome};
use tokio::sync::oneshot;

use super::PaymentTimes;
use crate::frame_note::kind_of;
use crate::{CardImage, PayError, SoftElement};

/// The crowd keeps time itself: a card must not give up on its own, whose clock is a fiction.
const ANSWER_MILLIS: u64 = 3_600_000;
/// As much as the protocol allows: a crowd's flash is free, its writes are not.
const RESERVE_SECONDS: u32 = 300;
/// A quick finger: down, and up.
const FINGER_MILLIS: u64 = 60;
/// After three retries a card gives up by itself; a clock costs one hello more.
const TURNS_MAX: u8 = 8;

/// What a card is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Pay { presses: u8 },
    Greet,
}

/// Whoever waits for a card.
pub(super) type Reply = oneshot::Sender<Result<PaymentTimes, PayError>>;

pub(super) struct Member {
    card: Card<SoftElement>,
    limits: Limits,
    flash: Flash,
    /// How far this card's time runs ahead of its lane's.
    ahead: u64,
    job: Option<Job>,
}

struct Job {
    goal: Goal,
    reply: Reply,
    sent_at: Instant,
    sent: Option<Kind>,
    turns: u8,
    hello: usize,
    times: PaymentTimes,
}

impl Member {
    pub(super) fn new(image: &CardImage) -> Self {
        Self::with(image, image.limits())
    }

    /// A card whose bearer vouches for its channel.
    pub(super) fn brief(image: &CardImage) -> Self {
        Self::with(image, Limits { channel_on_air: false, ..image.limits() })
    }

    fn with(image: &CardImage, limits: Limits) -> Self {
        let limits = Limits { answer_millis: ANSWER_MILLIS, reserve_seconds: RESERVE_SECONDS, ..limits };
        Self {
            card: Card::new(image.element.clone(), limits.clone(), Flash::default()),
            limits,
            flash: Flash::default(),
            ahead: 0,
            job: None,
        }
    }

    /// Presses the key of an idle card.
    pub(super) fn begin(&mut self, lane: u64, goal: Goal, reply: Reply) -> Option<FrameBytes> {
        if self.job.is_some() {
            // Whoever asked may be gone; then nobody wants to know.
            let _ = reply.send(Err(PayError::Busy));
            return None;
        }
        self.job = Some(Job {
            goal,
            reply,
            sent_at: Instant::now(),
            sent: None,
            turns: 0,
            hello: 0,
            times: PaymentTimes::default(),
        });
        self.card.handle_key(self.now(lane), Edge::Down);
        self.card.handle_key(self.now(lane), Edge::Up);
        self.next(lane)
    }

    /// An answer's payload. Gives back the next frame to send, if there is one.
    pub(super) fn answered(&mut self, lane: u64, payload: &[u8]) -> Option<FrameBytes> {
        let job = self.job.as_mut()?;
        let took = job.sent_at.elapsed();
        if job.sent == Some(Kind::Hello) {
            job.times.hello_to_transaction = took;
        } else {
            job.times.result_to_receipt = took;
        }
        let now = self.now(lane);
        if payload.is_empty() {
            self.card.handle_nothing_waits(now);
        } else if let Err(ignored) = self.card.handle_frame(now, payload) {
            self.fail(PayError::Ignored(ignored));
            return None;
        }
        if kind_of(payload) == Some(Kind::Transaction)
            && let Some(job) = &mut self.job
        {
            job.times.bytes = job.hello as u32 + payload.len() as u32;
        }
        if self.card.light() == Light::Prompt {
            self.press(lane);
        }
        self.next(lane)
    }

    /// The exchange failed. The card goes off and on; its marks stay, its open decision does not: a crowd
    /// measures payments, it does not mend them.
    pub(super) fn fail(&mut self, why: PayError) {
        self.flash.latched = None;
        self.card = Card::new(self.card.element().clone(), self.limits.clone(), self.flash.clone());
        self.finish(Err(why));
    }

    fn finish(&mut self, end: Result<(), PayError>) {
        if let Some(job) = self.job.take() {
            let _ = job.reply.send(end.map(|()| job.times));
        }
    }

    fn now(&self, lane: u64) -> Uptime {
        Uptime(lane.saturating_add(self.ahead))
    }

    /// What a holder does in two seconds, in none: only this card's time moves.
    fn press(&mut self, lane: u64) {
        let Some(Job { goal: Goal::Pay { presses }, .. }) = self.job else {
            return;
        };
        self.ahead += GUARD_MILLIS;
        for _ in 0..presses {
            self.card.handle_key(self.now(lane), Edge::Down);
            self.ahead += FINGER_MILLIS;
            self.card.handle_key(self.now(lane), Edge::Up);
            self.ahead += FINGER_MILLIS;
        }
        self.ahead += PRESS_GAP_MILLIS;
        self.card.handle_timeout(self.now(lane));
    }

    /// Looks where the card stands after an event: it has a frame to send, waits out a pause, or is done.
    fn next(&mut self, lane: u64) -> Option<FrameBytes> {
        loop {
            if let Some(frame) = self.drain() {
                return Some(frame);
            }
            if self.card.light() != Light::Working {
                self.settle(lane);
                return None;
            }
            // Sent back to S1: the pause before the next hello is not the platform's time.
            let until = self.card.poll_timeout();
            let Some(until) = until.filter(|_| self.may_turn()) else {
                // An answer to a result that is none, or a platform that sends back for ever.
                self.fail(PayError::Unexpected);
                return None;
            };
            self.ahead += until.since(self.now(lane));
            self.card.handle_timeout(self.now(lane));
        }
    }

    /// Whether the card waits between two hellos, and not for the first time too often.
    fn may_turn(&mut self) -> bool {
        self.job.as_mut().is_some_and(|job| {
            job.turns += 1;
            job.sent == Some(Kind::Hello) && job.turns < TURNS_MAX
        })
    }

    /// Stores what is to be stored; gives back what is to be sent. One event never makes two frames here: a
    /// card of the crowd takes no pushes and so is never busy.
    fn drain(&mut self) -> Option<FrameBytes> {
        let mut frame = None;
        while let Some(action) = self.card.poll_action() {
            match action {
                Action::Store(flash) => self.flash = flash,
                Action::Transmit(bytes) => frame = Some(bytes),
            }
        }
        let (bytes, job) = (frame.as_ref()?, self.job.as_mut()?);
        job.sent = kind_of(bytes);
        job.sent_at = Instant::now();
        match job.sent {
            Some(Kind::Hello) => job.hello = bytes.len(),
            _ => job.times.bytes += bytes.len() as u32,
        }
        frame
    }

    /// The card says how it ended.
    fn settle(&mut self, lane: u64) {
        let Some(goal) = self.job.as_ref().map(|job| job.goal) else {
            return;
        };
        let end = match (goal, self.card.screen(self.now(lane))) {
            (Goal::Pay { .. }, Screen::Notice(Shown::Receipt(Outcome::Settled)))
            | (Goal::Greet, Screen::Notice(Shown::NothingWaits)) => Ok(()),
            (Goal::Pay { .. }, Screen::Notice(Shown::Receipt(outcome))) => Err(PayError::Voided(outcome)),
            (Goal::Pay { .. }, Screen::Notice(Shown::NothingWaits)) => Err(PayError::NothingWaits),
            (_, Screen::Notice(Shown::SentBack)) => Err(PayError::SentBack),
            _ => {
                // An order for a card that only greeted, or a light that no answer leads to.
                self.fail(PayError::Unexpected);
                return;
            }
        };
        self.finish(end);
    }
}
