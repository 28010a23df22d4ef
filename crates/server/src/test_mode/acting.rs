//! A software card acts: the card's own code, pressed in a time of its own, its frames carried to the fleet at once.
//!
//! A card is switched on for each question, with what its memory held; its key is a key store's, which alone has it. So the
//! platform sees what a real card's radio would bring: hello, result, the same bytes again.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use air::card::{
    Action, Card, Edge, Flash, GUARD_MILLIS, HOLD_NOT_ME_MILLIS, HOLD_REFUSE_MILLIS, Light, Limits,
    PRESS_GAP_MILLIS, Screen, SecureElement, Shown, Uptime,
};
use air::{FrameBytes, Link};
use crypto::{
    BoundKey, CardKeyReference, FrameCipher, FrameParameters, KeyStore, OpenError, VerificationCode,
};
use model::{CardId, CardInformation, UnixMillis};
use payment::{MerchantId, OrderId, PressCount, TestAnswer};
use store::{StoreError, StoredCard, StoredOrder, StoredTestCard, TestTask, Unit};

use super::turn::Name;
use super::{PressError, TestMode};
use crate::fleet::Heard;

/// How long a finger stays on the key, and off it between presses, in milliseconds of the card's time.
const PRESS_MILLIS: u64 = 150;
/// A card and the platform say no more to each other than this for one press.
const FRAMES_MAX: usize = 16;
/// How long a card that acts at another node is waited for: longer than a node that died holds it up.
const BUSY_WAIT: Duration = Duration::from_secs(10);
const BUSY_STEP: Duration = Duration::from_millis(20);

/// A card's secure element whose key is where all keys of the test mode are.
struct Element {
    keys: Arc<dyn KeyStore>,
    key: CardKeyReference,
    link: Link,
    information: CardInformation,
}

impl FrameCipher for Element {
    fn seal(&self, frame: &FrameParameters<'_>, text: &mut [u8]) -> Result<VerificationCode, OpenError> {
        BoundKey::new(self.keys.as_ref(), self.key).seal(frame, text)
    }

    fn open(
        &self,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
        code: &VerificationCode,
    ) -> Result<(), OpenError> {
        BoundKey::new(self.keys.as_ref(), self.key).open(frame, text, code)
    }
}

impl SecureElement for Element {
    fn link(&self) -> Link {
        self.link
    }

    fn information(&self) -> CardInformation {
        self.information
    }
}

/// What a card does next.
enum Step {
    /// Nothing.
    Rest,
    /// It answers this order.
    Answer(Box<Question>),
    /// It brings an answer that is too late.
    BringLate(Box<(StoredTestCard, StoredCard)>),
    /// It acts at another node.
    Elsewhere,
}

/// Where a card acted.
enum Acted {
    /// At this node; the order that was answered as its holder pressed.
    Here(Option<OrderId>),
    /// At another, or not at all.
    Elsewhere,
}

/// An order, and what a card does with it.
struct Question {
    test: StoredTestCard,
    card: StoredCard,
    order: StoredOrder,
    answer: TestAnswer,
}

impl TestMode {
    /// A card does all that it has to do now. `pressed` is what its holder does with the next order; the order that was
    /// answered so. What it does at another node is waited for.
    pub(crate) async fn act(
        &self,
        id: CardId,
        pressed: Option<TestAnswer>,
    ) -> Result<Option<OrderId>, StoreError> {
        let until = Instant::now() + BUSY_WAIT;
        loop {
            match self.act_here(id, pressed).await? {
                Acted::Here(answered) => return Ok(answered),
                // That node has it do what is to be done, or dies: then a later turn does.
                Acted::Elsewhere if Instant::now() >= until => return Ok(None),
                Acted::Elsewhere => tokio::time::sleep(BUSY_STEP).await,
            }
        }
    }

    /// The same, but that a card which acts at another node is left to it.
    pub(super) async fn act_where_free(&self, id: CardId) -> Result<(), StoreError> {
        self.act_here(id, None).await.map(|_| ())
    }

