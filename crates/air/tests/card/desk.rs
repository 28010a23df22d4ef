//! A card on a desk: its clock is turned by hand, its radio is a tray of frames, and the platform's end is
//! made by hand from `air::platform`. Nothing waits, nothing sleeps.

use std::collections::VecDeque;

use air::card::{Action, Card, Edge, Flash, Ignored, Light, Limits, Screen, Shown, Uptime};
use air::platform::{self, DownlinkForm, Marks, Uplink, VerifiedHello, VerifiedResult};
use air::{
    Answering, Decision, Frame, FrameBytes, Kind, Link, Outcome, Transaction, TransactionContext, retry_frame,
};
use crypto::{CardKey, Suite};
use model::{CardInformation, TimeFactor, UnixMillis};

use crate::maker::{self, Element};

pub(crate) struct Desk {
    pub(crate) card: Card<Element>,
    pub(crate) limits: Limits,
    pub(crate) now: Uptime,
    /// The platform's time when the card was last switched on.
    switched_on: UnixMillis,
    /// What the card holds durably.
    pub(crate) flash: Flash,
    /// All that the card did, in order.
    pub(crate) actions: Vec<Action>,
    /// Uplinks that nobody took yet.
    tray: VecDeque<FrameBytes>,
    pub(crate) platform: Platform,
}

/// A transaction as the platform remembers it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) b: TimeFactor,
    pub(crate) context: TransactionContext,
    pub(crate) transaction: Transaction,
    pub(crate) frame: FrameBytes,
}

/// The platform's end for one card.
pub(crate) struct Platform {
    pub(crate) key: CardKey,
    pub(crate) link: Link,
    pub(crate) information: CardInformation,
    pub(crate) marks: Marks,
    pub(crate) form: DownlinkForm,
}

impl Platform {
    fn next_b(&mut self, now: UnixMillis) -> TimeFactor {
        let b = self.marks.next_downlink(now).unwrap();
        self.marks.downlink = Some(b);
        b
    }

    pub(crate) fn open_hello(&self, frame: &[u8], now: UnixMillis) -> VerifiedHello {
        let Ok(Uplink::Hello(hello)) = Uplink::parse(frame) else { panic!("the card sent no hello") };
        hello.verify(&self.link, &self.information, now, &self.key).unwrap()
    }

    /// A transaction for this card under the next B. A card that says it has no clock gets a wide one.
    pub(crate) fn answer(&mut self, hello: &VerifiedHello, order: &Transaction, now: UnixMillis) -> Sent {
        let form = DownlinkForm { wide: self.form.wide || !hello.clock_set(), ..self.form };
        let b = self.next_b(now);
        self.seal(b, form, maker::context(Answering::Hello(hello.factor())), order)
    }

    pub(crate) fn push(&mut self, order: &Transaction, now: UnixMillis) -> Sent {
        let b = self.next_b(now);
        self.seal(b, self.form, maker::context(Answering::Nothing), order)
    }

    pub(crate) fn seal(
        &self,
        b: TimeFactor,
        form: DownlinkForm,
        context: TransactionContext,
        order: &Transaction,
    ) -> Sent {
        let frame = platform::seal_transaction(&self.key, &self.link, form, b, &context, order).unwrap();
        Sent { b, context, transaction: order.clone(), frame }
    }

    pub(crate) fn clock(&mut self, hello: &VerifiedHello, now: UnixMillis) -> FrameBytes {
        let b = self.next_b(now);
        platform::seal_clock(&self.key, &self.link, self.form, b, hello.factor()).unwrap()
    }

    pub(crate) fn open_result(&self, frame: &[u8], sent: &Sent) -> VerifiedResult {
        let Ok(Uplink::Result(result)) = Uplink::parse(frame) else { panic!("the card sent no result") };
        result.verify(&self.link, sent.b, &sent.context, &sent.transaction, &self.key).unwrap()
    }

    pub(crate) fn receipt(&self, result: &VerifiedResult, outcome: Outcome) -> FrameBytes {
        platform::seal_receipt(&self.key, &self.link, self.form, result, outcome).unwrap()
    }
}

impl Desk {
    /// A card as it leaves its maker: nothing in its flash, and no clock.
    pub(crate) fn new() -> Self {
        Self::with(Limits { reserve_seconds: 0, ..Limits::default() }, Flash::default())
    }

    pub(crate) fn with(limits: Limits, flash: Flash) -> Self {
        Self {
            card: Card::new(Element::new(), limits.clone(), flash.clone()),
            limits,
            now: Uptime(0),
            switched_on: maker::evening(),
            flash,
            actions: Vec::new(),
            tray: VecDeque::new(),
            platform: Platform {
                key: maker::key(),
                link: maker::link(),
                information: maker::information(),
                marks: Marks::default(),
                form: DownlinkForm::default(),
            },
        }
    }

    /// A card that was greeted once: its clock is set to the platform's, nothing is shown.
    pub(crate) fn greeted() -> Self {
        Self::greeted_with(Limits { reserve_seconds: 0, ..Limits::default() })
    }

    pub(crate) fn greeted_with(limits: Limits) -> Self {
        let mut desk = Self::with(limits, Flash::default());
        desk.greet();
        desk
    }

    /// Presses, answers with the clock, and waits until the card shows nothing.
    pub(crate) fn greet(&mut self) {
        self.press();
        let hello = self.hello();
        let clock = self.platform.clock(&hello, self.time());
        self.hear(&clock).unwrap();
        self.after(10_000);
        assert_eq!(self.card.light(), Light::Off);
    }

