//! The driver: turns messages into APDUs and back, for one transaction with one card. Sans-IO.
//!
//! For: balance, load, supplementary load and activation of an electronic purse (JR/T 0025), as its
//! [`DriverPack`] says. It runs any list of commands that the bank sends, so that a new flow needs no new terminal.
//! Refuses: keys, clocks, sockets and readers. It resends nothing, decides nothing about money, and loses no
//! output: what the card said once a list ran is told to the bank, even if the card is gone.
//!
//! **The contract.** Call [`Driver::open`], do what [`Driver::need`] says, tell how that went, ask again; until
//! [`Need::End`]. Calls that do not fit the moment (an answer that comes late) change nothing.
//! Next: [`crate::application`] is the loop that does so.

mod case;
mod exchange;
mod opening;
mod reading;
mod report;
mod run;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

pub use opening::Opening;
pub use report::{Report, read_end};

use zeroize::Zeroize;

use case::Case;
use reading::Reading;
use run::{Run, Stopped};

use crate::Outcome;
use crate::message::{Authorize, Body, CommandList, End, Message, Transaction};
use crate::pack::DriverPack;

/// What the driver needs next.
#[derive(Clone, PartialEq, Eq)]
pub enum Need {
    /// A card in the field; [`Driver::card_presented`] says that it is there.
    PresentCard,
    /// This command to the card; [`Driver::answered`] gives what it said.
    Transmit(Vec<u8>),
    /// This message to the bank; [`Driver::received`] gives the answer, [`Driver::unanswered`] says that none came.
    Send {
        /// As it stands.
        message: String,
        /// What becomes of the card meanwhile.
        card: CardNeed,
    },
    /// Nothing more: this is how it ended.
    End(String),
}

impl Need {
    /// A command may hold the card's own PIN and a message an SMS code.
    fn wipe(self) {
        match self {
            Self::Transmit(mut apdu) => apdu.zeroize(),
            Self::Send { mut message, card: _ } => message.zeroize(),
            Self::PresentCard | Self::End(_) => {}
        }
    }
}

/// Shows which command or message it is, and nothing of what it holds.
impl fmt::Debug for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PresentCard => f.write_str("PresentCard"),
            Self::Transmit(apdu) => write!(f, "Transmit({:02x?}…)", &apdu[..apdu.len().min(4)]),
            Self::Send { message, card } => {
                write!(f, "Send({:?}…, {card:?})", message.get(..11).unwrap_or_default())
            }
            Self::End(text) => f.debug_tuple("End").field(text).finish(),
        }
    }
}

/// What becomes of the card while a message is with the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardNeed {
    /// It stays in the field: what the bank answers is for it as it is now.
    Waits,
    /// It is not wanted yet.
    NotYet,
    /// It is not wanted any more and may be taken away.
    Done,
}

/// A driver as the application sees it.
pub trait DriverEnd {
    /// Begins a transaction with what the holder gave.
    fn open(&mut self, text: &str);
    /// What it needs now; the same until something is told.
    fn need(&mut self) -> Need;
    /// A card is in the field.
    fn card_presented(&mut self);
    /// What the card answered.
    fn answered(&mut self, answer: &[u8]);
    /// The card is gone, or there was none.
    fn card_gone(&mut self);
    /// What the bank answered.
    fn received(&mut self, text: &str);
    /// The bank did not answer.
    fn unanswered(&mut self);
    /// The transaction must come to its end because of this. Where the bank may have set money aside, the
    /// driver says that instead; where a list runs, it first tells the bank how far it came.
    fn stop(&mut self, why: Outcome);
}

/// One transaction of the electronic purse.
pub struct Driver {
    pack: Arc<DriverPack>,
    state: State,
    need: Need,
}

enum State {
    /// Nothing was begun.
    New,
    /// `authorize` is with the bank.
    Authorizing(Box<Case>),
    /// Waits for a card.
    Presenting(Box<Case>),
    /// Asks the card what `card` must say.
    Reading(Box<Case>, Reading),
    /// `card` is with the bank.
    Deciding(Box<Case>),
    /// A list of the bank runs.
    Running(Box<Case>, Run),
    /// `outputs` are with the bank.
    Reporting(Box<Case>),
    /// [`Need::End`] says how.
    Ended,
}

