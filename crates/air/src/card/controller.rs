//! The main controller: one `match (state, event)` over greeting, prompting, reporting and showing.

mod downlink;
mod hello;
mod result;

use model::{Decision, Outcome, TimeFactor};

use super::clock::Clock;
use super::display::{Light, Screen, Shown};
use super::flash::Flash;
use super::key::{Edge, KeyReader};
use super::limits::Limits;
use super::{Action, SecureElement, Uptime};
use crate::text::{BATTERY_FULL, Transaction, TransactionContext};

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

#[derive(Debug)]
enum State {
    Idle,
    /// A hello was sent: its factor, and until when an answer to it counts.
    Greeting {
        a: TimeFactor,
        until: Uptime,
        sent_back: u8,
        clocks: u8,
        without_clock: bool,
    },
    /// Sent back to S1; the next hello goes out at `until`.
    Pausing {
        until: Uptime,
        sent_back: u8,
    },
    /// The light is on.
    Prompting(Prompt),
    /// The result was sent; its receipt is awaited.
    Reporting {
        until: Uptime,
        repeats: u8,
    },
    /// Something is shown for a while. `Unknown` stays until a press, a receipt or a newer transaction.
    Showing {
        shown: Shown,
        until: Uptime,
    },
}

#[derive(Debug)]
struct Prompt {
    b: TimeFactor,
    context: TransactionContext,
    transaction: Transaction,
    until: Uptime,
    key: KeyReader,
    /// A hello that a push crossed: its answer is still on its way.
    greeted: Option<Greeted>,
}

/// A hello whose answer counts until then.
#[derive(Clone, Copy, Debug)]
struct Greeted {
    a: TimeFactor,
    until: Uptime,
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
    /// The holder has asked for the missing receipt: the next press says hello instead.
    asked_for_receipt: bool,
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
            asked_for_receipt: false,
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
            State::Greeting { until, .. } | State::Pausing { until, .. } | State::Reporting { until, .. } => {
                Some(*until)
            }
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
    /// receipt is missing, it asks for that, and the next press fetches again: a platform that never answers
    /// one result (restored from an old backup) must not lock the card.
    pub fn handle_key(&mut self, now: Uptime, edge: Edge) {
        self.handle_timeout(now);
        self.finger_on_key = edge == Edge::Down;
        match (&mut self.state, edge) {
            (State::Prompting(prompt), edge) => {
                if let Some(decision) = prompt.key.edge(now, edge) {
                    self.decide(now, decision);
                }
            }
            (State::Showing { shown: Shown::Unknown, .. }, Edge::Down) if !self.asked_for_receipt => {
                self.asked_for_receipt = true;
                self.ask_again(now, 0);
            }
            (State::Idle | State::Showing { .. }, Edge::Down) => {
                self.asked_for_receipt = false;
                self.greet(now, 0, 0);
            }
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
            // What is still unknown is shown again once the notice is over.
            State::Showing { until, .. } if now >= *until => match self.flash.latched {
                Some(_) => self.show(now, Shown::Unknown),
                None => self.state = State::Idle,
            },
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

    fn store(&mut self) {
        self.act(Action::Store(self.flash.clone()));
    }

    fn act(&mut self, action: Action) {
        // Eight actions are never waiting: the shell drains after each event, which makes at most five.
        let _ = self.actions.push_back(action);
    }

    fn show(&mut self, now: Uptime, shown: Shown) {
        self.state = State::Showing { shown, until: now + NOTICE_MILLIS };
    }
}
