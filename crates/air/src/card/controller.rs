//! The main controller: one `match (state, event)` over greeting, prompting, reporting and showing.

use model::{Currency, TimeFactor};

use super::clock::Clock;
use super::display::{Light, Screen, Shown};
use super::flash::{Flash, Latched};
use super::key::{Edge, KeyReader};
use super::{Action, SecureElement, Uptime};
use crate::frame::{Factor, Frame, Head, Kind, retry_reason};
use crate::seal::{open, seal};
use crate::text::{
    Answering, BATTERY_FULL, Decision, Outcome, ResultText, StatusText, Transaction, TransactionContext,
};
use crate::{FrameError, TextError};

/// What this card allows itself, and how it talks.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The most that the card agrees to in one payment, in minor units of `currency`; `None` for no limit.
    pub amount_minor_max: Option<u32>,
    /// The only currency the card pays in; `None` for any.
    pub currency: Option<Currency>,
    /// Whether uplinks carry the channel id, because the bearer does not vouch for it.
    pub channel_on_air: bool,
    /// How long an answer is waited for, in milliseconds: 15 s, or the bearer's.
    pub answer_millis: u64,
    /// How many uplink factors are reserved at once to spare the flash, 0 to 300.
    pub reserve_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            amount_minor_max: None,
            currency: None,
            channel_on_air: true,
            answer_millis: 15_000,
            reserve_seconds: 60,
        }
    }
}

/// A mark further ahead of the clock than this makes the clock worthless, in seconds.
const MARK_AHEAD_SECONDS_MAX: i64 = 300;
/// A push whose factor lies further ahead of the card's clock than this is not fresh, in seconds: the
/// platform's own 60, and as much again for the card's drift.
const PUSH_AHEAD_SECONDS_MAX: i64 = 120;
/// How often the platform may send the card back to S1 in a row.
const RETRIES_MAX: u8 = 3;
/// The pause before the first new hello, in milliseconds; each next one is four times as long.
const RETRY_PAUSE_MILLIS: u64 = 500;
/// How often a result is sent again by itself before the card shows *unknown*.
const REPEATS_MAX: u8 = 3;
/// How long a notice stays, in milliseconds.
const NOTICE_MILLIS: u64 = 6_000;