enum Event<'a> {
    Opened(&'a str),
    CardPresented,
    Answered(&'a [u8]),
    CardGone,
    Received(&'a str),
    Unanswered,
    Stopped(Outcome),
}

/// The state after an event, and the need where it is another than before.
type Turn = (State, Option<Need>);

impl Driver {
    /// A driver for one transaction of the pack's industry.
    pub fn new(pack: Arc<DriverPack>) -> Self {
        let nothing_opened = end_text(&pack, Transaction::Balance, End::of(Outcome::Malformed));
        Self { pack, state: State::New, need: Need::End(nothing_opened) }
    }

    /// Begins with an opening message; see [`Opening`]. A driver does one transaction: a second opening is ignored.
    pub fn open(&mut self, text: &str) {
        self.handle(Event::Opened(text));
    }

    /// What the driver needs now; the same until something is told. Before an opening, the end `malformed`.
    pub fn need(&mut self) -> Need {
        self.need.clone()
    }

    /// A card is in the field. Where one was, what it held open is lost with it.
    pub fn card_presented(&mut self) {
        self.handle(Event::CardPresented);
    }

    /// What the card answered, with its status word. Less than two bytes: it is gone.
    pub fn answered(&mut self, answer: &[u8]) {
        self.handle(Event::Answered(answer));
    }

    /// The card is gone, or none came.
    pub fn card_gone(&mut self) {
        self.handle(Event::CardGone);
    }

    /// What the bank answered, as it stands.
    pub fn received(&mut self, text: &str) {
        self.handle(Event::Received(text));
    }

    /// The bank's answer did not come. The end says `unanswered` where money may be set aside, else `server_away`.
    pub fn unanswered(&mut self) {
        self.handle(Event::Unanswered);
    }

    /// The transaction must come to its end; see [`DriverEnd::stop`].
    pub fn stop(&mut self, why: Outcome) {
        self.handle(Event::Stopped(why));
    }

    fn handle(&mut self, event: Event<'_>) {
        let pack = &*self.pack;
        let state = core::mem::replace(&mut self.state, State::Ended);
        let (state, need) = match (state, event) {
            (State::New, Event::Opened(text)) => open(pack, text),
            (State::New, Event::Stopped(why)) => ended(pack, Transaction::Balance, End::of(why)),

            (State::Authorizing(case), Event::Received(text)) => authorized(pack, case, text),
            (State::Authorizing(case), Event::Unanswered) => cut_short(pack, &case, Outcome::ServerAway),
            (State::Authorizing(case) | State::Presenting(case), Event::Stopped(why)) => {
                cut_short(pack, &case, why)
            }

            // A card put on anew while it is read is read anew: nothing was sent, and nothing is lost.
            (State::Presenting(case) | State::Reading(case, _), Event::CardPresented) => {
                reading(pack, case, reading::Turn::Ask(Reading::begin(pack)))
            }
            (State::Reading(case, asked), Event::Answered(answer)) => {
                let turn = asked.answered(pack, &case, answer);
                reading(pack, case, turn)
            }
            (State::Presenting(case) | State::Reading(case, _), Event::CardGone) => {
                cut_short(pack, &case, Outcome::CardGone)
            }
            (State::Reading(case, _), Event::Stopped(why)) => cut_short(pack, &case, why),

            (State::Running(case, run), Event::Answered(answer)) => {
                let turn = run.answered(answer);
                running(pack, case, turn)
            }
            (State::Running(case, run), Event::CardGone | Event::CardPresented | Event::Stopped(_)) => {
                running(pack, case, run::Turn::Stopped(run.card_gone()))
            }

            (State::Deciding(case) | State::Reporting(case), Event::Received(text)) => {
                decided(pack, case, text)
            }
            (State::Deciding(case) | State::Reporting(case), Event::Unanswered) => {
                cut_short(pack, &case, Outcome::ServerAway)
            }
            (State::Deciding(case) | State::Reporting(case), Event::Stopped(why)) => {
                cut_short(pack, &case, why)
            }
            (State::Deciding(mut case), Event::CardGone | Event::CardPresented) => {
                case.card_waits = false;
                (State::Deciding(case), None)
            }
            (State::Reporting(mut case), Event::CardGone | Event::CardPresented) => {
                case.card_waits = false;
                (State::Reporting(case), None)
            }

            // What comes late, early or twice changes nothing.
            (
                state @ State::New,
                Event::CardPresented
                | Event::Answered(_)
                | Event::CardGone
                | Event::Received(_)
                | Event::Unanswered,
            )
            | (
                state @ State::Authorizing(_),
                Event::Opened(_) | Event::CardPresented | Event::Answered(_) | Event::CardGone,
            )
            | (
                state @ State::Presenting(_),
                Event::Opened(_) | Event::Answered(_) | Event::Received(_) | Event::Unanswered,
            )
            | (
                state @ (State::Reading(..) | State::Running(..)),
                Event::Opened(_) | Event::Received(_) | Event::Unanswered,
            )
            | (state @ (State::Deciding(_) | State::Reporting(_)), Event::Opened(_) | Event::Answered(_))
            | (
                state @ State::Ended,
                Event::Opened(_)
                | Event::CardPresented
                | Event::Answered(_)
                | Event::CardGone
                | Event::Received(_)
                | Event::Unanswered
                | Event::Stopped(_),
            ) => (state, None),
        };
        self.state = state;
        if let Some(need) = need {
            core::mem::replace(&mut self.need, need).wipe();
        }
    }
}

impl DriverEnd for Driver {
    fn open(&mut self, text: &str) {
        Self::open(self, text);
    }
    fn need(&mut self) -> Need {
        Self::need(self)
    }
    fn card_presented(&mut self) {
        Self::card_presented(self);
    }
    fn answered(&mut self, answer: &[u8]) {
        Self::answered(self, answer);
    }
    fn card_gone(&mut self) {
        Self::card_gone(self);
    }
    fn received(&mut self, text: &str) {
        Self::received(self, text);
    }
    fn unanswered(&mut self) {
        Self::unanswered(self);
    }
    fn stop(&mut self, why: Outcome) {
        Self::stop(self, why);
    }
}

impl<D: DriverEnd + ?Sized> DriverEnd for Box<D> {
    fn open(&mut self, text: &str) {
        (**self).open(text);
    }
    fn need(&mut self) -> Need {
        (**self).need()
    }
    fn card_presented(&mut self) {
        (**self).card_presented();
    }
    fn answered(&mut self, answer: &[u8]) {
        (**self).answered(answer);
    }
    fn card_gone(&mut self) {
        (**self).card_gone();
    }
    fn received(&mut self, text: &str) {
        (**self).received(text);
    }
    fn unanswered(&mut self) {
        (**self).unanswered();
    }
    fn stop(&mut self, why: Outcome) {
        (**self).stop(why);
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("industry", &self.pack.code)
            .field("need", &self.need)
            .finish_non_exhaustive()
    }
}

/// Reads the opening, and refuses what can be refused without a card and without the bank.
fn open(pack: &DriverPack, text: &str) -> Turn {
    let case = match Case::open(pack, text) {
        Ok(case) => Box::new(case),
        Err((transaction, outcome)) => return ended(pack, transaction, End::of(outcome)),
    };
    match case.transaction {
        Transaction::Balance | Transaction::SupplementaryLoad => present(case),
        Transaction::Load | Transaction::Activation => authorize(pack, case),
    }
}

fn present(case: Box<Case>) -> Turn {
    (State::Presenting(case), Some(Need::PresentCard))
}

fn authorize(pack: &DriverPack, mut case: Box<Case>) -> Turn {
    let (Some(asn), Some(pin)) = (case.opening.asn, case.opening.pin.take()) else {
        return cut_short(pack, &case, Outcome::Malformed);
    };
    let (amount, sms) = (case.opening.amount, case.opening.sms.take());
    let body = Body::Authorize(Authorize { asn, amount, sms, pin, pack_version: pack.version });
    let message = text(pack, case.transaction, body);
    (State::Authorizing(case), Some(Need::Send { message, card: CardNeed::NotYet }))
}

fn authorized(pack: &DriverPack, mut case: Box<Case>, text: &str) -> Turn {
    match of_this(pack, &case, text) {
        Some(Body::Authorized(authorized)) => {
            case.authorization = Some(authorized.reference);
            present(case)
        }
        Some(Body::End(_)) => (State::Ended, Some(Need::End(text.into()))),
        Some(Body::Open(_) | Body::Authorize(_) | Body::Card(_) | Body::Commands(_) | Body::Outputs(_))
        | None => cut_short(pack, &case, Outcome::Malformed),
    }
}

fn reading(pack: &DriverPack, mut case: Box<Case>, turn: reading::Turn) -> Turn {
    match turn {
        reading::Turn::Ask(reading) => {
            let need = Need::Transmit(reading.sent());
            (State::Reading(case, reading), Some(need))
        }
        reading::Turn::Tell(card) => {
            case.card_was_told(&card);
            let message = text(pack, case.transaction, Body::Card(card));
            (State::Deciding(case), Some(Need::Send { message, card: CardNeed::Waits }))
        }
        reading::Turn::End(end) => ended(pack, case.transaction, end),
    }
}

/// The bank answered `card` or `outputs`.
fn decided(pack: &DriverPack, mut case: Box<Case>, text: &str) -> Turn {
    match of_this(pack, &case, text) {
        Some(Body::Commands(list)) if case.takes(&list) => {
            let turn = start(&case, list);
            running(pack, case, turn)
        }
        Some(Body::End(_)) => (State::Ended, Some(Need::End(text.into()))),
        Some(
            Body::Open(_)
            | Body::Authorize(_)
            | Body::Authorized(_)
            | Body::Card(_)
            | Body::Commands(_)
            | Body::Outputs(_),
        )
        | None => cut_short(pack, &case, Outcome::Malformed),
    }
}

fn start(case: &Case, list: CommandList) -> run::Turn {
    match Run::begin(list) {
        run::Turn::Ask(run) if !case.card_waits => run::Turn::Stopped(run.card_gone()),
        turn @ (run::Turn::Ask(_) | run::Turn::Stopped(_)) => turn,
    }
}

fn running(pack: &DriverPack, mut case: Box<Case>, turn: run::Turn) -> Turn {
    match turn {
        run::Turn::Ask(run) => {
            let need = Need::Transmit(run.sent());
            (State::Running(case, run), Some(need))
        }
        run::Turn::Stopped(Stopped { outputs, card, credited }) => {
            case.credited |= credited;
            case.card_waits = card == CardNeed::Waits;
            let message = text(pack, case.transaction, Body::Outputs(outputs));
            (State::Reporting(case), Some(Need::Send { message, card }))
        }
    }
}

/// What the bank said, where it is about this transaction of this industry.
fn of_this(pack: &DriverPack, case: &Case, text: &str) -> Option<Body> {
    let message = Message::parse(text).ok()?;
    let ours = message.industry == pack.code && message.transaction == case.transaction;
    ours.then_some(message.body)
}

/// Ends without the bank's word.
fn cut_short(pack: &DriverPack, case: &Case, why: Outcome) -> Turn {
    ended(pack, case.transaction, case.end_without_word(why))
}

fn ended(pack: &DriverPack, transaction: Transaction, end: End) -> Turn {
    (State::Ended, Some(Need::End(end_text(pack, transaction, end))))
}

fn end_text(pack: &DriverPack, transaction: Transaction, end: End) -> String {
    text(pack, transaction, Body::End(end))
}

fn text(pack: &DriverPack, transaction: Transaction, body: Body) -> String {
    Message { industry: pack.code, transaction, body }.to_text()
}