    /// A card whose light is on for `order`, fetched by a press.
    pub(crate) fn prompted_for(order: &Transaction) -> (Self, Sent) {
        let mut desk = Self::greeted();
        let sent = desk.fetch(order);
        (desk, sent)
    }

    pub(crate) fn prompted() -> (Self, Sent) {
        Self::prompted_for(&maker::breakfast())
    }

    /// A press fetches `order`.
    pub(crate) fn fetch(&mut self, order: &Transaction) -> Sent {
        self.press();
        let hello = self.hello();
        let sent = self.platform.answer(&hello, order, self.time());
        self.hear(&sent.frame).unwrap();
        sent
    }

    /// The card's light is on, and its holder pressed once and let the key rest.
    pub(crate) fn agreed() -> (Self, Sent, FrameBytes) {
        let (mut desk, sent) = Self::prompted();
        desk.after(1_000);
        desk.press();
        desk.after(600);
        let result = desk.uplink();
        (desk, sent, result)
    }

    /// The platform's clock.
    pub(crate) fn time(&self) -> UnixMillis {
        self.switched_on.plus(i64::try_from(self.now.0).unwrap())
    }

    /// Time passes; every deadline is served when it comes.
    pub(crate) fn after(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(due) = self.card.poll_timeout().filter(|due| *due <= end) {
            let before = self.now;
            self.now = due.max(before);
            self.card.handle_timeout(self.now);
            self.drain();
            assert!(
                self.card.poll_timeout().is_none_or(|next| next > due),
                "a deadline that was served asks again: the card would never sleep"
            );
        }
        self.now = end;
    }

    /// Time passes and the shell oversleeps: no deadline is served.
    pub(crate) fn oversleep(&mut self, millis: u64) {
        self.now = self.now + millis;
    }

    pub(crate) fn key(&mut self, edge: Edge) {
        self.card.handle_key(self.now, edge);
        self.drain();
    }

    /// A press of 100 ms.
    pub(crate) fn press(&mut self) {
        self.key(Edge::Down);
        self.after(100);
        self.key(Edge::Up);
    }

    pub(crate) fn hold(&mut self, millis: u64) {
        self.key(Edge::Down);
        self.after(millis);
        self.key(Edge::Up);
    }

    /// A frame reaches the card.
    pub(crate) fn hear(&mut self, frame: &[u8]) -> Result<(), Ignored> {
        let heard = self.card.handle_frame(self.now, frame);
        self.drain();
        heard
    }

    pub(crate) fn hear_retry(&mut self) -> Result<(), Ignored> {
        self.hear(&retry_frame(Suite::Aes128Eax))
    }

    /// The battery is taken out and put in: what was not stored is lost.
    pub(crate) fn reset(&mut self) {
        self.switched_on = self.time();
        self.now = Uptime(0);
        let image = self.flash.to_bytes();
        self.flash = Flash::from_bytes(&image).unwrap();
        self.card = Card::new(Element::new(), self.limits.clone(), self.flash.clone());
    }

    /// Does the card's actions as its shell would.
    pub(crate) fn drain(&mut self) {
        while let Some(action) = self.card.poll_action() {
            match &action {
                Action::Store(flash) => self.flash = flash.clone(),
                Action::Transmit(frame) => self.tray.push_back(frame.clone()),
            }
            self.actions.push(action);
        }
    }

    /// The next uplink that nobody took yet.
    pub(crate) fn uplink(&mut self) -> FrameBytes {
        let frame = self.try_uplink();
        frame.unwrap_or_else(|| panic!("the card sent nothing"))
    }

    pub(crate) fn try_uplink(&mut self) -> Option<FrameBytes> {
        self.tray.pop_front()
    }

    /// The next uplink, which must be a hello with a right code.
    pub(crate) fn hello(&mut self) -> VerifiedHello {
        let frame = self.uplink();
        self.platform.open_hello(&frame, self.time())
    }

    /// The next uplink, which must answer `sent`.
    pub(crate) fn decision(&mut self, sent: &Sent) -> Decision {
        let frame = self.uplink();
        self.platform.open_result(&frame, sent).text().decision
    }

    pub(crate) fn sends_nothing(&self) -> bool {
        self.tray.is_empty()
    }

    pub(crate) fn shown(&self) -> Option<Shown> {
        match self.card.screen(self.now) {
            Screen::Notice(shown) => Some(shown),
            Screen::Blank | Screen::Working | Screen::Prompt { .. } => None,
        }
    }

    /// What the light is on for.
    pub(crate) fn prompt(&self) -> Option<&Transaction> {
        match self.card.screen(self.now) {
            Screen::Prompt { transaction, .. } => Some(transaction),
            Screen::Blank | Screen::Working | Screen::Notice(_) => None,
        }
    }

    pub(crate) fn presses(&self) -> Option<u8> {
        match self.card.screen(self.now) {
            Screen::Prompt { presses, .. } => Some(presses),
            Screen::Blank | Screen::Working | Screen::Notice(_) => None,
        }
    }
}

/// The outer form of a frame that somebody sent.
pub(crate) fn form(frame: &FrameBytes) -> Frame<'_> {
    Frame::parse(frame).unwrap()
}

pub(crate) fn is_hello(frame: &FrameBytes) -> bool {
    form(frame).kind == Kind::Hello
}