/// Why an event from outside changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// Not a frame.
    #[error("not a frame: {0}")]
    Malformed(#[from] FrameError),
    /// A kind that only cards send.
    #[error("a frame of another card's direction")]
    WrongDirection,
    /// A channel id that is not this card's.
    #[error("a frame for another channel")]
    OtherChannel,
    /// The code does not agree.
    #[error("the verification code is wrong")]
    WrongCode,
    /// The code agreed, the factor is not above the mark: an old or repeated frame.
    #[error("the time factor is not above the mark")]
    NotAboveMark,
    /// A narrow factor, and no clock to complete it with.
    #[error("a narrow time factor while the clock is not set")]
    NarrowWithoutClock,
    /// A push whose factor is past its lifetime or too far ahead.
    #[error("the pushed transaction is not fresh")]
    NotFresh,
    /// A retry, clock or receipt that nothing waits for.
    #[error("nothing waits for this frame")]
    NotAwaited,
    /// The code agreed and the text is malformed.
    #[error("the text is malformed: {0}")]
    Text(#[from] TextError),
    /// The secure element failed.
    #[error("the secure element failed")]
    ElementFailed,
}

#[derive(Debug)]
enum State {
    Idle,
    /// A hello was sent: its factor, and until when an answer to it counts.
    Greeting { a: TimeFactor, until: Uptime, sent_back: u8, clocks: u8, without_clock: bool },
    /// Sent back to S1; the next hello goes out at `until`.
    Pausing { until: Uptime, sent_back: u8 },
    /// The light is on.
    Prompting(Prompt),
    /// The result was sent; its receipt is awaited.
    Reporting { until: Uptime, repeats: u8 },
    /// Something is shown for a while. `Unknown` stays until a press, a receipt or a newer transaction.
    Showing { shown: Shown, until: Uptime },
}

#[derive(Debug)]
struct Prompt {
    b: TimeFactor,
    context: TransactionContext,
    transaction: Transaction,
    until: Uptime,
    key: KeyReader,
}

/// A connected payment card without its radio, flash and light.
#[derive(Debug)]
pub struct Card<E> {
    element: E,
    limits: Limits,
    flash: Flash,
    /// The last uplink factor used; after a reset, the reserve.
    last_used: Option<TimeFactor>,
    clock: Clock,
    battery: u8,
    finger_on_key: bool,
    state: State,
    actions: heapless::Deque<Action, 8>,
}

impl<E: SecureElement> Card<E> {
    /// Switches a card on with what its flash held. Its clock is not set. A decision whose receipt never
    /// came is *unknown*, and a press asks for it.
    pub fn new(element: E, limits: Limits, flash: Flash) -> Self {
        let state = match flash.latched {
            Some(_) => State::Showing { shown: Shown::Unknown, until: Uptime(u64::MAX) },
            None => State::Idle,
        };
        Self {
            element,
            limits,
            last_used: flash.uplink_mark,
            flash,
            clock: Clock::default(),
            battery: BATTERY_FULL,
            finger_on_key: false,
            state,
            actions: heapless::Deque::new(),
        }
    }

    /// The next thing to do, in order. See the drain contract of [`crate::card`].
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Card::handle_timeout`] wants to be called if nothing else happens.
    pub fn poll_timeout(&self) -> Option<Uptime> {
        match &self.state {
            State::Idle => None,
            State::Greeting { until, .. }
            | State::Pausing { until, .. }
            | State::Reporting { until, .. } => Some(*until),
            State::Prompting(prompt) => {
                Some(prompt.key.deadline().map_or(prompt.until, |key| key.min(prompt.until)))
            }
            State::Showing { shown: Shown::Unknown, .. } => None,
            State::Showing { until, .. } => Some(*until),
        }
    }

    /// The battery as the next frames will tell it, 0 to 200.
    pub fn set_battery(&mut self, half_percents: u8) {
        self.battery = half_percents.min(BATTERY_FULL);
    }

    /// Whether the platform's answer has set the clock since the card was switched on.
    pub fn clock_is_set(&self) -> bool {
        self.clock.is_set()
    }

    /// The secure element.
    pub fn element(&self) -> &E {
        &self.element
    }

    /// What the LED does.
    pub fn light(&self) -> Light {
        match &self.state {
            State::Idle => Light::Off,
            State::Greeting { .. } | State::Pausing { .. } | State::Reporting { .. } => Light::Working,
            State::Prompting(_) => Light::Prompt,
            State::Showing { shown, .. } => match shown {
                Shown::Receipt(Outcome::Settled) => Light::Green,
                Shown::Receipt(
                    Outcome::TooLate | Outcome::Refused | Outcome::ByPlatform | Outcome::WrongPresses,
                )
                | Shown::SentBack => Light::Red,
                Shown::Unknown | Shown::NothingWaits | Shown::NoAnswer => Light::Amber,
            },
        }
    }

    /// What a display shows.
    pub fn screen(&self, now: Uptime) -> Screen<'_> {
        match &self.state {
            State::Idle => Screen::Blank,
            State::Greeting { .. } | State::Pausing { .. } | State::Reporting { .. } => Screen::Working,
            State::Prompting(prompt) => Screen::Prompt {
                transaction: &prompt.transaction,
                seconds_left: u32::try_from(prompt.until.since(now).div_ceil(1000)).unwrap_or(u32::MAX),
                presses: prompt.key.presses(),
            },
            State::Showing { shown, .. } => Screen::Notice(*shown),
        }
    }

    /// The key goes down or up. While nothing is prompted, a press fetches what waits (pull); while a
    /// receipt is missing, it asks for that.
    pub fn handle_key(&mut self, now: Uptime, edge: Edge) {
        self.handle_timeout(now);
        self.finger_on_key = edge == Edge::Down;
        match (&mut self.state, edge) {
            (State::Prompting(prompt), edge) => {
                if let Some(decision) = prompt.key.edge(now, edge) {
                    self.decide(now, decision);
                }
            }
            (State::Showing { shown: Shown::Unknown, .. }, Edge::Down) => self.ask_again(now, 0),
            (State::Idle | State::Showing { .. }, Edge::Down) => self.greet(now, 0, 0),
            (State::Idle | State::Showing { .. }, Edge::Up)
            | (State::Greeting { .. } | State::Pausing { .. } | State::Reporting { .. }, _) => {}
        }
    }

    /// A deadline of [`Card::poll_timeout`] may have come.
    pub fn handle_timeout(&mut self, now: Uptime) {
        match &mut self.state {
            State::Idle | State::Showing { shown: Shown::Unknown, .. } => {}
            State::Greeting { until, .. } if now >= *until => self.show(now, Shown::NoAnswer),
            State::Pausing { until, sent_back } if now >= *until => {
                let sent_back = *sent_back;
                self.greet(now, sent_back, 0);
            }
            State::Prompting(prompt) => {
                // The key first: a press that ended in time counts even if its deadline was served late.
                let by_key = prompt.key.deadline().is_some_and(|deadline| deadline <= prompt.until);
                let decision = if by_key { prompt.key.timeout(now) } else { None };
                let lapsed = now >= prompt.until;
                match decision {
                    Some(decision) => self.decide(now, decision),
                    None if lapsed => self.decide(now, Decision::NotAnswered),
                    None => {}
                }
            }
            State::Reporting { until, repeats } if now >= *until => {
                let repeats = *repeats;
                if repeats < REPEATS_MAX {
                    self.ask_again(now, repeats + 1);
                } else {
                    self.show(now, Shown::Unknown);
                }
            }
            State::Showing { until, .. } if now >= *until => self.state = State::Idle,
            State::Greeting { .. }
            | State::Pausing { .. }
            | State::Reporting { .. }
            | State::Showing { .. } => {}
        }
    }

    /// The bearer says that the last hello arrived and that nothing answers it: no order waits.
    pub fn handle_nothing_waits(&mut self, now: Uptime) {
        if let State::Greeting { a: _, .. } = self.state {
            self.introduce();
            self.show(now, Shown::NothingWaits);
        }
    }

    /// Sends battery and firmware. Without a set clock nothing is sent: a hello comes first.
    pub fn send_status(&mut self, now: Uptime, firmware: u16) {
        let Some(clock) = self.clock.now(now) else { return };
        let Some(factor) = self.take_factor(Some(clock)) else { return };
        let text = StatusText { battery: self.battery, flags: 0, firmware };
        self.transmit(Kind::Status, false, false, false, factor, &[], &text.to_bytes());
    }

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

    /// S1 and S2. After the first retry the hello is full and wide; after the next ones Z is set as well.
    fn greet(&mut self, now: Uptime, sent_back: u8, clocks: u8) {
        let mut clock = self.clock.now(now);
        let mark_ahead = |clock: TimeFactor| {
            self.last_used.is_some_and(|mark| mark.seconds_after(clock) > MARK_AHEAD_SECONDS_MAX)
        };
        if sent_back >= 2 || clock.is_some_and(mark_ahead) {
            clock = None;
        }
        let Some(factor) = self.take_factor(clock) else { return };
        let (without_clock, full) = (clock.is_none(), sent_back > 0 || !self.flash.introduced);
        let information = self.element.information().to_bytes();
        let wide = without_clock || sent_back > 0;
        let (context, text): (&[u8], &[u8]) = if full { (&[], &information) } else { (&information, &[]) };
        self.transmit(Kind::Hello, wide, full, without_clock, factor, context, text);
        let until = now + self.limits.answer_millis;
        self.state = State::Greeting { a: factor, until, sent_back, clocks, without_clock };
    }

    /// max(now, last + 1), or last + 1 without a clock; stored before it is used.
    fn take_factor(&mut self, clock: Option<TimeFactor>) -> Option<TimeFactor> {
        let after_last = match self.last_used {
            Some(last) => last.next()?,
            None => TimeFactor::new(1)?,
        };
        let factor = clock.map_or(after_last, |clock| clock.max(after_last));
        self.last_used = Some(factor);
        if self.flash.uplink_mark.is_none_or(|mark| factor > mark) {
            let reserve = self.limits.reserve_seconds.min(300);
            self.flash.uplink_mark = TimeFactor::new(factor.seconds().saturating_add(reserve));
            self.store();
        }
        Some(factor)
    }

    fn store(&mut self) {
        self.act(Action::Store(self.flash.clone()));
    }

    fn act(&mut self, action: Action) {
        // Eight actions are never waiting: the shell drains after each event, which makes at most three.
        let _ = self.actions.push_back(action);
    }

    #[allow(clippy::too_many_arguments)] // The fields of a frame, each once.
    fn transmit(
        &mut self,
        kind: Kind,
        wide: bool,
        x: bool,
        z: bool,
        factor: TimeFactor,
        context: &[u8],
        text: &[u8],
    ) {
        let head = Head { kind, channel_on_air: self.limits.channel_on_air, wide, x, z };
        let link = self.element.link();
        if let Ok(frame) = seal(&self.element, &link, head, factor, &[context], text) {
            self.act(Action::Transmit(frame));
        }
    }

    /// A card obeys a retry only while it waits for the answer to a hello, and not for ever.
    fn handle_retry(&mut self, now: Uptime) -> Result<(), Ignored> {
        let State::Greeting { sent_back, .. } = self.state else { return Err(Ignored::NotAwaited) };
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

    fn is_above_mark(&self, b: TimeFactor) -> bool {
        self.flash.downlink_mark.is_none_or(|mark| b > mark)
    }

    /// S5.
    fn handle_transaction(&mut self, now: Uptime, frame: &Frame<'_>) -> Result<(), Ignored> {
        let b = self.complete(now, frame.factor)?;
        let awaited = match self.state {
            State::Greeting { a, .. } => Some(a),
            State::Idle
            | State::Pausing { .. }
            | State::Prompting(_)
            | State::Reporting { .. }
            | State::Showing { .. } => None,
        };
        let (transaction, context) = self.open_transaction(frame, b, awaited)?;
        if !self.is_above_mark(b) {
            return Err(Ignored::NotAboveMark);
        }
        match context.answering {
            Answering::Hello(_) => self.clock.set(now, b),
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
        self.flash.introduced = true;
        if let State::Prompting(prompt) = &self.state
            && prompt.key.is_touched()
        {
            // A finger that answers one question must not be taken for the answer to another.
            self.store();
            self.answer_busy(b, &context, &transaction);
            return Ok(());
        }
        self.flash.latched = None;
        self.store();
        let age = self.clock.now(now).map_or(0, |clock| clock.seconds_after(b).max(0));
        let left = i64::from(transaction.lifetime.seconds()).saturating_sub(age).max(0).unsigned_abs();
        let over_limit = self.is_over_limit(&transaction);
        let key = KeyReader::lit(now, self.finger_on_key);
        self.state = State::Prompting(Prompt { b, context, transaction, until: now + left * 1000, key });
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
    ) -> Result<(Transaction, TransactionContext), Ignored> {
        let information = self.element.information();
        let candidates = [awaited.map(Answering::Hello), Some(Answering::Nothing)];
        for answering in candidates.into_iter().flatten() {
            let context =
                TransactionContext { answering, number: information.number, holder: information.holder };
            match open(&self.element, &self.element.link(), frame, b, &[&context.to_bytes()]) {
                Ok(text) => return Ok((Transaction::from_bytes(&text)?, context)),
                Err(crate::OpenError::WrongCode) => {}
                Err(crate::OpenError::KeyUnavailable) => return Err(Ignored::ElementFailed),
            }
        }
        Err(Ignored::WrongCode)
    }

    fn is_over_limit(&self, transaction: &Transaction) -> bool {
        let amount = transaction.amount;
        self.limits.amount_minor_max.is_some_and(|max| amount.minor() > max)
            || self.limits.currency.is_some_and(|only| amount.currency() != only)
    }

    /// S6: the first decision is latched with the result's bytes, durably, and only then sent.
    fn decide(&mut self, now: Uptime, decision: Decision) {
        let State::Prompting(prompt) = &self.state else { return };
        let text = ResultText { decision, battery: self.battery };
        let (b, context, shown) = (prompt.b, prompt.context.to_bytes(), prompt.transaction.to_bytes());
        let Some(frame) = self.seal_result(b, &context, &shown, text) else {
            self.show(now, Shown::SentBack);
            return;
        };
        self.flash.latched = Some(Latched { b, text, frame: frame.clone() });
        self.store();
        self.act(Action::Transmit(frame));
        self.state = State::Reporting { until: now + self.limits.answer_millis, repeats: 0 };
    }

    fn answer_busy(&mut self, b: TimeFactor, context: &TransactionContext, transaction: &Transaction) {
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
    ) -> Option<crate::FrameBytes> {
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
    fn ask_again(&mut self, now: Uptime, repeats: u8) {
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

    fn handle_clock(&mut self, now: Uptime, frame: &Frame<'_>) -> Result<(), Ignored> {
        let State::Greeting { a, clocks, without_clock, .. } = self.state else {
            return Err(Ignored::NotAwaited);
        };
        let b = self.complete(now, frame.factor)?;
        match open(&self.element, &self.element.link(), frame, b, &[&a.seconds().to_be_bytes()]) {
            Ok(_) => {}
            Err(crate::OpenError::WrongCode) => return Err(Ignored::WrongCode),
            Err(crate::OpenError::KeyUnavailable) => return Err(Ignored::ElementFailed),
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
        let Some(latched) = &self.flash.latched else { return Err(Ignored::NotAwaited) };
        let b = frame.factor.complete(latched.b).ok_or(Ignored::WrongCode)?;
        if b != latched.b {
            return Err(Ignored::NotAwaited);
        }
        let link = self.element.link();
        let text = match open(&self.element, &link, frame, b, &[&latched.text.to_bytes()]) {
            Ok(text) => text,
            Err(crate::OpenError::WrongCode) => return Err(Ignored::WrongCode),
            Err(crate::OpenError::KeyUnavailable) => return Err(Ignored::ElementFailed),
        };
        let &[outcome] = text.as_slice() else { return Err(TextError::WrongLength.into()) };
        let outcome = Outcome::from_byte(outcome)?;
        self.flash.latched = None;
        self.store();
        // A receipt that comes late must not take the light from a newer question.
        if matches!(self.state, State::Reporting { .. } | State::Showing { .. } | State::Idle) {
            self.show(now, Shown::Receipt(outcome));
        }
        Ok(())
    }

    fn introduce(&mut self) {
        if !self.flash.introduced {
            self.flash.introduced = true;
            self.store();
        }
    }

    fn show(&mut self, now: Uptime, shown: Shown) {
        self.state = State::Showing { shown, until: now + NOTICE_MILLIS };
    }
}