    async fn act_here(&self, id: CardId, mut pressed: Option<TestAnswer>) -> Result<Acted, StoreError> {
        let turn = self.turn_of(id).await;
        let (name, mut answered) = (turn.name(), None);
        // One more than can wait: each step ends an order, or is the last.
        for _ in 0..=self.app().rules().waiting_max.saturating_mul(2) {
            let (taken, now) = (pressed.take(), self.app().now());
            let step = self.app().write::<_, StoreError>(move |unit| {
                if !name.take(unit)? {
                    return Ok(Step::Elsewhere);
                }
                let step = choose(unit, id, taken, now)?;
                if matches!(step, Step::Rest) {
                    name.leave(unit)?;
                }
                Ok(step)
            });
            match step.await? {
                Step::Rest => return Ok(Acted::Here(answered)),
                Step::Elsewhere => return Ok(Acted::Elsewhere),
                Step::BringLate(card) => self.bring_late(name, &card.0, &card.1).await?,
                Step::Answer(question) => {
                    if taken.is_some() {
                        answered = Some(question.order.order.id);
                    }
                    if !self.answer(name, &question).await? {
                        // It could not be asked now; a later turn tries again.
                        break;
                    }
                    self.done(id, question.order.order.id).await?;
                }
            }
        }
        self.app().write::<_, StoreError>(move |unit| name.leave(unit)).await?;
        Ok(Acted::Here(answered))
    }

    /// Somebody presses a card: it answers the order that waits, whatever was said of it before.
    pub async fn press(
        &self,
        merchant: MerchantId,
        id: CardId,
        answer: TestAnswer,
    ) -> Result<OrderId, PressError> {
        let known = self.app().store().peek(|rows| rows.test_card(id))?;
        if known.is_none_or(|test| test.merchant != merchant) {
            return Err(PressError::NoSuchCard);
        }
        self.act(id, Some(answer)).await?.ok_or(PressError::NothingWaits)
    }

    async fn done(&self, id: CardId, order: OrderId) -> Result<(), StoreError> {
        let kept = self.app().write::<_, StoreError>(move |unit| {
            let Some(mut test) = unit.test_card(id)? else { return Ok(()) };
            if let Some(task) = test.task.as_mut().filter(|task| task.order == order) {
                task.done = true;
                unit.put_test_card(&test)?;
            }
            Ok(())
        });
        kept.await
    }

    /// Whether it was done; what was not is done later.
    async fn answer(&self, name: Name, question: &Question) -> Result<bool, StoreError> {
        match question.answer {
            TestAnswer::Silent => Ok(true),
            TestAnswer::Fail => {
                self.app().fail_order(question.order.order.id).await?;
                Ok(true)
            }
            TestAnswer::Agree
            | TestAnswer::Refuse
            | TestAnswer::NotMe
            | TestAnswer::WrongPresses
            | TestAnswer::OverLimit
            | TestAnswer::Unanswered
            | TestAnswer::Late
            | TestAnswer::Repeat => self.press_for(name, question).await,
        }
    }

    async fn press_for(&self, name: Name, question: &Question) -> Result<bool, StoreError> {
        let Question { test, card, order, answer } = question;
        let mut hand = Hand::take(self, name, (test, card), *answer)?;
        if hand.has_decided() {
            // It was stopped on its way: its first decision is all that it ever sends.
            return if *answer == TestAnswer::Late { Ok(true) } else { hand.ask_again().await };
        }
        if !hand.fetch().await? {
            return Ok(false);
        }
        let told = order.order.presses.map(PressCount::get);
        match answer {
            // The card itself has answered.
            TestAnswer::OverLimit => return Ok(true),
            TestAnswer::Unanswered => return Ok(true),
            TestAnswer::Agree | TestAnswer::Late | TestAnswer::Repeat => hand.press(told.unwrap_or(1)),
            TestAnswer::WrongPresses => hand.press(if told == Some(2) { 3 } else { 2 }),
            TestAnswer::Refuse => hand.hold(HOLD_REFUSE_MILLIS + PRESS_MILLIS),
            TestAnswer::NotMe => hand.hold(HOLD_NOT_ME_MILLIS),
            TestAnswer::Silent | TestAnswer::Fail => return Ok(true),
        }
        let frames = hand.drain().await?;
        if *answer == TestAnswer::Late {
            // Decided, durable, and lost on its way.
            return Ok(true);
        }
        for frame in &frames {
            hand.carry(frame).await?;
            if *answer == TestAnswer::Repeat {
                hand.carry(frame).await?;
            }
        }
        hand.converse().await?;
        Ok(true)
    }

    /// The order's time is over, and the answer arrives.
    async fn bring_late(
        &self,
        name: Name,
        test: &StoredTestCard,
        card: &StoredCard,
    ) -> Result<(), StoreError> {
        let mut hand = Hand::take(self, name, (test, card), TestAnswer::Late)?;
        if hand.has_decided() {
            hand.ask_again().await?;
        }
        let (id, of) = (test.card, test.task.map(|task| task.order));
        let kept = self.app().write::<_, StoreError>(move |unit| {
            let Some(mut test) = unit.test_card(id)? else { return Ok(()) };
            if test.task.map(|task| task.order) == of {
                test.task = None;
                unit.put_test_card(&test)?;
            }
            Ok(())
        });
        kept.await
    }
}

/// What a card does next, and that it does: of the orders that wait for it the first comes first, and none before the one
/// that it is about has ended.
fn choose(
    unit: &mut dyn Unit,
    id: CardId,
    pressed: Option<TestAnswer>,
    now: UnixMillis,
) -> Result<Step, StoreError> {
    let (Some(mut test), Some(card)) = (unit.test_card(id)?, unit.card(id)?) else { return Ok(Step::Rest) };
    let waiting = unit.waiting_orders(id)?;
    if let Some(task) = test.task {
        match waiting.iter().find(|stored| stored.order.id == task.order) {
            Some(order) if !task.done => {
                return Ok(question(test.clone(), card, order.clone(), task.answer));
            }
            Some(order) => {
                // A light that is on can be pressed; an answer that is on its way cannot be called back.
                let Some(answer) = pressed.filter(|_| task.answer != TestAnswer::Late) else {
                    return Ok(Step::Rest);
                };
                test.task = Some(TestTask { answer, done: false, ..task });
                unit.put_test_card(&test)?;
                return Ok(question(test.clone(), card, order.clone(), answer));
            }
            None if task.done && task.answer == TestAnswer::Late => {
                return Ok(Step::BringLate(Box::new((test, card))));
            }
            None => test.task = None,
        }
    }
    let first = waiting.into_iter().find(|stored| stored.order.expires_at > now);
    let Some(order) = first else { return Ok(Step::Rest) };
    let scripted = if pressed.is_none() { test.answers.first().copied() } else { None };
    let Some(answer) = pressed.or(scripted).or(test.habit.answer(order.order.amount)) else {
        return Ok(Step::Rest);
    };
    if scripted.is_some() {
        test.answers.remove(0);
    }
    test.task = Some(TestTask { order: order.order.id, answer, done: false });
    unit.put_test_card(&test)?;
    Ok(question(test, card, order, answer))
}

fn question(test: StoredTestCard, card: StoredCard, order: StoredOrder, answer: TestAnswer) -> Step {
    Step::Answer(Box::new(Question { test, card, order, answer }))
}

/// A card in its holder's hand. Its time passes as the hand says, and begins when the card is switched on.
struct Hand<'t> {
    mode: &'t TestMode,
    turn: Name,
    id: CardId,
    card: Card<Element>,
    decided: bool,
    now: Uptime,
    address: String,
}

impl<'t> Hand<'t> {
    fn take(
        mode: &'t TestMode,
        turn: Name,
        (test, card): (&StoredTestCard, &StoredCard),
        answer: TestAnswer,
    ) -> Result<Self, StoreError> {
        let flash = Flash::from_bytes(&test.memory).map_err(|_| StoreError::Malformed("test_card.memory"))?;
        let element = Element {
            keys: mode.inner.keys.clone(),
            key: card.key(),
            link: card.link(),
            information: card.record.information,
        };
        let limits = Limits {
            amount_minor_max: (answer == TestAnswer::OverLimit).then_some(0),
            // Each start takes the next factor: many starts a minute must not run ahead.
            reserve_seconds: 0,
            ..Limits::default()
        };
        Ok(Self {
            mode,
            turn,
            id: test.card,
            decided: flash.latched.is_some(),
            card: Card::new(element, limits, flash),
            now: Uptime(0),
            address: format!("test:{}", test.card),
        })
    }

    /// Whether a decision's receipt never came.
    fn has_decided(&self) -> bool {
        self.decided
    }

    fn pass(&mut self, millis: u64) {
        self.now = self.now + millis;
        self.card.handle_timeout(self.now);
    }

    fn edge(&mut self, edge: Edge) {
        self.card.handle_key(self.now, edge);
    }

    /// S1 to S5: the card fetches what waits. Whether it was asked.
    async fn fetch(&mut self) -> Result<bool, StoreError> {
        self.edge(Edge::Down);
        self.pass(PRESS_MILLIS);
        self.edge(Edge::Up);
        self.converse().await?;
        let answered = matches!(self.card.screen(self.now), Screen::Notice(Shown::Receipt(_)));
        Ok(answered || self.card.light() == Light::Prompt)
    }

    /// A decision whose receipt never came is sent again, as it is.
    async fn ask_again(&mut self) -> Result<bool, StoreError> {
        self.edge(Edge::Down);
        self.pass(PRESS_MILLIS);
        self.edge(Edge::Up);
        self.converse().await?;
        Ok(true)
    }

    fn press(&mut self, presses: u8) {
        self.pass(GUARD_MILLIS + PRESS_MILLIS);
        for _ in 0..presses {
            self.edge(Edge::Down);
            self.pass(PRESS_MILLIS);
            self.edge(Edge::Up);
            self.pass(PRESS_MILLIS);
        }
        self.pass(PRESS_GAP_MILLIS);
    }

    fn hold(&mut self, millis: u64) {
        self.pass(GUARD_MILLIS + PRESS_MILLIS);
        self.edge(Edge::Down);
        self.pass(millis);
        self.edge(Edge::Up);
    }

    /// What the card wants to be done, in order: what it stores is durable before a frame of it goes.
    async fn drain(&mut self) -> Result<Vec<FrameBytes>, StoreError> {
        let mut frames = Vec::new();
        while let Some(action) = self.card.poll_action() {
            match action {
                Action::Store(flash) => {
                    let (id, turn, memory) = (self.id, self.turn, flash.to_bytes());
                    let kept = self.mode.app().write::<_, StoreError>(move |unit| {
                        // Whoever has lost the turn says nothing more: the card's memory is another's by now.
                        if !turn.renew(unit)? {
                            return Err(StoreError::Closed);
                        }
                        unit.put_test_card_memory(id, &memory)
                    });
                    kept.await?;
                }
                Action::Transmit(frame) => frames.push(frame),
            }
        }
        Ok(frames)
    }

    /// A frame goes to the fleet, and the card hears the answer.
    async fn carry(&mut self, frame: &FrameBytes) -> Result<(), StoreError> {
        let heard = Heard::plain(frame, &self.address, IpAddr::V4(Ipv4Addr::LOCALHOST));
        let mut sent = None;
        let fleet = self.mode.fleet();
        if fleet.uplink(heard, |answer| sent = Some(answer.frame)).await.is_err() {
            // Nothing of it happened; a later turn brings it again.
            return Err(StoreError::Closed);
        }
        if let Some(answer) = sent
            && let Err(ignored) = self.card.handle_frame(self.now, &answer)
        {
            tracing::debug!(?ignored, "a test card heard what changed nothing");
        }
        Ok(())
    }

    /// Until neither has anything to say.
    async fn converse(&mut self) -> Result<(), StoreError> {
        for _ in 0..FRAMES_MAX {
            let frames = self.drain().await?;
            if frames.is_empty() {
                return Ok(());
            }
            for frame in frames {
                self.carry(&frame).await?;
            }
        }
        Ok(())
    }
}
